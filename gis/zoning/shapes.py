"""Shapes of units: hotspots after snapping, precedence and borders, with their shares of every cell, and the conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions
from gis.regions.model import Regions
from gis.zoning.classes import CellClass
from gis.zoning.codes import conflict_codes, county_prefix, cross_ids, listed_names, overlay_name, unit_codes
from gis.zoning.ground import Ground
from gis.zoning.lattice import from_lattice, shift_turns
from gis.zoning.parameters import Snapping
from gis.zoning.pieces import Pieces, cut
from gis.zoning.places import Places, jurisdictions, protected_places
from gis.zoning.precedence import Rights, nearest
from gis.zoning.reviews import Fitted, fitted_of
from gis.zoning.shares import Shares, shares_of
from gis.zoning.snapping import cell_fractions, fit_patches
from gis.zoning.sources import PointSources

__all__ = ["CONFLICT_COLUMNS", "UNIT_COLUMNS", "UnitShapes", "simplified", "unit_shapes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

UNIT_COLUMNS = (
    "patch", "class", "jurisdiction", "jurisdiction_zh", "jurisdiction_en", "cross_id", "unit", "digit", "name_zh", "name_en",
    "fit", "fit_codes", "retained", "inflated", "review", "geometry",
)  # fmt: skip
CONFLICT_COLUMNS = (
    "conflict", "kind", "region_code", "region_zh", "region_en", "patch", "class", "unit", "area_km2", "geometry",
)  # fmt: skip
# Metres in a degree of a great circle, for a tolerance.
_DEGREE_M = 111_195.0


@dataclass(frozen=True, eq=False)
class UnitShapes:
    """Units (UNIT_COLUMNS) and conflicts (CONFLICT_COLUMNS), each with its shares of the domain's cells and its point sources.

    A share is one of the mass of a cell that does not come from point sources; ``point_unit`` and ``point_conflict`` give the row
    of each point source, -1 for none. ``area_km2`` is that of the units. ``absorbed`` names, for each kept patch that has no
    unit, the unit that has most of it, or "" where it lies in conflicts altogether.
    """

    frame: gpd.GeoDataFrame
    shares: csr_array
    point_unit: NDArray[np.int32]
    area_km2: Floats
    conflicts: gpd.GeoDataFrame
    conflict_shares: csr_array
    point_conflict: NDArray[np.int32]
    absorbed: Mapping[int, str]


def unit_shapes(
    domain: Domain,
    emissions: Emissions,
    points: PointSources,
    regions: Regions,
    outlines: Shapes,
    patch: NDArray[np.int32],
    klass_of_patch: NDArray[np.uint8],
    kept: NDArray[np.bool_],
    snapping: Snapping,
) -> UnitShapes:
    """The shapes of the units that hotspots make, and of their conflicts with red lines and priority protection.

    ``outlines`` has the polygon of each kept patch in the grid's CRS, its corners on cell corners; ``patch`` is that of each
    cell of the domain, -1 for none.

    Raises
    ------
    InvalidParameter
        When the arguments do not belong together.
    InvalidGeometry
        When a region has a vertex that the grid's CRS has no place for.
    """
    _check(domain, emissions, outlines, klass_of_patch, kept)
    grid = domain.grid
    ground = Ground.of(emissions, points, patch=patch, klass=klass_of_patch, kept=kept)
    charge, protected = jurisdictions(regions, grid), protected_places(regions, grid)
    share = _domain_share(charge, domain) if any(regions.layer(role) for role in snapping.to) else None
    uv = np.column_stack([(shift_turns(points.x, grid) - grid.x_left) / grid.dx, (points.y - grid.y_top) / grid.dy])
    fits = fit_patches(ground, uv, regions, snapping, np.ones(len(ground.at)) if share is None else share[ground.at])
    rights, pieces = _cut(Rights(ground, fits, protected, charge), outlines)
    shares = shares_of(pieces, ground, rights.fits, points, share)
    return _tables(rights, pieces, shares, fitted_of(rights, pieces, shares, snapping))


def simplified(frame: gpd.GeoDataFrame, tolerance_m: float) -> gpd.GeoDataFrame:
    """The units with fewer vertices, for display: borders that units share stay shared.

    Vertices go whose triangle with their neighbours is below tolerance_m² (Visvalingam & Whyatt 1993, by coverage).
    """
    if not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise InvalidParameter(f"tolerance_m {tolerance_m!r} has to be a positive number of metres")
    if frame.crs.is_geographic:
        latitude = float(np.mean(frame.total_bounds[1::2])) if len(frame) else 0.0
        tolerance = tolerance_m / (_DEGREE_M * np.sqrt(max(np.cos(np.radians(latitude)), 0.01)))
    else:
        tolerance = tolerance_m / frame.crs.axis_info[0].unit_conversion_factor
    thin = shapely.coverage_simplify(frame.geometry.to_numpy(), tolerance)
    return frame.set_geometry(gpd.GeoSeries(thin, index=frame.index, crs=frame.crs))


def _check(
    domain: Domain, emissions: Emissions, outlines: Shapes, klass: NDArray[np.uint8], kept: NDArray[np.bool_]
) -> None:
    if emissions.domain is not domain and not (
        emissions.domain.grid == domain.grid and np.array_equal(emissions.domain.cells, domain.cells)
    ):
        raise InvalidParameter("the emissions are those of another domain; read them for this one")
    if len(outlines) != len(kept):
        raise InvalidParameter(
            f"{len(outlines)} outlines for {len(kept)} patches; expected one each, None where not kept"
        )
    lost = kept & (shapely.is_missing(outlines) | shapely.is_empty(outlines))
    if lost.any():
        raise InvalidParameter(f"patch {int(np.argmax(lost))} is to be kept and has no outline")


def _cut(rights: Rights, outlines: Shapes) -> tuple[Rights, Pieces]:
    """The pieces. A hotspot of whose parks or townships nothing is left is cut again as it is, rather than lost."""
    while True:
        pieces = cut(rights, outlines)
        gone = np.setdiff1d(rights.fits.patch, pieces.patch[~pieces.conflict])
        if not len(gone):
            return rights, pieces
        rights = replace(rights, fits=rights.fits.without(gone))


def _domain_share(charge: Places, domain: Domain) -> Floats:
    """Share of each of the domain's cells inside jurisdictions; 1 for all where there are none."""
    if not len(charge):
        return np.ones(domain.size)
    fractions, _ = cell_fractions(from_lattice(charge.polygon, domain.grid), domain.grid)
    covered = np.bincount(fractions.indices, fractions.data, domain.grid.size)[domain.cells]
    return np.minimum(covered, 1.0)


