"""The domain on a grid: which share of every cell lies in the region an inventory is about."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid
from gis.gridding.coverage import PolygonCover, area_unit_m2, cover
from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role

# Of a cell: neighbours that share a border add up to one but for rounding.
_ROUNDING = 1e-9

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
    shapes = made_valid(shapes_of(layer.frame))
    fraction = _fractions(gpd.GeoSeries(shapes, crs=layer.frame.crs), grid)
    if (fraction > 1.0 + _ROUNDING).any():
        # Regions overlap: they are one domain, and their union, which is slow, counts no ground twice.
        whole = shapely.union_all(shapes)
        fraction = _fractions(gpd.GeoSeries([whole], crs=layer.frame.crs), grid)
    return np.clip(fraction, 0.0, 1.0)


def _fractions(shapes: gpd.GeoSeries, grid: Grid) -> NDArray[np.float64]:
    """Area of all polygons in every cell over the area of the cell."""
    found = cover(shapes, grid, invalid="repair", empty="skip")
    area = np.bincount(found.shares.indices, _entry_areas(found), minlength=grid.size).reshape(grid.shape)
    # The cover's areas are planar in a projected CRS, so the cell's has to be planar as well.
    cell_m2 = grid.cell_area_m2 if grid.is_geographic else grid.dx * grid.dy * area_unit_m2(grid)
    out: NDArray[np.float64] = area / cell_m2
    return out


def _entry_areas(found: PolygonCover) -> NDArray[np.float64]:
    return np.asarray(found.shares.data * np.repeat(found.area_m2, np.diff(found.shares.indptr)))


def domain_mask(regions: Regions, grid: Grid) -> NDArray[np.bool_]:
    """Cells (rows, cols) of which half or more lies in the domain."""
    return domain_coverage(regions, grid) >= 0.5
