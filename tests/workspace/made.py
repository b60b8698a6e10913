"""A small allocation of every kind of source, made in memory, whose description and input are files in a directory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.allocation.allocate import Allocation, allocate
from gis.grid import Grid
from gis.inventory.model import InputFile, Inventory
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from tests.allocation.inventories import CRS_M, Made

GRID = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=1000)


def counties() -> gpd.GeoDataFrame:
    left, right = (
        shapely.box(500_000, 4_000_000, 510_500, 4_016_000),
        shapely.box(510_500, 4_000_000, 520_000, 4_016_000),
    )
    return gpd.GeoDataFrame(
        {"code": ["330001", "330002"], "name_zh": ["甲县", "乙县"], "name_en": ["Jia", "Yi"], "parent": ["", ""]},
        geometry=[left, right],
        crs=CRS_M,
    )


def inventory(
    directory: Path, *, mass_t: float = 120.5, gridded: bool = False, years: tuple[int, ...] = (2019, 2020)
) -> Inventory:
    directory.mkdir(parents=True, exist_ok=True)
    made = Made(("co2", "nox"), years)
    made.points(
        "plants", [500_500, 512_250, 900_000], [4_000_500, 4_007_999, 4_000_500],
        [(0, "nox", "power", y, mass_t) for y in years]
        + [(0, "co2", "power", y, 9e5) for y in years]
        + [(1, "nox", "steel", years[-1], 33.25), (2, "nox", "power", years[-1], 1.0)],
        columns={"name_zh": ["甲电厂", "乙钢厂", "远"], "name_en": ["A", "B", "C"]},
    )  # fmt: skip
    made.shapes(
        "roads", "line", [shapely.LineString([(500_100, 4_001_100), (519_900, 4_014_700)])],
        [(0, "nox", "road", years[-1], 12.0)],
    )  # fmt: skip
    made.shapes(
        "homes",
        "area",
        list(counties().geometry),
        [(0, "nox", "residential", years[-1], 77.0), (1, "nox", "residential", years[-1], 0.1)],
    )
    if gridded:
        coarse = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=4000)
        field = np.arange(coarse.size, dtype=float).reshape(coarse.shape)
        made.gridded("sea", coarse, {("nox", "shipping", years[-1]): field})
    layer = RegionLayer(Role.COUNTY, counties(), version="2020", file="counties.gpkg")
    found = made.inventory(regions=Regions((layer,)))
    text = f"# made in memory\nmass_t = {mass_t}\n".encode()
    (directory / "made.toml").write_bytes(text)
    data = f"id,t\na,{mass_t}\n".encode()
    (directory / "plants.csv").write_bytes(data)
    file = InputFile("plants.csv", directory / "plants.csv", len(data), hashlib.sha256(data).hexdigest())
    return replace(found, path=directory / "made.toml", inputs=(file,))


def allocation(directory: Path, **keys: object) -> Allocation:
    return allocate(inventory(directory, **keys), GRID)  # type: ignore[arg-type]
