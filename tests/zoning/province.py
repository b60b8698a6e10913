"""A small province made in memory and published: two counties, plants, a road, homes; what a zoning is to find in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis.allocation.allocate import allocate
from gis.grid import Grid
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.workspace import Run, Workspace
from gis.zoning.parameters import Parameters
from tests.allocation.inventories import Made

# Equal-area: on another projection an even density is not even on the ground.
CRS_M = Grid.named("china-1km").crs
WEST, SOUTH = 500_000.0, 4_000_000.0
GRID = Grid.covering((WEST, SOUTH, WEST + 60_000, SOUTH + 50_000), crs=CRS_M, cell=1000)
BORDER = 30_000.0  # metres from the west, between the two counties
SPECIES = ("co2", "nox", "pm25")
# Tonnes a year of a plant of size 1.
PLANT_T = {"co2": 1e6, "nox": 1e3, "pm25": 1e2}
HOMES_T = {"co2": 3e4, "nox": 30.0, "pm25": 20.0}

Plant = tuple[float, float, float]  # metres from the south-west corner, size


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(WEST + west, SOUTH + south, WEST + east, SOUTH + north)


def layer(role: Role, shapes: Sequence[shapely.Geometry], codes: Sequence[str]) -> RegionLayer:
    frame = gpd.GeoDataFrame(
        {"code": list(codes), "name_zh": [f"区{c}" for c in codes], "name_en": [f"Region {c}" for c in codes], "parent": ""},
        geometry=list(shapes), crs=CRS_M,
    )  # fmt: skip
    return RegionLayer(role, frame)


def counties() -> RegionLayer:
    halves = (box(0, 0, BORDER, 50_000), box(BORDER, 0, 60_000, 50_000))
    return layer(Role.COUNTY, halves, ("330101", "330102"))


def made(
    plants: Sequence[Plant],
    *,
    road: Sequence[tuple[float, float]] | None = None,
    homes: Callable[[int], float] | None = None,
    species: Sequence[str] = SPECIES,
    years: Sequence[int] = (2020,),
    order: Sequence[int] | None = None,
) -> Made:
    """The inventory: ``homes`` gives a year's factor of what is spread evenly over the counties, None for no homes."""
    out = Made(tuple(species), tuple(years), crs=CRS_M)
    numbers = list(range(len(plants))) if order is None else list(order)
    xs = [WEST + plants[i][0] for i in numbers]
    ys = [SOUTH + plants[i][1] for i in numbers]
    records = [
        (k, s, "power", y, PLANT_T[s] * plants[i][2]) for k, i in enumerate(numbers) for s in species for y in years
    ]
    names = {"source_id": [f"P{i}" for i in numbers], "supply_security": [i == 0 for i in numbers]}
    out.points("plants", xs, ys, records, columns=names)
    if road is not None:
        line = shapely.LineString([(WEST + x, SOUTH + y) for x, y in road])
        out.shapes("roads", "line", [line], [(0, s, "road", y, 40 * HOMES_T[s]) for s in species for y in years])
    if homes is not None:
        factor = homes
        shapes = list(counties().frame.geometry)
        out.shapes(
            "homes", "area", shapes,
            [(c, s, "residential", y, HOMES_T[s] * factor(y)) for c in (0, 1) for s in species for y in years],
        )  # fmt: skip
    return out


def published(directory: Path, inventory: Made, *layers: RegionLayer) -> Run:
    """The run, in a workspace below the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    found = inventory.inventory(regions=Regions((counties(), *layers)))
    (directory / "made.toml").write_text("# made in memory\n", "utf-8")
    return Workspace(directory / "workspace").publish(
        allocate(replace(found, path=directory / "made.toml"), GRID), name="province"
    )


def quick(**tables: dict[str, Any]) -> Parameters:
    """Parameters whose draws are few."""
    given: dict[str, dict[str, Any]] = {
        "evidence": {"draws": 9999}, "membership": {"draws": 64}, "overlap": {"shifts": 19}, **tables,
    }  # fmt: skip
    return Parameters.model_validate({"pollutants": ["nox", "pm25"], "sweep": [0.02, 0.05, 0.1], **given})


def scattered(count: int, seed: int = 1) -> list[Plant]:
    """Plants all over the province, of very different size."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(500, 59_500, count), rng.uniform(500, 49_500, count)
    return [(float(a), float(b), float(s)) for a, b, s in zip(x, y, rng.lognormal(0, 1.5, count), strict=True)]
