"""Grid to grid: 0.1° global to 0.25°, and to Albers 10 km, beside xarray-regrid, exactextract and GDAL's sum."""

from __future__ import annotations

import math

import numpy as np
import shapely
import xarray as xr
import xarray_regrid  # noqa: F401 - registers the accessor
from affine import Affine
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.warp import Resampling, reproject

from benchmarks.polygons import WkbSource
from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.gridding.regrid import regrid

__all__ = ["run"]


def run(repeats: int = 5) -> list[Row]:
    """One row per pair of grids."""
    source = Grid.named("edgar-0.1deg")
    values = np.random.default_rng(1).lognormal(0.0, 2.0, source.shape)
    return [_to_quarter_degree(values, source, repeats), _to_albers(values, source, repeats)]


def _closure(values: NDArray[np.float64], source: Grid, target: Grid) -> str:
    result = regrid(values, source, target, kind="amount")
    mass = math.fsum(values.ravel())
    moved = math.fsum(result.values.ravel())
    return f"inside + outside = input to {abs(moved + float(result.outside) - mass) / mass:.0e}"


def _to_quarter_degree(values: NDArray[np.float64], source: Grid, repeats: int) -> Row:
    target = Grid(crs=source.crs, transform=Affine(0.25, 0, -180, 0, -0.25, 90), shape=(720, 1440))
    density = xr.DataArray(
        values,
        coords={"latitude": source.y_centres, "longitude": source.x_centres},
        dims=("latitude", "longitude"),
    )
    onto = xr.Dataset(coords={"latitude": target.y_centres, "longitude": target.x_centres})
    seconds = alternate(
        {
            "cozone": lambda: regrid(values, source, target, kind="density"),
            "xarray-regrid": lambda: density.regrid.conservative(onto, latitude_coord="latitude", skipna=False),
        },
        repeats,
    )
    ours = seconds.pop("cozone")
    return Row("0.1° global → 0.25°", ours, seconds, "≥ 10 × xarray-regrid", _closure(values, source, target))


def _target_cells(source: Grid, target: Grid) -> list[bytes]:
    """The target's cells as polygons in the source's CRS, which is how a zonal tool regrids."""
    x, y = target.x_edges, target.y_edges
    west, north = np.meshgrid(x[:-1], y[:-1])
    east, south = np.meshgrid(x[1:], y[1:])
    ring_x = np.stack([west, west, east, east, west], axis=-1).reshape(-1, 5)
    ring_y = np.stack([north, south, south, north, north], axis=-1).reshape(-1, 5)
    lon, lat = Transformer.from_crs(target.crs, source.crs, always_xy=True).transform(ring_x, ring_y)
    return list(shapely.to_wkb(shapely.polygons(np.stack([lon, lat], axis=-1))))


def _to_albers(values: NDArray[np.float64], source: Grid, repeats: int) -> Row:
    target = Grid.named("china-10km")
    west, south, east, north = source.bounds
    wkt = source.crs.to_wkt()
    raster = NumPyRasterSource(values, xmin=west, ymin=south, xmax=east, ymax=north, srs_wkt=wkt)
    # Projected and encoded beforehand: the time is that of the weighted sums alone.
    cells = WkbSource(_target_cells(source, target), wkt)

    def gdal() -> NDArray[np.float64]:
        out = np.zeros(target.shape)
        reproject(
            values, out, src_transform=source.transform, src_crs=source.crs.to_wkt(), dst_transform=target.transform,
            dst_crs=target.crs.to_wkt(), resampling=Resampling.sum,
        )  # fmt: skip
        return out

    ours = alternate({"cozone": lambda: regrid(values, source, target, kind="amount"), "GDAL sum": gdal}, repeats)
    slow = alternate({"exactextract": lambda: exact_extract(raster, cells, ["sum"])}, 1)
    seconds = {**ours, **slow}
    return Row(
        "0.1° global → Albers 10 km",
        seconds.pop("cozone"),
        seconds,
        "≥ 10 × exactextract, ≥ 1 × GDAL sum",
        _closure(values, source, target) + "; GDAL's sum is not exact",
    )
