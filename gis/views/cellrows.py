"""Cells of a run as rows, straight from its planes by window: no index, nothing held whole.

A row is a cell of a year, years first, then row by row. A block is a strip of a window in one year; its rows are the
window's valid cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.grid import Window
from gis.views.lattice import centres_84, corners, corners_84, outer_boxes, polygons, window_of
from gis.views.lonlat import Shapes, wkb_shapes
from gis.views.views import Views
from gis.workspace import Run

__all__ = ["CELL_COLUMNS", "CellBlock", "RunCells"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]
CELL_COLUMNS = ("cell", "row", "col", "year", "lon", "lat", "area_km2")
_BLOCK = 1 << 18
_KM2 = 1e-6


@dataclass(frozen=True, eq=False)
class CellBlock:
    """Valid cells of a strip in a year."""

    run: Run
    views: Views
    year: int
    window: Window

    @cached_property
    def _at(self) -> tuple[Ints, Ints]:
        row, col = np.nonzero(self.views.valid(self.run).levels[0][self.window.slices])
        return row, col

    @cached_property
    def count(self) -> int:
        """Number of rows."""
        if "_at" in self.__dict__:
            return len(self._at[0])
        return int(np.count_nonzero(self.views.valid(self.run).levels[0][self.window.slices]))

    def _chosen(self, at: Ints | None) -> tuple[Ints, Ints]:
        row, col = self._at if at is None else (side[at] for side in self._at)
        return row + self.window.row_start, col + self.window.col_start

    def column(self, name: str, at: Ints | None = None) -> pa.Array:
        """Values of a column, of all rows or of some."""
        grid = self.run.grid
        row, col = self._chosen(at)
        if name == "year":
            return pa.array(np.full(len(row), self.year, np.int32))
        if name in ("row", "col"):
            return pa.array((row if name == "row" else col).astype(np.int32))
        if name == "cell":
            return pa.array(row * np.int64(grid.cols) + col)
        if name in ("lon", "lat"):
            return pa.array(centres_84(grid, row, col)[name == "lat"])
        if name == "area_km2":
            return pa.array(grid.cell_area_m2[row, col] * _KM2)
        if name.endswith("_t_km2"):
            return pa.array(self._amounts(name.removesuffix("_t_km2"), row, col) / (grid.cell_area_m2[row, col] * _KM2))
        return pa.array(self._amounts(name.removesuffix("_t"), row, col))

    def _amounts(self, species: str, row: Ints, col: Ints) -> Floats:
        values: Floats = self.views.amounts(self.run, self.year, species).levels[0][row, col]
        return values

    def ids(self, at: Ints | None = None) -> pa.Array:
        """Ids of features: year and cell."""
        row, col = self._chosen(at)
        cell = pa.array(row * np.int64(self.run.grid.cols) + col).cast(pa.string())
        return pc.binary_join_element_wise(f"{self.year}-", cell, "")

    def boxes(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Boxes in CRS84 that hold the cells."""
        row, col = self._at
        west, south, east, north = (side[row, col] for side in outer_boxes(self.run.grid, self.window))
        return west, south, east, north

    def shapes(self, at: Ints) -> Shapes:
        """Outlines in CRS84."""
        return wkb_shapes(self.wkb_84(at))

    def wkb_84(self, at: Ints | None = None) -> pa.Array:
        """Outlines in CRS84 as WKB."""
        return polygons(corners_84(self.run.grid, *self._chosen(at)))

    def wkb(self, at: Ints | None = None) -> pa.Array:
        """Outlines in the grid's CRS as WKB."""
        return polygons(corners(self.run.grid, *self._chosen(at)))


@dataclass(frozen=True, eq=False)
class RunCells:
    """Cells of a run over its years."""

    run: Run
    views: Views

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns."""
        kinds = (pa.int64(), *[pa.int32()] * 3, *[pa.float64()] * 3)
        masses = (f"{s}_{unit}" for s in self.run.species for unit in ("t", "t_km2"))
        return pa.schema([*zip(CELL_COLUMNS, kinds, strict=True), *((name, pa.float64()) for name in masses)])

    @cached_property
    def number(self) -> int:
        """Number of rows."""
        return len(self.run.years) * int(np.count_nonzero(self.views.valid(self.run).levels[0]))

    def blocks(self, bounds: Bounds | None, years: tuple[int, int] | None) -> Iterator[CellBlock]:
        """Blocks with every row that may lie in a box in CRS84 and in a span of years."""
        grid = self.run.grid
        window = Window(0, grid.rows, 0, grid.cols) if bounds is None else window_of(grid, bounds)
        if window is None:
            return
        height = max(1, _BLOCK // (window.col_stop - window.col_start))
        for year in self.run.years:
            if years is not None and not years[0] <= year <= years[1]:
                continue
            for start in range(window.row_start, window.row_stop, height):
                stop = min(start + height, window.row_stop)
                yield CellBlock(self.run, self.views, year, Window(start, stop, window.col_start, window.col_stop))

    def find(self, fid: str) -> tuple[CellBlock, Ints] | None:
        """Block and position of a feature; None if there is none of that id."""
        year, _, cell = fid.partition("-")
        if not (year.isdecimal() and cell.isdecimal() and len(year) <= 4 and len(cell) <= 18 and fid.isascii()):
            return None
        if int(year) not in self.run.years or str(int(cell)) != cell or int(cell) >= self.run.grid.size:
            return None
        row, col = divmod(int(cell), self.run.grid.cols)
        block = CellBlock(self.run, self.views, int(year), Window(row, row + 1, col, col + 1))
        return (block, np.zeros(1, np.int64)) if block.count else None
