"""Servers of their own, and what they answer without a browser: the oracle of what a page shows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

_START_S = 60


@contextmanager
def serving(workspace: Path, *, facilities: bool) -> Iterator[str]:
    """Address of a server of the workspace, for as long as the context lasts. ``facilities``: whether they are shown without a key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [Path(sys.executable).parent / "cozone", "serve", "-w", workspace, "--port", str(port)],
        env={**os.environ, "COZONE_SHOW_FACILITIES": str(facilities).lower(), "COZONE_LOG_LEVEL": "warning"},
        stderr=subprocess.PIPE,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(server, address)
        yield address
    finally:
        server.terminate()
        server.communicate(timeout=_START_S)


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise AssertionError(f"the server did not start: {server.communicate()[1].decode()[-2000:]}")


class Answers:
    """A server, asked. ``zoning`` and ``before``: the newer and the older zoning; ``run`` and ``comparison`` behind and between them."""

    def __init__(self, address: str) -> None:
        self.address = address
        heads = self.get("api/map")["results"]
        self.zoning, self.before = (h["id"] for h in heads if h["kind"] == "zoning")
        (self.run,) = (h["id"] for h in heads if h["kind"] == "run")
        (self.comparison,) = (h["id"] for h in heads if h["kind"] == "comparison")

    def get(self, path: str, **query: Any) -> Any:
        """A document."""
        with urllib.request.urlopen(f"{self.address}/{path}?{urlencode(query)}", timeout=30) as answer:
            return json.load(answer)

    def of(self, path: str, **query: Any) -> Any:
        """What the newer zoning answers."""
        return self.get(f"api/results/{self.zoning}/{path}", **query)

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """What the newer zoning answers to a document."""
        request = urllib.request.Request(
            f"{self.address}/api/results/{self.zoning}/{path}?{urlencode(query)}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def units(self, **query: Any) -> list[dict[str, Any]]:
        """All units that match, in order."""
        return list(self.of("units", limit=1000, **query)["units"])
