"""Getis-Ord Gi*: where high values have high neighbours, as a standard score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.fields import Field
from gis.hotspots.neighbours import Neighbourhood, Window, windows
from gis.kernels.neighbours import scores

__all__ = ["Getis", "getis_ord"]


@dataclass(frozen=True, slots=True, eq=False)
class Getis:
    """Standard score of each domain cell, NaN without a neighbour or where all values are equal; and the sums behind it."""

    z: NDArray[np.float32]
    window: Window

    @property
    def neighbours(self) -> NDArray[np.int32]:
        """Number of neighbours of each cell, itself not counted."""
        return self.window.neighbours


def getis_ord(field: Field, near: Neighbourhood) -> Getis:
    """Gi* with binary weights: z = (Σx − x̄W)/(S·√[(nW − W²)/(n − 1)]) over the W cells of the neighbourhood, itself included."""
    window = windows(field, near)
    n = field.size
    # With binary weights Σw² is W. Ord & Getis 1995, equation for Gi*; S over the population (divided by n).
    weight = np.arange(int(window.count.max()) + 1, dtype=np.float64)
    factor = np.full(len(weight), np.nan)
    usable = (weight >= 2) & (weight < n)
    if not field.constant:
        w = weight[usable]
        factor[usable] = 1.0 / (field.deviation * np.sqrt((n * w - w * w) / (n - 1)))
    z = np.empty(field.domain.size, np.float32)
    scores(window.total, window.count, field.mean, factor, z)
    return Getis(z, window)
