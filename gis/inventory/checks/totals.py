"""Totals beside their parts: declared ones that do not add up, and rows that look like totals but are not declared so."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.inventory.checks.marks import capped, described, place, text
from gis.inventory.checks.matrix import AmountMatrix, amount_matrix
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart

__all__ = ["looks_like_total", "totals_findings"]

# Published tables round to four digits or so.
_MISMATCH = 1e-3
_SAME_SUM = 1e-6
# A whole cell, never a word within a name: a refinery may belong to a company called Total.
_TOTAL = re.compile(
    r"(?:.*(?:合计|总计|小计|总和)|全国|全省|全市|全区|全县|各省|总量)\s*[:：]?"
    r"|(?:grand |sub-?|sub )?totals?(?:[ _-](?:all|emissions?|sum|sectors?|bf|excl-bf))?"
    r"|sum(?:[ _]total)?|all(?:[ _-]sectors?)?|whole country|[a-z0-9_]+-(?:excl-)?bf",
    re.IGNORECASE,
)


def looks_like_total(name: str) -> bool:
    """Whether a whole cell reads like the label of a total: 合计, 全省, Total, sum, IND-BF."""
    return _TOTAL.fullmatch(name.strip()) is not None


def totals_findings(inventory: Inventory) -> list[Finding]:
    """Findings on declared totals against their parts, then on rows that look like undeclared totals."""
    found = _declared(inventory)
    for part in inventory.parts:
        if isinstance(part, SourcePart) and len(part):
            found += _undeclared(part, inventory)
    return found


# -- declared ---------------------------------------------------------------------------------------------------------


def _declared(inventory: Inventory) -> list[Finding]:
    found: list[Finding] = []
    for name, rows in inventory.total_rows.groupby("part", sort=True):
        part = inventory.part(str(name))
        if isinstance(part, SourcePart):
            found += _compared(part, rows, inventory)
    return found


def _compared(part: SourcePart, rows: pd.DataFrame, inventory: Inventory) -> list[Finding]:
    matrix = amount_matrix(part)
    region = text(part, "region")
    sector = rows["sector"].astype(int)
    # TOTAL stands for every sector; another name that is no sector (IND-BF) repeats a share that nothing here can check.
    whole = (sector < 0) & rows["sector_name"].map(lambda n: n == "" or _every_sector(str(n)))
    # A region whose own rows are not there (refused, say) has nothing to be compared with.
    placed = rows["region"].map(lambda r: bool((region == r).any()) or _every_region(str(r), part))
    comparable = ((sector >= 0) | whole) & placed
    found = [_not_compared(part, rows[~comparable], inventory)] if (~comparable).any() else []
    named = rows[comparable].assign(sector=sector[comparable], label=rows["sector_name"].where(whole, "")[comparable])
    for _, group in named.groupby(["region", "sector", "label", "species", "year"], sort=True):
        place_name = str(group["region"].iloc[0])
        kind, species, year = (int(str(group[k].iloc[0])) for k in ("sector", "species", "year"))
        total_t = float(group["mass_t"].sum())
        # A region that has rows of its own is the sum of those; one that has none (全省, WC) of all.
        members = region == place_name if (region == place_name).any() else np.ones(len(part), dtype=bool)
        columns = (matrix.species == species) & (matrix.year == year)
        if kind >= 0:
            columns &= matrix.sector == kind
        parts_t = float(matrix.summed(members)[columns].sum())
        if abs(total_t - parts_t) > _MISMATCH * max(abs(total_t), abs(parts_t)):
            found.append(_mismatch(part, group, total_t, parts_t, inventory))
    return capped([f for f in found if f.rule == "total-mismatch"], "totals that differ from their parts") + [
        f for f in found if f.rule != "total-mismatch"
    ]


def _every_region(name: str, part: SourcePart) -> bool:
    """Whether a region without sources stands for all of them: its label says so, or the description does (``WC``)."""
    headings = {part.policy.columns.region, part.policy.geometry.column if part.policy.geometry else None} - {None}
    declared = [v for select in part.policy.totals if select.column in headings for v in select.values or ()]
    return not name or looks_like_total(name) or any(fnmatchcase(name, pattern) for pattern in declared)


def _every_sector(name: str) -> bool:
    return looks_like_total(name) and not re.search(r"bf$", name, re.IGNORECASE)


def _mismatch(part: SourcePart, group: pd.DataFrame, total_t: float, parts_t: float, inventory: Inventory) -> Finding:
    row = group.iloc[0]
    species = inventory.species[int(row["species"])].code
    left_out = sum(
        mass for (why, name, code), mass in inventory.unread_t.items()
        if name == part.name and code == species and why not in {"total", "other year", "other species"}
    )  # fmt: skip
    hint = f"; {left_out:,.6g} t in rows of this part that were not read may be the reason" if left_out else ""
    what = " ".join(t for t in (str(row["region"]), str(row["sector_name"])) if t)
    return Finding(
        Severity.WARNING,
        "total-mismatch",
        f"the total {what or 'row'} of {species} {inventory.years[int(row['year'])]} is {total_t:,.6g} t/yr, its parts sum to "
        f"{parts_t:,.6g} t/yr ({(parts_t - total_t) / max(abs(total_t), abs(parts_t)):+.3%}){hint}",
        part.name,
        str(row["file"]),
        None if pd.isna(row["row"]) else int(row["row"]),
        value=f"{total_t:.10g}",
        mass_t={species: abs(total_t - parts_t)},
        count=len(group),
    )


def _not_compared(part: SourcePart, rows: pd.DataFrame, inventory: Inventory) -> Finding:
    names = sorted({str(n) for n in rows["sector_name"]})
    year = rows.groupby(["species", "year"])["mass_t"].sum().groupby("species").max()
    return Finding(
        Severity.NOTE,
        "total-not-compared",
        f"{len(rows):,} declared totals have no such sector or region here to be compared with: {', '.join(names[:8])}",
        part.name,
        mass_t={inventory.species[int(str(k))].code: float(m) for k, m in year.items()},
        count=len(rows),
    )


# -- undeclared -------------------------------------------------------------------------------------------------------


def _undeclared(part: SourcePart, inventory: Inventory) -> list[Finding]:
    matrix = amount_matrix(part)
    named = _named_like_totals(part)
    sums = {**_sum_of_children(part, matrix), **_sum_of_others(matrix)}
    found = []
    for position in sorted({*named, *sums}):
        why = [w for w in (named.get(position), sums.get(position)) if w]
        file, row = place(part, position)
        mass = matrix.by_species(matrix.mass_t[[position]].toarray().ravel(), inventory.species)
        reason = f"{described(part, position)} looks like a total beside its parts: {' and '.join(why)}. Declare it under [[parts.totals]]"
        found.append(Finding(Severity.WARNING, "undeclared-total", reason, part.name, file, row, mass_t=mass))
    return capped(found, "rows that look like totals")


def _named_like_totals(part: SourcePart) -> dict[int, str]:
    out: dict[int, str] = {}
    for column in ("source_id", "name_zh", "name_en", "region", "industry"):
        values = text(part, column)
        suspects = {str(v) for v in pd.unique(values) if v and looks_like_total(str(v))}
        if suspects:
            for position in np.flatnonzero(np.isin(values.astype(str), sorted(suspects))):
                out.setdefault(int(position), f"its {column} is {values[position]!r}")
    return out


def _sum_of_others(matrix: AmountMatrix) -> dict[int, str]:
    """Sources that equal the sum of all others in everything they emit; two sources are not enough to say so."""
    mass = matrix.mass_t
    emitting = np.flatnonzero(np.asarray(mass.sum(axis=1)).ravel() > 0)
    if len(emitting) < 3:
        return {}
    whole = np.asarray(mass.sum(axis=0)).ravel()
    # Only a source that holds half of everything can be the sum of the others: at most two.
    half = np.asarray(mass.sum(axis=1)).ravel()
    suspects = emitting[half[emitting] >= whole.sum() * (0.5 - _SAME_SUM)]
    others = len(emitting) - 1
    return {
        int(i): f"its amounts equal the sum of the other {others:,} sources"
        for i in suspects
        if _same(mass[[i]].toarray().ravel(), whole - mass[[i]].toarray().ravel())
    }


def _sum_of_children(part: SourcePart, matrix: AmountMatrix) -> dict[int, str]:
    """Sources under a province's or city's code (320000, 320100) that equal the sum of the sources under its counties."""
    region = text(part, "region").astype(str)
    out: dict[int, str] = {}
    six = np.array([len(r) == 6 and r.isdigit() for r in region])
    for code in sorted({r for r in region[six] if r.endswith("00")}):
        stem = code[:2] if code.endswith("0000") else code[:4]
        own = six & (region == code)
        below = six & np.char.startswith(region, stem) & ~own
        # A province lists cities and counties: its children are the coarsest level below it that is there.
        cities = below & np.char.endswith(region, "00")
        children = [m for m in (cities, below & ~cities) if int(m.sum()) >= 2]
        own_t = matrix.summed(own)
        for group in children:
            if own_t.sum() > 0 and _same(own_t, matrix.summed(group)):
                for position in np.flatnonzero(own):
                    out[int(position)] = f"region {code} has the sum of the {int(group.sum()):,} sources under {stem}…"
                break
    return out


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(np.all(np.abs(a - b) <= _SAME_SUM * np.maximum(np.abs(a), np.abs(b))))
