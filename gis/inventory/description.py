"""The description file: one TOML that says what the user's files mean. Every key is documented on its field.

Nothing here opens a data file; paths are kept as written, relative to the description file.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.errors import GisError, InvalidDescription
from gis.regions.roles import Role
from gis.species import CROSSWALKS
from gis.units import split_heading, unit

__all__ = [
    "AmountColumn",
    "Columns",
    "DeclaredSector",
    "DeclaredSpecies",
    "Description",
    "FieldFile",
    "GeometryJoin",
    "Kind",
    "LongAmounts",
    "OffGrid",
    "Part",
    "Region",
    "Replaces",
    "Select",
    "Surrogate",
    "read_description",
]


def _known_unit(text: str) -> str:
    try:
        unit(text)
    except GisError as error:
        raise ValueError(str(error)) from error
    return text


UnitText = Annotated[str, AfterValidator(_known_unit)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Files = list[str] | str


class Kind(StrEnum):
    """What a part's sources are."""

    POINT = "point"
    LINE = "line"
    AREA = "area"
    GRIDDED = "gridded"


class OffGrid(StrEnum):
    """What happens to what lies outside the grid."""

    KEEP = "keep"  # its mass stands in the ledger as outside
    ERROR = "error"
    NEAREST = "nearest"  # points: the nearest cell takes it, and the report says so
    RENORMALISE = "renormalise"  # lines and areas: the part inside takes all of a source's mass, and the report says so


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclaredSpecies(_Table):
    """``[[species]]``: a species beyond the known ones."""

    code: Code = Field(description="short code for fields and URLs, such as oc")
    name: Name = Field(description="the name the files use")
    name_zh: str = Field("", description="Chinese name")
    basis: str = Field("", description="what a tonne of it is a tonne of, such as 'as C'")
    molar_mass_g: float | None = Field(None, gt=0, description="grams per mole; needed only for amounts in moles")


class DeclaredSector(_Table):
    """``[[sectors]]``: a sector beyond the twelve."""

    code: Code = Field(description="short code for fields and URLs, such as aviation")
    name: Name = Field(description="English name")
    name_zh: str = Field("", description="Chinese name")


class Columns(_Table):
    """``[parts.columns]``: which heading holds what. Headings are quoted exactly as in the file, unit included."""

    id: str | None = Field(
        None,
        description="source id; without it, the code of [parts.geometry], else rows are numbered within their file",
    )
    x: str | None = Field(None, description="easting or longitude, in the part's crs or datum")
    y: str | None = Field(None, description="northing or latitude")
    wkt: str | None = Field(None, description="geometry as WKT, instead of x and y")
    name_zh: str | None = Field(None, description="Chinese name of the source")
    name_en: str | None = Field(None, description="English name of the source")
    industry: str | None = Field(None, description="industry, as the owner files it")
    owner_code: str | None = Field(None, description="the owner's code (such as 统一社会信用代码)")
    capacity: str | None = Field(None, description="production or generating capacity, a number")
    supply_security: str | None = Field(
        None, description="true where the source secures supply (保供): 1, true, yes, 是"
    )
    region: str | None = Field(None, description="code of the region the source states to lie in")
    sector: str | None = Field(None, description="sector of the row; else the part's `sector`")
    year: str | None = Field(None, description="year of the row; else the part's `year`")


class AmountColumn(_Table):
    """``[[parts.amounts]]``: one column of amounts in a wide table."""

    column: str = Field(description="heading, exactly as in the file")
    species: str = Field(description="species of the column")
    unit: UnitText | None = Field(None, description="unit; else the one written in the heading")
    sector: str | None = Field(None, description="sector of this column; else the row's or the part's")
    year: int | None = Field(None, description="year of this column; else the row's or the part's")


class LongAmounts(_Table):
    """``[parts.long]``: a long table, one amount a row."""

    value: str = Field(description="heading of the amounts")
    species: str = Field(description="heading of the species")
    unit: UnitText | None = Field(None, description="one unit for all rows")
    unit_column: str | None = Field(None, description="heading of the unit, where it varies")

    @model_validator(mode="after")
    def _one_unit(self) -> LongAmounts:
        if self.unit is not None and self.unit_column is not None:
            raise ValueError("give unit or unit_column, not both")
        return self


