"""Sensitivity: what becomes of the classes when the share, the mode, the overlap rule or the domain is another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, RankLayer, order_of
from gis.kernels.variants import classify_variants, link_queens, measure_variants
from gis.zoning.classes import CellClass, class_table
from gis.zoning.model import TABLES
from gis.zoning.parameters import Parameters

__all__ = ["Variant", "deciding", "sensitivity", "variants_of"]

Layers = Mapping[Order, Sequence[RankLayer]]

_CLASSES = sorted((c for c in CellClass if c), reverse=True)
# Shares of mass are tried in steps of 0.01 %.
_MASS_STEPS = 10_000
# Variants whose classes are held at once: bounds the memory.
_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to cut and to combine; ``share`` and ``overshoot`` are of the whole domain, ``q`` as it is stated."""

    mode: Mode
    q: float
    min_pollutants: int
    emitting_only: bool
    share: float
    overshoot: float
    is_base: bool = False

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.mode} {self.q:.4g} {self.min_pollutants}" + (" emitting" if self.emitting_only else "")


def deciding(layers: Layers, parameters: Parameters) -> tuple[Layers, Parameters]:
    """Rank layers of the species that decide about classes, and the parameters by which they do.

    Where one equivalent, the last species, stands for all pollutants, these are carbon and the equivalent.
    """
    if parameters.apeq is None:
        return layers, parameters
    hot = parameters.hot.model_copy(update={"min_pollutants": 1})
    pairs = {order: (found[0], found[-1]) for order, found in layers.items()}
    return pairs, parameters.model_copy(update={"hot": hot})


