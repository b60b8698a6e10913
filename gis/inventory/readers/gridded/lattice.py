"""The exact lattice behind rounded cell centres, and how an array is turned onto it: row 0 north, longitudes from -180.

Files hold centres as float32 or with a few decimals, so ``0.05, 0.15000001, …``; edges computed from them would share no
edge with another file on the same lattice. The step and the first edge are therefore found as the simplest
fractions that agree with every centre within the rounding the centres evidently have: that of float64, else of float32,
else of the decimals they are written with. Lines that are left out (a step that is a whole number of steps) are
lines without a value. Centres that agree with no lattice are refused, never resampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidGrid, ReadError
from gis.grid import Grid

__all__ = ["Axis", "Orientation", "fit_axis", "lattice_grid"]

_MOST_DECIMALS = 8
# Rounding may hide at most this part of a cell; beyond it centres are irregular, not rounded.
_MOST_OF_A_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Axis:
    """Cells along one direction: the lowest edge, the step, how many, and whether the file counts downward.

    ``places`` holds the place of each stored line, counted upward, when the file leaves lines out.
    """

    start: Fraction
    step: Fraction
    count: int
    descending: bool
    places: tuple[int, ...] | None = None

    @property
    def stop(self) -> Fraction:
        """The highest edge."""
        return self.start + self.count * self.step

    def scaled(self, factor: Fraction) -> Axis:
        """The axis in another unit of length."""
        return Axis(self.start * factor, self.step * factor, self.count, self.descending, self.places)


@dataclass(frozen=True, slots=True)
class Orientation:
    """How values (y, x) as stored become row 0 north, column 0 west: flips, lines left out, then a roll to the left.

    ``rows`` and ``cols`` are the places of the stored lines from the north-west, where the file leaves lines of ``shape`` out.
    """

    shape: tuple[int, int]
    flip_x: bool = False
    flip_y: bool = False
    roll: int = 0
    rows: tuple[int, ...] | None = None
    cols: tuple[int, ...] | None = None

    @property
    def left_out(self) -> int:
        """How many rows and columns the file leaves out."""
        return sum(
            n - len(places) for n, places in zip(self.shape, (self.rows, self.cols), strict=True) if places is not None
        )

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values turned."""
        turned = values[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        if self.left_out:
            rows, cols = (
                np.arange(n) if places is None else np.array(places)
                for n, places in zip(self.shape, (self.rows, self.cols), strict=True)
            )
            full = np.full(self.shape, np.nan)
            full[np.ix_(rows, cols)] = turned
            turned = full
        return np.roll(turned, -self.roll, axis=1) if self.roll else np.ascontiguousarray(turned)


def fit_axis(centres: NDArray[np.floating], *, file: Path, name: str, turn: bool = False) -> Axis:
    """The lattice of a row of centres; with ``turn`` a jump of a whole turn (179.95, -179.95) is no jump."""
    values = np.asarray(centres, np.float64)
    single = centres.dtype == np.float32
    if values.ndim != 1 or len(values) < 2:
        raise ReadError(f"{file}: {name!r} holds {values.size} centre(s); at least 2 are needed to tell the cell size")
    if not np.isfinite(values).all():
        raise ReadError(f"{file}: {name!r} holds values that are not finite: {values[~np.isfinite(values)][0]}")
    if turn:
        values = _unwrapped(values)
    descending = bool(values[-1] < values[0])
    rising = values[::-1] if descending else values
    places = _places(rising)
    step = float((rising[-1] - rising[0]) / places[-1])
    for slack in _slacks(rising, single):
        if slack <= _MOST_OF_A_STEP * step:
            found = _fit(rising, places, slack)
            if found is not None:
                count = int(places[-1]) + 1
                kept = tuple(int(p) for p in places) if count > len(places) else None
                return Axis(*found, count, descending, kept)
    steps = np.diff(rising)
    worst = int(np.argmax(np.abs(steps - np.median(steps))))
    raise ReadError(
        f"{file}: {name!r} is not evenly spaced: {rising[worst]:.9g} to {rising[worst + 1]:.9g} is a step of {steps[worst]:.6g} "
        f"where {np.median(steps):.6g} is usual; regrid the file to equal steps first"
    )


def _places(rising: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of each centre when some lines are left out: steps in units of the usual one."""
    steps = np.diff(rising)
    usual = float(np.median(steps))
    plain = np.arange(len(rising))
    if not usual > 0.0:
        return plain
    whole = np.round(steps / usual)
    # Anything but whole steps, most of them single, is left as it is, for the fit to refuse.
    if (whole < 1).any() or (np.abs(steps / usual - whole) > _MOST_OF_A_STEP).any():
        return plain
    return np.concatenate([[0], np.cumsum(whole)]).astype(np.int64)


def _unwrapped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    jumps = np.diff(values)
    turns = np.zeros(len(values))
    turns[1:] = np.cumsum(np.where(jumps < -180.0, 360.0, np.where(jumps > 180.0, -360.0, 0.0)))
    return values + turns


def _slacks(values: NDArray[np.float64], single: bool) -> list[float]:
    """How far a stored centre may be from its true place: float64, float32, then written decimals."""
    size = float(np.abs(values).max())
    out: list[float] = [] if single else [4.0 * np.finfo(np.float64).eps * size]
    out.append(2.0 * float(np.finfo(np.float32).eps) * size)
    noise = out[-1] if single else 1e-12 * max(size, 1.0)
    for decimals in range(_MOST_DECIMALS, -1, -1):
        if np.abs(values - np.round(values, decimals)).max() > noise:
            break
        # Half a unit of the last digit, and a little for the float that holds it.
        out.append(0.5001 * 10.0**-decimals + noise)
    return sorted(out)


def _fit(values: NDArray[np.float64], places: NDArray[np.int64], slack: float) -> tuple[Fraction, Fraction] | None:
    """First edge and step of the simplest lattice within ``slack`` of every centre, or None."""
    mean = float((values[-1] - values[0]) / places[-1])
    spread = 2.0 * slack / float(places[-1])
    if not mean > spread:
        return None
    for step in (_simplest(mean - spread, mean + spread), Fraction(mean)):
        offset = values - places * float(step)
        low, high = float(offset.max()) - slack, float(offset.min()) + slack
        # Rounding of the products themselves is no irregularity.
        noise = 2.0 * float(np.finfo(np.float64).eps) * (abs(float(values[-1])) + abs(float(values[0])))
        if low <= high + noise:
            half = float(step) / 2.0
            middle = (low + high) / 2.0 - half
            reach = max((high - low) / 2.0, noise)
            return _edge(middle, reach, step), step
    return None


def _edge(middle: float, reach: float, step: Fraction) -> Fraction:
    """The first edge: a multiple of the step, else of half the step, else the simplest fraction that fits."""
    for unit in (step, step / 2):
        candidate = round(Fraction(middle) / unit) * unit
        if abs(float(candidate - Fraction(middle))) <= reach:
            return candidate
    return _simplest(middle - reach, middle + reach)


def _simplest(low: float, high: float) -> Fraction:
    """The fraction of smallest denominator in [low, high]."""
    if low <= 0.0 <= high:
        return Fraction(0)
    if high < 0.0:
        return -_simplest(-high, -low)
    bottom, top = Fraction(low), Fraction(high)
    # Walk the continued fraction of both ends until they part; the parting term, rounded up, is the simplest.
    terms = []
    while True:
        whole = math.floor(bottom)
        if whole == bottom or whole < math.floor(top):
            terms.append(whole if whole == bottom else whole + 1)
            break
        terms.append(whole)
        bottom, top = 1 / (top - whole), 1 / (bottom - whole)
    value = Fraction(terms.pop())
    while terms:
        value = terms.pop() + 1 / value
    return value


def lattice_grid(x: Axis, y: Axis, *, crs: CRS, file: Path) -> tuple[Grid, Orientation]:
    """The grid of two axes and how the file's values are turned onto it. Longitudes start at -180 where they can."""
    start, roll = x.start, 0
    if crs.is_geographic:
        start, roll = _from_date_line(x)
    transform = Affine(float(x.step), 0, float(start), 0, -float(y.step), float(y.stop))
    try:
        grid = Grid(crs=crs, transform=transform, shape=(y.count, x.count))
    except InvalidGrid as error:
        raise ReadError(f"{file}: {error}") from error
    rows = None if y.places is None else tuple(y.count - 1 - p for p in reversed(y.places))
    return grid, Orientation(grid.shape, x.descending, not y.descending, roll, rows, x.places)


def _from_date_line(x: Axis) -> tuple[Fraction, int]:
    """West edge and roll: a lattice around the globe starts at -180, one wholly east of 180 moves by a turn."""
    if abs(x.count * x.step - 360) < Fraction(1, 10**6):
        columns = (-180 - x.start) / x.step
        nearest = round(columns)
        if abs(columns - nearest) < Fraction(1, 10**6):
            return Fraction(-180), nearest % x.count
    if x.start >= 180:
        return x.start - 360, 0
    return x.start, 0
