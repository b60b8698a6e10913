"""Entries of one row of a sparse matrix, as they were found: sorted, equal cells added up, shares of their sum."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["add", "settle"]

_SHORT = 32  # entries sorted by insertion


@numba.njit(cache=True, nogil=True, inline="always")
def add(total: float, carry: float, value: float) -> tuple[float, float]:
    """Total and carry with a value added: Knuth's TwoSum, which has no branch."""
    new = total + value
    back = new - total
    return new, carry + ((total - (new - back)) + (value - back))


@numba.njit(cache=True, nogil=True)
def _sort_many(cells: NDArray[np.integer[Any]], lengths: NDArray[np.float64]) -> None:
    order = np.argsort(cells, kind="mergesort")
    cells[:] = cells[order]
    lengths[:] = lengths[order]


@numba.njit(cache=True, nogil=True, forceinline=True)
def _sort(cells, lengths, first: int, last: int) -> bool:  # type: ignore[no-untyped-def]
    """Sort by cell, stable, so that equal cells add up in the order of the walk; whether there are equal ones."""
    if last - first > _SHORT:
        _sort_many(cells[first:last], lengths[first:last])
        return True
    equal = False
    for i in range(first + 1, last):
        cell, length = cells[i], lengths[i]
        j = i
        while j > first and cells[j - 1] > cell:
            cells[j] = cells[j - 1]
            lengths[j] = lengths[j - 1]
            j -= 1
        equal |= j > first and cells[j - 1] == cell
        cells[j] = cell
        lengths[j] = length
    return equal


@numba.njit(cache=True, nogil=True, forceinline=True)
def _merge(cells, lengths, first: int, last: int) -> int:  # type: ignore[no-untyped-def]
    """Add up equal cells, which stand side by side; the new end."""
    kept = first
    i = first
    while i < last:
        cell = cells[i]
        total = 0.0
        carry = 0.0
        while i < last and cells[i] == cell:
            total, carry = add(total, carry, lengths[i])
            i += 1
        cells[kept] = cell
        lengths[kept] = total + carry
        kept += 1
    return kept


@numba.njit(cache=True, nogil=True, forceinline=True)
def settle(cells, lengths, first: int, last: int):  # type: ignore[no-untyped-def]
    """Add up equal cells, leave shares of the full length, drop what is outside: entries left, and full length."""
    if _sort(cells, lengths, first, last):
        last = _merge(cells, lengths, first, last)
    total = 0.0
    carry = 0.0
    for k in range(first, last):
        total, carry = add(total, carry, lengths[k])
    full = total + carry
    beyond = 1 if last > first and cells[first] < 0 else 0
    for k in range(first, last - beyond):
        cells[k] = cells[k + beyond]
        lengths[k] = lengths[k + beyond] / full
    return last - beyond - first, full
