"""Findings, runs and ledgers as text for people or as plain values for JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from rich.console import Console

    from gis.inventory.findings import Findings
    from gis.workspace import Run

__all__ = [
    "print_findings",
    "print_json",
    "print_run",
    "print_runs",
    "records",
    "run_line",
    "run_summary",
    "wide_console",
]

_ORDER = {"error": 0, "warning": 1, "note": 2}


def print_json(value: Any) -> None:
    """Print one JSON document; numbers in full, Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values; what is missing is null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def run_line(run: Run) -> dict[str, Any]:
    """A run in one line."""
    return {
        "id": run.id,
        "name": run.name,
        "label": run.label or "",
        "created": str(run.created)[:19],
        "grid": repr(run.grid),
        "years": list(run.years),
        "species": list(run.species),
    }


def run_summary(run: Run) -> dict[str, Any]:
    """A run with its totals, its ledger and the mass that was not used."""
    ledger = run.ledger
    return {
        **run_line(run),
        "totals": records(ledger.by_species()),
        "ledger": records(ledger.table),
        "unread": records(ledger.unread),
    }


def print_findings(findings: Findings, limit: int) -> None:
    """Print findings, the worst first, and how many there are."""
    ranked = sorted(findings, key=lambda f: _ORDER[f.severity])
    for finding in ranked[: limit or None]:
        print(finding)
    if limit and len(ranked) > limit:
        print(f"… and {len(ranked) - limit} more; --limit 0 prints all, --csv keeps them")
    counts = findings.counts()
    print(f"{counts['error']} error(s), {counts['warning']} warning(s), {counts['note']} note(s)")


def print_runs(runs: Iterable[dict[str, Any]]) -> None:
    """Print runs, one a line."""
    for row in runs:
        print("  ".join(row[key] for key in ("id", "created", "name", "grid", "label") if row[key]))


def print_run(run: Run, *, refused: Path | None = None) -> None:
    """Print a run's totals, what was not used, and whether its ledger closes."""
    from rich.table import Table

    print(f"{run.id}  {run.name}  {run.grid!r}")
    table = Table(title="t/yr")
    totals = run.ledger.by_species()
    for column in totals.columns:
        table.add_column(column.removesuffix("_t"), justify="left" if column in ("year", "species") else "right")
    for row in totals.itertuples(index=False):
        table.add_row(*(f"{v:,.3f}" if isinstance(v, float) else str(v) for v in row))
    wide_console().print(table)
    for entry in run.ledger.unread.itertuples(index=False):
        print(f"not used ({entry.reason}): {entry.part}, {entry.species} {entry.mass_t:,.3f} t/yr")
    if refused is not None and refused.exists():
        print(f"refused rows: {refused}")
    run.ledger.check()
    print("the ledger closes within 1e-12")


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, and wide enough where there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else max(100, int(os.environ.get("COLUMNS", "120")))
    return Console(width=width, markup=False, highlight=False, emoji=False)
