"""Blocks of 64 draws: between which densities each draw's threshold lies, and which cells can reach it.

No array of cells × draws is ever made. A sample of cells, perturbed in every draw, says between which two densities each threshold lies;
cells that stay below in all draws, even by the largest value of every part, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS
from gis.hotspots.cuts import Cuts
from gis.hotspots.emissions import Emissions
from gis.hotspots.entries import Entries, runs_of
from gis.hotspots.factors import CommonFactors, Term
from gis.hotspots.frames import Frame
from gis.hotspots.uncertainty import ErrorSizes
from gis.kernels.membership import BINS, BLOCK, Cells, Draws, histogram, perturb
from gis.kernels.uncertain import brackets, ratios, reaching

__all__ = ["FIRST_ERRORS", "LEAST", "Blocks", "Bracket"]

# Standard errors between a sample's guess of a threshold and the ends of its bracket, at first.
FIRST_ERRORS = 4.5
# Cells of the sample: at least this many, and one of 128. The larger it is, the closer the brackets, the fewer entries within them.
_SAMPLE = 16_384
_SAMPLED = 128
# Below every density that is not zero.
LEAST = 2.3e-308
_ALL = (1 << BLOCK) - 1
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bracket:
    """The two ends between which the thresholds of a block lie, (output, draw); ``scale`` turns mass into whole numbers."""

    low: Floats
    high: Floats
    whole: Floats
    scale: Floats


@dataclass(frozen=True, eq=False)
class Blocks:
    """Draws of an inventory's errors, in blocks."""

    emissions: Emissions
    factors: CommonFactors
    cuts: Cuts
    combine: Floats
    frame: Frame
    region: NDArray[np.int32]
    patch: NDArray[np.int32]
    draws: int
    table: Floats
    stream: NDArray[np.uint64]
    moving: int

    @classmethod
    def of(
        cls, emissions: Emissions, factors: CommonFactors, sizes: ErrorSizes, cuts: Cuts, combine: Floats, frame: Frame,
        region: NDArray[np.int32], patch: NDArray[np.int32], draws: int,
    ) -> Blocks:  # fmt: skip
        """Everything that stays the same from block to block; cells outside all regions get one of their own."""
        table, stream, moving = factors.tables(sizes)
        placed = np.where(region < 0, factors.regions - 1, region).astype(np.int32)
        return cls(emissions, factors, cuts, combine, frame, placed, patch, draws, table, stream, moving)

    @property
    def terms(self) -> Sequence[Term]:
        """Species in sectors."""
        return self.factors.terms

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.draws // BLOCK)

    @cached_property
    def _species_of(self) -> NDArray[np.int64]:
        return np.array([self.emissions.position(t.species) for t in self.terms], np.int64)

    @cached_property
    def _largest(self) -> Floats:
        """Largest cell part of each tier."""
        largest: Floats = self.table.max(axis=1)
        return largest

    @cached_property
    def emitting(self) -> NDArray[np.bool_]:
        """Cells with emissions of some species."""
        out = np.zeros(self.emissions.domain.size, bool)
        for amount in self.emissions.amount_t:
            np.logical_or(out, amount > 0.0, out=out)
        return out

    def active(self, number: int) -> int:
        """Draws of a block: 64, fewer in the last."""
        return min(BLOCK, self.draws - number * BLOCK)

    def entries(self) -> Entries:
        """Amounts of the cells that are perturbed: those of patches, the wanted ones that emit, and the sample of the others."""
        mask = self.emitting & (self.frame.wanted | self.frame.sampled) | (self.patch >= 0)
        return Entries.of(self.emissions, self.terms, mask, self.region, self.factors.regions, self.patch)

    def totals(self, factor: Floats, masses: Floats) -> Floats:
        """Emissions of each species in each draw of a block, (species, draw), from the parts that cells share."""
        out = np.zeros((len(self.emissions.species), BLOCK))
        np.add.at(out, self._species_of, np.einsum("rk,rkb->kb", masses, factor))
        return out

    @cached_property
    def stand(self) -> Floats:
        """How often the mass of a cell counts in each output, wanted or sampled: the latter for their share of all others."""
        out = np.ones((len(self.combine), 2))
        if self.cuts.by_mass:
            for o, weights in enumerate(self.combine):
                out[o, 1] = self.frame.stand_for(weights @ self.emissions.amount_t)
        return out

    @cached_property
    def weight_of_sampled(self) -> float:
        """How often the area, or the number, of a sampled cell counts."""
        return 1.0 if self.cuts.by_mass else self.frame.stand_for(np.where(self.emitting, self.cuts.weight, 0))

    def cells(self, position: NDArray[np.int64], value: Floats, *, alone: bool = False) -> Cells:
        """Cells for a kernel; ``alone``: none stands for others, none belongs to a patch."""
        sampled = self.frame.sampled[position]
        weight = self.cuts.weight[position]
        run = np.full(len(position), -1, np.int32)
        if not alone:
            weight = np.where(sampled, np.rint(weight * self.weight_of_sampled), weight).astype(np.int64)
            run, _ = runs_of(self.patch[position])
        return Cells(
            value=value, region=self.region[position], divisor=self.cuts.divisor[position], weight=weight,
            cell=self.emissions.domain.cells[position].astype(np.uint64), run=run, sampled=sampled.astype(np.uint8),
        )  # fmt: skip

    def drawn(self, number: int, factor: Floats, bracket: Bracket | None, active: int = _ALL) -> Draws:
        """What a kernel has to know of a block."""
        shape = (len(self.combine), BLOCK)
        none = np.zeros(shape)
        return Draws(
            number=number, seed=np.uint64(self.factors.seed), active=np.uint64(active), factor=factor,
            first=np.searchsorted(self._species_of, np.arange(len(self.emissions.species) + 1)),
            tier=np.array([TIERS.index(t.tier) for t in self.terms], np.uint8), table=self.table, stream=self.stream,
            moving=self.moving, combine=self.combine,
            bound=self._ratios(number, factor, bracket) if bracket else np.zeros((0, 0, 0)),
            largest=self._largest, low=bracket.low if bracket else none, high=bracket.high if bracket else none,
            scale=bracket.scale if bracket else np.zeros((0, 0)), stand=self.stand,
        )  # fmt: skip

    def _ratios(self, number: int, factor: Floats, bracket: Bracket) -> Floats:
        out = np.empty((len(self.combine), *factor.shape[:2]))
        ratios(factor, self.combine[:, self._species_of], bracket.low, self.active(number), out)
        return out

    def sampled(self, entries: Entries, errors: float) -> list[tuple[Bracket, Floats]]:
        """Brackets from an even sample of the emitting cells, block by block, with the bounds that belong to them."""
        emitting, at = int(np.count_nonzero(self.emitting)), self._even(entries.position)
        taken, size = entries.position[at], len(at)
        cells = self.cells(taken, entries.value[at], alone=True)
        weight, whole = self.cuts.weight[taken], float(self.cuts.weight.sum())
        share = min(1.0, self.cuts.q * whole / float(self.cuts.weight[self.emitting].sum()))
        # Without replacement: a sample of all cells knows the threshold, up to the cell next to it.
        unknown = 1.0 - size / emitting
        error = np.sqrt(max(share * (1.0 - share), 1.0 / size) * unknown / size)
        spread = max(errors * error, 1e-9) if np.isfinite(errors) else 1.0
        out = []
        for number in range(self.count):
            factor = self.factors.block(number)
            sample = np.empty((len(self.combine), BLOCK, len(taken)))
            perturb(cells, self.drawn(number, factor, None), sample)
            low, high = np.empty((2, len(self.combine) * BLOCK))
            brackets(sample.reshape(-1, len(taken)), weight, share, spread, LEAST, low, high)
            bracket = self._bracket(number, low, high, np.full(low.shape, whole), np.zeros((0, 0)))
            out.append((bracket, self._ratios(number, factor, bracket)))
        return out

    def _even(self, position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Entries of which brackets are made: of wanted cells and of others the same share, so that each counts alike."""
        emits, sampled = self.emitting[position], self.frame.sampled[position]
        emitting, others = int(np.count_nonzero(self.emitting)), int(np.count_nonzero(self.frame.others))
        size = min(emitting, max(_SAMPLE, emitting // _SAMPLED))
        taken = []
        for mask, whole in ((emits & ~sampled, emitting - others), (sampled, others)):
            rows = np.flatnonzero(mask)
            rows = rows[np.argsort(position[rows])]
            count = min(len(rows), -(-size * whole // emitting))
            taken.append(rows[np.arange(count) * len(rows) // max(count, 1)])
        return np.concatenate(taken)

    def _bracket(self, number: int, low: Floats, high: Floats, whole: Floats, scale: Floats) -> Bracket:
        """A bracket that no cell reaches in draws beyond the last."""
        shape = (len(self.combine), BLOCK)
        low, high, whole = (v.reshape(shape) for v in (low, high, whole))
        low[:, self.active(number) :] = np.inf
        return Bracket(low, high, whole, scale)

    @cached_property
    def _densest(self) -> Floats:
        """The greatest density of a cell by output."""
        return np.array([(weights @ self.emissions.amount_t / self.cuts.divisor).max() for weights in self.combine])

    def binned(self, number: int, factor: Floats, masses: Floats, cells: Cells, errors: float, threads: int) -> Bracket:
        """Brackets from the mass by density of all cells: where mass is shared out, the whole is known only after all are perturbed."""
        outputs = len(self.combine)
        weights = self.combine[:, self._species_of]
        expected = np.einsum("ok,rk,rkb->ob", weights, masses, factor)
        # The draw's own mass is near 2^52, so that no cell part can carry the sum beyond 2^63.
        scale = np.divide(2.0**52, expected, out=np.zeros_like(expected), where=expected > 0)
        draws = self.drawn(number, factor, None)._replace(scale=scale)
        # Six octaves of room above the densest cell as it stands, 58 below; what is beyond has open ends.
        base = np.maximum((self._densest.view(np.int64) >> 48) + 96 - BINS, 0)
        found = np.zeros((threads, outputs, BLOCK, BINS), np.int64)
        histogram(cells, draws, threads, np.zeros(1, np.int64), base, found)
        mass = found.sum(axis=0)[:, :, ::-1].cumsum(axis=2)
        whole = mass[:, :, -1].astype(np.float64)
        goal = self.cuts.q * whole - 1e-12 * whole
        at = BINS - 1 - np.minimum((mass < goal[:, :, None]).sum(axis=2), BINS - 1)
        wider = int(min(errors, float(BINS)) / FIRST_ERRORS) - 1 if np.isfinite(errors) else BINS
        first, last = np.maximum(at - wider, 0), np.minimum(at + wider, BINS - 1)
        edges = (np.arange(BINS + 1)[None, :] + base[:, None] << 48).view(np.float64)
        low = np.where(first == 0, LEAST, np.take_along_axis(edges, first, axis=1) * (1.0 - 1e-9))
        high = np.where(last == BINS - 1, np.inf, np.take_along_axis(edges, last + 1, axis=1) * (1.0 + 1e-9))
        return self._bracket(number, low, high, whole, scale)

    def reaching(self, entries: Entries, found: Sequence[tuple[Bracket, Floats]]) -> Entries:
        """Entries of patches and those that can reach the lower end of a bracket in some draw, in the place of all."""
        position = entries.position
        out = self.patch[position] >= 0
        tier = np.array([TIERS.index(term.tier) for term in self.terms])
        # Without a lower end the bound is infinite, and excludes nothing.
        with np.errstate(over="ignore"):
            most = np.maximum.reduce([bound for _, bound in found]) * self._largest[tier]
        reaching(entries.value, self.region[position], self.cuts.divisor[position], most, out)
        return entries.only(out)
