"""A click: the point query with contributors on the national case, in the process and over HTTP.

The workspace is one of the national case, or the one that COZONE_BENCH_WORKSPACE names. Planes, ranks and origins are made first
(their time is told apart); then cells are clicked at random, each once, so that no answer is served twice.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import numpy as np
from pyproj import Transformer

from benchmarks.clients import Connection, resident_mb, serving
from benchmarks.rows import Row
from benchmarks.zoning import WORKSPACE as NATIONAL
from benchmarks.zoning import publish_national
from gis.views import Views
from gis.views.lonlat import CRS84
from gis.views.origins import Origins
from gis.views.points import Points
from gis.workspace import Run, StoredZoning, Workspace

__all__ = ["run"]

CLICKS = 1000
WORKSPACE = Path(os.environ.get("COZONE_BENCH_WORKSPACE", NATIONAL))


def run(repeats: int = 1) -> list[Row]:
    """p50 and p99 of the function and over HTTP, at one client and at two."""
    if WORKSPACE == NATIONAL:
        publish_national()
    result, of = _subject(WORKSPACE)
    views = Views(WORKSPACE / "views")
    points = Points(views, Origins(views.files, of), result)
    places = _places(of, CLICKS * repeats)
    started = time.perf_counter()
    points.origins.prepare()
    points.at(lon=places[0][0], lat=places[0][1], top=10)
    first_s = time.perf_counter() - started
    inside = [_timed(points, lon, lat) for lon, lat in places]
    rows = [_row("click, the function", inside, f"first one, with what it made: {first_s:.1f} s")]
    with serving(WORKSPACE) as (port, process):
        paths = [f"/api/results/{result.id}/point?lon={lon:.7f}&lat={lat:.7f}" for lon, lat in places]
        asyncio.run(_clicked(port, paths[:20], 1))
        for clients in (1, 2):
            took = asyncio.run(_clicked(port, paths, clients))
            rows.append(_row(f"click over HTTP, {clients} client(s)", took, f"server {resident_mb(process):.0f} MB"))
    return rows


def _subject(workspace: Path) -> tuple[Run | StoredZoning, Run]:
    """The newest zoning and its run; the newest run where nothing is zoned."""
    kept = Workspace(workspace)
    zonings = kept.zonings()
    if zonings:
        return zonings[0], kept.run(zonings[0].run_id)
    of = kept.run("latest")
    return of, of


def _places(of: Run, count: int) -> list[tuple[float, float]]:
    """Random points in cells of the run, all over the country."""
    rng = np.random.default_rng(17)
    cells = rng.choice(np.flatnonzero(of.valid.ravel()), count, replace=False)
    x, y = of.grid.centre(cells)
    x, y = x + rng.uniform(-0.4, 0.4, count) * of.grid.dx, y + rng.uniform(-0.4, 0.4, count) * of.grid.dy
    lon, lat = Transformer.from_crs(of.grid.crs, CRS84, always_xy=True).transform(x, y)
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _timed(points: Points, lon: float, lat: float) -> float:
    started = time.perf_counter()
    found = points.at(lon=lon, lat=lat, top=10)
    took = time.perf_counter() - started
    assert found.contributors is not None
    return took


async def _clicked(port: int, paths: list[str], clients: int) -> list[float]:
    """Seconds of every click, so many clients at a time."""
    waiting = iter(paths)
    took: list[float] = []

    async def client() -> None:
        connection = Connection("127.0.0.1", port)
        for path in waiting:
            answer = await connection.get(path)
            assert answer.status == 200, answer.body
            took.append(answer.seconds)
        await connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return took


def _row(work: str, seconds: list[float], note: str) -> Row:
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return Row(work, float(p50), {}, "p99 ≤ 20 ms", f"p99 {p99 * 1e3:.1f} ms of {len(seconds)}; {note}")
