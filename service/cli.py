"""The command line: arguments → pipeline. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gis.errors import GisError, InvalidParameter, NotFound
from service.printing import print_findings, print_json, print_run, print_runs, records, run_line, run_summary
from service.progress import Report

if TYPE_CHECKING:
    from gis.workspace import Run, Workspace

__all__ = ["app", "main"]

# What a shell reports of a program whose reader went away.
_BROKEN_PIPE = 141


class _Commands(TyperGroup):
    """The commands; an error of cozone ends any of them as one message and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except GisError as error:
            if as_json:
                print_json({"error": type(error).__name__, "message": str(error)})
            else:
                typer.echo(f"{type(error).__name__}: {error}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    help="Emission inventories on grids, conserved to the tonne.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

InventoryFile = Annotated[Path, typer.Argument(help="Description file of an inventory (TOML).")]
WorkspaceDir = Annotated[
    Path, typer.Option("--workspace", "-w", help="Workspace directory.", envvar="COZONE_WORKSPACE")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Run id, name, or latest.")]
DEFAULT_WORKSPACE = Path("workspace")


def main() -> None:
    """Run the command line; a reader that went away (``cozone check … | head``) is no error to talk about."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has no reader either; the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)


# -- before gridding ------------------------------------------------------------------------------------------------


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


# -- gridding -------------------------------------------------------------------------------------------------------


@app.command()
def grid(
    inventory: InventoryFile,
    grid_name: Annotated[
        str, typer.Option("--grid", "-g", metavar="NAME|FILE", help="Named grid, raster or grid TOML.")
    ],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    name: Annotated[str | None, typer.Option(help="Name of the run; else the inventory's.")] = None,
    label: Annotated[str | None, typer.Option(help="A free remark kept with the run.")] = None,
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


@app.command()
def runs(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the published runs, newest first."""
    found = [run_line(run) for run in _open(workspace).runs()]
    if as_json:
        print_json(found)
        return
    print_runs(found)
    if not found:
        typer.echo(f"no run in {workspace}", err=True)


@app.command()
def show(
    run: RunName = "latest",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    map_png: Annotated[Path | None, typer.Option("--map", help="Write a map of density to this PNG file.")] = None,
    species: Annotated[str | None, typer.Option(help="Species of the map; else the first.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of the map; else the last.")] = None,
    as_json: Json = False,
) -> None:
    """Totals, ledger and, on request, a map of a run."""
    from gis.workspace.export import picture

    kept = _open(workspace)
    found = kept.run(run)
    if map_png is not None:
        picture(found, map_png, species=_codes(found, [species])[0] if species else None, year=year)
    if as_json:
        print_json(run_summary(found))
    else:
        print_run(found, refused=kept.refused_path(found.id))


@app.command()
def export(
    run: RunName,
    output: Annotated[Path, typer.Option("--output", "-o", help="File; a directory for cog and smoke.")],
    form: Annotated[
        str, typer.Option("--format", "-f", help="cog, geoparquet, gpkg, flatgeobuf, netcdf, csv or smoke.")
    ] = "cog",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    year: Annotated[list[int] | None, typer.Option(help="Only these years; may be repeated.")] = None,
    species: Annotated[list[str] | None, typer.Option(help="Only these species; may be repeated.")] = None,
    by_sector: Annotated[bool, typer.Option("--by-sector", help="Sectors beside their total.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a run to files that GIS programs open; a file of that name is replaced."""
    from gis.exports.source import Selection
    from gis.workspace.export import Format, export_run

    if form not in list(Format):
        raise InvalidParameter(f"format {form!r} is not known; use one of {', '.join(Format)}")
    found = _open(workspace).run(run)
    selection = Selection(
        years=tuple(year) if year else None,
        species=_codes(found, species) if species else None,
        by_sector=by_sector,
    )
    with Report(quiet=quiet) as report:
        report(f"exporting {form}", 0, 0)
        written = export_run(found, Format(form), output, selection)
    if not quiet:
        for path in written:
            typer.echo(str(path))


@app.command()
def verify(
    run: RunName = "latest", workspace: WorkspaceDir = DEFAULT_WORKSPACE, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Recompute a run from its stored inputs and compare. Exit status 2 when anything differs."""
    kept = _open(workspace)
    with Report(quiet=quiet or as_json) as report:
        found = kept.verify(kept.run(run), progress=report)
    if as_json:
        print_json(
            {"run": found.run, "objects": found.objects, "layers": found.layers, "differences": found.differences}
        )
    elif not quiet:
        for line in found.differences:
            typer.echo(line)
        same = f"{found.objects} objects and {found.layers} layers are the same as computed anew"
        typer.echo(f"{found.run}: {same if found.holds else 'differs'}")
    if not found.holds:
        raise typer.Exit(2)


@app.command()
def prune(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """Remove what no published run refers to; never what is published."""
    removed = _open(workspace).prune()
    if as_json:
        print_json({"objects": removed.objects, "unfinished": removed.unfinished, "bytes": removed.size})
    else:
        typer.echo(
            f"removed {removed.objects} object(s), {removed.unfinished} unfinished, {removed.size / 1e6:,.1f} MB"
        )


def _open(directory: Path) -> Workspace:
    """The workspace of a directory that has one; reading makes none."""
    from gis.workspace import Workspace

    if not (directory / "catalogue.sqlite").exists():
        raise NotFound(f"{directory} holds no workspace; make one with `cozone grid`, or name it with --workspace")
    return Workspace(directory)


def _codes(run: Run, names: list[str]) -> tuple[str, ...]:
    """Species codes of a run by code or by any known name, such as PM2.5 for pm25."""
    from gis.species import find_species

    return tuple(name if name in run.species else find_species(name).code for name in names)
