"""The catalogue: which runs, zonings and comparisons exist, which objects they are made of, what the layers of runs hold.

Embedded SQLite now; nothing in the tables is of one database only. A zoning refers to its run and a comparison to its two
zonings, so that the database itself refuses to lose what another result stands on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from gis.errors import StorageError

__all__ = [
    "NEWEST",
    "Catalogue",
    "comparison_objects",
    "comparisons",
    "layers",
    "metadata",
    "objects",
    "pointers",
    "run_objects",
    "runs",
    "zoning_objects",
    "zonings",
]

_BUSY_S = 60
# Revision that the tables below have; the last of migrations/versions.
NEWEST = "0003"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; databases that keep no time zone give it back all the same."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """The moment in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """The moment with its time zone."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
_Hash = String(64)
# r-, z- or c- and 12 hex digits.
_Id = String(14)

objects = Table(
    "objects",
    metadata,
    Column("hash", _Hash, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(100), nullable=False),
)
runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("content_hash", _Hash, nullable=False),
    Column("manifest", _Hash, ForeignKey("objects.hash"), nullable=False),
    Column("grid", JSON, nullable=False),
    Column("grid_hash", _Hash, nullable=False),
    Column("years", JSON, nullable=False),
    Column("species", JSON, nullable=False),
    Column("sectors", JSON, nullable=False),
)
run_objects = Table(
    "run_objects",
    metadata,
    Column("run", _Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(40), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("hash", _Hash, ForeignKey("objects.hash"), nullable=False, index=True),
)
layers = Table(
    "layers",
    metadata,
    Column("run", _Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    # What the layer is of ("sector", "tier"), and which one.
    Column("kind", String(20), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("species", String(32), primary_key=True),
    Column("part", String(32), primary_key=True),
    Column("hash", _Hash, ForeignKey("objects.hash"), nullable=False, index=True),
    Column("sum_t", Float(53), nullable=False),
    Column("max_t", Float(53), nullable=False),
    Column("nonzero", BigInteger, nullable=False),
)
zonings = Table(
    "zonings",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("content_hash", _Hash, nullable=False),
    Column("manifest", _Hash, ForeignKey("objects.hash"), nullable=False),
    Column("run", _Id, ForeignKey("runs.id"), nullable=False, index=True),
    Column("year", Integer, nullable=False),
    Column("species", JSON, nullable=False),
    # Number of units by class.
    Column("units", JSON, nullable=False),
)
zoning_objects = Table(
    "zoning_objects",
    metadata,
    Column("zoning", _Id, ForeignKey("zonings.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(40), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("hash", _Hash, ForeignKey("objects.hash"), nullable=False, index=True),
)
comparisons = Table(
    "comparisons",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("content_hash", _Hash, nullable=False),
    Column("manifest", _Hash, ForeignKey("objects.hash"), nullable=False),
    Column("a", _Id, ForeignKey("zonings.id"), nullable=False, index=True),
    Column("b", _Id, ForeignKey("zonings.id"), nullable=False, index=True),
    # The comparison whose stable ids this one carries on.
    Column("earlier", _Id, ForeignKey("comparisons.id"), nullable=True, index=True),
)
comparison_objects = Table(
    "comparison_objects",
    metadata,
    Column("comparison", _Id, ForeignKey("comparisons.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(40), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("hash", _Hash, ForeignKey("objects.hash"), nullable=False, index=True),
)
pointers = Table(
    "pointers",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("target", String(14), nullable=False),
)


class Catalogue:
    """A database that was brought to this version of the schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _sqlite(path)
        self._migrate()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the catalogue."""
        with self._errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside; committed at the end, rolled back by an exception."""
        with self._errors(), self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise StorageError(f"{self.path}: {error.orig}{self._hint()}. Nothing was published.") from error
        except DatabaseError as error:
            raise StorageError(
                f"{self.path} is not a readable catalogue ({error.orig}); restore it from a backup"
            ) from error

    def _hint(self) -> str:
        if os.access(self.path.parent, os.W_OK):
            return ""
        return (
            "; you may not write there, and SQLite keeps files beside the catalogue even for reading: work on a copy, or ask for the "
            "permission to write"
        )

    def _migrate(self) -> None:
        """Bring the schema to the newest revision in the package; a newer one on disk is an error."""
        with self.reading() as connection:
            known = inspect(connection).has_table("alembic_version")
            current = connection.execute(text("select version_num from alembic_version")).scalar() if known else None
        if current == NEWEST:
            return
        # Alembic is slow to import, and hardly ever is there anything to bring up to date.
        from gis.workspace.migrations.upgrade import upgrade

        with self.writing() as connection:
            upgrade(connection, self.path, refuse_lost=self._refuse_lost)

    def _refuse_lost(self) -> None:
        """An empty catalogue beside objects has lost its runs: with a new one, pruning would remove what they published."""
        objects = self.path.parent / "objects"
        if objects.is_dir() and any(p.is_file() for p in objects.glob("*/*")):
            raise StorageError(
                f"{self.path} is empty or was missing, and {objects} holds objects of runs it no longer knows; restore it from a "
                "backup, or use another workspace"
            )


def _sqlite(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_S, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Python's own handling starts a transaction too late for one that reads before it writes.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
