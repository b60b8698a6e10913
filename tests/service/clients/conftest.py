from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.clients import serving
from gis.allocation.allocate import allocate
from gis.grid import Grid
from gis.workspace import Workspace
from tests.service.published import inventory
from tests.zoning.province import CRS_M, SOUTH, WEST

_GRID = Grid.covering((WEST, SOUTH, WEST + 60_000, SOUTH + 50_000), crs=CRS_M, cell=500)


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address of a server over a run of 12,000 cells and two years, and its workspace."""
    place = tmp_path_factory.mktemp("wide") / "workspace"
    source = place.parent / "made.toml"
    source.write_text("# made in memory\n", "utf-8")
    with Workspace(place) as workspace:
        workspace.publish(allocate(replace(inventory(), path=source), _GRID), name="wide")
    with serving(place) as (port, _):
        yield f"http://127.0.0.1:{port}", place
