"""Entries: the cells that are perturbed, each with its amounts by species and sector side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.cuts import Cuts
from gis.hotspots.emissions import Sparse
from gis.hotspots.factors import Term
from gis.kernels.membership import TASK, Cells
from gis.kernels.uncertain import count_entries, fill_entries

__all__ = ["Kept", "parts"]

_NO_PLACE = np.zeros(0, np.int32)
Floats = NDArray[np.float64]


def parts(layer: Sparse) -> tuple[Floats, NDArray[np.int32], bool]:
    """Values of a layer, the positions they are at, and whether they are at all of them instead."""
    return layer.value, _NO_PLACE if layer.at is None else layer.at, layer.at is None


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Cells that are perturbed, those of one patch side by side and first; ``run_patch`` is the patch of each run of them."""

    position: NDArray[np.int64]
    cells: Cells
    run_patch: NDArray[np.int32]

    @classmethod
    def of(
        cls, mask: NDArray[np.bool_], cell: NDArray[np.int64], terms: Sequence[Term], species: Sequence[str], cuts: Cuts,
        region: NDArray[np.int32], patch: NDArray[np.int32] | None,
    ) -> Kept:  # fmt: skip
        """The marked cells of a domain whose cells have these ids; without ``patch`` in their order and in no run."""
        position = np.flatnonzero(mask)
        run, run_patch = np.full(len(position), -1, np.int32), _NO_PLACE
        if patch is not None:
            inside = position[patch[position] >= 0]
            inside = inside[np.argsort(patch[inside], kind="stable")]
            position = np.concatenate([inside, position[patch[position] < 0]])
            run, run_patch = _runs(patch[position])
        pointer, term, value = _entries(position, len(mask), terms, species)
        cells = Cells(
            pointer=pointer, term=term, value=value, region=region[position], divisor=cuts.divisor[position],
            weight=cuts.weight[position], cell=cell[position].astype(np.uint64), run=run,
        )  # fmt: skip
        return cls(position, cells, run_patch)


def _runs(patch: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The run of each cell, a new one with each patch and each task of a thread, and the patch of each run."""
    new = np.ones(len(patch), bool)
    new[1:] = (patch[1:] != patch[:-1]) | (np.arange(1, len(patch)) % TASK == 0)
    new &= patch >= 0
    return np.where(patch >= 0, np.cumsum(new) - 1, -1).astype(np.int32), patch[new]


def _entries(
    position: NDArray[np.int64], size: int, terms: Sequence[Term], species: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.uint16], Floats]:
    """Entries of the kept cells by cell and species."""
    place = np.full(size, -1, np.int32)
    place[position] = np.arange(len(position), dtype=np.int32)
    at, count = [species.index(t.species) for t in terms], len(species)
    pointer = np.zeros(len(position) * count + 1, np.int64)
    for k, t in enumerate(terms):
        count_entries(*parts(t.amount_t), place, count, at[k], pointer[1:])
    np.cumsum(pointer, out=pointer)
    cursor = pointer[:-1].copy()
    term, value = np.empty(pointer[-1], np.uint16), np.empty(pointer[-1])
    for k, t in enumerate(terms):
        fill_entries(*parts(t.amount_t), place, count, at[k], k, cursor, term, value)
    return pointer, term, value
