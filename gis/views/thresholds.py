"""Thresholds: hot sets and classes at any share, answered from rank layers while somebody moves a slider."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.ranks import Cut, Mode
from gis.kernels.hotclasses import recode_spans, set_span_bits
from gis.tiles.plane import Fold, Plane, fold_plane
from gis.views.patches import Patches, Runs, patches_of, without_small
from gis.views.ranks import DomainView, RankView
from gis.workspace import Run, StoredZoning
from gis.zoning.classes import CellClass, class_table
from gis.zoning.parameters import Parameters

__all__ = [
    "LEAST_SHARE",
    "MOST_CELLS",
    "MOST_SHARE",
    "Threshold",
    "ThresholdView",
    "classify",
    "defaults_of",
    "threshold_of",
]

_MOST_SPECIES = 8
_AT_ONCE = 4
# Larger hot sets than half of everything are no hot sets; smaller ones than a cell in ten thousand are single plants.
LEAST_SHARE, MOST_SHARE = 0.0001, 0.5
# The largest of smallest patches: what is larger than that is no rule about size.
MOST_CELLS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What is hot: the densest cells of each species up to ``share`` of the area (or cells, or mass); ``species`` has carbon first.

    ``emitting_only``: shares are of the cells that emit one of the species. ``weights``, if there are any, weigh the pollutants into the
    one equivalent that decides in their place. Connected cells of one class that are fewer than ``min_cells`` have none.
    """

    species: tuple[str, ...]
    share: float = 0.05
    mode: Mode = Mode.AREA
    min_pollutants: int = 2
    tie_overshoot: float = 0.005
    emitting_only: bool = False
    weights: tuple[tuple[str, float], ...] = ()
    min_cells: int = 1

    def __post_init__(self) -> None:
        if not 2 <= len(set(self.species)) == len(self.species) <= _MOST_SPECIES:
            raise InvalidParameter(
                f"species {', '.join(self.species)}; carbon and 1 to {_MOST_SPECIES - 1} pollutants, each once, are expected"
            )
        if not 0.0 < self.share < 1.0:
            raise InvalidParameter(f"share is {self.share!r}; a share above 0 and below 1 is expected (5 % is 0.05)")
        if not 1 <= self.min_pollutants < len(self.species):
            raise InvalidParameter(
                f"min_pollutants is {self.min_pollutants!r}; a number from 1 to {len(self.species) - 1} is expected"
            )
        if not 1 <= self.min_cells <= MOST_CELLS:
            raise InvalidParameter(
                f"min_cells is {self.min_cells!r}; a number from 1 (every patch) to {MOST_CELLS} is expected"
            )
        strangers = [s for s, _ in self.weights if s not in self.species[1:]]
        if strangers or not all(0.0 < w < math.inf for _, w in self.weights):
            raise InvalidParameter(
                f"weights {dict(self.weights)}; a number above 0 for pollutants of the threshold is expected"
            )
        object.__setattr__(self, "mode", Mode(self.mode))

    @property
    def carbon(self) -> str:
        """The greenhouse gas."""
        return self.species[0]

    @property
    def pollutants(self) -> tuple[str, ...]:
        """The others."""
        return self.species[1:]

    @property
    def among(self) -> tuple[str, ...]:
        """Species whose emitting cells shares are of; none if they are of all cells."""
        return self.species if self.emitting_only else ()


def threshold_of(
    result: Run | StoredZoning,
    *,
    share: float | None = None,
    mode: Mode | None = None,
    min_pollutants: int | None = None,
    min_cells: int | None = None,
) -> Threshold:
    """The threshold of a zoning's parameters, or of the default ones for a run, with what is given in place of theirs.

    Its size rule is that nothing is too small, unless one is given: a zoning's own is about patches that have grown.
    """
    parameters = result.parameters if isinstance(result, StoredZoning) else Parameters()
    wanted = (parameters.carbon, *(p for p in parameters.pollutants if p in result.species))
    if parameters.carbon not in result.species or len(wanted) < 2:
        raise InvalidParameter(
            f"{result.id} has {', '.join(result.species)}; classes take {parameters.carbon} and one of "
            f"{', '.join(parameters.pollutants)} at least"
        )
    hot, apeq = parameters.hot, parameters.apeq
    least = min(hot.min_pollutants, len(wanted) - 1) if min_pollutants is None else min_pollutants
    weights = () if apeq is None else tuple((s, apeq.weights[s]) for s in wanted[1:])
    return Threshold(
        species=wanted, share=hot.q if share is None else share, mode=Mode(hot.mode) if mode is None else mode,
        min_pollutants=least, tie_overshoot=hot.tie_overshoot, emitting_only=parameters.emitting_only, weights=weights,
        min_cells=1 if min_cells is None else min_cells,
    )  # fmt: skip


def defaults_of(result: Run | StoredZoning) -> Threshold:
    """Share, mode and what they are of where hot sets are shown one by one: also for a result that can have no classes."""
    try:
        return threshold_of(result)
    except InvalidParameter:
        return Threshold(species=("carbon", "pollutant"), min_pollutants=1)


