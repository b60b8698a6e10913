"""Named layers → the fields of a part: months joined to years, doubles and totals set aside, one grid, one area model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis.errors import UnknownUnit
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import GriddedField
from gis.inventory.readers.gridded.amounts import FieldAmounts, Term, month_factor
from gis.inventory.readers.gridded.layer import Layer
from gis.species import Species
from gis.units import Unit

__all__ = ["FieldsMade", "Found", "fields_of"]

_MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True)
class Found:
    """A layer whose names are resolved: positions of species, sector (-1 for none), year, and entry under ``fields``."""

    layer: Layer
    unit: Unit
    species: int
    sector: int
    year: int
    calendar_year: int
    named_sector: str
    left_out: bool
    total: bool
    entry: int = -1


@dataclass(slots=True)
class FieldsMade:
    """Fields of a part on their grid, and what was set aside."""

    fields: tuple[GriddedField, ...] = ()
    grid: Grid | None = None
    area_model: str = ""
    findings: list[Finding] = field(default_factory=list)
    unread_t: dict[tuple[str, str], float] = field(default_factory=dict)


def fields_of(found: list[Found], *, part: str, species: tuple[Species, ...], lenient: bool) -> FieldsMade:
    """The fields of a part: one for each species, year, sector as named in the files, and variable."""
    out = FieldsMade()
    out.grid, found = _one_grid(found, part, out.findings)
    with_parts = {(f.species, f.year) for f in found if not f.layer.total}
    groups: dict[tuple[int, int, str, str, int], list[Found]] = defaultdict(list)
    for item in found:
        # A total that the description asks for by the whole part's sector still repeats the sectors beside it.
        repeats = item.total and (item.sector < 0 or (item.species, item.year) in with_parts)
        if item.left_out or repeats:
            _set_aside(item, "not selected" if item.left_out else "total", part, species, out)
        else:
            groups[_key(item)].append(item)
    fields, areas = [], set()
    for group in groups.values():
        members = _whole_year(group, part, out.findings)
        try:
            terms = tuple(_term(member, species) for member in members)
        except UnknownUnit as error:
            out.findings.append(_finding("unknown-unit", str(error), group[0], part))
            continue
        if terms and out.grid is not None:
            first = members[0]
            areas |= {_area_model(m) for m in members if m.unit.is_density}
            load = FieldAmounts(out.grid, terms, lenient)
            fields.append(GriddedField(first.species, first.sector, first.year, first.layer.name, load))
    out.fields = tuple(sorted(fields, key=lambda f: (f.year, f.species, f.sector, f.file)))
    out.area_model = "; ".join(sorted(areas))
    return out


def _key(item: Found) -> tuple[int, int, str, str, int]:
    """What may occur once: a year's species of a sector and variable, in the files of one entry where no file names the sector."""
    if item.named_sector:
        return item.species, item.year, item.named_sector, item.layer.variable, -1
    return item.species, item.year, str(item.sector), item.layer.variable, item.entry


def _one_grid(found: list[Found], part: str, findings: list[Finding]) -> tuple[Grid | None, list[Found]]:
    """The grid of the first layer, and the layers on it; an error for each file on another."""
    if not found:
        return None, found
    grid = found[0].layer.grid
    same = [f for f in found if f.layer.grid == grid]
    for name in sorted({f.layer.name for f in found if f.layer.grid != grid}):
        other = next(f for f in found if f.layer.name == name)
        reason = f"lies on {other.layer.grid!r}, the part's first file on {grid!r}; make a part for each grid"
        findings.append(_finding("grid-differs", reason, other, part))
    return grid, same


def _whole_year(group: list[Found], part: str, findings: list[Finding]) -> list[Found]:
    """The layers of a group that make one year: one layer, or twelve months; else an error and nothing."""
    months = [f.layer.month for f in group]
    first = group[0]
    if len(set(months)) < len(months) or (len(group) > 1 and None in months):
        names = ", ".join(sorted(f.layer.name for f in group))
        reason = (
            f"{len(group)} layers hold the same species, sector and year ({first.calendar_year}): {names}; keep one"
        )
        findings.append(_finding("double-layer", reason, first, part))
        return []
    missing = [m for m in _MONTHS if m not in months]
    if months != [None] and missing:
        text = ", ".join(f"{m:02d}" for m in missing)
        reason = f"{len(months)} of the 12 months of {first.calendar_year} are there; missing {text}"
        findings.append(_finding("missing-months", reason, first, part))
        return []
    return sorted(group, key=lambda f: f.layer.month or 0)


def _term(item: Found, species: tuple[Species, ...]) -> Term:
    code, molar = species[item.species].code, species[item.species].molar_mass_g
    layer, year = item.layer, item.calendar_year
    if layer.month is None:
        factor = item.unit.tonnes_per_year(year=year, species=code, molar_mass_g=molar)
    else:
        factor = month_factor(item.unit, year=year, month=layer.month, species=code, molar_mass_g=molar)
    area: Callable[[], NDArray[np.float64]] | None = None
    if item.unit.is_density:
        area = layer.cell_area or _CellArea(layer.grid)
    return Term(layer.name, layer.read, factor, area)


@dataclass(frozen=True, slots=True)
class _CellArea:
    grid: Grid

    def __call__(self) -> NDArray[np.float64]:
        return self.grid.cell_area_m2


def _area_model(item: Found) -> str:
    if item.layer.cell_area is not None:
        return f"cell areas of the file ({item.layer.cell_area_name})"
    body = item.layer.grid.crs.ellipsoid
    if body is None:
        return "ellipsoidal cell areas"
    shape = f"1/f = {body.inverse_flattening:.9g}" if body.inverse_flattening else "sphere"
    return f"ellipsoidal cell areas, {body.name} (a = {body.semi_major_metre:.10g} m, {shape})"


def _set_aside(item: Found, reason: str, part: str, species: tuple[Species, ...], out: FieldsMade) -> None:
    code = species[item.species].code
    try:
        mass_t = float(np.nansum(FieldAmounts(item.layer.grid, (_term(item, species),), lenient=True)()))
    except UnknownUnit:
        mass_t = 0.0
    out.unread_t[reason, code] = out.unread_t.get((reason, code), 0.0) + mass_t
    what = "a total of other sectors" if reason == "total" else "left out by the description"
    out.findings.append(
        Finding(
            Severity.NOTE, reason.replace(" ", "-"), f"sector {item.named_sector!r} is {what} and is not read", part=part,
            file=item.layer.name, value=item.named_sector, mass_t={code: mass_t},
        )
    )  # fmt: skip


def _finding(rule: str, reason: str, item: Found, part: str) -> Finding:
    return Finding(Severity.ERROR, rule, reason, part=part, file=item.layer.name, value=item.named_sector)
