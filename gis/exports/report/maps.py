"""Maps as SVG: a frame that turns coordinates into points of the page, paths of polygons, a scale bar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid, Window

__all__ = ["FINE", "Frame", "ScaleBar"]

Bounds = tuple[float, float, float, float]
# Borders are thinned to this many points of the page.
FINE = 0.35


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

    def path(self, shapes: Iterable[shapely.Geometry], *, fine: float = FINE, least: float = 0.0) -> str:
        """An SVG path of the outlines of polygons, thinned to what can be seen.

        ``least`` is the size on the page below which a shape is drawn as a square of that size, so that it can be seen at all.
        """
        whole = np.array(list(shapes), dtype=object)
        whole = whole[~(shapely.is_missing(whole) | shapely.is_empty(whole))]
        parts = shapely.get_parts(whole)
        if not len(parts):
            return ""
        boxes = shapely.bounds(parts)
        small = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < least * self._x_unit
        rings = shapely.get_rings(parts[~small])
        rings = shapely.simplify(rings, fine * self._x_unit, preserve_topology=False)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        return _outlines(self._tenths(xy), ring) + self._squares(boxes[small], least)

    @property
    def _x_unit(self) -> float:
        """A point of the page in units of the CRS."""
        return (self.bounds[2] - self.bounds[0]) / self.width

    def _squares(self, boxes: NDArray[np.float64], side: float) -> str:
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        corners = self._tenths(centres) - round(5 * side)
        return "".join(f"M{_text(x)} {_text(y)}h{side:g}v{side:g}h{-side:g}z" for x, y in corners.tolist())

    def _tenths(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Places on the page in tenths of a point."""
        return np.rint(10.0 * np.column_stack((self._x(xy[:, 0]), self._y(xy[:, 1])))).astype(np.int64)

    def scale_bar(self) -> ScaleBar:
        """A bar of about a fifth of the width."""
        wanted = self.width * self.km_px / 5
        power = 10.0 ** math.floor(math.log10(wanted))
        length = next(m for m in (5.0, 2.0, 1.0) if m * power <= wanted) * power
        return ScaleBar(round(length / self.km_px, 1), f"{length:g} km" if length >= 1 else f"{1000 * length:g} m")

    def _x(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = (x - self.bounds[0]) / (self.bounds[2] - self.bounds[0]) * self.width
        return moved

    def _y(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = (self.bounds[3] - y) / (self.bounds[3] - self.bounds[1]) * self.height
        return moved


def _outlines(at: NDArray[np.int64], ring: NDArray[np.int64]) -> str:
    """Closed paths through places in tenths of a point, ring by ring, in steps from one place to the next."""
    if not len(at):
        return ""
    first = np.r_[True, ring[1:] != ring[:-1]]
    last = np.r_[first[1:], True]  # a ring ends where it began: its z goes there
    moved = np.r_[True, (at[1:] != at[:-1]).any(axis=1)]
    kept = first | (moved & ~last)
    at, first = at[kept], first[kept]
    step = np.diff(at, axis=0, prepend=0)
    step[first] = at[first]
    texts = [f"{_text(x)} {_text(y)}" for x, y in step.tolist()]
    starts = np.flatnonzero(first).tolist()
    return "".join(
        f"M{texts[a]}l{' '.join(texts[a + 1 : b])}z" for a, b in pairwise([*starts, len(texts)]) if b - a > 2
    )


def _text(tenths: int) -> str:
    return f"{tenths / 10:g}"