@dataclass(frozen=True, eq=False)
class ThresholdView:
    """Classes at a threshold. ``classes`` has the codes of `CellClass`; a parent has the highest class of its cells.

    ``proxies`` gives what proxies placed of a species in the cells of the domain, t/yr, or None where the run does not say; ``before``
    are the patches before the size rule, where it is one.
    """

    run: Run
    year: int
    threshold: Threshold
    cuts: Mapping[str, Cut]
    classes: Plane
    domain: DomainView = field(repr=False)
    ranks: Mapping[str, RankView] = field(repr=False)
    amounts: Mapping[str, Plane] = field(repr=False)
    proxies: Callable[[str], NDArray[np.float64] | None] = field(repr=False)
    before: Patches | None = field(default=None, repr=False)

    def hot(self, species: str) -> Plane:
        """1 where a cell is hot for a species (where one below a parent is), else 0; worked out at every call."""
        if species not in self.cuts:
            raise InvalidParameter(f"species {species!r} is not in this threshold; it has {', '.join(self.cuts)}")
        rank = self.ranks[species].plane.levels[0]
        # Rank 0, no emissions, becomes the greatest of all numbers.
        return fold_plane((rank - np.uint32(1) < self.cuts[species].rank).astype(np.uint8), Fold.MAX)

    @cached_property
    def patches(self) -> Patches:
        """Connected cells of each class, those that fall to the size rule as well."""
        return self.before or patches_of(self.run.grid, self.classes.levels[0])

    def sized(self, min_cells: int) -> ThresholdView:
        """The same with a size rule, of this view without one."""
        classes = without_small(self.classes.levels[0], self.patches, min_cells)
        return replace(
            self, threshold=replace(self.threshold, min_cells=min_cells), classes=fold_plane(classes, Fold.MAX),
            before=self.patches,
        )  # fmt: skip

    def summary(self) -> list[dict[str, Any]]:
        """Cells, area, patches and mass of each class, co-control first, what share of the domain's that is, and what was too small."""
        return [dict(row) for row in self._summed]

    @cached_property
    def _summed(self) -> list[dict[str, Any]]:
        least = self.threshold.min_cells
        large, small = self.patches.counts(least)
        runs, fallen = self.patches.large(least), self.patches.small(least)
        cells, area_km2 = runs.cells(), runs.area_km2(self.run.grid)
        fallen_cells, fallen_km2 = fallen.cells(), fallen.area_km2(self.run.grid)
        mass = {s: runs.sums(plane.levels[0].reshape(-1)) for s, plane in self.amounts.items()}
        by_proxy = self._by_proxy(runs, mass)
        layer = self.ranks[self.threshold.carbon].layer
        return [
            {
                "class": c.code, "cells": int(cells[c]), "area_km2": float(area_km2[c]),
                "share_cells": int(cells[c]) / layer.total_count, "share_area": float(area_km2[c]) / layer.total_area_km2,
                "patches": int(large[c]), "small_patches": int(small[c]), "small_cells": int(fallen_cells[c]),
                "small_area_km2": float(fallen_km2[c]),
                **{f"{s}_t": float(m[c]) for s, m in mass.items()},
                **{f"{s}_share": float(m[c]) / (self.ranks[s].layer.total_mass_t or 1.0) for s, m in mass.items()},
                **{f"{s}_proxy_share": share[c] for s, share in by_proxy.items()},
            }
            for c in sorted(CellClass, reverse=True)
            if c
        ]  # fmt: skip

    def _by_proxy(self, runs: Runs, mass_t: Mapping[str, NDArray[np.float64]]) -> dict[str, list[float | None]]:
        """By species, the share of each class's mass that proxies placed; None where there is no mass, or it is not known."""
        own = runs.moved(self.domain.positions(runs.start))
        out: dict[str, list[float | None]] = {}
        for species, wholes in mass_t.items():
            placed = self.proxies(species)
            parts = np.zeros(len(CellClass)) if placed is None else own.sums(placed)
            out[species] = [
                None if placed is None or whole <= 0 else min(part / whole, 1.0)
                for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True)
            ]
        return out

    @property
    def nbytes(self) -> int:
        """Bytes of memory that this view holds of its own."""
        patches: Patches | None = self.__dict__.get("patches")
        return self.classes.nbytes + (0 if patches is None else patches.nbytes)


def classify(
    shape: tuple[int, int], domain: DomainView, ranks: Sequence[RankView], cuts: Sequence[Cut], min_pollutants: int
) -> NDArray[np.uint8]:
    """Class of every cell of the grid, from ranks and where they are cut; carbon is the first."""
    out = np.zeros(shape[0] * shape[1], np.uint8)
    flat = [view.plane.levels[0].reshape(-1) for view in ranks]
    for first in range(0, len(flat), _AT_ONCE):
        some, limits = flat[first : first + _AT_ONCE], cuts[first : first + _AT_ONCE]
        limit = np.zeros(_AT_ONCE, np.uint32)
        limit[: len(some)] = [cut.rank for cut in limits]
        # Species that are not there are the first one again, cut at rank 0: that sets no bit.
        r0, r1, r2, r3 = (some[k if k < len(some) else 0] for k in range(_AT_ONCE))
        set_span_bits(domain.start, domain.stop, r0, r1, r2, r3, limit, np.uint8(first), out)
    recode_spans(domain.start, domain.stop, class_table(len(flat) - 1, min_pollutants), out)
    return out.reshape(shape)
