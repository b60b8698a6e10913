"""Inventories: folders of the workspace that jobs may grid, put there by hand or uploaded."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gis.errors import InvalidDescription, InvalidParameter, NotFound
from gis.inventory.description import Description
from gis.workspace.locks import FileLock
from gis.workspace.objects import storage_errors
from service.errors import Problem
from service.jobs.trust import DESCRIPTION, check_folder, trusted_description

__all__ = ["Incoming", "Inventories", "StoredFile", "StoredInventory"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_INCOMING = ".incoming-"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of an inventory, by its name within the folder."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoredInventory:
    """An inventory as a client sees it; ``fault`` says why it cannot be gridded."""

    name: str
    created: str
    files: tuple[StoredFile, ...]
    description: Description | None
    fault: str = ""


class Inventories:
    """The folders under ``inventories/``, each with an ``inventory.toml`` that says what its files mean."""

    def __init__(self, workspace: Path) -> None:
        self.root = workspace / "inventories"

    def names(self) -> list[str]:
        """Names, in order."""
        if not self.root.is_dir():
            return []
        return sorted(
            p.name for p in self.root.iterdir() if _NAME.fullmatch(p.name) and p.is_dir() and not p.is_symlink()
        )

    def folder(self, name: str) -> Path:
        """The folder of an inventory."""
        if not _NAME.fullmatch(name) or name not in self.names():
            raise NotFound(
                f"no inventory has the name {name[:64]!r}; there is {', '.join(self.names()[:20]) or 'none'}"
            )
        return self.root / name

    def description(self, name: str) -> Path:
        """The description file of an inventory, looked at whether it may be read at all."""
        folder = self.folder(name)
        path = folder / DESCRIPTION
        check_folder(folder)
        if not path.is_file():
            raise InvalidDescription(f"inventory {name} holds no {DESCRIPTION}")
        trusted_description(path)
        return path

    def find(self, name: str) -> StoredInventory:
        """The inventory of a name."""
        folder = self.folder(name)
        created = datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat(timespec="seconds")
        found = sorted((p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()), key=lambda p: p.as_posix())
        files = tuple(StoredFile(p.relative_to(folder).as_posix(), p.stat().st_size) for p in found)
        try:
            description = trusted_description(self.description(name))
        except InvalidDescription as error:
            return StoredInventory(name, created, files, None, str(error))
        return StoredInventory(name, created, files, description)

    def delete(self, name: str) -> None:
        """Remove an inventory; what was made of it keeps copies of its files."""
        folder = self.folder(name)
        gone = self.root / f"{_INCOMING}{secrets.token_hex(8)}"
        with storage_errors(folder):
            # Under its name it is there whole or not at all.
            os.rename(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def receive(self, name: str) -> Incoming:
        """A folder to write an upload into, which becomes the inventory when it is kept."""
        if not _NAME.fullmatch(name):
            raise InvalidParameter(
                f"{name[:64]!r} is no name for an inventory: up to 64 of a-z 0-9 _ . -, the first a letter or digit"
            )
        target = self.root / name
        if target.exists():
            raise Problem(f"an inventory {name} is there already; delete it, or choose another name", status=409)
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            return Incoming(self.root / f"{_INCOMING}{secrets.token_hex(8)}", target)

    def sweep(self) -> int:
        """Remove what uploads left that were cut off by the end of their process; how many."""
        count = 0
        for path in self.root.glob(f"{_INCOMING}*") if self.root.is_dir() else ():
            lock = FileLock(path / ".lock")
            if path.is_dir() and lock.acquire():
                lock.release()
                shutil.rmtree(path, ignore_errors=True)
                count += 1
        return count


class Incoming:
    """An upload on its way: a folder that is locked while its writer lives, kept whole or removed whole."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder, self.target = folder, target
        folder.mkdir()
        self._lock = FileLock(folder / ".lock")
        self._lock.acquire()

    def keep(self) -> None:
        """Make it the inventory."""
        with storage_errors(self.target):
            (self.folder / ".lock").unlink()
            for path in (*self.folder.rglob("*"), self.folder):
                _sync(path)
            try:
                os.rename(self.folder, self.target)
            except OSError as error:
                if self.target.exists():
                    raise Problem(f"an inventory {self.target.name} is there already", status=409) from error
                raise
            _sync(self.target.parent)
        self._lock.release()

    def close(self) -> None:
        """Remove what was not kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a directory to sync it
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
