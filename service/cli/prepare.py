"""The command that makes ready what the first visitors of a server would wait for."""

from __future__ import annotations

from typing import Annotated

import typer

from gis.errors import NotFound
from service.cli.shell import DEFAULT_WORKSPACE, Quiet, WorkspaceDir, app, open_workspace
from service.progress import Report

__all__ = ["prepare"]


@app.command()
def prepare(
    result: Annotated[
        str | None, typer.Argument(metavar="RESULT", help="Run or zoning by id; left out: the newest of both.")
    ] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    quiet: Quiet = False,
) -> None:
    """Make planes, ranks, origins and shapes of a result ready for the server; it does so itself for the newest."""
    from gis.views.preparation import prepare as prepare_views
    from service.library import Library
    from service.settings import Settings

    open_workspace(workspace).close()
    library = Library(Settings(workspace=workspace))
    wanted = (result,) if result is not None else ("r-latest", "z-latest")
    with Report(quiet=quiet) as report:
        for which in wanted:
            try:
                found = library.result(which)
            except NotFound:
                if result is not None:
                    raise
                continue
            run = None if found.id.startswith("c-") else library.run(found.id)
            prepare_views(library.views, found, run, progress=report)
    library.close()
