"""API keys: kept as hashes, each with a name and a scope, in a small database beside the catalogue."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from gis.errors import InvalidParameter, NotFound

__all__ = ["Key", "Keys", "Scope"]

_TEXT = re.compile(r"cz_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[\w][\w .@-]{0,63}")
_SCHEMA = """
create table if not exists keys (
    id text primary key, name text not null unique, scope integer not null, hash text not null, created text not null, revoked text
)
"""


class Scope(IntEnum):
    """How far a key reaches; each holds those before it."""

    NONE = 0
    READ = 1
    RUN = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. ``revoked`` is empty as long as it is valid."""

    id: str
    name: str
    scope: Scope
    created: str
    revoked: str = ""


class Keys:
    """The keys of a workspace. A secret is shown once, when it is made; only its SHA-256 is kept (256 random bits need no salt)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def new(self, name: str, scope: Scope) -> tuple[Key, str]:
        """A new key and its text, which cannot be had again."""
        if not _NAME.fullmatch(name):
            raise InvalidParameter(
                f"{name[:80]!r} is no name for a key: 1 to 64 letters, digits, spaces, or any of . _ @ - are"
            )
        if scope == Scope.NONE:
            raise InvalidParameter("a key has a scope: read, run or admin")
        key = Key(secrets.token_hex(6), name, scope, datetime.now(UTC).isoformat(timespec="seconds"))
        secret = secrets.token_urlsafe(32)
        with self._open(write=True) as database:
            try:
                row = (key.id, key.name, int(scope), _hash(secret), key.created)
                database.execute("insert into keys (id, name, scope, hash, created) values (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise InvalidParameter(f"a key {name!r} exists; revoke it, or choose another name") from error
        return key, f"cz_{key.id}_{secret}"

    def find(self, text: str) -> Key | None:
        """The valid key of a text; None for any other. Takes the same time whether the id or the secret is wrong."""
        found = _TEXT.fullmatch(text)
        row = None
        if found is not None and self.path.exists():
            with self._open() as database:
                query = "select id, name, scope, created, hash from keys where id = ? and revoked is null"
                row = database.execute(query, (found[1],)).fetchone()
        expected = row[4] if row is not None else "0" * 64
        same = hmac.compare_digest(_hash(found[2] if found is not None else ""), expected)
        return Key(row[0], row[1], Scope(row[2]), row[3]) if same and row is not None else None

    def list(self) -> list[Key]:
        """All keys, those revoked among them, oldest first."""
        if not self.path.exists():
            return []
        with self._open() as database:
            rows = database.execute(
                "select id, name, scope, created, coalesce(revoked, '') from keys order by created, id"
            )
            return [Key(id_, name, Scope(scope), created, revoked) for id_, name, scope, created, revoked in rows]

    def revoke(self, which: str) -> Key:
        """Withdraw a key by id or name; it is refused from the next request on."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._open(write=True) as database:
            query = "update keys set revoked = ? where (id = ? or name = ?) and revoked is null returning id, name, scope, created"
            row = database.execute(query, (now, which, which)).fetchone()
        if row is None:
            raise NotFound(f"no valid key has the id or name {which[:80]!r}")
        return Key(row[0], row[1], Scope(row[2]), row[3], now)

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as database, database:
            if write:
                database.execute("pragma journal_mode = wal")
            database.execute(_SCHEMA)
            yield database


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
