"""Reviews: what fitted shapes keep and add, the names of what they were fitted to, and why a person has to look at a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.zoning.faces import SLIVER
from gis.zoning.ground import sums
from gis.zoning.lattice import from_lattice
from gis.zoning.parameters import Snapping
from gis.zoning.pieces import Pieces
from gis.zoning.precedence import Rights
from gis.zoning.shares import Shares

__all__ = ["Fitted", "fitted_of", "halves"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Reason = tuple[str, str]
Names = tuple[list[str], list[str], list[str]]

# A part of a cut shape smaller than this share of it, and smaller than a cell, is more likely two borders that do not match.
_SMALL = 0.01
_ROUNDING = 1e-9
_SPLINTER = (
    "跨界小块,不足一格:请核对边界是否一致,或并入相邻单元",
    "a part of less than a cell across a border: check that the borders match, or give it to its neighbour",
)
# Between the languages of a review.
_BOTH = " / "
_NOWHERE = ("不在任何行政区内", "lies in no jurisdiction")


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Per patch emission retained and area inflated; per unit (in the order of the pieces) the parks or townships, and the review.

    ``names`` is (codes, Chinese names, English names), None where nothing was fitted. ``review`` has the Chinese text, " / ", the
    English text, or is empty. ``absorbed`` gives, for kept patches without a unit, the piece that has most of their cells, or -1.
    """

    retained: Floats
    inflated: Floats
    names: list[Names | None]
    review: list[str]
    absorbed: Mapping[int, int]


def fitted_of(rights: Rights, pieces: Pieces, shares: Shares, snapping: Snapping) -> Fitted:
    """What is to be said of the units' shapes."""
    ground = rights.ground
    retained, inflated = _kept(rights, pieces, shares)
    unit = np.flatnonzero(~pieces.conflict)
    patch = pieces.patch[unit]
    absorbed = _absorbed(rights, shares, unit, patch)
    # Each piece beside its whole hotspot, and beside a cell.
    part = shares.area_km2[unit] / sums(patch, shares.area_km2[unit], ground.patches)[patch]
    small = (part < _SMALL) & (shares.area_km2[unit] < ground.domain.area_km2[np.maximum(ground.first[patch], 0)])
    nowhere = (pieces.place[unit] < 0) & (len(rights.jurisdictions) > 0)
    held: dict[int, list[int]] = {}
    for lost, piece in absorbed.items():
        held.setdefault(piece, []).append(lost)
    review = []
    for k, piece in enumerate(unit.tolist()):
        reasons = rights.fits.review[patch[k]] + _lost(float(retained[patch[k]]), snapping)
        reasons += [_has(lost) for lost in held.get(piece, [])]
        reasons += [_SPLINTER] * bool(small[k]) + [_NOWHERE] * bool(nowhere[k])
        review.append(_text(reasons))
    return Fitted(retained, inflated, _names(rights, pieces, unit), review, absorbed)


def _text(reasons: list[Reason]) -> str:
    return f"{';'.join(r[0] for r in reasons)}{_BOTH}{'; '.join(r[1] for r in reasons)}" if reasons else ""


def halves(both: str) -> tuple[str, str]:
    """The Chinese and the English half of a review. Codes in it may hold the sign between them as well, as often in either half."""
    parts = both.split(_BOTH)
    if len(parts) % 2:
        return both, both
    middle = len(parts) // 2
    return _BOTH.join(parts[:middle]), _BOTH.join(parts[middle:])


def _lost(retained: float, snapping: Snapping) -> list[Reason]:
    if retained >= snapping.retained - _ROUNDING:
        return []
    least = f"{snapping.retained:.0%}"
    return [
        (
            f"仅保留该热点排放的 {retained:.1%}(下限 {least}),其余归优先级更高的单元",
            f"keeps {retained:.1%} of the hotspot's emission (at least {least}); the rest is in units that go first",
        )
    ]


def _has(patch: int) -> Reason:
    return f"含热点 {patch} 的大部分,后者不另设单元", f"has most of hotspot {patch}, which has no unit of its own"


def _kept(rights: Rights, pieces: Pieces, shares: Shares) -> tuple[Floats, Floats]:
    """Of each patch the share of emission in its own units and conflicts, and their area in areas of the patch."""
    ground = rights.ground
    row = np.repeat(np.arange(len(pieces)), np.diff(shares.of_cell.indptr))
    at = shares.of_cell.indices
    own = np.flatnonzero(ground.patch_at(at) == pieces.patch[row])
    index, patch, share = np.searchsorted(ground.at, at[own]), pieces.patch[row[own]], shares.of_cell.data[own]
    stands = np.flatnonzero((shares.of_point >= 0) & (ground.patch_of_point >= 0))
    stands = stands[pieces.patch[shares.of_point[stands]] == ground.patch_of_point[stands]]
    emission = np.stack(
        [
            sums(patch, share * spread[index], ground.patches)
            + sums(ground.patch_of_point[stands], point[stands], ground.patches)
            for spread, point in zip(ground.spread, ground.point, strict=True)
        ]
    )
    retained = np.minimum(ground.least_share(emission, np.arange(ground.patches)), 1.0)
    area = sums(pieces.patch, shares.area_km2, ground.patches)
    inflated = np.divide(area, ground.area_km2, out=np.zeros_like(area), where=ground.area_km2 > 0.0)
    return _whole(retained), _whole(inflated)


def _whole(values: Floats) -> Floats:
    # What is one but for the order of a sum is one.
    return np.where(np.abs(values - 1.0) <= _ROUNDING, 1.0, values)


def _absorbed(rights: Rights, shares: Shares, unit: Ints, patch: Ints) -> dict[int, int]:
    ground = rights.ground
    gone = np.setdiff1d(np.flatnonzero(ground.kept), patch)
    if not len(gone) or not len(unit):
        return dict.fromkeys(gone.tolist(), -1)
    by_cell = shares.of_cell[unit].tocsc()
    out = {}
    for p in gone.tolist():
        mine = by_cell[:, ground.at[ground.patch == p]].sum(axis=1)
        out[p] = int(unit[np.argmax(mine)]) if mine.max() > 0.0 else -1
    return out


def _names(rights: Rights, pieces: Pieces, unit: Ints) -> list[Names | None]:
    """Codes and names of the parks or townships each unit was fitted to; of a cut one those that reach into the part."""
    places, owner = rights.fits.places, rights.fits.patch
    if not len(places):
        return [None] * len(unit)
    out: list[Names | None] = []
    whole = from_lattice(places.whole(), rights.ground.domain.grid)
    least = SLIVER * rights.ground.domain.grid.dx * rights.ground.domain.grid.dy
    for k in unit.tolist():
        mine = np.flatnonzero(owner == pieces.patch[k])
        if len(mine) > 1:
            mine = mine[shapely.area(shapely.intersection(whole[mine], pieces.shape[k])) > least]
        mine = mine[np.argsort(places.code[mine].astype(str), kind="stable")]
        names = tuple(column[mine].tolist() for column in (places.code, places.name_zh, places.name_en))
        out.append((names[0], names[1], names[2]) if len(mine) else None)
    return out
