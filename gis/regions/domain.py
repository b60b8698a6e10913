"""The domain on a grid: which share of every cell lies in the region an inventory is about."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid
from gis.gridding.coverage import area_unit_m2, cover
from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role

__all__ = ["domain_coverage", "domain_layer", "domain_mask"]


def domain_layer(regions: Regions) -> RegionLayer | None:
    """The layer that states the domain: the domain itself, else counties, else townships; None when there is none of them."""
    layers = (regions.layer(role) for role in (Role.DOMAIN, Role.COUNTY, Role.TOWNSHIP))
    return next((layer for layer in layers if layer is not None), None)


def domain_coverage(regions: Regions, grid: Grid) -> NDArray[np.float64]:
    """Share of every cell (rows, cols) that lies in the domain; 1 everywhere when no layer states one."""
    layer = domain_layer(regions)
    if layer is None:
        return np.ones(grid.shape)
    # Overlapping regions are one domain: the union counts no ground twice.
    whole = shapely.union_all(made_valid(shapes_of(layer.frame)))
    found = cover(gpd.GeoSeries([whole], crs=layer.frame.crs), grid, invalid="repair", empty="skip")
    out = np.zeros(grid.size)
    out[found.shares.indices] = found.shares.data * found.area_m2[0]
    # The cover's areas are planar in a projected CRS, so the cell's has to be planar as well.
    cell_m2 = grid.cell_area_m2 if grid.is_geographic else grid.dx * grid.dy * area_unit_m2(grid)
    return np.clip(out.reshape(grid.shape) / cell_m2, 0.0, 1.0)


def domain_mask(regions: Regions, grid: Grid) -> NDArray[np.bool_]:
    """Cells (rows, cols) of which half or more lies in the domain."""
    return domain_coverage(regions, grid) >= 0.5
