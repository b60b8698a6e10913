"""Shapes that have no measure or not the one they seem to have: invalid, empty, without area or length, around the world."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.inventory.checks.marks import Marks
from gis.inventory.description import Kind
from gis.inventory.findings import Severity
from gis.regions.measure import shapes_of

__all__ = ["geometry_findings"]


def geometry_findings(marks: Marks) -> None:
    """Mark line and area sources whose geometry cannot carry mass; those are refused."""
    if marks.part.kind is Kind.POINT:
        return
    shapes = shapes_of(marks.part.geometry)
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    marks.refuse(missing, "empty-geometry", lambda i: "the source has no geometry, or an empty one")
    ends = shapely.bounds(shapes).reshape(-1, 4)
    marks.refuse(
        ~missing & ~np.isfinite(ends).all(axis=1),
        "geometry-not-finite",
        lambda i: "a vertex of the geometry is not finite",
    )
    _kinds(marks, shapes)
    if marks.part.kind is Kind.AREA:
        bad = ~missing & ~shapely.is_valid(shapes)
        marks.refuse(
            bad,
            "invalid-polygon",
            lambda i: (
                f"invalid polygon: {shapely.is_valid_reason(shapes[i])}; repair it (make_valid, or the GIS's "
                "'fix geometries') and look at the result"
            ),
        )
        measure, what = shapely.area(shapes), "zero-area"
    else:
        measure, what = shapely.length(shapes), "zero-length"
    marks.refuse(
        ~missing & (measure == 0),
        what,
        lambda i: (
            f"the geometry has no {what.removeprefix('zero-')}, so its amount has no place; a point part takes it"
        ),
    )
    _antimeridian(marks, shapes)


def _kinds(marks: Marks, shapes: NDArray[np.object_]) -> None:
    wanted = (
        ("Polygon", "MultiPolygon") if marks.part.kind is Kind.AREA else ("LineString", "LinearRing", "MultiLineString")
    )
    ids = [int(getattr(shapely.GeometryType, w.upper())) for w in wanted]
    kinds = shapely.get_type_id(shapes)
    marks.refuse(
        (kinds >= 0) & ~np.isin(kinds, ids),
        "geometry-kind",
        lambda i: (
            f"a source of kind {marks.part.kind} needs a {wanted[0]} or {wanted[-1]}, not a {shapes[i].geom_type}"
        ),
    )


def _antimeridian(marks: Marks, shapes: NDArray[np.object_]) -> None:
    if not marks.part.crs.is_geographic:
        return
    bounds = shapely.bounds(shapes)
    wide = np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180.0)  # no edge jumps that far in a narrower shape
    parts, owner = shapely.get_parts(shapes[wide], return_index=True)
    if marks.part.kind is Kind.AREA:
        parts, ring_of = shapely.get_rings(parts, return_index=True)
        owner = owner[ring_of]
    coordinates, line = shapely.get_coordinates(parts, return_index=True)
    jump = (np.abs(np.diff(coordinates[:, 0])) > 180.0) & (line[1:] == line[:-1])
    crossing = np.zeros(len(shapes), dtype=bool)
    crossing[wide[owner[line[1:][jump]]]] = True
    marks.warn(
        crossing,
        "antimeridian",
        lambda i: (
            "an edge jumps by more than 180° of longitude; it is read as crossing the antimeridian, not the globe"
        ),
        severity=Severity.NOTE,
        what="sources across the antimeridian",
    )
