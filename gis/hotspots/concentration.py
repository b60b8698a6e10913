"""Concentration: how much of every species the cells with the most of one species hold, and how unequal that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.gridding.layers import grid_of
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, RankLayer, checked_amounts, order_of, rank_layer
from gis.hotspots.statement import find_among, species_name, state
from gis.kernels.curves import CHUNK, sum_by_step, sum_weighted
from gis.kernels.threads import threads_for

__all__ = ["COLUMNS", "SHARES", "Concentration", "concentration", "concentration_matrix", "concentration_of"]

Floats = NDArray[np.float64]

# Columns of the matrix, and the shares it always has; others are added to them.
COLUMNS = ("rank_by", "measured", "order", "x", "share", "gini")
SHARES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# A curve is drawn through the ends of groups of equals nearest to these shares: evenly, and the densest closely.
_KNOTS = (*np.linspace(0.0, 1.0, 301), *np.logspace(-7.0, 0.0, 281))
_MOST_KNOTS = 1000


@dataclass(frozen=True, eq=False)
class Concentration:
    """Curves of all species over cells in the order of one of them, densest first.

    ``x`` is a share of the domain's area, of its cells or of the ranking species' mass (``by``), ``y`` the share of a species those cells
    hold. Cells that rank alike, those without emissions among them, are one straight piece of the curve.
    """

    domain: Domain
    species: tuple[str, ...]
    amount_t: Floats
    rank_by: str
    layer: RankLayer
    year: int | None = None
    left_out: int = 0  # cells of the domain asked for that have no value

    def curve(self, measured: str, *, by: Mode = Mode.AREA) -> tuple[Floats, Floats]:
        """x and y of a curve from (0, 0) to (1, 1), some 1000 points at most, each exact; NaN where there is nothing to share."""
        ranks, held = self._knots
        return self._x(ranks, by), held[:, self._position(measured)]

    def share(self, measured: str, q: float, *, by: Mode = Mode.AREA) -> float:
        """Share of a species held at ``x = q``, exact at any q."""
        return float(self.shares((q,), by=by)[0, self._position(measured)])

    def shares(self, q: Sequence[float], *, by: Mode = Mode.AREA) -> Floats:
        """Shares held at each q, (q, species), in one pass over the cells."""
        wrong = [v for v in q if not 0.0 <= v <= 1.0]
        if wrong:
            raise InvalidParameter(f"q = {wrong[0]!r}; a share from 0 to 1 is expected (5 % is 0.05)")
        last = self.layer.ranks + 1
        upper = [max(min(self.layer.reaching(by, v), last), 1) for v in q]
        ranks = np.unique([0, *upper, *(r - 1 for r in upper)])
        x, held = self._x(ranks, by), self._held(ranks)
        return np.column_stack([np.interp(q, x, column) for column in held.T])

    def gini(self, measured: str, *, by: Mode = Mode.AREA) -> float:
        """Gini coefficient where a species ranks itself, else its concentration index; from all cells, not from the curve's points."""
        return float(self.ginis(by=by)[self._position(measured)])

    def ginis(self, *, by: Mode = Mode.AREA) -> Floats:
        """Gini coefficient or concentration index of each species, in one pass over the cells."""
        whole = self.layer.whole(by)
        if whole == 0.0:
            return np.full(len(self.species), math.nan)
        held = self.layer.table(by) / whole
        # Σ Δa·(L + L') = 2 − Σ ΔL·(a + a'): each cell's mass times where its group begins and ends. Rank 0 comes last.
        weight = np.empty(len(held))
        weight[1:] = held[1:] + held[:-1]
        weight[0] = held[-1] + 1.0
        out = np.empty((self._chunks, len(self.species)))
        with threads_for(self.domain.size):
            sum_weighted(self.layer.rank, weight, self.amount_t, out)
        total: Floats = self.amount_t.sum(axis=1)
        return 1.0 - _quotient(out.sum(axis=0), total)

    @cached_property
    def statement(self) -> Mapping[str, str]:
        """What the curves hold for, in Chinese (``zh``) and English (``en``): order, year, resolution and domain."""
        return state(
            self.domain,
            rank_by=self.rank_by,
            order=self.layer.order,
            year=self.year,
            emitting=int(self.layer.count[-1]),
            left_out=self.left_out,
        )

    def plot(self, path: Path, *, by: Mode = Mode.AREA) -> None:
        """Write a PNG of the curves of all species."""
        # matplotlib takes a third of a second to import.
        from gis.hotspots.curveplot import Line, write_curves

        ginis = self.ginis(by=by)
        lines = [
            Line(species_name(s), *self.curve(s, by=by), float(g)) for s, g in zip(self.species, ginis, strict=True)
        ]
        mass = f"{species_name(self.rank_by)} mass"
        measure = {Mode.AREA: "area", Mode.COUNT: "number of cells", Mode.MASS: mass}[by]
        write_curves(
            path,
            lines,
            ranked_by=f"{species_name(self.rank_by)} {self.layer.order}",
            measure=measure,
            note=self.statement["en"],
        )

    # -- behind them ----------------------------------------------------------------------------------------------

    def _position(self, measured: str) -> int:
        return self.species.index(find_among(measured, self.species))

    @property
    def _chunks(self) -> int:
        return -(-self.domain.size // CHUNK)

    @cached_property
    def _knots(self) -> tuple[NDArray[np.int64], Floats]:
        last = self.layer.ranks + 1
        ranks = np.arange(last + 1)
        if last >= _MOST_KNOTS:
            found = {self.layer.reaching(by, v) for by in (Mode.AREA, Mode.MASS) for v in _KNOTS}
            ranks = np.unique([0, *found, last - 1, last])
        return ranks, self._held(ranks)

    def _x(self, ranks: NDArray[np.int64], by: Mode) -> Floats:
        """Shares of the domain up to each rank; the rank after the last one stands for all that is left."""
        whole = self.layer.whole(by)
        if whole == 0.0:
            return np.full(len(ranks), math.nan)
        held = [self.layer.held(by, int(r)) / whole if r <= self.layer.ranks else 1.0 for r in ranks]
        return np.minimum(held, 1.0)

    def _held(self, ranks: NDArray[np.int64]) -> Floats:
        """Shares of every species up to each of the ranks (ascending, from 0), (ranks, species)."""
        last = self.layer.ranks + 1
        step = np.full(last, len(ranks), np.uint16)
        for k, (low, high) in enumerate(pairwise(ranks.tolist()), 1):
            step[low + 1 : high + 1] = k
        step[0] = len(ranks) - 1 if ranks[-1] == last else len(ranks)  # rank 0 comes after the last
        out = np.empty((self._chunks, len(ranks) + 1, len(self.species)))
        with threads_for(self.domain.size):
            sum_by_step(self.layer.rank, step, self.amount_t, out)
        held = out.sum(axis=0).cumsum(axis=0)
        return _quotient(held, held[-1])[:-1]


def _quotient(part: Floats, whole: Floats) -> Floats:
    """Shares; NaN where there is nothing to share."""
    out: Floats = np.divide(part, whole, out=np.full_like(part, math.nan), where=whole > 0)
    return out


def concentration_of(
    domain: Domain,
    species: Sequence[str],
    amount_t: Floats,
    rank_by: str,
    *,
    layer: RankLayer | None = None,
    order: Order = Order.DENSITY,
    year: int | None = None,
    left_out: int = 0,
) -> Concentration:
    """Curves of all species, ranked by one; ``layer`` is its rank layer where that is at hand, and has the order then."""
    if amount_t.shape != (len(species), domain.size):
        raise InvalidParameter(
            f"amounts of shape {amount_t.shape}; expected {(len(species), domain.size)}: species x cells"
        )
    ranking = find_among(rank_by, species)
    amounts = checked_amounts(domain, amount_t)
    if layer is None:
        layer = rank_layer(domain, amounts[list(species).index(ranking)], order=order)
    return Concentration(domain, tuple(species), amounts, ranking, layer, year, left_out)


def concentration_matrix(
    domain: Domain,
    species: Sequence[str],
    amount_t: Floats,
    *,
    layers: Sequence[RankLayer] | None = None,
    by: Mode = Mode.AREA,
    shares: Iterable[float] = (),
) -> pd.DataFrame:
    """Every ranking species by every measured one, at SHARES and further shares of the area, the cells or the mass (``by``)."""
    x = sorted({*SHARES, *shares})
    blocks = []
    for i, ranking in enumerate(species):
        layer = None if layers is None else layers[i]
        found = concentration_of(domain, species, amount_t, ranking, layer=layer, order=order_of(by))
        held, ginis = found.shares(x, by=by), found.ginis(by=by)
        blocks += [
            pd.DataFrame(
                {
                    "rank_by": ranking,
                    "measured": measured,
                    "order": str(found.layer.order),
                    "x": x,
                    "share": held[:, k],
                    "gini": ginis[k],
                }
            )
            for k, measured in enumerate(species)
        ]
    return pd.concat(blocks, ignore_index=True)[list(COLUMNS)]


def concentration(
    layers: xr.DataArray,
    *,
    rank_by: str = "CO2",
    valid: NDArray[np.bool_] | None = None,
    year: int | None = None,
    order: Order = Order.DENSITY,
) -> Concentration:
    """Curves of all species of layers in t/yr, ranked by one, such as ``gis.concentration(run.layers, rank_by="CO2")``.

    Dimensions are species, y and x, and may be year and sector; sectors are summed, and ``year`` is the last if left out. The domain is
    ``valid`` (such as ``run.valid``), else the whole grid, less the cells where a species has no value (NaN).
    """
    strangers = set(layers.dims) - {"year", "species", "sector", "y", "x"}
    if strangers or "species" not in layers.dims:
        raise InvalidParameter(
            f"dimensions {layers.dims}; expected species, y and x, and year and sector where there are any"
        )
    grid = grid_of(layers)
    species = tuple(str(s) for s in layers.coords["species"].values)
    find_among(rank_by, species)  # before anything is read
    chosen = _year_of(layers, year)
    if "year" in layers.dims:
        layers = layers.sel(year=chosen)
    totals = np.stack([_total(layers.isel(species=s)) for s in range(len(species))])
    asked = np.ones(grid.shape, bool) if valid is None else np.asarray(valid, bool)
    if asked.shape != grid.shape:
        raise InvalidParameter(f"valid has shape {asked.shape}; expected the grid's {grid.shape}")
    inside = asked & ~np.isnan(totals).any(axis=0)
    if not inside.any():
        raise InvalidParameter("no cell of the domain has a value for every species")
    domain = Domain.of(grid, inside)
    amounts = totals.reshape(len(species), -1)[:, domain.cells]
    left_out = int(asked.sum()) - domain.size if valid is not None else 0
    return concentration_of(domain, species, amounts, rank_by, order=order, year=chosen, left_out=left_out)


def _year_of(layers: xr.DataArray, year: int | None) -> int | None:
    """The year to take: that asked for, else the last one; None where the layers say nothing of years."""
    known = np.atleast_1d(layers.coords["year"].values).tolist() if "year" in layers.coords else []
    if year is not None and year not in known:
        raise InvalidParameter(f"year {year} is not among {known or 'the layers, which have no years'}")
    return max(known, default=None) if year is None else year


def _total(layers: xr.DataArray) -> Floats:
    """Sum over the sectors, one after the other, so that no more than two layers are in memory."""
    parts = [layers] if "sector" not in layers.dims else [layers.isel(sector=k) for k in range(layers.sizes["sector"])]
    out: Floats = np.zeros((layers.sizes["y"], layers.sizes["x"]))
    for part in parts:
        values = part.transpose("y", "x").to_numpy()
        if (values < 0.0).any():  # in a sum it would not show
            row, col = (int(v[0]) for v in np.nonzero(values < 0.0))
            raise InvalidParameter(
                f"{part.coords['species'].item()} in cell {row * values.shape[1] + col} has {float(values[row, col])!r} t/yr; "
                "amounts are not negative"
            )
        out += values
    return out
