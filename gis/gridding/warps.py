"""Where positions of a source grid lie in another CRS: projected one by one, or read off a checked coarse lattice.

Positions are counted in source cells from the north-west corner: row 2.5 is the middle of the third row. A position has the
same bits whichever rows and columns are asked for with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis.grid import Grid
from gis.kernels.lagrange import WIDTH, blend_lattice, blend_points, fill_stencils

__all__ = ["SMOOTH", "Nodes", "Warp", "exact_warp", "nodes_of", "own_transformer", "project", "smooth_warp"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Warp = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Row positions and column positions → x and y of all their pairs, (rows, columns)."""

SMOOTH = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Every so many edges of a source's rows and columns, and where they cross in the target's CRS."""

    row: Ints
    col: Ints
    x: Floats
    y: Floats


@lru_cache(maxsize=64)
def _pipeline(source: CRS, target: CRS) -> str | None:
    # PROJ searches its database for 0.1 s per pair and thread; the operation it settled on is ready at once. None where it
    # holds several operations and chooses by place.
    definition = Transformer.from_crs(source, target, always_xy=True).definition
    return definition if definition.startswith("proj=") else None


def own_transformer(source: Grid, target: Grid) -> Transformer:
    """A transformer for the calling thread alone."""
    pipeline = _pipeline(source.crs, target.crs)
    if pipeline is None:
        return Transformer.from_crs(source.crs, target.crs, always_xy=True)
    return Transformer.from_pipeline(pipeline)


def project(transformer: Transformer, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The projected x and y of coordinates that broadcast to one shape."""
    xs, ys = (np.ascontiguousarray(v) for v in np.broadcast_arrays(x, y))
    out_x, out_y = transformer.transform(xs, ys)
    return np.asarray(out_x), np.asarray(out_y)


def nodes_of(source: Grid, target: Grid, step: int) -> Nodes:
    """Every ``step``-th edge, and the last, projected."""
    row = np.minimum(np.arange(0, source.rows + step, step), source.rows)
    col = np.minimum(np.arange(0, source.cols + step, step), source.cols)
    transformer = own_transformer(source, target)
    return Nodes(row, col, *project(transformer, source.x_edges[col][None, :], source.y_edges[row][:, None]))


def exact_warp(source: Grid, transformer: Transformer) -> Warp:
    """Every position through PROJ."""

    def at(rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
        x, y = source.x_left + cols * source.dx, source.y_top - rows * source.dy
        return project(transformer, x[None, :], y[:, None])

    return at


def smooth_warp(source: Grid, target: Grid, nodes: Nodes, near: Bools) -> Warp | None:
    """Every position interpolated between the nodes, or None where that is not as good as the projection.

    The interpolation is held against PROJ at two positions, the middle and a random one, of every block between nodes
    that is near the target; all have to agree within ``SMOOTH`` of the smaller cell.
    """
    row, col = np.nonzero(near)
    if not len(row) or not _agrees(source, target, nodes, row, col):
        return None
    row_nodes, col_nodes = nodes.row.astype(np.float64), nodes.col.astype(np.float64)

    def at(rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
        x, y = np.empty((2, len(rows), len(cols)))
        if not x.size:
            return x, y
        stencils = *_stencils(rows, row_nodes), *_stencils(cols, col_nodes)
        blend_lattice(nodes.x, *stencils, x)
        blend_lattice(nodes.y, *stencils, y)
        return x, y

    return at


def _stencils(at: Floats, nodes: Floats) -> tuple[Ints, Floats]:
    first, weight = np.empty(len(at), np.int64), np.empty((len(at), min(WIDTH, len(nodes))))
    fill_stencils(at, nodes, first, weight)
    return first, weight


def _agrees(source: Grid, target: Grid, nodes: Nodes, row: Ints, col: Ints) -> bool:
    random = np.random.default_rng(0).random((2, len(row)))
    part = np.concatenate([np.full_like(random, 0.5), random], axis=1)
    row, col = np.tile(row, 2), np.tile(col, 2)
    rows = nodes.row[row] + part[0] * (nodes.row[row + 1] - nodes.row[row])
    cols = nodes.col[col] + part[1] * (nodes.col[col + 1] - nodes.col[col])
    stencils = *_stencils(rows, nodes.row.astype(np.float64)), *_stencils(cols, nodes.col.astype(np.float64))
    x, y = np.empty((2, len(rows)))
    blend_points(nodes.x, *stencils, x)
    blend_points(nodes.y, *stencils, y)
    true_x, true_y = project(
        own_transformer(source, target), source.x_left + cols * source.dx, source.y_top - rows * source.dy
    )
    with np.errstate(invalid="ignore"):
        off = np.hypot((x - true_x) / target.dx, (y - true_y) / target.dy)
        return bool((off <= SMOOTH * _smaller_cell(target, nodes, row, col)).all())


def _smaller_cell(target: Grid, nodes: Nodes, row: Ints, col: Ints) -> Floats:
    """Shorter side of the blocks' source cells, in target cells, and at most 1."""
    u, v = nodes.x / target.dx, nodes.y / target.dy
    wide = np.hypot(u[row, col + 1] - u[row, col], v[row, col + 1] - v[row, col]) / np.diff(nodes.col)[col]
    high = np.hypot(u[row + 1, col] - u[row, col], v[row + 1, col] - v[row, col]) / np.diff(nodes.row)[row]
    smaller: Floats = np.minimum(np.minimum(wide, high), 1.0)
    return smaller
