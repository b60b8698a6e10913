"""Fixtures of the service: a published workspace, clients in this process, and a server of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.main import create_app
from service.settings import Settings
from tests.service.published import publish

_START_S = 60


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run of two years, two zonings and their comparison. Not to be written to: copy it."""
    return publish(tmp_path_factory.mktemp("service") / "workspace")


@pytest.fixture(scope="session")
def client(published: Path) -> Iterator[TestClient]:
    """Someone who may see facilities."""
    settings = Settings(workspace=published, show_facilities=True)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(published: Path) -> Iterator[TestClient]:
    """Someone without a key, where facilities are not shown to such."""
    with TestClient(create_app(Settings(workspace=published)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def served(published: Path) -> Iterator[str]:
    """Address of a server process, for clients that are programs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "cozone", "serve", "-w", published, "--port", str(port)]
    server = subprocess.Popen(
        command,
        env={**os.environ, "COZONE_SHOW_FACILITIES": "true", "COZONE_LOG_LEVEL": "warning"},
        stderr=subprocess.PIPE,
    )
    try:
        yield _ready(server, f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.communicate(timeout=_START_S)


def _ready(server: subprocess.Popen[bytes], address: str) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=5):
                return address
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise AssertionError(f"the server did not start: {server.communicate()[1].decode()[-2000:]}")