class Select(_Table):
    """``[[parts.select]]`` and ``[[parts.totals]]``: rows by the value of one column."""

    column: str = Field(description="heading")
    values: list[str] | None = Field(None, description="one of these; * stands for any text")
    not_values: list[str] | None = Field(None, description="none of these; * stands for any text")
    min: float | None = Field(None, description="a number of at least this")
    max: float | None = Field(None, description="a number of at most this")
    missing: bool = Field(False, description="whether an empty cell counts as matching")

    @model_validator(mode="after")
    def _something(self) -> Select:
        if self.values is None and self.not_values is None and self.min is None and self.max is None:
            raise ValueError("give values, not_values, min or max")
        return self


class GeometryJoin(_Table):
    """``[parts.geometry]``: the polygons or lines of a table's rows, found by a shared code."""

    file: str = Field(description="vector file")
    layer: str | None = Field(None, description="layer of a GeoPackage")
    key: str = Field(description="attribute of the vector file")
    column: str = Field(description="heading of the table that holds the same code")
    crs: str | None = Field(None, description="CRS, only if the vector file states none")
    encoding: str | None = Field(None, description="encoding of Shapefile attributes, such as GBK")


class FieldFile(_Table):
    """``[[parts.fields]]``: one gridded file or variable, where its name and attributes do not say enough."""

    file: str = Field(description="file, or a pattern with *")
    species: str | None = Field(None, description="species; else from the file's attributes or name")
    sector: str | None = Field(None, description="sector; else from the file's attributes or name")
    year: int | None = Field(None, description="year; else from the file's attributes or name")
    variable: str | None = Field(None, description="NetCDF variable")
    band: int | None = Field(None, ge=1, description="GeoTIFF band, from 1")
    unit: UnitText | None = Field(None, description="unit; else from the file's attributes")
    kind: Literal["amount", "density"] | None = Field(None, description="per cell or per area; else from the unit")


class Replaces(_Table):
    """``[[parts.replaces]]``: this finer part stands in for coarser ones inside a region."""

    parts: list[Name] = Field(min_length=1, description="names of the coarser parts")
    region: str | None = Field(
        None, description="code of a region (any role); else the union of this part's own polygons"
    )
    sectors: list[str] | None = Field(None, description="only these sectors; else all sectors of the coarser parts")
    species: list[str] | None = Field(None, description="only these species; else the species this part has")


def _fits_off_grid(off_grid: OffGrid, kind: Kind) -> bool:
    alone = {OffGrid.NEAREST: (Kind.POINT,), OffGrid.RENORMALISE: (Kind.LINE, Kind.AREA)}
    return kind in alone.get(off_grid, (Kind.POINT, Kind.LINE, Kind.AREA)) or off_grid is OffGrid.KEEP


