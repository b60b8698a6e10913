"""Ground: the cells of the hotspots that are to be units, what is emitted there, and whose claim goes first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions
from gis.zoning.classes import CellClass
from gis.zoning.sources import PointSources

__all__ = ["Ground", "sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rows of `spread` and `point`: a class is judged by what it is about.
_ABOUT = {
    CellClass.WATCH: (True, True),
    CellClass.CARBON_ONLY: (True, False),
    CellClass.POLLUTION_ONLY: (False, True),
    CellClass.CO_CONTROL: (True, True),
}


@dataclass(frozen=True, eq=False)
class Ground:
    """The cells of kept hotspots by position in the domain, ascending, with the patch of each.

    Emission is measured twice, in shares of the domain's total: the carbon, and the pollutants' mean share. ``spread`` is what
    does not come from point sources (2, cells), ``point`` what each point source emits (2, sources).
    """

    domain: Domain
    klass: NDArray[np.uint8]
    kept: NDArray[np.bool_]
    at: Ints
    patch: Ints
    spread: Floats
    point: Floats
    point_at: Ints

    @classmethod
    def of(
        cls,
        emissions: Emissions,
        points: PointSources,
        *,
        patch: NDArray[np.int32],
        klass: NDArray[np.uint8],
        kept: NDArray[np.bool_],
    ) -> Ground:
        """The ground of the patches that are kept."""
        domain = emissions.domain
        _check(domain, patch, klass, kept)
        at = np.flatnonzero((patch >= 0) & np.append(kept, False)[patch])
        weight = _weights(emissions)
        point = weight @ points.by_species(len(emissions.species)).T
        spread = weight @ emissions.amount_t[:, at]
        inside = np.searchsorted(at, points.at)
        here = (inside < len(at)) & (at[np.minimum(inside, len(at) - 1)] == points.at) if len(at) else inside < 0
        for row in range(2):
            spread[row] -= sums(inside[here], point[row, here], len(at))
        np.maximum(spread, 0.0, out=spread)
        return cls(domain, klass, kept, at, patch[at].astype(np.int64), spread, point, np.asarray(points.at, np.int64))

    @property
    def patches(self) -> int:
        """Number of patches, those that are not kept included."""
        return len(self.klass)

    @cached_property
    def cells(self) -> Ints:
        """Cell ids of the cells."""
        return self.domain.cells[self.at]

    @cached_property
    def patch_of_point(self) -> Ints:
        """Kept patch in whose cells each point source stands, -1 for none."""
        return self.patch_at(self.point_at)

    def patch_at(self, positions: Ints) -> Ints:
        """Kept patch of positions of the domain, -1 for none."""
        if not len(self.at):
            return np.full(len(positions), -1, np.int64)
        found = np.minimum(np.searchsorted(self.at, positions), len(self.at) - 1)
        return np.where(self.at[found] == positions, self.patch[found], -1)

    @cached_property
    def emission(self) -> Floats:
        """Emission of each patch, (2, patches)."""
        stands = self.patch_of_point >= 0
        return np.stack(
            [
                sums(self.patch, self.spread[row], self.patches)
                + sums(self.patch_of_point[stands], self.point[row, stands], self.patches)
                for row in range(2)
            ]
        )

    @cached_property
    def area_km2(self) -> Floats:
        """Area of each patch on the ground."""
        return sums(self.patch, self.domain.area_km2[self.at], self.patches)

    @cached_property
    def first(self) -> Ints:
        """First position in the domain of each patch, -1 for those that are not kept."""
        out = np.full(self.patches, -1, np.int64)
        out[self.patch[::-1]] = self.at[::-1]
        return out

    @cached_property
    def about(self) -> NDArray[np.bool_]:
        """Whether a patch's class is about carbon, about pollutants, (2, patches)."""
        table = np.ones((2, len(CellClass)), np.bool_)
        for klass, rows in _ABOUT.items():
            table[:, klass] = rows
        return table[:, self.klass]

    @cached_property
    def rank(self) -> Ints:
        """Whose claim goes first, 0 before all: class precedence, then emission, then number."""
        order = np.lexsort((np.arange(self.patches), -self.emission.sum(axis=0), -self.klass.astype(np.int64)))
        out = np.empty(self.patches, np.int64)
        out[order] = np.arange(self.patches)
        return out

    def least_share(self, part: Floats, patch: Ints) -> Floats:
        """Share of a patch's emission in parts of it (2, parts): the smaller one, of what its class is about."""
        whole = self.emission[:, patch]
        counts = self.about[:, patch] & (whole > 0.0)
        share = np.where(counts, part / np.where(whole > 0.0, whole, 1.0), np.inf).min(axis=0)
        return np.where(counts.any(axis=0), share, 0.0)


def sums(index: NDArray[np.integer[Any]], values: Floats, size: int) -> Floats:
    """Sum of the values of each index, 0 where it has none; indices are below ``size``."""
    return np.asarray(np.bincount(index, values, size), np.float64)


def _weights(emissions: Emissions) -> Floats:
    """(2, species): from t/yr to shares of the domain's carbon and to the mean share of its pollutants."""
    total = emissions.amount_t.sum(axis=1)
    each = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0.0)
    out = np.zeros((2, len(total)))
    out[0, 0] = each[0]
    out[1, 1:] = each[1:] / max(1, np.count_nonzero(each[1:]))
    return out


def _check(domain: Domain, patch: NDArray[np.int32], klass: NDArray[np.uint8], kept: NDArray[np.bool_]) -> None:
    if patch.shape != (domain.size,):
        raise InvalidParameter(f"patch has shape {patch.shape}; expected a number for each of {domain.size} cells")
    if len(klass) != len(kept):
        raise InvalidParameter(f"{len(klass)} classes and {len(kept)} marks; expected one of each per patch")
    if len(patch) and not (patch.min() >= -1 and patch.max() < len(klass)):
        raise InvalidParameter(f"patches go from {patch.min()} to {patch.max()}; expected -1 to {len(klass) - 1}")
    odd = kept & ~((klass >= CellClass.WATCH) & (klass <= CellClass.CO_CONTROL))
    if odd.any():
        raise InvalidParameter(f"patch {np.argmax(odd)} has class {klass[np.argmax(odd)]}, which makes no unit")
    empty = kept & (np.bincount(patch[patch >= 0], minlength=len(klass))[: len(klass)] == 0)
    if empty.any():
        raise InvalidParameter(f"patch {np.argmax(empty)} is to be kept and has no cell")
