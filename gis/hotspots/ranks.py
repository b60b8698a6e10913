"""Rank layers: cells of one species in order of density or amount, so that a hot set at any share is one comparison a cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.kernels.ranking import rank_cells

__all__ = ["Cut", "Mode", "Order", "RankLayer", "checked_amounts", "order_of", "rank_layer", "rank_layers"]

# Shares are quotients of rounded sums: what misses a share by less than this has reached it.
_ROUNDING = 1e-12


class Order(StrEnum):
    """What cells are ranked by."""

    DENSITY = "density"
    AMOUNT = "amount"


class Mode(StrEnum):
    """What a hot set is a share of: the area, the number of cells, or the mass of the species."""

    AREA = "area"
    COUNT = "count"
    MASS = "mass"


def order_of(mode: Mode) -> Order:
    """The order in which cells enter a hot set of this mode: by amount where cells are counted, else by density."""
    return Order.AMOUNT if mode == Mode.COUNT else Order.DENSITY


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a rank layer was cut: cells with 1 <= their rank <= ``rank`` are hot, none if it is 0.

    ``tie`` says what became of a group of equal cells across the cut: none there, in or out as a whole. ``fewer``: fewer cells emit
    than ``q`` asks for, and every emitting cell is hot. ``threshold`` is the density (or amount) of the least hot cell, NaN without one.
    """

    mode: Mode
    q: float
    rank: int
    cells: int
    area_km2: float
    share_area: float
    share_count: float
    share_mass: float
    threshold: float
    tie: Literal["none", "in", "out"]
    fewer: bool


@dataclass(frozen=True, slots=True, eq=False)
class RankLayer:
    """Ranks of a species' cells and what the densest hold together.

    ``rank`` is that of a cell's group of equals, 1 the densest, 0 for a cell without emissions. ``count``, ``area_km2`` and ``mass_t``
    are cumulative over ranks 0 to ``ranks``. The totals are those of the whole domain, cells without emissions included.
    """

    order: Order
    rank: NDArray[np.uint32]
    count: NDArray[np.int32]
    mass_t: NDArray[np.float64]
    total_count: int
    total_area_km2: float
    total_mass_t: float
    area_by_rank_km2: NDArray[np.float64] | None  # None where all cells have the same area

    def __post_init__(self) -> None:
        for table in (self.rank, self.count, self.mass_t, self.area_by_rank_km2):
            if table is not None:
                table.flags.writeable = False

    @property
    def ranks(self) -> int:
        """Number of different densities above zero."""
        return len(self.count) - 1

    @property
    def area_km2(self) -> NDArray[np.float64]:
        """Area of the cells up to each rank; worked out when asked for where all cells have the same."""
        if self.area_by_rank_km2 is not None:
            return self.area_by_rank_km2
        return self.count.astype(np.float64) * (self.total_area_km2 / self.total_count)

    def table(self, mode: Mode) -> NDArray[np.float64]:
        """Area, cells or mass up to every rank, from 0."""
        if mode == Mode.AREA:
            return self.area_km2
        return self.mass_t if mode == Mode.MASS else self.count.astype(np.float64)

    def held(self, mode: Mode, rank: int) -> float:
        """Area, cells or mass up to a rank."""
        if mode == Mode.MASS:
            return float(self.mass_t[rank])
        if mode == Mode.COUNT:
            return float(self.count[rank])
        if self.area_by_rank_km2 is not None:
            return float(self.area_by_rank_km2[rank])
        return float(self.count[rank]) * (self.total_area_km2 / self.total_count)

    def whole(self, mode: Mode) -> float:
        """Area, cells or mass of the domain."""
        return {Mode.AREA: self.total_area_km2, Mode.COUNT: float(self.total_count), Mode.MASS: self.total_mass_t}[mode]

    def reaching(self, mode: Mode, share: float) -> int:
        """The least rank up to which cells hold this share; one above the last if all emitting cells do not."""
        target = share * self.whole(mode) * (1.0 - _ROUNDING)
        low, high = 0, self.ranks + 1
        while low < high:
            middle = (low + high) // 2
            if self.held(mode, middle) >= target:
                high = middle
            else:
                low = middle + 1
        return low

    def cut(self, mode: Mode, q: float, *, tie_overshoot: float = 0.005) -> Cut:
        """The smallest set of densest cells that reaches the share ``q``, groups of equal cells whole.

        A group of two or more across the cut is in if the share is passed by no more than ``tie_overshoot``, else out.
        """
        self._check(mode, q, tie_overshoot)
        rank = self.reaching(mode, q) if self.total_mass_t > 0 else self.ranks + 1
        if rank > self.ranks:
            return self._cut(mode, q, self.ranks, "none", fewer=True)
        beyond = self.held(mode, rank) / self.whole(mode) - q
        if self.count[rank] - self.count[rank - 1] < 2 or beyond <= _ROUNDING:
            return self._cut(mode, q, rank, "none")
        if beyond <= tie_overshoot + _ROUNDING:
            return self._cut(mode, q, rank, "in")
        return self._cut(mode, q, rank - 1, "out")

    def _check(self, mode: Mode, q: float, tie_overshoot: float) -> None:
        if not 0.0 < q <= 1.0:
            raise InvalidParameter(f"q is {q!r}; a share above 0 and up to 1 is expected (5 % is 0.05)")
        if not 0.0 <= tie_overshoot <= 1.0:
            raise InvalidParameter(f"tie_overshoot is {tie_overshoot!r}; a share from 0 to 1 is expected")
        if self.area_by_rank_km2 is not None and self.order != order_of(mode):
            raise InvalidParameter(
                f"mode {mode} cuts cells in order of {order_of(mode)}, and these are ranked by {self.order}; "
                f"make the rank layer with order=order_of({mode!r})"
            )

    def _cut(self, mode: Mode, q: float, rank: int, tie: Literal["none", "in", "out"], *, fewer: bool = False) -> Cut:
        shares = {m: self.held(m, rank) / (self.whole(m) or 1.0) for m in Mode}
        return Cut(
            mode=mode,
            q=q,
            rank=rank,
            cells=int(self.count[rank]),
            area_km2=self.held(Mode.AREA, rank),
            share_area=min(shares[Mode.AREA], 1.0),
            share_count=shares[Mode.COUNT],
            share_mass=min(shares[Mode.MASS], 1.0),
            threshold=self.threshold(rank),
            tie=tie,
            fewer=fewer,
        )

    def threshold(self, rank: int) -> float:
        """Density in t/km² (or amount in t, if ranked by it) of the cells of a rank, NaN for rank 0."""
        if rank == 0:
            return math.nan
        per = Mode.AREA if self.order == Order.DENSITY else Mode.COUNT
        step = {m: self.held(m, rank) - self.held(m, rank - 1) for m in (Mode.MASS, per)}
        return step[Mode.MASS] / step[per]


