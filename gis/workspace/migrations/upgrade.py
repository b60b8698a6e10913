"""Bringing a catalogue up to date, by the revisions beside this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from gis.errors import StorageError

__all__ = ["newest", "upgrade"]


def newest() -> str | None:
    """The last revision of the package."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(connection: Connection, path: Path, *, refuse_lost: Callable[[], None]) -> None:
    """Bring the schema to the newest revision, inside a transaction; nothing, if another process was faster."""
    config = _config()
    current = MigrationContext.configure(connection).get_current_revision()
    _refuse_newer(ScriptDirectory.from_config(config), current, path)
    if current is None:
        refuse_lost()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(script: ScriptDirectory, current: str | None, path: Path) -> None:
    try:
        if current is not None:
            script.get_revision(current)
    except CommandError as error:
        raise StorageError(
            f"{path} has schema {current}, which this version of cozone does not know (its newest is {script.get_current_head()}); open "
            "the workspace with the newer cozone that wrote it"
        ) from error
