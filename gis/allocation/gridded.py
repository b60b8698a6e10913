"""Gridded inventories: regridded exactly, with a finer inventory's region cut out by the exact fraction of every cell."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.footprints import footprint, scale_rows
from gis.allocation.policies import Cut, cuts_of
from gis.errors import RefusedInput
from gis.grid import Grid
from gis.gridding.coverage import area_unit_m2, cover
from gis.gridding.regrid import Regridder
from gis.gridding.shapes import on_grid
from gis.inventory.description import Kind
from gis.inventory.model import GriddedField, GriddedPart, Inventory
from gis.kernels.sums import compensated_dot, compensated_sum

__all__ = ["GriddedPlacement", "MovedField", "place_gridded"]

Floats = NDArray[np.float64]
# A cell covered to within this is covered; one covered by less is free. Far below what a projected border is known to.
_SLIVER = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Hole:
    """Where a finer inventory takes over: the share of every source cell, and what is left of the cells on its border."""

    replaced: Floats  # (rows, cols) of the source grid
    border: NDArray[np.int64]  # source cells that are cut through
    shares: csr_array  # border cells × target cells: where the rest of each goes
    outside: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MovedField:
    """One field on the target grid, with its ledger."""

    values: Floats
    input_t: float
    outside_t: float
    superseded_t: float
    no_value: int


@dataclass(frozen=True, slots=True, eq=False)
class GriddedPlacement:
    """How the fields of one gridded part move to the grid."""

    part: GriddedPart
    regridder: Regridder
    cuts: tuple[Cut, ...]
    holes: dict[tuple[str, ...], _Hole]

    def cut_names(self, field: GriddedField) -> tuple[str, ...]:
        """The replacements, by name, that apply to a field inside their regions."""
        key = (field.species, field.sector, field.year)
        return tuple(c.name for c in self.cuts if c.applies(key))

    def move(self, field: GriddedField) -> MovedField:
        """The field on the target grid."""
        values = field.load()
        if (values < 0).any() or np.isinf(values).any():
            row, col = np.argwhere((values < 0) | np.isinf(values))[0]
            raise RefusedInput(
                f"part {self.part.name!r}, {field.file}: row {row}, column {col} holds {values[row, col]}; amounts are finite and "
                "not negative"
            )
        amount = np.nan_to_num(values, nan=0.0)
        no_value = int(np.isnan(values).sum())
        names = self.cut_names(field)
        input_t = compensated_sum(amount)
        if not names:
            moved = self.regridder.apply(amount, kind="amount")
            return MovedField(moved.values, input_t, float(moved.outside), 0.0, no_value)
        hole = self.holes[names]
        free = np.where(hole.replaced == 0.0, amount, 0.0)
        moved = self.regridder.apply(free, kind="amount")
        rest = amount.ravel()[hole.border] * (1.0 - hole.replaced.ravel()[hole.border])
        out = np.array(moved.values)
        out += (hole.shares.T @ rest).reshape(self.regridder.target.shape)
        return MovedField(
            values=out,
            input_t=input_t,
            outside_t=float(moved.outside) + compensated_dot(rest, hole.outside),
            superseded_t=compensated_dot(amount.ravel(), hole.replaced.ravel()),
            no_value=no_value,
        )


def place_gridded(part: GriddedPart, inventory: Inventory, grid: Grid) -> GriddedPlacement:
    """The way of a gridded part onto a grid, all its replacements worked out."""
    cuts = cuts_of(inventory, part.name)
    regridder = Regridder(part.grid, grid)
    placement = GriddedPlacement(part, regridder, cuts, {})
    for field in part.fields:
        names = placement.cut_names(field)
        if names and names not in placement.holes:
            applied = [c for c in cuts if c.name in names]
            placement.holes[names] = _hole(part.grid, grid, applied)
    return placement


def _hole(source: Grid, target: Grid, cuts: list[Cut]) -> _Hole:
    shapes = [shape for cut in cuts for shape in on_grid(cut.region, source)]
    region = shapely.union_all(shapes)
    found = cover(gpd.GeoSeries([region], crs=source.crs), source)
    cell_measure = np.broadcast_to(
        source.cell_area_m2.ravel() if source.is_geographic else source.dx * source.dy * area_unit_m2(source),
        source.size,
    )
    replaced = np.zeros(source.size)
    replaced[found.shares.indices] = found.shares.data * found.area_m2[0] / cell_measure[found.shares.indices]
    replaced[replaced > 1.0 - _SLIVER] = 1.0
    replaced[replaced < _SLIVER] = 0.0
    border = np.flatnonzero((replaced > 0.0) & (replaced < 1.0))
    shares, outside = _border_shares(source, target, border, region)
    return _Hole(replaced.reshape(source.shape), border, shares, outside)


def _border_shares(
    source: Grid, target: Grid, border: NDArray[np.int64], region: shapely.Geometry
) -> tuple[csr_array, Floats]:
    if not len(border):
        return csr_array((0, target.size)), np.empty(0)
    row, col = source.row_col(border)
    x, y = source.x_edges, source.y_edges
    boxes = shapely.box(x[col], y[row + 1], x[col + 1], y[row])
    rest = gpd.GeoSeries(shapely.difference(boxes, region), crs=source.crs)
    # Cell edges bend when projected; an eighth of a cell keeps them within metres of their place.
    side_m = float(np.sqrt(source.cell_area_m2.flat[border].min()))
    shape = footprint(rest, target, kind=Kind.AREA, densify_m=side_m / 8.0, region=None)
    total = shape.kept.total
    return scale_rows(shape.kept.inside, 1.0 / total), shape.kept.outside / total
