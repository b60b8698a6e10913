"""Files of views: made once by whoever comes first, found by everybody else, the longest unused taken away when there are too many.

Every one of them can be made again from what is published, so that the directory may be emptied at any time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TypeVar

from gis.errors import CorruptObject, ReadError, StorageError
from gis.workspace.locks import FileLock

__all__ = ["Files", "key_of", "write_aside"]

Found = TypeVar("Found")
_WAIT_S = 0.02
_TRIES = 5
# What was used within this time stays, whatever the room: somebody may be about to open it.
_FRESH_S = 60.0
# Trimming makes some room at a time, not for every file anew.
_LEFT = 0.9


def key_of(*parts: object) -> str:
    """A name for what is made of these parts, texts, numbers and hashes: the first 32 digits of their SHA-256."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def write_aside(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name, sync it, and give it its own: it is there whole, or not at all."""
    aside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with aside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


class Files:
    """The files of a directory; threads and processes that want the same one wait for the first of them."""

    def __init__(self, directory: Path, *, disk_bytes: int) -> None:
        self.directory = directory
        self.disk_bytes = disk_bytes
        self._guard = Lock()
        self._busy: dict[str, tuple[Lock, int]] = {}

    def opened(self, name: str, write: Callable[[Path], object], read: Callable[[Path], Found]) -> Found:
        """What ``read`` makes of a file; ``write`` makes it where it is missing, and anew where it is damaged."""
        for _ in range(_TRIES):
            path = self._made(name, write)
            try:
                found = read(path)
                os.utime(path)
                return found
            except (FileNotFoundError, CorruptObject, ReadError):
                path.unlink(missing_ok=True)  # taken away meanwhile, or damaged
        raise StorageError(
            f"{self.directory / name}: was made {_TRIES} times and could not be read; is the disk sound?"
        )

    def _made(self, name: str, write: Callable[[Path], object]) -> Path:
        path = self.directory / name
        if path.exists():
            return path
        with self._alone(name), self._among_processes(name):
            if not path.exists():
                self._write(path, write)
        return path

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        try:
            for last in (False, True):
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    write(path)
                    break
                except (FileNotFoundError, StorageError):
                    if last or path.parent.exists():
                        raise
            self.trim()
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error

    def touch(self, name: str) -> None:
        """Note that a file is in use."""
        with suppress(OSError):
            os.utime(self.directory / name)

    def trim(self) -> int:
        """Bytes that were freed: the longest unused files go until the rest has room."""
        files = []
        for path in self.directory.rglob("*"):
            with suppress(OSError):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode) and path.suffix != ".lock":
                    # Blocks, not length: planes have holes.
                    files.append((state.st_mtime, getattr(state, "st_blocks", state.st_size / 512) * 512, path))
        held = sum(size for _, size, _ in files)
        freed = 0.0
        if held <= self.disk_bytes:
            return 0
        for used, size, path in sorted(files, key=lambda file: (file[0], file[2])):
            if held - freed <= self.disk_bytes * _LEFT or used > time.time() - _FRESH_S:
                break
            with suppress(OSError):
                path.unlink()
                freed += size
        return int(freed)

    # -- one at a time ----------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Among the threads of this process."""
        with self._guard:
            lock, users = self._busy.get(name, (Lock(), 0))
            self._busy[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._busy[name]
                self._busy[name] = lock, users - 1
                if users == 1:
                    del self._busy[name]

    @contextmanager
    def _among_processes(self, name: str) -> Iterator[None]:
        """Among processes, as far as their file systems lock; two that make the same file replace it by its like."""
        lock = self._lock(name)
        while not lock.acquire():
            time.sleep(_WAIT_S)
            lock = self._lock(name)
        try:
            yield
        finally:
            lock.release()

    def _lock(self, name: str) -> FileLock:
        directory = self.directory / "locks"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{directory}: cannot be made: {error.strerror or error}") from error
        # One for each name: a file may be made while another is, which takes it, and two names that share a lock would wait for ever.
        return FileLock(directory / f"{key_of(name)}.lock")
