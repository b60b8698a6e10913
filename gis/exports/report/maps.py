"""Maps as SVG: a frame that turns coordinates into points of the page, paths of polygons, a scale bar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid, Window

__all__ = ["Frame", "ScaleBar"]

Bounds = tuple[float, float, float, float]
# Borders are thinned to this many points of the page.
_FINE = 0.35


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar of a round length on the ground."""

    length_px: float
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of a grid's CRS on a page of ``width`` × ``height`` points."""

    bounds: Bounds
    width: float
    height: float
    km_px: float

    @classmethod
    def of(cls, grid: Grid, bounds: Bounds, *, width: float, most_height: float, margin: float = 0.03) -> Frame:
        """The frame of bounds with a margin; longitudes are narrowed by the cosine of the middle latitude."""
        west, south, east, north = bounds
        pad = margin * max(east - west, north - south) or grid.dx
        west, south, east, north = west - pad, south - pad, east + pad, north + pad
        if grid.is_geographic:
            degree_km = math.pi / 180 * grid.ellipsoid[0] / 1e3
            across_km = degree_km * max(math.cos(math.radians((south + north) / 2)), 0.05)
            up_km = degree_km
        else:
            across_km = up_km = grid.crs.axis_info[0].unit_conversion_factor / 1e3
        wide_km, high_km = (east - west) * across_km, (north - south) * up_km
        km_px = max(wide_km / width, high_km / most_height)
        # A narrow place in a wide frame: the frame is filled on both sides.
        spare = (width * km_px - wide_km) / 2 / across_km
        return cls((west - spare, south, east + spare, north), width, high_km / km_px, km_px)

    def box(self, bounds: Bounds) -> Bounds:
        """x, y, width and height on the page."""
        (x0, x1), (y1, y0) = self._x(np.array([bounds[0], bounds[2]])), self._y(np.array([bounds[1], bounds[3]]))
        return round(x0, 2), round(y0, 2), round(x1 - x0, 2), round(y1 - y0, 2)

    def window(self, grid: Grid) -> Window:
        """The cells of the grid that the frame shows."""
        found = grid.window(self.bounds)
        return found if found is not None else Window(0, 1, 0, 1)

    def path(self, shapes: Iterable[shapely.Geometry], *, fine: float = _FINE) -> str:
        """An SVG path of the outlines of polygons, thinned to what can be seen."""
        scale = (self.bounds[2] - self.bounds[0]) / self.width
        whole = np.array(list(shapes), dtype=object)
        whole = whole[~(shapely.is_missing(whole) | shapely.is_empty(whole))]
        if not len(whole):
            return ""
        rings = shapely.get_rings(shapely.get_parts(whole))
        rings = shapely.simplify(rings, fine * scale, preserve_topology=False)
        return "".join(self._ring(shapely.get_coordinates(ring)) for ring in rings)

    def scale_bar(self) -> ScaleBar:
        """A bar of about a fifth of the width."""
        wanted = self.width * self.km_px / 5
        power = 10.0 ** math.floor(math.log10(wanted))
        length = next(m for m in (5.0, 2.0, 1.0) if m * power <= wanted) * power
        return ScaleBar(round(length / self.km_px, 1), f"{length:g} km" if length >= 1 else f"{1000 * length:g} m")

    def _ring(self, xy: NDArray[np.float64]) -> str:
        if len(xy) < 4:
            return ""
        points = np.round(np.column_stack((self._x(xy[:-1, 0]), self._y(xy[:-1, 1]))), 1)
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z"

    def _x(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = (x - self.bounds[0]) / (self.bounds[2] - self.bounds[0]) * self.width
        return moved

    def _y(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = (self.bounds[3] - y) / (self.bounds[3] - self.bounds[1]) * self.height
        return moved
