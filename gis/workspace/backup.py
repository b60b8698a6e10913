"""Backup: a copy of a workspace that is one state of it, while others publish into it. The copy is a workspace itself.

Objects never change, so that only the databases have to be caught in one moment: they are copied first, by SQLite itself; then the
objects that this catalogue names; at the very end the new databases take the place of those of an earlier backup. Cut off before
that, the earlier backup stands as it was.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gis.errors import CorruptObject, InvalidParameter, NotFound, StorageError
from gis.workspace.objects import storage_errors

__all__ = ["BackedUp", "backup"]

Progress = Callable[[str, int, int], None]
_CATALOGUE = "catalogue.sqlite"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup did: objects that were new to it, those it had, bytes copied."""

    copied: int
    kept: int
    size: int


def backup(
    workspace: Path,
    target: Path,
    *,
    databases: Iterable[str] = (),
    folders: Iterable[str] = (),
    check: bool = False,
    progress: Progress | None = None,
) -> BackedUp:
    """Copy a workspace, or bring an earlier copy up to date; ``check`` reads the objects that are there already, too.

    ``databases`` and ``folders`` are what others keep beside the catalogue; what is not there is left out.
    """
    _refuse_strange(workspace, target)
    say = progress or (lambda _stage, _done, _total: None)
    with storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        found = [name for name in databases if (workspace / name).exists()]
        # The catalogue last: what the others speak of is published by then.
        snapshots = {name: _snapshot(workspace / name, target) for name in (*found, _CATALOGUE)}
        try:
            done = _copy_objects(workspace, target, snapshots[_CATALOGUE], check=check, say=say)
            for name in folders:
                _copy_folder(workspace / name, target / name)
            for name, snapshot in snapshots.items():
                # A log of the database before this one must not be taken for the log of this one.
                for ending in ("-wal", "-shm"):
                    (target / f"{name}{ending}").unlink(missing_ok=True)
                os.replace(snapshot, target / name)
        finally:
            for snapshot in snapshots.values():
                snapshot.unlink(missing_ok=True)
    return done


def _refuse_strange(workspace: Path, target: Path) -> None:
    if not (workspace / _CATALOGUE).exists():
        raise NotFound(f"{workspace} holds no workspace")
    source, place = workspace.resolve(), target.resolve()
    if place == source or source in place.parents or place in source.parents:
        raise InvalidParameter(
            f"{target} and {workspace} lie in one another; back up to a place of its own, best another disk"
        )
    if target.exists() and not target.is_dir():
        raise InvalidParameter(f"{target} is no directory")
    if (
        target.is_dir()
        and any(target.iterdir())
        and not (target / _CATALOGUE).exists()
        and not (target / "objects").is_dir()
    ):
        raise InvalidParameter(
            f"{target} holds other files and no backup; name an empty directory or an earlier backup"
        )


def _snapshot(database: Path, target: Path) -> Path:
    """A copy of a database as it is at one moment, whoever writes to it; one file, no log beside it."""
    path = target / f".{uuid.uuid4().hex}.sqlite"
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as source:
            with closing(sqlite3.connect(path)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
                (state,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"{database}: cannot be copied: {error}") from error
    if state != "ok":
        path.unlink(missing_ok=True)
        raise StorageError(f"{database} is damaged: {state}; restore it from an earlier backup")
    return path


def _copy_objects(workspace: Path, target: Path, catalogue: Path, *, check: bool, say: Progress) -> BackedUp:
    with closing(sqlite3.connect(catalogue)) as connection:
        wanted = connection.execute("SELECT hash, size FROM objects ORDER BY hash").fetchall()
    copied = size = 0
    for done, (hash_, length) in enumerate(wanted):
        say("copying objects", done, len(wanted))
        path = target / "objects" / hash_[:2] / hash_
        if path.exists() and path.stat().st_size == length and not (check and _hash(path) != hash_):
            continue
        _copy_object(workspace / "objects" / hash_[:2] / hash_, path)
        copied, size = copied + 1, size + length
    return BackedUp(copied, len(wanted) - copied, size)


def _copy_object(source: Path, target: Path) -> None:
    """Copy an object under another name, and give it its own only if its bytes are what it is named by."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{uuid.uuid4().hex}.part")
    digest = hashlib.sha256()
    try:
        with source.open("rb") as file, aside.open("xb") as copy:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        if digest.hexdigest() != source.name:
            raise CorruptObject(f"{source} holds other bytes than it is named by; mend it before it is backed up")
        os.replace(aside, target)
    except FileNotFoundError as error:
        raise StorageError(
            f"{source} is gone: damaged, or pruned while it was being backed up; in this case begin anew"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _copy_folder(source: Path, target: Path) -> None:
    """Copy the files of a folder that are new or changed."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        copy = target / path.relative_to(source)
        try:
            if not path.is_file() or path.is_symlink() or _is_same(path, copy):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            aside = copy.with_name(f".{uuid.uuid4().hex}.part")
            shutil.copy2(path, aside)
            os.replace(aside, copy)
        except FileNotFoundError:
            continue  # removed meanwhile, as files of jobs are


def _is_same(path: Path, copy: Path) -> bool:
    if not copy.is_file():
        return False
    a, b = path.stat(), copy.stat()
    return (a.st_size, int(a.st_mtime)) == (b.st_size, int(b.st_mtime))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
