"""A service over a workspace with one inventory, and keys of every scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.keys import Keys, Scope
from service.main import create_app
from service.settings import Settings
from tests.service.jobs.workspaces import tiny

Opener = Callable[..., TestClient]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tiny(tmp_path / "ws")


@pytest.fixture
def keys(workspace: Path) -> dict[str, dict[str, str]]:
    """Headers with a key, by scope."""
    kept = Keys(workspace / "service.sqlite")
    made = {scope.name.lower(): kept.new(scope.name.lower(), scope)[1] for scope in Scope if scope is not Scope.NONE}
    return {name: {"Authorization": f"Bearer {text}"} for name, text in made.items()}


@pytest.fixture
def opened(workspace: Path) -> Iterator[Opener]:
    """Opens the service with other settings."""
    clients: list[TestClient] = []

    def make(**settings: object) -> TestClient:
        app = create_app(Settings.model_validate({"workspace": workspace, **settings}))
        clients.append(TestClient(app, raise_server_exceptions=False).__enter__())
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def http(opened: Opener) -> TestClient:
    return opened()
