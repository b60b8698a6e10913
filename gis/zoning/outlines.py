"""Outlines of patches: polygons whose vertices are corners of cells, the same on both sides of a shared border."""

from __future__ import annotations

import numba
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.kernels.outlines import count_sides, trace_rings
from gis.kernels.patches import gather, join
from gis.zoning.delineation import neighbours

__all__ = ["outlines"]


def outlines(domain: Domain, patch: NDArray[np.int32], wanted: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Polygons of the wanted patches in the grid's CRS, None for the others; multipolygons where parts meet in corners.

    Parameters
    ----------
    domain
        The cells. On a grid that goes around the globe, a patch on both sides of the seam has a part on each.
    patch
        Number of each cell's patch, -1 outside patches.
    wanted
        Whether the outline of each patch is wanted; patches that are not count as outside.
    """
    if patch.dtype != np.int32 or patch.shape != (domain.size,):
        raise InvalidParameter(
            f"patch has shape {patch.shape} and type {patch.dtype}; expected int32, shape ({domain.size},)"
        )
    labels, chosen = np.ascontiguousarray(patch).view(), np.ascontiguousarray(wanted, np.bool_).view(np.uint8)
    labels.flags.writeable = chosen.flags.writeable = False
    ids, label, strange = gather(domain.cells, labels, chosen)
    if strange:
        raise InvalidParameter(f"{strange} cells belong to patches beyond the {len(wanted)} that wanted speaks of")
    out = np.full(len(wanted), None, np.object_)
    if len(ids):
        _fill(out, domain, ids, label)
    return out


def _fill(out: NDArray[np.object_], domain: Domain, ids: NDArray[np.int64], label: NDArray[np.int32]) -> None:
    grid = domain.grid
    near, starts = neighbours(ids, grid.shape, wraps=False)
    part = np.empty(len(ids), np.int32)
    join(near, starts, label, np.zeros(len(ids), np.uint8), numba.get_num_threads(), part)
    coords, first, of_part, hole = trace_rings(
        ids, near, label, part, grid.x_edges, grid.y_edges, count_sides(near, label)
    )
    rings = shapely.linearrings(coords, indices=np.repeat(np.arange(len(of_part)), np.diff(first)))
    # Patch by patch and part by part, the shell before its holes.
    order = np.lexsort((hole, of_part, label[of_part]))
    shells = np.flatnonzero(~hole[order])
    polygons = shapely.polygons(rings[order], indices=np.cumsum(~hole[order]) - 1)
    of_patch = label[of_part[order[shells]]]
    found, begin, parts = np.unique(of_patch, return_index=True, return_counts=True)
    out[found[parts == 1]] = polygons[begin[parts == 1]]
    several = np.repeat(parts > 1, parts)
    if several.any():
        numbers = np.repeat(np.arange((parts > 1).sum()), parts[parts > 1])
        out[found[parts > 1]] = shapely.multipolygons(polygons[several], indices=numbers)
