"""Regions of a run as places in cell coordinates: one per code, made of valid polygons, found by position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid
from gis.gridding.rings import polygon_of, rings_of
from gis.gridding.shapes import on_grid
from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.zoning.lattice import SNAP, to_lattice

__all__ = ["Places", "joined", "jurisdictions", "places_of", "protected_places"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

_POLYGON = 3
_HALF_TURN, _TURN = 180.0, 360.0


@dataclass(frozen=True, eq=False)
class Places:
    """Places by kind and code, and the polygons they are made of; ``owner`` says which place a polygon belongs to.

    Where places overlap the one that comes first has the ground: kinds in the order asked for, then codes.
    """

    kind: Shapes
    code: Shapes
    name_zh: Shapes
    name_en: Shapes
    polygon: Shapes
    owner: Ints

    def __len__(self) -> int:
        return len(self.code)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        shapely.prepare(self.polygon)
        return shapely.STRtree(self.polygon)

    def locate(self, u: Floats, v: Floats) -> Ints:
        """The first place that holds each position, its border included; -1 for none."""
        out = np.full(len(u), len(self), np.int64)
        if len(self.polygon) and len(u):
            at, which = self._tree.query(shapely.points(u, v))
            holds = shapely.intersects_xy(self.polygon[which], u[at], v[at])
            np.minimum.at(out, at[holds], self.owner[which[holds]])
        out[out == len(self)] = -1
        return out

    def take(self, places: Ints) -> Places:
        """These places alone, in the order given."""
        new = np.full(len(self), -1, np.int64)
        new[places] = np.arange(len(places))
        owner = new[self.owner]
        order = np.flatnonzero(owner >= 0)
        order = order[np.argsort(owner[order], kind="stable")]
        kind, code, name_zh, name_en = (c[places] for c in (self.kind, self.code, self.name_zh, self.name_en))
        return Places(kind, code, name_zh, name_en, self.polygon[order], owner[order])

    def within(self, grid: Grid) -> Places:
        """The places as far as the grid goes."""
        polygon, which = _clipped(self.polygon, grid)
        return Places(self.kind, self.code, self.name_zh, self.name_en, polygon, self.owner[which])

    def whole(self) -> Shapes:
        """Each place as one geometry, in cell coordinates."""
        out = np.empty(len(self), object)
        ends = np.searchsorted(self.owner, np.arange(len(self) + 1))
        for k in range(len(self)):
            parts = self.polygon[ends[k] : ends[k + 1]]
            out[k] = parts[0] if len(parts) == 1 else shapely.union_all(parts)
        return out


def places_of(layers: Sequence[RegionLayer], grid: Grid) -> Places:
    """The places of layers in cell coordinates, those of one layer's kind and code as one, sorted by code within a kind."""
    kinds = list(dict.fromkeys(str(layer.role) for layer in layers))
    rows = [_rows(layer, kinds.index(str(layer.role)), grid) for layer in layers]
    if not rows:
        nothing = np.empty(0, object)
        return Places(nothing, nothing, nothing, nothing, nothing, np.zeros(0, np.int64))
    kind, code, name_zh, name_en, shape = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = _order(kind, code, shape)
    kind, code, name_zh, name_en, shape = (column[order] for column in (kind, code, name_zh, name_en, shape))
    # A place may come in several features of one code; features without a code are places of their own.
    new = np.ones(len(code), np.bool_)
    new[1:] = (kind[1:] != kind[:-1]) | (code[1:] != code[:-1]) | (code[1:] == "")
    polygon, row = _polygons(shape, grid)
    first = np.flatnonzero(new)
    names = np.array(kinds, object)[kind[first].astype(np.intp)]
    return Places(names, code[first], name_zh[first], name_en[first], polygon, (np.cumsum(new) - 1)[row])


def joined(parts: Sequence[Places]) -> Places:
    """All places of several lists as one, in the order of the lists."""
    kind, code, name_zh, name_en, polygon = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("kind", "code", "name_zh", "name_en", "polygon")
    )
    start = np.cumsum([0, *(len(p) for p in parts)])
    owner = np.concatenate([p.owner + s for p, s in zip(parts, start[:-1], strict=True)])
    return Places(kind, code, name_zh, name_en, polygon, owner)


