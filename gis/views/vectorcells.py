"""Cells of a run, a zoning or a comparison in vector tiles: parents with what is below them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid
from gis.hotspots.ranks import Mode
from gis.kernels.vectortile import classed_area
from gis.tiles.cells import CellSpan, area_block, cell_spans, level_block, level_shape
from gis.tiles.matrices import Tile
from gis.tiles.mvt import Column, encode_cells
from gis.tiles.plane import Plane, areas
from gis.views.kept import Kept
from gis.views.thresholds import threshold_of
from gis.views.views import Views
from gis.workspace import Run, StoredZoning
from gis.zoning.classes import CellClass

__all__ = ["Shown", "cells_tile", "copies", "in_one_layer"]

Floats = NDArray[np.float64]
Values = Mapping[str, int | float | str]

_NO_CLASS = ""
_CLASS_TEXTS = np.array([_NO_CLASS if c is CellClass.NONE else c.code for c in CellClass], np.object_)
_TIER_TEXTS = np.array(["", "clustered_core", "isolated_core", "fringe"], np.object_)
_KEPT_BYTES = 256_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Cells of a span that a tile shows: rows and columns in the span."""

    span: CellSpan
    row: NDArray[np.int64]
    col: NDArray[np.int64]

    def of(self, block: NDArray[Any]) -> NDArray[Any]:
        """Values of a block at the cells."""
        return block[self.row, self.col]


def cells_tile(views: Views, result: Run | StoredZoning, run: Run, tile: Tile, asked: Values) -> bytes:
    """The layer ``cells`` of a tile; empty bytes if there are none."""
    planes = [views.amounts(run, int(asked["year"]), s) for s in result.species]
    parts = []
    for span in cell_spans(run.grid, tile):
        shown = _shown(span, [views.valid(run), *planes])
        if len(shown.row):
            parts.append((shown, _columns(views, result, run, shown, planes, asked)))
    return in_one_layer("cells", run.grid, parts)


def in_one_layer(name: str, grid: Grid, parts: list[tuple[Shown, list[Column]]]) -> bytes:
    """A layer of the cells of one span, or of the two of a tile that meets both ends of a grid around the globe."""
    # A layer's name may come twice in a tile only as one layer: spans follow each other in one lattice.
    if not parts:
        return b""
    rows = [0]
    for shown, _ in parts:
        rows.append(rows[-1] + shown.span.x.shape[0])
    width = max(shown.span.x.shape[1] for shown, _ in parts)
    x, y = np.full((rows[-1], width), np.nan), np.full((rows[-1], width), np.nan)
    for (shown, _), top in zip(parts, rows, strict=False):
        r, c = shown.span.x.shape
        x[top : top + r, :c], y[top : top + r, :c] = shown.span.x, shown.span.y
    ids = np.concatenate([_ids(grid, shown) for shown, _ in parts])
    row = np.concatenate([shown.row + top for (shown, _), top in zip(parts, rows, strict=False)])
    col = np.concatenate([shown.col for shown, _ in parts])
    columns = [
        Column(together[0].name, np.concatenate([c.values for c in together]))
        for together in zip(*(columns for _, columns in parts), strict=True)
    ]
    return encode_cells(name, ids, x, y, row, col, columns)


def _ids(grid: Grid, shown: Shown) -> NDArray[np.int64]:
    """Row-major number of each cell in its level; at level 0 the cell's id."""
    span = shown.span.span
    return (shown.row + span.row_start) * level_shape(grid, shown.span.level)[1] + shown.col + span.col_start


def _shown(span: CellSpan, planes: list[Plane]) -> Shown:
    """Cells of the span that belong to the run or emit something."""
    some = np.zeros(span.span.shape, np.bool_)
    for plane in planes:
        some |= level_block(plane, span.level, span.span) > 0
    row, col = np.nonzero(some & span.placed)
    return Shown(span, row, col)


def _columns(
    views: Views, result: Run | StoredZoning, run: Run, shown: Shown, planes: list[Plane], asked: Values
) -> list[Column]:
    level, span = shown.span.level, shown.span.span
    columns = [Column("cell", _ids(run.grid, shown))] if level == 0 else []
    amounts = [shown.of(level_block(plane, level, span)) for plane in planes]
    km2 = shown.of(area_block(run.grid, level, span))
    columns += [Column(f"{s}_t", values) for s, values in zip(result.species, amounts, strict=True)]
    columns += [
        Column(f"{s}_t_km2", (values / km2).astype(np.float32))
        for s, values in zip(result.species, amounts, strict=True)
    ]
    if "share" in asked:
        columns += _at_threshold(views, result, run, shown, km2, asked)
    if isinstance(result, StoredZoning) and asked["year"] == result.year:
        columns += _zoned(views, result, shown, km2)
    return [*columns, copies(shown.of(shown.span.owned))]


def copies(owned: NDArray[np.bool_]) -> Column:
    """The mark of features that are counted in another tile; others do not have it."""
    return Column("copy", ~owned)


def _at_threshold(
    views: Views, result: Run | StoredZoning, run: Run, shown: Shown, km2: Floats, asked: Values
) -> list[Column]:
    threshold = threshold_of(
        result, share=float(asked["share"]), mode=Mode(str(asked["mode"])), min_pollutants=int(asked["min_pollutants"]),
        min_cells=int(asked["min_cells"]),
    )  # fmt: skip
    year = int(asked["year"])
    classes = views.threshold(run, year, threshold).classes
    return _classes(("class", "hot_share"), run.grid, classes, shown, km2, (run.id, year, threshold))


def _zoned(views: Views, zoning: StoredZoning, shown: Shown, km2: Floats) -> list[Column]:
    level, span = shown.span.level, shown.span.span
    classes = views.zoned(zoning, "class")
    columns = _classes(("zoned", "zoned_share"), zoning.grid, classes, shown, km2, (zoning.id,))
    if level == 0 and "tier" in zoning.rasters:
        columns.append(Column("tier", _TIER_TEXTS[shown.of(level_block(views.zoned(zoning, "tier"), level, span))]))
    if zoning.parameters.membership.draws:
        values = shown.of(level_block(views.zoned(zoning, "membership"), level, span)).astype(np.float32)
        columns.append(Column("membership", np.where(values > 0, values, np.float32(np.nan))))
    return columns


def _classes(
    names: tuple[str, str], grid: Grid, classes: Plane, shown: Shown, km2: Floats, key: Hashable
) -> list[Column]:
    """The highest class below each cell, and above level 0 the share of its area that has one."""
    level, span = shown.span.level, shown.span.span
    code = shown.of(level_block(classes, level, span))
    columns = [Column(names[0], _CLASS_TEXTS[code])]
    if level > 0:
        area = _AREAS.get((key, level), lambda: _classed(grid, classes, level), lambda made: made.nbytes)
        columns.append(Column(names[1], (shown.of(area[span.slices]) / km2).astype(np.float32)))
    return columns


def _classed(grid: Grid, classes: Plane, level: int) -> Floats:
    """Area of the cells with a class below each cell of a level, km²."""
    finest = areas(grid, 0)
    out = np.zeros(level_shape(grid, level))
    classed_area(classes.levels[0], finest.km2, finest.width, level, out)
    out.flags.writeable = False
    return out


_AREAS: Kept[Floats] = Kept(_KEPT_BYTES)
