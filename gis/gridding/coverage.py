"""Polygons × Grid: the share of every polygon in every cell, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from geopandas import GeoSeries
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from gis.errors import InvalidGeometry, InvalidParameter
from gis.grid import Grid
from gis.gridding.rings import Rings, describe_rows, polygon_of, rings_of, rings_of_array
from gis.kernels.ellipsoid import authalic_radius2_m2, zone_coefficients
from gis.kernels.polygons import FRACTION, TURNING, Cover, Lattice, cover_rings

__all__ = ["PolygonCover", "area_unit_m2", "cover", "coverage", "lattice_of", "zone_of"]

_POLYGON = 3


@dataclass(frozen=True, slots=True, eq=False)
class PolygonCover:
    """Shares (polygons × cells) and, per polygon, full area in m² and the measured share outside; the rows repaired.

    Areas are planar in a projected CRS, ellipsoidal on a longitude-latitude grid: those the shares are shares of.
    """

    shares: csr_array
    area_m2: NDArray[np.float64]
    outside: NDArray[np.float64]
    repaired: NDArray[np.intp]


def coverage(
    polygons: GeoSeries,
    grid: Grid,
    *,
    densify_m: float | None = None,
    invalid: Literal["refuse", "repair"] = "refuse",
) -> csr_array:
    """Share of each polygon's full area lying in each cell, polygons × cells; a row sums to the share inside the grid.

    Columns are cell ids (row-major from the north-west), ascending in each row. Cells that hold no area are absent; cells
    wholly inside have exactly cell area / polygon area. The result does not depend on the number of threads.

    Parameters
    ----------
    polygons
        Polygons or multipolygons with a CRS. From another CRS than the grid's the vertices are projected.
    grid
        In a projected CRS areas are planar. On a longitude-latitude grid they are ellipsoidal, edges straight in longitude
        and geodetic latitude; an edge longer than 180° is read as crossing the antimeridian (give a wider polygon vertices in
        between), longitudes may be off by whole turns, and a ring around the globe holds the pole nearer to it.
    densify_m
        Insert vertices before projecting, so that no edge is longer than this many metres.
    invalid
        Self-crossing polygons, overlapping parts, holes outside their shell: refuse, or mend with ``make_valid``.

    Raises
    ------
    InvalidGeometry
        For rows that are missing, empty, not polygons, not finite, without area, or invalid. Found are all polygons of which
        some cell's fraction leaves [0, 1], and all with a ring that crosses itself an odd number of times. Not looked for
        are crossings in even number that cancel inside single cells: their fractions are those of the signed area.
    """
    return cover(polygons, grid, densify_m=densify_m, invalid=invalid).shares


def cover(
    polygons: GeoSeries,
    grid: Grid,
    *,
    densify_m: float | None = None,
    invalid: Literal["refuse", "repair"] = "refuse",
    empty: Literal["refuse", "skip"] = "refuse",
) -> PolygonCover:
    """Shares as in ``coverage`` with the full areas, the share outside and the rows that were repaired.

    ``empty="skip"`` leaves the rows of missing, empty and zero-area polygons empty, with an area of 0.
    """
    for name, value, known in (
        ("invalid", invalid, ("refuse", "repair")),
        ("empty", empty, ("refuse", "skip")),
    ):
        if value not in known:
            raise InvalidParameter(f"{name} {value!r}; use one of {', '.join(known)}")
    rings = rings_of(polygons, grid.crs, densify_m=densify_m, empty=empty)
    found = _run(rings, grid)
    bad = _invalid_rows(polygons, rings, found)
    _check_areas(polygons, found, bad, empty)
    shares, area, outside = _csr(found, grid), found.area, found.outside
    if len(bad):
        if invalid == "refuse":
            raise InvalidGeometry(_why_invalid(polygons, rings, bad))
        mended = _mended(polygons, rings, bad, grid)
        order = np.arange(len(area))
        order[bad] = len(area) + np.arange(len(bad))
        shares = vstack([shares, _csr(mended, grid)], format="csr")[order]
        area, outside = (np.concatenate(pair)[order] for pair in ((area, mended.area), (outside, mended.outside)))
    return PolygonCover(shares, area * area_unit_m2(grid), outside, bad)


def lattice_of(grid: Grid) -> Lattice:
    """The grid's numbers as the kernels take them."""
    return Lattice(grid.x_left, grid.y_top, grid.dx, grid.dy, grid.rows, grid.cols)


