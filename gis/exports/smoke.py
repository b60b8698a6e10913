"""Surrogate tables of SMOKE: which share of a region's emissions lies in which cell."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.grid import Grid
from gis.gridding.coverage import area_unit_m2, cover
from gis.inventory.readers.smoke import write_smoke
from gis.regions.model import RegionLayer

__all__ = ["region_shares", "write_smoke_table"]


def write_smoke_table(
    path: Path, amounts: NDArray[np.float64], grid: Grid, regions: RegionLayer, *, code: str, description: str
) -> int:
    """Number of regions written; a region in which nothing is emitted is left out."""
    shares, totals = region_shares(amounts, grid, regions)
    emits = np.flatnonzero(totals > 0)
    codes = regions.frame["code"].astype(str).to_numpy()[emits]
    write_smoke(
        path, shares[emits], grid=grid, regions=codes.tolist(), code=code, description=description,
        denominators=totals[emits],
    )  # fmt: skip
    return len(emits)


def region_shares(
    amounts: NDArray[np.float64], grid: Grid, regions: RegionLayer
) -> tuple[csr_array, NDArray[np.float64]]:
    """Shares (regions × cells, a row sums to 1) and totals in t/yr; a cell on a border is split by exact area."""
    shapes = gpd.GeoSeries(regions.frame.geometry.to_numpy(), crs=regions.frame.crs)
    found = cover(shapes, grid)
    covered = csr_array(found.shares)
    row = np.repeat(np.arange(covered.shape[0]), np.diff(covered.indptr))
    # Share of the region in the cell × area of the region = area shared = share of the cell × area of the cell.
    fraction = covered.data * found.area_m2[row] / _area_m2(grid, covered.indices)
    mass = np.minimum(fraction, 1.0) * amounts.ravel()[covered.indices]
    totals: NDArray[np.float64] = np.bincount(row, mass, covered.shape[0]).astype(np.float64)
    keep = mass > 0
    share = mass[keep] / totals[row[keep]]
    return csr_array((share, (row[keep], covered.indices[keep])), shape=covered.shape), totals


def _area_m2(grid: Grid, cells: NDArray[np.int64]) -> NDArray[np.float64] | float:
    """Area of cells in the measure that regions have on this grid: planar, or ellipsoidal."""
    if grid.is_geographic:
        return grid.cell_area_m2[cells // grid.cols, cells % grid.cols]
    return grid.dx * grid.dy * area_unit_m2(grid)
