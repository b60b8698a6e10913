"""Layers: an xarray DataArray whose last two dimensions are a grid, and the grid it carries."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from xarray import DataArray

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs
from gis.grid import Grid

__all__ = ["as_layers", "grid_of"]

_CLOSE = 1e-6  # of a cell: centres read from a file may be rounded


def as_layers(values: ArrayLike, grid: Grid, **coords: Any) -> DataArray:
    """A DataArray of values on the grid; ``coords`` name the dimensions before y and x, in order.

    It carries its grid: centres as coordinates y and x, the CRS as WKT and the affine transform as attributes.
    """
    data = np.asarray(values)
    expected = (*(len(labels) for labels in coords.values()), *grid.shape)
    if data.shape != expected:
        names = ", ".join([*coords, "y", "x"])
        raise InvalidParameter(f"values of shape {data.shape}; expected {expected} for the dimensions {names}")
    return DataArray(
        data,
        dims=[*coords, "y", "x"],
        coords={**coords, "y": grid.y_centres, "x": grid.x_centres},
        attrs={"crs": grid.crs.to_wkt(), "transform": tuple(grid.transform)[:6]},
    )


def grid_of(layers: DataArray) -> Grid:
    """The grid of a DataArray with dimensions y and x: that it was made on, or the window it was cut to.

    The CRS comes from the attribute ``crs`` or from the coordinate ``spatial_ref`` (``crs_wkt``), the cells from the attribute
    ``transform`` where the centres lie on its lattice, else from the centres alone.
    """
    if "y" not in layers.dims or "x" not in layers.dims:
        raise InvalidGrid(f"dimensions {tuple(layers.dims)}; expected y and x among them (rename them first)")
    if "y" not in layers.coords or "x" not in layers.coords:
        raise InvalidGrid("the layers have no coordinates y and x; expected the centres of the cells")
    y, x = (np.asarray(layers.coords[name].values, np.float64) for name in ("y", "x"))
    shape = (len(y), len(x))
    return Grid(crs=_crs_of(layers), transform=_transform_of(layers, x, y), shape=shape)


def _crs_of(layers: DataArray) -> Any:
    crs = layers.attrs.get("crs")
    if crs is None and "spatial_ref" in layers.coords:
        reference = layers.coords["spatial_ref"].attrs
        crs = reference.get("crs_wkt") or reference.get("spatial_ref")
    if crs is None:
        raise MissingCrs("the layers state no CRS; set layers.attrs['crs'] to WKT or a code such as 'EPSG:4490'")
    return crs


def _transform_of(layers: DataArray, x: NDArray[np.float64], y: NDArray[np.float64]) -> Affine:
    stated = layers.attrs.get("transform")
    if stated is not None:
        t = Affine(*stated[:6])
        col, row = (x[0] - t.c) / t.a - 0.5, (y[0] - t.f) / t.e - 0.5
        on_lattice = abs(col - round(col)) < _CLOSE and abs(row - round(row)) < _CLOSE
        if on_lattice and _is_even(x, t.a) and _is_even(y, t.e):
            return Affine(t.a, 0, t.c + round(col) * t.a, 0, t.e, t.f + round(row) * t.e)
    if len(x) < 2 or len(y) < 2:
        raise InvalidGrid("the size of the cells cannot be told from a single centre; set layers.attrs['transform']")
    dx, dy = (x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1)
    if not (_is_even(x, dx) and _is_even(y, dy)):
        raise InvalidGrid("the centres x and y are not evenly spaced; regrid the layers first")
    return Affine(dx, 0, x[0] - dx / 2, 0, dy, y[0] - dy / 2)


def _is_even(centres: NDArray[np.float64], step: float) -> bool:
    expected = centres[0] + np.arange(len(centres)) * step
    return bool(step != 0.0 and np.all(np.abs(centres - expected) <= _CLOSE * abs(step)))
