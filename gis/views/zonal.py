"""Zonal: what lies in a polygon. Points count where they stand; what is spread over a cell, by the exact share of the cell inside.

That is how control units are counted, so a unit's own polygon gives the unit's own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidGeometry, InvalidParameter
from gis.grid import Grid, Window
from gis.views.origins import Contributor, Found, Origins
from gis.views.views import Views
from gis.workspace import Run
from gis.zoning.snapping import cell_fractions

__all__ = ["Inside", "Zone", "amounts_in", "checked", "contributors_in", "inside", "window_cells"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
# Less of a cell than this on the ground, and its whole area counts instead.
_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """Cells that a polygon touches, ascending, the share of each inside, its area on the grid and the share of it beyond."""

    polygon: BaseGeometry
    cells: Whole
    fraction: Floats
    area_km2: float
    outside_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """What lies in a polygon, t/yr: by species, by species and sector (the last column several), by species and tier."""

    amount_t: Floats
    by_sector_t: Floats
    by_tier_t: Floats
    found: Found


def window_cells(grid: Grid, polygon: BaseGeometry) -> int:
    """Cells of the grid under the polygon's box; 0 where it misses the grid."""
    window = grid.window(polygon.bounds)
    return 0 if window is None else window.shape[0] * window.shape[1]


def inside(grid: Grid, polygon: BaseGeometry, *, ground: BaseGeometry | None = None) -> Inside:
    """The cells that a polygon in the grid's CRS touches, and by how much of their area.

    With ``ground`` (the jurisdictions) a cell's mass lies on its part of the ground alone, as control units count it: a cell on the
    coast belongs to those on land. Cells without any ground are shared by their whole area.
    """
    shapes = np.array([polygon, polygon if ground is None else shapely.intersection(polygon, ground)], object)
    fractions, _ = cell_fractions(shapes, grid)
    cells, whole = _row(fractions, 0)
    share = whole
    if ground is not None:
        box = shapely.box(*_grown(polygon.bounds, grid))
        ground_share = _at(
            *_row(cell_fractions(np.array([shapely.intersection(ground, box)], object), grid)[0], 0), cells
        )
        some = ground_share > _LEAST
        share = np.where(some, _at(*_row(fractions, 1), cells) / np.where(some, ground_share, 1.0), whole)
    area_km2 = grid.cell_area_m2[cells // grid.cols, cells % grid.cols] * 1e-6
    return Inside(
        polygon, cells, np.clip(share, 0.0, 1.0), float(whole @ area_km2), _outside(grid, polygon, whole, cells)
    )


def _row(fractions: Any, row: int) -> tuple[Whole, Floats]:
    start, stop = fractions.indptr[row : row + 2]
    return fractions.indices[start:stop].astype(np.int64), fractions.data[start:stop]


def _at(cells: Whole, values: Floats, wanted: Whole) -> Floats:
    """Values of cells (ascending) where they are wanted, 0 elsewhere."""
    if not len(cells):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    return np.where(cells[at] == wanted, values[at], 0.0)


def _grown(bounds: tuple[float, ...], grid: Grid) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    return west - grid.dx, south - grid.dy, east + grid.dx, north + grid.dy


def _outside(grid: Grid, polygon: BaseGeometry, whole: Floats, cells: Whole) -> float:
    """Share of the polygon beyond the grid, in the plane that it is drawn in."""
    area = polygon.area
    within = float(np.sum(whole)) * grid.dx * grid.dy
    return min(max(1.0 - within / area, 0.0), 1.0) if grid.window(polygon.bounds) is not None and area > 0 else 1.0


def amounts_in(views: Views, origins: Origins, zone: Inside, year: int, *, points_stand: bool = True) -> Zone:
    """What lies in the cells of a polygon in one year; points where they stand, or spread over their cells as the layers show them."""
    run = origins.run
    _known(run, year)
    points, x, y, cell = origins.points_in(zone.cells, year)
    stands = shapely.intersects_xy(zone.polygon, x, y) if len(x) else np.zeros(0, bool)
    spread = origins.in_cells(zone.cells, zone.fraction, year, points=False)
    partly = zone.fraction[np.searchsorted(zone.cells, cell)]
    found = Found.joined([points.at(np.flatnonzero(stands)) if points_stand else points.scaled(partly), spread])
    many, sectors = len(run.species), len(run.sectors)
    by_sector = np.hstack([found.sums(many, sectors), np.zeros((many, 1))])
    by_tier = found.by_tier(many)
    if origins.gridded:
        beside = Found.joined([points.scaled(partly), spread]).sums(many, sectors)
        left = _gridded(views, origins, zone, year, beside)
        by_sector += left
        by_tier[:, origins.gridded_tier] += left.sum(axis=1)
    return Zone(by_sector.sum(axis=1), by_sector, by_tier, found)


def _gridded(views: Views, origins: Origins, zone: Inside, year: int, beside_t: Floats) -> Floats:
    """What layers hold in the cells beyond the sources, by species and sector; the last column stays empty."""
    run = origins.run
    out = np.zeros((len(run.species), len(run.sectors) + 1))
    if not len(zone.cells):
        return out
    row, col = np.divmod(zone.cells, run.grid.cols)
    window = Window(int(row.min()), int(row.max()) + 1, int(col.min()), int(col.max()) + 1)
    for key_year, species, sector in run.keys():
        if key_year == year:
            s, k = run.species.index(species), run.sectors.index(sector)
            values = run.window(year, species, sector, window)
            held = float(zone.fraction @ values[row - window.row_start, col - window.col_start])
            out[s, k] = origins.beyond(held, float(beside_t[s, k]))
    return out


def contributors_in(origins: Origins, zone: Zone, *, top: int) -> dict[str, list[Contributor]]:
    """The largest contributors by species."""
    return origins.named(zone.found, zone.amount_t, top=top)


def _known(run: Run, year: int) -> None:
    if year not in run.years:
        raise InvalidParameter(f"year {year} is not in run {run.id}; it has {', '.join(map(str, run.years))}")


def checked(polygon: BaseGeometry) -> BaseGeometry:
    """The polygon, if it is one and sound."""
    if not isinstance(polygon, shapely.Polygon | shapely.MultiPolygon) or polygon.is_empty:
        raise InvalidGeometry(f"a {polygon.geom_type}; a polygon or multipolygon is expected")
    if not polygon.is_valid:
        raise InvalidGeometry(f"the polygon is not valid: {shapely.is_valid_reason(polygon)}; mend it")
    return polygon
