"""Points, cells and polygons."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gis.allocation.tiers import TIERS
from gis.errors import InvalidParameter
from gis.hotspots.ranks import Mode
from gis.tiles.plane import Plane
from gis.views.places import ground_under
from gis.views.points import cell_of
from gis.views.thresholds import threshold_of
from gis.views.totals import By, totals
from gis.views.zonal import Inside, Zone, amounts_in, contributors_in, inside
from gis.zoning.classes import CellClass
from service.dependencies import Caller
from service.library import Library
from service.routes.answers.subjects import Subject, subject_of
from service.routes.bodies import placed, polygon_of
from service.schemas.base import Texts
from service.schemas.places import CellContributors, Point, Zonal

__all__ = ["Wanted", "cell_answer", "point_answer", "zonal_answer"]

_BY_CELL = Texts(
    zh="点源按其位置计入；其余按网格面积落入多边形的精确比例计入。",
    en="Points count where they stand; the rest by the exact share of each cell's area inside the polygon.",
)
_BY_GROUND = Texts(
    zh="点源按其位置计入；其余按网格内土地落入多边形的精确比例计入，与管控单元的算法相同。",
    en="Points count where they stand; the rest by the exact share of each cell's ground inside, as for control units.",
)
_AS_SHOWN = Texts(
    zh="全部排放（含点源）按网格落入多边形的精确比例计入，同公开网格图层；持密钥者点源按位置计入。",
    en="All of it, points included, counts by the exact share of each cell inside, as the published grid shows it; with a key, points "
    "count where they stand.",
)


def point_answer(
    library: Library, which: str, caller: Caller, lon: float, lat: float, year: int | None, top: int
) -> Point:
    """What is known at a point; contributors for those who see facilities."""
    subject = subject_of(library, which, year)
    found = subject.points.at(lon=lon, lat=lat, year=subject.year, top=top if caller.sees_facilities else None)
    return Point.model_validate(found)


def cell_answer(library: Library, which: str, cell: int, year: int | None, top: int) -> CellContributors:
    """Who stands behind a cell."""
    subject = subject_of(library, which, year)
    here = cell_of(subject.views, subject.run, cell)
    total_t = np.array([_amount(subject, s, here.row, here.col) for s in subject.run.species])
    found = subject.origins.named(subject.origins.at_cell(cell, subject.year), total_t, top=top)
    return CellContributors.model_validate(
        {"result": subject.result.id, "year": subject.year, "cell": here, "contributors": found}
    )


def _amount(subject: Subject, species: str, row: int, col: int) -> float:
    return float(subject.views.amounts(subject.run, subject.year, species).levels[0][row, col])


# -- polygons -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for in place of a result's own threshold; None leaves it."""

    share: float | None = None
    mode: Mode | None = None
    min_pollutants: int | None = None
    min_cells: int | None = None


def zonal_answer(
    library: Library,
    which: str,
    caller: Caller,
    body: bytes,
    year: int | None,
    ground: bool,
    top: int,
    threshold: Wanted,
) -> Zonal:
    """What lies in a posted polygon."""
    subject = subject_of(library, which, year)
    polygon = placed(polygon_of(body, library.settings), subject.run.grid, library.settings)
    land = ground_under(subject.views.files, subject.run, polygon) if ground else None
    cells = inside(subject.run.grid, polygon)
    counted = inside(subject.run.grid, polygon, ground=land) if land is not None else cells
    # A square of two metres would tell what a single plant emits, and where it stands.
    stand = caller.sees_facilities
    zone = amounts_in(subject.views, subject.origins, counted, subject.year, points_stand=stand)
    classes = _classes(subject, cells)
    return Zonal.model_validate(
        {
            "result": subject.result.id, "run": subject.run.id, "year": subject.year,
            "method": (_BY_GROUND if ground else _BY_CELL) if stand else _AS_SHOWN,
            "area_km2": cells.area_km2, "outside_share": cells.outside_share, "cells": len(cells.cells),
            "species": _species(subject, zone, cells.area_km2), "classes": classes,
            "hot_share": _hot_share(classes, cells), "at_threshold": _at_threshold(subject, cells, threshold),
            "contributors": contributors_in(subject.origins, zone, top=top) if caller.sees_facilities else None,
        }
    )  # fmt: skip


def _species(subject: Subject, zone: Zone, area_km2: float) -> list[dict[str, Any]]:
    whole = totals(subject.run, subject.year, By.SPECIES).set_index("species")["amount_t"]
    out = []
    for s, code in enumerate(subject.run.species):
        amount = float(zone.amount_t[s])
        total = float(whole.get(code, 0.0))
        sectors = zip((*subject.run.sectors, ""), zone.by_sector_t[s].tolist(), strict=True)
        tiers = zip(map(str, TIERS), zone.by_tier_t[s].tolist(), strict=True)
        out.append(
            {
                "species": code, "amount_t": amount, "density_t_km2": amount / area_km2 if area_km2 > 0 else None,
                "share": amount / total if total > 0 else None, "sectors": {k: v for k, v in sectors if v > 0},
                "tiers": {k: v for k, v in tiers if v > 0},
            }
        )  # fmt: skip
    return out


def _classes(subject: Subject, zone: Inside) -> list[dict[str, Any]]:
    """Area of each class: as published for a zoning's year, else at the default threshold; none where the run cannot be classed."""
    if subject.zoning is not None:
        return _areas(subject, zone, subject.views.zoned(subject.zoning, "class"))
    found = _at_threshold(subject, zone, Wanted())
    return [] if found is None else found["classes"]


def _at_threshold(subject: Subject, zone: Inside, threshold: Wanted) -> dict[str, Any] | None:
    """Area of each class at a threshold; None where the run cannot be classed."""
    try:
        wanted = threshold_of(subject.result, **asdict(threshold))
    except InvalidParameter:
        return None
    classes = _areas(subject, zone, subject.views.threshold(subject.run, subject.year, wanted).classes)
    return {"threshold": wanted, "classes": classes, "hot_share": _hot_share(classes, zone)}


def _areas(subject: Subject, zone: Inside, plane: Plane) -> list[dict[str, Any]]:
    codes = plane.levels[0].reshape(-1)[zone.cells]
    area_m2 = subject.run.grid.cell_area_m2[zone.cells // subject.run.grid.cols, zone.cells % subject.run.grid.cols]
    held = np.bincount(codes, zone.fraction * area_m2 * 1e-6, len(CellClass))
    return [
        {"cell_class": c.code, "area_km2": float(held[c]), "share": float(held[c]) / zone.area_km2 if zone.area_km2 > 0 else None}
        for c in sorted(CellClass, reverse=True) if c
    ]  # fmt: skip


def _hot_share(classes: list[dict[str, Any]], zone: Inside) -> float | None:
    return sum(c["area_km2"] for c in classes) / zone.area_km2 if classes and zone.area_km2 > 0 else None
