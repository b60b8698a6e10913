"""Placement: one part's amounts under one policy, joined with the weights that say where they go."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.allocation.weights import PartWeights
from gis.inventory.model import Amounts
from gis.kernels.sums import compensated_dot, compensated_sum

__all__ = ["Accounts", "Key", "Placement"]

Key = tuple[int, int, int]  # positions of year, species and sector in the inventory's lists
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where the input of one key went, in t/yr."""

    input_t: float
    allocated_t: float
    outside_t: float
    unallocatable_t: float
    superseded_t: float


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Amounts sorted by key; ``taken_t`` is what points already account for and is never placed."""

    weights: PartWeights
    source: NDArray[np.int64]
    mass_t: Floats
    taken_t: Floats
    slices: dict[Key, slice]
    inside: Floats = field(repr=False)

    @classmethod
    def of(cls, weights: PartWeights, amounts: Amounts, use: NDArray[np.bool_], taken_t: Floats) -> Placement:
        """The used amounts of a part, sorted by year, species, sector and source."""
        at = np.flatnonzero(use)
        columns = (amounts.year[at], amounts.species[at], amounts.sector[at])
        shape = tuple(int(c.max(initial=0)) + 1 for c in columns)
        code = np.ravel_multi_index(columns, shape).astype(np.int16 if math.prod(shape) < 2**15 else np.int64)
        by_source = np.argsort(amounts.source[at], kind="stable")  # nothing to do for a part in canonical order
        at, code = at[by_source], code[by_source]
        order = np.argsort(code, kind="stable")
        at, code = at[order], code[order]
        starts = np.flatnonzero(np.diff(code, prepend=-1) != 0)
        stops = np.append(starts[1:], len(at))
        keys = np.stack(np.unravel_index(code[starts].astype(np.int64), shape), axis=1).tolist()
        slices = {(y, s, c): slice(int(i), int(j)) for (y, s, c), i, j in zip(keys, starts, stops, strict=True)}
        return cls(weights, amounts.source[at], amounts.mass_t[at], taken_t[at], slices, weights.inside)

    def amount(self, key: Key) -> Floats | None:
        """What each source of the part has to place under a key, or None when there is nothing."""
        if key not in self.slices:
            return None
        part = self.slices[key]
        out = np.zeros(self.weights.shares.shape[0])
        np.add.at(out, self.source[part], self.mass_t[part] - self.taken_t[part])
        return out

    def entries_of(self, span: slice, sources: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the amounts of some sources (ascending) within a span, and for each the position in ``sources``."""
        owners = self.source[span]  # ascending within a key
        left = np.searchsorted(owners, sources, "left")
        count = np.searchsorted(owners, sources, "right") - left
        mine = np.repeat(np.arange(len(sources)), count)
        first = np.repeat(left - np.concatenate(([0], np.cumsum(count)[:-1])), count)
        return first + np.arange(len(mine)) + span.start, mine

    def accounts(self, key: Key) -> Accounts:
        """The ledger of a key, allocated as the weights say it."""
        part = self.slices[key]
        source, mass, taken = self.source[part], self.mass_t[part], self.taken_t[part]
        left = mass - taken
        w = self.weights
        return Accounts(
            input_t=compensated_sum(mass),
            allocated_t=compensated_dot(left, self.inside[source]),
            outside_t=compensated_dot(left, w.outside[source]),
            unallocatable_t=compensated_dot(left, w.unallocatable[source]),
            superseded_t=compensated_sum(taken) + compensated_dot(left, w.superseded[source]),
        )
