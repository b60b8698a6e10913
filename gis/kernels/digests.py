"""Digests of content: 64-bit hashes of slices and of words, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["digest_slices", "mix_words"]

# Multipliers and shifts of splitmix64's finaliser (Steele, Lea, Flood 2014); the prime is FNV's for 64 bits.
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_PRIME = np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


@njit(cache=True, nogil=True)
def _mix(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _S30)) * _FIRST
    word = (word ^ (word >> _S27)) * _SECOND
    return word ^ (word >> _S31)


@njit(cache=True, nogil=True)
def digest_slices(
    words: NDArray[Any], start: NDArray[np.int64], stop: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """Fold the words from start to stop of every slice into ``out``, their order and number included."""
    for i in range(len(start)):
        h = _mix(out[i] + _GOLDEN * np.uint64(stop[i] - start[i] + 1))
        for j in range(start[i], stop[i]):
            h = (h ^ np.uint64(words[j])) * _PRIME
            h ^= h >> _S32
        out[i] = _mix(h)


@njit(cache=True, nogil=True)
def mix_words(words: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    """Fold one word into each of ``out``."""
    for i in range(len(words)):
        out[i] = _mix((out[i] * _PRIME) ^ _mix(words[i] + _GOLDEN))
