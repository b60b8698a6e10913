"""Pictures of planes: the pixels of a tile as indices of classes, 0 for nothing.

They come from the coarsest level whose cells are no larger than the smallest pixel of the tile: densities as means over the
area of a pixel, highest and least values of the cells whose middle lies in it. A pixel smaller than a cell shows the cell.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.kernels import sampling
from gis.tiles.footprint import Footprint
from gis.tiles.plane import Fold, Plane, areas

__all__ = ["densities_t_km2", "extremes", "sample_change", "sample_density", "sample_highest", "sample_values"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
_MOST_BREAKS = 254


def sample_density(plane: Plane, grid: Grid, place: Footprint, breaks: ArrayLike) -> Bytes:
    """Density of each pixel by breaks: 0 where nothing is emitted, else 1 and the number of breaks not above it."""
    return _classes(densities_t_km2(plane, grid, place), breaks)


def sample_change(before: Plane, after: Plane, grid: Grid, place: Footprint, breaks: ArrayLike) -> Bytes:
    """Change of density of each pixel by breaks, which may be negative; 0 where nothing is emitted before or after."""
    out = np.empty((place.size, place.size), np.uint8)
    values = densities_t_km2(before, grid, place), densities_t_km2(after, grid, place)
    sampling.classify_change(*values, *_breaks(breaks), out)
    return out


def sample_highest(plane: Plane, place: Footprint, table: Bytes) -> Bytes:
    """The highest class under each pixel, recoded by a table of 256 bytes."""
    if table.shape != (256,) or table.dtype != np.uint8:
        raise InvalidParameter(f"a table of shape {table.shape} and {table.dtype}: 256 of uint8 expected")
    out: Bytes = table[extremes(plane, place)]
    return out


def sample_values(plane: Plane, place: Footprint, breaks: ArrayLike) -> Bytes:
    """The highest, or of ranks the least, value under each pixel by breaks; 0 where there is none above zero."""
    return _classes(extremes(plane, place), breaks)


def densities_t_km2(plane: Plane, grid: Grid, place: Footprint) -> Floats:
    """Amount over area of each pixel, 0 where nothing is emitted."""
    if plane.fold is not Fold.SUM or plane.shape != grid.shape:
        raise InvalidParameter(
            f"a plane of {plane.fold} of shape {plane.shape}: amounts of shape {grid.shape} expected"
        )
    level = _fitting(plane, place)
    area, finest_area = areas(grid, level), areas(grid, 0)
    out = np.zeros((place.size, place.size))
    for part in place.parts:
        sampling.sample_density(
            part.col, part.row, part.x_start, part.x_stop, part.y_start, part.y_stop, place.turn_cols,
            plane.levels[0], finest_area.km2, plane.levels[level], area.km2, area.width, 2.0**level, out,
        )  # fmt: skip
    return out


def extremes(plane: Plane, place: Footprint) -> NDArray[Any]:
    """The highest value under each pixel, or the least above zero, as the plane folds."""
    if plane.fold is Fold.SUM:
        raise InvalidParameter("amounts have no highest value: a plane of max or least expected")
    level = _fitting(plane, place)
    out = np.zeros((place.size, place.size), plane.levels[0].dtype)
    for part in place.parts:
        sampling.sample_extreme(
            part.col, part.row, part.x_start, part.x_stop, part.y_start, part.y_stop, place.turn_cols,
            plane.levels[0], plane.levels[level], 2.0**level, plane.fold is Fold.LEAST, out,
        )  # fmt: skip
    return out


def _fitting(plane: Plane, place: Footprint) -> int:
    # The coarsest level whose cells are no larger than the smallest pixel.
    level = math.floor(math.log2(max(place.cells_per_pixel, 1.0)))
    return min(level, len(plane.levels) - 1)


def _classes(values: NDArray[Any], breaks: ArrayLike) -> Bytes:
    out = np.empty(values.shape, np.uint8)
    sampling.classify(values, *_breaks(breaks), out)
    return out


def _breaks(breaks: ArrayLike) -> tuple[Floats, NDArray[np.int16]]:
    given = np.ascontiguousarray(breaks, np.float64)
    if given.ndim != 1:
        raise InvalidParameter(f"breaks of shape {given.shape}: a list of numbers expected")
    return _prepared(given.tobytes())


@lru_cache(maxsize=256)
def _prepared(raw: bytes) -> tuple[Floats, NDArray[np.int16]]:
    # Breaks, closed by infinity, and how many of them lie below each number known by its upper 16 bits.
    breaks = np.frombuffer(raw)
    if len(breaks) > _MOST_BREAKS or not np.isfinite(breaks).all() or (np.diff(breaks) <= 0).any():
        raise InvalidParameter(f"breaks: up to {_MOST_BREAKS} finite numbers expected, each above the last")
    bits = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
    # Of negative numbers the one with the largest magnitude is the least.
    bits[1 << 15 :] |= np.uint64((1 << 48) - 1)
    least = bits.view(np.float64)
    first = np.searchsorted(breaks, least, side="right").astype(np.int16)
    first[np.isnan(least)] = 0
    return np.append(breaks, np.inf), first
