"""From ``cozone serve`` to the first tile, whole process: imports, catalogue, planes read, a tile drawn and sent."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.clients import Answer, Connection, free_port
from benchmarks.load import WORKSPACE, publish_demo
from benchmarks.rows import Row

_VIEWS = WORKSPACE / "views"


def run(repeats: int = 5) -> list[Row]:
    publish_demo()
    warm = statistics.median(_first_tile() for _ in range(repeats))
    cold = statistics.median(_first_tile(anew=True) for _ in range(repeats))
    return [
        Row(
            "start to first tile, kernels cached",
            warm,
            {},
            "<= 3 s",
            "a density tile of the demo province, planes on disk",
        ),
        Row("the same, planes to be made", cold, {}, "<= 3 s", "as the first visitor after publication has it"),
    ]


def _first_tile(*, anew: bool = False) -> float:
    if anew:
        shutil.rmtree(_VIEWS, ignore_errors=True)
    port = free_port()
    command = [str(Path(sys.executable).with_name("cozone")), "serve", "-w", str(WORKSPACE), "--port", str(port)]
    started = time.perf_counter()
    server = subprocess.Popen(command, env={**os.environ, "COZONE_LOG_LEVEL": "warning"}, stderr=subprocess.DEVNULL)
    try:
        answer = asyncio.run(_tile(port, server))
        taken = time.perf_counter() - started
    finally:
        server.terminate()
        server.wait(60)
    if answer.status != 200 or not answer.body.startswith(b"\x89PNG"):
        raise RuntimeError(f"no tile came: {answer.status} {answer.body[:200]!r}")
    return taken


async def _tile(port: int, server: subprocess.Popen[bytes]) -> Answer:
    connection = Connection("127.0.0.1", port)
    while server.poll() is None:
        try:
            answer = await connection.get("/tiles/r-latest/density-co2/WebMercatorQuad/8/216/103.png")
            if answer.status == 307:
                answer = await connection.get(answer.headers[b"location"].decode())
        except OSError:
            await asyncio.sleep(0.01)
            continue
        await connection.close()
        return answer
    raise RuntimeError("the server did not start")
