"""Curves: concentration and observed overlap of a run's year, from the ranks that views keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.hotspots.concentration import SHARES, Concentration, concentration_of
from gis.hotspots.domain import Domain
from gis.hotspots.overlap import overlap
from gis.hotspots.ranks import Mode, Order, RankLayer, order_of
from gis.views.views import Views
from gis.workspace import Run

__all__ = ["Curve", "Ranked", "curves", "observed_overlap", "ranked"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A run's year over its domain: amounts (species × cells) and a rank layer a species."""

    domain: Domain
    amount_t: Floats
    layers: tuple[RankLayer, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Shares ``y`` of a species held by the cells that make up shares ``x`` of the domain's area; ``at`` gives some of them exactly."""

    species: str
    gini: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    at: dict[str, float]


def ranked(views: Views, run: Run, year: int, species: Sequence[str], order: Order) -> Ranked:
    """Amounts and rank layers of some species."""
    seen = views.domain(run)
    domain = Domain(run.grid, seen.cells, np.zeros(0, np.int64))
    amount = np.stack([views.amounts(run, year, s).levels[0].reshape(-1)[domain.cells] for s in species])
    layers = tuple(_over(views.ranks(run, year, s, order).layer, domain) for s in species)
    return Ranked(domain, amount, layers)


def _over(layer: RankLayer, domain: Domain) -> RankLayer:
    """A rank layer of the grid, its ranks those of the domain's cells alone."""
    return replace(layer, rank=layer.rank[domain.cells])


def curves(views: Views, run: Run, year: int, rank_by: str, *, points: int = 101) -> tuple[dict[str, str], list[Curve]]:
    """What the curves hold for, in zh and en, and a curve of every species over the cells in the order of one."""
    found = _concentration(views, run, year, rank_by)
    ginis, held = found.ginis(), found.shares(SHARES)
    out = []
    for k, species in enumerate(run.species):
        x, y = found.curve(species)
        if len(x) > points:
            some = np.unique(np.searchsorted(x, _knots(points)).clip(0, len(x) - 1))
            x, y = x[some], y[some]
        at = {f"{q:g}": float(held[i, k]) for i, q in enumerate(SHARES)}
        out.append(Curve(species, float(ginis[k]), tuple(x.tolist()), tuple(y.tolist()), at))
    return dict(found.statement), out


def _knots(points: int) -> Floats:
    """Shares at which a curve is told: evenly, and closely where it is steep."""
    return np.unique(np.concatenate([np.linspace(0.0, 1.0, points // 2), np.logspace(-4.0, 0.0, points - points // 2)]))


def _concentration(views: Views, run: Run, year: int, rank_by: str) -> Concentration:
    found = ranked(views, run, year, run.species, Order.DENSITY)
    layer = found.layers[run.species.index(rank_by)]
    return concentration_of(found.domain, run.species, found.amount_t, rank_by, layer=layer, year=year)


def observed_overlap(
    views: Views, run: Run, year: int, *, mode: Mode, share: float, tie_overshoot: float = 0.005
) -> pd.DataFrame:
    """Jaccard, lift and capture of every two species' hot sets; a null is drawn by a zoning only, and is missing here."""
    found = ranked(views, run, year, run.species, order_of(mode))
    return overlap(
        found.domain, found.layers, species=run.species, amount_t=found.amount_t, mode=mode, q=share,
        tie_overshoot=tie_overshoot, shifts=0,
    )  # fmt: skip
