"""Statements: what a figure about cells holds for, in words: the order, the year, the resolution and the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gis.errors import UnknownSpecies
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Order
from gis.species import find_species

__all__ = ["find_among", "resolution", "species_name", "state"]


def species_name(code: str) -> str:
    """The name of a species as it is written, its code where it is not known."""
    try:
        return find_species(code).name
    except UnknownSpecies:
        return code


def find_among(name: str, species: Sequence[str]) -> str:
    """The one of these species that a code or name means."""
    if name in species:
        return name
    for own in species:
        if _code(own) == _code(name):
            return own
    raise UnknownSpecies(f"species {name!r} is not here; expected one of {', '.join(species)}")


def _code(name: str) -> str:
    try:
        return find_species(name).code
    except UnknownSpecies:
        return name.casefold()


def resolution(grid: Grid) -> str:
    """Size of a cell, as 1 km × 1 km or 0.1° × 0.1°."""
    if grid.is_geographic:
        return f"{grid.dx:.6g}° × {grid.dy:.6g}°"
    dx, dy = (size * grid.crs.axis_info[0].unit_conversion_factor for size in (grid.dx, grid.dy))
    unit, per = ("km", 1e3) if min(dx, dy) >= 1e3 else ("m", 1.0)
    return f"{dx / per:.6g} {unit} × {dy / per:.6g} {unit}"


def _areas(domain: Domain) -> str:
    least, most = f"{domain.area_km2.min():.4g}", f"{domain.area_km2.max():.4g}"
    return least if least == most else f"{least}-{most}"


def state(
    domain: Domain, *, rank_by: str, order: Order, year: int | None, emitting: int, left_out: int
) -> Mapping[str, str]:
    """What a concentration holds for, in Chinese (``zh``) and English (``en``)."""
    name, size, cell = species_name(rank_by), resolution(domain.grid), _areas(domain)
    cells, area = f"{domain.size:,}", f"{domain.total_area_km2:,.0f} km²"
    per = order is Order.DENSITY
    zh = [
        f"按网格 {name} 排放{'密度' if per else '量'}由高到低排序{f'（{year} 年）' if year is not None else ''}",
        f"分辨率 {size}（网格面积 {cell} km²）",
        f"范围 {cells} 个网格，共 {area}，"
        + (f"均有 {name} 排放" if emitting == domain.size else f"其中 {emitting:,} 个有 {name} 排放，其余计为零"),
        *([f"另有 {left_out:,} 个网格无数值，未计入"] if left_out else []),
        "集中度随分辨率和范围而变，二者相同方可比较。",
    ]
    en = [
        f"Cells by {name} {'density' if per else 'amount'}{f', {year}' if year is not None else ''}, the most first",
        f"resolution {size} (cells of {cell} km²)",
        f"domain {cells} cells, {area}, "
        + (f"all with {name}" if emitting == domain.size else f"{emitting:,} with {name}, the others counted as zero"),
        *([f"{left_out:,} cells without a value are left out"] if left_out else []),
        "concentration depends on resolution and domain: compare where both are the same.",
    ]
    return {"zh": "；".join(zh), "en": "; ".join(en)}
