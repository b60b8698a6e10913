"""Lagrange interpolation on a coarse lattice: what a smooth function is between nodes, from the six nearest each way.

The value at a position depends on that position alone, never on what else is asked for with it, so that whoever shares a
point shares its bits. At a node it is the node's own value.
"""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["WIDTH", "blend_lattice", "blend_points", "fill_stencils"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WIDTH = 6


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_stencils(at: Floats, nodes: Floats, first: Ints, weight: Floats) -> None:
    """Fill the first node and the weights of the nodes around each position; ``weight`` is (n, nodes taken)."""
    width = weight.shape[1]
    for p in range(at.shape[0]):
        interval = np.searchsorted(nodes, at[p], side="right") - 1
        s = min(max(interval - (width // 2 - 1), 0), nodes.shape[0] - width)
        first[p] = s
        for a in range(width):
            w = 1.0
            for b in range(width):
                if b != a:
                    w *= (at[p] - nodes[s + b]) / (nodes[s + a] - nodes[s + b])
            weight[p, a] = w


@numba.njit(cache=True, nogil=True)
def blend_lattice(
    nodes: Floats, row_first: Ints, row_weight: Floats, col_first: Ints, col_weight: Floats, out: Floats
) -> None:
    """Fill the values at every row position × column position."""
    width = row_weight.shape[1]
    top = row_first.min()
    lines = np.zeros((row_first.max() + width - top, out.shape[1]))
    for r in range(lines.shape[0]):
        for j in range(out.shape[1]):
            for a in range(col_weight.shape[1]):
                lines[r, j] += col_weight[j, a] * nodes[top + r, col_first[j] + a]
    for i in range(out.shape[0]):
        out[i, :] = 0.0
        for a in range(width):
            w = row_weight[i, a]
            line = lines[row_first[i] - top + a]
            for j in range(out.shape[1]):
                out[i, j] += w * line[j]


@numba.njit(cache=True, nogil=True)
def blend_points(
    nodes: Floats, row_first: Ints, row_weight: Floats, col_first: Ints, col_weight: Floats, out: Floats
) -> None:
    """Fill the value at each pair of a row and a column position."""
    for p in range(out.shape[0]):
        total = 0.0
        for a in range(row_weight.shape[1]):
            line = 0.0
            for b in range(col_weight.shape[1]):
                line += col_weight[p, b] * nodes[row_first[p] + a, col_first[p] + b]
            total += row_weight[p, a] * line
        out[p] = total
