"""Views: planes, ranks and thresholds of published results, made when they are first looked at and mapped from then on."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter, NotFound
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Order, order_of, rank_layer
from gis.regions.roles import Role
from gis.tiles.plane import Fold, Plane, fold_plane, read_plane, write_plane
from gis.tiles.scales import Scale, density_scale
from gis.views.files import Files, key_of
from gis.views.ranks import (
    DomainView,
    RankView,
    read_columns,
    read_domain,
    read_ranks,
    write_columns,
    write_domain,
    write_ranks,
)
from gis.views.styles import CHANGE_CODES
from gis.views.thresholds import Threshold, ThresholdView, classify
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.emissions import domain_of, refuse_unknown
from gis.zoning.apeq import APEQ

__all__ = ["Views"]

Made = TypeVar("Made")
Weights = tuple[tuple[str, float], ...]
# Files that are kept open: mapped, they take no memory of their own.
_OPEN = 256
# What is used stays young on disk as well, but a file system is not asked at every tile.
_TOUCH_S = 300.0
_TIERS = 3
# Tiers that rest on something that stands for the emission.
_PROXIES = (Tier.SURROGATE, Tier.UNIFORM)
# A nation's cells take a gigabyte while they are ranked, by all threads there are: one species at a time.
_RANKING = Lock()
# What makes a file is part of its name: change the way, change the number.
_FORMAT = "views-1"
_MB = 1_000_000


class Views:
    """What is looked at, for any number of threads and processes over one directory; everything in it can be made again."""

    def __init__(self, directory: Path, *, memory_bytes: int = 256 * _MB, disk_bytes: int = 20_000 * _MB) -> None:
        self.directory = directory
        self.memory_bytes = memory_bytes
        self.files = Files(directory, disk_bytes=disk_bytes)
        self._open: OrderedDict[str, tuple[Any, float]] = OrderedDict()
        self._thresholds: OrderedDict[Hashable, ThresholdView] = OrderedDict()
        self._guard = Lock()
        self._busy: dict[Hashable, Lock] = {}

    # -- planes of a run ----------------------------------------------------------------------------------------------

    def amounts(self, run: Run, year: int, species: str, sector: str | None = None) -> Plane:
        """Amounts of a species, t/yr; of one sector, or of all of them."""
        refuse_unknown(run, year=year, species=(species,))
        if sector is not None and sector not in run.sectors:
            raise InvalidParameter(f"sector {sector!r} is not in run {run.id}; it has {', '.join(run.sectors)}")

        def make() -> Plane:
            values = run.total(year, species) if sector is None else run.layer(year, species, sector)
            return fold_plane(values, Fold.SUM)

        return self._plane("amounts", _layer_key(run, year, species, sector), make)

    def valid(self, run: Run) -> Plane:
        """1 for a cell of the run (for a parent of one), else 0."""
        return self._plane(
            "valid", key_of(_FORMAT, run.entry.members["valid", "valid"]),
            lambda: fold_plane(run.valid.astype(np.uint8), Fold.MAX),
        )  # fmt: skip

    def domain(self, run: Run) -> DomainView:
        """The cells in which a zoning of the run decides."""
        name = f"domains/{_domain_key(run)}.arrow"
        return self._opened(name, lambda path: write_domain(domain_of(run), path), read_domain)

    def ranks(
        self, run: Run, year: int, species: str, order: Order = Order.DENSITY, *, among: tuple[str, ...] = ()
    ) -> RankView:
        """Ranks of a species over the run's domain; where all cells have one area both orders are the same.

        ``among`` names species: shares are then of the cells that emit one of them.
        """
        view = self._ranks(run, year, order, ((species, 1.0),))
        return self._among(run, year, view, among) if among else view

    def _ranks(self, run: Run, year: int, order: Order, weights: Weights) -> RankView:
        """Ranks of a weighted sum of species."""
        refuse_unknown(run, year=year, species=[s for s, _ in weights])
        domain = self.domain(run)
        way = Order.DENSITY if domain.equal_area else Order(order)
        key = key_of(_domain_key(run), way, *((weight, _layer_key(run, year, s, None)) for s, weight in weights))
        plane, tables = f"ranks/{key}.plane", f"ranks/{key}.arrow"

        def write(path: Path) -> None:
            cells = Domain(run.grid, domain.cells, np.zeros(0, np.int64))
            amount_t = np.zeros(cells.size)
            for s, weight in weights:
                amount_t += weight * self.amounts(run, year, s).levels[0].reshape(-1)[cells.cells]
            with _RANKING:
                layer = rank_layer(cells, amount_t, order=way)
            # The plane first: whoever finds the tables finds it.
            write_plane(fold_plane(cells.on_grid(layer.rank), Fold.LEAST), self.directory / plane)
            write_ranks(layer, path)

        def read(path: Path) -> RankView:
            return read_ranks(path, read_plane(self.directory / plane))

        return self._opened(tables, write, read)

    def _among(self, run: Run, year: int, view: RankView, species: tuple[str, ...]) -> RankView:
        """The same ranks, as a share of the cells that emit one of some species."""
        key = key_of(_domain_key(run), *(_layer_key(run, year, s, None) for s in species))

        def write(path: Path) -> None:
            emits = np.zeros(run.grid.size, np.bool_)
            for s in species:
                emits |= self._ranks(run, year, Order.DENSITY, ((s, 1.0),)).layer.rank > 0
            write_domain(Domain(run.grid, np.flatnonzero(emits), np.zeros(0, np.int64)), path)

        some = self._opened(f"domains/{key}.arrow", write, read_domain)
        layer = replace(view.layer, total_count=some.size, total_area_km2=some.area_km2)
        return RankView(view.plane, layer)

    def scale(self, run: Run, species: str) -> Scale:
        """Breaks of a species' density, the same for all sectors and years of the run: from its last year."""
        year = run.years[-1]
        refuse_unknown(run, year=year, species=(species,))
        name = f"scales/{_layer_key(run, year, species, None)}.arrow"

        def write(path: Path) -> None:
            amounts = self.amounts(run, year, species).levels[0]
            some = np.nonzero(amounts)
            breaks = density_scale(amounts[some] / (run.grid.cell_area_m2[some] * 1e-6)).breaks
            write_columns(path, {"breaks": np.array(breaks)}, {})

        def read(path: Path) -> Scale:
            return Scale(tuple(read_columns(path)[0]["breaks"].tolist()))

        return self._opened(name, write, read)

    def proxies(self, run: Run, year: int, species: str) -> NDArray[np.float64] | None:
        """What proxies (surrogates, and areas alone) placed of a species in the cells of the domain, t/yr; None if nobody knows."""
        refuse_unknown(run, year=year, species=(species,))
        layers = {e.part: e.hash for e in run.entry.layers if (e.kind, e.year, e.species) == ("tier", year, species)}
        if not layers:
            return None
        wanted = [tier for tier in _PROXIES if tier in layers]
        name = f"proxies/{key_of(_domain_key(run), *(layers[tier] for tier in wanted))}.arrow"

        def write(path: Path) -> None:
            domain = self.domain(run)
            amount_t = np.zeros(domain.size)
            for tier in wanted:
                amount_t += run.at_cells("tier", year, species, tier, domain.cells)
            write_columns(path, {"amount_t": amount_t}, {})

        return self._opened(name, write, lambda path: read_columns(path)[0]["amount_t"])

    # -- planes of products -------------------------------------------------------------------------------------------

    def zoned(self, zoning: StoredZoning, name: str) -> Plane:
        """What a zoning says: its ``class`` and ``tier``, ``membership`` of the class or ``{species}_membership``.

        A parent has the highest number below it, which of tiers is the weakest: where parents are shown, take `evidence`.
        """
        known = (*zoning.rasters, "membership", *(f"{s}_membership" for s in zoning.species))
        if name not in known:
            raise NotFound(f"zoning {zoning.id} has no plane {name!r}; it has {', '.join(known)}")
        key = key_of(_FORMAT, zoning.entry.content_hash, name)
        if name in zoning.rasters:
            return self._plane("zoned", key, lambda: fold_plane(zoning.raster(name), Fold.MAX))
        return self._plane("zoned", key, lambda: fold_plane(_cell_values(zoning, name), Fold.MAX))

    def evidence(self, zoning: StoredZoning) -> Plane:
        """Strength of evidence: 3 for a clustered core, 2 an isolated one, 1 a fringe, so that a parent shows the strongest below it."""

        def make() -> Plane:
            tier = zoning.raster("tier")
            return fold_plane(np.where(tier > 0, _TIERS + 1 - tier, 0).astype(np.uint8), Fold.MAX)

        return self._plane("evidence", key_of(_FORMAT, zoning.entry.content_hash), make)

    def changes(self, comparison: StoredComparison) -> Plane:
        """What became of the class of each cell: 1 left, 2 changed, 3 entered, 0 none of it."""

        def make() -> Plane:
            table = pq.read_table(comparison.member_path("table", "cells"), columns=["cell", "change"])
            codes = np.array([CHANGE_CODES[c] for c in table["change"].to_pylist()], np.uint8)
            return fold_plane(_on_grid(comparison.grid.shape, table["cell"].to_numpy(), codes), Fold.MAX)

        return self._plane("changes", key_of(_FORMAT, comparison.entry.content_hash), make)

    # -- thresholds ---------------------------------------------------------------------------------------------------

    def threshold(self, run: Run, year: int, threshold: Threshold) -> ThresholdView:
        """Hot sets and classes of a run's year at a threshold; the last ones looked at stay in memory."""
        key = (run.id, year, threshold)
        found = self._known_threshold(key)
        if found is not None:
            return found
        with self._guard:
            busy = self._busy.setdefault(key, Lock())
        with busy:
            found = self._known_threshold(key)
            if found is None:
                found = self._made(run, year, threshold)
                self._keep_threshold(key, found)
        with self._guard:
            self._busy.pop(key, None)
        return found

    def _made(self, run: Run, year: int, threshold: Threshold) -> ThresholdView:
        if threshold.min_cells == 1:
            return self._classified(run, year, threshold)
        return self.threshold(run, year, replace(threshold, min_cells=1)).sized(threshold.min_cells)

    def _classified(self, run: Run, year: int, threshold: Threshold) -> ThresholdView:
        order = order_of(threshold.mode)
        ranks = {s: self.ranks(run, year, s, order, among=threshold.among) for s in threshold.species}
        decide, least = threshold.species, threshold.min_pollutants
        if threshold.weights:
            view = self._ranks(run, year, order, threshold.weights)
            ranks[APEQ] = self._among(run, year, view, threshold.among) if threshold.among else view
            decide, least = (threshold.carbon, APEQ), 1
        cuts = {
            s: view.cut(threshold.mode, threshold.share, tie_overshoot=threshold.tie_overshoot)
            for s, view in ranks.items()
        }
        domain, amounts = self.domain(run), {s: self.amounts(run, year, s) for s in threshold.species}
        classes = classify(run.grid.shape, domain, [ranks[s] for s in decide], [cuts[s] for s in decide], least)
        return ThresholdView(
            run, year, threshold, cuts, fold_plane(classes, Fold.MAX), domain, ranks, amounts,
            partial(self.proxies, run, year),
        )  # fmt: skip

    def _known_threshold(self, key: Hashable) -> ThresholdView | None:
        with self._guard:
            found = self._thresholds.get(key)
            if found is not None:
                self._thresholds.move_to_end(key)
            return found

    def _keep_threshold(self, key: Hashable, view: ThresholdView) -> None:
        with self._guard:
            self._thresholds[key] = view
            while len(self._thresholds) > 1 and sum(v.nbytes for v in self._thresholds.values()) > self.memory_bytes:
                self._thresholds.popitem(last=False)

    # -- files --------------------------------------------------------------------------------------------------------

    def _plane(self, kind: str, key: str, make: Callable[[], Plane]) -> Plane:
        return self._opened(f"{kind}/{key}.plane", lambda path: write_plane(make(), path), read_plane)

    def _opened(self, name: str, write: Callable[[Path], None], read: Callable[[Path], Made]) -> Made:
        """What a file holds; what is open already is handed out again."""
        with self._guard:
            if name in self._open:
                self._open.move_to_end(name)
                found, touched = self._open[name]
                if time.monotonic() > touched + _TOUCH_S:
                    self._open[name] = found, time.monotonic()
                    self.files.touch(name)
                return cast(Made, found)
        found = self.files.opened(name, write, read)
        with self._guard:
            self._open[name] = found, time.monotonic()
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
        return found


