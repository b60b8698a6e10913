"""Thresholds: hot sets and classes at any share, answered from rank layers while somebody moves a slider."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.ranks import Cut, Mode
from gis.kernels.hotclasses import recode_spans, set_span_bits
from gis.tiles.plane import Fold, Plane, fold_plane
from gis.views.ranks import DomainView, RankView
from gis.workspace import Run, StoredZoning
from gis.zoning.classes import CellClass, class_table
from gis.zoning.parameters import Parameters

__all__ = ["LEAST_SHARE", "MOST_SHARE", "Threshold", "ThresholdView", "classify", "defaults_of", "threshold_of"]

_MOST_SPECIES = 8
_AT_ONCE = 4
# Larger hot sets than half of everything are no hot sets; smaller ones than a cell in ten thousand are single plants.
LEAST_SHARE, MOST_SHARE = 0.0001, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What is hot: the densest cells of each species up to ``share`` of the area (or cells, or mass); ``species`` has carbon first.

    ``emitting_only``: shares are of the cells that emit one of the species. ``weights``, if there are any, weigh the pollutants into the
    one equivalent that decides in their place.
    """

    species: tuple[str, ...]
    share: float = 0.05
    mode: Mode = Mode.AREA
    min_pollutants: int = 2
    tie_overshoot: float = 0.005
    emitting_only: bool = False
    weights: tuple[tuple[str, float], ...] = ()

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
) -> Threshold:
    """The threshold of a zoning's parameters, or of the default ones for a run, with what is given in place of theirs."""
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
    )  # fmt: skip


def defaults_of(result: Run | StoredZoning) -> Threshold:
    """Share, mode and what they are of where hot sets are shown one by one: also for a result that can have no classes."""
    try:
        return threshold_of(result)
    except InvalidParameter:
        return Threshold(species=("carbon", "pollutant"), min_pollutants=1)


@dataclass(frozen=True, eq=False)
class ThresholdView:
    """Classes at a threshold. ``classes`` has the codes of `CellClass`; a parent has the highest class of its cells."""

    run: Run
    year: int
    threshold: Threshold
    cuts: Mapping[str, Cut]
    classes: Plane
    ranks: Mapping[str, RankView] = field(repr=False)
    amounts: Mapping[str, Plane] = field(repr=False)

    def hot(self, species: str) -> Plane:
        """1 where a cell is hot for a species (where one below a parent is), else 0; worked out at every call."""
        if species not in self.cuts:
            raise InvalidParameter(f"species {species!r} is not in this threshold; it has {', '.join(self.cuts)}")
        rank = self.ranks[species].plane.levels[0]
        # Rank 0, no emissions, becomes the greatest of all numbers.
        return fold_plane((rank - np.uint32(1) < self.cuts[species].rank).astype(np.uint8), Fold.MAX)

    def summary(self) -> list[dict[str, Any]]:
        """Cells, area and mass of each class, co-control first, and what share of the domain's that is."""
        return [dict(row) for row in self._summed]

    @cached_property
    def _summed(self) -> list[dict[str, Any]]:
        classes = self.classes.levels[0].reshape(-1)
        cells = np.flatnonzero(classes)
        code = classes[cells]
        area = self.run.grid.cell_area_m2[cells // self.run.grid.cols, cells % self.run.grid.cols] * 1e-6
        count = np.bincount(code, minlength=len(CellClass))
        area_km2 = np.bincount(code, area, len(CellClass))
        flat = {s: plane.levels[0].reshape(-1) for s, plane in self.amounts.items()}
        mass = {s: np.bincount(code, amounts[cells], len(CellClass)) for s, amounts in flat.items()}
        layer = self.ranks[self.threshold.carbon].layer
        return [
            {
                "class": c.code, "cells": int(count[c]), "area_km2": float(area_km2[c]),
                "share_cells": int(count[c]) / layer.total_count, "share_area": float(area_km2[c]) / layer.total_area_km2,
                **{f"{s}_t": float(m[c]) for s, m in mass.items()},
                **{f"{s}_share": float(m[c]) / (self.ranks[s].layer.total_mass_t or 1.0) for s, m in mass.items()},
            }
            for c in sorted(CellClass, reverse=True)
            if c
        ]  # fmt: skip

    @property
    def nbytes(self) -> int:
        """Bytes of memory that this view holds of its own."""
        return sum(level.nbytes for level in self.classes.levels)


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
