"""The command that works off the jobs of a workspace, where the server does not do so itself."""

from __future__ import annotations

import signal
import sys
from threading import Event
from typing import Annotated, Any

import typer

from service.cli.aside import Aside
from service.cli.shell import DEFAULT_WORKSPACE, WorkspaceDir, app, open_workspace

__all__ = ["worker"]

_LATER_S = 10.0


@app.command()
def worker(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    jobs: Annotated[int | None, typer.Option(min=1, max=16, help="Jobs at one time; left out: COZONE_JOBS.")] = None,
    parent: Annotated[int | None, typer.Option(hidden=True, help="End when this parent process is gone.")] = None,
) -> None:
    """Work off the jobs of a workspace until it is told to stop; `cozone serve` does so itself unless COZONE_JOBS is 0."""
    from service.jobs.runner import run_forever
    from service.logs import configure
    from service.settings import Settings

    open_workspace(workspace).close()
    given: dict[str, Any] = {} if jobs is None else {"jobs": jobs}
    settings = Settings(workspace=workspace.resolve(), **given)
    configure(settings)
    # What the first visitors would wait for is made ready by a process that steps aside for them.
    command = [sys.executable, "-m", "service.cli", "prepare", "--quiet", "--workspace", str(settings.workspace)]
    preparing = Aside(command, later_s=_LATER_S)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_forever(settings, stop, parent=parent)
    finally:
        preparing.end()
