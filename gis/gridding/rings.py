"""Shapely polygons as the ragged arrays the kernels read: checked, projected, unwrapped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from geopandas import GeoSeries
from numpy.typing import NDArray
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidGeometry, InvalidParameter, MissingCrs
from gis.kernels.turns import unwrap_rings
from gis.projection import project

__all__ = ["Rings", "describe_rows", "polygon_of", "rings_of", "rings_of_array"]

_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7
_SHOWN = 5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Vertices (n, 2), first vertex of each ring, first ring of each polygon, and which rings are holes."""

    coords: Floats
    rings: Ints
    polygons: Ints
    holes: NDArray[np.bool_]


def rings_of(
    polygons: GeoSeries,
    crs: CRS,
    *,
    densify_m: float | None = None,
    empty: Literal["refuse", "skip"] = "refuse",
) -> Rings:
    """Rings of the polygons in a CRS, x before y; longitudes unwrapped and rings around a pole closed along it.

    Parameters
    ----------
    polygons
        Polygons, multipolygons, or collections of nothing else, with a CRS.
    crs
        Where the vertices are to be. From another CRS they are projected one by one; edges are straight in ``crs``.
    densify_m
        Insert vertices first, so that no edge is longer than this many metres. Only where vertices are projected.
    empty
        What to do with missing and empty geometries; ``"skip"`` gives them no rings.
    """
    if polygons.crs is None:
        raise MissingCrs("the polygons have no CRS; set it with set_crs, it is never guessed")
    if densify_m is not None and not (math.isfinite(densify_m) and densify_m > 0):
        raise InvalidParameter(f"densify_m {densify_m!r} has to be a positive number of metres")
    shapes = np.asarray(polygons.array, dtype=object)
    _check_types(shapes, polygons, empty)
    rings = rings_of_array(shapes)
    if polygons.crs != crs:
        rings = _projected(rings, polygons.crs, crs, densify_m)
    return _unwrapped(rings) if crs.is_geographic else rings


def describe_rows(polygons: GeoSeries, rows: NDArray[np.intp]) -> str:
    """The first few rows for a message, by position and index label, and how many more there are."""
    shown = ", ".join(f"{row} (index {polygons.index[row]!r})" for row in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def _check_types(shapes: Shapes, polygons: GeoSeries, empty: str) -> None:
    kinds = shapely.get_type_id(shapes)
    nothing = (kinds == -1) | shapely.is_empty(shapes)
    if empty == "refuse" and nothing.any():
        where = describe_rows(polygons, np.flatnonzero(nothing))
        raise InvalidGeometry(f"{where}: missing or empty geometry, expected a polygon; drop these rows or mend them")
    wrong = ~nothing & (kinds != _POLYGON) & (kinds != _MULTIPOLYGON)
    for row in np.flatnonzero(wrong & (kinds == _COLLECTION)):
        inside = {part.geom_type for part in _leaves(shapes[row])}
        if inside <= {"Polygon"}:
            wrong[row] = False
    if wrong.any():
        rows = np.flatnonzero(wrong)
        found = sorted({shapes[row].geom_type for row in rows})
        raise InvalidGeometry(
            f"{describe_rows(polygons, rows)}: {', '.join(found)}, expected Polygon, MultiPolygon or a collection of these"
        )


def _leaves(shape: BaseGeometry) -> list[Any]:
    # Parts of parts, without recursion.
    waiting: list[Any] = [shape]
    leaves: list[Any] = []
    while waiting:
        one = waiting.pop(0)
        if hasattr(one, "geoms"):
            waiting[:0] = list(one.geoms)
        elif not one.is_empty:
            leaves.append(one)
    return leaves


def rings_of_array(shapes: Shapes) -> Rings:
    """Rings of polygons, multipolygons and collections of these as they are; nothing for None and empty ones."""
    kinds = shapely.get_type_id(shapes)
    if (kinds == _COLLECTION).any():
        shapes = shapes.copy()
        for row in np.flatnonzero(kinds == _COLLECTION):
            shapes[row] = shapely.MultiPolygon(_leaves(shapes[row]))
    coords = np.ascontiguousarray(shapely.get_coordinates(shapes))
    # A ring per polygon is by far the commonest; asking shapely for ring objects costs more than the kernel.
    plain = (kinds == _POLYGON) & (shapely.get_num_interior_rings(shapes) == 0)
    size = shapely.get_num_coordinates(shapes).astype(np.int64)
    per_polygon = np.where(plain & (size > 0), 1, 0)
    others = np.flatnonzero(~plain)
    parts, owner = shapely.get_parts(shapes[others], return_index=True)
    lines, part = shapely.get_rings(parts, return_index=True)
    np.add.at(per_polygon, others[owner[part]], 1)
    polygons = np.concatenate([[0], np.cumsum(per_polygon)]).astype(np.int64)
    sizes = np.empty(polygons[-1], np.int64)
    holes = np.zeros(polygons[-1], bool)
    sizes[polygons[:-1][plain & (size > 0)]] = size[plain & (size > 0)]
    if len(lines):
        counts = per_polygon[others]
        place = np.repeat(polygons[:-1][others] - (np.cumsum(counts) - counts), counts) + np.arange(len(lines))
        sizes[place] = shapely.get_num_coordinates(lines)
        holes[place] = np.concatenate([[False], part[1:] == part[:-1]])
    return Rings(coords, np.concatenate([[0], np.cumsum(sizes)]), polygons, holes)


def polygon_of(rings: Rings, row: int) -> shapely.MultiPolygon:
    """The multipolygon that one row's rings describe, as they are."""
    parts: list[tuple[Floats, list[Floats]]] = []
    for k in range(rings.polygons[row], rings.polygons[row + 1]):
        line = rings.coords[rings.rings[k] : rings.rings[k + 1]]
        if rings.holes[k]:
            parts[-1][1].append(line)
        else:
            parts.append((line, []))
    return shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, holes in parts])


