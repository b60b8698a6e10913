"""Borders near hotspots: which pieces of them matter, and which hotspots have to be cut together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.grid import Grid
from gis.kernels.borders import touch_edges

__all__ = ["Border", "Clusters", "border_of", "clusters_of", "distinct", "polylines"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Clusters:
    """Cells with a claim to them, ascending, the cluster of each, and the cluster of each patch, -1 without a claim.

    Claims in one cell, or in cells that touch, are one cluster: whatever shares a border is cut in one go.
    """

    cells: Ints
    of_cell: Ints
    of_patch: Ints

    def __len__(self) -> int:
        return int(self.of_patch.max(initial=-1)) + 1

    def mask(self, grid: Grid) -> NDArray[np.uint8]:
        """1 for the cells, on the grid."""
        out = np.zeros(grid.size, np.uint8)
        out[self.cells] = 1
        return out.reshape(grid.shape)


def clusters_of(cells: Ints, patch: Ints, patches: int, grid: Grid) -> Clusters:
    """The clusters of claims: pairs of a cell and a patch, in any order, a cell perhaps with several patches."""
    order = np.lexsort((patch, cells))
    cells, patch = cells[order], patch[order]
    unique, first = np.unique(cells, return_index=True)
    leader = patch[first]
    # The patches of a cell with its first, and the first patches of cells that touch.
    pairs = [np.stack([np.repeat(leader, np.diff(np.append(first, len(cells)))), patch])]
    for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
        col = unique % grid.cols + right
        wanted = unique + down * grid.cols + right
        found = np.minimum(np.searchsorted(unique, wanted), max(0, len(unique) - 1))
        beside = (col >= 0) & (col < grid.cols) & (unique[found] == wanted)
        beside &= leader[found] != leader
        pairs.append(np.stack([leader[beside], leader[found[beside]]]))
    linked = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(linked.shape[1], np.int8), linked), shape=(patches, patches))
    label = connected_components(graph.tocsr(), directed=False)[1].astype(np.int64)
    # Numbered by their first cell, so that neighbours in number are near each other.
    number = np.full(patches, -1, np.int64)
    seen, at = np.unique(label[leader], return_index=True)
    number[seen[np.argsort(at)]] = np.arange(len(seen))
    of_patch = np.full(patches, -1, np.int64)
    claiming = distinct(patch)
    of_patch[claiming] = number[label[claiming]]
    return Clusters(unique, of_patch[leader], of_patch)


@dataclass(frozen=True, eq=False)
class Border:
    """Edges of polygons near claims, (edges, 2, 2) and in the order of their rings, and pairs of an edge and a cluster."""

    segments: Floats
    segment: Ints
    cluster: Ints


def border_of(polygons: Shapes, clusters: Clusters, grid: Grid) -> Border:
    """The edges of polygons, in cell coordinates, that may touch a cell with a claim to it."""
    rings = shapely.get_rings(polygons)
    uv = np.ascontiguousarray(shapely.get_coordinates(rings))
    first = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(rings))]).astype(np.int64)
    mask = clusters.mask(grid)
    room = 1_000_000
    while True:
        edge, cell = np.empty(room, np.int64), np.empty(room, np.int64)
        found = touch_edges(uv, first, mask, edge, cell)
        if found <= room:
            break
        room = found
    edge, cell = edge[:found], cell[:found]
    size = np.int64(max(1, len(clusters)))
    key = distinct(edge * size + clusters.of_cell[np.searchsorted(clusters.cells, cell)])
    some, segment = np.unique(key // size, return_inverse=True)
    return Border(np.stack([uv[some], uv[some + 1]], axis=1), segment, key % size)


def distinct(values: Ints) -> Ints:
    """The values, ascending, each once."""
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values


def polylines(segments: Floats, chosen: Ints) -> Shapes:
    """Lines through the chosen segments, one for each run of them; a segment that came before is left out."""
    if not len(chosen):
        return np.empty(0, object)
    picked = segments[distinct(chosen)]
    picked = picked[_first_of_kind(picked)]
    starts = np.ones(len(picked), np.bool_)
    starts[1:] = (picked[1:, 0] != picked[:-1, 1]).any(axis=1)
    line = np.cumsum(starts) - 1
    last = np.append(starts[1:], True)
    xy = np.concatenate([picked[:, 0], picked[last, 1]])
    order = np.argsort(np.concatenate([2 * np.arange(len(picked)), 2 * np.flatnonzero(last) + 1]))
    return np.asarray(shapely.linestrings(xy[order], indices=np.concatenate([line, line[last]])[order]), dtype=object)


def _first_of_kind(segments: Floats) -> NDArray[np.bool_]:
    # Two counties bring their common border twice, once in each direction.
    a, b = segments[:, 0], segments[:, 1]
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    flat = np.where(turned[:, None], segments[:, ::-1].reshape(-1, 4), segments.reshape(-1, 4))
    order = np.lexsort(flat.T)  # stable, so the first of its kind comes first
    again = np.zeros(len(flat), np.bool_)
    again[order[1:]] = (flat[order[1:]] == flat[order[:-1]]).all(axis=1)
    first: NDArray[np.bool_] = ~again & (a != b).any(axis=1)
    return first
