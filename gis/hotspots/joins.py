"""Join counts: how many neighbours of a hot cell are hot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.fields import field_of
from gis.hotspots.neighbours import Neighbourhood, windows

__all__ = ["JoinCounts", "local_join_counts"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class JoinCounts:
    """Hot neighbours of each hot domain cell, 0 where the cell is not hot; p of so many or more, 1 where it is not.

    ``joins`` is the sum of the counts: each pair of hot cells of the domain twice.
    """

    count: NDArray[np.int32]
    p: NDArray[np.float64]
    joins: int
    islands: int


def local_join_counts(
    domain: Domain, hot: Mask, around: Mask, near: Neighbourhood, *, other: tuple[Mask, Mask] | None = None
) -> JoinCounts:
    """Local join counts (Anselin & Li 2019) xᵢ·Σxⱼ; with ``other``, the second set over cells and around, xᵢ·Σyⱼ.

    p is exact: with the cell held, its k neighbours are drawn without replacement from the others, and the hot ones among them are
    hypergeometric. For co-location give the cells that are in both sets.
    """
    if hot.shape != (domain.size,) or around.shape != domain.around.shape:
        raise InvalidParameter(
            f"hot and around have shapes {hot.shape} and {around.shape}; a mark for each of {domain.size} and "
            f"{len(domain.around)} cells is expected"
        )
    counted, counted_around = (hot, around) if other is None else other
    field = field_of(domain, counted.astype(np.float64), counted_around.astype(np.float64))
    window = windows(field, near)
    k = window.neighbours
    # Where all marks are equal the field is all 1: which mark that is, the mark itself says.
    marks = window.near(field) - k if not field.constant else k * np.int64(counted[0])
    at = np.flatnonzero(hot & (k > 0))
    count = np.zeros(domain.size, np.int32)
    count[at] = marks[at]
    p = np.ones(domain.size)
    ones = int(counted.sum()) + int(counted_around.sum())
    # Few different cases among many cells: k, the count, and whether the cell is itself among those that are counted.
    cases, case = np.unique(np.stack([k[at], count[at], counted[at]]), axis=1, return_inverse=True)
    p[at] = hypergeom.sf(cases[1] - 1, field.size - 1, ones - cases[2], cases[0])[case.ravel()]
    return JoinCounts(count, p, int(count.sum()), int((k == 0).sum()))
