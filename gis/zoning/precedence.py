"""Precedence: who has which ground. Red lines and priority protection first, then hotspots in the order of their claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.zoning.faces import Faces
from gis.zoning.ground import Ground
from gis.zoning.lattice import cells_at
from gis.zoning.places import Places
from gis.zoning.snapping import OVERLAY, Fits

__all__ = ["Holding", "Rights", "nearest", "with_nearest"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """What each position belongs to: a patch, -1 for none; in conflict with a protected place, -1 for none; in a jurisdiction."""

    patch: Ints
    protected: Ints
    jurisdiction: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rights:
    """All that decides who has a position."""

    ground: Ground
    fits: Fits
    protected: Places
    jurisdictions: Places

    def holding(self, u: Floats, v: Floats) -> Holding:
        """Who has positions inside cells.

        A hotspot's cells inside a protected place are its conflict, and no unit has anything else in there. Outside, a fitted
        hotspot claims its parks or townships, another its cells; the first in rank has what two claim.
        """
        ground = self.ground
        cell = cells_at(u, v, ground.domain.grid)
        hot = np.full(len(u), -1, np.int64)
        on_grid = cell >= 0
        hot[on_grid] = ground.patch_at(ground.domain.positions(cell[on_grid]))
        fitted = self.fits.places.locate(u, v)
        claims = np.append(self.fits.fit == OVERLAY, False)[hot]
        winner = np.where(claims, hot, -1)
        if len(self.fits.patch):
            other = np.where(fitted >= 0, self.fits.patch[fitted], -1)
            first = (other >= 0) & ((winner < 0) | (ground.rank[other] < ground.rank[winner]))
            winner = np.where(first, other, winner)
        asked = (winner >= 0) | (hot >= 0)
        protected = self._at(self.protected, u, v, asked)
        patch = np.where(protected >= 0, hot, winner)
        return Holding(patch, np.where(hot >= 0, protected, -1), self._at(self.jurisdictions, u, v, patch >= 0))

    @staticmethod
    def _at(places: Places, u: Floats, v: Floats, asked: NDArray[np.bool_]) -> Ints:
        out = np.full(len(u), -1, np.int64)
        out[asked] = places.locate(u[asked], v[asked])
        return out


def with_nearest(faces: Faces, holding: Holding) -> Ints:
    """Jurisdiction of each face: beyond every one that of the nearest part of its hotspot, -1 if no part is in any."""
    out = holding.jurisdiction.copy()
    unit = (holding.patch >= 0) & (holding.protected < 0)
    for face in np.flatnonzero(unit & (holding.jurisdiction < 0)).tolist():
        parts = np.flatnonzero(unit & (holding.patch == holding.patch[face]) & (holding.jurisdiction >= 0))
        if len(parts):
            out[face] = holding.jurisdiction[
                parts[nearest(faces.polygon[face], faces.polygon[parts], holding.jurisdiction[parts])]
            ]
    return out


def nearest(shape: shapely.Geometry, others: Shapes, key: Ints) -> int:
    """Position of the nearest of other shapes; of those that touch the one with the longest common border, then by key."""
    distance = shapely.distance(shape, others)
    near = np.flatnonzero(distance <= distance.min())
    if len(near) == 1:
        return int(near[0])
    rim = shapely.boundary(shape)
    border = shapely.length(shapely.intersection(rim, shapely.boundary(others[near])))
    return int(near[np.lexsort((key[near], -border))[0]])
