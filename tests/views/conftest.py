"""Fixtures of views: the published province, and a run on a grid of longitudes and latitudes, where areas differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gis.allocation.allocate import allocate
from gis.grid import Grid
from gis.pipeline import compare_zonings, zone_run
from gis.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning, Workspace
from tests.allocation.inventories import Made
from tests.service.published import publish
from tests.zoning.province import quick

# More than 64 rows: its planes have a coarser level.
WORLD = Grid.covering((100.0, 20.0, 108.0, 50.0), crs="EPSG:4490", cell=(0.25, 0.4))
WORLD_SPECIES = ("co2", "nox", "pm25", "vocs")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run of two years, two zonings and their comparison. Not to be written to: copy it."""
    return publish(tmp_path_factory.mktemp("views") / "workspace")


@pytest.fixture(scope="session")
def workspace(published: Path) -> Iterator[Workspace]:
    with Workspace(published) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def run(workspace: Workspace) -> Run:
    return workspace.run("latest")


@pytest.fixture(scope="session")
def zoning(workspace: Workspace) -> StoredZoning:
    return workspace.zoning("latest")


@pytest.fixture(scope="session")
def comparison(workspace: Workspace) -> StoredComparison:
    return workspace.comparison("latest")


@pytest.fixture(scope="session")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    return Views(tmp_path_factory.mktemp("looked") / "views")


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a run of four species over thirty degrees of latitude; some cells emit nothing, and some alike."""
    rng = np.random.default_rng(3)
    made = Made(WORLD_SPECIES, (2020,), crs="EPSG:4490")
    common = rng.lognormal(3, 1, WORLD.shape)
    fields = {
        (s, "power", 2020): np.where(
            rng.random(WORLD.shape) < 0.7, np.rint(common * rng.lognormal(0, 0.7, WORLD.shape)), 0.0
        )
        for s in made.species
    }
    made.gridded("grid", WORLD, fields)
    directory = tmp_path_factory.mktemp("world")
    (directory / "made.toml").write_text("# made in memory\n", "utf-8")
    inventory = replace(made.inventory(), path=directory / "made.toml")
    with Workspace(directory / "workspace") as workspace:
        workspace.publish(allocate(inventory, WORLD), name="world")
        yield workspace


@pytest.fixture(scope="session")
def world(worlds: Workspace) -> Run:
    """The run of that workspace."""
    return worlds.run("latest")


@pytest.fixture(scope="session")
def world_zonings(worlds: Workspace) -> tuple[StoredZoning, StoredZoning]:
    """Two zonings of that run, the second one by mass."""
    asked = (
        quick(hot={"q": 0.1, "q_low": 0.15, "min_pollutants": 1}),
        quick(hot={"mode": "mass", "q": 0.7, "q_low": 0.7}, delineation={"min_cells": 1}),
    )
    a, b = (zone_run(worlds.run("latest"), worlds, parameters) for parameters in asked)
    return a, b


@pytest.fixture(scope="session")
def changed(worlds: Workspace, world_zonings: tuple[StoredZoning, StoredZoning]) -> StoredComparison:
    """Their comparison, in which cells entered, left and changed."""
    return compare_zonings(*world_zonings, worlds)
