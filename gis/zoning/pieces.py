"""Pieces: hotspots cut at every border that matters, each piece in one jurisdiction or in one protected place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.zoning.borders import Border, Clusters, border_of, clusters_of, polylines
from gis.zoning.faces import Faces, faces_of, merge_slivers, merged
from gis.zoning.ground import sums
from gis.zoning.lattice import from_lattice, to_lattice
from gis.zoning.precedence import Holding, Rights, with_nearest
from gis.zoning.snapping import cell_fractions

__all__ = ["Pieces", "cut"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

# Vertices in one drawing: enough to be worth a call, few enough to keep all threads busy.
_DRAWING = 20_000


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces in the order of patch, then units before conflicts, then place (a jurisdiction, or a protected place).

    ``shape`` is in the grid's CRS; ``inner`` is its part inside the jurisdictions, the same object where that is all of it.
    ``plain`` marks pieces that are a hotspot as it was, all its cells and nothing else.
    """

    patch: Ints
    conflict: NDArray[np.bool_]
    place: Ints
    shape: Shapes
    inner: Shapes
    plain: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.patch)


def cut(rights: Rights, outlines: Shapes) -> Pieces:
    """The pieces of all kept hotspots."""
    ground, grid = rights.ground, rights.ground.domain.grid
    fitted = rights.fits.places
    cells, patch = ground.cells, ground.patch
    if len(fitted):
        fractions, _ = cell_fractions(from_lattice(fitted.whole(), grid), grid)
        owner = np.repeat(rights.fits.patch, np.diff(fractions.indptr))
        cells, patch = np.concatenate([cells, fractions.indices]), np.concatenate([patch, owner])
    clusters = clusters_of(cells.astype(np.int64), patch, ground.patches, grid)
    borders = [border_of(places.polygon, clusters, grid) for places in (rights.jurisdictions, rights.protected)]
    drawn = np.zeros(len(clusters), np.bool_)
    for border in borders:
        drawn[border.cluster] = True
    drawn[clusters.of_patch[rights.fits.patch]] = True
    kept = np.flatnonzero(ground.kept)
    plain = kept[~drawn[clusters.of_patch[kept]]]
    faces = _drawn(rights, clusters, drawn, borders, outlines)
    return _grouped(rights, faces, plain, outlines)


def _drawn(
    rights: Rights, clusters: Clusters, drawn: NDArray[np.bool_], borders: list[Border], outlines: Shapes
) -> Faces:
    """The faces of all clusters that a border meets, several clusters to a drawing."""
    grid, fits = rights.ground.domain.grid, rights.fits
    patch = np.flatnonzero(rights.ground.kept)
    patch = patch[drawn[clusters.of_patch[patch]]]
    rims = [shapely.boundary(to_lattice(outlines[patch], grid)), shapely.boundary(fits.places.polygon)]
    whose = [clusters.of_patch[patch], clusters.of_patch[fits.patch[fits.places.owner]]]
    size = sums(
        np.concatenate([*whose, *(b.cluster for b in borders)]),
        np.concatenate([*map(shapely.get_num_coordinates, rims), *(np.ones(len(b.cluster)) for b in borders)]),
        len(clusters),
    )
    drawing = (np.cumsum(np.where(drawn, size, 0)) // _DRAWING).astype(np.int64)
    used, drawing = np.unique(drawing[drawn], return_inverse=True)
    of_cluster = np.full(len(clusters), -1, np.int64)
    of_cluster[drawn] = drawing
    lines: list[list[Shapes]] = [[] for _ in used]
    for rim, cluster in zip(rims, whose, strict=True):
        for k, chosen in _by_drawing(of_cluster[cluster], len(used)):
            lines[k].append(rim[chosen])
    for border in borders:
        for k, chosen in _by_drawing(of_cluster[border.cluster], len(used)):
            lines[k].append(polylines(border.segments, border.segment[chosen]))
    return faces_of([np.concatenate(parts) for parts in lines])


def _by_drawing(drawing: Ints, drawings: int) -> list[tuple[int, Ints]]:
    order = np.argsort(drawing, kind="stable")
    ends = np.searchsorted(drawing[order], np.arange(drawings + 1))
    return [(k, order[ends[k] : ends[k + 1]]) for k in range(drawings) if ends[k] < ends[k + 1]]


def _grouped(rights: Rights, faces: Faces, plain: Ints, outlines: Shapes) -> Pieces:
    ground, grid = rights.ground, rights.ground.domain.grid
    row, col = grid.row_col(ground.domain.cells[ground.first[plain]])
    alone = rights.holding(col.astype(np.float64) + 0.5, -0.5 - row.astype(np.float64))
    held = rights.holding(faces.u, faces.v)
    settled = Holding(held.patch, held.protected, with_nearest(faces, held))
    key = np.concatenate([_keys(settled), _keys(alone)])
    unique, group = np.unique(key, axis=0, return_inverse=True)
    group = group.reshape(-1) - np.count_nonzero(unique[:, 0] < 0)
    unique = unique[unique[:, 0] >= 0]
    count = len(faces.u)
    of_face = merge_slivers(faces, np.maximum(group[:count], -1))
    of_plain = group[count:]
    used = np.unique(np.concatenate([of_face[of_face >= 0], of_plain]))
    new = np.full(len(unique) + 1, -1, np.int64)
    new[used] = np.arange(len(used))
    unique, of_face, of_plain = unique[used], new[of_face], new[of_plain]
    shape = from_lattice(merged(faces.polygon, of_face, len(used)), grid)
    inner = _inner(rights, faces, of_face, held, shape)
    shape[of_plain], inner[of_plain] = outlines[plain], outlines[plain]
    is_plain = np.zeros(len(used), np.bool_)
    is_plain[of_plain] = True
    whole = np.array([a is b for a, b in zip(shape, inner, strict=True)], np.bool_)
    shape = shapely.orient_polygons(shape)
    inner[whole] = shape[whole]
    return Pieces(unique[:, 0], unique[:, 1] == 1, unique[:, 2], shape, inner, is_plain)


def _keys(holding: Holding) -> Ints:
    conflict = holding.protected >= 0
    place = np.where(conflict, holding.protected, holding.jurisdiction)
    return np.stack([holding.patch, conflict.astype(np.int64), place], axis=1)


def _inner(rights: Rights, faces: Faces, group: Ints, held: Holding, shape: Shapes) -> Shapes:
    """The parts of the groups inside jurisdictions; where there are none, or nothing lies beyond, the groups themselves."""
    out = shape.copy()
    beyond = (held.jurisdiction < 0) & (group >= 0)
    if not len(rights.jurisdictions) or not beyond.any():
        return out
    partly = np.unique(group[beyond])
    new = np.full(len(shape) + 1, -1, np.int64)
    new[partly] = np.arange(len(partly))
    out[partly] = from_lattice(
        merged(faces.polygon, np.where(beyond, -1, new[group]), len(partly)), rights.ground.domain.grid
    )
    return out
