"""``python -m gis.warm``: compile every kernel before the first user waits for it, on all processors.

Each task below is a tiny case that reaches the kernels of one room with the types that real work has.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.allocation.allocate import allocate
from gis.grid import Grid
from gis.gridding.accumulate import accumulate
from gis.gridding.coverage import coverage
from gis.gridding.layers import as_layers
from gis.gridding.lengths import lengths
from gis.gridding.regrid import Regridder, regrid
from gis.gridding.zonal import zonal
from gis.inventory.coordinates import bd09_to_wgs84, gcj02_to_wgs84
from gis.inventory.load import read_inventory
from gis.workspace import Workspace

__all__ = ["main", "tasks"]

_PLANE = Grid.covering((500_000, 4_000_000, 510_000, 4_010_000), crs="EPSG:32650", cell=1000.0)
_GLOBE = Grid.covering((116.9, 36.0, 117.5, 36.5), crs="EPSG:4326", cell=0.1)
_INVENTORY = """
name = "warm"
years = [2020]
species_used = ["CO2"]
[[parts]]
name = "plants"
kind = "point"
file = "plants.csv"
datum = "GCJ-02"
sector = "power"
year = 2020
amounts = [{ column = "t", species = "CO2", unit = "t/yr" }]
[parts.columns]
id = "id"
x = "x"
y = "y"
[[parts]]
name = "areas"
kind = "area"
file = "areas.geojson"
sector = "waste"
year = 2020
amounts = [{ column = "t", species = "CO2", unit = "t/yr" }]
"""


def _polygons(grid: Grid) -> gpd.GeoSeries:
    west, south, east, north = grid.bounds
    centre = shapely.Point((west + east) / 2, (south + north) / 2)
    ring = centre.buffer((north - south) / 3) - centre.buffer((north - south) / 9)
    return gpd.GeoSeries([ring, ring.geoms[0] if hasattr(ring, "geoms") else centre.buffer(grid.dx)], crs=grid.crs)


def _points() -> None:
    x, y = np.array([505_000.0]), np.array([4_005_000.0])
    accumulate(x, y, np.ones((1, 4)), _PLANE)
    bd09_to_wgs84(*gcj02_to_wgs84(np.array([117.0]), np.array([36.0])))


def _lines() -> None:
    for grid in (_PLANE, _GLOBE):
        west, south, east, north = grid.bounds
        lengths(gpd.GeoSeries([shapely.LineString([(west, south), (east, north)])], crs=grid.crs), grid)


def _polygons_on_a_plane() -> None:
    coverage(_polygons(_PLANE), _PLANE)
    layers = as_layers(np.ones((2, *_PLANE.shape)), _PLANE, band=[1, 2])
    zonal(layers, _polygons(_PLANE), quantiles=(0.5,))


def _polygons_on_the_globe() -> None:
    coverage(_polygons(_GLOBE), _GLOBE)


def _regrid_to_a_plane() -> None:
    regrid(np.ones(_GLOBE.shape), _GLOBE, _PLANE, kind="amount")
    Regridder(_GLOBE, _PLANE).apply(np.ones(_GLOBE.shape), kind="density")
    regrid(np.ones(_PLANE.shape), _PLANE, _PLANE.parent(3), kind="density")
    regrid(np.ones(_GLOBE.shape), _GLOBE, _GLOBE.parent(4), kind="density")


def _regrid_to_the_globe() -> None:
    regrid(np.ones(_PLANE.shape), _PLANE, _GLOBE, kind="amount")


def _inventory() -> None:
    with tempfile.TemporaryDirectory(prefix="cozone-warm-") as made:
        path = Path(made)
        (path / "plants.csv").write_text("id,x,y,t\na,117.1,36.2,1\nb,117.2,36.3,2\n", "utf-8")
        frame = gpd.GeoDataFrame({"t": [1.0, 2.0]}, geometry=_polygons(_GLOBE).to_numpy(), crs=_GLOBE.crs)
        frame.iloc[:1].to_file(path / "areas.geojson", driver="GeoJSON")
        (path / "inventory.toml").write_text(_INVENTORY, "utf-8")
        allocation = allocate(read_inventory(path / "inventory.toml"), _PLANE)
        Workspace(path / "workspace").publish(allocation).contributors([0], "co2")


def tasks() -> dict[str, Callable[[], None]]:
    """The tasks by name, the longest first."""
    return {
        "lines": _lines,
        "regrid to a plane": _regrid_to_a_plane,
        "polygons on a plane": _polygons_on_a_plane,
        "polygons on the globe": _polygons_on_the_globe,
        "points": _points,
        "regrid to the globe": _regrid_to_the_globe,
    }


def _run(name: str) -> tuple[str, float]:
    started = time.perf_counter()
    {**tasks(), "inventory": _inventory}[name]()
    return name, time.perf_counter() - started


def main() -> None:
    """Compile what is not compiled yet, and say what took how long."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context) as pool:
        for name, seconds in pool.map(_run, tasks()):
            print(f"kernels ready: {name} ({seconds:.1f} s)", flush=True)
    # Last and alone: it reaches kernels of the tasks above, which are there by now.
    name, seconds = _run("inventory")
    print(f"kernels ready: {name} ({seconds:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
