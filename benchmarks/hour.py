"""The first minutes of somebody new: ``cozone demo`` with nothing made and no kernel compiled, and the second time.

What pip takes is not in it. Each run has a cache of kernels and a workspace of its own.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.clients import free_port
from benchmarks.rows import Row

ROOT = Path(__file__).parent.parent
_WAIT_S = 900.0


def run(repeats: int = 3) -> list[Row]:
    first, again = [], []
    for _ in range(max(1, min(repeats, 3))):
        with tempfile.TemporaryDirectory(prefix="cozone-hour-") as kept:
            environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(kept) / "kernels")}
            first.append(_shown(Path(kept) / "workspace", environment))
            again += [_shown(Path(kept) / "workspace", environment) for _ in range(3)]
    return [
        Row("demo, nothing made, no kernel compiled", statistics.median(first), {}, "<= 90 s", "until the page of the map answers"),
        Row("demo, the second time", statistics.median(again), {}, "<= 5 s", "as above; the results are checked byte by byte"),
    ]  # fmt: skip


def _shown(workspace: Path, environment: dict[str, str]) -> float:
    """Seconds from the command to the page of the map."""
    port = free_port()
    command = [Path(sys.executable).with_name("cozone"), "demo", "-w", workspace, "--port", str(port)]
    started = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None and time.perf_counter() - started < _WAIT_S:
            try:
                for path in ("", "api/map"):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10).read()
            except OSError:
                time.sleep(0.02)
            else:
                return time.perf_counter() - started
        raise RuntimeError("the demo did not start")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
