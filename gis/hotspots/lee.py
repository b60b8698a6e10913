"""Lee's L: do two variables go together in a cell and around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.conditional import sample
from gis.hotspots.fields import Field
from gis.hotspots.moran import check_pair, global_lee
from gis.hotspots.neighbours import Neighbourhood, windows
from gis.kernels.conditional import exceeding_pairs

__all__ = ["LocalLee", "lee_l"]

_MEMBERS = 1 << 22  # members of draws held at a time


@dataclass(frozen=True, slots=True, eq=False)
class LocalLee:
    """Local L of each domain cell, NaN for an island; p that it be so high or higher, so low or lower."""

    local: NDArray[np.float64]
    p_high: NDArray[np.float64]
    p_low: NDArray[np.float64]
    global_l: float
    least_p: float
    islands: int


def lee_l(x: Field, y: Field, near: Neighbourhood, *, draws: int = 999, seed: int = 0) -> LocalLee:
    """Lee's (2001) L with the cell in its own neighbourhood and weights that add up to 1: Lᵢ = mean(zx)·mean(zy).

    With the cell's own pair held, neighbours are drawn as pairs from the other cells; a product of two sums has no table, so every cell
    is compared with every draw that does not hold it.
    """
    check_pair(x, y)
    window_x, window_y = windows(x, near), windows(y, near)
    k = window_x.neighbours
    islands = int((k == 0).sum())
    ones = np.ones(len(k))
    if x.constant or y.constant or islands == len(k):
        return LocalLee(np.full(len(k), np.nan), ones, ones, float("nan"), 1.0, islands)
    counts = np.zeros((len(k), 3), np.int64)
    own, sums_near = np.stack([x.own, y.own]), np.stack([window_x.near(x), window_y.near(y)])
    chunk = max(1, min(draws, _MEMBERS // int(k.max())))
    for first in range(0, draws, chunk):
        drawn, sums = sample([x, y], k, first=first, draws=min(chunk, draws - first), seed=seed)
        exceeding_pairs(
            own, sums_near, k, drawn.level_at, sums, np.array([x.mean, y.mean]), drawn.most, drawn.start, drawn.entry, counts
        )  # fmt: skip
    p_high, p_low = (np.where(k > 0, (counts[:, side] + 1.0) / (counts[:, 0] + 1.0), 1.0) for side in (1, 2))
    w = window_x.count
    local = (window_x.total / w - x.mean) * (window_y.total / w - y.mean) / (x.deviation * y.deviation)
    least = 1.0 / (float(counts[:, 0].max()) + 1.0)
    return LocalLee(np.where(k > 0, local, np.nan), p_high, p_low, global_lee(x, y, window_x, window_y), least, islands)
