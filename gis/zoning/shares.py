"""Shares: how much of each cell's spread mass, and which point sources, each piece has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from gis.zoning.ground import Ground, sums
from gis.zoning.lattice import SNAP, shift_turns
from gis.zoning.pieces import Pieces
from gis.zoning.snapping import OVERLAY, Fits, cell_fractions
from gis.zoning.sources import PointSources

__all__ = ["Shares", "shares_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

# Of a cell: less than this is what rounding a border to SNAP leaves on its other side.
_ROUNDING = 2.0 * SNAP
# Less of a cell than this inside jurisdictions, and the whole cell is gone by instead.
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of spread mass (pieces × cells of the domain), the piece of each point source (-1 none), the pieces' areas."""

    of_cell: csr_array
    of_point: NDArray[np.int32]
    area_km2: Floats


def shares_of(pieces: Pieces, ground: Ground, fits: Fits, points: PointSources, domain_share: Floats | None) -> Shares:
    """The shares of pieces.

    A cell's spread mass lies evenly on its ground inside the jurisdictions, or on all of it where it has none there. All of a cell of an
    overlay hotspot belongs to somebody: its shares are made to add up to 1, which takes away rounding and nothing else.
    ``domain_share`` is the share of each of the domain's cells inside jurisdictions; None where no shape was fitted.
    """
    domain = ground.domain
    of_patch = np.full(ground.patches, -1, np.int64)
    of_patch[pieces.patch[pieces.plain]] = np.flatnonzero(pieces.plain)
    alone = of_patch[ground.patch]
    full = np.flatnonzero(alone >= 0)
    row, cell, whole, inner, area_km2 = _fractions(pieces, ground)
    area_km2 += sums(alone[full], domain.area_km2[ground.at[full]], len(pieces))
    at = domain.positions(cell)
    row, at, whole, inner = row[at >= 0], at[at >= 0], whole[at >= 0], inner[at >= 0]
    # From here on over the cells that are cut alone, by their place among them.
    cut, index = np.unique(at, return_inverse=True)
    inside = sums(index, inner, len(cut)) > _LEAST
    value = np.where(inside[index], inner, whole)
    total = sums(index, value, len(cut))
    patch = ground.patch_at(cut)
    owned = (patch >= 0) & np.append(fits.fit == OVERLAY, False)[patch]
    room = np.where(inside, 1.0 if domain_share is None else domain_share[cut], 1.0)
    value /= np.where(owned, total, np.maximum(total, room))[index]
    _close(value, index, owned)
    entries = np.concatenate([np.ones(len(full)), value])
    where = np.concatenate([alone[full], row]), np.concatenate([ground.at[full], at])
    shares = csr_array((entries, where), shape=(len(pieces), domain.size))
    shares.sort_indices()
    return Shares(shares, _points(pieces, shares, ground, fits, points), area_km2)


def _fractions(pieces: Pieces, ground: Ground) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Entries of cut piece, cell, fraction of the cell in the piece and in its inner part; and areas, 0 for the others."""
    grid = ground.domain.grid
    other = np.flatnonzero(~pieces.plain)
    fractions, cut_km2 = cell_fractions(pieces.shape[other], grid)
    row = np.repeat(np.arange(len(other)), np.diff(fractions.indptr))
    differ = np.flatnonzero([pieces.inner[k] is not pieces.shape[k] for k in other.tolist()])
    inside, _ = cell_fractions(pieces.inner[other[differ]], grid)
    partly = np.zeros(len(other), np.bool_)
    partly[differ] = True
    inner = np.where(partly[row], np.minimum(_lookup(inside, differ, fractions), fractions.data), fractions.data)
    solid = fractions.data > _ROUNDING
    area_km2 = np.zeros(len(pieces))
    area_km2[other] = cut_km2
    cell = fractions.indices[solid].astype(np.int64)
    return other[row[solid]], cell, fractions.data[solid], inner[solid], area_km2


def _lookup(some: csr_array, rows: Ints, of: csr_array) -> Floats:
    """Values of some rows at the entries of the whole table, 0 elsewhere."""
    size = np.int64(of.shape[1])
    key = np.repeat(rows, np.diff(some.indptr)) * size + some.indices
    wanted = np.repeat(np.arange(of.shape[0]), np.diff(of.indptr)) * size + of.indices
    if not len(key):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, some.data[at], 0.0)


def _close(value: Floats, cell: Ints, owned: NDArray[np.bool_]) -> None:
    """Make the shares of owned cells add up to 1 to the last bit: the greatest takes up what rounding left."""
    rest = np.where(owned, 1.0 - sums(cell, value, len(owned)), 0.0)
    order = np.lexsort((value, cell))
    greatest = order[np.flatnonzero(np.append(np.diff(cell[order]) != 0, True))] if len(cell) else order
    value[greatest] += rest[cell[greatest]]


def _points(pieces: Pieces, shares: csr_array, ground: Ground, fits: Fits, points: PointSources) -> NDArray[np.int32]:
    """The piece in which each point source stands.

    On a border the one that has part of the source's own cell, since a cell owns its lower and left edge; of several the
    first. A source in a cell of an overlay hotspot is never lost: off by a rounding it goes to the greatest share of its cell.
    """
    out = np.full(len(points), -1, np.int64)
    if not len(points) or not shares.nnz:
        return out.astype(np.int32)
    by_cell = shares.tocsc()
    first = by_cell.indices[np.minimum(by_cell.indptr[:-1], shares.nnz - 1)]
    some = np.diff(by_cell.indptr)[points.at] > 0
    plain = some & pieces.plain[first[points.at]]
    out[plain] = first[points.at[plain]]
    asked = np.flatnonzero(some & ~plain)
    at, piece = _holding(pieces, ground, points, asked)
    own = _has(by_cell, piece, points.at[at])
    order = np.lexsort((piece, ~own, at))
    found, index = np.unique(at[order], return_index=True)
    best = order[index]
    out[found] = piece[best]
    patch = ground.patch_of_point[asked]
    secure = (patch >= 0) & np.append(fits.fit == OVERLAY, False)[patch]
    for point in np.setdiff1d(asked[secure], found[own[best]]).tolist():
        column = slice(by_cell.indptr[points.at[point]], by_cell.indptr[points.at[point] + 1])
        out[point] = by_cell.indices[column][np.argmax(by_cell.data[column])]
    return out.astype(np.int32)


def _holding(pieces: Pieces, ground: Ground, points: PointSources, asked: Ints) -> tuple[Ints, Ints]:
    """Pairs of a point source and a piece whose polygon, its border included, it stands in."""
    other = np.flatnonzero(~pieces.plain)
    shape = pieces.shape[other]
    shapely.prepare(shape)
    x, y = shift_turns(points.x[asked], ground.domain.grid), points.y[asked]
    at, piece = shapely.STRtree(shape).query(shapely.points(x, y))
    holds = shapely.intersects_xy(shape[piece], x[at], y[at])
    return asked[at[holds]], other[piece[holds]]


def _has(by_cell: csc_array, piece: Ints, at: Ints) -> NDArray[np.bool_]:
    """Whether each piece has a share of a cell."""
    size = np.int64(by_cell.shape[0])
    column = np.repeat(np.arange(by_cell.shape[1]), np.diff(by_cell.indptr))
    known = column * size + by_cell.indices
    wanted = at * size + piece
    found = np.minimum(np.searchsorted(known, wanted), max(0, len(known) - 1))
    return known[found] == wanted if len(known) else np.zeros(len(wanted), np.bool_)
