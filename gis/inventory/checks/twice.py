"""Points that area totals contain as well: counted twice when nothing is subtracted, too large when they exceed the total."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from shapely import STRtree

from gis.inventory.checks.marks import capped, described, place
from gis.inventory.checks.matrix import AmountMatrix, amount_matrix
from gis.inventory.checks.overlaps import distinct_shapes
from gis.inventory.description import Kind
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart
from gis.regions.measure import made_valid, shapes_of

__all__ = ["counted_twice_findings"]

# A sum of points above its total by no more than this share is rounding in the tables, not an excess.
_ROUNDING = 1e-6


def counted_twice_findings(inventory: Inventory) -> list[Finding]:
    """Point parts against area totals of the same species, sector and year, by area."""
    sources = [
        p for p in inventory.parts if isinstance(p, SourcePart) and len(p.amounts) and p.policy.use == "emissions"
    ]
    found: list[Finding] = []
    for areas in (p for p in sources if p.kind is Kind.AREA):
        for points in (p for p in sources if p.kind is Kind.POINT):
            if not _replaced(areas, points):
                found += _compare(areas, points, inventory)
    return found


def _replaced(areas: SourcePart, points: SourcePart) -> bool:
    named = {n for r in points.policy.replaces for n in r.parts}, {n for r in areas.policy.replaces for n in r.parts}
    return areas.name in named[0] or points.name in named[1]


def _compare(areas: SourcePart, points: SourcePart, inventory: Inventory) -> list[Finding]:
    total, point = amount_matrix(areas), amount_matrix(points)
    wanted = _contained_in(areas, point, inventory)
    columns = {key: n for n, key in enumerate(total.keys)}
    pick = np.array([columns.get(key, -1) for key in wanted], dtype=np.int64)
    if not (pick >= 0).any():
        return []
    shapes = made_valid(shapes_of(areas.geometry))
    first, shape_of = distinct_shapes(shapes)
    holds = _points_by_shape(shapes[first], areas, points)
    use = np.flatnonzero(pick >= 0)
    to_total = csr_array((np.ones(len(use)), (use, pick[use])), shape=(len(pick), len(total.species)))
    by_shape = csr_array((np.ones(len(areas)), (shape_of, np.arange(len(areas)))), shape=(len(first), len(areas)))
    # What both have: the area's total where the points emit, and the points' mass where the area has a total.
    points_t = (holds @ point.mass_t @ to_total).tocsr()
    total_t = (by_shape @ total.mass_t).tocsr()
    points_t = points_t.multiply(total_t > 0).tocsr()
    total_t = total_t.multiply(points_t > 0).tocsr()
    count = np.asarray(holds.sum(axis=1)).ravel()
    rows = np.flatnonzero(np.asarray(points_t.sum(axis=1)).ravel() > 0)
    subtracted = points.name in areas.policy.subtract
    found = []
    for n in rows:
        p, t = points_t[[n]].toarray().ravel(), total_t[[n]].toarray().ravel()
        one = (_excess if subtracted else _double)(areas, points, int(first[n]), int(count[n]), p, t, total, inventory)
        if one is not None:
            found.append(one)
    return capped(
        found, "areas whose points exceed their total" if subtracted else "areas whose points are counted twice"
    )


def _contained_in(areas: SourcePart, point: AmountMatrix, inventory: Inventory) -> list[tuple[int, int, int]]:
    """What the totals would call each column of the points: `subtract_sectors` names sectors under another one."""
    codes = [s.code for s in inventory.sectors]
    renamed: dict[int, int] = {}
    for total, contained in areas.policy.subtract_sectors.items():
        for code in contained:
            if code in codes and total in codes:
                renamed[codes.index(code)] = codes.index(total)
    return [(species, renamed.get(sector, sector), year) for species, sector, year in point.keys]


def _points_by_shape(shapes: NDArray[np.object_], areas: SourcePart, points: SourcePart) -> csr_array:
    geometry = points.geometry
    if points.crs != areas.crs:
        geometry = geometry.to_crs(areas.crs)
    point, shape = STRtree(shapes).query(shapes_of(geometry), predicate="intersects")
    # A point on a shared boundary belongs to one area only.
    owner = np.full(len(points), len(shapes))
    np.minimum.at(owner, point, shape)
    inside = np.flatnonzero(owner < len(shapes))
    return csr_array((np.ones(len(inside)), (owner[inside], inside)), shape=(len(shapes), len(points)))


def _double(
    areas: SourcePart,
    points: SourcePart,
    area: int,
    count: int,
    points_t: NDArray[np.float64],
    total_t: NDArray[np.float64],
    columns: AmountMatrix,
    inventory: Inventory,
) -> Finding | None:
    mass, whole = (columns.by_species(v, inventory.species) for v in (points_t, total_t))
    file, row = place(areas, area)
    return Finding(
        Severity.WARNING,
        "points-in-area-total",
        f"{described(areas, area)} holds {count:,} points of part {points.name!r} that emit the same species and sectors: "
        f"{_versus(mass, whole)}. If the total contains them, name the part under `subtract`",
        areas.name, file, row, mass_t=mass,
    )  # fmt: skip


def _excess(
    areas: SourcePart,
    points: SourcePart,
    area: int,
    count: int,
    points_t: NDArray[np.float64],
    total_t: NDArray[np.float64],
    columns: AmountMatrix,
    inventory: Inventory,
) -> Finding | None:
    over = points_t > total_t * (1 + _ROUNDING)
    if not over.any():
        return None
    excess = columns.by_species(np.where(over, points_t - total_t, 0.0), inventory.species)
    mass, whole = (columns.by_species(np.where(over, v, 0.0), inventory.species) for v in (points_t, total_t))
    file, row = place(areas, area)
    return Finding(
        Severity.WARNING,
        "points-exceed-total",
        f"{count:,} points of part {points.name!r} in {described(areas, area)} exceed the total they are to be subtracted "
        f"from: {_versus(mass, whole)}. The area keeps nothing of these, and the excess is reported",
        areas.name, file, row, mass_t=excess,
    )  # fmt: skip


def _versus(points_t: dict[str, float], total_t: dict[str, float]) -> str:
    return "; ".join(
        f"{code} {mass:,.6g} t/yr of points, {total_t.get(code, 0.0):,.6g} t/yr in the total"
        for code, mass in points_t.items()
    )
