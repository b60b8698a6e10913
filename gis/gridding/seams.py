"""Source cells over the seam of a projected target: where the map ends on one side and goes on at the other.

A world map is cut somewhere, mostly along the meridian opposite its central one. A cell over the cut has corners at both
ends of the map, and the ring through them would lie across all of it. Such cells are found by the true middles of
their edges, and cut where the seam is, by bisection, into pieces that the map does not tear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

__all__ = ["Piece", "near_bounds", "pieces_of_torn", "torn_cells"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Far longer than the patch's edges, or few enough to look at each.
_SUSPECT, _FEW = 10.0, 64
_JUMP = 0.25  # of an edge's length, between its true middle and its chord's
_INSET = 1e-9  # of a cell: a corner on the seam belongs to the side the cell is on
_HALVINGS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Part of a source cell: corners in parts of the cell, [row, col, (right, down)], and its share of the cell's area."""

    cell: int
    corners: Floats
    fraction: float


def torn_cells(transformer: Transformer, xs: Floats, ys: Floats, x: Floats, y: Floats) -> Bools:
    """Which cells of a patch have an edge over a seam; ``x``, ``y`` are the projected corners of the edges xs, ys."""
    across = _torn_edges(transformer, xs[None, :], ys[:, None], x, y)
    down = _torn_edges(transformer, xs[:, None], ys[None, :], x.T, y.T).T
    return across[:-1] | across[1:] | down[:, :-1] | down[:, 1:]


def _torn_edges(transformer: Transformer, xs: Floats, ys: Floats, x: Floats, y: Floats) -> Bools:
    # Edges along the second axis. An edge that ends nowhere is not torn; its cells lie outside anyway.
    xs, ys = np.broadcast_arrays(xs, ys)
    with np.errstate(invalid="ignore"):
        length2 = np.diff(x, axis=1) ** 2 + np.diff(y, axis=1) ** 2
    torn = np.zeros(length2.shape, np.bool_)
    few = length2.size <= _FEW
    if not few and length2.max() <= _SUSPECT**2 * length2.min():  # false when one is not finite
        return torn
    finite = np.isfinite(length2)
    if not finite.any():
        return torn
    suspect = finite & ((length2 > _SUSPECT**2 * np.median(length2[finite])) | few)
    i, j = np.nonzero(suspect)
    if len(i):
        ends = (
            np.stack([xs[i, j], ys[i, j], x[i, j], y[i, j]]),
            np.stack([xs[i, j + 1], ys[i, j + 1], x[i, j + 1], y[i, j + 1]]),
        )
        torn[i, j] = _jumps(transformer, *ends)
    return torn


def _jumps(transformer: Transformer, a: Floats, b: Floats) -> Bools:
    """Whether edges from a to b, each (x, y, projected x, projected y), have their true middle far from the chord's."""
    middle = (a + b) / 2.0
    true_x, true_y = transformer.transform(middle[0], middle[1])
    with np.errstate(invalid="ignore"):
        length = np.hypot(b[2] - a[2], b[3] - a[3])
        off = np.hypot(true_x - middle[2], true_y - middle[3])
        jump: Bools = ~(off <= _JUMP * length) & (length > 0)
    return jump


def near_bounds(transformer: Transformer, boxes: Floats, bounds: tuple[float, float, float, float]) -> Bools:
    """Which boxes, torn ones too, may touch the bounds: a corner lies no further off than twice the longest edge."""
    west, north, east, south = boxes.T
    inset_x, inset_y = _INSET * (east - west), _INSET * (south - north)
    xs = np.stack([west + inset_x, west + inset_x, east - inset_x, east - inset_x])
    ys = np.stack([north + inset_y, south - inset_y, south - inset_y, north + inset_y])
    x, y = transformer.transform(xs, ys)
    mx, my = transformer.transform((xs + np.roll(xs, -1, 0)) / 2.0, (ys + np.roll(ys, -1, 0)) / 2.0)
    left, bottom, right, top = bounds
    with np.errstate(invalid="ignore"):
        # The middle of a torn edge is on the side of one of its ends.
        halves = np.minimum(np.hypot(mx - x, my - y), np.hypot(mx - np.roll(x, -1, 0), my - np.roll(y, -1, 0)))
        reach = 4.0 * halves.max(axis=0)
        apart = (x + reach < left) | (x - reach > right) | (y + reach < bottom) | (y - reach > top)
    near: Bools = ~apart.all(axis=0)
    return near


def pieces_of_torn(transformer: Transformer, cells: NDArray[np.int64], boxes: Floats) -> Iterator[Piece]:
    """The parts of torn cells; ``boxes`` are their (west, north, east, south). A cell that cannot be mended yields none."""
    low, high = _INSET, 1.0 - _INSET
    across = [_tear(transformer, boxes, (low, side), (high, side)) for side in (low, high)]
    down = [_tear(transformer, boxes, (side, low), (side, high)) for side in (low, high)]
    for n, cell in enumerate(cells.tolist()):
        top, bottom, left, right = across[0][n], across[1][n], down[0][n], down[1][n]
        cut_across, cut_down = not np.isnan(top + bottom), not np.isnan(left + right)
        if cut_across and np.isnan([left, right]).all():
            yield Piece(cell, _corners(low, top, low, bottom), (top + bottom) / 2.0)
            yield Piece(cell, _corners(top, high, bottom, high), 1.0 - (top + bottom) / 2.0)
        elif cut_down and np.isnan([top, bottom]).all():
            yield Piece(cell, _turned(_corners(low, left, low, right)), (left + right) / 2.0)
            yield Piece(cell, _turned(_corners(left, high, right, high)), 1.0 - (left + right) / 2.0)
        elif np.isnan([top, bottom, left, right]).all():
            yield Piece(cell, _corners(low, high, low, high), 1.0)


def _corners(north_west: float, north_east: float, south_west: float, south_east: float) -> Floats:
    # A hair off the seam on either side: bisection leaves it within the inset.
    low, high = _INSET, 1.0 - _INSET
    west, east = np.array([north_west, south_west]), np.array([north_east, south_east])
    inner = np.stack([np.where(west > low, west + low, west), np.where(east < high, east - low, east)], axis=1)
    down = np.broadcast_to(np.array([[low], [high]]), (2, 2))
    return np.stack([inner, down], axis=-1)


def _turned(corners: Floats) -> Floats:
    return np.ascontiguousarray(corners.transpose(1, 0, 2)[:, :, ::-1])


def _tear(transformer: Transformer, boxes: Floats, start: tuple[float, float], stop: tuple[float, float]) -> Floats:
    """Where between two points of every cell the map jumps, as the part of the cell's side; NaN where it does not."""
    west, north, east, south = boxes.T

    def at(t: Floats) -> Floats:
        right, down = (a + (b - a) * t for a, b in zip(start, stop, strict=True))
        x, y = west + (east - west) * right, north + (south - north) * down
        return np.stack([x, y, *transformer.transform(x, y)])

    low, high = np.zeros(len(boxes)), np.ones(len(boxes))
    torn = _jumps(transformer, at(low), at(high))
    for _ in range(_HALVINGS):
        a, m, b = at(low), at((low + high) / 2.0), at(high)
        with np.errstate(invalid="ignore"):
            first = np.hypot(*(m - a)[2:]) > np.hypot(*(b - m)[2:])
        low, high = np.where(first, low, (low + high) / 2.0), np.where(first, (low + high) / 2.0, high)
    return np.where(torn, (low + high) / 2.0, np.nan)