def rank_layer(domain: Domain, amount_t: NDArray[np.float64], *, order: Order = Order.DENSITY) -> RankLayer:
    """The rank layer of one species; where all cells have the same area both orders give the same ranks.

    Densities within 1e-9 of each other are equal: less than that is rounding of the allocation, and no reason for a decision.
    """
    if amount_t.shape != (domain.size,):
        raise InvalidParameter(
            f"amounts of shape {amount_t.shape}; expected a value for each of the {domain.size} cells"
        )
    amount = checked_amounts(domain, amount_t)
    area = domain.area_km2[: 0 if domain.equal_area else None]
    rank, count, mass, area_by_rank = rank_cells(amount, area, by_density=order == Order.DENSITY)
    return RankLayer(
        order=order,
        rank=rank,
        count=count,
        mass_t=mass,
        total_count=domain.size,
        total_area_km2=domain.total_area_km2,
        total_mass_t=float(mass[-1]),
        area_by_rank_km2=None if domain.equal_area else area_by_rank,
    )


def checked_amounts(domain: Domain, amount_t: NDArray[np.float64]) -> NDArray[np.float64]:
    """A view of amounts, by cell or by species and cell, that cannot be written to; NaN, infinite and negative ones are refused."""
    # Kernels are compiled for one kind of array: whatever came, it is contiguous and read-only from here on.
    view = np.ascontiguousarray(amount_t, np.float64).view()
    view.flags.writeable = False
    # One pass without a copy: a NaN, an infinity or a negative number shows in the least or the greatest value.
    if view.size and not (view.min() >= 0.0 and view.max() < math.inf):
        i = int(np.flatnonzero(~((view >= 0.0) & (view < math.inf)))[0])
        raise InvalidParameter(
            f"cell {domain.cells[i % domain.size]} has {float(view.flat[i])!r} t/yr; amounts are finite and not negative. "
            "A cell without a value does not belong to the domain"
        )
    return view


def rank_layers(
    domain: Domain, amount_t: NDArray[np.float64] | Sequence[NDArray[np.float64]], *, order: Order = Order.DENSITY
) -> tuple[RankLayer, ...]:
    """The rank layers of several species."""
    return tuple(rank_layer(domain, amounts, order=order) for amounts in amount_t)
