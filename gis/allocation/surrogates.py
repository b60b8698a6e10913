"""Surrogates on a grid: how much of one lies in every cell of a footprint, beyond the grid, and in what was cut away.

Each kind answers the same question with a `Served`: amounts of the surrogate, not yet shares. A source whose amounts
add up to nothing goes on to the next surrogate of its chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.footprints import Footprint, Pieces
from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.gridding.coverage import area_unit_m2, cover
from gis.gridding.lengths import measure_lengths
from gis.gridding.regrid import regrid_many
from gis.gridding.shapes import on_grid
from gis.inventory.description import Kind
from gis.inventory.model import (
    Inventory,
    PolygonSurrogate,
    RasterSurrogate,
    SmokeSurrogate,
    SourcePart,
    SourceSurrogate,
)
from gis.kernels.gather import row_sums

__all__ = ["Rasters", "Served", "Spreader", "spreader", "uniform"]

Floats = NDArray[np.float64]
Beyond = Callable[[NDArray[np.object_]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """Amounts of a surrogate by source: per cell, beyond the grid, and in the part a finer inventory has taken over."""

    inside: csr_array
    outside: Floats
    cut: Floats

    @property
    def total(self) -> Floats:
        """All of it, by source."""
        return _row_sums(self.inside) + self.outside + self.cut


Spreader = Callable[[SourcePart, Footprint], Served]


def uniform(part: SourcePart, shape: Footprint) -> Served:
    """The measure itself: every square metre, or metre, counts the same."""
    cut = shape.cut.total if shape.cut is not None else np.zeros(len(part))
    return Served(shape.kept.inside, shape.kept.outside, cut)


def spreader(name: str, inventory: Inventory, rasters: Rasters, *, year: int | None) -> Spreader:
    """What spreads by the named surrogate; whatever does not depend on the sources is worked out once, here."""
    if name == "uniform":
        return uniform
    surrogate, grid = inventory.surrogates[name], rasters.grid
    match surrogate:
        case RasterSurrogate():
            return _by_density(rasters.density(surrogate), _raster_beyond(surrogate, grid))
        case PolygonSurrogate():
            return _by_density(*_polygon_density(surrogate, grid))
        case SmokeSurrogate():
            return _by_table(surrogate, grid)
        case SourceSurrogate():
            part = inventory.part(surrogate.part)
            if not isinstance(part, SourcePart):
                raise InvalidParameter(
                    f"surrogate {name!r}: part {part.name!r} is gridded; use its file as a raster surrogate"
                )
            weight = source_weight(part, surrogate.weight, inventory, year)
            if part.kind is Kind.POINT:
                return _by_points(part, weight, grid)
            if part.kind is Kind.LINE:
                return _by_density(*_line_density(part, weight, surrogate.weight, grid))
            return _by_density(*_polygon_density(PolygonSurrogate(name, part.geometry, weight), grid))


def source_weight(part: SourcePart, weight: str, inventory: Inventory, year: int | None) -> Floats:
    """What each source of a part counts as a surrogate: 1, its capacity, or its mass of a species in a year."""
    if weight == "count":
        return np.ones(len(part))
    if weight == "capacity":
        capacity: Floats = part.sources["capacity"].to_numpy(np.float64)
        return np.where(np.isnan(capacity), 0.0, capacity)
    codes = [s.code for s in inventory.species]
    wanted = next((i for i, s in enumerate(inventory.species) if weight.lower() in {s.code, s.name.lower()}), None)
    if wanted is None:
        raise InvalidParameter(
            f"part {part.name!r} cannot be weighted by {weight!r}: use count, capacity or one of {', '.join(codes)}"
        )
    a = part.amounts
    mine: NDArray[np.bool_] = a.species == wanted
    if year is not None:
        mine &= a.year == inventory.years.index(year)
    return np.bincount(a.source[mine], weights=a.mass_t[mine], minlength=len(part)).astype(np.float64)


# -- densities: an amount per unit of measure in every cell ---------------------------------------------------------


def _by_density(density: Floats, beyond: Beyond) -> Spreader:
    def amounts(pieces: Pieces) -> tuple[csr_array, Floats]:
        inside = pieces.inside
        data = inside.data * density[inside.indices]
        matrix = csr_array((data, inside.indices, inside.indptr), shape=inside.shape)
        outside = np.zeros(inside.shape[0])
        if len(pieces.beyond):
            outside[pieces.beyond_of] = beyond(pieces.beyond)
        return matrix, outside

    def spread(part: SourcePart, shape: Footprint) -> Served:
        inside, outside = amounts(shape.kept)
        if shape.cut is None:
            return Served(inside, outside, np.zeros(len(part)))
        cut_inside, cut_outside = amounts(shape.cut)
        return Served(inside, outside, _row_sums(cut_inside) + cut_outside)

    return spread


def _cell_measure(grid: Grid) -> Floats | float:
    """Area of every cell in the measure that shapes on this grid have: planar (one number), or ellipsoidal (flat)."""
    if grid.is_geographic:
        return grid.cell_area_m2.ravel()
    return grid.dx * grid.dy * area_unit_m2(grid)


@dataclass(eq=False)
class Rasters:
    """Raster surrogates on the grid; those that share a grid of their own are moved together, which costs little more."""

    grid: Grid
    wanted: tuple[RasterSurrogate, ...]
    _known: dict[str, Floats] = field(default_factory=dict)

    def density(self, surrogate: RasterSurrogate) -> Floats:
        """The surrogate per unit of measure in every cell, flat."""
        if surrogate.name not in self._known:
            together = [s for s in self.wanted if s.grid == surrogate.grid] or [surrogate]
            self._known |= _raster_densities(together, self.grid)
        return self._known[surrogate.name]


def _raster_densities(surrogates: list[RasterSurrogate], grid: Grid) -> dict[str, Floats]:
    for surrogate in surrogates:
        if (surrogate.values < 0).any():
            raise InvalidParameter(f"surrogate {surrogate.name!r} has negative values; shares of them have no meaning")
    kinds = [s.kind for s in surrogates]
    moved = regrid_many([s.values for s in surrogates], surrogates[0].grid, grid, kinds=kinds)
    out = {}
    for surrogate, layer in zip(surrogates, moved, strict=True):
        flat = layer.values.ravel()
        if surrogate.kind == "amount":
            flat = flat / _cell_measure(grid)
        elif grid.areal_distortion > 0.0:
            # A density per ground area, brought to the measure of the footprints.
            flat = flat * (grid.cell_area_m2.ravel() / _cell_measure(grid))
        out[surrogate.name] = flat
    return out


def _raster_beyond(surrogate: RasterSurrogate, grid: Grid) -> Beyond:
    """Amount of the raster in shapes beyond the grid, exact on the raster's own cells."""

    def beyond(shapes: NDArray[np.object_]) -> Floats:
        values = np.nan_to_num(surrogate.values, nan=0.0)
        amount = values * surrogate.grid.cell_area_m2 if surrogate.kind == "density" else values
        found = cover(gpd.GeoSeries(shapes, crs=grid.crs), surrogate.grid)
        per_measure = amount.ravel() / _cell_measure(surrogate.grid)
        out: Floats = (found.shares @ per_measure) * found.area_m2
        return out

    return beyond