def sensitivity(domain: Domain, layers: Layers, parameters: Parameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``sensitivity`` and ``stability`` of a zoning.

    ``layers`` are the rank layers of the species, carbon first, in order of density, and in order of amount as well unless all
    cells of the domain have the same area.
    """
    by_mode = {mode: _layers_of(domain, layers, mode) for mode in Mode}
    variants = variants_of(domain, by_mode, parameters)
    swept = _Sweep(domain, by_mode, variants)
    rows = []
    for v, variant in enumerate(variants):
        for klass in _CLASSES:
            either = swept.area[v, klass] + swept.area[swept.base, klass] - swept.both[v, klass]
            rows.append(
                (
                    variant.name, str(variant.mode), variant.q, variant.min_pollutants, variant.emitting_only, klass.code,
                    int(swept.cells[v, klass]), swept.area[v, klass], int(swept.patches[v, klass]),
                    swept.both[v, klass] / either if either > 0 else np.nan, variant.is_base,
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(TABLES["sensitivity"])), swept.stability()


def variants_of(domain: Domain, by_mode: Mapping[Mode, Sequence[RankLayer]], parameters: Parameters) -> list[Variant]:
    """Every variant of the sweep, each once: shares × modes × overlap rules, and on emitting cells alone with the base rule.

    Shares of area and of cells are those of the sweep. A share of mass is another thing: where the base is cut by area or cells, the
    mass variant takes the share at which the hot sets are as large as the base's on the mean of the species, and the other way round.
    """
    hot, pollutants = parameters.hot, len(by_mode[Mode.AREA]) - 1
    if hot.min_pollutants > pollutants:
        raise InvalidParameter(
            f"hot.min_pollutants is {hot.min_pollutants}, and pollutants to count: {pollutants}; set it to {pollutants} at most"
        )
    base_mode = Mode(hot.mode)
    steps = sorted({*parameters.sweep, hot.q})
    areas, counts = _emitting(domain, by_mode[Mode.AREA])
    out: dict[tuple[Mode, float, int, bool], Variant] = {}
    for mode in sorted(Mode, key=lambda m: (m is not base_mode, m)):
        scale = {Mode.AREA: areas, Mode.COUNT: counts, Mode.MASS: 1.0}[mode]
        for q in steps:
            share = _matched(by_mode, base_mode, mode, q, hot.tie_overshoot)
            if share is None:
                continue
            for least in range(1, pollutants + 1):
                is_base = (mode, q, least) == (base_mode, hot.q, hot.min_pollutants)
                found = Variant(mode, share, least, False, share, hot.tie_overshoot, is_base)
                out.setdefault((mode, share, least, False), found)
            # Without its empty cells the domain is smaller, and so is its share; mass stays what it is.
            if scale < 1.0 and not parameters.emitting_only:
                least = hot.min_pollutants
                found = Variant(mode, share, least, True, share * scale, hot.tie_overshoot * scale)
                out.setdefault((mode, share, least, True), found)
    return list(out.values())


def _layers_of(domain: Domain, layers: Layers, mode: Mode) -> Sequence[RankLayer]:
    order = order_of(mode)
    if order not in layers and not domain.equal_area:
        raise InvalidParameter(
            f"mode {mode} needs rank layers in order of {order}; cells of this domain differ in area, so that both orders are expected"
        )
    found = layers.get(order) or layers.get(Order.DENSITY) or layers.get(Order.AMOUNT) or ()
    if len(found) < 2 or any(len(layer.rank) != domain.size for layer in found):
        raise InvalidParameter(
            f"{len(found)} rank layers; expected one for carbon and one for every pollutant, over the {domain.size} cells of the domain"
        )
    return found


def _matched(
    by_mode: Mapping[Mode, Sequence[RankLayer]], base: Mode, mode: Mode, q: float, overshoot: float
) -> float | None:
    """The share that a variant of a mode takes where the base takes q; None if there is none, as nothing is emitted."""
    if (base is Mode.MASS) == (mode is Mode.MASS):
        return q
    if base is Mode.MASS:
        return _mean_size(by_mode[base], base, mode, q, overshoot) or None
    size = _mean_size(by_mode[base], base, base, q, overshoot)
    # The least of the steps that reaches it: sets grow with their share.
    low, high = 1, _MASS_STEPS - 1
    while low < high:
        middle = (low + high) // 2
        if _mean_size(by_mode[mode], mode, base, middle / _MASS_STEPS, overshoot) >= size:
            high = middle
        else:
            low = middle + 1
    return low / _MASS_STEPS if size > 0 else None


def _mean_size(layers: Sequence[RankLayer], mode: Mode, measured: Mode, share: float, overshoot: float) -> float:
    """How large the hot sets of a share are, as share of the area or the cells, on the mean of the species."""
    cuts = [layer.cut(mode, share, tie_overshoot=overshoot) for layer in layers]
    return sum(c.share_area if measured is Mode.AREA else c.share_count for c in cuts) / len(cuts)


def _emitting(domain: Domain, layers: Sequence[RankLayer]) -> tuple[float, float]:
    """Share of the area and of the cells of the domain where any species is emitted."""
    some = np.zeros(domain.size, np.bool_)
    for layer in layers:
        some |= layer.rank > 0
    if not some.any() or some.all():
        return 1.0, 1.0
    return float(domain.area_km2[some].sum()) / domain.total_area_km2, float(some.sum()) / domain.size


class _Sweep:
    """Cells, area, area in common with the base, and patches of every class (columns) under every variant (rows)."""

    def __init__(
        self, domain: Domain, by_mode: Mapping[Mode, Sequence[RankLayer]], variants: Sequence[Variant]
    ) -> None:
        pollutants = len(by_mode[Mode.AREA]) - 1
        orders, cuts = _cuts(by_mode, variants)
        kinds = [by_mode[Mode.AREA]] if not orders.any() else [by_mode[Mode.AREA], by_mode[Mode.COUNT]]
        chosen = _candidates(kinds, orders, cuts)
        ranks = np.stack([[layer.rank[chosen] for layer in layers] for layers in kinds])
        tables = np.stack([class_table(pollutants, v.min_pollutants) for v in variants])
        before = np.empty((len(chosen), 5), np.int32)
        link_queens(domain.cells[chosen], domain.grid.cols, domain.grid.wraps, before)
        self._area_km2 = domain.area_km2[chosen]
        self._always, self._ever = np.full(len(chosen), 255, np.uint8), np.zeros(len(chosen), np.uint8)
        self.base = next(v for v, variant in enumerate(variants) if variant.is_base)
        base = self._classes(ranks, orders, cuts, tables, np.array([self.base]))[0]
        # Where all cells have one area, shares of area and of cells cut alike: such variants are worked out once.
        keys = np.column_stack([orders, cuts, [v.min_pollutants for v in variants]])
        _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        shape = (len(first), len(CellClass))
        count, patches, area, both = (
            np.zeros(shape, np.int64),
            np.zeros(shape, np.int64),
            np.zeros(shape),
            np.zeros(shape),
        )
        for start in range(0, len(first), _BLOCK):
            block = slice(start, start + _BLOCK)
            klass = self._classes(ranks, orders, cuts, tables, first[block])
            outs = (count[block], area[block], both[block], patches[block])
            measure_variants(klass, base, self._area_km2, before, numba.get_num_threads(), *outs)
        self.cells, self.patches, self.area, self.both = count[which], patches[which], area[which], both[which]

    def _classes(
        self,
        ranks: NDArray[np.uint32],
        orders: NDArray[np.int64],
        cuts: NDArray[np.uint32],
        tables: NDArray[np.uint8],
        wanted: NDArray[np.int64],
    ) -> NDArray[np.uint8]:
        out = np.empty((len(wanted), ranks.shape[2]), np.uint8)
        classify_variants(ranks, orders[wanted], cuts[wanted], tables[wanted], self._always, self._ever, out)
        return out

    def stability(self) -> pd.DataFrame:
        """Cells of each class under every variant, and under some but not all."""
        rows = []
        for klass in _CLASSES:
            bit = np.uint8(1 << klass)
            always, ever = (self._always & bit) > 0, (self._ever & bit) > 0
            some = ever & ~always
            areas = [float(self._area_km2[which].sum()) for which in (always, some)]
            rows.append((klass.code, int(always.sum()), int(some.sum()), *areas))
        return pd.DataFrame(rows, columns=list(TABLES["stability"]))


def _cuts(
    by_mode: Mapping[Mode, Sequence[RankLayer]], variants: Sequence[Variant]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Which order each variant is cut in (1: by amount, where that differs), and its last hot rank by species."""
    differ = by_mode[Mode.COUNT] is not by_mode[Mode.AREA]
    orders = np.array([int(differ and v.mode is Mode.COUNT) for v in variants], np.int64)
    known: dict[tuple[Mode, float, float], list[int]] = {}
    for v in variants:
        key = (v.mode, v.share, v.overshoot)
        if key not in known:
            known[key] = [layer.cut(v.mode, v.share, tie_overshoot=v.overshoot).rank for layer in by_mode[v.mode]]
    cuts = np.array([known[v.mode, v.share, v.overshoot] for v in variants], np.uint32)
    return orders, cuts


def _candidates(
    kinds: Sequence[Sequence[RankLayer]], orders: NDArray[np.int64], cuts: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Positions of the cells that are hot for some species under some variant: all others are of no class in any."""
    hot = np.zeros(len(kinds[0][0].rank), np.bool_)
    for k, layers in enumerate(kinds):
        deepest = cuts[orders == k].max(axis=0)
        for layer, last in zip(layers, deepest, strict=True):
            # Rank 0 wraps round to the greatest number: one comparison finds 1 <= rank <= last.
            hot |= (layer.rank - np.uint32(1)) < last
    return np.flatnonzero(hot)