def zone_of(grid: Grid) -> NDArray[np.float64] | None:
    """Coefficients of the ellipsoid's zone area for a longitude-latitude grid, None for a projected one."""
    return zone_coefficients(grid.ellipsoid[1]) if grid.is_geographic else None


def area_unit_m2(grid: Grid) -> float:
    """Square metres in the unit of the kernels' areas."""
    if grid.is_geographic:
        return authalic_radius2_m2(*grid.ellipsoid) * math.radians(1.0)
    metre = [axis.unit_conversion_factor for axis in grid.crs.axis_info[:2]]
    return float(metre[0] * metre[1])


def _run(rings: Rings, grid: Grid) -> Cover:
    return cover_rings(rings.coords, rings.rings, rings.polygons, rings.holes, lattice_of(grid), zone=zone_of(grid))


def _csr(found: Cover, grid: Grid) -> csr_array:
    out = csr_array((found.shares, found.cells, found.indptr), shape=(len(found.area), grid.size), copy=False)
    out.has_sorted_indices = True
    out.has_canonical_format = True
    return out


def _check_areas(polygons: GeoSeries, found: Cover, bad: NDArray[np.intp], empty: str) -> None:
    lost = np.flatnonzero(np.isnan(found.area))
    if len(lost):
        raise InvalidGeometry(
            f"{describe_rows(polygons, lost)}: a vertex is not finite, as given or after projecting to the grid's CRS; "
            "mend it, or clip the polygon to where the CRS is defined"
        )
    flat = found.area == 0.0
    flat[bad] = False
    if empty == "refuse" and flat.any():
        raise InvalidGeometry(
            f"{describe_rows(polygons, np.flatnonzero(flat))}: the polygon has no area, so that nothing is a share of it; "
            "drop it, or give it as a point or line"
        )


def _invalid_rows(polygons: GeoSeries, rings: Rings, found: Cover) -> NDArray[np.intp]:
    # A fraction outside [0, 1] decides by itself; of the rings with an odd turning, GEOS decides: touching rings are fine.
    finite = ~np.isnan(found.area)
    decided = finite & ((found.doubt & FRACTION) != 0)
    for row in np.flatnonzero(finite & ~decided & ((found.doubt & TURNING) != 0)).tolist():
        decided[row] = not (shapely.is_valid(polygons.iloc[row]) or polygon_of(rings, row).is_valid)
    # Crossing rings may cancel to nothing; what is nothing even when mended has no area rather than a wrong one.
    for row in np.flatnonzero(found.area == 0.0).tolist():
        decided[row] = bool(shapely.make_valid(polygon_of(rings, row)).area > 0.0)
    return np.flatnonzero(decided)


def _why_invalid(polygons: GeoSeries, rings: Rings, bad: NDArray[np.intp]) -> str:
    reason = shapely.is_valid_reason(polygon_of(rings, bad[0]))
    return (
        f"{describe_rows(polygons, bad)}: invalid polygon ({reason}); its parts would count twice or negatively. Mend it, or "
        "pass invalid='repair'"
    )


def _mended(polygons: GeoSeries, rings: Rings, bad: NDArray[np.intp], grid: Grid) -> Cover:
    shapes = np.empty(len(bad), object)
    for k, row in enumerate(bad):
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(polygon_of(rings, row))))
        shapes[k] = shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == _POLYGON]))
    found = _run(rings_of_array(shapes), grid)
    still = bad[((found.doubt & FRACTION) != 0) | ~(found.area > 0.0)]
    if len(still):
        raise InvalidGeometry(
            f"{describe_rows(polygons, still)}: invalid polygon that make_valid does not mend to one with an area; mend it by hand"
        )
    return found
