"""Findings: what is wrong or doubtful in the input, by file, row, column, value and reason, with the mass it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd

__all__ = ["Finding", "Findings", "Severity"]

_COLUMNS = ("severity", "rule", "part", "file", "row", "column", "value", "reason", "count")


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # the row is refused; a strict run stops
    WARNING = "warning"  # the row is used; a person should look
    NOTE = "note"  # counted for the record


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``rule`` is a stable name such as ``negative-amount``; ``mass_t`` is by species code, in t/yr."""

    severity: Severity
    rule: str
    reason: str
    part: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    mass_t: dict[str, float] = field(default_factory=dict)
    count: int = 1

    def __str__(self) -> str:
        where = ", ".join(
            text
            for text in (
                self.file or self.part,
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column!r}" if self.column else "",
                f"value {self.value!r}" if self.value else "",
            )
            if text
        )
        mass = "; ".join(f"{v:,.6g} t/yr {k}" for k, v in self.mass_t.items())
        return f"{self.severity}: {where}: {self.reason} [{self.rule}]{f' ({mass})' if mass else ''}"


@dataclass(eq=False)
class Findings:
    """Findings as they are collected, with the refused rows as they stood in the files."""

    items: list[Finding] = field(default_factory=list)
    refused: list[dict[str, object]] = field(default_factory=list)

    def add(self, finding: Finding, *, row: dict[str, object] | None = None) -> None:
        """Record a finding; ``row`` is the refused row as read, for the file of refused rows."""
        self.items.append(finding)
        if row is not None:
            self.refused.append(
                {
                    "part": finding.part,
                    "file": finding.file,
                    "row": finding.row,
                    "reason": finding.reason,
                    **row,
                }
            )

    def extend(self, findings: Iterable[Finding]) -> None:
        """Record several findings."""
        self.items.extend(findings)

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop a strict run."""
        return [f for f in self.items if f.severity is Severity.ERROR]

    def counts(self) -> dict[str, int]:
        """Number of findings by severity."""
        found = Counter(str(f.severity) for f in self.items)
        return {str(s): found.get(str(s), 0) for s in Severity}

    def frame(self) -> pd.DataFrame:
        """One row a finding, the mass of each species in a column of its own."""
        rows = [
            {
                "severity": str(f.severity), "rule": f.rule, "part": f.part, "file": f.file, "row": f.row,
                "column": f.column, "value": f.value, "reason": f.reason, "count": f.count,
                **{f"{code}_t": mass for code, mass in f.mass_t.items()},
            }
            for f in self.items
        ]  # fmt: skip
        # Headings stand even where nothing was found, and a row number is a whole one.
        return pd.DataFrame(rows, columns=None if rows else list(_COLUMNS)).astype({"row": "Int64"})

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
