"""Features too close to be told apart, drawn as one: those that share a cell of a lattice fixed in the world, zoom by zoom.

A cell of the lattice lies in one tile, and so does what it holds: counts and amounts add up over the tiles of a zoom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.tiles.matrices import Tile
from gis.tiles.mvt import EXTENT

__all__ = ["Clusters", "clusters_in"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Members (rows, ascending), the cluster of each, and of each cluster its first member, place in tile units, tile of its own."""

    member: Ints
    cluster: Ints
    first: Ints
    count: Ints
    x: Floats
    y: Floats
    owned: NDArray[np.bool_]

    def total(self, values: NDArray[np.generic]) -> Floats:
        """Sums of values, which are those of all rows, over each cluster; not a number where nothing is known."""
        mine = values[self.member].astype(np.float64)
        known = np.isfinite(mine)
        out: Floats = np.bincount(self.cluster, np.where(known, mine, 0.0), len(self.first)).astype(np.float64)
        out[np.bincount(self.cluster, known, len(self.first)) == 0] = np.nan
        return out


def clusters_in(
    rows: Ints,
    x: Floats,
    y: Floats,
    tile: Tile,
    *,
    side: int,
    group: Ints,
    weight: Floats | None = None,
    margin: int = 0,
) -> Clusters:
    """Clusters of the rows at world positions (x, y) that lie in a tile, or in so many cells of the lattice around it.

    Parameters
    ----------
    side
        Side of a cell of the lattice in tile units, a power of two.
    group
        Only members of the same group become one.
    weight
        What a cluster's place is the mean by.
    """
    scale = 2.0**tile.z
    tx, ty = x * scale, y * scale
    col, row = np.floor(tx / side), np.floor(ty / side)
    per_tile = EXTENT // side
    left, top = tile.x * per_tile - margin, tile.y * per_tile - margin
    width = per_tile + 2 * margin
    here = np.flatnonzero((col >= left) & (col < left + width) & (row >= top) & (row < top + width))
    groups = int(group.max(initial=0)) + 1
    key = ((row[here].astype(np.int64) - top) * width + (col[here].astype(np.int64) - left)) * groups + group[here]
    found, start, cluster = np.unique(key, return_index=True, return_inverse=True)
    n = len(found)
    share = np.ones(len(here)) if weight is None else np.maximum(weight[here], np.finfo(np.float64).tiny)
    whole = np.bincount(cluster, share, n)
    place = found // groups
    at_row, at_col = place // width - margin, place % width - margin
    owned = (at_row >= 0) & (at_row < per_tile) & (at_col >= 0) & (at_col < per_tile)
    # Within its own cell whatever rounding does, and so in its own tile.
    cx = np.clip(
        np.bincount(cluster, (tx[here] - tile.x * EXTENT) * share, n) / whole, at_col * side, (at_col + 1) * side - 1
    )
    cy = np.clip(
        np.bincount(cluster, (ty[here] - tile.y * EXTENT) * share, n) / whole, at_row * side, (at_row + 1) * side - 1
    )
    return Clusters(rows[here], cluster, rows[here][start], np.bincount(cluster, minlength=n), cx, cy, owned)
