"""The region an inventory says it covers, as a fast question about many points: its bounds and its domain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely import Geometry

from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role

__all__ = ["Holder", "Stated", "stated_region"]

Bounds = tuple[float, float, float, float]
# A million points ask a polygon through this many tiles a side: whole tiles answer for all their points at once.
_TILES = 64
_FEW = 20_000


class Holder:
    """A polygon that answers for many points at once whether it holds them (its boundary counts as inside)."""

    def __init__(self, polygon: Geometry) -> None:
        self.polygon = polygon
        shapely.prepare(polygon)

    def holds(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points lie in the polygon."""
        return self._answer(
            x, y, 0.0,
            whole=lambda tiles: shapely.contains_properly(self.polygon, tiles),
            some=lambda tiles: shapely.intersects(self.polygon, tiles),
            exact=lambda px, py: np.asarray(shapely.intersects_xy(self.polygon, px, py), dtype=bool),
        )  # fmt: skip

    def near(self, x: NDArray[np.float64], y: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
        """Which points lie in the polygon or within a distance of it, in units of its CRS."""
        return self._answer(
            x, y, distance,
            whole=lambda tiles: shapely.contains_properly(self.polygon, tiles),
            some=lambda tiles: shapely.dwithin(self.polygon, tiles, distance),
            exact=lambda px, py: np.asarray(shapely.dwithin(self.polygon, shapely.points(px, py), distance), dtype=bool),
        )  # fmt: skip

    def _answer(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        margin: float,
        *,
        whole: Callable[[NDArray[np.object_]], NDArray[np.bool_]],
        some: Callable[[NDArray[np.object_]], NDArray[np.bool_]],
        exact: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]],
    ) -> NDArray[np.bool_]:
        west, south, east, north = (float(v) for v in shapely.bounds(self.polygon))
        west, south, east, north = west - margin, south - margin, east + margin, north + margin
        inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        rows = np.flatnonzero(inside)
        if len(rows) > _FEW and east > west and north > south:
            col = np.minimum(((x[rows] - west) / (east - west) * _TILES).astype(np.int64), _TILES - 1)
            row = np.minimum(((y[rows] - south) / (north - south) * _TILES).astype(np.int64), _TILES - 1)
            tiles = _tiles(west, south, east, north)
            possible, sure = some(tiles)[row * _TILES + col], whole(tiles)[row * _TILES + col]
            inside[rows[~possible]] = False
            rows = rows[possible & ~sure]
        inside[rows] = exact(x[rows], y[rows])
        return inside


def _tiles(west: float, south: float, east: float, north: float) -> NDArray[np.object_]:
    """Tiles row by row from the south-west, each a hair too wide: a point rounded over its edge is still answered rightly."""
    xs, ys = np.linspace(west, east, _TILES + 1), np.linspace(south, north, _TILES + 1)
    dx, dy = (east - west) * 1e-9, (north - south) * 1e-9
    left, bottom = np.meshgrid(xs[:-1] - dx, ys[:-1] - dy)
    right, top = np.meshgrid(xs[1:] + dx, ys[1:] + dy)
    tiles: NDArray[np.object_] = shapely.box(left.ravel(), bottom.ravel(), right.ravel(), top.ravel())
    return tiles


class Stated:
    """What the inventory says it covers, in the CRS of a part, and which of the part's places lie ``inside`` it."""

    def __init__(
        self, polygons: tuple[tuple[str, Geometry], ...], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> None:
        self.holders = tuple((name, Holder(polygon)) for name, polygon in polygons)
        self.name = f"within {' and '.join(name for name, _ in self.holders)}"
        self.inside = self.holds(x, y)

    def holds(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points lie in everything that was stated."""
        ok = np.isfinite(x) & np.isfinite(y)
        for _, holder in self.holders:
            ok &= holder.holds(x, y)
        return ok


def layer_polygon(layer: RegionLayer, crs: CRS) -> Geometry:
    """The union of a layer in another CRS."""
    frame = layer.frame.geometry
    if CRS(frame.crs) != crs:
        frame = frame.to_crs(crs)
    return shapely.union_all(made_valid(shapes_of(frame)))


def stated_region(
    crs: CRS,
    bounds: Bounds | None,
    regions: Regions | None,
    *,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> Stated | None:
    """What the description's bounds and the domain layer state about these places, or None when neither is given."""
    polygons: list[tuple[str, Geometry]] = []
    if bounds is not None:
        polygons.append(("the stated bounds", _bounds_polygon(bounds, crs)))
    domain = regions.layer(Role.DOMAIN) if regions is not None else None
    if domain is not None:
        polygons.append(("the domain", layer_polygon(domain, crs)))
    return Stated(tuple(polygons), x, y) if polygons else None


def _bounds_polygon(bounds: Bounds, crs: CRS) -> Geometry:
    west, south, east, north = bounds
    if east < west:
        # Bounds across the antimeridian, as 170 to -170.
        east += 360.0
    box = shapely.box(west, south, east, north)
    if crs.is_geographic:
        # The same place may be written a turn away.
        turns = [shapely.box(west + turn, south, east + turn, north) for turn in (-360.0, 0.0, 360.0)]
        return shapely.union_all(turns)
    back = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    fine = shapely.segmentize(box, 0.1)
    moved = shapely.transform(fine, lambda points: np.column_stack(back.transform(points[:, 0], points[:, 1])))
    return shapely.make_valid(moved)
