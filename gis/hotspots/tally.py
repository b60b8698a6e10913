"""Tally: what the draws make of the cells, block by block: how often hot, how often as their class says, how much in a patch.

Every cell is compared with the two ends of its bracket; what falls between them is stored to find the threshold exactly. A bracket that
turns out not to hold its threshold is seen from the weight above it, and everything is done again with wider ones: the sample
that brackets come from decides about time, never about a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.blocks import LEAST, Blocks, Bracket
from gis.hotspots.entries import Entries, runs_of
from gis.kernels.membership import BLOCK, Draws, Pending, sweep
from gis.kernels.uncertain import add_runs, count_draws, group, mark, meets_rule, thresholds

__all__ = ["Rule", "Sums", "nothing", "tally"]

# Entries held at a time while thresholds are looked for: about 30 bytes each.
_PENDING = 24_000_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Nominal class of each cell, and which sets of bits meet the rule of which class."""

    klass: NDArray[np.uint8]
    table: NDArray[np.uint8]

    def never_hot(self) -> NDArray[np.float32]:
        """Share of draws in which cells that are hot for nothing meet the rule of their class: 0 or 1."""
        met: NDArray[np.float32] = ((self.table[0] >> self.klass & 1) * (self.klass > 0)).astype(np.float32)
        return met


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What is summed over the draws."""

    hot: NDArray[np.float32]
    rule: NDArray[np.float32]
    patch_t: NDArray[np.float32]
    totals_t: Floats
    share_error: tuple[float, ...]


def tally(blocks: Blocks, rule: Rule, patches: int, *, errors: float, threads: int) -> Sums | None:
    """Sums over all draws, or None if a bracket did not hold its threshold."""
    entries = blocks.entries()
    found = [] if blocks.cuts.by_mass else blocks.sampled(entries, errors)
    if found:
        entries = blocks.reaching(entries, found)
    out = _Tally(blocks, rule, entries, patches)
    for number in range(blocks.count):
        factor = blocks.factors.block(number)
        bracket = (
            found[number][0] if found else blocks.binned(number, factor, entries.masses, out.cells, errors, threads)
        )
        if not out.add(number, factor, bracket, threads):
            return None
    return out.sums()


def nothing(blocks: Blocks, rule: Rule, patches: int) -> Sums:
    """Sums of a domain without emissions: no cell is ever hot."""
    size, species = blocks.emissions.domain.size, len(blocks.emissions.species)
    hot = np.zeros((len(blocks.combine), size), np.float32)
    return Sums(
        hot, rule.never_hot() * blocks.frame.wanted, np.zeros((patches, species, blocks.draws), np.float32),
        np.zeros((species, blocks.draws)), (0.0,) * len(hot),
    )  # fmt: skip


class _Tally:
    """Goes through blocks and adds up what they say."""

    def __init__(self, blocks: Blocks, rule: Rule, entries: Entries, patches: int) -> None:
        size, species = len(entries.position), len(blocks.emissions.species)
        self.blocks, self.rule, self.position, self.masses = blocks, rule, entries.position, entries.masses
        self.cells = blocks.cells(entries.position, entries.value)
        self.run_patch = runs_of(blocks.patch[entries.position])[1]
        self.klass = rule.klass[entries.position]
        self.hot = np.zeros((len(blocks.combine), size), np.int32)
        self.met = np.zeros(size, np.int32)
        self.patch_t = np.zeros((patches, species, blocks.draws), np.float32)
        self.totals_t = np.zeros((species, blocks.draws))
        self.run_t = np.zeros((len(self.run_patch), species, BLOCK))
        self.pending: Pending | None = None

    def add(self, number: int, factor: Floats, bracket: Bracket, threads: int) -> bool:
        """Whether every bracket held its threshold; if so the block is counted."""
        active = self.blocks.active(number)
        mask = (1 << active) - 1
        hot = np.zeros(self.hot.shape, np.uint64)
        if not self._settle(self.blocks.drawn(number, factor, bracket, mask), bracket, mask, threads, hot):
            return False
        count_draws(hot, self.hot)
        meets_rule(hot, self.klass, self.rule.table, np.uint64(mask), self.met)
        to = slice(number * BLOCK, number * BLOCK + active)
        self.totals_t[:, to] = self.blocks.totals(factor, self.masses)[:, :active]
        if len(self.run_t):
            first = np.flatnonzero(np.diff(self.run_patch, prepend=-1))
            ends = np.append(first, len(self.run_patch))
            add_runs(self.run_t, ends, self.run_patch[first], to.start, active, self.patch_t)
        return True

    def _settle(self, draws: Draws, bracket: Bracket, mask: int, threads: int, hot: NDArray[np.uint64]) -> bool:
        """Masks of the wanted draws; halves of them one after the other, if too much lies within their brackets."""
        pending = self._room(threads, single=mask.bit_count() == 1)
        above = np.zeros((threads, *bracket.low.shape), np.int64)
        sweep(
            self.cells, draws._replace(active=np.uint64(mask)), threads, np.zeros(1, np.int64), pending, above, self.run_t, hot,
        )  # fmt: skip
        if (pending.filled <= pending.value.shape[1]).all():
            return self._cut(pending, above.sum(axis=0), bracket, mask, hot)
        wanted = [b for b in range(BLOCK) if mask >> b & 1]
        halves = (wanted[: len(wanted) // 2], wanted[len(wanted) // 2 :])
        return all(self._settle(draws, bracket, sum(1 << b for b in half), threads, hot) for half in halves)

    def _room(self, threads: int, *, single: bool) -> Pending:
        """Room for entries: a row a thread, all of them together if there is but one draw left."""
        most = len(self.position) * len(self.hot) * (1 if single else BLOCK)
        width = most if single else min(most, _PENDING // threads)
        if self.pending is None or self.pending.value.shape[1] < width:
            self.pending = Pending(
                np.empty((threads, width)), np.empty((threads, width), np.int32), np.empty((threads, width), np.uint16),
                np.zeros(threads, np.int64),
            )  # fmt: skip
        self.pending.filled[:] = 0
        return self.pending

    def _cut(
        self, pending: Pending, above: NDArray[np.int64], bracket: Bracket, mask: int, hot: NDArray[np.uint64]
    ) -> bool:
        """Marks what is hot among the stored entries, if the thresholds are among them."""
        keys = above.size
        counts = np.array(
            [np.bincount(k[:n], minlength=keys) for k, n in zip(pending.key, pending.filled, strict=True)]
        )
        begin = np.append(0, counts.sum(axis=0).cumsum())
        start = begin[:-1] + np.cumsum(counts, axis=0) - counts
        values, weights = np.empty(begin[-1]), np.empty(begin[-1], np.int64)
        cells, cuts, scale = self.cells, self.blocks.cuts, bracket.scale.ravel()
        group(
            pending.value, pending.at, pending.key, pending.filled, start, cells.weight, cells.divisor, scale, self.blocks.stand,
            cells.sampled, values, weights,
        )  # fmt: skip
        out = np.empty(keys)
        thresholds(
            begin,
            values,
            weights,
            above.ravel(),
            bracket.whole.ravel(),
            cuts.q,
            cuts.overshoot,
            LEAST,
            bracket.low.ravel(),
            out,
        )
        wanted = np.array([mask >> b & 1 for b in range(BLOCK)], bool)
        if np.isnan(out.reshape(above.shape)[:, wanted]).any():
            return False
        mark(pending.value, pending.at, pending.key, pending.filled, out, hot)
        return True

    def sums(self) -> Sums:
        """Shares of the draws, for every cell of the domain; 0 where nothing is wanted."""
        size, draws, wanted = self.blocks.emissions.domain.size, self.blocks.draws, self.blocks.frame.wanted
        said = wanted[self.position]
        position = self.position[said]
        hot = np.zeros((len(self.hot), size), np.float32)
        hot[:, position] = self.hot[:, said] / np.float32(draws)
        met = self.rule.never_hot() * wanted
        met[position] = self.met[said] / np.float32(draws)
        return Sums(hot, met, self.patch_t, self.totals_t, self._share_error())

    def _share_error(self) -> tuple[float, ...]:
        """Standard error of what is hot at each output's threshold, as a share of the domain: Horvitz and Thompson (1952).

        Cells are in the sample independently of each other, so that the variance of a sum over all is Σ (1 − f) w² e² over the sample,
        w being what a cell stands for and e whether it is hot; in mode mass less q, as the whole is estimated as well. The mean
        variance of the draws.
        """
        blocks, sampled = self.blocks, self.cells.sampled == 1
        if not sampled.any():
            return (0.0,) * len(self.hot)
        out = []
        for o, counts in enumerate(self.hot):
            share = counts[sampled] / blocks.draws
            if blocks.cuts.by_mass:
                whole = blocks.combine[o] @ blocks.emissions.amount_t
                weight = whole[self.position[sampled]] * blocks.stand[o, 1]
                q, total = blocks.cuts.q, float(whole.sum())
                square = share * (1.0 - q) ** 2 + (1.0 - share) * q * q
            else:
                weight, total, square = self.cells.weight[sampled], float(blocks.cuts.weight.sum()), share
            error = np.sqrt((1.0 - 1.0 / blocks.frame.step) * (square * np.square(weight.astype(np.float64))).sum())
            out.append(float(error / total) if total > 0.0 else 0.0)
        return tuple(out)
