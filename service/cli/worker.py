"""The command that works off the jobs of a workspace, where the server does not do so itself."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Timer
from typing import Annotated, Any

import typer

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
    preparing = _Preparing(settings.workspace)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_forever(settings, stop, parent=parent)
    finally:
        preparing.end()


class _Preparing:
    """A process, a little later, that makes ready what the first visitors would wait for, and steps aside for them."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._process: subprocess.Popen[bytes] | None = None
        # The server beside this process has just been started, too, and is waited for.
        self._timer = Timer(_LATER_S, self._begin)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _begin(self) -> None:
        command = [sys.executable, "-m", "service.cli", "prepare", "--quiet", "--workspace", str(self._workspace)]
        self._process = subprocess.Popen(["nice", "-n", "15", *command] if shutil.which("nice") else command)
