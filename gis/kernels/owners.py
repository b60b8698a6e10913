"""Which of several overlapping shares of a cell is the largest."""

import numba

__all__ = ["largest_owner"]


@numba.njit(cache=True, nogil=True)
def largest_owner(indptr, cells, area, most, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with the row that has the largest area in each cell, the first of equals; -1 where none has any.

    ``most`` is scratch of the same length.
    """
    for c in range(out.shape[0]):
        out[c] = -1
        most[c] = 0.0
    for row in range(indptr.shape[0] - 1):
        for k in range(indptr[row], indptr[row + 1]):
            c = cells[k]
            if area[k] > most[c]:
                most[c] = area[k]
                out[c] = row
