"""Overlap with its null over a country in cells of 1 km, beside numpy's roll; Mann-Kendall beside scipy's Kendall, cell by cell."""

from __future__ import annotations

import time

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import kendalltau

from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.overlap import overlap
from gis.hotspots.ranks import rank_layers
from gis.hotspots.trends import emerging

__all__ = ["run"]

_NAMES = ("co2", "nox", "pm25", "vocs")
_SHIFTS = 999
_YEARS = 5


def run(repeats: int = 5) -> list[Row]:
    """The null of six pairs of species, and the patterns of five years."""
    domain = _country()
    return [_overlap(domain, repeats), _patterns(domain.size, repeats)]


def _country() -> Domain:
    # An ellipse in a window of the size of China's at 1 km: 9.6 million cells.
    rows, cols = 3412, 4415
    grid = Grid(crs="EPSG:6933", transform=Affine(1000, 0, 0, 0, -1000, 4e6), shape=(rows, cols))
    y, x = np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : cols * 1j]
    domain = Domain.of(grid, x**2 + y**2 <= 0.812)
    _ = domain.area_km2, domain.equal_area
    return domain


def _amounts(domain: Domain) -> NDArray[np.float64]:
    # Heavy-tailed, clustered over tens of kilometres, and alike between the species as emissions are.
    generator = np.random.default_rng(1)
    common = gaussian_filter(generator.standard_normal(domain.grid.shape, np.float32), 25) * 90
    fields = []
    for _ in _NAMES:
        own = gaussian_filter(generator.standard_normal(domain.grid.shape, np.float32), 3) * 10
        fields.append(np.exp(common + own).ravel()[domain.cells].astype(np.float64))
    return np.stack(fields)


def _rolled(domain: Domain, amount: NDArray[np.float64], shift: tuple[int, int]) -> list[float]:
    """Jaccard of every two species after one shift: what numpy does with whole arrays."""
    valid = domain.on_grid(np.ones(domain.size, np.bool_), fill=False)
    support = valid & np.roll(valid, shift, axis=(0, 1))
    keep = int(0.05 * support.sum())
    hot = []
    for values in amount:
        both = []
        for moved in (False, True):
            field = domain.on_grid(values)
            placed = (np.roll(field, shift, axis=(0, 1)) if moved else field)[support]
            both.append(placed >= np.partition(placed, len(placed) - keep)[-keep])
        hot.append(both)
    return [
        float((hot[i][0] & hot[j][1]).sum() / (hot[i][0] | hot[j][1]).sum()) for i in range(4) for j in range(i + 1, 4)
    ]


def _overlap(domain: Domain, repeats: int) -> Row:
    amount = _amounts(domain)
    layers = rank_layers(domain, amount)

    def ours() -> object:
        return overlap(domain, layers, species=_NAMES, amount_t=amount, shifts=_SHIFTS, seed=1)

    overlap(domain, layers, species=_NAMES, amount_t=amount, shifts=2, seed=1)  # compiled
    seconds = alternate({"cozone": ours}, 1 if repeats < 5 else 3)["cozone"]
    begin = time.perf_counter()
    for shift in ((300, 500), (-700, 40)):
        _rolled(domain, amount, shift)
    peer = (time.perf_counter() - begin) / 2 * _SHIFTS
    return Row(
        f"overlap and null, 4 species, {domain.size / 1e6:.1f} M cells, {_SHIFTS} shifts",
        seconds,
        {"numpy roll + partition": peer},
        "≤ 12 s",
        "the peer is two shifts, scaled; Jaccard alone, without the masses of capture",
    )


def _patterns(cells: int, repeats: int) -> Row:
    generator = np.random.default_rng(1)
    z = generator.standard_normal((_YEARS, cells), np.float32)
    hot = z > 1.6
    seconds = alternate({"cozone": lambda: emerging(hot, z)}, repeats)["cozone"]
    few = 2000
    begin = time.perf_counter()
    for i in range(few):
        kendalltau(np.arange(_YEARS), z[:, i], method="exact")
    peer = (time.perf_counter() - begin) / few * cells
    return Row(
        f"patterns and Mann-Kendall, {_YEARS} years, {cells / 1e6:.1f} M cells",
        seconds,
        {"scipy kendalltau": peer},
        "",
        f"the peer is {few} cells, scaled; the test alone",
    )
