"""The runner: supervises the processes that work jobs off. One runner holds a workspace; others of the same one wait for it to go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gis.workspace.locks import FileLock
from service.jobs.confine import environment
from service.jobs.inventories import Inventories
from service.jobs.queue import Claim, Queue
from service.logs import logger
from service.settings import Settings

__all__ = ["Runner", "Stop", "run_forever"]

_POLL_S = 0.2
_BEAT_S = 5.0
_PURGE_S = 3600.0
_GRACE_S = 5.0
# Jobs that are done are remembered, and their files kept, so long and so many.
_KEPT_DAYS, _KEPT = 30, 1_000


class Stop(Protocol):
    """An event of threading or multiprocessing."""

    def is_set(self) -> bool:
        """Whether it is time to stop."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait for that time, or so long."""
        ...


def run_forever(settings: Settings, stop: Stop, *, parent: int | None = None) -> None:
    """Work jobs off until ``stop`` is set, or until the process ``parent`` that started this one is gone."""
    runner = Runner(settings)
    try:
        while not stop.is_set() and (parent is None or os.getppid() == parent):
            runner.step()
            stop.wait(_POLL_S)
    finally:
        runner.close()


@dataclass(frozen=True, slots=True)
class _Child:
    claim: Claim
    process: subprocess.Popen[bytes]


class Runner:
    """The runner of a workspace. ``step`` never waits; what it started is ended and put back into the queue by ``close``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.queue = Queue(settings.workspace)
        self._lock = FileLock(settings.workspace / "runner.lock")
        self._held = False
        self._children: list[_Child] = []
        self._beaten = self._purged = -_PURGE_S

    @property
    def running(self) -> int:
        """Processes at work."""
        return len(self._children)

    def step(self) -> None:
        """Look after what runs, start what waits."""
        if not self._held and not self._take():
            return
        self._upkeep()
        self._children = [child for child in self._children if self._lives(child)]
        while len(self._children) < self.settings.jobs:
            claim = self.queue.claim()
            if claim is None:
                return
            self._children.append(_Child(claim, self._start(claim)))

    def close(self) -> None:
        """End what runs, and let the next runner do it again."""
        for child in self._children:
            _signal(child.process, signal.SIGTERM)
        until = time.monotonic() + _GRACE_S
        for child in self._children:
            self._end(child, wait_s=max(until - time.monotonic(), 0.0))
            self.queue.release(child.claim.job.id, child.claim.token, "the server was stopped", counted=False)
        self._children = []
        self._lock.release()
        self._held = False

    def _take(self) -> bool:
        """Become the one runner; what the last one left running waits again."""
        if not self._lock.acquire():
            return False
        self._held = True
        left, swept = self.queue.recover(), Inventories(self.settings.workspace).sweep()
        for folder in self.queue.files.glob("*.*"):  # what processes that are gone were writing
            shutil.rmtree(folder, ignore_errors=True)
        logger.info("runner started", extra={"fields": {"waiting_again": left, "uploads_swept": swept}})
        return True

    def _upkeep(self) -> None:
        now = time.monotonic()
        if now - self._beaten >= _BEAT_S:
            self._beaten = now
            self.queue.beat()
        if now - self._purged >= _PURGE_S:
            self._purged = now
            self.queue.purge(days=_KEPT_DAYS, kept=_KEPT)
            self._sweep_files()

    def _sweep_files(self) -> None:
        """Remove the files of jobs that are not remembered any more."""
        if self.queue.files.is_dir():
            known = {job.id for job in self.queue.jobs(limit=10 * _KEPT)}
            for folder in self.queue.files.iterdir():
                if folder.name.partition(".")[0] not in known:
                    shutil.rmtree(folder, ignore_errors=True)

    def _start(self, claim: Claim) -> subprocess.Popen[bytes]:
        # A process group of its own, so that nothing a job starts outlives it. -P: nothing is imported from where we stand.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "service.jobs.work"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            env=environment(), start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        order = {"settings": self.settings.model_dump(mode="json"), "job": claim.job.id, "token": claim.token}
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()  # and left open: it closes when this process dies
        except BrokenPipeError:
            pass  # it died at once, which the next step finds
        fields = {"job": claim.job.id, "process": claim.job.process, "pid": process.pid, "attempt": claim.job.attempt}
        logger.info("job started", extra={"fields": fields})
        return process

    def _lives(self, child: _Child) -> bool:
        job, token, status = child.claim.job, child.claim.token, child.process.poll()
        if status is None and self.queue.holds(job.id, token):
            return True
        self._end(child, wait_s=0.0)
        if status is not None:
            # One that was well has told the outcome, and its token is void; otherwise the job is not done.
            why = f"by signal {-status}" if status < 0 else f"with status {status}"
            self.queue.release(job.id, token, f"its process ended {why}", counted=True)
        elif self.queue.dismissed(job.id):
            shutil.rmtree(self.queue.files / job.id, ignore_errors=True)
        logger.info("job ended", extra={"fields": {"job": job.id, "process": job.process, "status": status}})
        return False

    def _end(self, child: _Child, *, wait_s: float) -> None:
        """See to it that a process and all it started is gone, and remove what it was writing."""
        process = child.process
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            pass
        _signal(process, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass
        _sweep(self.settings.workspace / "tmp", process.pid)
        for folder in self.queue.files.glob(f"{child.claim.job.id}.{process.pid}.*"):
            shutil.rmtree(folder, ignore_errors=True)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is not None:
        return  # its number may be another's by now
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def _sweep(tmp: Path, pid: int) -> None:
    """Remove what a process that is gone was writing; a number given to a new process keeps its own by the lock."""
    for folder in tmp.glob(f"{pid}-*"):
        lock = FileLock(folder / "lock")
        if folder.is_dir() and lock.acquire():
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
