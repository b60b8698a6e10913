"""The object store: immutable files named by the SHA-256 of their bytes.

A writer works in a directory of its own under ``tmp/``, which it keeps locked as long as it lives. What it has
written, hashed and synced is *staged*; only `ObjectStore.keep`, called inside the catalogue's write transaction, moves
staged files to ``objects/<first two>/<sha256>``. Whoever removes objects holds that same transaction, so that neither
can meet the other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from gis.errors import CorruptObject, InvalidParameter, StorageError
from gis.workspace.locks import FileLock

__all__ = ["ObjectStore", "Session", "Staged", "refuse_no_file", "storage_errors"]

_CHUNK = 1 << 20
_SESSION_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is written and synced, but not yet an object."""

    path: Path
    hash: str
    size: int
    media_type: str


class _HashingFile(RawIOBase):
    """A file to write to that hashes on the way, so that nothing is read twice."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.digest.update(view)
        done = 0
        while done < len(view):  # a full disk takes a part first and refuses the rest
            done += self._file.write(view[done:])
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        return self.size


class Session:
    """One writer's directory under ``tmp/``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._lock = FileLock(directory / _SESSION_LOCK)
        if not self._lock.acquire():
            raise StorageError(
                f"{directory}: a new directory is locked by someone else; does the file system support locks?"
            )

    def stage(self, write: Callable[[BinaryIO], Any], *, media_type: str) -> Staged:
        """What ``write`` wrote into the file it is given, hashed and synced; several threads may call it at once."""
        path = self.directory / uuid.uuid4().hex
        with storage_errors(path), path.open("xb", buffering=0) as file:
            hashing = _HashingFile(cast(BinaryIO, file))
            write(cast(BinaryIO, hashing))
            os.fsync(file.fileno())
        return Staged(path, hashing.digest.hexdigest(), hashing.size, media_type)

    def stage_copy(self, source: Path, *, media_type: str) -> Staged:
        """A copy of a file."""
        with source.open("rb") as file:

            def copy(target: BinaryIO) -> None:
                while chunk := file.read(_CHUNK):
                    target.write(chunk)

            return self.stage(copy, media_type=media_type)

    def close(self) -> None:
        """Remove the directory and what is left in it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self._lock.release()
        shutil.rmtree(self.directory, ignore_errors=True)  # Windows removes the lock's file only once it is closed


class ObjectStore:
    """The directories ``objects/`` and ``tmp/`` of a workspace."""

    def __init__(self, root: Path) -> None:
        self.objects = root / "objects"
        self.tmp = root / "tmp"
        self._verified: set[tuple[str, int, int]] = set()
        with storage_errors(root):
            self.objects.mkdir(parents=True, exist_ok=True)
            self.tmp.mkdir(exist_ok=True)

    def path(self, hash_: str) -> Path:
        """Where the object of that hash lies."""
        return self.objects / hash_[:2] / hash_

    def open_session(self) -> Session:
        """A new writer's directory. Call it inside the catalogue's write transaction, as `sweep` is."""
        with storage_errors(self.tmp):
            return Session(self.tmp / f"{os.getpid()}-{uuid.uuid4().hex[:12]}")

    def keep(self, staged: Iterable[Staged]) -> None:
        """Move staged files to their names for good. Call it inside the catalogue's write transaction."""
        directories = set()
        for item in staged:
            target = self.path(item.hash)
            with storage_errors(target):
                target.parent.mkdir(exist_ok=True)
                # The same content may be there already; replacing it is harmless and mends a damaged copy.
                os.replace(item.path, target)
            directories |= {target.parent, self.objects}
        for directory in sorted(directories):
            _sync_directory(directory)

    def check(self, hash_: str, *, size: int, owner: str) -> Path:
        """Path of an object whose bytes were compared with its name, once per process and state of the file."""
        path = self.path(hash_)
        try:
            state = path.stat()
        except FileNotFoundError as error:
            raise CorruptObject(f"object {hash_} of {owner} is missing from {path}; {_REMEDY}") from error
        if state.st_size != size:
            raise CorruptObject(
                f"object {hash_} of {owner} has {state.st_size} bytes instead of {size}: {path}; {_REMEDY}"
            )
        key = (hash_, state.st_mtime_ns, state.st_size)
        if key not in self._verified:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != hash_:
                raise CorruptObject(f"object {hash_} of {owner} holds other bytes (SHA-256 {found}): {path}; {_REMEDY}")
            self._verified.add(key)
        return path

    def stored(self) -> Iterator[Path]:
        """All files under ``objects/``."""
        return (path for path in self.objects.glob("*/*") if path.is_file())

    def sweep(self) -> tuple[int, int]:
        """Number of directories of dead writers removed, and their bytes. Call it inside the write transaction."""
        count = size = 0
        for directory in self.tmp.iterdir():
            if not directory.is_dir():
                continue
            lock = FileLock(directory / _SESSION_LOCK)
            if not lock.acquire():
                continue  # its writer lives
            size += sum(f.stat().st_size for f in directory.iterdir() if f.is_file())
            count += 1
            lock.release()
            shutil.rmtree(directory, ignore_errors=True)
        return count, size


_REMEDY = "restore it from a backup, or delete the run and publish it again from its inputs"


def refuse_no_file(path: Path) -> None:
    """An error if one file is to be written where a directory or a device stands: either would be replaced, or refuse to be."""
    if path.is_dir():
        raise InvalidParameter(f"{path} is a directory, and this makes one file; name a file")
    if path.exists() and not path.is_file():
        raise InvalidParameter(f"{path} is no plain file, and what stands there is replaced; name a file")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about writing into a StorageError that names the path and the room left."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or path}: cannot be written: {error.strerror or error}; {_room(path)}. "
            "Nothing was published."
        ) from error


def _room(path: Path) -> str:
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return f"{shutil.disk_usage(place).free / 1e6:,.0f} MB are free there"
    except OSError:
        return "the free space there cannot be told"


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":
        return  # NTFS journals names; Windows cannot open a directory to sync it
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
