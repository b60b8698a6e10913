"""Faces: what lines divide the plane into. Whatever is made of faces of one drawing shares its borders exactly.

Outlines of hotspots, borders of jurisdictions, parks, red lines are drawn together once, and every face then has one owner: so there is
no gap and no overlap between owners, whatever the polygons did that the lines came from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.zoning.lattice import SNAP

__all__ = ["SLIVER", "Faces", "faces_of", "merge_slivers", "merged"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

# Area, in cells, of what only rounding or careless digitising makes.
SLIVER = 1e-6
# Of a sliver's border: from here on it lies between owners, and leaving it out would be a gap.
_ENCLOSED = 0.999


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Polygons in cell coordinates, a point inside each, and the drawing each comes from."""

    polygon: Shapes
    u: Floats
    v: Floats
    drawing: Ints


def faces_of(drawings: Sequence[Shapes]) -> Faces:
    """The faces of drawings, each an array of lines; drawings share no border with one another."""
    # The result is the same for any number of threads: every drawing is made by one of them, alone.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = list(pool.map(_faces, drawings))
    polygon = np.concatenate([np.empty(0, object), *found])
    inside = shapely.point_on_surface(polygon)
    drawing = np.repeat(np.arange(len(found)), [len(f) for f in found])
    return Faces(polygon, shapely.get_x(inside), shapely.get_y(inside), drawing)


def _faces(lines: Shapes) -> Shapes:
    noded = shapely.union_all(lines, grid_size=SNAP)
    parts = shapely.get_parts(shapely.polygonize([noded]))
    return np.asarray(parts, dtype=object)


def merged(polygons: Shapes, group: Ints, groups: int) -> Shapes:
    """The faces of each group as one polygon or multipolygon; faces of group -1 belong to none."""
    out = np.full(groups, shapely.Polygon(), object)
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(groups + 1))
    for g in range(groups):
        parts = polygons[order[ends[g] : ends[g + 1]]]
        out[g] = parts[0] if len(parts) == 1 else shapely.coverage_union_all(parts)
        if shapely.get_type_id(out[g]) == shapely.GeometryType.GEOMETRYCOLLECTION:
            # Faces that touch nowhere come back as a collection of polygons.
            out[g] = shapely.multipolygons(shapely.get_parts(out[g]))
    return out


def merge_slivers(faces: Faces, group: Ints) -> Ints:
    """The groups with slivers given to the neighbour with which they share most border, -1 for none.

    A sliver of no group is given away only if owners surround it.
    """
    out = group.copy()
    area = shapely.area(faces.polygon)
    slivers = np.flatnonzero(area < SLIVER)
    if not len(slivers):
        return out
    beside, other = shapely.STRtree(faces.polygon).query(faces.polygon[slivers], predicate="intersects")
    useful = (area[other] >= SLIVER) & (group[other] >= 0) & (faces.drawing[other] == faces.drawing[slivers[beside]])
    beside, other = beside[useful], other[useful]
    shared = shapely.length(
        shapely.intersection(shapely.boundary(faces.polygon[slivers[beside]]), shapely.boundary(faces.polygon[other]))
    )
    around = np.bincount(beside, shared, len(slivers))
    for k, face in enumerate(slivers.tolist()):
        if group[face] < 0 and around[k] < _ENCLOSED * shapely.length(faces.polygon[face]):
            continue
        mine = np.flatnonzero((beside == k) & (shared > 0.0))
        if len(mine):
            # The most border; of equals the first group.
            best = mine[np.lexsort((group[other[mine]], -shared[mine]))[0]]
            out[face] = group[other[best]]
    return out