def _tables(rights: Rights, pieces: Pieces, shares: Shares, fitted: Fitted) -> UnitShapes:
    unit, conflict = np.flatnonzero(~pieces.conflict), np.flatnonzero(pieces.conflict)
    frame = _units(rights, pieces, shares, fitted, unit)
    order = np.argsort(frame["unit"].to_numpy(str), kind="stable")
    unit, frame = unit[order], frame.iloc[order].reset_index(drop=True)
    conflicts = _conflicts(rights, pieces, shares, frame, conflict)
    order = np.argsort(conflicts["conflict"].to_numpy(str), kind="stable")
    conflict, conflicts = conflict[order], conflicts.iloc[order].reset_index(drop=True)
    code = dict(zip(unit.tolist(), frame["unit"].tolist(), strict=True))
    return UnitShapes(
        frame, shares.of_cell[unit], _renumbered(shares.of_point, unit, len(pieces)), shares.area_km2[unit],
        conflicts, shares.of_cell[conflict], _renumbered(shares.of_point, conflict, len(pieces)),
        {patch: code.get(piece, "") for patch, piece in fitted.absorbed.items()},
    )  # fmt: skip


def _renumbered(piece: NDArray[np.int32], rows: Ints, pieces: int) -> NDArray[np.int32]:
    new = np.full(pieces + 1, -1, np.int32)
    new[rows] = np.arange(len(rows))
    return new[piece]


