"""Audit: who wrote what, when, and what came of it. A row in the database beside the keys, and a line in the log.

The row is there before the write begins: a write that could not be put on record is not made.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from gis.errors import StorageError

__all__ = ["Audit", "Entry", "Write"]

_LOG = logging.getLogger("cozone")
_CHARS = 300
_SCHEMA = """
create table if not exists audit (
    number integer primary key, time text not null, key text not null, client text not null, action text not null, target text not null,
    outcome text not null, request_id text not null
)
"""


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is asked for: the name of the key, where it comes from, what is done to what, and the id of the request."""

    key: str
    client: str
    action: str
    target: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A write on record. ``outcome`` is ``begun`` until it is known, then the status of the answer and what was made."""

    number: int
    time: str
    key: str
    client: str
    action: str
    target: str
    outcome: str
    request_id: str


class Audit:
    """The record of a workspace's writes; nothing takes a row away."""

    def __init__(self, workspace: Path, *, logged: bool = True) -> None:
        self.path = workspace / "service.sqlite"
        self._logged = logged

    def begin(self, write: Write) -> int:
        """The number under which a write is on record."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        values = [
            text[:_CHARS]
            for text in (now, write.key, write.client, write.action, write.target, "begun", write.request_id)
        ]
        try:
            with self._open() as database:
                query = "insert into audit (time, key, client, action, target, outcome, request_id) values (?, ?, ?, ?, ?, ?, ?)"
                number = database.execute(query, values).lastrowid
        except sqlite3.Error as error:
            raise StorageError(f"the write could not be put on record, and was not made: {error}") from error
        assert number is not None
        return number

    def end(self, number: int, write: Write, outcome: str) -> None:
        """Put the outcome on record."""
        if self._logged:
            _LOG.info("audit", extra={"fields": {"number": number, **asdict(write), "outcome": outcome}})
        with self._open() as database:
            database.execute("update audit set outcome = ? where number = ?", (outcome[:_CHARS], number))

    def refused(self, write: Write, outcome: str) -> None:
        """A line in the log alone for what had no valid key: strangers do not fill the database."""
        _LOG.warning("audit", extra={"fields": {**asdict(write), "outcome": outcome}})

    def entries(
        self, *, limit: int, before: int | None = None, key: str | None = None, action: str | None = None
    ) -> list[Entry]:
        """Entries, newest first; ``before`` is the number to go on from."""
        given = {"number < ?": before, "key = ?": key, "action = ?": action}
        chosen = {clause: value for clause, value in given.items() if value is not None}
        with self._open() as database:
            where = " and ".join(["1", *chosen])
            columns = "number, time, key, client, action, target, outcome, request_id"
            query = f"select {columns} from audit where {where} order by number desc limit ?"
            return [Entry(*row) for row in database.execute(query, (*chosen.values(), limit))]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as database, database:
            if database.execute("select 1 from sqlite_master where name = 'audit'").fetchone() is None:
                database.execute("pragma journal_mode = wal")
                database.execute(_SCHEMA)
            yield database
