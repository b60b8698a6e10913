"""Commands from files to a published run: init, check, grids, grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gis.errors import InvalidParameter
from service.cli.shell import DEFAULT_WORKSPACE, InventoryFile, Json, Label, Quiet, WorkspaceDir, app
from service.printing import print_findings, print_json, print_run, records, run_summary
from service.progress import Report

__all__ = ["check", "grid", "grids", "init"]


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Your tables, vectors and gridded files.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; else standard output.")] = None,
    name: Annotated[str, typer.Option(help="Name of the inventory.")] = "my-inventory",
) -> None:
    """Draft a description file from your own files; what cannot be told is marked as a question."""
    from gis.inventory.draft import draft_description
    from gis.workspace.objects import storage_errors

    text = draft_description(files, name=name)
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise InvalidParameter(f"{output} exists; choose another name or remove it first")
    with storage_errors(output):
        output.write_text(text, "utf-8")
    questions = sum("# ?" in line for line in text.splitlines())
    typer.echo(f"wrote {output}; {questions} question(s) are marked with '# ?'", err=True)


@app.command()
def check(
    inventory: InventoryFile,
    limit: Annotated[int, typer.Option(min=0, help="Findings to print; 0 for all.")] = 50,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write every finding to this CSV file.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Report every finding by file, row, column, value and reason. Exit status 2 when a strict run would stop."""
    from gis.inventory.check import check_inventory
    from gis.workspace.objects import storage_errors

    with Report(quiet=quiet or as_json) as report:
        findings = check_inventory(inventory, progress=report)
    if csv is not None:
        with storage_errors(csv):
            findings.frame().to_csv(csv, index=False, encoding="utf-8-sig")
    if as_json:
        print_json({"counts": findings.counts(), "findings": records(findings.frame())})
    elif not quiet:
        print_findings(findings, limit)
    if findings.errors:
        raise typer.Exit(2)


@app.command()
def grids(as_json: Json = False) -> None:
    """List the named grids."""
    from gis.grid import named_grids

    rows = [
        {"name": name, "crs": g.crs.name, "cell": g.dx, "rows": g.rows, "cols": g.cols, "bounds": list(g.bounds)}
        for name, g in named_grids().items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']:<15} {row['rows']:>5} x {row['cols']:<5} cells of {row['cell']:g}  {row['crs']}")


@app.command()
def grid(
    inventory: InventoryFile,
    grid_name: Annotated[
        str, typer.Option("--grid", "-g", metavar="NAME|FILE", help="Named grid, raster or grid TOML.")
    ],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    name: Annotated[str | None, typer.Option(help="Name of the run; else the inventory's.")] = None,
    label: Label = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Refuse bad rows instead of stopping; they are kept in a file.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Allocate an inventory to a grid and publish the run."""
    with Report(quiet=quiet or as_json) as report:
        report("starting", 0, 0)
        from gis.pipeline import find_grid, grid_inventory
        from gis.workspace import Workspace

        target = find_grid(grid_name)
        kept = Workspace(workspace)
        run = grid_inventory(inventory, target, kept, lenient=lenient, name=name, label=label, progress=report)
    if as_json:
        print_json(run_summary(run))
    elif quiet:
        typer.echo(run.id)
    else:
        print_run(run, refused=kept.refused_path(run.id))
