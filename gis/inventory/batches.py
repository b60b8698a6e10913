"""Batch: the rows of one file with everything they say, read and checked one by one but not yet against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.inventory.amounts import Measured, measure
from gis.inventory.attributes import Attributes, attributes
from gis.inventory.description import Part
from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.places import Places, place
from gis.inventory.refusals import Refusals
from gis.inventory.rows import Table, texts
from gis.inventory.scope import Reason, Scope

__all__ = ["Batch", "read_batch", "warnings_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One table's rows: ids ("" where a row has none), attributes, places, amounts and refusals."""

    table: Table
    part: Part
    refusals: Refusals
    measured: list[Measured]
    places: Places
    attributes: Attributes
    ids: pa.Array
    wanted: NDArray[np.bool_]

    @property
    def kept(self) -> NDArray[np.int64]:
        """Positions of the rows that make sources."""
        return np.flatnonzero(self.wanted & ~self.refusals.mask)

    def mass_of(self, positions: NDArray[np.int64], scope: Scope) -> dict[str, float]:
        """Mass of rows by species code, as far as it can be read."""
        out: dict[str, list[float]] = {}
        for m in self.measured:
            mine = m.mass_t[positions]
            counts = (m.reason[positions] == Reason.LIVE) & (mine >= 0) & np.isfinite(mine)
            for species in np.unique(m.species[positions][counts]).tolist():
                hit = counts & (m.species[positions] == species)
                out.setdefault(scope.species[species].code, []).extend(mine[hit].tolist())
        return {code: math.fsum(masses) for code, masses in out.items()}

    def report(
        self, scope: Scope, findings: Findings, unread_t: dict[tuple[str, str, str], float], *, keep_rows: bool
    ) -> None:
        """Add to the findings what was refused and what was counted and not read."""
        name = self.part.name
        findings.extend(warnings_of(self.table, name))
        findings.extend(self.places.findings)
        self.refusals.report(findings, mass_of=lambda p: self.mass_of(p, scope), keep_rows=keep_rows)
        _add(unread_t, "refused", name, self.mass_of(np.flatnonzero(self.refusals.mask), scope))
        for m in self.measured:
            for (reason, code), mass in m.unread_t().items():
                _add(unread_t, reason, name, {code: mass})
        for why in Reason:
            self._count(why, findings)

    def _count(self, reason: Reason, findings: Findings) -> None:
        """A note of how many amounts were not read for a reason; of the live ones, how many cells are empty."""
        name, file = self.part.name, self.table.name
        for m in self.measured:
            hit = m.reason == reason
            if reason is Reason.LIVE:
                count = int((hit & m.empty & ~self.refusals.mask).sum())
                rule, text = "empty-amount", "cells are empty: no amount, which is not an amount of zero"
            else:
                count = int(hit.sum())
                rule, text = reason.text.replace(" ", "-"), f"amounts are counted, not read: {reason.text}"
            if count:
                mass = {c: v for (r, c), v in m.unread_t().items() if r == reason.text}
                findings.add(
                    Finding(
                        Severity.NOTE, rule, f"{count} {text}", part=name, file=file, column=m.measure.column,
                        mass_t=mass, count=count,
                    )
                )  # fmt: skip


def warnings_of(table: Table, part: str = "") -> list[Finding]:
    """What the library that read a file warned of."""
    return [Finding(Severity.WARNING, "reader-warning", text, part=part, file=table.name) for text in table.warnings]


def _add(unread_t: dict[tuple[str, str, str], float], reason: str, part: str, mass_t: dict[str, float]) -> None:
    for code, mass in mass_t.items():
        key = (reason, part, code)
        unread_t[key] = unread_t.get(key, 0.0) + mass


def read_batch(table: Table, part: Part, scope: Scope, join: Table | None) -> Batch:
    """The rows of a table, read for a part."""
    refusals = Refusals(part.name, table)
    measured = measure(table, part, scope, refusals)
    wanted = np.zeros(len(table), np.bool_)
    for m in measured:
        wanted |= m.reason == Reason.LIVE
    places = place(table, part, refusals, wanted, join)
    described = attributes(table, part, refusals, wanted)
    if places.joined is not None:
        # What is found by a region's code lies in that region, unless the row says otherwise.
        described.texts.setdefault("region", places.joined)
    return Batch(table, part, refusals, measured, places, described, _ids(table, part, places), wanted)


def _ids(table: Table, part: Part, places: Places) -> pa.Array:
    if part.columns.id is not None:
        return texts(table.column(part.columns.id))
    if places.joined is not None:
        # Rows found by one code are one source: its region.
        return places.joined
    return pa.repeat("", len(table))
