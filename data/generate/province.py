"""The lie of the land: coast, borders, islands, rivers, hills and cities, in kilometres of the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from data.generate.plane import Waves, stream

__all__ = ["BOX", "CITIES", "City", "Province"]

Array = NDArray[np.float64]
BOX = (-25.0, -20.0, 335.0, 375.0)  # west, south, east, north of what is drawn, neighbours and sea included

# Northing of the coast and its easting there: a southern bight, the estuary, a northern peninsula.
_COAST = np.array(
    [(-40, 185), (0, 190), (25, 206), (55, 226), (90, 236), (118, 228), (140, 214), (158, 199), (180, 203), (205, 221),
     (232, 232), (252, 248), (270, 271), (283, 284), (296, 274), (312, 251), (335, 238), (360, 243), (400, 246)], dtype=float,
)  # fmt: skip
_ISLANDS = ((262.0, 118.0, 9.0), (271.0, 131.0, 6.0), (255.0, 205.0, 7.0))  # easting, northing, radius
_HILLS = ((35.0, 318.0, 48.0), (28.0, 45.0, 42.0), (92.0, 292.0, 26.0), (70.0, 22.0, 30.0), (200.0, 300.0, 20.0))
_RIVER = np.array(
    [(-30, 226), (0, 214), (28, 206), (52, 211), (78, 199), (104, 190), (128, 179), (152, 180), (176, 169), (200, 163), (222, 160)],
    dtype=float,
)  # fmt: skip
_TRIBUTARY = np.array(
    [(22, 34), (41, 62), (58, 88), (79, 108), (92, 134), (112, 152), (124, 166), (128, 179)], dtype=float
)


@dataclass(frozen=True, slots=True)
class City:
    """A prefecture-level city: where its centre lies and how many million people live in and around it."""

    x: float
    y: float
    million: float


CITIES = (
    City(118, 190, 8.5),  # the capital, on the river
    City(178, 184, 7.0),  # the port north of the estuary
    City(168, 146, 4.2),  # the port south of it
    City(207, 72, 4.0),  # the southern steel port
    City(146, 100, 3.4),
    City(66, 99, 3.0),
    City(36, 66, 1.8),  # limestone hills
    City(122, 42, 2.8),
    City(247, 281, 3.6),  # the peninsula
    City(206, 236, 3.2),
    City(142, 268, 3.8),  # at the end of the motorway corridor
    City(66, 262, 1.7),
    City(40, 200, 2.4),  # smelters upriver
)


class Province:
    """Fields of the land, every one of them a function of (n, 2) kilometres."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, "province")
        self._coast = PchipInterpolator(_COAST[:, 0], _COAST[:, 1])
        self._rough = Waves(rng, length_km=38), Waves(rng, length_km=13)
        self._border = Waves(rng, length_km=60)
        self._relief = Waves(rng, length_km=30)
        self.river = _curve(_RIVER, rng, swing_km=2.2)
        self.tributary = _curve(_TRIBUTARY, rng, swing_km=1.6)

    def seaward(self, xy: Array) -> Array:
        """Kilometres from the mainland's coast, positive on land, about; the estuary is a funnel of sea."""
        x, y = xy.T
        ragged = 3.2 * self._rough[0](xy) + 1.6 * self._rough[1](xy)
        inland = self._coast(y) + ragged - x
        funnel = np.abs(y - np.interp(x, self.river[:, 0], self.river[:, 1])) - np.clip((x - 165) * 0.40, 0, 13)
        return np.where(x > 165, np.minimum(inland, funnel), inland)

    def inside(self, xy: Array) -> Array:
        """Kilometres inside the province, about: positive in it, negative at sea and in the neighbours."""
        x, y = xy.T
        wander = 8 * self._border(xy)
        mainland = np.minimum.reduce([self.seaward(xy), x - 2 - wander, y - 8 - wander, 344 + wander - y])
        islands = [r - np.hypot(x - cx, y - cy) for cx, cy, r in _ISLANDS]
        return np.maximum.reduce([mainland, *islands])

    def hills(self, xy: Array) -> Array:
        """How hilly, from 0 in the plain to about 1."""
        x, y = xy.T
        height = sum(np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r**2) for cx, cy, r in _HILLS)
        return np.clip(height * (1 + 0.35 * self._relief(xy)), 0, 1.2)

    def urban(self, xy: Array) -> Array:
        """How urban, from 0 far from the cities to about 1 in the centre of the largest."""
        density = np.zeros(len(xy))
        for city in CITIES:
            reach = 3.2 + 0.75 * city.million
            away = np.hypot(xy[:, 0] - city.x, xy[:, 1] - city.y)
            density += (city.million / 8.5) ** 0.5 * np.exp(-away / reach)
        return density

    def from_river(self, xy: Array) -> Array:
        """Kilometres to the nearer of the two rivers."""
        points = shapely.points(xy)
        lines = [shapely.linestrings(line) for line in (self.river, self.tributary)]
        return np.minimum(*(shapely.distance(points, line) for line in lines))


def _curve(through: Array, rng: np.random.Generator, *, swing_km: float, step_km: float = 0.9) -> Array:
    """A smooth line through the points with meanders across it."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(through, axis=0).T))])
    spline = CubicSpline(along, through)
    s = np.linspace(0, along[-1], round(along[-1] / step_km))
    tangent = spline(s, 1)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) / np.hypot(*tangent.T)[:, None]
    sway = np.sin(2 * np.pi * s / 17 + 2.1 * np.sin(2 * np.pi * s / 61 + rng.uniform(0, 6)))
    taper = np.minimum(1, np.minimum(s, along[-1] - s) / 15)
    return spline(s) + (swing_km * taper * sway)[:, None] * normal
