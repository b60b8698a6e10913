"""Around the sweep of membership: factors common to cells, bounds, tables of entries, thresholds and what follows from masks."""

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.philox import philox

__all__ = [
    "add_runs", "brackets", "common_factors", "compact", "count_draws", "group", "mark", "meets_rule", "pick", "ratios", "reaching",
    "region_masses", "thresholds",
]  # fmt: skip

_BLOCK = 64
_TASK = 1024
# Values that differ by less are equal: they were summed in another order.
_EQUAL = 1e-12


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def common_factors(
    base: NDArray[np.float64], normal: NDArray[np.float64], sector: NDArray[np.int64], sigma: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:  # fmt: skip
    """exp(base + σz − σ²/2), (region, term, draw): ``base`` is (term, draw), ``normal`` the regions' totals (sector, region, draw)."""
    for r in numba.prange(out.shape[0]):
        for k in range(out.shape[1]):
            for b in range(out.shape[2]):
                z = normal[sector[k], r, b]
                out[r, k, b] = np.exp(base[k, b] + sigma[k] * z - 0.5 * sigma[k] * sigma[k])


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def ratios(
    factor: NDArray[np.float64], weight: NDArray[np.float64], low: NDArray[np.float64],
    draws: int, out: NDArray[np.float64],
) -> None:  # fmt: skip
    """The greatest a tonne can be in units of the threshold's lower end, but for the cell part, (output, region, term).

    ``weight`` (output, term) is what the output counts a term as.
    """
    for r in numba.prange(factor.shape[0]):
        for o in range(low.shape[0]):
            for k in range(factor.shape[1]):
                most = 0.0
                if weight[o, k] != 0.0:
                    for b in range(draws):
                        most = max(most, factor[r, k, b] / low[o, b])
                out[o, r, k] = most * weight[o, k]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def reaching(
    value: NDArray[np.float64], region: NDArray[np.int32], divisor: NDArray[np.float64], most: NDArray[np.float64],
    out: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Marks cells whose upper bound reaches 1, the lower end of a bracket; ``most`` (output, region, term) is that of a tonne."""
    for p in numba.prange(value.shape[0]):
        for o in range(most.shape[0]):
            bound = 0.0
            for k in range(value.shape[1]):
                if value[p, k] != 0.0 and most[o, region[p], k] != 0.0:
                    bound += value[p, k] * most[o, region[p], k]
            # Not "above": a bound that is not a number excludes nothing.
            if not bound / divisor[p] < 1.0 - 1e-9:
                out[p] = True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def region_masses(
    value: NDArray[np.float64], at: NDArray[np.int32], dense: bool, region: NDArray[np.int32], out: NDArray[np.float64]
) -> None:
    """Mass of a layer by region, added in the order of cells."""
    for e in range(value.shape[0]):
        out[region[e if dense else at[e]]] += value[e]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def add_runs(
    run_t: NDArray[np.float64],
    first: NDArray[np.int64],
    patch: NDArray[np.int32],
    start: int,
    draws: int,
    out: NDArray[np.float32],
) -> None:
    """Sums of the runs of each patch, put at ``start`` of its draws; ``first`` has the runs' end behind it."""
    for j in numba.prange(patch.shape[0]):
        for s in range(run_t.shape[1]):
            for b in range(draws):
                total = 0.0
                for r in range(first[j], first[j + 1]):
                    total += run_t[r, s, b]
                out[patch[j], s, start + b] = total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def compact(mask: NDArray[np.bool_], out: NDArray[np.float64]) -> None:
    """Rows of a table that are marked, moved to its front."""
    to = 0
    for p in range(mask.shape[0]):
        if mask[p]:
            if to != p:
                for k in range(out.shape[1]):
                    out[to, k] = out[p, k]
            to += 1


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def pick(
    seed: np.uint64,
    stream: np.uint64,
    cell: NDArray[np.int64],
    among: NDArray[np.bool_],
    step: int,
    out: NDArray[np.bool_],
) -> None:
    """One of ``step`` cells, a power of two: those whose word of the stream has zeros for its last digits."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    last = np.uint64(step - 1)
    for i in numba.prange(cell.shape[0]):
        if among[i]:
            c = np.uint64(cell[i])
            word, _, _, _ = philox(np.uint64(0), c & low, c >> half, stream, seed & low, seed >> half)
            out[i] = word & last == np.uint64(0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _reaching(value: NDArray[np.float64], weight: NDArray[np.int64], held: np.int64, goal: float) -> float:
    """The value at which the weights of the greatest reach the goal, ``held`` counted before; NaN if all do not. Reorders both arrays."""
    first, end = 0, len(value)
    while first < end:
        a, b, c = value[first], value[(first + end) // 2], value[end - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        # Greater ones to the front, smaller ones to the back (Dijkstra's flag).
        front, here, back = first, first, end
        greater = np.int64(0)
        equal = np.int64(0)
        while here < back:
            v, w = value[here], weight[here]
            if v > pivot:
                greater += w
                value[here], weight[here] = value[front], weight[front]
                value[front], weight[front] = v, w
                front += 1
                here += 1
            elif v < pivot:
                back -= 1
                value[here], weight[here] = value[back], weight[back]
                value[back], weight[back] = v, w
            else:
                equal += w
                here += 1
        if held + greater >= goal:
            end = front
        elif held + greater + equal >= goal:
            return float(pivot)
        else:
            held += greater + equal
            first = back
    return np.nan


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def brackets(
    sample: NDArray[np.float64], weight: NDArray[np.int64], share: float, spread: float, least: float, low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:  # fmt: skip
    """Between which densities the densest ``share`` of the sample's weight ends, give or take ``spread``, key by key.

    ``sample`` is (key, cell). The ends are moved apart by 1e-9 of themselves, so that equals are never on both sides of one.
    """
    total = weight.sum()
    for key in numba.prange(sample.shape[0]):
        high[key] = np.inf
        if share > spread:
            high[key] = _reaching(sample[key].copy(), weight.copy(), np.int64(0), (share - spread) * total) * (
                1.0 + 1e-9
            )
        end = np.nan
        if share + spread < 1.0:
            end = _reaching(sample[key].copy(), weight.copy(), np.int64(0), (share + spread) * total) * (1.0 - 1e-9)
        low[key] = end if end > least else least


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def group(
    value: NDArray[np.float64], at: NDArray[np.int32], key: NDArray[np.uint16], filled: NDArray[np.int64],
    start: NDArray[np.int64], weight: NDArray[np.int64], divisor: NDArray[np.float64], scale: NDArray[np.float64],
    stand: NDArray[np.float64], sampled: NDArray[np.uint8], values: NDArray[np.float64], weights: NDArray[np.int64],
) -> None:  # fmt: skip
    """Stored entries and their weights by key: each thread's row goes to its own places, ``start`` (row, key) being where they begin.

    ``stand`` (output, sampled or not) is how often a mass counts.
    """
    for row in numba.prange(value.shape[0]):
        for j in range(filled[row]):
            k = np.int64(key[row, j])
            to = start[row, k]
            values[to] = value[row, j]
            i = at[row, j]
            if scale.size:
                weights[to] = np.int64(value[row, j] * divisor[i] * scale[k] * stand[k // _BLOCK, sampled[i]])
            else:
                weights[to] = weight[i]
            start[row, k] += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _threshold(
    value: NDArray[np.float64], weight: NDArray[np.int64], held: np.int64, whole: float, q: float, overshoot: float
) -> float:
    """The least value that is hot; NaN if the share is not reached."""
    goal = q * whole - _EQUAL * whole
    at = _reaching(value, weight, held, goal)
    if np.isnan(at):
        return at
    members = 0
    least, greatest = at, at
    for j in range(len(value)):
        if value[j] >= at * (1.0 - _EQUAL):
            held += weight[j]
            if value[j] <= at * (1.0 + _EQUAL):
                members += 1
                least = min(least, value[j])
                greatest = max(greatest, value[j])
    # A group of equals is in or out whole; one cell that crosses the share is in.
    if members > 1 and held > (q + overshoot + _EQUAL) * whole:
        return float(np.nextafter(greatest, np.inf))
    return least


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def thresholds(
    begin: NDArray[np.int64], value: NDArray[np.float64], weight: NDArray[np.int64], above: NDArray[np.int64],
    whole: NDArray[np.float64], q: float, overshoot: float, least: float, low: NDArray[np.float64], out: NDArray[np.float64],
) -> None:  # fmt: skip
    """The least density that is hot, by key; NaN where the bracket turns out not to hold it.

    ``whole`` is the domain's weight, ``above`` what lies above the bracket: the smallest set of densest cells that reaches the share q;
    a group of equals across the cut is in if the share is passed by no more than ``overshoot``. Reorders values and weights.
    """
    for k in numba.prange(len(out)):
        if whole[k] <= 0.0:
            out[k] = np.inf
        elif above[k] >= (q - _EQUAL) * whole[k]:
            out[k] = np.nan
        else:
            part = slice(begin[k], begin[k + 1])
            out[k] = _threshold(value[part], weight[part], above[k], whole[k], q, overshoot)
            # Fewer cells emit than q asks for: every emitting cell is hot, if the bracket reaches down to them.
            if np.isnan(out[k]) and low[k] <= least:
                out[k] = least


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def mark(
    value: NDArray[np.float64], at: NDArray[np.int32], key: NDArray[np.uint16], filled: NDArray[np.int64],
    threshold: NDArray[np.float64], hot: NDArray[np.uint64],
) -> None:  # fmt: skip
    """Bits of the stored entries that are hot: a row is one thread's, whose cells no other row has."""
    for row in numba.prange(value.shape[0]):
        for j in range(filled[row]):
            k = key[row, j]
            if value[row, j] >= threshold[k]:
                hot[k // _BLOCK, at[row, j]] |= np.uint64(1) << np.uint64(k % _BLOCK)


@numba.njit(cache=True, nogil=True, inline="always")
def _ones(mask: np.uint64) -> np.uint64:
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + ((mask >> np.uint64(2)) & np.uint64(0x3333333333333333))
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (mask * np.uint64(0x0101010101010101)) >> np.uint64(56)


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def count_draws(hot: NDArray[np.uint64], out: NDArray[np.int32]) -> None:
    """Number of draws in the masks, added to those before, (output, cell)."""
    for p in numba.prange(hot.shape[1]):
        for o in range(hot.shape[0]):
            out[o, p] += _ones(hot[o, p])


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def meets_rule(
    hot: NDArray[np.uint64], klass: NDArray[np.uint8], rule: NDArray[np.uint8], draws: np.uint64, out: NDArray[np.int32]
) -> None:
    """Number of draws in which a cell meets the rule of its class, added to those before.

    The rule is a table over the outputs' bits. For 64 draws at once: begin with all ones or zeros for every set of bits, and let the mask
    of one output after the other choose between the halves.
    """
    outputs = hot.shape[0]
    size = hot.shape[1]
    for task in numba.prange(-(-size // _TASK)):
        chosen = np.empty(1 << outputs, np.uint64)
        for p in range(task * _TASK, min(size, (task + 1) * _TASK)):
            if klass[p] == 0:
                continue
            for bits in range(1 << outputs):
                chosen[bits] = draws if (rule[bits] >> klass[p]) & 1 else np.uint64(0)
            for o in range(outputs - 1, -1, -1):
                for j in range(1 << o):
                    chosen[j] = (hot[o, p] & chosen[j + (1 << o)]) | (~hot[o, p] & chosen[j])
            out[p] += _ones(chosen[0])
