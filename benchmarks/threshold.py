"""A new threshold on 10 million cells: hot sets, classes and patches from rank layers; and the outlines of the patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.features import shapes
from scipy import ndimage

from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.ranks import Mode, RankLayer, rank_layers
from gis.zoning.classes import CellClass, class_table, rule_table
from gis.zoning.delineation import Delineation, delineate
from gis.zoning.outlines import outlines

__all__ = ["run"]

_SHAPE = (3400, 3900)
_SPECIES = 4
_Q, _Q_LOW = 0.05, 0.10
_CLASSES, _RULES = class_table(_SPECIES - 1, 2), rule_table(_SPECIES - 1, 2)


def emission_fields() -> tuple[Domain, NDArray[np.float64]]:
    """A country-like domain of 10 million cells, and four species that share their clusters, heavy-tailed, with lone cells."""
    rng = np.random.default_rng(5)
    grid = Grid(crs=CRS.from_epsg(6933), transform=Affine(1000, 0, 0, 0, -1000, 5e6), shape=_SHAPE)
    row, col = np.ogrid[: _SHAPE[0], : _SHAPE[1]]
    domain = Domain.of(grid, (2 * row / _SHAPE[0] - 1) ** 2 + (2 * col / _SHAPE[1] - 1) ** 2 < 0.963)

    def field(cells: float) -> NDArray[np.float32]:
        made = ndimage.gaussian_filter(rng.standard_normal(_SHAPE, np.float32), cells)[domain.on_grid(_all(domain))]
        return np.asarray(made / made.std(), np.float32)

    shared = 0.8 * field(12.0) + 0.6 * field(3.0)
    amount = np.empty((_SPECIES, domain.size))
    for s in range(_SPECIES):
        own = 0.3 * field(3.0) + 0.15 * rng.standard_normal(domain.size, np.float32)
        amount[s] = np.exp(2.0 * (shared + own))
    return domain, amount


def _all(domain: Domain) -> NDArray[np.bool_]:
    return np.ones(domain.size, np.bool_)


def threshold(domain: Domain, layers: Sequence[RankLayer], q: float, q_low: float) -> Delineation:
    """What a user waits for after moving the threshold."""
    bits, bits_low = (hot_bits(layers, [layer.cut(Mode.AREA, share) for layer in layers]) for share in (q, q_low))
    return delineate(domain, bits, bits_low, classes=_CLASSES, rules=_RULES, hole_cells=1)


def _by_scipy(full: NDArray[np.uint32], cuts: Sequence[int]) -> list[Any]:
    """Classes at q and the queen components of each: no growth, no holes, no numbers by class."""
    bits = np.zeros(_SHAPE, np.uint8)
    for s, rank in enumerate(cuts):
        bits |= ((full[s] > 0) & (full[s] <= rank)).astype(np.uint8) << s
    klass = _CLASSES[bits]
    return [ndimage.label(klass == c, np.ones((3, 3))) for c in CellClass if c]


def _by_rasterio(labels: NDArray[np.int32]) -> list[Any]:
    """Parts of patches as polygons (GDAL's polygonize), which leaves the parts of a patch to be put together."""
    return [shapely.geometry.shape(shape) for shape, value in shapes(labels, labels >= 0) if value >= 0]


def run(repeats: int = 5) -> list[Row]:
    """A new threshold beside numpy and scipy.ndimage.label, outlines beside GDAL's polygonize."""
    domain, amount = emission_fields()
    layers = rank_layers(domain, amount)
    cuts = [layer.cut(Mode.AREA, _Q) for layer in layers]
    full = np.stack([domain.on_grid(layer.rank) for layer in layers])
    made = threshold(domain, layers, _Q, _Q_LOW)
    bits = [hot_bits(layers, [layer.cut(Mode.AREA, share) for layer in layers]) for share in (_Q, _Q_LOW)]
    times = alternate(
        {
            "ours": lambda: threshold(domain, layers, _Q, _Q_LOW),
            "patches": lambda: delineate(domain, *bits, classes=_CLASSES, rules=_RULES, hole_cells=1),
            "scipy": lambda: _by_scipy(full, [cut.rank for cut in cuts]),
        },
        repeats,
    )
    wanted = (made.patches["cells"] >= 3).to_numpy()
    labels = domain.on_grid(np.where(wanted[made.patch] & (made.patch >= 0), made.patch, -1).astype(np.int32), fill=-1)
    drawn = alternate(
        {"ours": lambda: outlines(domain, made.patch, wanted), "GDAL": lambda: _by_rasterio(labels)},
        max(1, repeats // 2),
    )
    cells = int((made.patch >= 0).sum())
    share = f"{(bits[1] > 0).mean():.0%} of {domain.size / 1e6:.1f} M cells hot at q_low"
    return [
        Row(
            f"new threshold, {_SPECIES} species, 10 M cells: hot sets, classes, patches", times["ours"],
            {"numpy + scipy.ndimage.label": times["scipy"]}, "≤ 150 ms",
            f"{share}, {len(made.patches):,} patches; the peer neither grows nor fills",
        ),
        Row("of it: classes and patches", times["patches"], {}, "≤ 100 ms", f"{cells / 1e6:.2f} M cells in patches"),
        Row(
            f"outlines of {int(wanted.sum()):,} patches, {int((labels >= 0).sum()) / 1e6:.2f} M cells", drawn["ours"],
            {"GDAL polygonize": drawn["GDAL"]}, "≤ 3 s", "the peer's borders do not share their vertices",
        ),
    ]  # fmt: skip