class Part(_Table):
    """``[[parts]]``: one kind of source from one set of files."""

    name: Name = Field(description="unique name of the part")
    kind: Kind = Field(description="point, line, area or gridded")
    file: Files = Field(default_factory=list, description="file or files; * is a pattern; relative to the description")
    format: Literal["csv", "xlsx", "vector", "edgar", "meic", "ioapi", "netcdf", "geotiff", "smoke"] | None = Field(
        None, description="format, only where the name's ending does not tell"
    )
    encoding: str | None = Field(None, description="text encoding: utf-8, utf-8-sig, gb18030; else found out")
    sheet: str | None = Field(None, description="sheet of a workbook; else the first")
    layer: str | None = Field(None, description="layer of a GeoPackage; else the only one")
    header_row: int = Field(1, ge=1, description="row that holds the headings, from 1")
    crs: str | None = Field(None, description="CRS of x and y, or of a file that states none")
    datum: Literal["GCJ-02", "BD-09"] | None = Field(
        None, description="an obfuscated datum to convert from; longitudes and latitudes"
    )
    columns: Columns = Field(default_factory=Columns, description="which heading holds what")
    amounts: list[AmountColumn] = Field(default_factory=list, description="columns of amounts (wide table)")
    long: LongAmounts | None = Field(None, description="one amount a row (long table)")
    geometry: GeometryJoin | None = Field(None, description="geometries by a shared code")
    fields: list[FieldFile] = Field(default_factory=list, description="gridded files one by one")
    select: list[Select] = Field(
        default_factory=list, description="rows to use: all conditions hold; the others are counted, not read"
    )
    totals: list[Select] = Field(
        default_factory=list,
        description="rows that repeat others: any condition holds; checked, never allocated",
    )
    sector: str | None = Field(None, description="sector of the whole part")
    year: int | None = Field(None, description="year of the whole part")
    crosswalk: str | None = Field(None, description="published sector names used: meic, edgar, gnfr, reas")
    sectors: dict[str, str] = Field(
        default_factory=dict,
        description="own sector names to cozone's; an empty text leaves them out, counted",
    )
    surrogate: list[str] | str = Field(
        default_factory=list, description="chain of surrogates, first choice first; uniform closes it"
    )
    surrogates: dict[str, list[str] | str] = Field(
        default_factory=dict, description="chains by sector code, before `surrogate`"
    )
    fallback: Literal["uniform", "none"] = Field(
        "uniform", description="what closes a chain; none leaves the rest unallocatable"
    )
    use: Literal["emissions", "surrogate"] = Field(
        "emissions", description="surrogate: read only to spread other parts, its own mass is not allocated"
    )
    subtract: list[Name] = Field(
        default_factory=list, description="point parts already contained in this part's area totals"
    )
    subtract_sectors: dict[str, list[str]] = Field(
        default_factory=dict,
        description="sectors of the points contained in a sector's totals, such as other_industry = [steel, chemical]; "
        "else the same sector",
    )
    replaces: list[Replaces] = Field(default_factory=list, description="coarser parts this one stands in for")
    off_grid: OffGrid = Field(
        OffGrid.KEEP,
        description="what lies outside the grid: keep (as outside), error; nearest for points; renormalise for lines and "
        "areas, whose part inside then takes all",
    )
    densify_m: float | None = Field(
        None, gt=0, description="longest edge, in metres, before projecting lines and polygons"
    )
    duplicates: Literal["refuse", "allow"] = Field(
        "refuse", description="whether a source id may stand in several places"
    )

    @model_validator(mode="after")
    def _fits_kind(self) -> Part:
        problems = []
        if self.crosswalk is not None and self.crosswalk not in CROSSWALKS:
            problems.append(f"crosswalk {self.crosswalk!r} is not one of {', '.join(CROSSWALKS)}")
        if self.kind is Kind.GRIDDED:
            if self.amounts or self.long or self.geometry:
                problems.append("a gridded part has no amounts, long or geometry table")
            if not self.file and not self.fields:
                problems.append("a gridded part needs file or fields")
        else:
            if not self.file:
                problems.append("file is missing")
            if bool(self.amounts) == bool(self.long):
                problems.append("give [[parts.amounts]] (a wide table) or [parts.long] (a long one), one of the two")
            if self.fields:
                problems.append("fields belong to gridded parts")
        if self.kind is not Kind.AREA and (self.surrogate or self.surrogates or self.subtract):
            problems.append("surrogate, surrogates and subtract belong to area parts")
        if not _fits_off_grid(self.off_grid, self.kind):
            problems.append(f"off_grid = {str(self.off_grid)!r} does not go with {self.kind} sources")
        if self.datum and self.crs:
            problems.append("give crs or datum, not both: a datum means longitude and latitude")
        if (self.columns.x is None) != (self.columns.y is None):
            problems.append("columns.x and columns.y go together")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def unanswered(self) -> list[str]:
        """What reading the part's files would still miss, each as a sentence that names the key."""
        faults = []
        if self.columns.x is not None and self.crs is None and self.datum is None:
            faults.append("crs (or datum) of columns.x and columns.y is missing")
        if self.kind is Kind.GRIDDED:
            return faults
        paths = [self.file] if isinstance(self.file, str) else self.file
        tables = all(p.lower().endswith((".csv", ".tsv", ".txt", ".xlsx", ".xlsm")) for p in paths)
        if tables and not (self.columns.x or self.columns.wkt or self.geometry):
            faults.append("columns.x and columns.y, columns.wkt or [parts.geometry] is missing: where are the sources?")
        named = bool(self.columns.sector or self.sector)
        dated = bool(self.columns.year or self.year)
        if self.long is not None:
            columns = [(self.long.value, self.long.unit or self.long.unit_column, named, dated)]
        else:
            columns = [(a.column, a.unit, named or bool(a.sector), dated or bool(a.year)) for a in self.amounts]
        for heading, stated, sector, year in columns:
            missing = [
                key
                for key, known in (("unit", stated or split_heading(heading)[1]), ("sector", sector), ("year", year))
                if not known
            ]
            if missing:
                faults.append(f"{' and '.join(missing)} of the amounts under {heading!r} missing")
        return faults

    def chain(self, sector: str) -> tuple[str, ...]:
        """Surrogate names for a sector, first choice first, without the closing ``uniform``."""
        chosen = self.surrogates.get(sector, self.surrogate)
        names = (chosen,) if isinstance(chosen, str) else tuple(chosen)
        return tuple(n for n in names if n != "uniform")


