"""Commands on zonings: zone, zonings, compare, comparisons, sweep, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis.errors import InvalidDescription, InvalidParameter
from service.cli.shell import (
    DEFAULT_WORKSPACE,
    Json,
    Label,
    Quiet,
    RunName,
    WorkspaceDir,
    ZoningName,
    app,
    find_zoning,
    open_workspace,
)
from service.printing import (
    comparison_line,
    comparison_summary,
    print_comparison,
    print_json,
    print_lines,
    print_sweep,
    print_zoning,
    records,
    zoning_line,
    zoning_summary,
)
from service.progress import Report

if TYPE_CHECKING:
    from gis.zoning.parameters import Parameters

__all__ = ["compare", "comparisons", "report", "sweep", "zone", "zonings"]

ParameterFile = Annotated[
    Path | None, typer.Option("--params", "-p", metavar="FILE", help="Parameters (TOML); left out: the defaults.")
]
Year = Annotated[int | None, typer.Option(help="Year of the run; left out: the last.")]


@app.command()
def zone(
    run: RunName = "latest",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    year: Year = None,
    params: ParameterFile = None,
    name: Annotated[str | None, typer.Option(help="Name of the zoning; else the run's and the year.")] = None,
    label: Label = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Zone a year of a run: hot cells, hotspots, control units; publish the zoning."""
    from gis.zoning.parameters import read_parameters

    parameters = read_parameters(params)
    rules_text = _rules(parameters, params)
    kept = open_workspace(workspace)
    found = kept.run(run)
    with Report(quiet=quiet or as_json) as progress:
        progress("starting", 0, 0)
        from gis.pipeline import zone_run

        zoning = zone_run(
            found, kept, parameters, year=year, rules_text=rules_text, name=name, label=label, progress=progress
        )
    if as_json:
        print_json(zoning_summary(zoning))
    elif quiet:
        typer.echo(zoning.id)
    else:
        print_zoning(zoning)


@app.command()
def zonings(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the published zonings, newest first."""
    _list([zoning_line(z) for z in open_workspace(workspace).zonings()], as_json, f"no zoning in {workspace}")


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier zoning: id, name or z-latest.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later zoning: id, name or z-latest.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    earlier: Annotated[
        str | None, typer.Option(metavar="C", help="Comparison that ends with A; its stable ids are carried on.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the comparison.")] = None,
    label: Label = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare two zonings of one grid: units that go on, split, merge, come and go; cells and tonnes; publish it."""
    kept = open_workspace(workspace)
    first, second = find_zoning(kept, a), find_zoning(kept, b)
    options: dict[str, Any] = {}
    if earlier is not None:
        options["earlier"] = kept.comparison("latest" if earlier == "c-latest" else earlier)
    with Report(quiet=quiet or as_json) as progress:
        progress("comparing", 0, 0)
        from gis.pipeline import compare_zonings

        found = compare_zonings(first, second, kept, name=name, label=label, **options)
    if as_json:
        print_json(comparison_summary(found))
    elif quiet:
        typer.echo(found.id)
    else:
        print_comparison(found)


@app.command()
def comparisons(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the published comparisons, newest first."""
    found = [comparison_line(c) for c in open_workspace(workspace).comparisons()]
    _list(found, as_json, f"no comparison in {workspace}")


@app.command()
def sweep(
    run: RunName = "latest",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    year: Year = None,
    params: ParameterFile = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write every variant and class to this CSV file.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Try shares, modes and overlap rules: which cells never change their class. Publishes nothing."""
    from gis.workspace.objects import refuse_no_file, storage_errors
    from gis.zoning.parameters import read_parameters

    parameters = read_parameters(params)
    if csv is not None:
        refuse_no_file(csv)  # before the work, not after it
    found = open_workspace(workspace).run(run)
    with Report(quiet=quiet or as_json) as progress:
        progress("starting", 0, 0)
        from gis.pipeline import sweep_run

        variants, stability = sweep_run(found, parameters, year=year, progress=progress)
    if csv is not None:
        with storage_errors(csv):
            csv.parent.mkdir(parents=True, exist_ok=True)
            variants.to_csv(csv, index=False, encoding="utf-8-sig")
    if as_json:
        print_json({"run": found.id, "sensitivity": records(variants), "stability": records(stability)})
    elif not quiet:
        print_sweep(variants, stability)


@app.command()
def report(
    zoning: ZoningName = "z-latest",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="HTML file to write; print it to PDF from a browser.")
    ] = Path("report.html"),
    language: Annotated[str, typer.Option("--lang", "-l", help="zh or en.")] = "zh",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    quiet: Quiet = False,
) -> None:
    """Write the review report of a zoning: one HTML file that needs nothing else; a file of that name is replaced."""
    if language not in ("zh", "en"):
        raise InvalidParameter(f"language {language!r} is not known; use zh or en")
    kept = open_workspace(workspace)
    found = find_zoning(kept, zoning)
    with Report(quiet=quiet) as progress:
        progress("writing the report", 0, 0)
        from gis.workspace.export_report import export_report

        export_report(found, kept.run(found.run_id), output, language=language)
    if not quiet:
        typer.echo(str(output))


def _rules(parameters: Parameters, params: Path | None) -> str | None:
    """Text of the rule file that the parameters name, beside their own file; None for the rules that come with cozone."""
    if parameters.access.rules is None or params is None:
        return None
    from gis.zoning.rules import parse_rules

    path = params.parent / parameters.access.rules
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDescription(f"{path}: the rule file named by access.rules cannot be read: {error}") from error
    # Before any work, and under the file's own name.
    return parse_rules(text, str(path)).text


def _list(found: list[dict[str, Any]], as_json: bool, none: str) -> None:
    if as_json:
        print_json(found)
        return
    print_lines(found)
    if not found:
        typer.echo(none, err=True)
