"""Inventories made in memory, without files: parts from arrays, one description around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.grid import Grid
from gis.inventory.description import Description, Kind
from gis.inventory.findings import Findings
from gis.inventory.model import ATTRIBUTES, Amounts, GriddedField, GriddedPart, Inventory, SourcePart
from gis.regions.model import Regions
from gis.species import SECTORS, SPECIES, Sector, Species

CRS_M = "EPSG:32650"
SECTOR_CODES = tuple(SECTORS)


def policy(name: str, kind: str, **keys: Any) -> dict[str, Any]:
    """A part's table as the description has it, with placeholders for what only a reader needs."""
    table: dict[str, Any] = {"name": name, "kind": kind, "file": "made-in-memory.csv", **keys}
    if kind != "gridded":
        table["amounts"] = [{"column": "t", "species": "CO2", "unit": "t/yr"}]
    return table


def attributes(n: int, prefix: str, **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "source_id": [f"{prefix}-{i}" for i in range(n)],
            "name_zh": "", "name_en": "", "industry": "", "owner_code": "",
            "capacity": np.nan, "supply_security": False, "region": "", "file": "made-in-memory.csv",
            "row": np.arange(2, n + 2),
        }
    )  # fmt: skip
    for column, values in columns.items():
        frame[column] = values
    return frame[list(ATTRIBUTES)]


def amounts(
    records: list[tuple[int, str, str, int, float]], species: tuple[str, ...], years: tuple[int, ...]
) -> Amounts:
    """Amounts from (source, species, sector, year, mass) records."""
    return Amounts(
        source=np.array([r[0] for r in records], np.int64),
        species=np.array([species.index(r[1]) for r in records], np.int16),
        sector=np.array([SECTOR_CODES.index(r[2]) for r in records], np.int16),
        year=np.array([years.index(r[3]) for r in records], np.int16),
        mass_t=np.array([r[4] for r in records], np.float64),
    )


class Made:
    """Collects parts, then makes the inventory."""

    def __init__(
        self, species: tuple[str, ...] = ("co2", "nox"), years: tuple[int, ...] = (2020,), crs: str = CRS_M
    ) -> None:
        self.species, self.years, self.crs = species, years, CRS.from_user_input(crs)
        self._policies: list[dict[str, Any]] = []
        self._sources: list[tuple[Kind, Any, Any, list[tuple[int, str, str, int, float]], dict[str, Any]]] = []

    def points(
        self, name: str, x: Any, y: Any, records: Any, *, columns: dict[str, Any] | None = None, **keys: Any
    ) -> Made:
        self._policies.append(policy(name, "point", **keys))
        self._sources.append((Kind.POINT, np.asarray(x, float), np.asarray(y, float), records, columns or {}))
        return self

    def shapes(
        self, name: str, kind: str, shapes: Any, records: Any, *, columns: dict[str, Any] | None = None, **keys: Any
    ) -> Made:
        self._policies.append(policy(name, kind, **keys))
        self._sources.append((Kind(kind), shapes, None, records, columns or {}))
        return self

    def gridded(self, name: str, grid: Grid, fields: dict[tuple[str, str, int], np.ndarray], **keys: Any) -> Made:
        self._policies.append(policy(name, "gridded", **keys))
        self._sources.append((Kind.GRIDDED, grid, fields, [], {}))
        return self

    def inventory(self, *, surrogates: Any = None, regions: Regions | None = None) -> Inventory:
        entries = [{"name": s, "kind": "raster", "file": "made-in-memory.tif"} for s in (surrogates or {})]
        description = Description.model_validate(
            {
                "name": "made",
                "years": list(self.years),
                "species_used": list(self.species),
                "parts": self._policies,
                "surrogates": entries,
            }
        )
        parts = [self._part(p, s) for p, s in zip(description.parts, self._sources, strict=True)]
        species: tuple[Species, ...] = tuple(SPECIES[s] for s in self.species)
        sectors: tuple[Sector, ...] = tuple(SECTORS.values())
        return Inventory(
            description=description, path=Path("made.toml"), years=self.years, species=species, sectors=sectors,
            parts=tuple(parts), surrogates=surrogates or {}, regions=regions or Regions(), findings=Findings(), inputs=(),
        )  # fmt: skip

    def _part(self, entry: Any, source: Any) -> SourcePart | GriddedPart:
        kind, a, b, records, columns = source
        if kind is Kind.GRIDDED:
            fields = tuple(
                GriddedField(self.species.index(s), SECTOR_CODES.index(c), self.years.index(y), "made", lambda v=v: v)
                for (s, c, y), v in b.items()
            )
            return GriddedPart(entry.name, entry, a, fields)
        table = attributes(len(a), entry.name, **columns)
        made = amounts(records, self.species, self.years)
        if kind is Kind.POINT:
            return SourcePart(entry.name, kind, entry, table, made, self.crs, x=a, y=b)
        return SourcePart(entry.name, kind, entry, table, made, self.crs, shapes=gpd.GeoSeries(a, crs=self.crs))