class Surrogate(_Table):
    """``[[surrogates]]``: how area totals are spread where it is not known where they are emitted."""

    name: Name = Field(description="unique name; `uniform` is taken")
    kind: Literal["raster", "sources", "polygons", "smoke"] = Field(description="what the surrogate is made of")
    file: str | None = Field(None, description="raster, NetCDF, vector file or SMOKE surrogate table")
    variable: str | None = Field(None, description="NetCDF variable")
    band: int = Field(1, ge=1, description="raster band")
    values: Literal["amount", "density"] = Field(
        "density", description="whether a raster holds amounts per cell or densities"
    )
    crs: str | None = Field(None, description="CRS, only if the file states none")
    part: str | None = Field(None, description="for sources: the point or line part")
    weight: str = Field(
        "count",
        description="for sources: capacity, count (length for lines) or a species; for polygons: an attribute",
    )
    layer: str | None = Field(None, description="layer of a GeoPackage")
    code: str | None = Field(None, description="for smoke: the surrogate code in the table")

    @model_validator(mode="after")
    def _fits_kind(self) -> Surrogate:
        if self.name == "uniform":
            raise ValueError("`uniform` is always there; choose another name")
        if self.kind == "sources" and self.part is None:
            raise ValueError("a surrogate of sources names their part")
        if self.kind != "sources" and self.file is None:
            raise ValueError(f"a surrogate of kind {self.kind} names its file")
        if self.kind == "polygons" and self.weight == "count":
            raise ValueError("a surrogate of polygons names the attribute to use as `weight`")
        if self.kind == "smoke" and self.code is None:
            raise ValueError("a surrogate of kind smoke names its `code`")
        return self


class Region(_Table):
    """``[[regions]]``: a layer of regions that decisions refer to."""

    role: Role = Field(description="domain, county, township, park, red_line, priority or buffer")
    file: str | None = Field(None, description="vector file; a buffer may be made from the domain instead")
    layer: str | None = Field(None, description="layer of a GeoPackage")
    code: str | None = Field(None, description="attribute with the official code")
    name_zh: str | None = Field(None, description="attribute with the Chinese name")
    name_en: str | None = Field(None, description="attribute with the English name")
    parent: str | None = Field(
        None, description="attribute with the code of the region above, such as a township's county"
    )
    version: str = Field("", description="version of the layer, such as 2023 or v2.1")
    crs: str | None = Field(None, description="CRS, only if the file states none")
    encoding: str | None = Field(None, description="encoding of Shapefile attributes, such as GBK")
    buffer_m: float | None = Field(
        None, gt=0, description="for a buffer without a file: width around the domain in metres"
    )

    @model_validator(mode="after")
    def _has_shape(self) -> Region:
        if self.file is None and not (self.role is Role.BUFFER and self.buffer_m is not None):
            raise ValueError("file is missing (only a buffer may give buffer_m instead)")
        return self


