"""Field: values of a domain and of the cells around it as whole numbers, so that sums over neighbours are exact and ties are ties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Order, RankLayer, rank_layer
from gis.kernels.neighbours import moments
from gis.kernels.sums import compensated_sum

__all__ = ["Field", "field_of", "mid_ranks"]

# Values that are not whole are taken on a lattice of this many steps over their range.
_STEPS = 2**40
_BLOCK = 1 << 14  # of the kernel that sums by blocks


@dataclass(frozen=True, eq=False)
class Field:
    """Whole numbers from 1: ``whole`` is that of each cell of the domain, then of each cell around. A value is origin + step·whole."""

    domain: Domain
    whole: NDArray[np.int64]
    origin: float = 0.0
    step: float = 1.0

    def __post_init__(self) -> None:
        size = self.domain.size + len(self.domain.around)
        if self.whole.shape != (size,) or self.whole.min() < 1:
            raise InvalidParameter(f"a field has {size} whole numbers from 1; {self.whole.shape} came")

    @property
    def size(self) -> int:
        """Cells of the population: those of the domain and those around."""
        return len(self.whole)

    @property
    def own(self) -> NDArray[np.int64]:
        """The numbers of the domain's cells."""
        return self.whole[: self.domain.size]

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and standard deviation, from sums by blocks of differences from the first number."""
        centre, n = int(self.whole[0]), self.size
        total, square = np.empty(-(-n // _BLOCK), np.int64), np.empty(-(-n // _BLOCK))
        moments(self.whole, centre, total, square)
        # The sum is exact in Python's integers, however many there are.
        less = sum(total.tolist()) / n
        return centre + less, math.sqrt(max(compensated_sum(square) / n - less * less, 0.0))

    @property
    def mean(self) -> float:
        """Mean of the whole numbers."""
        return self._moments[0]

    @property
    def deviation(self) -> float:
        """Standard deviation of the population, in whole numbers; 0 where all are equal."""
        return self._moments[1]

    @property
    def constant(self) -> bool:
        """Whether all numbers are equal."""
        # Differences from the first are whole numbers: where all are 0 the deviation is 0 without rounding, else it is not.
        return self.deviation == 0.0


def field_of(domain: Domain, values: NDArray[np.float64], around: NDArray[np.float64]) -> Field:
    """The field of any finite values: whole ones as they are, others on a lattice of 2^40 steps over their range."""
    for name, given, size in (("values", values, domain.size), ("around", around, len(domain.around))):
        if np.shape(given) != (size,):
            raise InvalidParameter(
                f"{name} has shape {np.shape(given)}; one value for each of {size} cells is expected"
            )
        if not np.isfinite(given).all():
            at = int(np.flatnonzero(~np.isfinite(given))[0])
            raise InvalidParameter(
                f"{name}: value {given[at]!r} at position {at}; finite numbers are expected. A cell without a value does not "
                "belong to the domain"
            )
    every = np.concatenate([np.asarray(values, np.float64), np.asarray(around, np.float64)])
    low, high = float(every.min()), float(every.max())
    if not math.isfinite(high - low):
        raise InvalidParameter(f"values from {low!r} to {high!r} are too far apart for a difference of floats")
    if high - low < _STEPS and bool((every == np.rint(every)).all()):
        return Field(domain, (every - low).astype(np.int64) + 1, low - 1.0)
    step = (high - low) / _STEPS
    if not step > 0.0:  # closer together than floats can tell
        return Field(domain, np.ones(len(every), np.int64), low - 1.0)
    return Field(domain, np.rint((every - low) / step).astype(np.int64) + 1, low - step, step)


def mid_ranks(
    domain: Domain, amount_t: NDArray[np.float64], around_t: NDArray[np.float64], *, layer: RankLayer | None = None
) -> Field:
    """Mid-ranks of density over the domain and the cells around, doubled to be whole: the densest of n different ones has 2n.

    ``layer`` is the domain's rank layer by density if there is one already; it serves where no cell is around.
    """
    around = domain.around
    if not len(around):
        return Field(domain, _doubled(layer or rank_layer(domain, amount_t)), 0.0, 0.5)
    union, order = domain.with_around
    doubled = _doubled(rank_layer(union, np.concatenate([amount_t, around_t])[order]))
    whole = np.empty_like(doubled)
    whole[order] = doubled
    return Field(domain, whole, 0.0, 0.5)


def _doubled(layer: RankLayer) -> NDArray[np.int64]:
    if layer.order is not Order.DENSITY and layer.area_by_rank_km2 is not None:
        raise InvalidParameter("evidence goes by density; make the rank layer with order=Order.DENSITY")
    # Twice the mid-rank of a group: 2·(cells below) + (cells in it) + 1.
    upto = layer.count.astype(np.int64)
    zeros = layer.total_count - upto[-1]
    table = np.empty(len(upto), np.int64)
    table[0] = zeros + 1
    table[1:] = 2 * layer.total_count - upto[1:] - upto[:-1] + 1
    return np.asarray(table[layer.rank])
