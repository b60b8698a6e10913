"""Scales: where the colours of a map change. Round numbers (1, 2, 5 and their tens), so that a legend can be read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter

__all__ = ["MEMBERSHIP", "SHARES", "Scale", "change_scale", "density_scale", "exact", "number"]

_STEPS = (1.0, 2.0, 5.0)
# With "nothing" 16 colours: half a byte a pixel. Fourteen breaks span four and a third decades.
_MOST = 14
# A single stack would stretch the scale until everything else is pale; so would a trace of something at its other end.
_TOP, _BOTTOM = 0.998, 0.01

# The densest cells up to these shares of the area (or of the cells, or of the mass); rank maps are cut there.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# Shares of the draws in which a cell stays what it is.
MEMBERSHIP = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Scale:
    """Breaks, ascending: class 1 is what is there below the first one, class k + 1 what has reached the k-th."""

    breaks: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.breaks or not all(math.isfinite(b) for b in self.breaks):
            raise InvalidParameter(f"breaks {self.breaks}; finite numbers, one at least, are expected")
        if any(b <= a for a, b in zip(self.breaks, self.breaks[1:], strict=False)):
            raise InvalidParameter(f"breaks {self.breaks} do not ascend")

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.breaks) + 1

    @property
    def array(self) -> NDArray[np.float64]:
        """The breaks as numbers of one type."""
        return np.array(self.breaks, np.float64)


def density_scale(densities: NDArray[np.float64]) -> Scale:
    """Breaks for densities above zero, up to fourteen of them, those of the densest cells first: exact quantiles decide.

    The last break is reached by the densest 0.2 % of the cells at least, and the first by all but 1 %, if that is not too far down.
    """
    if not len(densities):
        return Scale((1.0,))
    # Of the sorted cells and not between two of them: no rounding of an interpolation decides.
    low, top = (float(v) for v in np.quantile(densities, (_BOTTOM, _TOP), method="inverted_cdf"))
    last, first = _round_down(top), _round_down(low)
    return Scale(tuple(_value(n) for n in range(max(first, last - _MOST + 1), last + 1)))


def change_scale(density: Scale) -> Scale:
    """Breaks for what has become more or less of a density: the same on both sides of zero, up to seven on each."""
    sides = density.breaks[::-2][: _MOST // 2][::-1]
    return Scale((*(-b for b in reversed(sides)), *sides))


def exact(value: float) -> float:
    """The number that a text of twelve digits means: what is left of sums of tenths is gone."""
    return float(f"{value:.12g}")


def number(value: float) -> str:
    """A number as people write it: 20,000 and 0.005, never 2e+04."""
    if value == 0:
        return "0"
    digits = max(0, -math.floor(math.log10(abs(value)) + 1e-9) + 2)
    text = f"{value:,.{min(digits, 15)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def _value(n: int) -> float:
    """The n-th round number: the 0th is 1, the third 10."""
    decade, step = divmod(n, len(_STEPS))
    return float(f"{_STEPS[step]:g}e{decade}")


def _round_down(value: float) -> int:
    """Position of the largest round number that is not above a value."""
    n = len(_STEPS) * math.floor(math.log10(value)) + len(_STEPS)
    while _value(n) > value:
        n -= 1
    return n