def _projected(rings: Rings, source: CRS, target: CRS, densify_m: float | None) -> Rings:
    if source.is_geographic:
        rings = _unwrapped(rings)
    if densify_m is not None:
        rings = _densified(rings, source, densify_m)
    x, y = project(source, target, rings.coords[:, 0], rings.coords[:, 1])
    return Rings(np.column_stack([x, y]), rings.rings, rings.polygons, rings.holes)


def _densified(rings: Rings, crs: CRS, longest_m: float) -> Rings:
    # Every edge in equal pieces of at most longest_m; on the globe by an upper bound of its length.
    step = np.diff(rings.coords, axis=0)
    last = rings.rings[1:] - 1
    if crs.is_geographic:
        body = crs.ellipsoid
        if body is None:
            raise InvalidParameter(f"{crs.name} has no ellipsoid to measure densify_m on; project the polygons first")
        radius = body.semi_major_metre**2 / body.semi_minor_metre  # the largest radius of curvature
        lat = np.radians(np.abs(rings.coords[:, 1]))
        low = np.minimum(lat[:-1], lat[1:])
        low[np.sign(rings.coords[:-1, 1]) != np.sign(rings.coords[1:, 1])] = 0.0
        length = radius * np.hypot(np.radians(step[:, 0]) * np.cos(low), np.radians(step[:, 1]))
    else:
        unit = [axis.unit_conversion_factor for axis in crs.axis_info[:2]]
        length = np.hypot(step[:, 0] * unit[0], step[:, 1] * unit[1])
    length[~np.isfinite(length)] = 0.0
    pieces = np.ones(len(rings.coords), np.int64)
    pieces[:-1] = np.maximum(1, np.ceil(length / longest_m)).astype(np.int64)
    pieces[last] = 1  # a ring's last vertex leads nowhere
    owner = np.repeat(np.arange(len(pieces)), pieces)
    start = np.concatenate([[0], np.cumsum(pieces)])
    share = (np.arange(len(owner)) - start[owner]) / pieces[owner]
    step = np.vstack([step, np.zeros((1, 2))])
    step[last] = 0.0
    coords = rings.coords[owner] + share[:, None] * step[owner]
    return Rings(coords, start[rings.rings], rings.polygons, rings.holes)


def _unwrapped(rings: Rings) -> Rings:
    turns = np.zeros(len(rings.holes), np.int64)
    unwrap_rings(rings.coords, rings.rings, turns)
    return _closed_at_poles(rings, turns) if turns.any() else rings


def _closed_at_poles(rings: Rings, turns: Ints) -> Rings:
    # A ring that goes once around the globe bounds a cap: it is closed along the pole its polygon holds.
    owner = np.repeat(np.arange(len(rings.polygons) - 1), np.diff(rings.polygons))
    part = np.cumsum(~rings.holes)
    lines = [rings.coords[a:b] for a, b in zip(rings.rings[:-1], rings.rings[1:], strict=True)]
    for k in np.flatnonzero(turns):
        if abs(turns[k]) > 1:
            raise InvalidGeometry(
                f"row {owner[k]}: a ring goes {abs(turns[k])} times around the globe; expected at most once"
            )
        around = np.flatnonzero((part == part[k]) & (turns != 0))
        lines[k] = _with_pole(lines[k], _pole([rings.coords[rings.rings[r] : rings.rings[r + 1]] for r in around]))
    sizes = np.array([len(line) for line in lines], np.int64)
    return Rings(np.vstack(lines), np.concatenate([[0], np.cumsum(sizes)]), rings.polygons, rings.holes)


def _pole(around: list[Floats]) -> float:
    # One ring: the nearer pole, which bounds the smaller cap. With a hole also around the globe the polygon is a belt, and
    # the pole behind the hole makes shell minus hole that belt.
    def mean_sine(line: Floats) -> float:
        sine = np.sin(np.radians(line[:, 1]))
        return float(np.sum((sine[1:] + sine[:-1]) * np.diff(line[:, 0])) / (2.0 * (line[-1, 0] - line[0, 0])))

    shell = mean_sine(around[0])
    north = shell >= 0.0 if len(around) == 1 else mean_sine(around[1]) >= shell
    return 90.0 if north else -90.0


def _with_pole(line: Floats, pole: float) -> Floats:
    return np.vstack([line, [[line[-1, 0], pole], [line[0, 0], pole]], line[:1]])
