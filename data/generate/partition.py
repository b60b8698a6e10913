"""Coverages: polygons that share every border vertex for vertex, so that they leave no gap and never overlap.

Each border is drawn once, as a rough graph over its straight Voronoi edge, within the rhombus on that edge whose tips stay on
the near side of both seeds. Rhombi of different edges do not meet, so borders cannot cross.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Voronoi, cKDTree

from data.generate.plane import lonlat

__all__ = ["Cells", "cells", "groups", "polygons", "scatter"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Voronoi cells of seeds. ``edges`` (m, 2) are the pairs of neighbours, ``ends`` the vertices of the border between.

    Only the cells in ``drawn`` become polygons; the seeds around them, at sea, next door and mirrored, lend them borders.
    """

    seeds: Array
    drawn: NDArray[np.bool_]
    edges: NDArray[np.int64]
    ends: NDArray[np.int64]
    vertices: Array

    @property
    def neighbours(self) -> NDArray[np.int64]:
        """Pairs of drawn cells that share a border."""
        return self.edges[self.drawn[self.edges].all(axis=1)]


def scatter(
    count: int, candidates: Array, rng: np.random.Generator, *, rounds: int = 6, first: Array | None = None
) -> Array:
    """Seeds spread evenly over the cloud of candidates: each becomes the mean of the candidates nearest to it."""
    seeds = candidates[rng.choice(len(candidates), count, replace=False)]
    if first is not None:
        seeds[: len(first)] = first
    for _ in range(rounds):
        nearest = cKDTree(seeds).query(candidates)[1]
        size = np.bincount(nearest, minlength=count)
        mean = np.column_stack([np.bincount(nearest, c, minlength=count) for c in candidates.T])
        seeds = np.where(size[:, None] > 0, mean / np.maximum(size, 1)[:, None], seeds)
    return seeds


def cells(seeds: Array, drawn: NDArray[np.bool_], box: tuple[float, float, float, float]) -> Cells:
    """The Voronoi cells, within a box that holds all seeds, of those that are drawn."""
    west, south, east, north = box
    flip, turn = np.array([-1, 1]), np.array([1, -1])  # mirrored in its sides, the seeds bound each other's cells
    mirrors = [seeds * flip + (2 * x, 0) for x in (west, east)] + [seeds * turn + (0, 2 * y) for y in (south, north)]
    drawn = np.concatenate([drawn, np.zeros(4 * len(seeds), dtype=bool)])
    seeds = np.concatenate([seeds, *mirrors])
    diagram = Voronoi(seeds)
    edges, ends = diagram.ridge_points.astype(np.int64), np.asarray(diagram.ridge_vertices, dtype=np.int64)
    keep = drawn[edges].any(axis=1) & (ends >= 0).all(axis=1)
    return Cells(seeds, drawn, edges[keep], ends[keep], diagram.vertices)


def groups(cells_: Cells, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """The labels of drawn seeds with every detached scrap given to the neighbour it touches most; islands stay."""
    label = label.copy()
    pairs = cells_.neighbours
    while True:
        component = _components(len(label), pairs[label[pairs[:, 0]] == label[pairs[:, 1]]])
        size = np.bincount(component)
        largest = {g: size[component[label == g]].max() for g in np.unique(label[cells_.drawn])}
        scraps = [c for c in np.unique(component[cells_.drawn]) if size[c] < largest[label[component == c][0]]]
        moved = False
        for scrap in scraps:
            one, two = component[pairs].T == scrap
            touching = np.concatenate([label[pairs[one & ~two, 1]], label[pairs[two & ~one, 0]]])
            if len(touching):
                label[component == scrap] = np.bincount(touching).argmax()
                moved = True
                break
        if not moved:
            return label


def _components(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    root = np.arange(count)
    while True:
        low = root.copy()
        np.minimum.at(low, pairs[:, 0], root[pairs[:, 1]])
        np.minimum.at(low, pairs[:, 1], root[pairs[:, 0]])
        low = low[low]
        if (low == root).all():
            return root
        root = low


def polygons(
    cells_: Cells, levels: NDArray[np.int64], rough: Array, rng: np.random.Generator, *, crs: str
) -> NDArray[np.object_]:
    """Polygons of the drawn cells in longitudes and latitudes; border k has 2 ** levels[k] pieces."""
    border, start = _borders(cells_, levels, rough, rng)
    border = lonlat(border, crs)
    around: list[list[int]] = [[] for _ in range(len(cells_.seeds))]
    for k, (one, two) in enumerate(cells_.edges):
        around[one].append(k)
        around[two].append(k)
    rings = [_ring(cells_, seed, around[seed], border, start) for seed in np.flatnonzero(cells_.drawn)]
    index = np.repeat(np.arange(len(rings)), [len(r) for r in rings])
    return shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=index))


def _borders(
    cells_: Cells, levels: NDArray[np.int64], rough: Array, rng: np.random.Generator
) -> tuple[Array, NDArray[np.int64]]:
    """All border points end to end, and where each border starts."""
    a, b = (cells_.vertices[cells_.ends[:, i]] for i in (0, 1))
    along = b - a
    length = np.hypot(*along.T)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None]
    to_seed = cells_.seeds[cells_.edges[:, 0]] - (a + b) / 2
    height = np.abs((to_seed * normal).sum(axis=1))
    askew = np.abs((to_seed * along).sum(axis=1)) / length
    tip = height * (length / 2) / (length / 2 + askew)
    start = np.concatenate([[0], np.cumsum(2**levels + 1)])
    points = np.empty((start[-1], 2))
    for level in np.unique(levels):
        which = np.flatnonzero(levels == level)
        offset = _offsets(tip[which], rough[which], level, rng)
        s = np.linspace(0, 1, 2**level + 1)
        drawn = a[which, None] + s[:, None] * along[which, None] + offset[:, :, None] * normal[which, None]
        drawn[:, -1] = b[which]  # a + (b - a) may miss b by a bit, and the corner is shared
        points[start[which][:, None] + np.arange(2**level + 1)] = drawn
    return points, start


def _offsets(tip: Array, rough: Array, level: int, rng: np.random.Generator) -> Array:
    """Displacement of the 2 ** level + 1 points of each border: midpoints, then midpoints of the halves, ..."""
    offset = np.zeros((len(tip), 2**level + 1))
    room = np.repeat(0.9 * tip[:, None], 1, axis=1)
    for step in range(level):
        stride = 2 ** (level - step)
        middle = np.arange(stride // 2, 2**level, stride)
        u = rng.uniform(-1, 1, (len(tip), len(middle))) * rough[:, None]
        offset[:, middle] = (offset[:, middle - stride // 2] + offset[:, middle + stride // 2]) / 2 + u * room
        room = np.repeat(room * (1 - np.abs(u)) / 2, 2, axis=1)
    return offset


def _ring(cells_: Cells, seed: int, around: list[int], border: Array, start: NDArray[np.int64]) -> Array:
    """The closed ring of one cell, counter-clockwise: a cell is convex before it is roughened, and holds its seed."""
    ends = cells_.vertices[cells_.ends[around]] - cells_.seeds[seed]
    middle = ends.mean(axis=1)
    order = np.argsort(np.arctan2(middle[:, 1], middle[:, 0]))
    forward = ends[:, 0, 0] * ends[:, 1, 1] - ends[:, 0, 1] * ends[:, 1, 0] > 0
    pieces = []
    for k in order:
        piece = border[start[around[k]] : start[around[k] + 1]]
        pieces.append(piece[:-1] if forward[k] else piece[:0:-1])
    ring = np.concatenate(pieces)
    return np.concatenate([ring, ring[:1]])
