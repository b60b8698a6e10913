"""Weights: for every source of a part, which share of its mass lies in which cell, and where the rest is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS, Tier
from gis.errors import LedgerOpen
from gis.inventory.description import Kind
from gis.kernels.gather import count_cells, fill_by_cell, gather, row_sums

__all__ = ["NOT_SERVED", "ByCell", "PartWeights"]

NOT_SERVED = -1


@dataclass(frozen=True, slots=True, eq=False)
class ByCell:
    """The same entries sorted by cell: only cells that have any, then their sources and shares."""

    cells: NDArray[np.integer]
    indptr: NDArray[np.integer]
    source: NDArray[np.int32]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, shares: csr_array) -> ByCell:
        """Entries of a matrix of sources × cells, turned."""
        # Half the bytes wherever 32 bits are enough: layers are gathered at the speed of memory.
        small: type[np.integer[Any]] = np.int32 if max(shares.shape[1], shares.nnz) < 2**31 else np.int64
        count = np.zeros(shares.shape[1], small)
        count_cells(shares.indices, count)
        cells = np.flatnonzero(count).astype(small)
        indptr = np.zeros(len(cells) + 1, small)
        np.cumsum(count[cells], out=indptr[1:])
        count[cells] = indptr[:-1]
        source = np.empty(shares.nnz, np.int32)
        share = np.empty(shares.nnz, np.float64)
        fill_by_cell(shares.indptr.astype(np.int64), shares.indices, shares.data, count, source, share)
        return cls(cells, indptr, source, share)

    def add(self, amount: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """Add every source's amount to its cells in a flat layer."""
        gather(self.cells, self.indptr, self.source, self.share, amount, out)

    def entries(self, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Cell, source and share of all entries in the given cells."""
        cells = cells.astype(self.cells.dtype)  # another type would turn all of the array for every look-up
        at = np.searchsorted(self.cells, cells)
        at = at[(at < len(self.cells)) & (self.cells[np.minimum(at, len(self.cells) - 1)] == cells)]
        start, stop = self.indptr[at].astype(np.int64), self.indptr[at + 1].astype(np.int64)
        n = stop - start
        flat = np.repeat(start - np.concatenate(([0], np.cumsum(n)[:-1])), n) + np.arange(int(n.sum()))
        return np.repeat(self.cells[at].astype(np.int64), n), self.source[flat], self.share[flat]


@dataclass(frozen=True, slots=True, eq=False)
class PartWeights:
    """Shares of one part under one policy. A row's shares, outside, superseded and unallocatable add up to 1.

    ``chain`` are the surrogates tried, first choice first; ``served`` holds the position in it that served each source
    (points and lines have none). ``used`` marks the sources that have amounts under this policy; others are left empty.
    ``key`` is a hash of all that the shares of a source depend on, whichever sources are used.
    """

    part: str
    kind: Kind
    chain: tuple[str, ...]
    replaced_by: tuple[str, ...]
    year: int | None
    key: str
    used: NDArray[np.bool_]
    shares: csr_array
    outside: NDArray[np.float64]
    superseded: NDArray[np.float64]
    unallocatable: NDArray[np.float64]
    served: NDArray[np.int8]
    notes: dict[str, float] = field(default_factory=dict)
    by_cell: ByCell = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_cell", ByCell.of(self.shares))

    @property
    def tier(self) -> NDArray[np.int8]:
        """Tier of every source, as a position in TIERS."""
        return self.tier_of(np.arange(len(self.used)))

    def tier_of(self, sources: NDArray[np.integer[Any]]) -> NDArray[np.int8]:
        """Tier of some sources, as positions in TIERS."""
        if self.kind is Kind.POINT:
            return np.full(len(sources), TIERS.index(Tier.POINT), np.int8)
        if self.kind is Kind.LINE:
            return np.full(len(sources), TIERS.index(Tier.LINE), np.int8)
        uniform = np.array([name == "uniform" for name in self.chain] + [False])
        tiers = np.array([TIERS.index(Tier.SURROGATE), TIERS.index(Tier.UNIFORM)], np.int8)
        out: NDArray[np.int8] = tiers[uniform[self.served[sources]].astype(np.intp)]
        return out

    def serves(self, used: NDArray[np.bool_]) -> bool:
        """Whether these weights hold all sources that another use of them needs."""
        if self.notes or self.kind is Kind.POINT:
            return bool(np.array_equal(used, self.used))  # notes speak of those used; points are quickly made again
        return not bool((used & ~self.used).any())

    def only(self, used: NDArray[np.bool_]) -> PartWeights:
        """The same weights for some of the sources; these very ones when all are used."""
        if np.array_equal(used, self.used):
            return self
        count = np.diff(self.shares.indptr)
        mine = np.repeat(used, count)
        indptr = np.concatenate(([0], np.cumsum(np.where(used, count, 0)))).astype(self.shares.indptr.dtype)
        shares = csr_array((self.shares.data[mine], self.shares.indices[mine], indptr), shape=self.shares.shape)
        return replace(
            self, used=used, shares=shares, outside=np.where(used, self.outside, 0.0),
            superseded=np.where(used, self.superseded, 0.0), unallocatable=np.where(used, self.unallocatable, 0.0),
            served=np.where(used, self.served, NOT_SERVED).astype(np.int8),
        )  # fmt: skip

    @property
    def inside(self) -> NDArray[np.float64]:
        """Share of every source that lies in the grid's cells."""
        out = np.empty(self.shares.shape[0])
        row_sums(self.shares.indptr.astype(np.int64), self.shares.data, out)
        return out

    def reason(self, source: int) -> str:
        """Why a source could not be placed, or an empty text."""
        if not self.unallocatable[source]:
            return ""
        return f"no value of {', '.join(self.chain)} inside it, and the chain is closed by none"

    def check(self, tolerance: float) -> None:
        """Raise LedgerOpen unless every used source is accounted for."""
        total = self.inside + self.outside + self.superseded + self.unallocatable
        off = np.abs(total - 1.0)
        bad = np.flatnonzero(self.used & ~(off <= tolerance))
        if len(bad):
            worst = bad[np.argmax(off[bad])]
            raise LedgerOpen(
                f"part {self.part!r}: the shares of source {worst} add up to {total[worst]!r}, not 1 within {tolerance}; "
                f"{len(bad)} source(s) are off"
            )
