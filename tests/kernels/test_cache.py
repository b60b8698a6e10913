"""The directory of compiled kernels: one that can be written to, whoever runs the program and wherever."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis import kernels

KERNEL = Path("kernels_0") / "points.place-1.py311.1.nbc"


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory given by the environment, with a kernel in it; temporary files have a place of their own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    kernels.cache_directory.cache_clear()
    kernel = tmp_path / "given" / kernels._sources_hash() / KERNEL
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"compiled")
    yield kernel.parents[1]
    kernels.cache_directory.cache_clear()


def without_writing(path: object, mode: int, **_: object) -> bool:
    return "given" not in str(path) or not mode & os.W_OK


def test_a_directory_that_can_be_written_to_is_taken_as_it_is(given: Path) -> None:
    assert kernels.cache_directory() == given


def test_kernels_of_one_that_cannot_be_written_to_are_linked(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", without_writing)
    found = kernels.cache_directory()
    assert found != given and found.name == given.name
    assert (found / KERNEL).read_bytes() == b"compiled" and (found / KERNEL).is_symlink()
    (found / KERNEL.parent / "new.nbc").write_bytes(b"more")
    kernels.cache_directory.cache_clear()
    assert kernels.cache_directory() == found  # another process of this user finds the same
    assert (found / KERNEL.parent / "new.nbc").exists()


def test_one_that_cannot_be_made_is_replaced(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))
    found = kernels.cache_directory()
    assert found.is_dir() and list(found.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="modes")
@pytest.mark.parametrize("mode", [0o777, 0o707, 0o770])
def test_a_place_that_others_could_write_to_is_not_taken(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    planted = tmp_path / "tmp" / f"cozone-{os.getuid()}"
    planted.mkdir()
    planted.chmod(mode)
    monkeypatch.setattr(os, "access", without_writing)
    found = kernels.cache_directory()
    assert planted not in found.parents and (found / KERNEL).exists()


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_link_in_its_place_is_not_followed(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "tmp" / f"cozone-{os.getuid()}").symlink_to(elsewhere)
    monkeypatch.setattr(os, "access", without_writing)
    kernels.cache_directory()
    assert list(elsewhere.iterdir()) == []
