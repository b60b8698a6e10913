"""Refusals: the rows of one table that are not used, why, and the mass that went with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.rows import Table, texts

__all__ = ["OWN_HEADINGS", "Refusal", "Refusals"]

# Findings of one rule in one column that are listed one by one; the others are counted in one finding more.
LISTED = 1000
# Headings that `findings.refused` adds to those of the file.
OWN_HEADINGS = ("part", "file", "row", "reason")
_SHOWN_ROWS = 8
MassOf = Callable[[NDArray[np.int64]], dict[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """One rule that rows broke: their positions, the column, and what to say, for each row or for all with one value."""

    rule: str
    positions: NDArray[np.int64]
    column: str
    reason: str
    together: bool = False


@dataclass(slots=True, eq=False)
class Refusals:
    """What is wrong in a table, as it is found; ``mask`` marks the rows refused."""

    part: str
    table: Table
    mask: NDArray[np.bool_] = field(init=False)
    found: list[Refusal] = field(default_factory=list)
    repeats: list[tuple[Finding, NDArray[np.int64]]] = field(default_factory=list)
    passed_on: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mask = np.zeros(len(self.table), np.bool_)

    def refuse(
        self, where: NDArray[np.bool_], *, rule: str, reason: str, column: str = "", together: bool = False
    ) -> None:
        """Refuse the rows marked; ``together`` makes one finding of all rows with the same reason."""
        positions = np.flatnonzero(where)
        if len(positions):
            self.mask[positions] = True
            self.found.append(Refusal(rule, positions, column, reason, together=together))

    def repeat(self, positions: NDArray[np.int64], *, reason: str, mass_t: dict[str, float], count: int) -> None:
        """Record amounts that other rows state as well; the rows keep what they alone say."""
        row = int(self.table.rows[positions[0]])
        finding = Finding(
            Severity.ERROR, "duplicate-row", reason, part=self.part, file=self.table.name, row=row, mass_t=mass_t, count=count
        )  # fmt: skip
        self.repeats.append((finding, positions))

    def pass_on(self, position: int, reason: str) -> None:
        """Refuse a row whose finding is made elsewhere."""
        self.mask[position] = True
        self.passed_on.append((position, reason))

    def report(self, findings: Findings, *, mass_of: MassOf, keep_rows: bool) -> None:
        """Add everything found to the findings, each row's mass to the first finding that refuses it."""
        told = np.zeros(len(self.table), np.bool_)
        for refusal in self.found:
            for finding, positions in self._findings(refusal):
                fresh = positions[~told[positions]]
                told[positions] = True
                findings.add(replace(finding, mass_t=mass_of(fresh) if len(fresh) else {}))
                if keep_rows:
                    findings.refused.extend(self._as_read(p, finding.reason) for p in fresh.tolist())
        for finding, positions in self.repeats:
            findings.add(finding)
            if keep_rows:
                findings.refused.extend(self._as_read(p, finding.reason) for p in positions.tolist())
        if keep_rows:
            findings.refused.extend(self._as_read(p, reason) for p, reason in self.passed_on if not told[p])
        self._report_stray(findings, keep_rows=keep_rows)

    def _findings(self, refusal: Refusal) -> Iterator[tuple[Finding, NDArray[np.int64]]]:
        alone = np.empty(0, np.int64) if refusal.together else refusal.positions[:LISTED]
        rest = refusal.positions[len(alone) :]
        for position in alone.tolist():
            yield self._finding(refusal, np.array([position])), np.array([position])
        if len(rest):
            yield self._finding(refusal, rest), rest

    def _finding(self, refusal: Refusal, positions: NDArray[np.int64]) -> Finding:
        rows = self.table.rows[positions]
        reason = refusal.reason
        if len(rows) > 1:
            shown = ", ".join(str(r) for r in rows[:_SHOWN_ROWS])
            reason = f"{reason} ({len(rows)} rows: {shown}{', …' if len(rows) > _SHOWN_ROWS else ''})"
        value = ""
        if refusal.column in self.table.columns:
            value = texts(self.table.columns[refusal.column].slice(int(positions[0]), 1))[0].as_py()
        return Finding(
            Severity.ERROR, refusal.rule, reason, part=self.part, file=self.table.name, row=int(rows[0]),
            column=refusal.column, value=value, count=len(rows),
        )  # fmt: skip

    def _as_read(self, position: int, reason: str) -> dict[str, object]:
        ours = {"part": self.part, "file": self.table.name, "row": int(self.table.rows[position]), "reason": reason}
        return ours | renamed(self.table.as_read(position))

    def _report_stray(self, findings: Findings, *, keep_rows: bool) -> None:
        headings = list(self.table.columns)
        for stray in self.table.stray:
            reason = f"{len(stray.cells)} cells under {stray.expected} headings; a cell is missing, or a separator is not quoted"
            finding = Finding(
                Severity.ERROR, "ragged-row", reason, part=self.part, file=self.table.name, row=stray.row,
                value=" | ".join(stray.cells)[:200],
            )  # fmt: skip
            cells: dict[str, object] = {
                headings[i] if i < len(headings) else f"(cell {i + 1})": cell for i, cell in enumerate(stray.cells)
            }
            findings.add(finding, row=renamed(cells) if keep_rows else None)


def renamed(cells: dict[str, object]) -> dict[str, object]:
    """Cells by heading, with an underscore after a heading that the file of refused rows has itself."""
    return {f"{heading}_" if heading in OWN_HEADINGS else heading: cell for heading, cell in cells.items()}
