"""Cells whose class changed between two zonings, in vector tiles: parents with how much below them changed, and how."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.tiles.cells import CellSpan, cell_spans, level_shape
from gis.tiles.matrices import Tile
from gis.tiles.mvt import Column
from gis.views.tables import Stored, open_table
from gis.views.vectorcells import Shown, copies, in_one_layer
from gis.views.views import Views
from gis.workspace import StoredComparison
from gis.zoning.comparison import Change

__all__ = ["changes_tile"]

Floats = NDArray[np.float64]
_KINDS = (Change.ENTERED, Change.LEFT, Change.CHANGED)
_TEXTS = ("a_class", "b_class", "a_unit", "b_unit")


def changes_tile(views: Views, comparison: StoredComparison, tile: Tile) -> bytes:
    """The layer ``changes`` of a tile; empty bytes if nothing changed there."""
    stored = open_table(views.directory, comparison, "cells")
    parts = []
    for span in cell_spans(comparison.grid, tile):
        made = _part(comparison, stored, span)
        if made is not None:
            parts.append(made)
    return in_one_layer("changes", comparison.grid, parts)


def _part(comparison: StoredComparison, stored: Stored, span: CellSpan) -> tuple[Shown, list[Column]] | None:
    """Changed cells of a span and their columns."""
    rows, parent = _below(comparison, stored, span)
    if not len(rows):
        return None
    table = stored.take(rows)
    found, of_row = np.unique(parent, return_inverse=True)
    row, col = np.divmod(found, level_shape(comparison.grid, span.level)[1])
    shown = Shown(span, row - span.span.row_start, col - span.span.col_start)
    area = _areas(table, of_row, len(found))
    largest = np.argmax(np.stack([area[k] for k in _KINDS]), axis=0)
    columns = [Column("change", np.array([str(k) for k in _KINDS], np.object_)[largest])]
    columns += [Column(f"{k}_km2", area[k]) for k in _KINDS]
    columns += [
        Column(f"{s}_{side}_t", _summed(table[f"{s}_{side}_t"], of_row, len(found)))
        for s in comparison.species
        for side in ("a", "b")
    ]
    if span.level == 0:
        columns += [Column("cell", found)]
        columns += [Column(name, _texts(table[name])) for name in _TEXTS]
    return shown, [*columns, copies(shown.of(span.owned))]


def _below(comparison: StoredComparison, stored: Stored, span: CellSpan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the table that lie in the span and have a place in the tile, and the parent of each."""
    cols = comparison.grid.cols
    cell = stored.table["cell"].to_numpy()
    first, last = (edge << span.level for edge in (span.span.row_start, span.span.row_stop))
    a, b = np.searchsorted(cell, (first * cols, last * cols))  # the table is in the order of cells
    row, col = np.divmod(cell[a:b], cols)
    row, col = row >> span.level, col >> span.level
    inside = (col >= span.span.col_start) & (col < span.span.col_stop)
    at = np.flatnonzero(inside)
    at = at[span.placed[row[at] - span.span.row_start, col[at] - span.span.col_start]]
    return (a + at).astype(np.int64), row[at] * level_shape(comparison.grid, span.level)[1] + col[at]


def _areas(table: pa.Table, of_row: NDArray[np.int64], count: int) -> dict[Change, Floats]:
    change, km2 = _texts(table["change"]), table["area_km2"].to_numpy()
    return {k: _added(np.where(change == str(k), km2, 0.0), of_row, count) for k in _KINDS}


def _summed(column: pa.ChunkedArray, of_row: NDArray[np.int64], count: int) -> Floats:
    """Sum of a column below each parent; not a number where nothing is known."""
    values = column.to_numpy()
    known = np.isfinite(values)
    out = _added(np.where(known, values, 0.0), of_row, count)
    out[np.bincount(of_row, known, count) == 0] = np.nan
    return out


def _added(values: Floats, of_row: NDArray[np.int64], count: int) -> Floats:
    return np.bincount(of_row, values, count).astype(np.float64)


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    out = np.empty(len(column), np.object_)
    out[:] = column.cast(pa.string()).to_pylist()
    return out
