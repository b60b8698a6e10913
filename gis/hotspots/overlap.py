"""Overlap: how far the hot sets of two species coincide, beside what they would if one map were laid anywhere on the other."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.ranks import Mode, Order, RankLayer
from gis.hotspots.torus import listed_cells, torus_of, word_sums
from gis.kernels.shifts import BY_AREA, BY_COUNT, BY_MASS, Met, meet, meet_shifted
from gis.kernels.torus import Torus, weigh_supports

__all__ = ["OVERLAP_COLUMNS", "overlap"]

OVERLAP_COLUMNS = (
    "a", "b", "jaccard", "jaccard_null", "jaccard_low", "jaccard_high", "jaccard_p", "lift", "lift_null", "lift_high", "capture",
    "capture_null", "capture_high", "shifts", "free_jaccard", "free_lift", "free_capture",
)  # fmt: skip
_MEASURES = ("jaccard", "lift", "capture")
_BLOCK = 1 << 16
# So many shifts are tried for each that is wanted; what passes by then is the null.
_TRIES = 64
# The list of densest cells holds so many times the cells of the hot set, and grows by as much where a shift needs more.
_DEPTH, _DEEPER = 3, 4
_ROUNDING = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Cutting:
    mode: Mode
    q: float
    tie_overshoot: float


@dataclass(frozen=True, slots=True, eq=False)
class _Measures:
    """Jaccard, lift and capture by (…, species a, species b); NaN where a set is empty."""

    jaccard: Floats
    lift: Floats
    capture: Floats

    @classmethod
    def of(cls, a: Floats, b: Floats, both: Floats, whole: Floats, mass_in: Floats, mass_own: Floats) -> _Measures:
        """From the areas of a (…, i, 1), of b (…, 1, j), of both and of the whole, and the mass of b in a and in b."""
        with np.errstate(divide="ignore", invalid="ignore"):
            capture = np.where(mass_own > 0.0, mass_in / mass_own, math.nan)
            return cls(both / (a + b - both), both * whole / (a * b), capture)


def overlap(
    domain: Domain,
    layers: Sequence[RankLayer],
    *,
    species: Sequence[str],
    amount_t: Floats,
    mode: Mode = Mode.AREA,
    q: float = 0.05,
    tie_overshoot: float = 0.005,
    shifts: int = 999,
    support: float = 0.5,
    seed: int = 0,
    free: Sequence[RankLayer] | None = None,
    free_t: Floats | None = None,
) -> pd.DataFrame:
    """One row for every two species: Jaccard, lift and capture, their null from toroidal shifts, and their values without shared mass.

    ``layers`` and ``amount_t`` (species, cells) are in the order of ``species``; ``free`` and ``free_t`` are the same without the mass
    that species share through one proxy. ``shifts`` of the table counts the shifts that left enough of the domain.
    """
    amount = _checked(domain, layers, species, amount_t, "amount_t")
    if shifts < 0 or not 0.0 < support <= 1.0:
        raise InvalidParameter(
            f"shifts = {shifts} and support = {support}; expected 0 or more, and a share above 0 up to 1"
        )
    cutting = _Cutting(mode, q, tie_overshoot)
    seen = _observed(domain, layers, cutting, amount)
    columns: dict[str, Floats] = {name: getattr(seen, name) for name in _MEASURES}
    columns |= _null_columns(_null(domain, layers, cutting, amount, shifts, support, seed), seen)
    if free is not None and free_t is not None:
        apart = _observed(domain, free, cutting, _checked(domain, free, species, free_t, "free_t"))
        columns |= {f"free_{name}": getattr(apart, name) for name in _MEASURES}
    pairs = list(combinations(range(len(species)), 2))
    rows = [
        {"a": species[i], "b": species[j]} | {name: values[i, j] for name, values in columns.items()} for i, j in pairs
    ]
    table = pd.DataFrame(rows, columns=list(OVERLAP_COLUMNS))
    return table.astype({name: "int64" if name == "shifts" else "float64" for name in OVERLAP_COLUMNS[2:]})


def _checked(domain: Domain, layers: Sequence[RankLayer], species: Sequence[str], amount: Floats, name: str) -> Floats:
    if amount.shape != (len(species), domain.size) or len(layers) != len(species):
        raise InvalidParameter(
            f"{name} has shape {amount.shape} and there are {len(layers)} rank layers; "
            f"expected {(len(species), domain.size)}, and a layer for each species"
        )
    if any(layer.rank.shape != (domain.size,) for layer in layers):
        raise InvalidParameter("a rank layer has other cells than the domain; make all of them with this domain")
    if len({layer.order for layer in layers}) > 1:
        raise InvalidParameter(
            "some rank layers go by density and some by amount; make all of them with the same order"
        )
    return np.ascontiguousarray(amount, np.float64)


def _observed(domain: Domain, layers: Sequence[RankLayer], cutting: _Cutting, amount: Floats) -> _Measures:
    if not layers:
        return _Measures(*(np.zeros((0, 0)) for _ in _MEASURES))
    cuts = [layer.cut(cutting.mode, cutting.q, tie_overshoot=cutting.tie_overshoot) for layer in layers]
    many = len(layers)
    blocks = -(-domain.size // _BLOCK)
    both = np.zeros((blocks, many, many))
    mass = np.zeros((blocks, many, many))
    meet(hot_bits(layers, cuts), domain.area_km2, amount, both, mass)
    area, inside = both.sum(axis=0), mass.sum(axis=0)
    own = area.diagonal()
    return _Measures.of(
        own[:, None], own[None, :], area, np.array(domain.total_area_km2), inside, inside.diagonal()[None, :]
    )


def _null_columns(null: _Measures, seen: _Measures) -> dict[str, Floats]:
    # A shift in which a measure does not exist (a species without emissions on the support) says nothing about it.
    columns: dict[str, Floats] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice|Mean of empty slice", RuntimeWarning)
        for name in _MEASURES:
            values = getattr(null, name)
            shape = values.shape[1:]
            none = np.full(shape, math.nan)
            columns[f"{name}_null"] = np.nanmean(values, axis=0) if len(values) else none
            low, high = np.nanquantile(values, (0.025, 0.975), axis=0) if len(values) else (none, none)
            columns[f"{name}_high"] = high
            if name == "jaccard":
                columns["jaccard_low"] = low
    known = np.isfinite(null.jaccard)
    reached = (null.jaccard >= seen.jaccard - _ROUNDING).sum(axis=0)
    p = (1.0 + reached) / (1.0 + known.sum(axis=0))
    columns["jaccard_p"] = np.where(np.isfinite(seen.jaccard) & known.any(axis=0), p, math.nan)
    columns["shifts"] = np.full(seen.jaccard.shape, float(len(null.jaccard)))
    return columns


def _null(
    domain: Domain,
    layers: Sequence[RankLayer],
    cutting: _Cutting,
    amount: Floats,
    shifts: int,
    support: float,
    seed: int,
) -> _Measures:
    many = len(layers)
    if many < 2 or shifts == 0:
        return _Measures(*(np.zeros((0, many, many)) for _ in _MEASURES))
    laid = torus_of(domain)
    moves, areas = _drawn(laid.torus, support * domain.total_area_km2, shifts, seed)
    cut_by = {Mode.AREA: BY_AREA, Mode.COUNT: BY_COUNT, Mode.MASS: BY_MASS}[cutting.mode]
    # Where all cells are alike an area is a number of cells, and a share of a whole number is exact.
    cut_by = BY_COUNT if cut_by == BY_AREA and domain.equal_area else cut_by
    # Where cells have the same area a moved density is a moved amount.
    by_density = layers[0].order is Order.DENSITY and not domain.equal_area
    amount = laid.in_order(amount)
    cuts = [layer.cut(cutting.mode, cutting.q, tie_overshoot=cutting.tie_overshoot) for layer in layers]
    sums = word_sums(laid.torus, amount[: many if cut_by == BY_MASS else 0])
    wanted = [_DEPTH * max(cut.cells, 1) for cut in cuts]
    out = _met(len(moves), many)
    todo = np.arange(len(moves))
    while len(todo):
        listed = listed_cells(laid, layers, wanted)
        met = _met(len(todo), many)
        _by_threads(
            meet_shifted, laid.torus, listed, amount, sums, moves[todo], areas[todo], by_density, cut_by, cutting.q,
            cutting.tie_overshoot, out=met,
        )  # fmt: skip
        for mine, theirs in zip(out, met, strict=True):
            mine[todo] = theirs
        todo = todo[met.short]
        wanted = [_DEEPER * count for count in wanted]
    return _Measures.of(
        out.placed[:, :, None],
        out.moved[:, None, :],
        out.both,
        areas[:, None, None],
        out.mass_in,
        out.mass_own[:, None, :],
    )


def _met(shifts: int, many: int) -> Met:
    one, two = (shifts, many), (shifts, many, many)
    return Met(np.zeros(one), np.zeros(one), np.zeros(two), np.zeros(two), np.zeros(one), np.zeros(shifts, np.bool_))


def _by_threads(kernel: Callable[..., None], *given: Any, out: Any) -> None:
    """Have as many threads as numba uses take the tasks of a kernel from one queue; a task owns its outputs."""
    tasks = np.zeros(1, np.int64)
    threads = numba.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        for working in [pool.submit(kernel, *given, tasks, out) for _ in range(threads)]:
            working.result()


def _drawn(torus: Torus, least_km2: float, shifts: int, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Different shifts (down, right), none of them (0, 0), that leave at least so much area, and the areas they leave."""
    codes = _codes(torus.height * torus.width - 1, shifts, seed)
    kept: list[NDArray[np.int64]] = []
    areas: list[Floats] = []
    found, at = 0, 0
    while found < shifts and at < len(codes):
        batch = codes[at : at + 2 * shifts]
        at += len(batch)
        moves = np.column_stack([batch // torus.width, batch % torus.width])
        area = np.empty(len(moves))
        _by_threads(weigh_supports, torus, moves, out=area)
        enough = area >= least_km2 * (1.0 - _ROUNDING)
        kept.append(moves[enough])
        areas.append(area[enough])
        found += int(enough.sum())
    if not kept:
        return np.zeros((0, 2), np.int64), np.zeros(0)
    return np.ascontiguousarray(np.concatenate(kept)[:shifts]), np.concatenate(areas)[:shifts]


def _codes(most: int, shifts: int, seed: int) -> NDArray[np.int64]:
    # Raw 64-bit numbers of the bit generator, whose stream numpy promises never to change; the bias of the remainder is most/2^64.
    generator = np.random.PCG64(seed)
    if most <= _TRIES * shifts:
        return (
            np.argsort(generator.random_raw(most), kind="stable").astype(np.int64) + 1
            if most
            else np.zeros(0, np.int64)
        )
    codes = (generator.random_raw(_TRIES * shifts) % np.uint64(most)).astype(np.int64) + 1
    _, firsts = np.unique(codes, return_index=True)
    return codes[np.sort(firsts)]
