"""Entries: the cells that are perturbed, each with its amounts by species and sector side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.emissions import Emissions
from gis.hotspots.factors import Term
from gis.kernels.membership import TASK
from gis.kernels.uncertain import compact, region_masses

__all__ = ["Entries", "runs_of"]

_NO_PLACE = np.zeros(0, np.int32)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Amounts of some cells by term, ``value`` being (cell, term), those of one patch side by side and first.

    ``masses`` is what each region has of each term in all cells of the domain.
    """

    position: NDArray[np.int64]
    value: Floats
    masses: Floats

    @classmethod
    def of(
        cls, emissions: Emissions, terms: Sequence[Term], mask: NDArray[np.bool_], region: NDArray[np.int32], regions: int,
        patch: NDArray[np.int32],
    ) -> Entries:  # fmt: skip
        """Entries of the marked cells, from one look at every layer: none is held longer than it is read."""
        position = _by_patch(np.flatnonzero(mask), patch)
        value = np.empty((len(position), len(terms)))
        masses = np.zeros((regions, len(terms)))

        def read(k: int) -> None:
            layer = emissions.by_sector[terms[k].species, terms[k].sector]
            value[:, k] = layer.take(position)
            at = layer.at
            column = np.zeros(regions)
            region_masses(layer.value, _NO_PLACE if at is None else at, at is None, region, column)
            masses[:, k] = column

        # Two at a time: one is read while the other is summed. Each has a column of its own.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(read, range(len(terms))))
        return cls(position, value, masses)

    def only(self, mask: NDArray[np.bool_]) -> Entries:
        """The marked ones, in the place of all: what was here before is overwritten."""
        if mask.all():
            return self
        compact(mask, self.value)
        return Entries(self.position[mask], self.value[: np.count_nonzero(mask)], self.masses)


def _by_patch(position: NDArray[np.int64], patch: NDArray[np.int32]) -> NDArray[np.int64]:
    inside = position[patch[position] >= 0]
    inside = inside[np.argsort(patch[inside], kind="stable")]
    return np.concatenate([inside, position[patch[position] < 0]])


def runs_of(patch: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The run of each cell, a new one with each patch and each task of a thread, and the patch of each run."""
    new = np.ones(len(patch), bool)
    new[1:] = (patch[1:] != patch[:-1]) | (np.arange(1, len(patch)) % TASK == 0)
    new &= patch >= 0
    return np.where(patch >= 0, np.cumsum(new) - 1, -1).astype(np.int32), patch[new]
