"""Cuts: what cells are ranked by and weighed with where a hot set is cut in every draw anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, order_of

__all__ = ["Cuts"]

# Areas as whole numbers that sum up to about 2^60: whole numbers have the same sum in any order of addition.
_UNITS = 2.0**60
# Where cells are counted, what one counts: a cell that stands for others stands for no whole number of them.
_CELL = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """How hot sets are cut: amounts over ``divisor`` give the order, ``weight`` is what a cell counts, ``q`` the share.

    Where the mass is shared out a cell's weight is its amount in the draw, and ``weight`` is not used.
    """

    mode: Mode
    q: float
    overshoot: float
    divisor: NDArray[np.float64]
    weight: NDArray[np.int64]

    @classmethod
    def of(cls, domain: Domain, mode: Mode, q: float, overshoot: float) -> Cuts:
        """Cuts of a domain; where all cells have one area, amounts rank as densities do."""
        even = domain.equal_area
        ones = np.ones(domain.size)
        divisor = ones if even or order_of(mode) is Order.AMOUNT else domain.area_km2
        if mode is Mode.AREA and not even:
            weight = np.rint(domain.area_km2 * (_UNITS / domain.total_area_km2)).astype(np.int64)
        else:
            weight = np.full(domain.size, _CELL, np.int64)
        return cls(Mode(mode), q, overshoot, divisor, weight)

    @property
    def by_mass(self) -> bool:
        """Whether a cell's weight is its amount."""
        return self.mode is Mode.MASS
