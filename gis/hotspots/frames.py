"""Frames: for which cells membership is said, and which of the others stand in for all of them where a threshold is looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.emissions import Emissions
from gis.hotspots.random import stream_of
from gis.kernels.uncertain import pick

__all__ = ["Frame"]

# Up to so many cells for which nothing is said are all perturbed; of more one in 2, 4, 8 …, yet so many at least.
_MOST_OTHERS = 1_000_000
_LEAST_SAMPLE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Cells by what is done with them: ``wanted`` are those that results are for, ``others`` emit and only move thresholds.

    ``sampled`` are the others that stand for all: each is among them with the probability 1/``step`` by the word of its id, and
    so whatever the others are.
    """

    wanted: NDArray[np.bool_]
    others: NDArray[np.bool_]
    sampled: NDArray[np.bool_]
    step: int

    @classmethod
    def of(cls, emissions: Emissions, wanted: NDArray[np.bool_] | None, patch: NDArray[np.int32], seed: int) -> Frame:
        """The frame of a domain; cells of patches are always wanted, and without a mask all cells are."""
        size = emissions.domain.size
        if wanted is None:
            none = np.zeros(size, np.bool_)
            return cls(np.ones(size, np.bool_), none, none, 1)
        every = wanted | (patch >= 0)
        others = np.zeros(size, np.bool_)
        for amount in emissions.amount_t:
            np.logical_or(others, amount > 0.0, out=others)
        others &= ~every
        count, step = int(np.count_nonzero(others)), 1
        while count > _MOST_OTHERS and count // (2 * step) >= _LEAST_SAMPLE:
            step *= 2
        if step == 1:
            return cls(every, others, others, 1)
        sampled = np.zeros(size, np.bool_)
        pick(np.uint64(seed), np.uint64(stream_of("sample")), emissions.domain.cells, others, step, sampled)
        return cls(every, others, sampled, step)

    def stand_for(self, weight: NDArray[np.float64] | NDArray[np.int64]) -> float:
        """How much of the others' weight there is for each of the sample's: about 1/fraction, exactly 1 if all are in it."""
        if self.step == 1:
            return 1.0
        part = float(weight[self.sampled].sum())
        return float(weight[self.others].sum()) / part if part > 0.0 else 0.0
