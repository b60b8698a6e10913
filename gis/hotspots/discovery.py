"""Discoveries: which of many p-values stand, with a bound on the share of false ones among them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, ndtr, ndtri

from gis.errors import InvalidParameter

__all__ = ["Control", "Discoveries", "discoveries", "score_discoveries", "score_p"]


class Control(StrEnum):
    """How false discoveries are controlled: Benjamini-Hochberg (1995) or Benjamini-Yekutieli (2001)."""

    BH = "bh"
    BY = "by"


class Discoveries(NamedTuple):
    """The largest p-value that stands (0 if none does, never α/n), and which cells have it or less."""

    cutoff: float
    mask: NDArray[np.bool_]


def discoveries(
    p: NDArray[np.float64], alpha: float, method: Control = Control.BH, *, tests: int | None = None
) -> Discoveries:
    """All p up to the largest p_(j) ≤ j·α/m, where m is the number of all tests (BY: m·Σ1/i for it).

    ``tests`` is m where ``p`` leaves out tests whose p is above ``alpha``.
    """
    if not 0.0 < alpha < 1.0:
        raise InvalidParameter(f"alpha is {alpha!r}; a share between 0 and 1 is expected")
    m = len(p) if tests is None else tests
    if m < len(p):
        raise InvalidParameter(f"{len(p)} p-values came for {m} tests")
    if np.isnan(p).any():
        raise InvalidParameter("a p-value is NaN; give 1 to a test that could not be made")
    step = alpha / (m * (_harmonic(m) if method is Control.BY else 1.0)) if m else 0.0
    # The largest t with t ≤ step·(number of p ≤ t), from above, without a sort: dropping what is over the line lowers the line.
    left = p[p <= alpha]
    while len(left):
        kept = left[left <= step * len(left)]
        if len(kept) == len(left):
            break
        left = kept
    if not len(left):
        return Discoveries(0.0, np.zeros(len(p), np.bool_))
    cutoff = float(left.max())
    return Discoveries(cutoff, p <= cutoff)


def score_p(z: NDArray[np.float32]) -> NDArray[np.float64]:
    """One-sided p-values of standard scores under the normal distribution, 1 for NaN."""
    p: NDArray[np.float64] = np.where(np.isnan(z), 1.0, ndtr(-z.astype(np.float64)))
    return p


def score_discoveries(z: NDArray[np.float32], alpha: float, method: Control = Control.BH) -> Discoveries:
    """Discoveries among standard scores, high values only; the normal distribution is asked where it can matter."""
    # A hair lower than alpha's score: z has 24 bits. What is above alpha is dropped with its p.
    some = np.flatnonzero(z >= np.float32(ndtri(1.0 - alpha) - 1e-5))
    found = discoveries(score_p(z[some]), alpha, method, tests=len(z))
    mask = np.zeros(len(z), np.bool_)
    mask[some[found.mask]] = True
    return Discoveries(found.cutoff, mask)


def _harmonic(m: int) -> float:
    """1 + 1/2 + … + 1/m."""
    return float(digamma(m + 1) + np.euler_gamma)