@lru_cache(maxsize=8192)
def _layer_key(run: Run, year: int, species: str, sector: str | None) -> str:
    """A key of the layers that are summed, in the order in which they are."""
    layers = {(e.year, e.species, e.part): e.hash for e in run.entry.layers if e.kind == "sector"}
    wanted = [layers[year, species, s] for s in run.sectors if (year, species, s) in layers and sector in (None, s)]
    return key_of(_FORMAT, run.grid.content_hash, *wanted)


@lru_cache(maxsize=256)
def _domain_key(run: Run) -> str:
    """A key of what decides about the domain: the run's cells and its regions."""
    regions = [
        f"{entry['role']}:{run.entry.members['regions', entry['name']]}" for entry in run.manifest["regions"]
        if Role(entry["role"]) in (Role.DOMAIN, Role.COUNTY, Role.TOWNSHIP)
    ]  # fmt: skip
    return key_of(_FORMAT, run.entry.members["valid", "valid"], run.grid.content_hash, *regions)


def _cell_values(zoning: StoredZoning, name: str) -> NDArray[np.float32]:
    """A column of the table of cells on the grid; 0 where it says nothing."""
    table = pq.read_table(zoning.member_path("table", "cells"), columns=["cell", name])
    values = np.nan_to_num(table[name].to_numpy().astype(np.float32), nan=0.0)
    return _on_grid(zoning.grid.shape, table["cell"].to_numpy(), values)


def _on_grid(shape: tuple[int, int], cells: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    out = np.zeros(shape[0] * shape[1], values.dtype)
    out[cells] = values
    return out.reshape(shape)
