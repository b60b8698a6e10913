"""The command line: arguments → pipeline. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from gis.inventory.findings import Findings
    from gis.workspace import Run, Workspace

__all__ = ["app", "main"]

app = typer.Typer(
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
    """Run the command line; errors of cozone end as one message and exit status 1."""
    from gis.errors import GisError

    try:
        app()
    except GisError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}, ensure_ascii=False))
        else:
            typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)


# -- before gridding ------------------------------------------------------------------------------------------------


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Your tables, vectors and gridded files.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; else standard output.")] = None,
    name: Annotated[str, typer.Option(help="Name of the inventory.")] = "my-inventory",
) -> None:
    """Draft a description file from your own files; what cannot be told is marked as a question."""
    from gis.errors import InvalidParameter
    from gis.inventory.draft import draft_description

    text = draft_description(files, name=name)
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise InvalidParameter(f"{output} exists; choose another name or remove it first")
    output.write_text(text, "utf-8")
    questions = sum("# ?" in line for line in text.splitlines())
    typer.echo(f"wrote {output}; {questions} question(s) are marked with '# ?'", err=True)


@app.command()
def check(
    inventory: InventoryFile,
    limit: Annotated[int, typer.Option(help="Findings to print; 0 for all.")] = 50,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write every finding to this CSV file.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Report every finding by file, row, column, value and reason. Exit status 2 when a strict run would stop."""
    from gis.inventory.check import check_inventory

    findings = check_inventory(inventory)
    if csv is not None:
        findings.frame().to_csv(csv, index=False, encoding="utf-8-sig")
    if as_json:
        _print_json({"counts": findings.counts(), "findings": _records(findings.frame())})
    elif not quiet:
        _print_findings(findings, limit)
    if findings.errors:
        raise typer.Exit(2)


def _print_findings(findings: Findings, limit: int) -> None:
    order = {"error": 0, "warning": 1, "note": 2}
    ranked = sorted(findings, key=lambda f: order[f.severity])
    for finding in ranked[: limit or None]:
        typer.echo(str(finding))
    if limit and len(ranked) > limit:
        typer.echo(f"… and {len(ranked) - limit} more; --limit 0 prints all, --csv keeps them")
    counts = findings.counts()
    typer.echo(f"{counts['error']} error(s), {counts['warning']} warning(s), {counts['note']} note(s)")


@app.command()
def grids(as_json: Json = False) -> None:
    """List the named grids."""
    from gis.grid import named_grids

    rows = [
        {"name": name, "crs": g.crs.name, "cell": g.dx, "rows": g.rows, "cols": g.cols, "bounds": list(g.bounds)}
        for name, g in named_grids().items()
    ]
    if as_json:
        _print_json(rows)
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
    from gis.pipeline import find_grid, grid_inventory
    from gis.workspace import Workspace

    target = find_grid(grid_name)
    with _progress(quiet or as_json) as report:
        run = grid_inventory(
            inventory, target, Workspace(workspace), lenient=lenient, name=name, label=label, progress=report
        )
    if as_json:
        _print_json(_summary(run))
    elif quiet:
        typer.echo(run.id)
    else:
        _print_run(run)


@app.command()
def runs(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the published runs, newest first."""
    found = [_line(run) for run in _open(workspace).runs()]
    if as_json:
        _print_json(found)
        return
    for row in found:
        typer.echo(f"{row['id']}  {row['created']}  {row['name']}  {row['grid']}  {row['label']}")
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

    found = _open(workspace).run(run)
    if map_png is not None:
        picture(found, map_png, species=species, year=year)
    if as_json:
        _print_json(_summary(found))
    else:
        _print_run(found)


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
    quiet: Quiet = False,
) -> None:
    """Write a run to files that GIS programs open."""
    from gis.errors import InvalidParameter
    from gis.exports.source import Selection
    from gis.workspace.export import Format, export_run

    if form not in list(Format):
        raise InvalidParameter(f"format {form!r} is not known; use one of {', '.join(Format)}")
    selection = Selection(years=tuple(year or ()), species=tuple(species or ()))
    for path in export_run(_open(workspace).run(run), Format(form), output, selection):
        if not quiet:
            typer.echo(str(path))


@app.command()
def verify(
    run: RunName = "latest", workspace: WorkspaceDir = DEFAULT_WORKSPACE, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Recompute a run from its stored inputs and compare. Exit status 2 when anything differs."""
    kept = _open(workspace)
    with _progress(quiet or as_json) as report:
        found = kept.verify(kept.run(run), progress=report)
    if as_json:
        _print_json(
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
        _print_json({"objects": removed.objects, "unfinished": removed.unfinished, "bytes": removed.size})
    else:
        typer.echo(
            f"removed {removed.objects} object(s), {removed.unfinished} unfinished, {removed.size / 1e6:,.1f} MB"
        )


def _open(directory: Path) -> Workspace:
    """The workspace of a directory that has one; reading makes none."""
    from gis.errors import NotFound
    from gis.workspace import Workspace

    if not (directory / "catalogue.sqlite").exists():
        raise NotFound(f"{directory} holds no workspace; make one with `cozone grid`, or name it with --workspace")
    return Workspace(directory)


# -- printing -------------------------------------------------------------------------------------------------------


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", force_ascii=False, double_precision=15))
    return records


def _line(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "label": run.label or "",
        "created": str(run.created)[:19],
        "grid": repr(run.grid),
        "years": list(run.years),
        "species": list(run.species),
    }


def _summary(run: Run) -> dict[str, Any]:
    return {**_line(run), "totals": _records(run.ledger.by_species()), "ledger": _records(run.ledger.table)}


def _print_run(run: Run) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else max(100, int(os.environ.get("COLUMNS", "120"))))
    console.print(f"[bold]{run.id}[/]  {run.name}  {run.grid!r}", highlight=False, soft_wrap=True)
    table = Table(title="t/yr")
    totals = run.ledger.by_species()
    for column in totals.columns:
        table.add_column(column.removesuffix("_t"), justify="left" if column in ("year", "species") else "right")
    for row in totals.itertuples(index=False):
        table.add_row(*(f"{v:,.3f}" if isinstance(v, float) else str(v) for v in row))
    console.print(table)
    unread = run.ledger.unread
    for entry in unread.itertuples(index=False):
        console.print(
            f"not used ({entry.reason}): {entry.part}, {entry.species} {entry.mass_t:,.3f} t/yr", highlight=False
        )
    run.ledger.check()
    console.print("the ledger closes within 1e-12")


class _progress:
    """A progress bar on standard error, or nothing; gives the function that long work reports to."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def __enter__(self) -> Callable[[str, int, int], None] | None:
        if self._quiet or not sys.stderr.isatty():
            return None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._bar.start()
        task = self._bar.add_task("", total=1)

        def report(stage: str, done: int, total: int) -> None:
            self._bar.update(task, description=stage, completed=done, total=total)

        return report

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()
