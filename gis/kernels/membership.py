"""Membership: cells perturbed in blocks of 64 draws, cut against a bracket of each draw's threshold, kept as bit masks.

A *term* is a species in a sector. A cell's amount of a species in a draw is Σ value · factor(region, term, draw) · chance(tier, cell,
draw). Per block only entries between the two ends of a bracket are stored; all else is certain when it is compared.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.philox import philox
from gis.kernels.queue import take

__all__ = ["BINS", "BLOCK", "TASK", "Cells", "Draws", "Pending", "histogram", "perturb", "sweep"]

BLOCK = 64
BINS = 1024
TASK = 1024
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_INDEX = np.uint64(0xFFF)
_FOUR = np.uint64(4)
_TWENTY = np.uint64(20)
# A bound rounds in another order than what it bounds.
_SURE = 1.0 - 1e-9


class Cells(NamedTuple):
    """Cells to be perturbed; ``value`` is (cell, term)."""

    value: NDArray[np.float64]
    region: NDArray[np.int32]
    divisor: NDArray[np.float64]
    weight: NDArray[np.int64]
    cell: NDArray[np.uint64]
    run: NDArray[np.int32]  # which sum over a patch the cell adds to, -1 for none
    sampled: NDArray[np.uint8]  # 1: stands for others as well


class Draws(NamedTuple):
    """A block of draws: what is common to cells, and where the threshold of each output and draw is known to lie."""

    number: int
    seed: np.uint64
    active: np.uint64  # bit b: draw b of the block is wanted
    factor: NDArray[np.float64]  # region, term, draw
    first: NDArray[np.int64]  # term of each species; its terms go up to the next one's first
    tier: NDArray[np.uint8]  # of each term
    table: NDArray[np.float64]  # tier, 4096 equally likely values
    stream: NDArray[np.uint64]  # of each tier
    moving: int  # bit t: the cell part of tier t is not 1
    combine: NDArray[np.float64]  # output, species
    bound: NDArray[np.float64]  # output, region, term: greatest factor over the thresholds
    largest: NDArray[np.float64]  # cell part of each tier
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: NDArray[np.float64]  # output, draw: mass to whole numbers; empty when cells or area are counted
    stand: NDArray[np.float64]  # output, sampled or not: how often a mass counts


class Pending(NamedTuple):
    """Entries within the bracket, a row a thread; ``filled`` goes on counting when a row is full."""

    value: NDArray[np.float64]
    at: NDArray[np.int32]
    key: NDArray[np.uint16]
    filled: NDArray[np.int64]


# Arrays are handed on whole, with an index: numba counts a reference for every slice.
@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_chances(cell: np.uint64, draws: Draws, tier: int, out: NDArray[np.float64]) -> None:
    """The cell part of a tier in each draw of the block: eight draws a counter, 16 bits each, of which 12 are used."""
    k0 = draws.seed & _LOW
    k1 = draws.seed >> _HALF
    table = draws.table
    stream = draws.stream[tier]
    for j in range(8):
        counter = np.uint64(draws.number * 8 + j)
        w0, w1, w2, w3 = philox(counter, cell & _LOW, cell >> _HALF, stream, k0, k1)
        out[tier, 8 * j] = table[tier, (w0 >> _FOUR) & _INDEX]
        out[tier, 8 * j + 1] = table[tier, w0 >> _TWENTY]
        out[tier, 8 * j + 2] = table[tier, (w1 >> _FOUR) & _INDEX]
        out[tier, 8 * j + 3] = table[tier, w1 >> _TWENTY]
        out[tier, 8 * j + 4] = table[tier, (w2 >> _FOUR) & _INDEX]
        out[tier, 8 * j + 5] = table[tier, w2 >> _TWENTY]
        out[tier, 8 * j + 6] = table[tier, (w3 >> _FOUR) & _INDEX]
        out[tier, 8 * j + 7] = table[tier, w3 >> _TWENTY]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _perturbed(
    p: int, cells: Cells, draws: Draws, wanted: int, missing: int, chance: NDArray[np.float64], part: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:  # fmt: skip
    """Amounts of the wanted species of a cell in each draw of the block; cell parts are drawn for the missing tiers that it has.

    ``part`` is room for the sums by tier: what cells share is added up first, so that the cell part is multiplied by once.
    """
    values, factor, tiers, first = cells.value, draws.factor, draws.tier, draws.first
    region = cells.region[p]
    for s in range(out.shape[0]):
        if (wanted >> s) & 1 == 0:
            continue
        used = 0
        for k in range(first[s], first[s + 1]):
            t = tiers[k]
            value = values[p, k]
            if value == 0.0:
                continue
            if (used >> t) & 1:
                for b in range(BLOCK):
                    part[t, b] += value * factor[region, k, b]
            else:
                used |= 1 << t
                for b in range(BLOCK):
                    part[t, b] = value * factor[region, k, b]
        for b in range(BLOCK):
            out[s, b] = 0.0
        for t in range(part.shape[0]):
            if (used >> t) & 1:
                if (missing >> t) & 1:
                    _fill_chances(cells.cell[p], draws, t, chance)
                    missing ^= 1 << t
                for b in range(BLOCK):
                    out[s, b] += part[t, b] * chance[t, b]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _near(limit: float, by_tier: NDArray[np.float64], chance: NDArray[np.float64], row: NDArray[np.float64]) -> bool:
    """Whether the bounds by tier reach the limit with the cell parts of some draw."""
    for b in range(BLOCK):
        row[b] = 0.0
    for t in range(by_tier.shape[0]):
        if by_tier[t] > 0.0:
            for b in range(BLOCK):
                row[b] += by_tier[t] * chance[t, b]
    draws = 0
    for b in range(BLOCK):
        draws += 0 if row[b] < limit else 1
    return draws > 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _wanted(
    p: int, cells: Cells, draws: Draws, chance: NDArray[np.float64], by_tier: NDArray[np.float64], row: NDArray[np.float64]
) -> tuple[int, int, int]:  # fmt: skip
    """Bits of the outputs that can reach their bracket in the block, of the species these need, and of tiers yet without a cell part.

    First by the largest cell parts there are, for nothing has to be drawn for that; then by those of the draws.
    """
    values, tiers, first = cells.value, draws.tier, draws.first
    combine, bound, largest = draws.combine, draws.bound, draws.largest
    outputs, needed, missing = 0, 0, draws.moving
    region = cells.region[p]
    limit = _SURE * cells.divisor[p]
    species = combine.shape[1]
    for o in range(combine.shape[0]):
        uses = 0
        by_tier[:] = 0.0
        for s in range(species):
            if combine[o, s] == 0.0:
                continue
            uses |= 1 << s
            for k in range(first[s], first[s + 1]):
                # Zero times an open bound is not a number.
                if values[p, k] != 0.0:
                    by_tier[tiers[k]] += values[p, k] * bound[o, region, k]
        greatest = 0.0
        for t in range(by_tier.shape[0]):
            greatest += by_tier[t] * largest[t]
        if greatest < limit:
            continue
        for t in range(by_tier.shape[0]):
            if by_tier[t] > 0.0 and (missing >> t) & 1:
                _fill_chances(cells.cell[p], draws, t, chance)
                missing ^= 1 << t
        if _near(limit, by_tier, chance, row):
            outputs |= 1 << o
            needed |= uses
    return outputs, needed, missing


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _ranked(
    p: int,
    o: int,
    cells: Cells,
    draws: Draws,
    amount: NDArray[np.float64],
    mass: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Mass of an output in each draw, and what the cell is ranked by: the mass over its divisor."""
    combine = draws.combine
    for b in range(BLOCK):
        mass[b] = 0.0
    for s in range(amount.shape[0]):
        weight = combine[o, s]
        if weight != 0.0:
            for b in range(BLOCK):
                mass[b] += weight * amount[s, b]
    divisor = cells.divisor[p]
    for b in range(BLOCK):
        out[b] = mass[b] / divisor


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _at_least(o: int, end: NDArray[np.float64], ranked: NDArray[np.float64]) -> np.uint64:
    """Mask of the draws in which a cell reaches an end of its bracket."""
    mask = np.uint64(0)
    for b in range(BLOCK):
        mask |= np.uint64(ranked[b] >= end[o, b]) << np.uint64(b)
    return mask


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cut(
    p: int, o: int, cells: Cells, draws: Draws, mass: NDArray[np.float64], ranked: NDArray[np.float64], pending: Pending,
    slot: int, above: NDArray[np.int64],
) -> np.uint64:  # fmt: skip
    """Mask of the draws in which the cell is above the bracket; entries within it are stored."""
    reached = _at_least(o, draws.low, ranked) & draws.active
    if reached == np.uint64(0):
        return reached
    # Without a branch for every draw: near the threshold one cannot be foretold.
    mask = _at_least(o, draws.high, ranked) & reached
    if draws.scale.size:
        stand = draws.stand[o, cells.sampled[p]]
        for b in range(BLOCK):
            if (mask >> np.uint64(b)) & _ONE:
                above[slot, o, b] += np.int64(mass[b] * draws.scale[o, b] * stand)
    elif mask:
        weight = cells.weight[p]
        for b in range(BLOCK):
            above[slot, o, b] += weight * np.int64((mask >> np.uint64(b)) & _ONE)
    within = reached & ~mask
    if within:
        filled = pending.filled[slot]
        for b in range(BLOCK):
            if (within >> np.uint64(b)) & _ONE:
                if filled < pending.value.shape[1]:
                    pending.value[slot, filled] = ranked[b]
                    pending.at[slot, filled] = p
                    pending.key[slot, filled] = o * BLOCK + b
                filled += 1
        pending.filled[slot] = filled
    return mask


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_to_run(p: int, cells: Cells, first: int, amount: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    run = cells.run[p]
    if p == first or cells.run[p - 1] != run:
        out[run] = 0.0
    for s in range(amount.shape[0]):
        for b in range(BLOCK):
            out[run, s, b] += amount[s, b]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def sweep(
    cells: Cells, draws: Draws, threads: int, queue: NDArray[np.int64], pending: Pending, above: NDArray[np.int64],
    run_t: NDArray[np.float64], hot: NDArray[np.uint64],
) -> None:  # fmt: skip
    """Every cell against the brackets: ``hot`` (output, cell) where it is above, ``above`` (thread, output, draw) the weight there.

    ``run_t`` (run, species, draw) sums whatever runs of cells belong to one patch. ``pending.filled`` tells of a row that was too short.
    """
    for slot in numba.prange(threads):
        task = take(queue)
        while task * TASK < cells.region.shape[0]:
            _sweep_task(task, slot, cells, draws, pending, above, run_t, hot)
            task = take(queue)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sweep_task(
    task: int, slot: int, cells: Cells, draws: Draws, pending: Pending, above: NDArray[np.int64], run_t: NDArray[np.float64],
    hot: NDArray[np.uint64],
) -> None:  # fmt: skip
    outputs, species = draws.combine.shape
    chance = np.ones((draws.table.shape[0], BLOCK))
    part = np.empty(chance.shape)
    amount = np.empty((species, BLOCK))
    mass = np.empty(BLOCK)
    ranked = np.empty(BLOCK)
    by_tier = np.empty(draws.table.shape[0])
    first = task * TASK
    for p in range(first, min(cells.region.shape[0], first + TASK)):
        reached, needed, missing = _wanted(p, cells, draws, chance, by_tier, mass)
        if cells.run[p] >= 0:
            needed = (1 << species) - 1
        if needed:
            _perturbed(p, cells, draws, needed, missing, chance, part, amount)
        if cells.run[p] >= 0:
            _add_to_run(p, cells, first, amount, run_t)
        for o in range(outputs):
            mask = np.uint64(0)
            if (reached >> o) & 1:
                _ranked(p, o, cells, draws, amount, mass, ranked)
                mask = _cut(p, o, cells, draws, mass, ranked, pending, slot, above)
            hot[o, p] = (hot[o, p] & ~draws.active) | mask


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def perturb(cells: Cells, draws: Draws, out: NDArray[np.float64]) -> None:
    """Density (or amount) of every cell in each draw of the block, (output, draw, cell)."""
    outputs, species = draws.combine.shape
    size = cells.region.shape[0]
    for task in numba.prange(-(-size // TASK)):
        chance = np.ones((draws.table.shape[0], BLOCK))
        part = np.empty(chance.shape)
        amount = np.empty((species, BLOCK))
        mass = np.empty(BLOCK)
        ranked = np.empty(BLOCK)
        for p in range(task * TASK, min(size, (task + 1) * TASK)):
            _perturbed(p, cells, draws, (1 << species) - 1, draws.moving, chance, part, amount)
            for o in range(outputs):
                _ranked(p, o, cells, draws, amount, mass, ranked)
                for b in range(BLOCK):
                    out[o, b, p] = ranked[b]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def histogram(
    cells: Cells, draws: Draws, threads: int, queue: NDArray[np.int64], base: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Mass by density, ``out`` (thread, output, draw, bin): sixteen bins an octave from ``base`` on, the ends hold what is beyond."""
    for slot in numba.prange(threads):
        task = take(queue)
        while task * TASK < cells.region.shape[0]:
            _histogram_task(task, slot, cells, draws, base, out)
            task = take(queue)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _histogram_task(
    task: int, slot: int, cells: Cells, draws: Draws, base: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    outputs, species = draws.combine.shape
    scale = draws.scale
    chance = np.ones((draws.table.shape[0], BLOCK))
    part = np.empty(chance.shape)
    amount = np.empty((species, BLOCK))
    mass = np.empty(BLOCK)
    ranked = np.empty(BLOCK)
    # The upper 16 bits of a positive float64 are its exponent and four digits: a logarithm that costs nothing.
    bits = ranked.view(np.int64)
    for p in range(task * TASK, min(cells.region.shape[0], (task + 1) * TASK)):
        _perturbed(p, cells, draws, (1 << species) - 1, draws.moving, chance, part, amount)
        for o in range(outputs):
            _ranked(p, o, cells, draws, amount, mass, ranked)
            stand = draws.stand[o, cells.sampled[p]]
            for b in range(BLOCK):
                bin = min(max((bits[b] >> 48) - base[o], 0), BINS - 1)
                out[slot, o, b, bin] += np.int64(mass[b] * scale[o, b] * stand)
