"""Layers × polygons → statistics, with exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from geopandas import GeoSeries
from numpy.typing import NDArray
from pandas import DataFrame, Index, MultiIndex
from xarray import DataArray, Dataset

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.gridding.coverage import PolygonCover, area_unit_m2, cover
from gis.gridding.layers import grid_of
from gis.kernels.polygons import chunks_of
from gis.kernels.zonal import zonal_moments, zonal_quantiles

__all__ = ["STATISTICS", "zonal"]

STATISTICS = ("sum", "mean", "min", "max", "count", "missing")


def zonal(
    layers: DataArray | Dataset,
    polygons: GeoSeries,
    *,
    stats: Sequence[str] = ("sum", "mean", "min", "max", "count"),
    quantiles: Sequence[float] = (),
    weights: DataArray | None = None,
    densify_m: float | None = None,
    invalid: Literal["refuse", "repair"] = "refuse",
) -> DataFrame:
    """Statistics of every layer over every polygon: rows as the polygons' index, columns layer × statistic.

    With f the fraction of a cell's area that lies in the polygon, over the cells that hold a value (NaN is none):

    ====== =============================================================================================
    sum    Σ f v: of amounts per cell, the amount inside the polygon; 0 where there is no value
    mean   Σ f a v / Σ f a with the cell's area a: the area-weighted mean; NaN where there is no value
    min    smallest v of the cells with f > 0; NaN where there is no value
    max    largest v of the cells with f > 0; NaN where there is no value
    count  Σ f
    missing Σ f of the cells that hold NaN
    ====== =============================================================================================

    Parameters
    ----------
    layers
        Dimensions y and x and any before them, carrying its grid (see ``grid_of``); a Dataset's variables are stacked first.
        Columns are the statistics' names, for further dimensions a MultiIndex of their labels and the statistic.
    polygons
        As for ``coverage``, also ``densify_m`` and ``invalid``. What lies outside the grid counts for nothing.
    quantiles
        Shares q in [0, 1], each a column ``q0.5``: the smallest v such that the cells with values up to v have at least the
        share q of Σ f a. No interpolation; the 0-quantile is the smallest value.
    weights
        One layer on the same grid, not negative: mean and quantiles then take f a w instead of f a, leaving out cells where it
        is NaN.
    """
    stack = _stacked(layers) if isinstance(layers, Dataset) else layers
    grid = grid_of(stack)
    _check(stats, quantiles)
    bands = _bands(stack)
    per_cell = None if weights is None else _weights(weights, grid)
    found = cover(polygons, grid, densify_m=densify_m, invalid=invalid)
    columns = _moments(found, grid, bands, per_cell)
    table = [columns[name] for name in stats]
    table += list(_quantiles(found, bands, per_cell, quantiles))
    names = [*stats, *(f"q{q:g}" for q in quantiles)]
    data = np.stack(table, axis=-1).reshape(len(polygons), -1)
    return DataFrame(data, index=polygons.index, columns=_columns(stack, names))


def _check(stats: Sequence[str], quantiles: Sequence[float]) -> None:
    for name in stats:
        if name not in STATISTICS:
            raise InvalidParameter(f"statistic {name!r}; use some of {', '.join(STATISTICS)}, and quantiles=(0.5, …)")
    for q in quantiles:
        if not 0.0 <= q <= 1.0:
            raise InvalidParameter(f"quantile {q!r} has to be a share from 0 to 1")
    if len(stats) + len(quantiles) == 0:
        raise InvalidParameter("nothing was asked for: give stats or quantiles")


def _stacked(layers: Dataset) -> DataArray:
    # Stacking drops the variables' attributes, the grid among them.
    grids = [grid_of(variable) for variable in layers.data_vars.values()]
    if not grids or any(grid != grids[0] for grid in grids):
        raise InvalidParameter("expected a Dataset of one or more variables, all on one grid")
    attrs = next(iter(layers.data_vars.values())).attrs
    return layers.to_array("variable").assign_attrs(crs=grids[0].crs.to_wkt(), transform=attrs.get("transform"))


def _bands(stack: DataArray) -> NDArray[np.floating]:
    # (bands, cells), without a copy where the layers are floats in order already.
    values = stack.transpose(..., "y", "x").to_numpy()
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    return np.ascontiguousarray(values).reshape(-1, values.shape[-2] * values.shape[-1])


def _weights(weights: DataArray, grid: Grid) -> NDArray[np.float64]:
    if weights.ndim != 2:
        raise InvalidParameter(f"weights with dimensions {weights.dims}; expected one layer: y and x")
    if grid_of(weights) != grid:
        raise InvalidParameter(f"weights on {grid_of(weights)!r}, layers on {grid!r}; expected the same grid")
    values = np.ascontiguousarray(weights.transpose("y", "x").to_numpy(), np.float64).ravel()
    if (values < 0.0).any() or np.isinf(values).any():
        raise InvalidParameter("weights have to be finite and not negative (NaN leaves a cell out)")
    return values


def _moments(
    found: PolygonCover, grid: Grid, bands: NDArray[np.floating], per_cell: NDArray[np.float64] | None
) -> dict[str, NDArray[np.float64]]:
    shares = found.shares
    out = np.empty((shares.shape[0], len(bands), 7))
    chunks = chunks_of(np.diff(shares.indptr).astype(np.float64))
    zonal_moments(
        chunks, shares.indptr, shares.indices, shares.data, _rows_per_m2(grid), found.area_m2, grid.cols,
        bands, per_cell, out,
    )  # fmt: skip
    total, moment, mass, low, high, count, missing = np.moveaxis(out, -1, 0)
    none = count == 0.0
    mean = np.divide(moment, mass, out=np.full_like(mass, np.nan), where=mass > 0.0)
    low, high = np.where(none, np.nan, low), np.where(none, np.nan, high)
    return dict(zip(STATISTICS, (total, mean, low, high, count, missing), strict=True))


def _quantiles(
    found: PolygonCover,
    bands: NDArray[np.floating],
    per_cell: NDArray[np.float64] | None,
    quantiles: Sequence[float],
) -> NDArray[np.float64]:
    shares = found.shares
    out = np.empty((shares.shape[0], len(bands), len(quantiles)))
    if len(quantiles):
        chunks = chunks_of(np.diff(shares.indptr).astype(np.float64))
        asked = np.asarray(quantiles, np.float64)
        zonal_quantiles(chunks, shares.indptr, shares.indices, shares.data, bands, per_cell, asked, out)
    return np.moveaxis(out, -1, 0)


def _rows_per_m2(grid: Grid) -> NDArray[np.float64]:
    # One over the cell area that shares are measured in: planar in a projected CRS.
    if grid.is_geographic:
        return np.ascontiguousarray(1.0 / grid.cell_area_m2[:, 0])
    return np.full(grid.rows, 1.0 / (grid.dx * grid.dy * area_unit_m2(grid)))


def _columns(stack: DataArray, names: list[str]) -> Index | MultiIndex:
    before = [dim for dim in stack.dims if dim not in ("y", "x")]
    if not before:
        return Index(names)
    labels = [stack[dim].to_numpy() for dim in before]
    return MultiIndex.from_product([*labels, names], names=[*map(str, before), "statistic"])
