from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis.workspace import Run, StoredComparison, StoredZoning, Workspace


@pytest.fixture(scope="session")
def stored(published: Path) -> Iterator[Workspace]:
    with closing(Workspace(published)) as found:
        yield found


@pytest.fixture(scope="session")
def zoning(stored: Workspace) -> StoredZoning:
    return stored.zoning("latest")


@pytest.fixture(scope="session")
def province(stored: Workspace) -> Run:
    return stored.run("latest")


@pytest.fixture(scope="session")
def comparison(stored: Workspace) -> StoredComparison:
    return stored.comparison("latest")


@pytest.fixture(scope="session")
def units(zoning: StoredZoning) -> str:
    return f"/ogc/collections/{zoning.id}.units"


@pytest.fixture(scope="session")
def cells(province: Run) -> str:
    return f"/ogc/collections/{province.id}.cells"


@pytest.fixture(scope="session")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/ogc/api").json()
    return found