def _polygon_density(surrogate: PolygonSurrogate, grid: Grid) -> tuple[Floats, Beyond]:
    shapes = on_grid(surrogate.shapes, grid)
    found = cover(gpd.GeoSeries(shapes, crs=grid.crs), grid)
    values = np.nan_to_num(surrogate.values, nan=0.0)
    amount: Floats = found.shares.T @ values
    tree = shapely.STRtree(shapes)

    def beyond(pieces: NDArray[np.object_]) -> Floats:
        piece, polygon = tree.query(pieces, predicate="intersects")
        common = shapely.area(shapely.intersection(pieces[piece], shapes[polygon]))
        share = common / shapely.area(shapes[polygon])
        return np.bincount(piece, weights=share * values[polygon], minlength=len(pieces)).astype(np.float64)

    return amount / _cell_measure(grid), beyond


def _line_density(part: SourcePart, weight: Floats, how: str, grid: Grid) -> tuple[Floats, Beyond]:
    shapes = on_grid(part.geometry, grid)
    found = measure_lengths(gpd.GeoSeries(shapes, crs=grid.crs), grid)
    # "count" for lines is length: a metre of road is a metre of road.
    whole = found.length_m if how == "count" else weight
    amount: Floats = found.shares.T @ whole
    tree = shapely.STRtree(shapes)

    def beyond(pieces: NDArray[np.object_]) -> Floats:
        piece, line = tree.query(pieces, predicate="intersects")
        share = shapely.length(shapely.intersection(pieces[piece], shapes[line])) / shapely.length(shapes[line])
        return np.bincount(piece, weights=share * whole[line], minlength=len(pieces)).astype(np.float64)

    return amount / _cell_measure(grid), beyond


# -- points: they lie in a polygon or they do not -------------------------------------------------------------------


def _by_points(part: SourcePart, weight: Floats, grid: Grid) -> Spreader:
    points = on_grid(part.geometry, grid)
    x, y = shapely.get_x(points), shapely.get_y(points)
    row, col = grid.index(x=x, y=y)
    cell = grid.cell_id(row=row, col=col)

    def spread(areas: SourcePart, shape: Footprint) -> Served:
        polygons = on_grid(areas.geometry, grid, densify_m=areas.policy.densify_m)
        area, point = members(polygons, points)
        taken = _inside_cut(shape, points)[point]
        w = weight[point]
        n = len(areas)
        on = (cell[point] >= 0) & ~taken & (w > 0)
        inside = csr_array((w[on], (area[on], cell[point][on])), shape=(n, grid.size))
        inside.sum_duplicates()
        off = (cell[point] < 0) & ~taken
        return Served(
            inside,
            np.bincount(area[off], weights=w[off], minlength=n).astype(np.float64),
            np.bincount(area[taken], weights=w[taken], minlength=n).astype(np.float64),
        )

    return spread


