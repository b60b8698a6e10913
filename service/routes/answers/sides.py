"""Sides of a comparison: what its rows of units leave to the two zonings, names and where they lie."""

from __future__ import annotations

from typing import Any

from gis.views.tables import rows
from gis.workspace import StoredComparison
from service.library import Library

__all__ = ["DERIVED", "with_sides"]

Record = dict[str, Any]
_NAMES = ("name_zh", "name_en")
_BOX = ("west", "south", "east", "north")
# What `with_sides` adds to a row; a side that is not there has null.
DERIVED = (*(f"{side}_{name}" for side in ("a", "b") for name in _NAMES), "bbox")


def with_sides(library: Library, comparison: StoredComparison, pairs: list[Record]) -> list[Record]:
    """The rows with the names of both units, and the box around both (CRS84: west, south, east, north)."""
    units = {
        side: _units(library, zoning, {row[side] for row in pairs if row[side]})
        for side, zoning in (("a", comparison.a), ("b", comparison.b))
    }
    return [_joined(row, units["a"].get(row["a"]), units["b"].get(row["b"])) for row in pairs]


def _units(library: Library, zoning: str, codes: set[str]) -> dict[str, Record]:
    found = rows(
        library.views.directory, library.zoning(zoning), "units", "unit", sorted(codes), ["unit", *_NAMES, *_BOX]
    )
    return {row["unit"]: row for row in found.to_pylist()}


def _joined(row: Record, a: Record | None, b: Record | None) -> Record:
    names = {f"{side}_{n}": unit and unit[n] for side, unit in (("a", a), ("b", b)) for n in _NAMES}
    boxes = [[unit[side] for side in _BOX] for unit in (a, b) if unit is not None]
    box = [f(sides) for f, sides in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)] if boxes else None
    return {**row, **names, "bbox": box}
