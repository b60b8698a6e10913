"""Layers as one lazy xarray: nothing is worked out until values are touched, and then only the layers touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from gis.grid import Grid

__all__ = ["lazy_layers"]

Read = Callable[[int, str, str], NDArray[np.float64]]


class _Layers(BackendArray):
    """(year, species, sector, y, x) over a function that gives one layer."""

    def __init__(
        self, read: Read, years: tuple[int, ...], species: tuple[str, ...], sectors: tuple[str, ...], grid: Grid
    ):
        self.shape = (len(years), len(species), len(sectors), *grid.shape)
        self.dtype = np.dtype(np.float64)
        self._read = read
        self._names = (years, species, sectors)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> NDArray[np.float64]:
        years, species, sectors = (np.arange(n)[k] for n, k in zip(self.shape[:3], key[:3], strict=True))
        rows, cols = (np.arange(n)[k] for n, k in zip(self.shape[3:], key[3:], strict=True))
        out = np.empty((years.size, species.size, sectors.size, rows.size, cols.size))
        for i, y in enumerate(np.atleast_1d(years)):
            for j, s in enumerate(np.atleast_1d(species)):
                for k, c in enumerate(np.atleast_1d(sectors)):
                    layer = self._read(self._names[0][y], self._names[1][s], self._names[2][c])
                    out[i, j, k] = layer[np.ix_(np.atleast_1d(rows), np.atleast_1d(cols))]
        shape = [v.size for v in (years, species, sectors, rows, cols) if v.ndim]
        return out.reshape(shape)


def lazy_layers(
    read: Read, years: tuple[int, ...], species: tuple[str, ...], sectors: tuple[str, ...], grid: Grid
) -> xr.DataArray:
    """A data array in t/yr over a function of year, species and sector, with the grid's centres and CRS."""
    data = indexing.LazilyIndexedArray(_Layers(read, years, species, sectors, grid))
    return xr.DataArray(
        xr.Variable(("year", "species", "sector", "y", "x"), data),
        coords={
            "year": list(years),
            "species": list(species),
            "sector": list(sectors),
            "y": grid.y_centres,
            "x": grid.x_centres,
        },
        name="emissions",
        attrs={
            "units": "t/yr",
            "long_name": "mass emitted in the cell",
            "crs": grid.crs.to_wkt(),
            "transform": tuple(grid.transform)[:6],
        },
    )