def _inside_cut(shape: Footprint, points: NDArray[np.object_]) -> NDArray[np.bool_]:
    out = np.zeros(len(points), bool)
    if shape.hole is not None:
        shapely.prepare(shape.hole)
        out |= shapely.intersects(shape.hole, points)
    return out


def members(polygons: NDArray[np.object_], points: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (polygon, point): every polygon that holds a point inside it, as several sources may share one outline.

    A point that lies on borders only belongs to the first of their outlines.
    """
    point, polygon = shapely.STRtree(polygons).query(points, predicate="intersects")
    order = np.lexsort((polygon, point))
    point, polygon = point[order], polygon[order]
    first = np.ones(len(point), bool)
    first[1:] = point[1:] != point[:-1]
    if first.all():
        return polygon, point
    hits = np.diff(np.flatnonzero(np.append(first, True)))
    start = np.repeat(np.flatnonzero(first), hits)
    several = np.flatnonzero(np.repeat(hits, hits) > 1)
    inside, same = np.ones(len(point), bool), np.ones(len(point), bool)
    inside[several] = shapely.contains_properly(polygons[polygon[several]], points[point[several]])
    same[several] = shapely.equals_exact(polygons[polygon[several]], polygons[polygon[start[several]]], 0.0)
    on_borders = ~np.repeat(np.logical_or.reduceat(inside, np.flatnonzero(first)), hits)
    kept = inside | (on_borders & same)
    return polygon[kept], point[kept]


# -- ready tables ---------------------------------------------------------------------------------------------------


def _by_table(surrogate: SmokeSurrogate, grid: Grid) -> Spreader:
    if surrogate.grid != grid:
        raise InvalidParameter(
            f"surrogate {surrogate.name!r} holds fractions for {surrogate.grid!r} and serves that grid only, not {grid!r}"
        )
    table = surrogate.table
    region = table["region"].astype(str).to_numpy(object)
    cell = grid.cell_id(row=table["row"].to_numpy(), col=table["col"].to_numpy())
    fraction = table["fraction"].to_numpy(np.float64)
    # SMOKE writes 1e-36 where a fraction is nothing.
    real = fraction > 1e-30

    def spread(part: SourcePart, shape: Footprint) -> Served:
        n = len(part)
        source, entry = _sources_of(part, region[real])
        inside = csr_array((fraction[real][entry], (source, cell[real][entry])), shape=(n, grid.size))
        total = _row_sums(inside)
        if (total > 1 + 1e-6).any():
            worst = int(np.argmax(total))
            raise InvalidParameter(
                f"surrogate {surrogate.name!r}: the fractions of {part.sources['source_id'].iloc[worst]!r} add up to "
                f"{total[worst]:.9g}; expected at most 1"
            )
        # What the fractions leave open lies beyond the table's grid; a rounding of them is not mass beyond it.
        outside = np.where((total > 0) & (total < 1 - 1e-6), 1.0 - total, 0.0)
        if shape.cut is None:
            return Served(inside, outside, np.zeros(n))
        kept, cut = _split_by_area(inside, shape)
        return Served(kept, outside, _row_sums(cut))

    return spread


def _sources_of(part: SourcePart, region: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every source of a region code (by its region, else by its id) with every entry of that code."""
    wanted, entry_code = np.unique(region, return_inverse=True)
    codes = part.sources["region"].astype(str).to_numpy(object)
    ids = part.sources["source_id"].astype(str).to_numpy(object)
    code = np.where(np.isin(codes, wanted), codes, ids)
    sources = np.flatnonzero(np.isin(code, wanted))
    pairs = pd.DataFrame({"code": np.searchsorted(wanted, code[sources]), "source": sources}).merge(
        pd.DataFrame({"code": entry_code, "entry": np.arange(len(region))}), on="code"
    )
    return pairs["source"].to_numpy(np.int64), pairs["entry"].to_numpy(np.int64)


def _split_by_area(inside: csr_array, shape: Footprint) -> tuple[csr_array, csr_array]:
    """Divide amounts per cell between what is kept and what is cut, by their areas in that cell."""
    if shape.cut is None:
        return inside, csr_array(inside.shape)
    whole = shape.kept.inside + shape.cut.inside
    share = whole.copy()
    share.data = 1.0 / whole.data
    cut = inside.multiply(shape.cut.inside.multiply(share)).tocsr()
    return (inside - cut).tocsr(), cut


def _row_sums(matrix: csr_array) -> Floats:
    out = np.empty(matrix.shape[0])
    row_sums(matrix.indptr.astype(np.int64), matrix.data, out)
    return out
