"""Patches: connected cells of one class, as a delineation joins its seeds, and classes without the small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid
from gis.kernels.hotclasses import recode_spans
from gis.kernels.runs import join_runs, sum_run_areas, sum_runs
from gis.zoning.classes import CellClass

__all__ = ["Patches", "Runs", "patches_of", "without_small"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Cells with a class as runs: from ``start`` to before ``stop``, of one row and class, ascending."""

    start: Ints
    stop: Ints
    klass: Bytes

    def __post_init__(self) -> None:
        for name in self.__slots__:
            getattr(self, name).flags.writeable = False

    def cells(self) -> Ints:
        """Number of cells by class."""
        return np.bincount(self.klass, self.stop - self.start, len(CellClass)).astype(np.int64)

    def area_km2(self, grid: Grid) -> Floats:
        """Area by class."""
        area, out = grid.cell_area_m2, np.zeros(len(CellClass))
        along_row = np.ascontiguousarray(area[:, :1] if area.strides[1] == 0 else area)
        along_row.flags.writeable = False
        sum_run_areas(self.start, self.stop, self.klass, along_row, grid.cols, out)
        return out

    def sums(self, values: Floats) -> Floats:
        """Sums by class of values of all cells."""
        out = np.zeros(len(CellClass))
        sum_runs(self.start, self.stop, self.klass, values, out)
        return out

    def moved(self, start: Ints) -> Runs:
        """The same runs, numbered from other cells on."""
        return Runs(start, start + (self.stop - self.start), self.klass)


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """All runs of a grid, and the patch of each; patches are numbered by their first cell. ``cells`` counts those of a patch."""

    runs: Runs
    patch: Ints
    cells: Ints
    klass: Bytes

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        held = (self.runs.start, self.runs.stop, self.runs.klass, self.patch, self.cells, self.klass)
        return sum(values.nbytes for values in held)

    def counts(self, min_cells: int) -> tuple[Ints, Ints]:
        """By class, how many patches have so many cells at least, and how many have fewer."""
        whole = np.bincount(self.klass, minlength=len(CellClass))
        large = np.bincount(self.klass[self.cells >= min_cells], minlength=len(CellClass))
        return large, whole - large

    def large(self, min_cells: int) -> Runs:
        """Runs of the patches with so many cells at least."""
        return self.runs if min_cells == 1 else self._chosen(self.cells >= min_cells)

    def small(self, min_cells: int) -> Runs:
        """Runs of the patches with fewer cells."""
        return self._chosen(self.cells < min_cells)

    def _chosen(self, wanted: NDArray[np.bool_]) -> Runs:
        at = np.flatnonzero(wanted[self.patch])
        return Runs(self.runs.start[at], self.runs.stop[at], self.runs.klass[at])


def patches_of(grid: Grid, classes: Bytes) -> Patches:
    """The patches of the classes of a grid's cells: cells of one class that share an edge or a corner, across a seam, too."""
    flat = classes.reshape(-1)
    cells = np.flatnonzero(flat != 0)
    code = flat[cells]
    new = np.ones(len(cells), np.bool_)
    new[1:] = (cells[1:] != cells[:-1] + 1) | (code[1:] != code[:-1]) | (cells[1:] % grid.cols == 0)
    at = np.flatnonzero(new)
    length = np.diff(at, append=len(cells))
    runs = Runs(cells[at], cells[at] + length, code[at])
    rows = np.searchsorted(runs.start, np.arange(grid.rows + 1, dtype=np.int64) * grid.cols)
    parent = np.empty(len(at), np.int64)
    join_runs(runs.start, runs.stop, runs.klass, rows, grid.cols, grid.wraps, parent)
    first = parent == np.arange(len(at))
    patch = (np.cumsum(first) - 1)[parent]
    size = np.bincount(patch, length, int(np.count_nonzero(first))).astype(np.int64)
    return Patches(runs, patch, size, runs.klass[first])


def without_small(classes: Bytes, patches: Patches, min_cells: int) -> Bytes:
    """The classes, those of patches with fewer cells taken away."""
    out, small = classes.copy(), patches.small(min_cells)
    recode_spans(small.start, small.stop, np.zeros(256, np.uint8), out.reshape(-1))
    return out