class Description(_Table):
    """The whole file."""

    name: Name = Field(description="name of the inventory")
    title_zh: str = Field("", description="Chinese title")
    title_en: str = Field("", description="English title")
    source: str = Field("", description="where the data come from, for the report")
    licence: str = Field("", description="licence of the data")
    years: list[int] = Field(min_length=1, description="years to read; rows of other years are counted, not read")
    species_used: list[str] = Field(
        default_factory=lambda: ["CO2", "NOx", "PM2.5", "VOCs"],
        min_length=1,
        description="species to read; the others are counted, not read",
    )
    bounds: tuple[float, float, float, float] | None = Field(
        None, description="stated region: west, south, east, north in degrees; a source outside is a finding"
    )
    species: list[DeclaredSpecies] = Field(default_factory=list, description="further species")
    sectors: list[DeclaredSector] = Field(default_factory=list, description="further sectors")
    surrogates: list[Surrogate] = Field(default_factory=list, description="surrogates for area totals")
    regions: list[Region] = Field(default_factory=list, description="layers of regions")
    parts: list[Part] = Field(min_length=1, description="what emits")

    @model_validator(mode="after")
    def _refers_to_itself(self) -> Description:
        problems = []
        names = [p.name for p in self.parts]
        known = {s.name for s in self.surrogates} | {"uniform"}
        for what, values in (("part", names), ("surrogate", [s.name for s in self.surrogates])):
            problems += [f"{what} {n!r} is named twice" for n in sorted({v for v in values if values.count(v) > 1})]
        for part in self.parts:
            chains = [part.surrogate, *part.surrogates.values()]
            wanted = {n for c in chains for n in ([c] if isinstance(c, str) else c)}
            problems += [
                f"part {part.name!r}: surrogate {n!r} is not under [[surrogates]]" for n in sorted(wanted - known)
            ]
            others = {*part.subtract, *(n for r in part.replaces for n in r.parts)}
            problems += [f"part {part.name!r}: no part is named {n!r}" for n in sorted(others - set(names))]
            if part.name in others:
                problems.append(f"part {part.name!r} cannot subtract or replace itself")
            problems += self._mass_for_nothing(part)
        problems += [
            f"surrogate {s.name!r}: no part is named {s.part!r}"
            for s in self.surrogates
            if s.part and s.part not in names
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _mass_for_nothing(self, part: Part) -> list[str]:
        """What would take mass away from other parts, or from this one, for sources that are never allocated."""
        spreading = {p.name for p in self.parts if p.use == "surrogate"}
        never = 'use = "surrogate" reads a part to spread others and allocates none of its mass'
        problems = [
            f"part {part.name!r}: subtract names {n!r}, but {never}: what is taken off would be lost"
            for n in part.subtract
            if n in spreading
        ]
        if part.name in spreading and (part.replaces or part.subtract):
            problems.append(f"part {part.name!r}: {never}, so that it cannot replace or subtract others")
        return problems


def read_description(path: Path) -> Description:
    """The validated description of an inventory file."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise InvalidDescription(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDescription(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidDescription(f"{path}: not valid TOML: {error}") from error
    try:
        description = Description.model_validate(table)
    except ValidationError as error:
        faults = "\n".join(
            f"  {'.'.join(str(p) for p in e['loc']) or '(file)'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise InvalidDescription(f"{path}: {error.error_count()} fault(s):\n{faults}") from error
    open_questions = [(part.name, fault) for part in description.parts for fault in part.unanswered()]
    if open_questions:
        faults = "\n".join(f"  part {name!r}: {fault}" for name, fault in open_questions)
        raise InvalidDescription(f"{path}: {len(open_questions)} question(s) left open:\n{faults}")
    return description
