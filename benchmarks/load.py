"""Sixty-four clients for a minute: tiles, features and statistics of the demo province, while a zoning job runs.

What counts: no errors but clean 503s, how long probes take in the meantime, and whether memory grows.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.clients import Answer, Connection, resident_mb, serving
from benchmarks.rows import Row

ROOT = Path(__file__).parent.parent
WORKSPACE = ROOT / ".cache" / "bench" / "demo-workspace"
CLIENTS = 64
SECONDS = 60.0
_POLYGON = json.dumps(
    {"type": "Polygon", "coordinates": [[[123.0, 32.0], [124.2, 32.0], [124.2, 33.0], [123.0, 33.0], [123.0, 32.0]]]}
).encode()


def run(repeats: int = 1) -> list[Row]:
    seconds = float(os.environ.get("COZONE_BENCH_LOAD_S", SECONDS))
    publish_demo()
    rows = []
    for workers in ("1", "2"):
        options = {"COZONE_OPEN_WRITES": "true", "COZONE_JOBS": "1"}
        with serving(WORKSPACE, "--workers", workers, environment=options) as (port, pid):
            found = asyncio.run(_minute(port, pid, seconds))
        rows.append(_row(workers, found, seconds))
    return rows


def publish_demo() -> None:
    """A workspace with the demo province, gridded and zoned; made once."""
    if (WORKSPACE / "catalogue.sqlite").exists():
        return
    made = WORKSPACE.with_suffix(".making")
    for old in (WORKSPACE, made):
        shutil.rmtree(old, ignore_errors=True)
    cozone = str(Path(sys.executable).with_name("cozone"))
    grid = ["grid", "data/demo/inventory.toml", "--grid", "data/demo/grid-1km.toml", "-w", str(made), "--quiet"]
    for command in (grid, ["zone", "latest", "-w", str(made), "--quiet"]):
        subprocess.run([cozone, *command], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    made.rename(WORKSPACE)


class _Found:
    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.seconds: dict[str, list[float]] = {}
        self.health: list[float] = []
        self.broken = 0
        self.bad: Counter[str] = Counter()
        self.memory_mb: list[float] = []
        self.job = ""


async def _minute(port: int, pid: int, seconds: float) -> _Found:
    found = _Found()
    connection = Connection("127.0.0.1", port)
    ids = {"z": await _latest(connection, "z-latest"), "r": await _latest(connection, "r-latest")}
    found.job = await _start_job(connection, ids["r"])
    until = asyncio.get_running_loop().time() + seconds
    clients = [_client(i, port, ids, found, until) for i in range(CLIENTS)]
    await asyncio.gather(*clients, _probe(port, found, until), _memory(pid, found, until))
    state = json.loads((await connection.get(f"/ogc/jobs/{found.job}")).body)
    found.job = state["status"]
    await connection.close()
    return found


async def _latest(connection: Connection, pointer: str) -> str:
    answer = await connection.get(f"/tiles/{pointer}")
    return answer.headers[b"location"].decode().rstrip("/").rsplit("/", 1)[-1]


async def _start_job(connection: Connection, run: str) -> str:
    # A seed of its own each time, so that there is work to do.
    parameters = {"membership": {"seed": random.randrange(1 << 30)}}
    body = json.dumps({"inputs": {"run": run, "parameters": parameters}}).encode()
    headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
    answer = await connection.get("/ogc/processes/zone/execution", method="POST", body=body, headers=headers)
    if answer.status != 201:
        raise RuntimeError(f"the job was not taken: {answer.status} {answer.body!r}")
    return str(json.loads(answer.body)["jobID"])


def _requests(ids: dict[str, str], chance: random.Random) -> tuple[str, str, bytes]:
    """Kind, path and body of one request, as maps and GIS clients mix them."""
    kind = chance.choices(("raster", "vector", "features", "point", "statistics", "zonal"), (50, 20, 10, 10, 8, 2))[0]
    z = chance.randint(6, 11)
    x, y = _tile(z, 122.4 + chance.random() * 3.4, 31.0 + chance.random() * 2.6)
    lon, lat = 122.8 + chance.random() * 2.4, 31.4 + chance.random() * 1.8
    share = chance.choice((0.01, 0.02, 0.03, 0.05, 0.08, 0.1))
    if kind == "raster":
        layer = chance.choice(("density-co2", "density-nox-power", f"class.png?share={share}", "change-co2"))
        name, _, query = layer.partition(".png")
        return kind, f"/tiles/{ids['r']}/{name}/WebMercatorQuad/{z}/{x}/{y}.png{query}", b""
    if kind == "vector":
        layer = chance.choice(("units", "cells", "hotspots"))
        return kind, f"/tiles/{ids['z']}/{layer}/WebMercatorQuad/{z}/{x}/{y}.mvt", b""
    if kind == "features":
        box = f"{lon:.3f},{lat:.3f},{lon + 0.3:.3f},{lat + 0.3:.3f}"
        return (
            kind,
            f"/ogc/collections/{ids['z']}.{chance.choice(('units', 'cells', 'hotspots'))}/items?bbox={box}&limit=500",
            b"",
        )
    if kind == "point":
        return kind, f"/api/results/{ids['z']}/point?lon={lon:.4f}&lat={lat:.4f}", b""
    if kind == "statistics":
        page = chance.choice((f"threshold?share={share}", "totals?by=county", "overlap", "units?limit=50"))
        return kind, f"/api/results/{ids['z']}/{page}", b""
    return kind, f"/api/results/{ids['z']}/zonal", _POLYGON


def _tile(z: int, lon: float, lat: float) -> tuple[int, int]:
    n = 1 << z
    return int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)


async def _client(number: int, port: int, ids: dict[str, str], found: _Found, until: float) -> None:
    chance, connection = random.Random(number), Connection("127.0.0.1", port)
    clock = asyncio.get_running_loop().time
    while clock() < until:
        kind, path, body = _requests(ids, chance)
        method, headers = ("POST", {"Content-Type": "application/json"}) if body else ("GET", {})
        try:
            answer: Answer = await connection.get(
                path, method=method, body=body, headers={**headers, "Accept-Encoding": "gzip"}
            )
        except (ConnectionError, asyncio.IncompleteReadError):
            found.broken += 1
            continue
        found.statuses[answer.status] += 1
        found.seconds.setdefault(kind, []).append(answer.seconds)
        if answer.status == 503:
            await asyncio.sleep(float(answer.headers.get(b"retry-after", b"1")))
        elif answer.status not in (200, 204):
            found.bad[f"{answer.status} {path.split('?')[0]} {answer.body[:200]!r}"] += 1
    await connection.close()


async def _probe(port: int, found: _Found, until: float) -> None:
    connection = Connection("127.0.0.1", port)
    while asyncio.get_running_loop().time() < until:
        found.health.append((await connection.get("/health")).seconds)
        await asyncio.sleep(0.05)
    await connection.close()


async def _memory(pid: int, found: _Found, until: float) -> None:
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(2.0)
        found.memory_mb.append(await asyncio.to_thread(resident_mb, pid))


def _row(workers: str, found: _Found, seconds: float) -> Row:
    answered = sum(found.statuses.values())
    health = sorted(found.health)
    p99 = health[int(len(health) * 0.99)]
    half = len(found.memory_mb) // 2
    early, late = statistics.median(found.memory_mb[half - 3 : half + 3]), statistics.median(found.memory_mb[-5:])
    kinds = ", ".join(f"{k} {statistics.median(v) * 1000:.0f} ms" for k, v in sorted(found.seconds.items()))
    bad = "; ".join(f"{n} x {text}" for text, n in found.bad.most_common(3)) or "none"
    note = (
        f"{answered:,} answers ({answered / seconds:,.0f}/s), of them {found.statuses[503]:,} 503, {found.broken} broken, wrong: {bad}; "
        f"medians {kinds}; memory {early:.0f} -> {late:.0f} MB in the second half ({late / early - 1:+.1%}); the job: {found.job}"
    )
    work = f"p99 of /health, {CLIENTS} clients, {seconds:.0f} s, {workers} worker(s), a zoning job beside"
    return Row(work, p99, {}, "<= 50 ms, no errors, memory <= 5 %", note)