def jurisdictions(regions: Regions, grid: Grid) -> Places:
    """Who is in charge where: the counties, else the regions of the domain, else nobody."""
    for role in (Role.COUNTY, Role.DOMAIN):
        if regions.layer(role) is not None:
            return places_of(regions.of_role(role), grid)
    return places_of((), grid)


def protected_places(regions: Regions, grid: Grid) -> Places:
    """Where no unit may be: red lines, then priority protection."""
    return places_of([*regions.of_role(Role.RED_LINE), *regions.of_role(Role.PRIORITY)], grid)


def _rows(layer: RegionLayer, kind: int, grid: Grid) -> tuple[Shapes, ...]:
    frame = layer.frame
    shapes = np.array(shapely.force_2d(shapes_of(frame)), dtype=object)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    placed = on_grid(gpd.GeoSeries(shapes, crs=frame.crs), grid)
    texts = (frame[column].to_numpy(object) for column in ("code", "name_zh", "name_en"))
    return np.full(len(frame), kind, object), *texts, np.asarray(placed, dtype=object)


def _order(kind: Shapes, code: Shapes, shape: Shapes) -> Ints:
    # Equal codes in the order of their content, so that the order of rows makes no difference.
    keys = list(zip(kind.tolist(), code.tolist(), strict=True))
    many = len(set(keys)) < len(keys)
    content = shapely.to_wkb(shape).tolist() if many else [b""] * len(keys)
    return np.array(sorted(range(len(keys)), key=lambda i: (*keys[i], content[i])), np.int64)


def _polygons(shape: Shapes, grid: Grid) -> tuple[Shapes, Ints]:
    """Valid polygons in cell coordinates and the row of each; on a globe every turn that meets the grid."""
    if grid.is_geographic:
        shape = _unwrapped(shape, grid)
    # Rounding may make a narrow neck touch itself, hence validity is seen to afterwards.
    parts, row = shapely.get_parts(made_valid(to_lattice(shape, grid)), return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)
    row = row[again]
    solid = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > 0.0)
    parts, row = parts[solid], row[solid].astype(np.int64)
    return _turned(parts, row, grid) if grid.is_geographic else (parts, row)


def _unwrapped(shape: Shapes, grid: Grid) -> Shapes:
    box = shapely.bounds(shape)
    out = shape.copy()
    for k in np.flatnonzero(box[:, 2] - box[:, 0] > _HALF_TURN):
        # An edge longer than half a turn crosses the antimeridian; the gridding reads it so as well.
        out[k] = polygon_of(rings_of(gpd.GeoSeries([shape[k]], crs=grid.crs), grid.crs), 0)
    return out


def _turned(parts: Shapes, row: Ints, grid: Grid) -> tuple[Shapes, Ints]:
    turn = _TURN / grid.dx
    box = shapely.bounds(parts).reshape(-1, 4)
    found: list[tuple[Shapes, Ints]] = []
    low = math.ceil(-box[:, 2].max(initial=0.0) / turn)
    high = math.floor((grid.cols - box[:, 0].min(initial=0.0)) / turn)
    for k in range(low, high + 1):
        meets = (box[:, 2] + k * turn > 0) & (box[:, 0] + k * turn < grid.cols)
        moved = shapely.transform(parts[meets], partial(np.add, np.array([k * turn, 0.0]))) if k else parts[meets]
        found.append((np.asarray(moved, dtype=object), row[meets]))
    polygon = np.concatenate([f[0] for f in found]) if found else parts[:0]
    rows = np.concatenate([f[1] for f in found]) if found else row[:0]
    order = np.argsort(rows, kind="stable")
    polygon, rows = polygon[order], rows[order]
    if grid.wraps:
        # What crosses the seam comes twice, half of it beyond the grid each time.
        polygon, which = _clipped(polygon, grid)
        rows = rows[which]
    return polygon, rows


def _clipped(polygons: Shapes, grid: Grid) -> tuple[Shapes, Ints]:
    """The parts of polygons on the grid, and the polygon each is of."""
    extent = shapely.box(0.0, -grid.rows, grid.cols, 0.0)
    out = polygons.copy()
    over = ~shapely.covered_by(polygons, extent)
    out[over] = shapely.intersection(polygons[over], extent, grid_size=SNAP)
    parts, which = shapely.get_parts(out, return_index=True)
    solid = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > 0.0)
    return parts[solid], which[solid].astype(np.int64)
