"""Commands on what is kept: runs, show, export, verify, prune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis.errors import InvalidParameter
from service.cli.shell import (
    DEFAULT_WORKSPACE,
    Json,
    Quiet,
    ResultName,
    WorkspaceDir,
    app,
    find_result,
    open_workspace,
    species_codes,
)
from service.printing import (
    comparison_summary,
    print_comparison,
    print_json,
    print_run,
    print_runs,
    print_zoning,
    run_line,
    run_summary,
    zoning_summary,
)
from service.progress import Report

if TYPE_CHECKING:
    from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = ["export", "prune", "runs", "show", "verify"]


@app.command()
def runs(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the published runs, newest first."""
    found = [run_line(run) for run in open_workspace(workspace).runs()]
    if as_json:
        print_json(found)
        return
    print_runs(found)
    if not found:
        typer.echo(f"no run in {workspace}", err=True)


@app.command()
def show(
    result: ResultName = "latest",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    map_png: Annotated[
        Path | None, typer.Option("--map", help="Write a map of density to this PNG file (runs).")
    ] = None,
    species: Annotated[str | None, typer.Option(help="Species of the map; else the first.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of the map; else the last.")] = None,
    as_json: Json = False,
) -> None:
    """Totals, ledger and, on request, a map of a run; units and ledger of a zoning; what changed in a comparison."""
    from gis.workspace import Run, StoredZoning

    kept = open_workspace(workspace)
    found = find_result(kept, result)
    if isinstance(found, Run):
        if map_png is not None:
            _draw(found, map_png, species, year)
        if as_json:
            print_json(run_summary(found))
        else:
            print_run(found, refused=kept.refused_path(found.id))
        return
    _only_for_runs(found, {"--map": map_png, "--species": species, "--year": year})
    if isinstance(found, StoredZoning):
        print_json(zoning_summary(found)) if as_json else print_zoning(found)
    else:
        print_json(comparison_summary(found)) if as_json else print_comparison(found)


@app.command()
def export(
    result: ResultName,
    output: Annotated[Path, typer.Option("--output", "-o", help="File, or a directory where several are made.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="Runs: cog, geoparquet, gpkg, flatgeobuf, netcdf, csv or smoke. Zonings: gpkg, geoparquet, geojson, flatgeobuf, "
            "csv or cog. Comparisons: those but cog. Left out: cog for runs, gpkg for the others.",
        ),
    ] = "",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    year: Annotated[list[int] | None, typer.Option(help="Only these years of a run; may be repeated.")] = None,
    species: Annotated[list[str] | None, typer.Option(help="Only these species of a run; may be repeated.")] = None,
    by_sector: Annotated[bool, typer.Option("--by-sector", help="Sectors beside their total (runs).")] = False,
    layer: Annotated[str | None, typer.Option(help="Only this layer of a zoning, as one file, such as units.")] = None,
    wkt: Annotated[bool, typer.Option("--wkt", help="Polygons as text in the CSV of a zoning.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a result to files that GIS programs open; a file of that name is replaced."""
    from gis.workspace import Run

    found = find_result(open_workspace(workspace), result)
    if isinstance(found, Run):
        _refuse(found, "is a run", {"--layer": layer, "--wkt": wkt})
        written = _export_run(found, form or "cog", output, (year, species, by_sector), quiet)
    else:
        _only_for_runs(found, {"--year": year, "--species": species, "--by-sector": by_sector})
        written = _export_zoning(found, form or "gpkg", output, (layer, wkt), quiet)
    if not quiet:
        for path in written:
            typer.echo(str(path))


def _export_run(
    run: Run, form: str, output: Path, chosen: tuple[list[int] | None, list[str] | None, bool], quiet: bool
) -> list[Path]:
    from gis.exports.source import Selection
    from gis.workspace.export import Format, export_run

    _check_format(form, list(Format))
    year, species, by_sector = chosen
    selection = Selection(
        years=tuple(year) if year else None,
        species=species_codes(run, species) if species else None,
        by_sector=by_sector,
    )
    with Report(quiet=quiet) as report:
        report(f"exporting {form}", 0, 0)
        return export_run(run, Format(form), output, selection)


def _export_zoning(
    found: StoredZoning | StoredComparison, form: str, output: Path, chosen: tuple[str | None, bool], quiet: bool
) -> list[Path]:
    from gis.workspace.export_zoning import ZoningFormat, export_zoning

    _check_format(form, list(ZoningFormat))
    layer, wkt = chosen
    with Report(quiet=quiet) as report:
        report(f"exporting {form}", 0, 0)
        return export_zoning(found, ZoningFormat(form), output, layer=layer, wkt=wkt)


@app.command()
def verify(
    result: ResultName = "latest",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Recompute a result from what it was made of and compare. Exit status 2 when anything differs."""
    from gis.workspace import Run

    kept = open_workspace(workspace)
    found = find_result(kept, result)
    with Report(quiet=quiet or as_json) as report:
        if isinstance(found, Run):
            run = kept.verify(found, progress=report)
            same = f"{run.objects} objects and {run.layers} layers are the same as computed anew"
            differences, facts = run.differences, {"run": run.run, "objects": run.objects, "layers": run.layers}
        else:
            differences = _product_differences(kept, found, report)
            same = f"{len(found.entry.sizes)} objects are whole, and every table is the same as computed anew"
            facts = {found.kind.name: found.id, "objects": len(found.entry.sizes)}
    if as_json:
        print_json({**facts, "differences": differences})
    elif not quiet:
        for line in differences:
            typer.echo(line)
        typer.echo(f"{found.id}: {'differs' if differences else same}")
    if differences:
        raise typer.Exit(2)


def _product_differences(kept: Any, found: StoredZoning | StoredComparison, report: Report) -> tuple[str, ...]:
    from gis.pipeline import verify_zoning
    from gis.workspace import StoredZoning

    if isinstance(found, StoredZoning):
        return verify_zoning(found, kept, progress=report)
    differences: tuple[str, ...] = kept.verify_comparison(found)
    return differences


@app.command()
def prune(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """Remove what no published run refers to; never what is published."""
    removed = open_workspace(workspace).prune()
    if as_json:
        print_json({"objects": removed.objects, "unfinished": removed.unfinished, "bytes": removed.size})
    else:
        typer.echo(
            f"removed {removed.objects} object(s), {removed.unfinished} unfinished, {removed.size / 1e6:,.1f} MB"
        )


def _draw(run: Run, path: Path, species: str | None, year: int | None) -> None:
    from gis.workspace.export import picture

    picture(run, path, species=species_codes(run, [species])[0] if species else None, year=year)


def _check_format(form: str, known: list[Any]) -> None:
    if form not in known:
        raise InvalidParameter(f"format {form!r} is not known; use one of {', '.join(known)}")


def _only_for_runs(found: StoredZoning | StoredComparison, options: dict[str, Any]) -> None:
    _refuse(found, f"is a {found.kind.name}", options)


def _refuse(found: Any, what: str, options: dict[str, Any]) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise InvalidParameter(f"{found.id} {what}, for which {', '.join(given)} means nothing; leave it out")
