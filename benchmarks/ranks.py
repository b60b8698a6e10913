"""Rank layers, new thresholds and concentration: 4 species × 10 M cells, beside numpy and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.hotspots.concentration import concentration_matrix
from gis.hotspots.domain import Domain
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.ranks import Mode, RankLayer, rank_layers

__all__ = ["bench_amounts", "bench_domain", "run"]

Floats = NDArray[np.float64]

_SPECIES = ("co2", "nox", "pm25", "vocs")
_ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"


def bench_domain(rows: int = 4000, cols: int = 2500) -> Domain:
    """10 M cells of 1 km, all valid."""
    grid = Grid(crs=_ALBERS, transform=Affine(1000, 0, -2e6, 0, -1000, 5e6), shape=(rows, cols))
    domain = Domain.of(grid, np.ones(grid.shape, bool))
    assert domain.equal_area and domain.total_area_km2 > 0
    return domain


def bench_amounts(domain: Domain, *, seed: int = 1) -> Floats:
    """Heavy-tailed amounts, related across species; every cell emits and hardly two are alike, which is the hardest case."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 2, domain.size)
    return np.stack([np.exp(common + rng.normal(0, 1.5, domain.size)) for _ in _SPECIES])


def _numpy_layers(amounts: Floats) -> list[Any]:
    out = []
    for values in amounts:
        order = np.argsort(-values)
        ordered = values[order]
        group = np.cumsum(np.append(True, ordered[1:] != ordered[:-1]))
        rank = np.empty(len(values), np.uint32)
        rank[order] = group
        ends = np.append(np.flatnonzero(np.diff(group)), len(values) - 1)
        out.append((rank, ends + 1, np.cumsum(ordered)[ends]))
    return out


def _numpy_bits(amounts: Floats, q: float) -> NDArray[np.uint8]:
    out = np.zeros(amounts.shape[1], np.uint8)
    for i, values in enumerate(amounts):
        out |= (values >= np.quantile(values, 1.0 - q)).astype(np.uint8) << np.uint8(i)
    return out


def _numpy_matrix(amounts: Floats, x: Floats) -> list[Any]:
    at = (x * amounts.shape[1]).astype(np.int64) - 1
    out = []
    for values in amounts:
        order = np.argsort(-values)
        held = [own[order].cumsum() for own in amounts]
        out.append([(h[at] / h[-1], 2 * h.sum() / h[-1] / len(h)) for h in held])
    return out


def _bits(layers: tuple[RankLayer, ...], q: float) -> NDArray[np.uint8]:
    return hot_bits(layers, [layer.cut(Mode.AREA, q) for layer in layers])


def run(repeats: int = 5) -> list[Row]:
    """Making rank layers, cutting them anew, and the matrix of concentration."""
    domain = bench_domain()
    amounts = bench_amounts(domain)
    layers = rank_layers(domain, amounts)
    x = np.array([0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    few = min(repeats, 3)
    made = alternate(
        {
            "ours": lambda: rank_layers(domain, amounts),
            "numpy argsort": lambda: _numpy_layers(amounts),
            "scipy rankdata": lambda: [rankdata(-values, "dense") for values in amounts],
        },
        few,
    )
    cut = alternate(
        {"ours": lambda: _bits(layers, 0.07), "numpy quantile": lambda: _numpy_bits(amounts, 0.07)}, repeats
    )
    matrix = alternate(
        {
            "ours": lambda: concentration_matrix(domain, _SPECIES, amounts, layers=layers),
            "numpy argsort": lambda: _numpy_matrix(amounts, x),
        },
        few,
    )
    return [
        Row(
            "rank layers, 4 species × 10 M cells", made.pop("ours"), made, "≤ 2 s",
            "every cell emits, hardly two alike; rank, cumulative count and mass, compensated; scipy only ranks",
        ),
        Row(
            "new threshold: cut and hot bits, 4 species × 10 M cells", cut.pop("ours"), cut, "≤ 40 ms",
            "from the rank layers; ties whole",
        ),
        Row(
            "concentration, 4 × 4 species, 10 M cells, rank layers given", matrix.pop("ours"), matrix, "",
            "7 shares and the Gini coefficient of each pair; numpy sorts first",
        ),
    ]  # fmt: skip
