"""Threads: as many as there is work for. Waking a second one costs more than a small array takes, and far more on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import numba

__all__ = ["threads_for"]

_WORTH_IT = 1 << 16


@contextmanager
def threads_for(items: int) -> Iterator[int]:
    """Number of threads while work on so many items is done: all that are allowed, or one. Results never depend on it."""
    before = numba.get_num_threads()
    if items < _WORTH_IT:
        numba.set_num_threads(1)
    try:
        yield numba.get_num_threads()
    finally:
        numba.set_num_threads(before)
