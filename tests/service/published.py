"""A small province, published whole: a run of two years, two zonings of it and their comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from gis.allocation.allocate import allocate
from gis.inventory.model import Inventory
from gis.pipeline import compare_zonings, zone_run
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.workspace import Workspace
from tests.allocation.inventories import Made
from tests.zoning.province import CRS_M, GRID, SOUTH, WEST, box, counties, layer, quick

YEARS = (2020, 2022)
SPECIES = ("co2", "nox", "pm25")
# Names that a page or a message must not take for markup or a formula.
HOSTILE = '<script>alert("厂")</script>'
PLANT_T = {"co2": 1e6, "nox": 1e3, "pm25": 1e2}
_PLANTS = 60


def townships() -> RegionLayer:
    tiles = [box(x * 10_000, y * 10_000, (x + 1) * 10_000, (y + 1) * 10_000) for y in range(5) for x in range(6)]
    return layer(Role.TOWNSHIP, tiles, [f"33010{1 if i % 6 < 3 else 2}{i:03d}" for i in range(30)])


def inventory() -> Inventory:
    """Plants in three clusters and scattered, a road, homes spread over the counties."""
    rng = np.random.default_rng(7)
    centres = np.array([(12_000, 12_000), (31_000, 30_000), (50_000, 40_000)])
    near = centres[rng.integers(0, 3, _PLANTS)] + rng.normal(0, 2_500, (_PLANTS, 2))
    far = rng.uniform((500, 500), (59_500, 49_500), (_PLANTS, 2))
    x, y = np.where(rng.random((_PLANTS, 1)) < 0.6, near, far).T
    size = rng.lognormal(0, 1.2, _PLANTS)
    made = Made(SPECIES, YEARS, crs=CRS_M)
    made.points(
        "plants", WEST + x, SOUTH + y,
        [
            (i, s, "power" if i % 3 else "steel", year, PLANT_T[s] * size[i] * (1.0 if year == YEARS[0] else 0.7 + i % 5 * 0.15))
            for i in range(_PLANTS) for s in SPECIES for year in YEARS
        ],
        columns={
            "name_zh": [HOSTILE if i == 0 else f"第{i}厂" for i in range(_PLANTS)], "name_en": [f"Plant {i}" for i in range(_PLANTS)],
            "industry": ["D4411" if i % 3 else "C3110" for i in range(_PLANTS)],
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
    park = layer(Role.PARK, [box(10_000, 10_000, 15_000, 15_000)], ["P1"])
    red = layer(Role.RED_LINE, [box(30_000, 28_000, 32_000, 33_000)], ["R1"])
    return made.inventory(regions=Regions((counties(), townships(), park, red)))


def publish(directory: Path) -> Path:
    """The directory, now a workspace."""
    source = directory.parent / "made.toml"
    source.write_text("# made in memory\n", "utf-8")
    with Workspace(directory) as workspace:
        run = workspace.publish(allocate(replace(inventory(), path=source), GRID), name="province")
        a = zone_run(run, workspace, quick(), year=YEARS[0], name="初稿")
        b = zone_run(run, workspace, quick(), year=YEARS[1])
        compare_zonings(a, b, workspace, name="变化")
    return directory
