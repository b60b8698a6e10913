"""The object store: names from content, damage found, full disks, and what dead writers leave behind."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from gis.errors import CorruptObject, StorageError
from gis.workspace.objects import ObjectStore
from tests.workspace.writers import CONTEXT

TEXT = b"twelve bytes" * 1000


def write_beyond_the_limit(root: Path, pipe: Connection) -> None:
    session = ObjectStore(root).open_session()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        session.stage(lambda file: file.write(bytes(250_000)), media_type="x")
    except StorageError as error:
        pipe.send(str(error))
    session.close()


def die_with_work_unfinished(root: Path) -> None:
    session = ObjectStore(root).open_session()
    session.stage(lambda file: file.write(b"abc"), media_type="x")
    os.kill(os.getpid(), signal.SIGKILL)


def stored(root: Path) -> tuple[ObjectStore, str]:
    store = ObjectStore(root)
    session = store.open_session()
    staged = session.stage(lambda file: file.write(TEXT), media_type="text/plain")
    store.keep([staged])
    session.close()
    return store, staged.hash


def test_an_object_is_named_by_its_content_and_tmp_is_left_empty(tmp_path: Path) -> None:
    store, hash_ = stored(tmp_path)
    assert hash_ == hashlib.sha256(TEXT).hexdigest()
    path = store.check(hash_, size=len(TEXT), owner="run r-1")
    assert path == tmp_path / "objects" / hash_[:2] / hash_
    assert path.read_bytes() == TEXT
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "empty", "remove"])
def test_damage_is_found_and_named(tmp_path: Path, damage: str) -> None:
    _, hash_ = stored(tmp_path)
    path = tmp_path / "objects" / hash_[:2] / hash_
    data = bytearray(TEXT)
    data[500] ^= 1
    damaged = {"flip": bytes(data), "truncate": TEXT[:-1], "extend": TEXT + b"x", "empty": b""}
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(damaged[damage])
    with pytest.raises(CorruptObject, match=f"object {hash_} of run r-1"):
        ObjectStore(tmp_path).check(hash_, size=len(TEXT), owner="run r-1")


def test_damage_after_the_first_look_is_found_too(tmp_path: Path) -> None:
    store, hash_ = stored(tmp_path)
    path = store.check(hash_, size=len(TEXT), owner="run r-1")
    data = bytearray(TEXT)
    data[7] ^= 255
    path.write_bytes(bytes(data))
    os.utime(path, ns=(1, 1))
    with pytest.raises(CorruptObject, match="holds other bytes"):
        store.check(hash_, size=len(TEXT), owner="run r-1")


def test_a_write_that_fails_says_where_and_what_room_there_is(tmp_path: Path) -> None:
    session = ObjectStore(tmp_path).open_session()

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        StorageError, match=r"tmp/.*No space left on device; [\d,]+ MB are free there\. Nothing was published"
    ):
        session.stage(full, media_type="x")
    session.close()


def test_a_file_size_limit_is_a_storage_error_and_keeps_nothing(tmp_path: Path) -> None:
    """A true refusal by the kernel, met in the middle of a file, after a part of it was taken."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=write_beyond_the_limit, args=(tmp_path, theirs))
    process.start()
    said = ours.recv()
    process.join()
    ours.close()
    assert "File too large" in said and str(tmp_path) in said
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_sweep_removes_the_work_of_the_dead_and_spares_the_living(tmp_path: Path) -> None:
    process = CONTEXT.Process(target=die_with_work_unfinished, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    store = ObjectStore(tmp_path)
    living = store.open_session()
    kept = living.stage(lambda file: file.write(b"defg"), media_type="x")
    assert len(list((tmp_path / "tmp").iterdir())) == 2
    assert store.sweep() == (1, 3)
    assert kept.path.read_bytes() == b"defg"
    living.close()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_keeping_what_is_there_already_mends_it(tmp_path: Path) -> None:
    store, hash_ = stored(tmp_path)
    store.path(hash_).write_bytes(b"damaged")
    stored(tmp_path)
    assert store.check(hash_, size=len(TEXT), owner="run r-1").read_bytes() == TEXT
