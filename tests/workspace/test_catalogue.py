"""The catalogue: its schema from nothing, from an older revision, from a newer one; several processes opening at once."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

import gis.workspace.migrations
from gis.errors import StorageError
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import NEWEST, Catalogue
from gis.workspace.migrations.upgrade import newest
from tests.workspace.writers import CONTEXT


def open_in_another_process(path: Path) -> int:
    catalogue = Catalogue(path)
    with catalogue.reading() as connection:
        return len(connection.execute(select(tables.runs)).all())


def test_migrations_from_nothing_make_the_tables_of_the_code(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "c.sqlite")
    with catalogue.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    catalogue.close()


def test_an_older_catalogue_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    catalogue = Catalogue(path)
    config = Config()
    config.set_main_option("script_location", str(Path(gis.workspace.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with catalogue.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(insert(tables.objects).values(hash="a" * 64, size=3, media_type="text/plain"))
    catalogue.close()
    with sqlite3.connect(path) as raw:
        assert raw.execute("select count(*) from sqlite_master where name = 'layers'").fetchone() == (0,)
    raw.close()
    again = Catalogue(path)
    with again.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        assert connection.execute(select(tables.objects.c.size)).scalars().all() == [3]
    again.close()


def test_a_newer_catalogue_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    Catalogue(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("update alembic_version set version_num = '9999'")
    raw.close()
    with pytest.raises(StorageError, match=r"c\.sqlite has schema 9999, which this version of cozone does not know"):
        Catalogue(path)


def test_what_is_no_database_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is no database, " * 100)
    with pytest.raises(StorageError, match=r"c\.sqlite is not a readable catalogue"):
        Catalogue(path)


def test_processes_that_open_a_new_workspace_at_once_all_get_it(tmp_path: Path) -> None:
    with CONTEXT.Pool(3) as pool:
        assert pool.map(open_in_another_process, [tmp_path / "c.sqlite"] * 3) == [0, 0, 0]


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "c.sqlite")
    with pytest.raises(ZeroDivisionError), catalogue.writing() as connection:
        connection.execute(insert(tables.objects).values(hash="b" * 64, size=1, media_type="x"))
        raise ZeroDivisionError
    with catalogue.reading() as connection:
        assert connection.execute(select(tables.objects)).all() == []
    catalogue.close()


def test_moments_come_back_with_their_time_zone(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "c.sqlite")
    when = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    with catalogue.writing() as connection:
        connection.execute(insert(tables.objects).values(hash="c" * 64, size=1, media_type="x"))
        connection.execute(
            insert(tables.runs).values(
                id="r-0123456789ab", name="n", label="", created=when, content_hash="d" * 64, manifest="c" * 64,
                grid={}, grid_hash="e" * 64, years=[1], species=["co2"], sectors=["power"],
            )
        )  # fmt: skip
    with catalogue.reading() as connection:
        assert connection.execute(select(tables.runs.c.created)).scalar() == when
    catalogue.close()


def test_the_newest_revision_is_the_last_of_the_migrations() -> None:
    assert newest() == NEWEST
