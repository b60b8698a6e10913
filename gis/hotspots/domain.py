"""Domain: the cells in which decisions are made, and the cells around them that only serve as neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid

__all__ = ["Domain"]


@dataclass(frozen=True, eq=False)
class Domain:
    """Cells of a grid by id, ascending. Values of a domain are one-dimensional arrays in this order.

    ``cells`` are those in which decisions are made; ``around`` are others, disjoint from them, that have values as well and
    count as neighbours and in the population of a statistic, but are never classed.
    """

    grid: Grid
    cells: NDArray[np.int64]
    around: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("cells", "around"):
            ids = np.array(getattr(self, name), np.int64)
            if len(ids) and (ids[0] < 0 or ids[-1] >= self.grid.size or (np.diff(ids) <= 0).any()):
                raise InvalidParameter(
                    f"{name}: ids from 0 to {self.grid.size - 1}, each once, ascending, are expected"
                )
            ids.flags.writeable = False
            object.__setattr__(self, name, ids)
        if not len(self.cells):
            raise InvalidParameter("the domain has no cell; check the run's domain regions against its grid")

    @classmethod
    def of(cls, grid: Grid, valid: NDArray[np.bool_], *, around: NDArray[np.bool_] | None = None) -> Domain:
        """The domain of a mask of the grid's shape; ``around`` marks further cells, those in both are the domain's."""
        for name, mask in (("valid", valid), ("around", around)):
            if mask is not None and mask.shape != grid.shape:
                raise InvalidParameter(f"{name} has shape {mask.shape}; expected the grid's {grid.shape}")
        outside = np.zeros(0, np.int64) if around is None else np.flatnonzero(around.ravel() & ~valid.ravel())
        return cls(grid, np.flatnonzero(valid.ravel()), outside)

    @property
    def size(self) -> int:
        """Number of cells in which decisions are made."""
        return len(self.cells)

    @cached_property
    def area_km2(self) -> NDArray[np.float64]:
        """Ellipsoidal area of each cell."""
        area: NDArray[np.float64] = self.grid.cell_area_m2.ravel()[self.cells] * 1e-6
        area.flags.writeable = False
        return area

    @cached_property
    def total_area_km2(self) -> float:
        """Area of all cells."""
        return float(self.area_km2.sum())

    @cached_property
    def equal_area(self) -> bool:
        """Whether all cells have the same area within 1e-9, so that density and amount rank alike."""
        return bool(np.ptp(self.area_km2) <= 1e-9 * self.area_km2[0])

    @cached_property
    def with_around(self) -> tuple[Domain, NDArray[np.int64]]:
        """The domain of all cells, those around included, and where each of its cells stands in (cells, around)."""
        every = np.concatenate([self.cells, self.around])
        order = np.argsort(every, kind="stable")
        return Domain(self.grid, every[order], np.zeros(0, np.int64)), order

    @property
    def row_col(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each cell."""
        return self.grid.row_col(self.cells)

    def on_grid(self, values: NDArray[Any], *, fill: Any = 0) -> NDArray[Any]:
        """Values of the cells as an array of the grid's shape."""
        out = np.full(self.grid.size, fill, values.dtype)
        out[self.cells] = values
        return out.reshape(self.grid.shape)

    def positions(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position of each cell id in the domain, -1 for those that are not in it."""
        at = np.minimum(np.searchsorted(self.cells, cells), self.size - 1)
        return np.where(self.cells[at] == cells, at, -1)
