"""A province for readers: species that lie apart, years that differ, units of every class, proxies, conflicts, markup in names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.allocation.allocate import allocate
from gis.inventory.model import Inventory
from gis.pipeline import compare_zonings, zone_run
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.workspace import Workspace
from tests.allocation.inventories import Made
from tests.service.published import HOSTILE, PLANT_T, SPECIES, YEARS, townships
from tests.zoning.province import BORDER, CRS_M, GRID, SOUTH, WEST, box, layer, quick

# Where plant 0 stands, whose names and those of whose county hold markup: metres from the south-west corner.
HOSTILE_AT = (7_500.0, 41_500.0)
HOSTILE_EN = "<img src=x onerror=alert(1)>"
# Estates across the border of the counties, and across that of the red line.
ON_BORDERS = ((29_000, 11_000), (35_000, 31_000))
_PLANTS = 260
_ESTATES = 12


def counties() -> RegionLayer:
    halves = [box(0, 0, BORDER, 50_000), box(BORDER, 0, 60_000, 50_000)]
    names = {
        "code": ["330101", "330102"],
        "name_zh": [f"甲{HOSTILE}县", "乙县"],
        "name_en": [f"A {HOSTILE_EN} County", "Jiangkou"],
    }
    return RegionLayer(Role.COUNTY, gpd.GeoDataFrame({**names, "parent": ""}, geometry=halves, crs=CRS_M))


def inventory() -> Inventory:
    """Plants whose species have little to do with each other, a road, homes, and estates that are known by a proxy alone."""
    rng = np.random.default_rng(11)
    x, y = rng.uniform(500, 59_500, _PLANTS), rng.uniform(500, 49_500, _PLANTS)
    x[0], y[0] = HOSTILE_AT
    size = rng.lognormal(0, 0.7, _PLANTS)
    size[0] = 30.0
    own = {s: rng.lognormal(0, 1.0, _PLANTS) for s in SPECIES}
    grown = {YEARS[0]: np.ones(_PLANTS), YEARS[1]: rng.lognormal(0, 0.6, _PLANTS)}
    made = Made(SPECIES, YEARS, crs=CRS_M)
    made.points(
        "plants", WEST + x, SOUTH + y,
        [
            (i, s, "power" if i % 3 else "steel", year, float(PLANT_T[s] * size[i] * own[s][i] * grown[year][i]))
            for i in range(_PLANTS) for s in SPECIES for year in YEARS
        ],
        columns={
            "name_zh": [HOSTILE if i == 0 else f"第{i}厂" for i in range(_PLANTS)],
            "name_en": [HOSTILE_EN if i == 0 else f"Plant {i}" for i in range(_PLANTS)],
            "industry": ["D4411" if i % 3 else "C3110" for i in range(_PLANTS)],
            "supply_security": [i % 40 == 0 for i in range(_PLANTS)],
        },
    )  # fmt: skip
    line = shapely.LineString(
        [(WEST + 500, SOUTH + 900), (WEST + 30_000, SOUTH + 29_000), (WEST + 59_000, SOUTH + 42_000)]
    )
    made.shapes("roads", "line", [line], [(0, s, "road", y, PLANT_T[s]) for s in SPECIES for y in YEARS])
    homes = list(counties().frame.geometry)
    made.shapes(
        "homes",
        "area",
        homes,
        [(c, s, "residential", y, 0.5 * PLANT_T[s]) for c in (0, 1) for s in SPECIES for y in YEARS],
    )
    corners = [*ON_BORDERS, *(rng.integers(1, 24, (_ESTATES, 2)) * 2_000)]
    estates = [box(a, b, a + 2_000, b + 2_000) for a, b in corners]
    made.shapes(
        "estates",
        "area",
        estates,
        [(i, s, "residential", y, 16 * PLANT_T[s]) for i in range(len(estates)) for s in SPECIES for y in YEARS],
    )
    park = layer(Role.PARK, [box(10_000, 10_000, 15_000, 15_000)], ["P1"])
    red = layer(Role.RED_LINE, [box(30_000, 28_000, 36_000, 36_000)], ["R1"])
    return made.inventory(regions=Regions((counties(), townships(), park, red)))


def publish(directory: Path) -> Path:
    """The directory, now a workspace: a run of two years, a zoning of each, their comparison."""
    source = directory.parent / "made.toml"
    source.write_text("# made in memory\n", "utf-8")
    with Workspace(directory) as workspace:
        run = workspace.publish(allocate(replace(inventory(), path=source), GRID), name="province")
        a = zone_run(run, workspace, quick(), year=YEARS[0], name="初稿")
        b = zone_run(run, workspace, quick(), year=YEARS[1], name="<b>二稿</b>")
        compare_zonings(a, b, workspace, name="变化")
    return directory
