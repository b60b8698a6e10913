"""The region an inventory says it covers, as a fast question about many points: its bounds and its domain."""

from __future__ import annotations

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
        self._tiles: NDArray[np.int8] | None = None

    def holds(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points lie in the polygon."""
        west, south, east, north = (float(v) for v in shapely.bounds(self.polygon))
        inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        rows = np.flatnonzero(inside)
        if len(rows) > _FEW and east > west and north > south:
            col = np.minimum(((x[rows] - west) / (east - west) * _TILES).astype(np.int64), _TILES - 1)
            row = np.minimum(((y[rows] - south) / (north - south) * _TILES).astype(np.int64), _TILES - 1)
            answer = self._tile_answers()[row, col]
            inside[rows[answer == 0]] = False
            rows = rows[answer == 2]
        inside[rows] = shapely.intersects_xy(self.polygon, x[rows], y[rows])
        return inside

    def _tile_answers(self) -> NDArray[np.int8]:
        """0 wholly outside, 1 wholly inside, 2 to be asked point by point."""
        if self._tiles is None:
            west, south, east, north = (float(v) for v in shapely.bounds(self.polygon))
            xs, ys = np.linspace(west, east, _TILES + 1), np.linspace(south, north, _TILES + 1)
            # A hair wider than the tile, so that a point rounded into the neighbour's tile is still answered rightly.
            dx, dy = (east - west) * 1e-9, (north - south) * 1e-9
            left, bottom = np.meshgrid(xs[:-1] - dx, ys[:-1] - dy)
            right, top = np.meshgrid(xs[1:] + dx, ys[1:] + dy)
            tiles = shapely.box(left.ravel(), bottom.ravel(), right.ravel(), top.ravel())
            whole = shapely.contains_properly(self.polygon, tiles)
            touched = shapely.intersects(self.polygon, tiles)
            self._tiles = np.where(whole, 1, np.where(touched, 2, 0)).astype(np.int8).reshape(_TILES, _TILES)
        return self._tiles


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
