"""The ways from an inventory file to a published run, and from a run to a published zoning, in one page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.allocation.allocate import allocate
from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid, named_grids, read_grid
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions
from gis.inventory.load import read_inventory, staged
from gis.inventory.refused import write_refused
from gis.species import SECTORS
from gis.workspace import Run, Workspace
from gis.workspace.comparisons import StoredComparison
from gis.workspace.emissions import amounts_of, domain_of, emissions_of, refuse_unknown, sector_tiers
from gis.workspace.provenance import RunProvenance
from gis.workspace.recording import check_name
from gis.workspace.zonings import StoredZoning, zoning_identity
from gis.zoning.apeq import with_apeq
from gis.zoning.comparison import compare
from gis.zoning.heat import layers_by_order
from gis.zoning.model import Zoning
from gis.zoning.parameters import Parameters
from gis.zoning.rules import Rules, parse_rules, read_rules
from gis.zoning.sensitivity import deciding, sensitivity
from gis.zoning.zone import Subject, zone

__all__ = ["compare_zonings", "find_grid", "grid_inventory", "sweep_run", "verify_zoning", "zone_run", "zoning_of"]

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
    check_name(name, "run")  # before the work, not after it
    inventory = read_inventory(inventory_path, lenient=lenient, progress=staged(progress))
    allocation = allocate(inventory, grid, progress=progress)
    run = workspace.publish(allocation, name=name, label=label, progress=progress)
    if inventory.findings.refused:
        write_refused(inventory.findings, workspace.refused_path(run.id))
    return run


def zone_run(
    run: Run,
    workspace: Workspace,
    parameters: Parameters,
    *,
    year: int | None = None,
    rules_text: str | None = None,
    name: str | None = None,
    label: str | None = None,
    progress: Progress | None = None,
) -> StoredZoning:
    """Zone a year of a run (the last one), close the ledger, publish."""
    check_name(name, "zoning")  # before the work, not after it
    zoning = zoning_of(run, parameters, year=year, rules_text=rules_text, progress=progress)
    if progress is not None:
        progress("publishing", 0, 0)
    return workspace.publish_zoning(zoning, name=name, label=label)


def zoning_of(
    run: Run,
    parameters: Parameters,
    *,
    year: int | None = None,
    rules_text: str | None = None,
    progress: Progress | None = None,
) -> Zoning:
    """The zoning of a year of a run (the last one), not yet published."""
    subject = _subject(run, parameters, year, progress)
    rules: Rules = read_rules(None) if rules_text is None else parse_rules(rules_text, "the rule file")
    return zone(subject, parameters, rules, progress=progress)


def _subject(run: Run, parameters: Parameters, year: int | None, progress: Progress | None) -> Subject:
    when, species = run.years[-1] if year is None else year, _species(run, parameters)
    _refuse_strange_sectors(run, parameters)
    emissions = _emissions(run, parameters, when, species, progress)
    domain = emissions.domain

    def read(other: int, code: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return amounts_of(run, domain, other, code)

    totals = run.totals()
    totals = totals[totals["year"] == when]
    return Subject(
        run_id=run.id, run_name=run.name, years=run.years, emissions=emissions, read=read, regions=run.regions,
        provenance=RunProvenance(run, emissions), sector_tier=sector_tiers(run, year=when, species=species),
        input_t={s: float(totals.loc[totals["species"] == s, "sum_t"].sum()) for s in species},
        missing=tuple(p for p in parameters.pollutants if p not in run.species),
    )  # fmt: skip


def _emissions(
    run: Run, parameters: Parameters, year: int, species: tuple[str, ...], progress: Progress | None
) -> Emissions:
    """Amounts of a year over the run's domain, or over those of its cells that emit, as the parameters say."""
    refuse_unknown(run, year=year, species=species)
    domain = domain_of(run)
    emissions = emissions_of(run, domain, year=year, species=species, progress=progress)
    if not parameters.emitting_only:
        return emissions
    emits = (emissions.amount_t > 0).any(axis=0)
    if not emits.any():
        raise InvalidParameter(f"run {run.id} emits nothing in {year}; emitting_only leaves no cell to zone")
    domain = Domain(domain.grid, domain.cells[emits], domain.around)
    return emissions_of(run, domain, year=year, species=species, progress=progress)


def _refuse_strange_sectors(run: Run, parameters: Parameters) -> None:
    """A misspelt sector would leave the defaults where the user believes to have changed them."""
    known = sorted({*SECTORS, *run.sectors})
    strange = sorted({e.sector for e in parameters.membership.errors if e.sector is not None} - set(known))
    if strange:
        raise InvalidParameter(
            f"membership.errors names the sector(s) {', '.join(strange)}, which run {run.id} does not know; known: {', '.join(known)}"
        )


def _species(run: Run, parameters: Parameters) -> tuple[str, ...]:
    """Carbon and those pollutants that the run has, of which there has to be one."""
    pollutants = [p for p in parameters.pollutants if p in run.species]
    if not pollutants:
        raise InvalidParameter(
            f"run {run.id} has none of the pollutants {', '.join(parameters.pollutants)}; a zoning needs one at least. It has "
            f"{', '.join(run.species)}"
        )
    return (parameters.carbon, *pollutants)


def compare_zonings(
    a: StoredZoning,
    b: StoredZoning,
    workspace: Workspace,
    *,
    earlier: StoredComparison | None = None,
    name: str | None = None,
    label: str | None = None,
) -> StoredComparison:
    """What became of the first zoning in the second, published; an earlier comparison that ended in the first lends its ids."""
    made = compare(a.zoning, b.zoning, earlier=earlier.comparison if earlier is not None else None)
    return workspace.publish_comparison(made, a, b, earlier=earlier, name=name, label=label)


def sweep_run(
    run: Run, parameters: Parameters, *, year: int | None = None, progress: Progress | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Classes under every share, mode and overlap rule of the sweep, and the cells that never change."""
    when, species = run.years[-1] if year is None else year, _species(run, parameters)
    emissions = _emissions(run, parameters, when, species, progress)
    if parameters.apeq is not None:
        emissions = with_apeq(emissions, parameters.apeq.weights)
    layers = layers_by_order(emissions.domain, emissions.amount_t)
    return sensitivity(emissions.domain, *deciding(layers, parameters))


def verify_zoning(stored: StoredZoning, workspace: Workspace, *, progress: Progress | None = None) -> tuple[str, ...]:
    """Differences, as sentences, between a stored zoning and one worked out anew from its run."""
    damaged = workspace.verify_objects(stored)
    if damaged:
        return tuple(damaged)
    run = workspace.run(stored.run_id)
    again = zoning_of(run, stored.parameters, year=stored.year, rules_text=stored.rules, progress=progress)
    found = zoning_identity(again, run_hash="")["content"]
    expected = stored.digests
    return tuple(
        f"{name}: what is stored differs from what was worked out anew"
        for name in sorted(set(found) | set(expected))
        if found.get(name) != expected.get(name)
    )
