"""Checking an inventory: everything that is wrong or doubtful in it, found in one lenient read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gis.inventory.checks import inventory_findings
from gis.inventory.findings import Findings
from gis.inventory.load import read_inventory, staged

__all__ = ["check_inventory"]


def check_inventory(path: Path, *, progress: Callable[[str, int, int], None] | None = None) -> Findings:
    """Every finding of the inventory a description file names: by row as it is read, then across sources and regions."""
    inventory = read_inventory(path, lenient=True, progress=staged(progress))
    if progress is not None:
        progress("checking across sources", 0, 0)
    findings = inventory.findings
    findings.extend(inventory_findings(inventory))
    return findings
