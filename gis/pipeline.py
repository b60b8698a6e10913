"""The way from an inventory file to a published run, in one page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gis.allocation.allocate import allocate
from gis.errors import NotFound
from gis.grid import Grid, named_grids, read_grid
from gis.inventory.load import read_inventory, staged
from gis.inventory.refused import write_refused
from gis.workspace import Run, Workspace

__all__ = ["find_grid", "grid_inventory"]

Progress = Callable[[str, int, int], None]


def find_grid(name_or_path: str) -> Grid:
    """A named grid, or the grid of a file."""
    path = Path(name_or_path)
    if name_or_path in named_grids() or not (path.exists() or path.suffix):
        return Grid.named(name_or_path)
    if not path.exists():
        raise NotFound(f"{path}: no such grid file; give a raster, a grid TOML, or a name: {', '.join(named_grids())}")
    return read_grid(path)


def grid_inventory(
    inventory_path: Path,
    grid: Grid,
    workspace: Workspace,
    *,
    lenient: bool = False,
    name: str | None = None,
    label: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Read, allocate, close the ledger, publish; lenient runs write the refused rows beside the result."""
    inventory = read_inventory(inventory_path, lenient=lenient, progress=staged(progress))
    allocation = allocate(inventory, grid, progress=progress)
    run = workspace.publish(allocation, name=name, label=label, progress=progress)
    if inventory.findings.refused:
        write_refused(inventory.findings, workspace.refused_path(run.id))
    return run
