"""Records of one part that are incomplete: capacity without emissions, years that some sources lack."""

from __future__ import annotations

import numpy as np

from gis.inventory.checks.marks import Marks, described, mass_of
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart

__all__ = ["record_findings"]

_EXAMPLES = 5


def record_findings(part: SourcePart, inventory: Inventory) -> list[Finding]:
    """Sources with a capacity and no emissions, and years missing for some sources of the part."""
    return [*_idle(part, inventory), *_missing_years(part, inventory)]


def _idle(part: SourcePart, inventory: Inventory) -> list[Finding]:
    marks = Marks(part, inventory.species)
    capacity = part.sources["capacity"].to_numpy(dtype=np.float64, na_value=np.nan)
    emitted = np.bincount(part.amounts.source, weights=np.abs(part.amounts.mass_t), minlength=len(part))
    marks.warn(
        (capacity > 0) & (emitted == 0),
        "capacity-without-emissions",
        lambda i: f"{described(part, i)} has a capacity of {capacity[i]:,.6g} and emits nothing in the years read",
        column=part.policy.columns.capacity or "",
        value=lambda i: f"{capacity[i]:.10g}",
        severity=Severity.NOTE,
        order=np.nan_to_num(capacity),
        what="sources with a capacity and no emissions",
    )
    return marks.findings


def _missing_years(part: SourcePart, inventory: Inventory) -> list[Finding]:
    a = part.amounts
    years = np.unique(a.year)
    if len(years) < 2:
        return []
    has = np.zeros((len(part), len(inventory.years)), dtype=bool)
    has[a.source, a.year] = True
    found = []
    for year in years:
        lacking = ~has[:, year] & has.any(axis=1)
        if lacking.any():
            examples = ", ".join(described(part, int(i)) for i in np.flatnonzero(lacking)[:_EXAMPLES])
            found.append(
                Finding(
                    Severity.NOTE,
                    "missing-year",
                    f"{int(lacking.sum()):,} of {len(part):,} sources have no amount in {inventory.years[int(year)]} but in "
                    f"another year: {examples}{' …' if lacking.sum() > _EXAMPLES else ''}; the mass is what they emit then",
                    part.name,
                    mass_t=mass_of(part, inventory.species, lacking),
                    count=int(lacking.sum()),
                )
            )
    return found
