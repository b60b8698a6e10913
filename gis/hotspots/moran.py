"""Moran's I, of one variable and of two: does a cell resemble its neighbours, or one variable the other's surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.conditional import Method, conditional_tails
from gis.hotspots.fields import Field
from gis.hotspots.neighbours import Neighbourhood, Window, windows
from gis.kernels.neighbours import lagged_means, lagged_products

__all__ = ["LocalMoran", "bivariate_moran", "check_pair", "global_lee", "global_moran", "local_moran"]

_BLOCK = 1 << 14  # of the kernels that sum by blocks


@dataclass(frozen=True, slots=True, eq=False)
class LocalMoran:
    """Local I of each domain cell, NaN for an island; p that it be so high or higher, so low or lower.

    ``quadrant``: 1 high among high, 2 low among high, 3 low among low, 4 high among low, 0 an island.
    """

    local: NDArray[np.float64]
    p_high: NDArray[np.float64]
    p_low: NDArray[np.float64]
    quadrant: NDArray[np.uint8]
    global_i: float
    method: Method
    least_p: float
    islands: int

    @property
    def p(self) -> NDArray[np.float64]:
        """Two-sided p: twice the smaller tail."""
        two: NDArray[np.float64] = np.minimum(2.0 * np.minimum(self.p_high, self.p_low), 1.0)
        return two


def local_moran(field: Field, near: Neighbourhood, *, draws: int = 1_000_000, seed: int = 0) -> LocalMoran:
    """Local Moran's I (Anselin 1995) with binary weights, Iᵢ = (n − 1)·zᵢ·Σzⱼ/Σz², and conditional p-values."""
    return bivariate_moran(field, field, near, draws=draws, seed=seed)


def bivariate_moran(x: Field, y: Field, near: Neighbourhood, *, draws: int = 1_000_000, seed: int = 0) -> LocalMoran:
    """The bivariate local form: x in the cell, y in its neighbours. What y does in the cell itself is ignored: see ``lee_l``."""
    check_pair(x, y)
    window = windows(y, near)
    tails = conditional_tails(y, window, draws=draws, seed=seed, low=True)
    low = tails.high if tails.low is None else tails.low
    k = window.neighbours
    if x.constant or y.constant:
        nothing = np.full(len(k), np.nan)
        ones = np.ones(len(k))
        return LocalMoran(
            nothing, ones, ones, np.zeros(len(k), np.uint8), np.nan, tails.method, tails.least, int((k == 0).sum())
        )
    zx = (x.own - x.mean) / x.deviation
    lag = (window.near(y) - k * y.mean) / y.deviation
    # With zx held, I is as high as or higher than it is when the neighbours' sum is (zx above 0), or as low or lower (below 0).
    p_high = np.where(zx > 0, tails.high, np.where(zx < 0, low, 1.0))
    p_low = np.where(zx > 0, low, np.where(zx < 0, tails.high, 1.0))
    quadrant = np.where(zx > 0, np.where(lag > 0, 1, 4), np.where(lag > 0, 2, 3)).astype(np.uint8)
    quadrant[k == 0] = 0
    local = np.where(k > 0, (x.size - 1) / x.size * zx * lag, np.nan)
    return LocalMoran(
        local, p_high, p_low, quadrant, global_moran(x, y, window), tails.method, tails.least, int((k == 0).sum())
    )


def global_moran(x: Field, y: Field, window: Window) -> float:
    """I = (n/Σw)·Σᵢ zxᵢ Σⱼ w zyⱼ / √(Σzx² Σzy²) over the domain's cells, ``window`` that of y; NaN where all are equal or alone."""
    if x.constant or y.constant:
        return float("nan")
    out = np.empty((-(-x.domain.size // _BLOCK), 2))
    lagged_products(x.own, y.own, window.total, window.count, x.mean, y.mean, out)
    products, neighbours = out.sum(axis=0)
    return float(products / neighbours / (x.deviation * y.deviation)) if neighbours else float("nan")


def global_lee(x: Field, y: Field, window_x: Window, window_y: Window) -> float:
    """Lee's L: the mean product of the two variables' neighbourhood means, as standard scores, over cells with neighbours."""
    if x.constant or y.constant:
        return float("nan")
    out = np.empty((-(-x.domain.size // _BLOCK), 2))
    lagged_means(window_x.total, window_y.total, window_x.count, x.mean, y.mean, out)
    products, cells = out.sum(axis=0)
    return float(products / cells / (x.deviation * y.deviation)) if cells else float("nan")


def check_pair(x: Field, y: Field) -> None:
    """Refuse two fields that do not lie on the same domain."""
    if x.domain is not y.domain:
        raise InvalidParameter("the two fields lie on different domains; make both from the same one")
