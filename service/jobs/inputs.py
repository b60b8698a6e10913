"""Inputs of the processes: what a client may ask for, checked whole before anything is queued. Nothing in them is an address or a path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from affine import Affine
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pyproj import CRS

from gis.errors import InvalidGrid, InvalidParameter
from gis.grid import Grid, named_grids, read_grid
from gis.workspace.recording import check_name
from gis.zoning.faults import fault_lines
from gis.zoning.parameters import Parameters
from gis.zoning.rules import parse_rules
from service.jobs.contents import check_grid_file

__all__ = [
    "GRID_ENDINGS",
    "MAX_CELLS",
    "CheckInputs",
    "CompareInputs",
    "ExportInputs",
    "ExportOptions",
    "GridDefinition",
    "GridInputs",
    "Inputs",
    "ReportInputs",
    "ZoneInputs",
    "grid_of",
    "parse",
]

Asked = TypeVar("Asked", bound="Inputs")
GRID_ENDINGS = (".toml", ".tif", ".tiff")
# A grid of this many cells takes some GB a layer; larger ones are for the command line.
MAX_CELLS = 200_000_000
_MAX_SHARES = 50
# Only codes of an authority: PROJ's own strings may name files.
Crs = Annotated[
    str, Field(pattern=r"^(EPSG|ESRI|OGC|IAU_2015):[A-Za-z0-9]{1,12}$", description="CRS, such as EPSG:4490")
]
InventoryName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="an inventory of this service, see /api/inventories"),
]
GridName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
RunId = Annotated[str, Field(pattern=r"^(r-[0-9a-f]{12}|r-latest|latest)$", description="a run, or r-latest")]
ZoningId = Annotated[str, Field(pattern=r"^(z-[0-9a-f]{12}|z-latest|latest)$", description="a zoning, or z-latest")]
ComparisonId = Annotated[str, Field(pattern=r"^(c-[0-9a-f]{12}|c-latest)$", description="a comparison, or c-latest")]
ResultId = Annotated[
    str, Field(pattern=r"^([rzc]-([0-9a-f]{12}|latest)|latest)$", description="a run, zoning or comparison")
]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        # No text of XML holds these.
        pattern=r"^[^\x00-\x1f\x7f\uFFFE\uFFFF]+$",
        description="name of the result; left out: made from its origin",
    ),
]
Label = Annotated[
    str,
    Field(
        max_length=2_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\uFFFE\uFFFF]*$",
        description="a free remark kept with the result",
    ),
]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class Inputs(BaseModel):
    """Inputs of a process; nothing beside those named."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GridDefinition(Inputs):
    """A grid: the CRS and the cell, then bounds to cover, or a north-west corner, rows and columns."""

    crs: Crs
    cell: Annotated[float, Field(gt=0, le=1e7, description="width and height of a cell, in the units of the CRS")]
    bounds: Annotated[
        tuple[Finite, Finite, Finite, Finite] | None,
        Field(description="west, south, east, north; the edges move out to multiples of the cell"),
    ] = None
    west: Finite | None = None
    north: Finite | None = None
    rows: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    cols: Annotated[int | None, Field(ge=1, le=1_000_000)] = None

    @model_validator(mode="after")
    def _one_way(self) -> GridDefinition:
        corner = (self.west, self.north, self.rows, self.cols)
        if (self.bounds is None) == all(v is None for v in corner) or (self.bounds is None and None in corner):
            raise ValueError("give bounds, or west, north, rows and cols, one of the two")
        if self.bounds is not None:
            west, south, east, north = self.bounds
            if (east - west) / self.cell * ((north - south) / self.cell) > MAX_CELLS:
                raise ValueError(f"more than {MAX_CELLS:,} cells; take larger ones, or smaller bounds")
        return self

    @property
    def grid(self) -> Grid:
        """The grid."""
        if self.bounds is not None:
            return Grid.covering(self.bounds, crs=self.crs, cell=self.cell)
        corner = cast(tuple[float, float, int, int], (self.west, self.north, self.rows, self.cols))
        transform = Affine(self.cell, 0, corner[0], 0, -self.cell, corner[1])
        return Grid(crs=CRS.from_user_input(self.crs), transform=transform, shape=(corner[2], corner[3]))


class CheckInputs(Inputs):
    """Of ``check``."""

    inventory: InventoryName


class GridInputs(Inputs):
    """Of ``grid``."""

    inventory: InventoryName
    grid: Annotated[
        Annotated[GridDefinition, Tag("definition")] | Annotated[GridName, Tag("name")],
        Discriminator(lambda given: "name" if isinstance(given, str) else "definition"),
        Field(description="a named grid, a grid file (.toml, .tif) of the inventory, or a definition"),
    ]
    lenient: Annotated[bool, Field(description="refuse bad rows instead of stopping; they are counted and kept")] = (
        False
    )
    name: Name | None = None
    label: Label | None = None


