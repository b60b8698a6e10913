"""Sums that do not lose small amounts: Neumaier's compensation, in blocks of a fixed size, so that threads change nothing."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["compensated_dot", "compensated_sum"]

_BLOCK = 1 << 16


@numba.njit(cache=True, nogil=True, inline="always")
def _add(total: float, carry: float, value: float) -> tuple[float, float]:
    moved = total + value
    if abs(total) >= abs(value):
        carry += (total - moved) + value
    else:
        carry += (value - moved) + total
    return moved, carry


@numba.njit(cache=True, nogil=True, parallel=True)
def _block_sums(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for b in numba.prange(out.shape[0]):
        total = 0.0
        carry = 0.0
        for i in range(b * _BLOCK, min((b + 1) * _BLOCK, values.shape[0])):
            v = values[i]
            if v != 0.0:
                total, carry = _add(total, carry, v)
        out[b, 0] = total
        out[b, 1] = carry


@numba.njit(cache=True, nogil=True)
def _fold(partial: NDArray[np.float64]) -> float:
    total = 0.0
    carry = 0.0
    for i in range(partial.shape[0]):
        total, carry = _add(total, carry, partial[i, 0])
        carry += partial[i, 1]
    return total + carry


def compensated_sum(values: NDArray[np.float64]) -> float:
    """Sum of all values, correct to about one rounding."""
    flat = np.ascontiguousarray(values, np.float64).ravel()
    partial = np.empty((max(1, -(-len(flat) // _BLOCK)), 2))
    _block_sums(flat, partial)
    return float(_fold(partial))


def compensated_dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Sum of products, each product rounded once."""
    return compensated_sum(np.multiply(a, b))
