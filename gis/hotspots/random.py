"""Random numbers that belong to a thing and a draw: the same for any number of threads, any domain, any order of work.

A number is a function of the seed, a named stream, an item (a cell id, a region's key) and a draw. Nothing is drawn in sequence, so
that neither threads nor chunks nor the presence of other cells, sectors or species can change it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from gis.errors import InvalidParameter
from gis.kernels.philox import fill_words

__all__ = ["TABLE_BITS", "lognormal_table", "normals", "stream_of", "words"]

# A cell's part is one of 2^12 equally likely values: they stay in the first-level cache, and a word of 32 bits serves two draws.
TABLE_BITS = 12


def stream_of(*names: str) -> int:
    """The stream of a name: 32 bits of its hash, so that a sector keeps its numbers whichever others there are."""
    return int.from_bytes(hashlib.blake2s("\0".join(names).encode(), digest_size=4).digest(), "little")


def words(
    seed: int, stream: int | NDArray[np.uint64], items: NDArray[np.uint64], draws: int, *, first: int = 0
) -> NDArray[np.uint32]:
    """Uniform 32-bit words by item and draw; the stream is one for all items, or each has its own."""
    if not 0 <= seed < 2**64:
        raise InvalidParameter(f"seed is {seed}; a whole number from 0 to 2^64 - 1 is expected")
    out = np.empty((len(items), draws), np.uint32)
    streams = np.ascontiguousarray(np.broadcast_to(np.asarray(stream, np.uint64), items.shape))
    fill_words(np.uint64(seed), streams, np.ascontiguousarray(items, np.uint64), first, out)
    return out


def normals(
    seed: int, stream: int | NDArray[np.uint64], items: NDArray[np.uint64], draws: int, *, first: int = 0
) -> NDArray[np.float64]:
    """Standard normal numbers by item and draw: the inverse normal at the middle of each of 2^32 intervals, up to ±6.3."""
    z: NDArray[np.float64] = ndtri((words(seed, stream, items, draws, first=first) + 0.5) * 2.0**-32)
    return z


def lognormal_table(sigma: float, *, bits: int = TABLE_BITS) -> NDArray[np.float64]:
    """Equally likely values of a log-normal factor of mean 1: its means within 2^bits intervals of equal probability.

    The mean within (a, b) of exp(σZ − σ²/2) is [Φ(b − σ) − Φ(a − σ)]·2^bits, so that the mean of the table is 1 exactly, unlike with
    midpoints. What is lost is the spread within intervals, nearly all of it in the last one.
    """
    if sigma == 0.0:
        return np.ones(1 << bits)
    edges = ndtri(np.linspace(0.0, 1.0, (1 << bits) + 1)) - sigma
    below, above = ndtr(edges), ndtr(-edges)
    # From whichever tail is the smaller: a difference of numbers near 1 would lose the digits that matter.
    inside = np.where(edges[1:] < 0, np.diff(below), -np.diff(above))
    table: NDArray[np.float64] = inside * (1 << bits)
    return table
