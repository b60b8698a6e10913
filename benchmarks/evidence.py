"""Evidence: Gi* of 12 M cells, conditional p-values of 1 M, beside scipy.ndimage, esda and pygeoda.

esda and pygeoda take minutes at full size and are scaled by the number of cells. esda's conditional permutation copies the array for every
cell: its own kernel is given the whole million cells and asked for the p-values of the first 200. Its analytic G_Local and pygeoda,
whose time a cell hardly depends on their number, are given a smaller grid.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pygeoda
import shapely
from affine import Affine
from esda.crand import compute_chunk, vec_permutations
from scipy import ndimage

from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.hotspots.conditional import conditional_tails
from gis.hotspots.discovery import score_discoveries
from gis.hotspots.domain import Domain
from gis.hotspots.fields import Field, field_of, mid_ranks
from gis.hotspots.getis import getis_ord
from gis.hotspots.moran import local_moran
from gis.hotspots.neighbours import Contiguity, Neighbourhood, neighbourhood

__all__ = ["run"]

_NONE = np.zeros(0)
_DRAWS = 1_000_000
_ANALYTIC, _GEODA = 200, 300  # rows and columns of what the slow peers are given
_ESDA = 200  # cells


def _case(rows: int, cols: int) -> tuple[Domain, np.ndarray, Neighbourhood]:
    grid = Grid(crs="EPSG:6933", transform=Affine(1000, 0, 0, 0, -1000, 4e6), shape=(rows, cols))
    rng = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(rng.normal(size=grid.shape), 3.0)
    values = np.exp(2 * rng.normal(size=grid.shape) + 8 * smooth) * (rng.uniform(size=grid.shape) > 0.3)
    return Domain.of(grid, np.ones(grid.shape, bool)), values.ravel(), neighbourhood(grid, Contiguity.QUEEN)


def _analytic(repeats: int) -> Row:
    domain, values, near = _case(3000, 4000)
    field = mid_ranks(domain, values, _NONE)
    ranks = (field.whole / 2).reshape(domain.grid.shape)
    mean, s, n = ranks.mean(), ranks.std(), ranks.size
    w = ndimage.uniform_filter(np.ones(ranks.shape), 3, mode="constant") * 9

    def ours() -> Any:
        # A field anew, so that its mean and deviation are worked out as well.
        return score_discoveries(getis_ord(Field(domain, field.whole), near).z, 0.05)

    def scipy_ndimage() -> Any:
        return (ndimage.uniform_filter(ranks, 3, mode="constant") * 9 - mean * w) / (
            s * np.sqrt((n * w - w * w) / (n - 1))
        )

    small = mid_ranks(*_case(_ANALYTIC, _ANALYTIC)[:2], _NONE).whole / 2
    links = libpysal.weights.fill_diagonal(libpysal.weights.lat2W(_ANALYTIC, _ANALYTIC, rook=False), 1.0)
    times = alternate(
        {
            "ours": ours,
            "scipy.ndimage": scipy_ndimage,
            "esda": lambda: esda.G_Local(small, links, transform="b", star=True, permutations=0),
        },
        repeats,
    )
    scale = ranks.size / _ANALYTIC**2
    return Row(
        "Gi*, queen, and FDR, 12 M cells, ranks given", times["ours"],
        {"scipy.ndimage": times["scipy.ndimage"], "esda": times["esda"] * scale}, "≥ 2 × scipy.ndimage, ≥ 100 × esda",
        f"scipy.ndimage without FDR; esda's G_Local on {_ANALYTIC**2:,} cells, scaled",
    )  # fmt: skip


def _geoda(values: np.ndarray) -> tuple[Any, list[float]]:
    rows, cols = np.divmod(np.arange(_GEODA**2), _GEODA)
    frame = gpd.GeoDataFrame({"v": values}, geometry=shapely.box(cols, -rows - 1, cols + 1, -rows), crs="EPSG:6933")
    return pygeoda.queen_weights(pygeoda.open(frame)), values.tolist()


def _esda(values: np.ndarray, function: Any) -> Callable[[], Any]:
    """esda's conditional permutation, serial as it is by default, of the first cells among all of them."""
    m, some = _ESDA, np.arange(_ESDA)
    drawn = vec_permutations(8, len(values), 999, 1)
    return lambda: compute_chunk(
        0, values[some], values, values[some], np.full(m, 8), np.ones(m), np.ones(8 * m), drawn, 1.0, False, function, 0.0,
        "directed",
    )  # fmt: skip


def _conditional(
    work: str, repeats: int, ours: Callable[[Domain, np.ndarray, Neighbourhood], Any], by_esda: Any, by_geoda: Any
) -> Row:
    domain, values, near = _case(1000, 1000)
    queen, some = _geoda(_case(_GEODA, _GEODA)[1])
    geoda = {"permutations": 999, "permutation_method": "lookup-table", "cpu_threads": 2}
    times = alternate(
        {
            "ours": lambda: ours(domain, values, near),
            "esda": _esda(values, by_esda),
            "pygeoda": lambda: by_geoda(queen, some, **geoda),
        },
        repeats,
    )
    peers = {"esda": times["esda"] * 1e6 / _ESDA, "pygeoda look-up": times["pygeoda"] * 1e6 / _GEODA**2}
    return Row(
        work, times["ours"], peers, "≥ 400 × esda, ≥ 20 × pygeoda",
        f"ours {_DRAWS:,} draws, peers 999 permutations of {_ESDA} and {_GEODA**2:,} cells, scaled; pygeoda without loading",
    )  # fmt: skip


def run(repeats: int = 5) -> list[Row]:
    """Gi* with FDR; conditional p-values of Gi* (ranking included) and of local Moran (both tails)."""

    def gi(domain: Domain, values: np.ndarray, near: Neighbourhood) -> Any:
        field = mid_ranks(domain, values, _NONE)
        return conditional_tails(field, getis_ord(field, near).window, draws=_DRAWS, seed=1)

    def moran(domain: Domain, values: np.ndarray, near: Neighbourhood) -> Any:
        return local_moran(field_of(domain, values, _NONE), near, draws=_DRAWS, seed=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        return [
            _analytic(repeats),
            _conditional(
                "conditional p of Gi*, 1000 × 1000", repeats, gi, esda.getisord._g_local_star_crand, pygeoda.local_gstar
            ),
            _conditional(
                "conditional p of local Moran, both tails, 1000 × 1000", repeats, moran, esda.moran._moran_local_crand,
                pygeoda.local_moran,
            ),
        ]  # fmt: skip
