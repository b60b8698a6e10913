"""The threshold slider of the map: a question for the counts and all tiles of a view of 1280 × 800, at shares never asked for.

As a browser asks: six connections that are kept, the question first, until the last answer is there.
"""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.clients import Connection, serving
from benchmarks.load import WORKSPACE as DEMO
from benchmarks.load import publish_demo
from benchmarks.rows import Row
from benchmarks.zoning import WORKSPACE as NATIONAL

CONNECTIONS = 6
_VIEW = 1280, 800
# A province fills a view at 8; a nation's region at 7.
_VIEWS = ((DEMO, "demo province", "z-latest", 8, 124.0, 32.6), (NATIONAL, "national 1 km", "r-latest", 7, 105.0, 35.0))


def run(repeats: int = 5) -> list[Row]:
    publish_demo()
    rows = []
    for workspace, name, result, zoom, lon, lat in _VIEWS:
        if not (workspace / "catalogue.sqlite").exists():
            continue  # `python -m benchmarks zoning` makes the national one
        with serving(Path(workspace), environment={"COZONE_JOBS": "0"}) as (port, _):
            for size in (1, 4):
                found = asyncio.run(_views(port, result, zoom, list(_tiles(zoom, lon, lat)), size, 5 * repeats))
                rows.append(_row(name, zoom, size, found))
    return rows


def _row(name: str, zoom: int, size: int, found: list[float]) -> Row:
    rule = f", patches of {size} cells" if size > 1 else ""
    note = f"{len(found)} shares; the slowest {max(found):.3f} s; {os.cpu_count()} processors for server and client"
    return Row(f"slider, {name}, a view at zoom {zoom}{rule}", statistics.median(found), {}, "<= 0.2 s", note)


def _tiles(zoom: int, lon: float, lat: float) -> Iterator[tuple[int, int]]:
    """Columns and rows that a view around a place meets."""
    n = 2.0**zoom
    x = (lon + 180) / 360 * n
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    w, h = (side / 256 / 2 for side in _VIEW)
    for column in range(math.floor(x - w), math.floor(x + w) + 1):
        for row in range(math.floor(y - h), math.floor(y + h) + 1):
            yield column, row


async def _views(port: int, result: str, zoom: int, tiles: list[tuple[int, int]], size: int, times: int) -> list[float]:
    """Seconds from the first request of a view to its last answer, for each of some shares."""
    connections = [Connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    moved = await connections[0].get(f"/api/results/{result}")
    id_ = moved.headers[b"location"].decode().rsplit("/", 1)[-1] if moved.status == 307 else result
    found = []
    for k in range(-2, times):  # the first two lay out what all others take
        share = f"{0.0301 + 0.0013 * (k + 2) + (0.000001 if size > 1 else 0.0):.6f}"
        asked = f"share={share}" + (f"&min_cells={size}" if size > 1 else "")
        paths = [f"/api/results/{id_}/threshold?{asked}"]
        paths += [f"/tiles/{id_}/class/WebMercatorQuad/{zoom}/{x}/{y}.png?{asked}" for x, y in tiles]
        seconds = await _view(connections, paths)
        if k >= 0:
            found.append(seconds)
        await asyncio.sleep(0.05)
    for connection in connections:
        await connection.close()
    return found


async def _view(connections: list[Connection], paths: list[str]) -> float:
    left = iter(paths)
    started = time.perf_counter()

    async def work(connection: Connection) -> None:
        for path in left:
            answer = await connection.get(path)
            if answer.status not in (200, 204):
                raise RuntimeError(f"{path}: {answer.status} {answer.body[:200]!r}")

    await asyncio.gather(*map(work, connections))
    return time.perf_counter() - started
