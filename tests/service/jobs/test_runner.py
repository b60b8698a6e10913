"""The runner: killed at any moment it loses nothing and publishes nothing twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gis.pipeline import find_grid, grid_inventory
from gis.workspace import Workspace
from service.jobs.queue import ATTEMPTS, Queue, State
from service.jobs.runner import Runner, run_forever
from service.settings import Settings
from tests.service.jobs.workspaces import (
    GRID,
    children_of,
    lives,
    published_ids,
    start_worker,
    tiny,
    until,
    work_off,
)


@contextmanager
def _worker(workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start_worker(workspace)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _objects(workspace: Path) -> set[str]:
    return {p.name for p in (workspace / "objects").glob("*/*")}


def _at_work(worker: subprocess.Popen[bytes]) -> int:
    until(lambda: bool(children_of(worker.pid)), "the start of a job")
    return children_of(worker.pid)[0]


def test_a_killed_runner_takes_its_jobs_with_it_and_the_next_one_does_them_once(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue = Queue(workspace)
    id_ = queue.submit("grid", GRID, key="me", room=9).id
    with _worker(workspace) as worker:
        pid = _at_work(worker)
        assert queue.get(id_).state is State.RUNNING
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        until(lambda: not lives(pid), "the end of the orphan")
    with _worker(workspace) as worker:
        until(lambda: not queue.unfinished(), "the end of the job")
        job = queue.get(id_)
        assert job.state is State.SUCCESSFUL and job.attempt == 2 and job.result is not None
        assert published_ids(workspace) == [job.result["result"]["id"]]
        # An orderly stop is prompt.
        worker.terminate()
        assert worker.wait(20) == 0
    assert "cut off: the server went away; waiting again" in [line.text for line in queue.lines(id_)]


def test_killed_between_publishing_and_saying_so_gives_the_same_run(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue = Queue(workspace)
    id_ = queue.submit("grid", GRID, key="me", room=9).id
    assert queue.claim() is not None
    folder = workspace / "inventories" / "tiny"
    with Workspace(workspace) as kept:
        run = grid_inventory(folder / "inventory.toml", find_grid(str(folder / "grid.toml")), kept)
        created, objects = kept.run(run.id).created, _objects(workspace)
    work_off(workspace)  # as after a kill -9: the claim was never given back
    job = queue.get(id_)
    assert job.state is State.SUCCESSFUL and job.result is not None and job.result["result"]["id"] == run.id
    assert published_ids(workspace) == [run.id] and _objects(workspace) == objects
    with Workspace(workspace) as kept:
        assert kept.run(run.id).created == created


def test_a_process_that_falls_over_again_and_again_is_given_up(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue, runner = Queue(workspace), Runner(Settings(workspace=workspace))
    id_ = queue.submit("grid", GRID, key="me", room=9).id
    try:
        for attempt in range(1, ATTEMPTS + 1):
            runner.step()
            assert runner.running == 1 and queue.get(id_).attempt == attempt
            runner._children[0].process.send_signal(signal.SIGKILL)
            runner._children[0].process.wait()
        runner.step()
    finally:
        runner.close()
    failed = queue.get(id_)
    assert failed.state is State.FAILED and failed.problem is not None and "signal 9" in failed.problem["detail"]
    assert published_ids(workspace) == []


def test_dismissing_ends_the_process_and_leaves_nothing(tmp_path: Path, published: Path) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(published, workspace)
    with Workspace(workspace) as kept:
        run, zonings = kept.run("latest").id, [z.id for z in kept.zonings()]
    queue, runner = Queue(workspace), Runner(Settings(workspace=workspace))
    inputs = {"run": run, "parameters": {"membership": {"draws": 100_000}, "hot": {"q": 0.02}}}
    id_ = queue.submit("zone", inputs, key="me", room=9).id
    try:
        runner.step()
        pid = runner._children[0].process.pid
        until(lambda: queue.get(id_).progress > 0, "the first stage")
        (workspace / "tmp" / f"{pid}-unfinished").mkdir()
        assert queue.dismiss(id_).state is State.DISMISSED
        runner.step()
        assert runner.running == 0 and not lives(pid)
    finally:
        runner.close()
    assert queue.get(id_).state is State.DISMISSED and not list((workspace / "tmp").iterdir())
    with Workspace(workspace) as kept:
        assert [z.id for z in kept.zonings()] == zonings


def test_a_stopped_runner_gives_its_jobs_back(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue, stop = Queue(workspace), threading.Event()
    id_ = queue.submit("grid", GRID, key="me", room=9).id
    thread = threading.Thread(target=run_forever, args=(Settings(workspace=workspace), stop))
    thread.start()
    until(lambda: queue.get(id_).state is State.RUNNING, "the start of the job")
    assert queue.runs()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    job = queue.get(id_)
    assert job.state is State.ACCEPTED and job.attempt == 0


def test_a_second_runner_waits_for_the_first_to_go(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue = Queue(workspace)
    first, second = (Runner(Settings(workspace=workspace)) for _ in range(2))
    try:
        first.step()
        id_ = queue.submit("grid", GRID, key="me", room=9).id
        second.step()
        assert second.running == 0 and queue.get(id_).state is State.ACCEPTED
        first.step()
        assert first.running == 1
        second.step()  # does not take a living runner's job for a lost one
        assert queue.get(id_).state is State.RUNNING
        first.close()
        second.step()
        assert second.running == 1
    finally:
        first.close()
        second.close()


def test_no_more_jobs_run_than_the_setting_says(tmp_path: Path) -> None:
    workspace = tiny(tmp_path / "ws")
    queue, runner = Queue(workspace), Runner(Settings(workspace=workspace, jobs=2))
    for _ in range(3):
        queue.submit("check", {"inventory": "tiny"}, key="me", room=9)
    try:
        runner.step()
        assert runner.running == 2 and queue.count(state=State.ACCEPTED) == 1
    finally:
        runner.close()
    assert queue.count(state=State.ACCEPTED) == 3


def test_a_runner_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    started = time.monotonic()
    run_forever(Settings(workspace=tiny(tmp_path / "ws")), threading.Event(), parent=os.getppid() + 1)
    assert time.monotonic() - started < 5


@pytest.mark.slow
def test_killed_at_any_moment_the_workspace_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    clean = tiny(tmp_path / "clean")
    Queue(clean).submit("grid", GRID, key="me", room=9)
    work_off(clean)
    workspace = tiny(tmp_path / "ws")
    queue = Queue(workspace)
    for moment in range(12):
        queue.submit("grid", GRID, key="me", room=99)
        with _worker(workspace) as worker:
            pid = _at_work(worker)
            time.sleep(0.25 * moment)
            # A job that is done already is one of the moments, too.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid if moment % 2 else worker.pid, signal.SIGKILL)
            if moment % 2:
                until(lambda: not queue.unfinished(), "the end of the job")
        assert published_ids(workspace) in ([], published_ids(clean))
    work_off(workspace)
    assert queue.count(state=State.SUCCESSFUL) == 12
    assert published_ids(workspace) == published_ids(clean)
    with Workspace(workspace) as kept:
        kept.prune()
    assert _objects(workspace) == _objects(clean)
    assert not list((workspace / "tmp").iterdir())
