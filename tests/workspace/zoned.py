"""A workspace with a small run on the grid of the sample zoning, and that zoning as one of this run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from gis.allocation.allocate import allocate
from gis.inventory.model import InputFile
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.workspace import Run, Workspace
from gis.zoning.model import Zoning
from tests.allocation.inventories import Made
from tests.zoning.made import CRS_M, GRID, SPECIES, counties, made_zoning


def published_run(workspace: Workspace, directory: Path, *, mass_t: float = 1e6) -> Run:
    """A run of one plant."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Made(SPECIES, (2020, 2021), crs=CRS_M)
    made.points("plants", [515_500], [4_002_500], [(0, "co2", "power", y, mass_t) for y in (2020, 2021)])
    layer = RegionLayer(Role.COUNTY, counties().assign(parent=""), version="2020", file="counties.gpkg")
    inventory = made.inventory(regions=Regions((layer,)))
    text = f"# made in memory\nmass_t = {mass_t}\n".encode()
    for name in ("made.toml", "plants.csv"):
        (directory / name).write_bytes(text)
    file = InputFile("plants.csv", directory / "plants.csv", len(text), hashlib.sha256(text).hexdigest())
    found = replace(inventory, path=directory / "made.toml", inputs=(file,))
    return workspace.publish(allocate(found, GRID), name="two-counties")


def zoning_of(run: Run, **changes: Any) -> Zoning:
    """The sample as a zoning of the run."""
    return made_zoning(run_id=run.id, run_name=run.name, **changes)
