"""Plane: a grid of values and its coarser levels, in memory or mapped from a file, to draw tiles and count parents from.

A file is a page of JSON, then the levels, each from a page boundary on, little-endian, row by row. It is written aside,
synced and renamed; whole pages of zeros are holes. Processes that read it share the page cache.
"""

from __future__ import annotations

import json
import mmap
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter, ReadError, StorageError
from gis.grid import Grid
from gis.kernels.bytelevels import halve_bytes_by_max
from gis.kernels.pyramid import halve_by_least, halve_by_max, halve_by_sum

__all__ = ["Areas", "Fold", "Plane", "areas", "fold_plane", "read_plane", "write_plane"]

Floats = NDArray[np.float64]
_COARSEST = 64
_PAGE = 4096
_MAGIC = "cozone plane 1"
_M2_PER_KM2 = 1e6


class Fold(StrEnum):
    """What a parent is of its 2 × 2 children."""

    SUM = "sum"
    MAX = "max"
    LEAST = "least"


_HALVE = {Fold.SUM: halve_by_sum, Fold.MAX: halve_by_max, Fold.LEAST: halve_by_least}
_DTYPES: dict[Fold, tuple[str, ...]] = {
    Fold.SUM: ("float64",),
    Fold.MAX: ("uint8", "float32"),
    Fold.LEAST: ("uint32",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Levels of values: level 0 of the grid's shape, each next one half as fine, the last of at most 64 × 64."""

    fold: Fold
    levels: tuple[NDArray[Any], ...]

    def __post_init__(self) -> None:
        dtype, shapes = self.levels[0].dtype, _shapes(self.levels[0].shape)
        if dtype.name not in _DTYPES[self.fold]:
            raise InvalidParameter(
                f"a plane of {self.fold} holds {' or '.join(_DTYPES[self.fold])}, not {self.levels[0].dtype}"
            )
        if tuple(level.shape for level in self.levels) != shapes or any(v.dtype != dtype for v in self.levels):
            raise InvalidParameter(
                f"levels of shape {[v.shape for v in self.levels]} are not {list(shapes)} of one type"
            )
        for level in self.levels:
            level.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of level 0."""
        rows, cols = self.levels[0].shape
        return int(rows), int(cols)

    @property
    def nbytes(self) -> int:
        """Bytes of all levels."""
        return sum(level.nbytes for level in self.levels)


def _shapes(shape: Sequence[int]) -> tuple[tuple[int, int], ...]:
    shapes = [(int(shape[0]), int(shape[1]))]
    while max(shapes[-1]) > _COARSEST:
        shapes.append(((shapes[-1][0] + 1) // 2, (shapes[-1][1] + 1) // 2))
    return tuple(shapes)


def fold_plane(values: NDArray[Any], fold: Fold) -> Plane:
    """The plane of values of a grid's shape, which are not copied if they are contiguous, but made read-only."""
    if values.ndim != 2 or not values.size:
        raise InvalidParameter(f"values of shape {values.shape}: rows and columns expected")
    if values.dtype.name not in _DTYPES[fold]:
        raise InvalidParameter(f"a plane of {fold} holds {' or '.join(_DTYPES[fold])}, not {values.dtype}")
    levels = [np.ascontiguousarray(values)]
    halve = halve_bytes_by_max if values.dtype == np.uint8 else _HALVE[fold]
    for shape in _shapes(values.shape)[1:]:
        coarser = np.empty(shape, values.dtype)
        halve(levels[-1], coarser)
        levels.append(coarser)
    return Plane(fold, tuple(levels))


# -- areas --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """Areas of the cells of a level, kept only as far as they vary.

    ``km2[row, col] × width[col]`` is the area of a cell; ``km2`` has one column where areas do not vary along a row, and
    ``width`` counts the columns of level 0 behind each column, fewer behind the last.
    """

    km2: Floats
    width: Floats

    def block(self, rows: slice, cols: slice) -> Floats:
        """Areas of a block of cells, km²."""
        km2 = self.km2[rows] if self.km2.shape[1] == 1 else self.km2[rows, cols]
        out: Floats = km2 * self.width[None, cols]
        return out


@lru_cache(maxsize=256)
def areas(grid: Grid, level: int) -> Areas:
    """Areas of the cells of a level of the grid's planes: the sums of the areas of the cells behind them."""
    shape = _shapes(grid.shape)[level]
    width = np.full(shape[1], 2.0**level)
    width[-1] = grid.cols - (shape[1] - 1) * 2**level
    km2 = _column_km2(grid) if level == 0 else _halved(areas(grid, level - 1), shape)
    for values in (km2, width):
        values.flags.writeable = False
    return Areas(km2, width)


def _column_km2(grid: Grid) -> Floats:
    area = grid.cell_area_m2
    along_row = area[:, :1] if area.strides[1] == 0 else area
    return np.ascontiguousarray(along_row) / _M2_PER_KM2


def _halved(finer: Areas, shape: tuple[int, int]) -> Floats:
    if finer.km2.shape[1] == 1:
        out = np.add.reduceat(finer.km2, np.arange(0, len(finer.km2), 2))
        return np.ascontiguousarray(out)
    whole = np.empty(shape)
    halve_by_sum(finer.km2 * finer.width, whole)
    columns = np.add.reduceat(finer.width, np.arange(0, len(finer.width), 2))
    return np.ascontiguousarray(whole / columns)


# -- files --------------------------------------------------------------------------------------------------------------


def write_plane(plane: Plane, path: Path) -> None:
    """Write a plane so that the file appears whole or not at all; an older one of that name is replaced."""
    aside = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with aside.open("xb") as file:
            _write_levels(plane, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise StorageError(f"{path.name} could not be written: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)


def _layout(shape: Sequence[int], dtype: np.dtype[Any]) -> tuple[list[tuple[int, tuple[int, int]]], int]:
    # Where each level starts, and the length of the file.
    at, starts = _PAGE, []
    for level in _shapes(shape):
        starts.append((at, level))
        at += -(-level[0] * level[1] * dtype.itemsize // _PAGE) * _PAGE
    return starts, at


def _write_levels(plane: Plane, file: BinaryIO) -> None:
    dtype = plane.levels[0].dtype
    header = {"format": _MAGIC, "fold": plane.fold, "dtype": dtype.name, "shape": plane.shape}
    file.write(json.dumps(header).encode().ljust(_PAGE - 1) + b"\n")
    starts, length = _layout(plane.shape, dtype)
    for (start, _), level in zip(starts, plane.levels, strict=True):
        _write_but_zeros(file, start, level.astype(dtype.newbyteorder("<"), copy=False).data.cast("B"))
    file.truncate(length)


def _write_but_zeros(file: BinaryIO, start: int, data: memoryview) -> None:
    pages = len(data) // _PAGE
    words = np.frombuffer(data[: pages * _PAGE], np.uint64).reshape(pages, _PAGE // 8)
    # A last page that is cut short is always written.
    wanted = np.concatenate([[False], words.any(axis=1), [pages * _PAGE < len(data)], [False]])
    turns = np.flatnonzero(wanted[1:] != wanted[:-1]) * _PAGE
    for begin, end in turns.reshape(-1, 2).tolist():
        file.seek(start + begin)
        file.write(data[begin:end])


def read_plane(path: Path) -> Plane:
    """The plane of a file, mapped: nothing is read before it is drawn from."""
    try:
        with path.open("rb") as file:
            fold, shape, dtype = _header(file.read(_PAGE), path.name)
            starts, length = _layout(shape, dtype)
            if os.fstat(file.fileno()).st_size != length:
                raise ReadError(f"{path.name}: {os.fstat(file.fileno()).st_size} bytes instead of {length}; remove it")
            mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ReadError(f"{path.name}: not readable: {error.strerror or error}") from error
    levels = (np.frombuffer(mapped, dtype, r * c, start).reshape(r, c) for start, (r, c) in starts)
    return Plane(fold, tuple(levels))


def _header(page: bytes, name: str) -> tuple[Fold, tuple[int, int], np.dtype[Any]]:
    try:
        header = json.loads(page)
        fold, dtype, (rows, cols) = Fold(header["fold"]), np.dtype(header["dtype"]), header["shape"]
        known = header["format"] == _MAGIC and dtype.name in _DTYPES[fold] and min(int(rows), int(cols)) > 0
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{name}: not the file of a plane; remove it, it is made again") from error
    if not known:
        raise ReadError(f"{name}: a plane of another version; remove it, it is made again")
    return fold, (int(rows), int(cols)), dtype.newbyteorder("<")
