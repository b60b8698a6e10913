"""Marks on the sources of one part as its rows are checked: who is refused, what was found, which mass it concerns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.inventory.findings import Finding, Severity
from gis.inventory.model import SourcePart
from gis.species import Species

__all__ = ["LISTED", "Marks", "annual_mass_t", "capped", "described", "mass_of", "place", "text"]

# Warnings and notes are listed up to here, worst first; the rest is one line with its count and mass. Refused rows are all listed.
LISTED = 100


def annual_mass_t(part: SourcePart, species: tuple[Species, ...]) -> NDArray[np.float64]:
    """Mass of each source and species (n, k) in t/yr: over all sectors, in the year that has most of it."""
    n, k = len(part), len(species)
    out = np.zeros((n, k))
    a = part.amounts
    for year in np.unique(a.year):
        rows = a.year == year
        flat = np.bincount(
            a.source[rows] * k + a.species[rows], weights=np.where(np.isfinite(a.mass_t[rows]), a.mass_t[rows], 0.0),
            minlength=n * k,
        )  # fmt: skip
        np.maximum(out, flat.reshape(n, k), out=out)
    return out


def mass_of(part: SourcePart, species: tuple[Species, ...], chosen: NDArray[np.bool_]) -> dict[str, float]:
    """Mass of the chosen sources together by species code, in t/yr: the year that has most of it."""
    a = part.amounts
    rows = chosen[a.source] & np.isfinite(a.mass_t)
    if not rows.any():
        return {}
    years = int(a.year.max()) + 1
    flat = np.bincount(
        a.species[rows].astype(np.int64) * years + a.year[rows], weights=a.mass_t[rows], minlength=len(species) * years
    )
    top = flat.reshape(len(species), years).max(axis=1)
    seen = np.unique(a.species[rows])
    return {species[int(i)].code: float(top[i]) for i in seen}


def text(part: SourcePart, column: str) -> NDArray[np.object_]:
    """A text column of the sources, with ``""`` where nothing is known."""
    values = part.sources[column]
    return np.asarray(values.fillna("").astype(str).str.strip(), dtype=object)


def described(part: SourcePart, position: int) -> str:
    """A source for people: its id, and its name where it has one."""
    row = part.sources.iloc[position]
    name = next((str(row[c]) for c in ("name_zh", "name_en") if isinstance(row[c], str) and row[c]), "")
    return f"{row['source_id']} ({name})" if name else str(row["source_id"])


def place(part: SourcePart, position: int) -> tuple[str, int | None]:
    """File and row a source came from."""
    row = part.sources["row"].iloc[position]
    return str(part.sources["file"].iloc[position] or ""), None if pd.isna(row) else int(str(row))


def capped(found: list[Finding], what: str) -> list[Finding]:
    """Findings of one rule, the greatest mass first; beyond LISTED, one line for all the others."""
    ordered = sorted(found, key=lambda f: -sum(abs(m) for m in f.mass_t.values()))
    rest = ordered[LISTED:]
    if not rest:
        return ordered
    mass: dict[str, float] = {}
    for finding in rest:
        for code, mass_t in finding.mass_t.items():
            mass[code] = mass.get(code, 0.0) + mass_t
    one = rest[0]
    reason = f"{len(rest):,} further {what}; {len(ordered):,} in all"
    line = Finding(one.severity, one.rule, reason, one.part, mass_t=mass, count=sum(f.count for f in rest))
    return [*ordered[:LISTED], line]


class Marks:
    """Findings on the sources of a part, with the mask of those refused."""

    def __init__(self, part: SourcePart, species: tuple[Species, ...]) -> None:
        self.part = part
        self.species = species
        self.findings: list[Finding] = []
        self.refused: NDArray[np.bool_] = np.zeros(len(part), dtype=bool)
        self._mass: NDArray[np.float64] | None = None

    @property
    def mass_t(self) -> NDArray[np.float64]:
        """Mass of each source and species, made when first needed."""
        if self._mass is None:
            self._mass = annual_mass_t(self.part, self.species)
        return self._mass

    def refuse(
        self,
        chosen: NDArray[np.bool_],
        rule: str,
        reason: Callable[[int], str],
        *,
        column: str = "",
        value: Callable[[int], str] | None = None,
    ) -> None:
        """Refuse the chosen sources, one finding each; a source already refused keeps its first reason."""
        positions = np.flatnonzero(chosen & ~self.refused)
        self.refused[positions] = True
        self.findings += [self._one(Severity.ERROR, int(i), rule, reason, column, value) for i in positions]

    def warn(
        self,
        chosen: NDArray[np.bool_],
        rule: str,
        reason: Callable[[int], str],
        *,
        column: str = "",
        value: Callable[[int], str] | None = None,
        severity: Severity = Severity.WARNING,
        order: NDArray[np.float64] | None = None,
        what: str = "sources like these",
    ) -> None:
        """Record a finding on the chosen sources not refused: the first LISTED by ``order``, the rest as one line."""
        positions = np.flatnonzero(chosen & ~self.refused)
        if order is not None:
            positions = positions[np.argsort(-order[positions], kind="stable")]
        listed, rest = positions[:LISTED], positions[LISTED:]
        self.findings += [self._one(severity, int(i), rule, reason, column, value) for i in listed]
        if len(rest):
            mask = np.zeros(len(self.part), dtype=bool)
            mask[rest] = True
            self.findings.append(
                Finding(
                    severity, rule, f"{len(rest):,} further {what}; {len(positions):,} in all", self.part.name,
                    column=column, mass_t=mass_of(self.part, self.species, mask), count=len(rest),
                )
            )  # fmt: skip

    def _one(
        self,
        severity: Severity,
        position: int,
        rule: str,
        reason: Callable[[int], str],
        column: str,
        value: Callable[[int], str] | None,
    ) -> Finding:
        file, row = place(self.part, position)
        mass = {s.code: float(m) for s, m in zip(self.species, self.mass_t[position], strict=True) if m != 0}
        return Finding(
            severity, rule, reason(position), self.part.name, file, row, column,
            value(position) if value is not None else "", mass,
        )  # fmt: skip