def _units(rights: Rights, pieces: Pieces, shares: Shares, fitted: Fitted, unit: Ints) -> gpd.GeoDataFrame:
    patch, place = pieces.patch[unit], pieces.place[unit]
    klass = rights.ground.klass[patch]
    texts = (
        np.append(column, "")
        for column in (rights.jurisdictions.code, rights.jurisdictions.name_zh, rights.jurisdictions.name_en)
    )
    code, zh, en = (column[place].astype(object) for column in texts)
    first = _first_cells(shares.of_cell, unit)
    codes = unit_codes([county_prefix(c) for c in code.tolist()], klass, first, patch)
    names = [
        overlay_name(k, c, z, e) if not fit else listed_names(*fit)
        for k, c, z, e, fit in zip(klass.tolist(), codes, zh, en, fitted.names, strict=True)
    ]
    table = {
        "patch": patch, "class": [CellClass(k).code for k in klass.tolist()], "jurisdiction": code, "jurisdiction_zh": zh,
        "jurisdiction_en": en, "cross_id": cross_ids(codes, patch), "unit": codes,
        "digit": np.array([CellClass(k).digit for k in klass.tolist()], np.int64),
        "name_zh": [n[0] for n in names], "name_en": [n[1] for n in names], "fit": rights.fits.fit[patch],
        "fit_codes": [";".join(fit[0]) if fit else "" for fit in fitted.names], "retained": fitted.retained[patch],
        "inflated": fitted.inflated[patch], "review": fitted.review,
    }  # fmt: skip
    return _frame(table, pieces.shape[unit], rights.ground.domain.grid)


def _conflicts(
    rights: Rights, pieces: Pieces, shares: Shares, units: gpd.GeoDataFrame, conflict: Ints
) -> gpd.GeoDataFrame:
    patch, place, protected = pieces.patch[conflict], pieces.place[conflict], rights.protected
    klass = rights.ground.klass[patch]
    code = [c or str(k) for c, k in zip(protected.code[place], protected.kind[place], strict=True)]
    table = {
        "conflict": conflict_codes(code, klass, patch), "kind": protected.kind[place], "region_code": protected.code[place],
        "region_zh": protected.name_zh[place], "region_en": protected.name_en[place], "patch": patch,
        "class": [CellClass(k).code for k in klass.tolist()],
        "unit": _beside(pieces.shape[conflict], patch, units), "area_km2": shares.area_km2[conflict],
    }  # fmt: skip
    return _frame(table, pieces.shape[conflict], rights.ground.domain.grid)


def _beside(shapes: Shapes, patch: Ints, units: gpd.GeoDataFrame) -> list[str]:
    """The unit of the same hotspot next to each shape, "" where the hotspot has none."""
    owner, code, shape = (units[c].to_numpy() for c in ("patch", "unit", "geometry"))
    shape = np.asarray(shape, dtype=object)
    out = []
    for k, p in enumerate(patch.tolist()):
        mine = np.flatnonzero(owner == p)
        out.append(str(code[mine[nearest(shapes[k], shape[mine], mine)]]) if len(mine) else "")
    return out


def _first_cells(of_cell: csr_array, unit: Ints) -> Ints:
    """First position of each unit's cells; those without a cell of the domain come last."""
    some = np.diff(of_cell.indptr)[unit] > 0
    out = np.full(len(unit), of_cell.shape[1], np.int64)
    out[some] = of_cell.indices[of_cell.indptr[unit[some]]]
    return out


def _frame(table: dict[str, object], shapes: Shapes, grid: Grid) -> gpd.GeoDataFrame:
    columns = {
        name: pd.Series(np.asarray(values, object), dtype="str")
        if name not in _NUMBERS
        else np.asarray(values, _NUMBERS[name])
        for name, values in table.items()
    }
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=grid.crs)


_NUMBERS = {
    "patch": np.int32,
    "digit": np.int64,
    "retained": np.float64,
    "inflated": np.float64,
    "area_km2": np.float64,
}