class ZoneInputs(Inputs):
    """Of ``zone``."""

    run: RunId
    year: Annotated[int | None, Field(ge=1, le=9999, description="a year of the run; left out: the last")] = None
    parameters: Annotated[Parameters, Field(description="what differs from the defaults")] = Parameters()
    rules: Annotated[
        str | None,
        Field(max_length=500_000, description="text of a rule file (TOML); left out: the rules that come with cozone"),
    ] = None
    name: Name | None = None
    label: Label | None = None

    @model_validator(mode="after")
    def _within(self) -> ZoneInputs:
        if self.parameters.access.rules is not None:
            raise ValueError("access.rules names a file; give its text in the input `rules` instead")
        if len(self.parameters.sweep) > _MAX_SHARES:
            raise ValueError(f"sweep tries {_MAX_SHARES} shares at most here, not {len(self.parameters.sweep)}")
        return self


class CompareInputs(Inputs):
    """Of ``compare``."""

    a: Annotated[ZoningId, Field(description="the earlier zoning")]
    b: Annotated[ZoningId, Field(description="the later zoning")]
    earlier: Annotated[
        ComparisonId | None, Field(description="a comparison that ends with a; its stable ids go on")
    ] = None
    name: Name | None = None
    label: Label | None = None


class ExportOptions(Inputs):
    """What an export may leave out or add: years, species and sectors of runs, layer and wkt of the others, layer and zooms of PMTiles."""

    years: Annotated[tuple[int, ...] | None, Field(min_length=1, max_length=200)] = None
    species: Annotated[tuple[Annotated[str, Field(max_length=32)], ...] | None, Field(min_length=1, max_length=64)] = (
        None
    )
    by_sector: Annotated[bool, Field(description="sectors beside their total")] = False
    layer: Annotated[str | None, Field(max_length=64, pattern=r"^[a-z0-9:_-]+$", description="only this layer")] = None
    wkt: Annotated[bool, Field(description="polygons as text in CSV")] = False
    minzoom: Annotated[int | None, Field(ge=0, le=24, description="first zoom of PMTiles")] = None
    maxzoom: Annotated[int | None, Field(ge=0, le=24, description="last zoom of PMTiles")] = None


class ExportInputs(Inputs):
    """Of ``export``."""

    result: ResultId
    format: Annotated[
        Literal["cog", "geoparquet", "gpkg", "flatgeobuf", "netcdf", "csv", "smoke", "geojson", "pmtiles"],
        Field(
            description="netcdf and smoke are of runs, geojson of zonings and comparisons, pmtiles of one layer; several files are one ZIP"
        ),
    ]
    options: ExportOptions = ExportOptions()


class ReportInputs(Inputs):
    """Of ``report``."""

    zoning: ZoningId
    lang: Annotated[Literal["zh", "en"], Field(description="language of the report")] = "zh"


def parse(model: type[Asked], given: Any) -> Asked:
    """The inputs, checked; InvalidParameter lists every fault with the name of its input."""
    try:
        found = model.model_validate(given)
    except ValidationError as error:
        raise InvalidParameter(f"inputs: {_faults(error, model)}") from error
    check_name(getattr(found, "name", None), "result")
    if isinstance(found, ZoneInputs) and found.rules is not None:
        parse_rules(found.rules, "rules")
    if isinstance(found, GridInputs) and isinstance(found.grid, GridDefinition):
        _bounded(found.grid.grid)
    return found


def _faults(error: ValidationError, model: type[Inputs]) -> str:
    """Every fault on a line; for a text of the wrong form, what it should be."""
    lines = fault_lines(error, model).splitlines()
    for fault in error.errors():
        top, key = str(fault["loc"][0]) if fault["loc"] else "", ".".join(map(str, fault["loc"]))
        if fault["type"] == "string_pattern_mismatch" and top != "parameters":
            wanted = model.model_fields[top].description if len(fault["loc"]) == 1 or fault["loc"][-1] == "name" else ""
            wanted = wanted or "a plain text as the description of the process has it"
            said = f"  {key}: {str(fault['input'])[:80]!r} does not fit; expected: {wanted}"
            lines = [said if line.startswith(f"  {key}: ") else line for line in lines]
    return "\n".join(lines)


def grid_of(inputs: GridInputs, folder: Path) -> Grid:
    """The grid that inputs name; a file is looked for in the inventory's folder alone."""
    if isinstance(inputs.grid, GridDefinition):
        return _bounded(inputs.grid.grid)
    if inputs.grid in named_grids():
        return Grid.named(inputs.grid)
    path = folder / inputs.grid
    if path.suffix.lower() in GRID_ENDINGS and path.is_file() and not path.is_symlink():
        check_grid_file(path)
        return _bounded(read_grid(path))
    return Grid.named(inputs.grid)  # raises, and says which there are


def _bounded(grid: Grid) -> Grid:
    if grid.rows * grid.cols > MAX_CELLS:
        raise InvalidGrid(f"{grid.rows:,} rows of {grid.cols:,} columns are more than {MAX_CELLS:,} cells")
    return grid
