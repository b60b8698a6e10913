"""What emits, as the rest of cozone sees it: parts of sources with amounts in tonnes per year, surrogates and regions.

Everything here is already parsed, converted and in canonical order: sources are sorted by a key of their content, so that
nothing downstream depends on the order of rows in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.inventory.description import Description, Kind, Part
from gis.inventory.findings import Findings
from gis.regions.model import Regions
from gis.species import Sector, Species

__all__ = [
    "ATTRIBUTES",
    "TOTAL_COLUMNS",
    "Amounts",
    "GriddedField",
    "GriddedPart",
    "InputFile",
    "Inventory",
    "PolygonSurrogate",
    "RasterSurrogate",
    "SmokeSurrogate",
    "SourcePart",
    "SourceSurrogate",
    "Surrogates",
]

# Columns of `SourcePart.sources`, in this order: text columns hold "" where nothing is known, capacity holds NaN.
ATTRIBUTES = (
    "source_id", "name_zh", "name_en", "industry", "owner_code", "capacity", "supply_security", "region", "file", "row",
)  # fmt: skip

# Columns of `Inventory.total_rows`: rows declared as totals, one entry an amount. ``region`` and ``sector_name`` as the file has
# them, ``sector`` its position or -1 where the name is no sector (TOTAL, *-BF), ``species`` and ``year`` positions, t/yr.
TOTAL_COLUMNS = ("part", "region", "sector_name", "sector", "species", "year", "mass_t", "file", "row")


def _no_totals() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in TOTAL_COLUMNS})


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read: its path as written in the description, where it lay, its size and SHA-256."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """Amounts in long form: parallel arrays, one entry a source × species × sector × year.

    ``species``, ``sector`` and ``year`` are positions in the inventory's lists; ``source`` is a position in the part.
    """

    source: NDArray[np.int64]
    species: NDArray[np.int16]
    sector: NDArray[np.int16]
    year: NDArray[np.int16]
    mass_t: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {len(a) for a in (self.source, self.species, self.sector, self.year, self.mass_t)}
        if len(sizes) != 1:
            raise InvalidParameter(f"amounts need arrays of one length, not {sorted(sizes)}")
        for array in (self.source, self.species, self.sector, self.year, self.mass_t):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.mass_t)


@dataclass(frozen=True, slots=True, eq=False)
class SourcePart:
    """Point, line or area sources of one part.

    ``sources`` has the columns ATTRIBUTES; points keep their coordinates as arrays, lines and areas as geometries.
    ``policy`` is the part's entry in the description: surrogates, subtraction, replacement, what lies off the grid.
    """

    name: str
    kind: Kind
    policy: Part
    sources: pd.DataFrame
    amounts: Amounts
    crs: CRS
    x: NDArray[np.float64] | None = None
    y: NDArray[np.float64] | None = None
    shapes: gpd.GeoSeries | None = None

    def __post_init__(self) -> None:
        if tuple(self.sources.columns) != ATTRIBUTES:
            raise InvalidParameter(f"part {self.name!r}: sources need the columns {', '.join(ATTRIBUTES)}")
        n = len(self.sources)
        if self.kind is Kind.POINT:
            if self.x is None or self.y is None or len(self.x) != n or len(self.y) != n:
                raise InvalidParameter(f"part {self.name!r}: {n} point sources need {n} x and y")
        elif self.kind is Kind.GRIDDED:
            raise InvalidParameter(f"part {self.name!r}: gridded sources are a GriddedPart")
        elif self.shapes is None or len(self.shapes) != n:
            raise InvalidParameter(f"part {self.name!r}: {n} {self.kind} sources need {n} geometries")
        if len(self.amounts) and int(self.amounts.source.max()) >= n:
            raise InvalidParameter(f"part {self.name!r}: an amount refers to source {self.amounts.source.max()} of {n}")

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def geometry(self) -> gpd.GeoSeries:
        """Geometries of all sources, points included."""
        if self.x is None or self.y is None:
            return self.shapes
        return gpd.GeoSeries(shapely.points(self.x, self.y), crs=self.crs)

    def position(self, source_id: str) -> int:
        """Position of the first source with that id."""
        found = np.flatnonzero(self.sources["source_id"].to_numpy() == source_id)
        if not len(found):
            raise NotFound(f"part {self.name!r} has no source {source_id!r}")
        return int(found[0])


@dataclass(frozen=True, slots=True, eq=False)
class GriddedField:
    """One layer of a gridded inventory; ``load`` reads it as t/yr per cell, row 0 north, NaN where it has no value."""

    species: int
    sector: int
    year: int
    file: str
    load: Callable[[], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class GriddedPart:
    """A gridded inventory: its own grid and its layers, read when needed. ``area_model`` names how fluxes became masses."""

    name: str
    policy: Part
    grid: Grid
    fields: tuple[GriddedField, ...]
    area_model: str = ""

    @property
    def kind(self) -> Kind:
        """Always gridded."""
        return Kind.GRIDDED


@dataclass(frozen=True, slots=True, eq=False)
class RasterSurrogate:
    """Values on a grid of their own, NaN where there is none: amounts per cell or densities."""

    name: str
    grid: Grid
    values: NDArray[np.float64]
    kind: str  # "amount" or "density"


@dataclass(frozen=True, slots=True)
class SourceSurrogate:
    """Other sources of this inventory (points, lines), weighted by capacity, count (lines: length) or a species code."""

    name: str
    part: str
    weight: str


@dataclass(frozen=True, slots=True, eq=False)
class PolygonSurrogate:
    """An amount per polygon, even inside it."""

    name: str
    shapes: gpd.GeoSeries
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SmokeSurrogate:
    """Ready fractions per region code and cell: columns region, row, col (from 0, row 0 north), fraction; on ``grid`` only."""

    name: str
    grid: Grid
    table: pd.DataFrame


Surrogates = RasterSurrogate | SourceSurrogate | PolygonSurrogate | SmokeSurrogate


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """An inventory as read: parts, surrogates, regions, what was found wrong, and the files it came from."""

    description: Description
    path: Path
    years: tuple[int, ...]
    species: tuple[Species, ...]
    sectors: tuple[Sector, ...]
    parts: tuple[SourcePart | GriddedPart, ...]
    surrogates: dict[str, Surrogates]
    regions: Regions
    findings: Findings
    inputs: tuple[InputFile, ...]
    # Mass in rows that were not used, by reason ("refused", "not selected", "total", "other year", "other species"), part and species code.
    unread_t: dict[tuple[str, str, str], float] = field(default_factory=dict)
    # Declared totals with their values, columns TOTAL_COLUMNS: compared with the sum of their parts, never allocated.
    total_rows: pd.DataFrame = field(default_factory=_no_totals)

    @property
    def name(self) -> str:
        """Name of the inventory."""
        return self.description.name

    def part(self, name: str) -> SourcePart | GriddedPart:
        """The part of that name."""
        for part in self.parts:
            if part.name == name:
                return part
        raise NotFound(f"inventory {self.name!r} has no part {name!r}; it has {', '.join(p.name for p in self.parts)}")

    def totals(self) -> pd.DataFrame:
        """Mass read, in t/yr, by part, year, species and sector (gridded parts are read for it)."""
        rows: list[dict[str, Any]] = []
        for part in self.parts:
            if isinstance(part, GriddedPart):
                rows += [
                    {
                        "part": part.name,
                        "year": f.year,
                        "species": f.species,
                        "sector": f.sector,
                        "mass_t": float(np.nansum(f.load())),
                    }
                    for f in part.fields
                ]
            else:
                a = part.amounts
                frame = pd.DataFrame({"year": a.year, "species": a.species, "sector": a.sector, "mass_t": a.mass_t})
                grouped = frame.groupby(["year", "species", "sector"], as_index=False).sum()
                rows += [
                    {"part": part.name, **{str(k): v for k, v in r.items()}} for r in grouped.to_dict(orient="records")
                ]
        table = pd.DataFrame(rows, columns=["part", "year", "species", "sector", "mass_t"])
        table["year"] = [self.years[int(i)] for i in table["year"]]
        table["species"] = [self.species[int(i)].code for i in table["species"]]
        table["sector"] = [self.sectors[int(i)].code for i in table["sector"]]
        return table
