"""History: in which of a run's years cells were hot, and what pattern the years make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.domain import Domain
from gis.hotspots.fields import mid_ranks
from gis.hotspots.getis import getis_ord
from gis.hotspots.neighbours import Neighbourhood
from gis.hotspots.ranks import Mode, Order, order_of, rank_layer
from gis.hotspots.trends import Patterns, emerging
from gis.zoning.parameters import Hot

__all__ = ["History", "Known", "history_of"]

# Amounts of a species in a year, in the cells of the domain and in those around it.
Read = Callable[[int, str], tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Bits of every year (years × cells), and the pattern of every species; no patterns for a single year."""

    years: tuple[int, ...]
    bits: NDArray[np.uint8]
    patterns: tuple[Patterns, ...]

    def years_met(self, klass: NDArray[np.uint8], rules: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Number of years in which each cell met the rule of its class; 0 for class none."""
        out = np.zeros(len(klass), np.int16)
        for bits in self.bits:
            out += (rules[bits] >> klass) & 1 & (klass > 0)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The year of the zoning itself, whose bits and z (species × cells) are there already."""

    year: int
    bits: NDArray[np.uint8]
    z: tuple[NDArray[np.float32], ...]


def history_of(
    domain: Domain,
    years: Sequence[int],
    species: tuple[str, ...],
    read: Read,
    near: Neighbourhood,
    hot: Hot,
    known: Known,
) -> History:
    """The hot sets of all years at q, each cut in its own year, and the patterns of Gi* over them."""
    bits = np.zeros((len(years), domain.size), np.uint8)
    patterns = []
    for s, code in enumerate(species):
        z = np.zeros((len(years), domain.size), np.float32)
        for y, year in enumerate(years):
            if year == known.year:
                was_hot, z[y] = (known.bits >> np.uint8(s) & 1).astype(np.bool_), known.z[s]
            else:
                was_hot, z[y] = _of_year(domain, *read(year, code), near, hot)
            bits[y] |= was_hot.astype(np.uint8) << np.uint8(s)
        patterns.append(emerging((bits >> np.uint8(s) & 1).astype(np.bool_), np.nan_to_num(z)))
    return History(tuple(years), bits, tuple(patterns))


def _of_year(
    domain: Domain, amount_t: NDArray[np.float64], around_t: NDArray[np.float64], near: Neighbourhood, hot: Hot
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    mode = Mode(hot.mode)
    layer = rank_layer(domain, amount_t, order=order_of(mode))
    cut = layer.cut(mode, hot.q, tie_overshoot=hot.tie_overshoot)
    dense = layer if layer.order is Order.DENSITY or domain.equal_area else None
    z = getis_ord(mid_ranks(domain, amount_t, around_t, layer=dense), near).z
    return (layer.rank > 0) & (layer.rank <= cut.rank), z
