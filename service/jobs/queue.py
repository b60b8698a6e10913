"""The queue: every job on disk, its state moved by single transactions, so that a crash at any moment leaves a job that can be told.

A job that runs has a token, given when it is claimed. Whoever reports on it shows the token; once the job was re-queued or dismissed the
token is void, and what a late process still says of it changes nothing.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from gis.errors import NotFound
from service.errors import Busy, Problem

__all__ = ["ATTEMPTS", "Claim", "Job", "Line", "Queue", "State"]

# A job that took the process down so often would do it again.
ATTEMPTS = 3
_RETRY_S = 30
_LINES = 2_000
_ALIVE_S = 15
_SCHEMA = (
    """create table if not exists jobs (
    number integer primary key, id text not null unique, process text not null, inputs text not null, state text not null,
    progress integer not null default 0, message text not null default '', key text not null, created text not null, started text,
    finished text, updated text not null, attempt integer not null default 0, token text, result text, problem text)""",
    "create index if not exists jobs_state on jobs (state, number)",
    """create table if not exists job_lines (
    number integer primary key, job text not null references jobs (id) on delete cascade, time text not null, text text not null)""",
    "create index if not exists job_lines_job on job_lines (job, number)",
    "create table if not exists runners (id integer primary key check (id = 1), seen text not null)",
)
_COLUMNS = (
    "id, process, inputs, state, progress, message, key, created, started, finished, updated, attempt, result, problem"
)


class State(StrEnum):
    """States of OGC API Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self not in (State.ACCEPTED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. ``key`` is the name of the key that asked for it; times are UTC."""

    id: str
    process: str
    inputs: Mapping[str, Any]
    state: State
    progress: int
    message: str
    key: str
    created: str
    started: str | None
    finished: str | None
    updated: str
    attempt: int
    result: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours to run, and the token that shows it."""

    job: Job
    token: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a job's log."""

    time: str
    text: str


class Queue:
    """The jobs of a workspace, in ``service.sqlite``. Any number of processes may hold one."""

    def __init__(self, workspace: Path) -> None:
        self.path = workspace / "service.sqlite"
        self.files = workspace / "jobs"

    # -- asking -----------------------------------------------------------------------------------------------------------

    def submit(self, process: str, inputs: Mapping[str, Any], *, key: str, room: int) -> Job:
        """The job, waiting; Busy if as many as there is room for wait already."""
        id_, now = secrets.token_hex(16), _now()
        with self._write() as database:
            waiting = database.execute("select count(*) from jobs where state = 'accepted'").fetchone()[0]
            if waiting >= room:
                raise Busy(f"{waiting} jobs wait already; try again when some are done", retry_s=_RETRY_S)
            database.execute(
                "insert into jobs (id, process, inputs, state, key, created, updated) values (?, ?, ?, 'accepted', ?, ?, ?)",
                (id_, process, json.dumps(inputs, ensure_ascii=False, sort_keys=True), key, now, now),
            )
        return self.get(id_)

    def get(self, id_: str) -> Job:
        """The job of an id."""
        with self._read() as database:
            row = database.execute(f"select {_COLUMNS} from jobs where id = ?", (id_,)).fetchone()
        if row is None:
            raise NotFound(f"no job has the id {id_[:40]!r}")
        return _job(row)

    def jobs(self, *, limit: int, offset: int = 0, process: str | None = None, state: State | None = None) -> list[Job]:
        """Jobs, newest first."""
        where, values = _where(process, state)
        with self._read() as database:
            query = f"select {_COLUMNS} from jobs where {where} order by number desc limit ? offset ?"
            return [_job(row) for row in database.execute(query, (*values, limit, offset))]

    def count(self, *, process: str | None = None, state: State | None = None) -> int:
        """How many there are."""
        where, values = _where(process, state)
        with self._read() as database:
            return int(database.execute(f"select count(*) from jobs where {where}", values).fetchone()[0])

    def unfinished(self) -> list[Job]:
        """What waits or runs, oldest first."""
        with self._read() as database:
            query = f"select {_COLUMNS} from jobs where state in ('accepted', 'running') order by number"
            return [_job(row) for row in database.execute(query)]

    def lines(self, id_: str, *, after: int = 0, limit: int = _LINES) -> list[Line]:
        """The log of a job, oldest first."""
        with self._read() as database:
            query = "select time, text from job_lines where job = ? order by number limit ? offset ?"
            return [Line(*row) for row in database.execute(query, (id_, limit, after))]

    def dismiss(self, id_: str) -> Job:
        """The job, dismissed: it will not run, or its process is ended. One that is done is removed, and its files with it."""
        with self._write() as database:
            database.execute(
                """update jobs set state = 'dismissed', token = null, finished = ?1, updated = ?1, message = 'dismissed'
                where id = ?2 and state in ('accepted', 'running')""",
                (_now(), id_),
            )
            if database.execute("select changes()").fetchone()[0] == 0:
                row = database.execute(f"delete from jobs where id = ? returning {_COLUMNS}", (id_,)).fetchone()
                if row is None:
                    raise NotFound(f"no job has the id {id_[:40]!r}")
                forgotten = _job((*row[:3], "dismissed", *row[4:]))
                shutil.rmtree(self.files / forgotten.id, ignore_errors=True)
                return forgotten
        return self.get(id_)

    def runs(self) -> bool:
        """Whether a runner has been seen lately."""
        with self._read() as database:
            row = database.execute("select seen from runners").fetchone()
        return row is not None and row[0] >= _stamp(datetime.now(UTC) - timedelta(seconds=_ALIVE_S))

    # -- running ----------------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Show that a runner lives."""
        with self._write() as database:
            database.execute("insert or replace into runners (id, seen) values (1, ?)", (_now(),))

    def claim(self) -> Claim | None:
        """The oldest job that waits, now running and ours; None if none waits."""
        token, now = secrets.token_hex(8), _now()
        with self._write() as database:
            query = f"""update jobs set state = 'running', token = ?1, attempt = attempt + 1, progress = 0, message = 'starting',
                started = coalesce(started, ?2), updated = ?2
                where number = (select min(number) from jobs where state = 'accepted') returning {_COLUMNS}"""
            row = database.execute(query, (token, now)).fetchone()
            if row is None:
                return None
            job = _job(row)
            _add_line(database, job.id, f"started, attempt {job.attempt}" if job.attempt > 1 else "started")
        return Claim(job, token)

    def holds(self, id_: str, token: str) -> bool:
        """Whether the job still runs under that token."""
        with self._read() as database:
            query = "select 1 from jobs where id = ? and token = ? and state = 'running'"
            return database.execute(query, (id_, token)).fetchone() is not None

    def dismissed(self, id_: str) -> bool:
        """Whether a job was dismissed, or forgotten since."""
        try:
            return self.get(id_).state is State.DISMISSED
        except NotFound:
            return True

    def report(self, id_: str, token: str, *, progress: int, message: str, line: bool) -> bool:
        """Tell how far a job is; False if it is no longer ours."""
        with self._write() as database:
            query = """update jobs set progress = max(progress, ?), message = ?, updated = ?
                where id = ? and token = ? and state = 'running' returning 1"""
            ours = database.execute(query, (progress, message, _now(), id_, token)).fetchone() is not None
            if ours and line:
                _add_line(database, id_, message)
        return ours

    def finish(self, id_: str, token: str, result: Mapping[str, Any], *, line: str) -> bool:
        """End a job well; False if it is no longer ours."""
        return self._end(id_, token, State.SUCCESSFUL, ("result", result), line)

    def fail(self, id_: str, token: str, problem: Problem) -> bool:
        """End a job with an error; False if it is no longer ours."""
        body = {"status": problem.status, "detail": problem.detail}
        return self._end(id_, token, State.FAILED, ("problem", body), problem.detail)

    def release(self, id_: str, token: str, why: str, *, counted: bool) -> None:
        """Put a job back into the queue. ``counted``: it was cut off, and after so many attempts it fails."""
        with self._write() as database:
            query = "select attempt from jobs where id = ? and token = ? and state = 'running'"
            row = database.execute(query, (id_, token)).fetchone()
            if row is not None:
                _requeue(database, id_, row[0], why, counted=counted)

    def recover(self) -> int:
        """Put back whatever a runner that is gone left running; only the one that holds the runner's lock may ask for it."""
        with self._write() as database:
            left = database.execute("select id, attempt from jobs where state = 'running' order by number").fetchall()
            for id_, attempt in left:
                _requeue(database, id_, attempt, "the server went away", counted=True)
        return len(left)

    def purge(self, *, days: int, kept: int) -> list[str]:
        """Forget jobs that were done long ago, and beyond a number; their ids."""
        until = _stamp(datetime.now(UTC) - timedelta(days=days))
        with self._write() as database:
            query = """delete from jobs where state not in ('accepted', 'running') and (finished < ?
                or number not in (select number from jobs order by number desc limit ?)) returning id"""
            return [row[0] for row in database.execute(query, (until, kept)).fetchall()]

    def _end(self, id_: str, token: str, state: State, kept: tuple[str, Mapping[str, Any]], line: str) -> bool:
        column, value = kept
        done = 100 if state is State.SUCCESSFUL else None
        with self._write() as database:
            query = f"""update jobs set state = ?1, {column} = ?2, message = ?3, finished = ?4, updated = ?4, token = null,
                progress = coalesce(?5, progress) where id = ?6 and token = ?7 and state = 'running' returning 1"""
            values = (state, json.dumps(value, ensure_ascii=False), _first(line), _now(), done, id_, token)
            ours = database.execute(query, values).fetchone() is not None
            if ours:
                _add_line(database, id_, line)
        return ours

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as database:
            if database.execute("select 1 from sqlite_master where name = 'runners'").fetchone() is None:
                _make(database)
            yield database

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as database:
            if database.execute("select 1 from sqlite_master where name = 'runners'").fetchone() is None:
                _make(database)
            database.execute("pragma foreign_keys = on")
            # A failing machine may lose the last moves, never the order of the rest; a job it forgot about is done again.
            database.execute("pragma synchronous = normal")
            # At once, not at the first change: two that read first and then write would refuse each other.
            database.execute("begin immediate")
            try:
                yield database
            except BaseException:
                database.execute("rollback")
                raise
            database.execute("commit")


def _make(database: sqlite3.Connection) -> None:
    database.execute("pragma journal_mode = wal")
    for statement in _SCHEMA:
        database.execute(statement)
    database.commit()


def _requeue(database: sqlite3.Connection, id_: str, attempt: int, why: str, *, counted: bool) -> None:
    now = _now()
    if counted and attempt >= ATTEMPTS:
        body = json.dumps({"status": 500, "detail": f"cut off {attempt} times ({why}); it is not tried again"})
        query = """update jobs set state = 'failed', token = null, problem = ?1, finished = ?2, updated = ?2, message = 'cut off'
            where id = ?3"""
        database.execute(query, (body, now, id_))
        _add_line(database, id_, f"cut off: {why}; not tried again")
        return
    query = """update jobs set state = 'accepted', token = null, progress = 0, attempt = ?1, updated = ?2, message = 'waiting again'
        where id = ?3"""
    database.execute(query, (attempt if counted else attempt - 1, now, id_))
    _add_line(database, id_, f"cut off: {why}; waiting again")


def _add_line(database: sqlite3.Connection, id_: str, text: str) -> None:
    count = database.execute("select count(*) from job_lines where job = ?", (id_,)).fetchone()[0]
    if count < _LINES:
        database.execute("insert into job_lines (job, time, text) values (?, ?, ?)", (id_, _now(), text))


def _where(process: str | None, state: State | None) -> tuple[str, list[str]]:
    given = {"process = ?": process, "state = ?": state}
    chosen = {clause: str(value) for clause, value in given.items() if value is not None}
    return " and ".join(["1", *chosen]), list(chosen.values())


def _job(row: tuple[Any, ...]) -> Job:
    found = dict(zip(_COLUMNS.split(", "), row, strict=True))
    for name in ("inputs", "result", "problem"):
        found[name] = None if found[name] is None else json.loads(found[name])
    return Job(**{**found, "state": State(found["state"])})


def _first(text: str) -> str:
    return text.splitlines()[0][:300] if text else ""


def _now() -> str:
    return _stamp(datetime.now(UTC))


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
