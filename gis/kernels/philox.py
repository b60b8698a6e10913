"""Random numbers by counter, Philox4x32-10 (Salmon et al. 2011): they depend on key and counter, never on what came before."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_words", "philox"]

# Multipliers and Weyl increments of Philox4x32, from the paper's reference implementation Random123.
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@numba.njit(cache=True, nogil=True, inline="always")
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four 32-bit words of a counter of four and a key of two, all held in uint64."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@numba.njit(cache=True, nogil=True, parallel=True)
def fill_words(
    seed: np.uint64, stream: NDArray[np.uint64], items: NDArray[np.uint64], first: int, out: NDArray[np.uint32]
) -> None:
    """Words number ``first`` on of every item's sequence in its stream; ``out`` is (items, words)."""
    k0 = seed & _LOW
    k1 = seed >> _HALF
    for i in numba.prange(items.shape[0]):
        c1 = items[i] & _LOW
        c2 = items[i] >> _HALF
        c3 = stream[i]
        done = 0
        while done < out.shape[1]:
            at = first + done
            words = philox(np.uint64(at >> 2), c1, c2, c3, k0, k1)
            for w in range(at & 3, min(4, (at & 3) + out.shape[1] - done)):
                if w == 0:
                    out[i, done] = words[0]
                elif w == 1:
                    out[i, done] = words[1]
                elif w == 2:
                    out[i, done] = words[2]
                else:
                    out[i, done] = words[3]
                done += 1
