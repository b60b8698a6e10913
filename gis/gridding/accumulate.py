"""Points × grid: the sum of their values in every cell, and of those outside."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.kernels.points import LANES, add_bands, add_outside, first_not_finite, sort_into_bands

__all__ = ["Accumulated", "accumulate"]

Floats = NDArray[np.float64]

_SUMS_BYTES = 1 << 19  # sums and carries of a band: half of a second-level cache
_CHUNK_BITS = 19
_TASKS = 8  # for each thread
_AHEAD = 16  # entries the kernel looks ahead
_POINT, _CELL = 1.0, 0.5  # relative cost of adding a point and of writing a cell, to share the bands out evenly


@dataclass(frozen=True, slots=True, eq=False)
class Accumulated:
    """Sums per species: in every cell, and outside the grid.

    One call of `accumulate` hands back plain sums. To feed points in chunks, begin with `Accumulated.open`: it keeps the
    roundings of every sum beside it (twice the memory), so that the chunks give the same bytes as one call.
    """

    grid: Grid
    _total: Floats
    _outside: Floats
    _carry: Floats | None = None  # None: rounded into the total
    _outside_carry: Floats | None = None

    @classmethod
    def open(cls, grid: Grid, *, species: int) -> Accumulated:
        """An accumulator at zero for ``accumulate(..., into=...)``, chunk after chunk."""
        if species < 1:
            raise InvalidParameter(f"species {species}: at least 1 is needed")
        planes = (species, grid.size)
        return cls(grid, np.zeros(planes), np.zeros(species), np.zeros(planes), np.zeros(species))

    @property
    def is_open(self) -> bool:
        """Whether further points may be added with ``into``."""
        return self._carry is not None

    @property
    def values(self) -> Floats:
        """Sums per cell (species, rows, cols), read-only; an open accumulator makes a fresh copy each time."""
        total = self._total if self._carry is None else self._total + self._carry
        return _read_only(total.reshape(len(total), *self.grid.shape))

    @property
    def outside(self) -> Floats:
        """Sums (species,) of the points that no cell owns, read-only."""
        return _read_only(self._outside if self._outside_carry is None else self._outside + self._outside_carry)


def accumulate(
    x: ArrayLike, y: ArrayLike, values: ArrayLike, grid: Grid, *, into: Accumulated | None = None
) -> Accumulated:
    """Sums of the points' values per cell of the grid, and outside it; Σ values = Σ cells + outside.

    Parameters
    ----------
    x, y
        Easting or longitude and northing or latitude (n,) in the grid's CRS. Longitudes may be off by whole turns.
    values
        (n, k), one column per species; (n,) is one species. Not NaN, not infinite.
    grid
        Cells are half-open: each owns its lower and left edge, and the outermost edges are closed.
    into
        An accumulator from `Accumulated.open`, changed in place and handed back. Points in chunks, in the same order,
        give the same bytes as all in one call.
    """
    xs, ys, table = _columns(x, y, values)
    species = table.shape[1]
    flat = table.reshape(-1)
    if into is not None:
        _check_into(into, grid, species)
        if (i := first_not_finite(flat)) >= 0:
            raise _bad_value(flat, i, species)
    points = _sorted(xs, ys, grid, species)
    result = into or Accumulated(grid, np.zeros((species, grid.size)), np.zeros(species))
    _add(points, flat, result)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Bands:
    """Points sorted by band, chunk by chunk; see gis/kernels/points.py."""

    packed: NDArray[np.uint32]
    first: NDArray[np.int64]
    shift: int
    chunk: int

    def split(self, tasks: int) -> NDArray[np.int64]:
        """Bands cut into runs of about equal work."""
        bands = self.first.shape[1] - 2
        points = (self.first[:, 1 : bands + 1] - self.first[:, :bands]).sum(axis=0)
        work = np.cumsum(points * _POINT + (points > 0) * float(1 << self.shift) * _CELL)
        cuts = np.searchsorted(work, work[-1] * np.arange(1, tasks) / tasks)
        return np.concatenate([[0], cuts, [bands]]).astype(np.int64)


def _sorted(x: Floats, y: Floats, grid: Grid, species: int) -> _Bands:
    # Sums and carries of a band fill _SUMS_BYTES; a point's place in its chunk and its cell's place in the band share 32 bits.
    shift = (_SUMS_BYTES // (16 * min(species, LANES))).bit_length() - 1
    chunk = 1 << min(_CHUNK_BITS, 32 - shift)
    n = len(x)
    packed = np.zeros(_AHEAD, np.uint32) if n == 0 else np.empty(n + _AHEAD, np.uint32)
    packed[n:] = 0
    first = np.empty((max(1, -(-n // chunk)), -(-grid.size // (1 << shift)) + 2), np.int64)
    bad = sort_into_bands(
        x, y, grid.x_left, grid.y_top, grid.dx, grid.dy, grid.rows, grid.cols, grid.is_geographic,
        shift, chunk, numba.get_num_threads(), packed, first,
    )  # fmt: skip
    if bad >= 0:
        raise InvalidParameter(f"row {bad}: the point ({x[bad]}, {y[bad]}) is not finite; remove or correct it")
    return _Bands(packed, first, shift, chunk)


def _add(points: _Bands, flat: Floats, result: Accumulated) -> None:
    species = len(result._total)
    keep = result._carry is not None
    carry = result._carry if result._carry is not None else np.empty((0, 0))
    threads = numba.get_num_threads()
    split = points.split(1 if threads == 1 else _TASKS * threads)
    finite = True
    for lane in range(0, species, LANES):
        finite &= add_bands(
            points.packed, points.first, points.shift, points.chunk, flat, species, lane, min(LANES, species - lane),
            split, threads, keep, result._total, carry,
        )  # fmt: skip
    outside_carry = np.zeros(species) if result._outside_carry is None else result._outside_carry
    add_outside(points.packed, points.first, points.shift, points.chunk, flat, species, result._outside, outside_carry)
    if not keep:
        result._outside[:] += outside_carry
    # A value that is not finite spoils its sum for good, so looking at the sums is enough; this saves a pass over the input.
    if not (finite and np.isfinite(result._outside).all()):
        i = first_not_finite(flat)
        if i >= 0:
            raise _bad_value(flat, i, species)
        raise InvalidParameter("the values are so large that their sum is not a float64; use a larger unit")


def _check_into(into: Accumulated, grid: Grid, species: int) -> None:
    if not into.is_open:
        raise InvalidParameter("`into` is a finished result; begin with Accumulated.open(grid, species=...)")
    if into.grid != grid:
        raise InvalidParameter(f"`into` belongs to {into.grid!r}, the points to {grid!r}; use the same grid")
    if len(into._total) != species:
        raise InvalidParameter(f"`into` has {len(into._total)} species, the values have {species}")


def _bad_value(flat: Floats, i: int, species: int) -> InvalidParameter:
    return InvalidParameter(
        f"row {i // species}, species {i % species}: the value {flat[i]} is not finite; remove or correct it"
    )


def _read_only(array: Floats) -> Floats:
    view = array.view()
    view.flags.writeable = False
    return view


def _columns(x: ArrayLike, y: ArrayLike, values: ArrayLike) -> tuple[Floats, Floats, Floats]:
    xs, ys = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
    table = np.ascontiguousarray(values, np.float64)
    if table.ndim == 1:
        table = table[:, None]
    if xs.ndim != 1 or xs.shape != ys.shape or table.ndim != 2 or len(table) != len(xs) or table.shape[1] < 1:
        raise InvalidParameter(
            f"x {xs.shape}, y {ys.shape} and values {np.shape(values)} do not fit; expected (n,), (n,) and (n, species) or (n,)"
        )
    return xs, ys, table
