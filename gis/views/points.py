"""Points: all that is known about the cell under a point, and about the point itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter, NotFound
from gis.hotspots.ranks import Mode, Order, order_of
from gis.projection import transformer
from gis.views.lonlat import CRS84
from gis.views.origins import Contributor, Origins
from gis.views.places import Place, holding, places_at
from gis.views.ranks import RankView
from gis.views.tables import open_table
from gis.views.thresholds import Threshold, threshold_of
from gis.views.views import Views
from gis.workspace import Run, StoredZoning

__all__ = ["Cell", "Point", "Points", "SpeciesHere", "Zoned", "ZonedSpecies", "cell_at", "cell_of", "year_of"]

_BOX = ("grid_west", "grid_south", "grid_east", "grid_north")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the grid: where it is, its middle, its area, whether it is of the run and of the domain in which zonings decide."""

    cell: int
    row: int
    col: int
    lon: float
    lat: float
    area_km2: float
    valid: bool


@dataclass(frozen=True, slots=True)
class SpeciesHere:
    """A species in the cell. ``share_area`` and ``share_mass`` are held by cells of this rank and better ones; rank 0 has none.

    ``hot`` is judged at the threshold that stands beside the answer: the zoning's own, or the default one for a run.
    """

    species: str
    amount_t: float
    density_t_km2: float
    rank: int
    ranks: int
    share_area: float | None
    share_mass: float | None
    hot: bool | None


@dataclass(frozen=True, slots=True)
class ZonedSpecies:
    """What a zoning says about a species in the cell: evidence, membership, proxy share, shares by tier, pattern over the years."""

    species: str
    hot: bool
    z: float
    p: float
    significant: bool
    membership: float
    proxy_share: float
    tiers: Mapping[str, float]
    pattern: str


