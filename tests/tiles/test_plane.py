"""Planes: levels beside numpy, areas, and files that are whole or absent."""

from __future__ import annotations

import os

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter, ReadError, StorageError
from gis.grid import Grid
from gis.tiles.plane import Fold, Plane, areas, fold_plane, read_plane, write_plane

KINDS = [(Fold.SUM, "float64"), (Fold.MAX, "uint8"), (Fold.MAX, "float32"), (Fold.LEAST, "uint32")]


def field(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = (rng.random(shape) * 200).astype(dtype)
    values[rng.random(shape) < 0.7] = 0
    return values


def parents(values, fold):
    """The next level, one block after the other."""
    rows, cols = values.shape
    out = np.zeros(((rows + 1) // 2, (cols + 1) // 2), values.dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            block = values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            above = block[block > 0]
            out[i, j] = {
                Fold.SUM: block.sum(), Fold.MAX: block.max(), Fold.LEAST: above.min() if above.size else 0,
            }[fold]  # fmt: skip
    return out


@pytest.mark.parametrize(("fold", "dtype"), KINDS)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_levels_are_the_blocks_of_the_level_before(fold, dtype, rows, cols, seed) -> None:
    plane = fold_plane(field((rows, cols), dtype, seed), fold)
    for finer, coarser in zip(plane.levels[:-1], plane.levels[1:], strict=True):
        np.testing.assert_allclose(coarser, parents(finer, fold), rtol=1e-15)
    assert max(plane.levels[-1].shape) <= 64
    assert len(plane.levels) == 1 or max(plane.levels[-2].shape) > 64


def test_amounts_add_up_on_every_level() -> None:
    values = field((333, 517), "float64")
    for level in fold_plane(values, Fold.SUM).levels:
        assert level.sum() == pytest.approx(values.sum(), rel=1e-13)


def test_a_parent_of_unknown_membership_is_the_highest_known() -> None:
    values = np.full((80, 80), np.nan, np.float32)
    values[2, 3] = 0.25
    first = fold_plane(values, Fold.MAX).levels[1]
    assert first[1, 1] == 0.25 and first[0, 0] == 0.0


def test_a_plane_refuses_other_types_and_shapes() -> None:
    for values, fold in ((np.zeros((3, 3)), Fold.MAX), (np.zeros((3, 3), np.float32), Fold.SUM)):
        with pytest.raises(InvalidParameter, match=fold):
            fold_plane(values, fold)
    with pytest.raises(InvalidParameter):
        fold_plane(np.zeros(3), Fold.SUM)
    with pytest.raises(InvalidParameter):
        fold_plane(np.zeros((0, 3)), Fold.SUM)
    with pytest.raises(InvalidParameter, match="levels"):
        Plane(Fold.SUM, (np.zeros((100, 100)),))


def test_a_plane_is_read_only() -> None:
    plane = fold_plane(field((100, 100), "float64"), Fold.SUM)
    for level in plane.levels:
        with pytest.raises(ValueError, match="read-only"):
            level[0, 0] = 1


@pytest.mark.parametrize("shape", [(130, 70), (67, 203)])
@pytest.mark.parametrize(
    "where",
    [
        ("EPSG:4490", 0.1, 100.0, 40.0), ("EPSG:6933", 1000.0, 9e6, 5e6), ("EPSG:32650", 1000.0, 3e5, 4e6),
    ],
)  # fmt: skip
def test_areas_of_a_level_are_the_sums_of_those_of_its_cells(where, shape) -> None:
    crs, cell, west, north = where
    grid = Grid(crs=crs, transform=Affine(cell, 0, west, 0, -cell, north), shape=shape)
    levels = fold_plane(np.ascontiguousarray(grid.cell_area_m2) / 1e6, Fold.SUM).levels
    for level, whole in enumerate(levels):
        area = areas(grid, level)
        np.testing.assert_allclose(area.block(slice(None), slice(None)), whole, rtol=1e-12)
        np.testing.assert_allclose(area.block(slice(1, 4), slice(2, 3)), whole[1:4, 2:3], rtol=1e-12)
    assert areas(grid, 0).km2.shape[1] == (shape[1] if crs == "EPSG:32650" else 1)


# -- files


@pytest.mark.parametrize(("fold", "dtype"), KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (65, 3), (301, 517)])
def test_a_file_gives_the_plane_back(tmp_path, fold, dtype, shape) -> None:
    plane = fold_plane(field(shape, dtype), fold)
    write_plane(plane, tmp_path / "p")
    back = read_plane(tmp_path / "p")
    assert back.fold is fold and len(back.levels) == len(plane.levels)
    for mine, theirs in zip(plane.levels, back.levels, strict=True):
        assert theirs.dtype == mine.dtype and theirs.flags.c_contiguous and not theirs.flags.writeable
        np.testing.assert_array_equal(mine, theirs)
    assert os.listdir(tmp_path) == ["p"]


def test_the_same_plane_gives_the_same_bytes(tmp_path) -> None:
    for name in "ab":
        write_plane(fold_plane(field((100, 90), "float64"), Fold.SUM), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_pages_of_zeros_take_no_room(tmp_path) -> None:
    values = np.zeros((2000, 2000))
    values[1000, 1000] = 1.0
    write_plane(fold_plane(values, Fold.SUM), tmp_path / "p")
    assert (tmp_path / "p").stat().st_size > values.nbytes
    assert (tmp_path / "p").stat().st_blocks * 512 < 200_000
    assert read_plane(tmp_path / "p").levels[-1].sum() == 1.0


def test_an_older_file_is_replaced_and_who_reads_it_keeps_it(tmp_path) -> None:
    path = tmp_path / "p"
    write_plane(fold_plane(np.full((100, 100), 1.0), Fold.SUM), path)
    before = read_plane(path)
    write_plane(fold_plane(np.full((100, 100), 2.0), Fold.SUM), path)
    assert before.levels[0].sum() == 10_000 and read_plane(path).levels[0].sum() == 20_000
    path.unlink()
    assert before.levels[1].sum() == 10_000


def _whole_file(tmp_path):
    write_plane(fold_plane(field((100, 100), "float64"), Fold.SUM), tmp_path / "p")
    return bytearray((tmp_path / "p").read_bytes())


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:100], lambda b: b"", lambda b: b"\xff" * len(b),
        lambda b: b.replace(b'"sum"', b'"max"'), lambda b: b.replace(b"plane 1", b"plane 9"),
        lambda b: b.replace(b"float64", b"float16"), lambda b: b.replace(b"[100, 100]", b"[1e9, 100]"),
        lambda b: b.replace(b"[100, 100]", b"[-10, 100]"), lambda b: b.replace(b"[100, 100]", b"[100]     "),
        lambda b: b.replace(b"float64", b"O      "),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_by_name_without_its_path(tmp_path, damage) -> None:
    (tmp_path / "p").write_bytes(damage(_whole_file(tmp_path)))
    with pytest.raises(ReadError, match=r"^p: ") as caught:
        read_plane(tmp_path / "p")
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_and_a_missing_directory(tmp_path) -> None:
    with pytest.raises(ReadError, match="not readable"):
        read_plane(tmp_path / "p")
    with pytest.raises(StorageError, match=r"^p could not be written"):
        write_plane(fold_plane(np.ones((3, 3)), Fold.SUM), tmp_path / "none" / "p")


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_plane(fold_plane(np.ones((3, 3)), Fold.SUM), tmp_path / "p")
    assert os.listdir(tmp_path) == []
