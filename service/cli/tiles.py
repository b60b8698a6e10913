"""Tiles as one file: a layer of a result in a PMTiles archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import InvalidParameter
from service.cli.shell import DEFAULT_WORKSPACE, Quiet, ResultName, WorkspaceDir, app, find_result, open_workspace
from service.progress import Report

if TYPE_CHECKING:
    from gis.views.archive import ArchiveOptions
    from gis.workspace import Run, StoredComparison, StoredZoning, Workspace

__all__ = ["export_pmtiles", "tiles"]


@app.command()
def tiles(
    result: ResultName,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, such as units.pmtiles.")],
    layer: Annotated[
        str, typer.Option(help="Layer of tiles: cells, units, hotspots, conflicts, density-co2, zoned, …")
    ],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    minzoom: Annotated[int | None, typer.Option(help="First zoom; else the layer's.")] = None,
    maxzoom: Annotated[int | None, typer.Option(help="Last zoom; else the last that shows something new.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter, such as year=2022 or share=0.03.")
    ] = None,
    style: Annotated[str | None, typer.Option(help="Style of a raster layer; else its first.")] = None,
    facilities: Annotated[
        bool, typer.Option("--facilities", help="Allow layers that tell of single facilities.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a layer of tiles, raster or vector, as a PMTiles file for maps without a server."""
    from gis.views.archive import ArchiveOptions

    options = ArchiveOptions(
        minzoom=minzoom, maxzoom=maxzoom, parameters=_parameters(parameter or []), style=style, facilities=facilities
    )
    kept = open_workspace(workspace)
    written = export_pmtiles(kept, find_result(kept, result), output, layer, options, quiet=quiet)
    if not quiet:
        typer.echo(str(written))


def export_pmtiles(
    kept: Workspace,
    found: Run | StoredZoning | StoredComparison,
    output: Path,
    layer: str,
    options: ArchiveOptions | None = None,
    *,
    quiet: bool = False,
) -> Path:
    """The file of a layer's tiles; planes that are made for it stay in the workspace's views for the server."""
    from gis.views import Views
    from gis.views.archive import archive

    with Report(quiet=quiet) as report:
        made = archive(Views(kept.path / "views"), found, _run_of(kept, found), layer, output, options, progress=report)
    return made.path


def _run_of(kept: Workspace, found: Run | StoredZoning | StoredComparison) -> Run:
    """The run whose amounts a result shows."""
    from gis.workspace import StoredComparison, StoredZoning

    if isinstance(found, StoredComparison):
        found = kept.zoning(found.b)
    return kept.run(found.run_id) if isinstance(found, StoredZoning) else found


def _parameters(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InvalidParameter(f"--set {text!r}; name=value is expected, such as year=2022")
        found[name] = value
    return found