@dataclass(frozen=True, slots=True)
class Zoned:
    """What a zoning says about the cell, if it lists it: it does where a species is hot, and inside hotspots."""

    cell_class: str
    tier: str
    robustness: str
    membership: float
    years_hot: int
    proxy_share: float
    patch: int
    seed: bool
    filled: bool
    unit: str
    species: tuple[ZonedSpecies, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """The answer to a click. ``units`` and ``conflicts`` are those whose polygon holds the point itself."""

    result: str
    run: str
    year: int
    lon: float
    lat: float
    cell: Cell
    species: tuple[SpeciesHere, ...]
    threshold: Threshold | None
    zoned: Zoned | None
    units: tuple[str, ...]
    conflicts: tuple[str, ...]
    places: tuple[Place, ...]
    contributors: Mapping[str, list[Contributor]] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A species of a year: maps to look a cell up in, and the last rank that is hot; -1 where nothing judges it."""

    species: str
    amount_t: NDArray[np.float64]
    view: RankView
    hot: RankView
    hot_rank: int


class Points:
    """Clicks on a run or a zoning. What is opened for the first of them stays open: maps, not copies."""

    def __init__(self, views: Views, origins: Origins, result: Run | StoredZoning) -> None:
        self._views = views
        self.origins = origins
        self._result = result
        self._layers: dict[int, tuple[_Layer, ...]] = {}
        self.threshold = _threshold(result)

    def at(self, *, lon: float, lat: float, year: int | None = None, top: int | None = None) -> Point:
        """What is known at a longitude and latitude (CRS84); ``top`` contributors of each species, none of them if it is None."""
        run, result, views = self.origins.run, self._result, self._views
        when = year_of(result, run, year)
        x, y, cell = cell_at(run, lon, lat)
        here = cell_of(views, run, cell)
        species = tuple(_here(layer, here) for layer in self._of(when))
        zoning = result if isinstance(result, StoredZoning) and when == result.year else None
        total_t = np.array([s.amount_t for s in species])
        return Point(
            result=result.id, run=run.id, year=when, lon=lon, lat=lat, cell=here, species=species, threshold=self.threshold,
            zoned=None if zoning is None else zoned_cell(views, zoning, cell),
            units=_holding(views, zoning, "units", "unit", x, y),
            conflicts=_holding(views, zoning, "conflicts", "conflict", x, y),
            places=tuple(places_at(views.files, run, x, y)),
            contributors=None if top is None else self.origins.named(self.origins.at_cell(cell, when), total_t, top=top),
        )  # fmt: skip

    def _of(self, year: int) -> tuple[_Layer, ...]:
        # Two threads that come first both open the maps: they are the same.
        if year not in self._layers:
            self._layers[year] = tuple(self._layer(year, s) for s in self.origins.run.species)
        return self._layers[year]

    def _layer(self, year: int, species: str) -> _Layer:
        views, run, threshold = self._views, self.origins.run, self.threshold
        amount_t = views.amounts(run, year, species).levels[0]
        view = views.ranks(run, year, species, Order.DENSITY)
        if threshold is None or species not in threshold.species:
            return _Layer(species, amount_t, view, view, -1)
        hot = views.ranks(run, year, species, order_of(threshold.mode))
        cut = hot.cut(threshold.mode, threshold.share, tie_overshoot=threshold.tie_overshoot)
        return _Layer(species, amount_t, view, hot, cut.rank)


def _here(layer: _Layer, cell: Cell) -> SpeciesHere:
    at = cell.row, cell.col
    amount, rank = float(layer.amount_t[at]), int(layer.view.plane.levels[0][at])
    hot = None if layer.hot_rank < 0 else 0 < int(layer.hot.plane.levels[0][at]) <= layer.hot_rank
    shares = [layer.view.share(mode, rank) if rank else None for mode in (Mode.AREA, Mode.MASS)]
    return SpeciesHere(
        layer.species, amount, amount / cell.area_km2, rank, layer.view.layer.ranks, shares[0], shares[1], hot
    )


def year_of(result: Run | StoredZoning, run: Run, year: int | None) -> int:
    """The year asked for, else that of the zoning, else the run's last."""
    when = year if year is not None else result.year if isinstance(result, StoredZoning) else run.years[-1]
    if when not in run.years:
        raise InvalidParameter(f"year {when} is not in run {run.id}; it has {', '.join(map(str, run.years))}")
    return when


def cell_at(run: Run, lon: float, lat: float) -> tuple[float, float, int]:
    """X and y in the grid's CRS of a longitude and latitude, and the cell that owns the point."""
    if not (math.isfinite(lon) and math.isfinite(lat) and -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise InvalidParameter(f"lon {lon!r}, lat {lat!r}; degrees from -180 to 180 and from -90 to 90 are expected")
    x, y = transformer(CRS84, run.grid.crs).transform(lon, lat)
    if math.isfinite(x) and math.isfinite(y):
        row, col = run.grid.index(x=x, y=y)
        if row >= 0:
            return float(x), float(y), int(row) * run.grid.cols + int(col)
    raise NotFound(f"lon {lon!r}, lat {lat!r} lies outside the grid of run {run.id}")


def cell_of(views: Views, run: Run, cell: int) -> Cell:
    """A cell by its id."""
    if not 0 <= cell < run.grid.size:
        raise NotFound(f"no cell {cell}; cell ids of this grid run from 0 to {run.grid.size - 1}")
    row, col = divmod(cell, run.grid.cols)
    x, y = run.grid.centre(cell)
    lon, lat = transformer(run.grid.crs, CRS84).transform(float(x), float(y))
    area_km2 = float(run.grid.cell_area_m2[row, col]) * 1e-6
    return Cell(cell, row, col, lon, lat, area_km2, bool(views.valid(run).levels[0][row, col]))


def _threshold(result: Run | StoredZoning) -> Threshold | None:
    """The threshold at which cells are hot; None where the run has no carbon, or no pollutant, to class by."""
    try:
        return threshold_of(result)
    except InvalidParameter:
        return None


def _holding(views: Views, zoning: StoredZoning | None, name: str, key: str, x: float, y: float) -> tuple[str, ...]:
    if zoning is None:
        return ()
    stored = open_table(views.directory, zoning, name)
    rows = holding(stored.table, x, y, box=_BOX)
    return tuple(stored.take(np.array(rows, np.int64), [key])[key].to_pylist()) if rows else ()


def zoned_cell(views: Views, zoning: StoredZoning, cell: int) -> Zoned | None:
    """What a zoning's table of cells says about one of them."""
    stored = open_table(views.directory, zoning, "cells")
    at = stored.positions("cell", [cell])
    if not len(at):
        return None
    row: dict[str, Any] = stored.take(at).to_pylist()[0]
    return Zoned(
        row["class"], row["tier"], row["robustness"], row["membership"], row["years_hot"], row["proxy_share"], row["patch"],
        row["seed"], row["filled"], row["unit"], tuple(_of_species(row, s) for s in zoning.species),
    )  # fmt: skip


def _of_species(row: Mapping[str, Any], code: str) -> ZonedSpecies:
    tiers = {t: row[f"{code}_{t}"] for t in ("point", "line", "surrogate", "uniform") if row[f"{code}_{t}"] > 0}
    return ZonedSpecies(
        code, row[f"{code}_hot"], row[f"{code}_z"], row[f"{code}_p"], row[f"{code}_significant"], row[f"{code}_membership"],
        row[f"{code}_proxy"], tiers, row[f"{code}_pattern"],
    )  # fmt: skip
