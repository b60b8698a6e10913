"""Pages of units: what the report says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gis.exports.report.drawings import Drawings, Map
from gis.zoning.model import Zoning

__all__ = ["Page", "pages"]

# Rows of a page's tables; the exported tables have them all.
_SECTORS, _SOURCES = 6, 5


@dataclass(frozen=True, slots=True)
class Page:
    """One unit: its row, its map, and the rows of other tables that are about it."""

    unit: Any
    map: Map
    emissions: Sequence[tuple[str, float, float, float]]
    sectors: Mapping[str, Sequence[Any]]
    sources: Mapping[str, Sequence[Any]]
    access: Sequence[Any]
    conflicts: Sequence[Any]


def pages(zoning: Zoning, drawings: Drawings, *, most: int) -> Iterator[Page]:
    """Pages of the first units in the order of their ranks."""
    units = zoning.tables["units"].drop(columns="geometry").reset_index(drop=True)
    order = units.sort_values(["rank", "unit"], kind="stable").index[:most]
    by_unit = {
        name: dict(tuple(zoning.tables[name].groupby("unit", sort=False)))
        for name in ("sectors", "contributors", "access")
    }
    conflicts = zoning.tables["conflicts"].drop(columns="geometry")
    for row in order.tolist():
        unit = units.loc[row].to_dict()
        code = unit["unit"]
        yield Page(
            unit, drawings.unit_map(row),
            [(s, unit[f"{s}_t"], unit[f"{s}_t_km2"], unit[f"{s}_share"]) for s in zoning.species],
            _by_species(by_unit["sectors"].get(code), "mass_t", _SECTORS),
            _by_species(by_unit["contributors"].get(code), "mass_t", _SOURCES),
            _rows(by_unit["access"].get(code)), _rows(conflicts[conflicts["unit"] == code]),
        )  # fmt: skip


def _by_species(table: pd.DataFrame | None, column: str, most: int) -> dict[str, list[Any]]:
    if table is None:
        return {}
    return {
        str(species): _rows(rows.nlargest(most, column, keep="first"))
        for species, rows in table.groupby("species", sort=False)
    }


def _rows(table: pd.DataFrame | None) -> list[Any]:
    return [] if table is None else list(table.itertuples(index=False))
