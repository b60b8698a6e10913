"""Stored values → t/yr per cell: unit, length of the period, cell area; and the scan for values no inventory may hold."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis.errors import RefusedInput
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import GriddedField
from gis.units import Unit

__all__ = ["FieldAmounts", "Term", "add_known", "month_factor", "scan_field"]


@dataclass(frozen=True, slots=True)
class Term:
    """One stored layer of a field: its values times ``factor``, times cell areas in m² where it is a density."""

    name: str
    read: Callable[[], NDArray[np.float64]]
    factor: float
    area_m2: Callable[[], NDArray[np.float64]] | None = None

    def amounts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values as stored, and in t/yr."""
        stored = self.read()
        # Infinite values are reported by the caller, with their place; a warning would say less.
        with np.errstate(over="ignore", invalid="ignore"):
            mass_t = stored * self.factor
            if self.area_m2 is not None:
                mass_t *= self.area_m2()
        return stored, mass_t


@dataclass(frozen=True, slots=True)
class FieldAmounts:
    """Loads a field: the sum of its terms (one a year, or twelve months), refusing negative and infinite values.

    With ``lenient`` such cells count as no value; ``scan_field`` says which and how much.
    """

    grid: Grid
    terms: tuple[Term, ...]
    lenient: bool = False

    def __call__(self) -> NDArray[np.float64]:
        """t/yr per cell, row 0 north, NaN where no term has a value."""
        total: NDArray[np.float64] | None = None
        for term in self.terms:
            stored, mass_t = term.amounts()
            bad = _bad(mass_t)
            if bad.any():
                if not self.lenient:
                    raise RefusedInput(_sentence(self.grid, term.name, stored, bad))
                mass_t[bad] = np.nan
            total = mass_t if total is None else add_known(total, mass_t)
        return np.full(self.grid.shape, np.nan) if total is None else total

    def findings(self, *, part: str, species: str) -> list[Finding]:
        """An error for each term with negative and for each with infinite values: first cell, count and mass."""
        return [
            found
            for term in self.terms
            for found in _findings(self.grid, term, part=part, species=species)
        ]  # fmt: skip


def scan_field(field: GriddedField, *, part: str = "", species: str = "") -> list[Finding]:
    """Errors for the negative and infinite cells of a field; ``species`` is its code. Reads the field once."""
    if isinstance(field.load, FieldAmounts):
        return field.load.findings(part=part, species=species)
    return []


def add_known(total: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum cell by cell, where no value adds nothing and only two of them make none."""
    out: NDArray[np.float64] = np.where(np.isnan(total), more, total + np.where(np.isnan(more), 0.0, more))
    return out


def month_factor(
    unit: Unit, *, year: int, month: int, species: str | None = None, molar_mass_g: float | None = None
) -> float:
    """Factor from one month's value to the tonnes of that month (per m² for a density)."""
    mass = replace(unit, period_s=None).tonnes_per_year(year=year, species=species, molar_mass_g=molar_mass_g)
    days = calendar.monthrange(year, month)[1]
    if unit.period_s is None:
        # "t" in a month's file is what the month emitted; "t/yr" is a rate that lasts a month.
        rate = re.search(r"(/|每|per\b)|-1|⁻¹", unit.text) and re.search(r"y|a-1|annu|年", unit.text.lower())
        return mass * days / (366 if calendar.isleap(year) else 365) if rate else mass
    if unit.period_s < 0.0:  # per month
        return mass
    return mass * days * 86400.0 / unit.period_s


def _bad(mass_t: NDArray[np.float64]) -> NDArray[np.bool_]:
    out: NDArray[np.bool_] = (mass_t < 0.0) | np.isinf(mass_t)
    return out


def _sentence(grid: Grid, name: str, stored: NDArray[np.float64], bad: NDArray[np.bool_]) -> str:
    row, col = (int(v) for v in np.argwhere(bad)[0])
    x, y = grid.x_centres[col], grid.y_centres[row]
    return (
        f"{name}: row {row}, column {col} (from 0, row 0 north; centre {x:g}, {y:g}) holds {stored[row, col]:g}, and "
        f"{int(bad.sum())} cell(s) in all are negative or infinite; an emission is neither. Correct the file, or read "
        "leniently to count such cells as no value"
    )


def _findings(grid: Grid, term: Term, *, part: str, species: str) -> list[Finding]:
    stored, mass_t = term.amounts()
    out = []
    for rule, bad, what in (
        ("negative-amount", np.isfinite(mass_t) & (mass_t < 0.0), "negative"),
        ("infinite-amount", np.isinf(mass_t), "infinite"),
    ):
        if bad.any():
            row, col = (int(v) for v in np.argwhere(bad)[0])
            mass = {species: float(mass_t[bad].sum())} if rule == "negative-amount" and species else {}
            out.append(
                Finding(
                    Severity.ERROR, rule, f"{int(bad.sum())} cell(s) are {what}, the first in grid row {row}, column {col} "
                    "(from 0, row 0 north); such cells count as no value in a lenient run", part=part, file=term.name,
                    row=row, column=str(col), value=f"{stored[row, col]:g}", mass_t=mass, count=int(bad.sum()),
                )
            )  # fmt: skip
    return out
