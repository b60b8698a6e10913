"""The queue: every move of a job, what void tokens can still do (nothing), many processes at one time."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from gis.errors import NotFound
from service.errors import Busy, Problem
from service.jobs.queue import ATTEMPTS, Claim, Queue, State


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


def _submit(queue: Queue, process: str = "grid", room: int = 100) -> str:
    return queue.submit(process, {"a": 1, "名": "值"}, key="me", room=room).id


def _claim(queue: Queue) -> Claim:
    found = queue.claim()
    assert found is not None
    return found


def test_a_job_goes_from_accepted_through_running_to_successful(queue: Queue) -> None:
    id_ = _submit(queue)
    waiting = queue.get(id_)
    assert (waiting.state, waiting.progress, waiting.started, waiting.inputs) == (
        State.ACCEPTED, 0, None, {"a": 1, "名": "值"},
    )  # fmt: skip
    claim = _claim(queue)
    assert claim.job.id == id_ and claim.job.state is State.RUNNING and claim.job.attempt == 1
    assert queue.report(id_, claim.token, progress=40, message="layers", line=True)
    assert queue.report(id_, claim.token, progress=30, message="layers", line=False)
    assert queue.get(id_).progress == 40  # never backwards
    assert queue.finish(id_, claim.token, {"result": {"id": "r-0"}}, line="published r-0")
    done = queue.get(id_)
    assert (done.state, done.progress, done.result) == (State.SUCCESSFUL, 100, {"result": {"id": "r-0"}})
    assert done.created <= (done.started or "") <= (done.finished or "")
    assert [line.text for line in queue.lines(id_)] == ["started", "layers", "published r-0"]
    assert queue.lines(id_, after=2)[0].text == "published r-0"


def test_the_oldest_job_is_claimed_first_and_by_one_only(queue: Queue) -> None:
    ids = [_submit(queue) for _ in range(40)]
    assert _claim(queue).job.id == ids[0]
    taken: list[str] = []

    def take() -> None:
        while (claim := Queue(queue.path.parent).claim()) is not None:
            taken.append(claim.job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids[1:]) and max(Counter(taken).values()) == 1


def test_a_full_queue_refuses_and_says_when_to_come_again(queue: Queue) -> None:
    for _ in range(3):
        _submit(queue, room=3)
    with pytest.raises(Busy) as refused:
        _submit(queue, room=3)
    assert refused.value.status == 503 and int(refused.value.headers["Retry-After"]) > 0
    _claim(queue)  # what runs does not wait
    _submit(queue, room=3)
    assert queue.count() == 4


def test_a_void_token_changes_nothing(queue: Queue) -> None:
    id_ = _submit(queue)
    old = _claim(queue).token
    assert queue.recover() == 1
    new = _claim(queue)
    assert new.job.attempt == 2
    assert not queue.report(id_, old, progress=99, message="late", line=True)
    assert not queue.finish(id_, old, {"late": True}, line="late")
    assert not queue.fail(id_, old, Problem("late"))
    queue.release(id_, old, "late", counted=True)
    assert not queue.holds(id_, old) and queue.holds(id_, new.token)
    assert queue.finish(id_, new.token, {"result": 1}, line="done")
    assert not queue.finish(id_, new.token, {"result": 2}, line="again")
    assert queue.get(id_).result == {"result": 1}
    assert "late" not in [line.text for line in queue.lines(id_)]


def test_recovery_puts_back_what_ran_in_its_old_place(queue: Queue) -> None:
    ids = [_submit(queue) for _ in range(3)]
    _claim(queue)
    _claim(queue)
    assert queue.recover() == 2
    assert [j.id for j in queue.unfinished()] == ids
    assert all(j.state is State.ACCEPTED and j.progress == 0 for j in queue.unfinished())
    assert _claim(queue).job.id == ids[0]


def test_a_job_that_is_cut_off_too_often_fails(queue: Queue) -> None:
    id_ = _submit(queue)
    for attempt in range(1, ATTEMPTS + 1):
        claim = _claim(queue)
        assert claim.job.attempt == attempt
        queue.release(id_, claim.token, "it fell over", counted=True)
    failed = queue.get(id_)
    assert failed.state is State.FAILED and failed.problem is not None
    assert failed.problem["status"] == 500 and "it fell over" in failed.problem["detail"]
    assert queue.claim() is None


def test_orderly_stops_are_not_held_against_a_job(queue: Queue) -> None:
    id_ = _submit(queue)
    for _ in range(3 * ATTEMPTS):
        claim = _claim(queue)
        assert claim.job.attempt == 1
        queue.release(id_, claim.token, "stopped", counted=False)
    assert queue.get(id_).state is State.ACCEPTED


def test_dismissing_ends_what_waits_or_runs_and_removes_what_is_done(queue: Queue) -> None:
    waits, runs, done = _submit(queue), _submit(queue), _submit(queue)
    assert queue.dismiss(waits).state is State.DISMISSED
    running = _claim(queue)
    assert running.job.id == runs
    assert queue.dismiss(runs).state is State.DISMISSED and not queue.holds(runs, running.token)
    assert not queue.finish(runs, running.token, {}, line="too late")
    last = _claim(queue)
    assert last.job.id == done and queue.finish(done, last.token, {}, line="done")
    assert queue.dismiss(done).state is State.DISMISSED
    with pytest.raises(NotFound):
        queue.get(done)
    with pytest.raises(NotFound):
        queue.dismiss(done)
    assert queue.lines(done) == []


def test_a_list_is_cut_into_pages_newest_first(queue: Queue) -> None:
    ids = [_submit(queue, "grid" if i % 2 else "zone") for i in range(7)]
    assert [j.id for j in queue.jobs(limit=3, offset=2)] == ids[::-1][2:5]
    assert [j.id for j in queue.jobs(limit=9, process="grid")] == ids[1::2][::-1]
    assert queue.count(process="zone") == 4 and queue.count(state=State.RUNNING) == 0


def test_a_log_does_not_grow_without_end(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.jobs.queue._LINES", 20)
    id_ = _submit(queue)
    token = _claim(queue).token
    for i in range(30):
        assert queue.report(id_, token, progress=1, message=f"stage {i}", line=True)
    assert len(queue.lines(id_, limit=10_000)) == 20


def test_old_jobs_are_forgotten_and_those_that_wait_never(queue: Queue) -> None:
    done = []
    for _ in range(4):
        done.append(_submit(queue))
        claim = _claim(queue)
        queue.finish(claim.job.id, claim.token, {}, line="done")
    waits = _submit(queue)
    assert sorted(queue.purge(days=1, kept=3)) == sorted(done[:2])
    assert queue.get(waits).state is State.ACCEPTED
    assert sorted(queue.purge(days=-1, kept=100)) == sorted(done[2:])
    assert queue.get(waits).state is State.ACCEPTED


def test_hostile_text_stays_text(queue: Queue) -> None:
    evil = "'); drop table jobs; --"
    id_ = queue.submit("grid", {"name": evil}, key=evil, room=9).id
    with pytest.raises(NotFound):
        queue.get(evil)
    assert queue.get(id_).key == evil and queue.jobs(limit=5, process=evil) == []


def test_a_runner_is_seen(queue: Queue) -> None:
    assert not queue.runs()
    queue.beat()
    assert queue.runs()
