"""Membership: 500 draws of 4 species × 12 sectors over 1 M cells, beside numpy doing the same draw by draw."""

from __future__ import annotations

import resource
import time

import numpy as np

from benchmarks.rows import Row
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions, Sparse
from gis.hotspots.membership import Membership, membership
from gis.hotspots.ranks import Mode, rank_layer
from gis.hotspots.uncertainty import ErrorPart, ErrorSizes, read_error_sizes
from gis.species import SECTORS
from gis.zoning.classes import rule_table

__all__ = ["run"]

_SPECIES = ("co2", "nox", "pm25", "vocs")
_POINTS = ("power", "steel", "building_materials", "petrochemical", "chemical", "non_ferrous")
_DRAWS = 500


def country(rows: int, cols: int, seed: int = 1) -> Emissions:
    """Plants in a few cells, roads in one of eight, everything else wherever people are."""
    rng = np.random.default_rng(seed)
    grid = Grid.covering((0.0, 0.0, cols * 1000.0, rows * 1000.0), crs="EPSG:6933", cell=1000.0)
    domain = Domain.of(grid, np.ones(grid.shape, bool))
    n = domain.size
    people = np.exp(np.repeat(rng.normal(0.0, 1.5, n // 50 + 1), 50)[:n] + rng.normal(0.0, 0.8, n))
    by_sector, amount = {}, np.zeros((len(_SPECIES), n))
    for sector in SECTORS:
        if sector in _POINTS:
            where = np.sort(rng.choice(n, n // 2000, replace=False))
            base = np.zeros(n)
            base[where] = np.exp(rng.normal(6.0, 1.5, len(where)))
        elif sector in ("road", "shipping"):
            base = np.where(rng.random(n) < 0.125, people, 0.0)
        else:
            base = people * np.exp(rng.normal(0.0, 0.3, n))
        for s, species in enumerate(_SPECIES):
            value = base * np.exp(rng.normal(0.0, 0.5))
            by_sector[species, sector] = Sparse.of(value)
            amount[s] += value
    return Emissions(
        domain,
        2020,
        _SPECIES,
        tuple(SECTORS),
        amount,
        np.zeros((len(_SPECIES), 0)),
        np.zeros_like(amount),
        by_sector,
        {},
    )


def _tier(sector: str) -> str:
    return "point" if sector in _POINTS else "line" if sector in ("road", "shipping") else "surrogate"


def drawn(emissions: Emissions, sizes: ErrorSizes, draws: int, *, side: int = 50) -> Membership:
    """Membership with square counties and the hottest cells in small patches."""
    row, col = emissions.domain.row_col
    county = ((row // side) * (emissions.domain.grid.shape[1] // side + 1) + col // side).astype(np.int32)
    layers = [rank_layer(emissions.domain, a) for a in emissions.amount_t]
    bits = sum(
        ((x.rank > 0) & (x.rank <= x.cut(Mode.AREA, 0.05).rank)).astype(np.uint8) << s for s, x in enumerate(layers)
    )
    klass = np.where(bits & 1, np.where(bits > 1, 4, 2), 0).astype(np.uint8)
    patch = np.full(emissions.domain.size, -1, np.int32)
    some = np.flatnonzero(klass == 4)
    patch[some] = np.arange(len(some), dtype=np.int32) // 40
    return membership(
        emissions, sizes, mode=Mode.AREA, q=0.05, draws=draws, seed=7, region=county, klass=klass, rule=rule_table(3, 2),
        sector_tier={(s, z): _tier(z) for s in _SPECIES for z in SECTORS}, patch=patch, patches=int(patch.max()) + 1,
    )  # fmt: skip


def plain(emissions: Emissions, sizes: ErrorSizes, draws: int) -> np.ndarray:
    """The same model as numpy would be asked for it, one draw after the other; no rule, no patches."""
    rng = np.random.default_rng(7)
    n = emissions.domain.size
    hits = np.zeros((len(_SPECIES), n))
    row, col = emissions.domain.row_col
    county = row // 50 * (emissions.domain.grid.shape[1] // 50 + 1) + col // 50
    for _ in range(draws):
        cell = {t: rng.lognormal(-0.5 * s.sigma**2, s.sigma, n) for t, s in sizes.cell.items() if t != "uniform"}
        total = {z: rng.normal(size=county.max() + 1) for z in SECTORS}
        activity = {z: rng.normal() for z in SECTORS}
        for s, species in enumerate(_SPECIES):
            amount = np.zeros(n)
            for z in SECTORS:
                layer = emissions.by_sector[species, z]
                a, f, t = (sizes.size(part, z, species).sigma for part in ErrorPart)
                log = a * activity[z] + f * rng.normal() + t * total[z] - 0.5 * (a * a + f * f + t * t)
                at = slice(None) if layer.at is None else layer.at
                amount[at] += layer.value * np.exp(log)[county[at]] * cell[_tier(z)][at]
            hits[s] += amount >= np.partition(amount, n - n // 20)[n - n // 20]
    return hits / draws


def run(repeats: int = 3) -> list[Row]:
    """1 M cells; the peer runs a few draws and is scaled."""
    emissions, sizes = country(1000, 1000), read_error_sizes()
    drawn(country(40, 50), sizes, 64, side=10)
    ours = []
    for _ in range(repeats):
        start = time.perf_counter()
        drawn(emissions, sizes, _DRAWS)
        ours.append(time.perf_counter() - start)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start = time.perf_counter()
    plain(emissions, sizes, 4)
    peer = (time.perf_counter() - start) * _DRAWS / 4
    return [
        Row(
            "membership, B = 500, 4 species × 12 sectors, 1 M cells", float(np.median(ours)), {"numpy, draw by draw": peer},
            "≤ 60 s, ≤ 2 GB", f"peak {peak_gb:.2f} GB with the input; the peer scaled from 4 draws",
        )
    ]  # fmt: skip
