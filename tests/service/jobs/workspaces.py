"""Workspaces to run jobs in, and runners as processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gis.workspace import Workspace
from service.jobs.queue import Queue
from service.jobs.runner import Runner
from service.settings import Settings
from tests.service.inventories import write_tiny

WORKER = [sys.executable, "-c", "from service.cli import main; main()", "worker", "-w"]
GRID = {"inventory": "tiny", "grid": "grid.toml"}
# Work under load: the interpreter, its libraries and the kernels have to be read first.
PATIENCE_S = 90


def tiny(directory: Path) -> Path:
    """A workspace with nothing published and one inventory of two plants."""
    Workspace(directory).close()
    write_tiny(directory / "inventories" / "tiny", name="inventory.toml")
    return directory


def start_worker(workspace: Path) -> subprocess.Popen[bytes]:
    """A runner as a process of its own, which tells what it does on standard error."""
    return subprocess.Popen([*WORKER, str(workspace)], stderr=subprocess.DEVNULL)


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def work_off(workspace: Path) -> None:
    """Run all that waits, in processes started from this one."""
    queue, runner = Queue(workspace), Runner(Settings(workspace=workspace))

    def done() -> bool:
        runner.step()
        return not queue.unfinished()

    try:
        until(done, "the end of all jobs")
    finally:
        runner.close()


def children_of(pid: int) -> list[int]:
    """Processes that a process started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(p) for p in found.read_text().split()] if found.exists() else []


def lives(pid: int) -> bool:
    """Whether a process is there and no mere entry of one that ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def published_ids(workspace: Path) -> list[str]:
    """Ids of all runs."""
    with Workspace(workspace) as kept:
        return [run.id for run in kept.runs()]
