"""The command that serves a workspace."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Annotated, Any

import typer

from gis.errors import InvalidParameter
from service.cli.shell import DEFAULT_WORKSPACE, WorkspaceDir, app, open_workspace

__all__ = ["serve", "start"]

_GRACE_S = 20
_LATER_S = 3.0


@app.command()
def serve(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all. Left out: this machine alone.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; left out: 8765.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer requests; left out: 1.")
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="Address under which clients see the service.")] = None,
    create: Annotated[bool, typer.Option("--create", help="Make the workspace if there is none yet.")] = False,
) -> None:
    """Serve layers, tiles and statistics of a workspace; every other setting is a COZONE_ variable."""
    if create:
        from gis.workspace import Workspace

        Workspace(workspace).close()
    start(workspace, host=host, port=port, workers=workers, public_url=public_url)


def start(workspace: Path, *, banner: str | None = None, **options: Any) -> None:
    """Serve a workspace until told to stop; options are settings that the command line names, None where it does not."""
    # Half a second of collections that find nothing while everything is imported; `application` switches them on again.
    gc.disable()
    import uvicorn

    open_workspace(workspace).close()
    _set(workspace=workspace.resolve(), **options)
    settings = _settings()
    with tempfile.TemporaryDirectory(prefix="cozone-metrics-") as shared:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        address = f"http://{settings.host}:{settings.port}/"
        typer.echo(banner or f"cozone serves {workspace} at {address} (end with Ctrl-C)", err=True)
        with _working(settings.jobs):
            uvicorn.run(
                "service.main:application", factory=True, host=settings.host, port=settings.port, workers=settings.workers,
                loop="auto", http="service.protocol:LimitedProtocol", ws="none", lifespan="on", access_log=False, log_config=None,
                server_header=False, timeout_keep_alive=30, timeout_graceful_shutdown=_GRACE_S, backlog=1024,
            )  # fmt: skip


@contextmanager
def _working(jobs: int) -> Iterator[None]:
    """A process beside the server that works off the jobs, if it is to have any; a little later, so that the server is ready first."""
    started: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, "-m", "service.cli", "worker", "--parent", str(os.getpid())]
    command += ["--workspace", os.environ["COZONE_WORKSPACE"]]
    # In a session of its own: Ctrl-C in a terminal is for the server, which ends the worker.
    timer = Timer(_LATER_S, lambda: started.append(subprocess.Popen(command, start_new_session=True)))
    timer.daemon = True
    if jobs:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        for worker in started:
            _end(worker)


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()


def _set(**given: Any) -> None:
    """Hand options to the server's processes, which read the environment."""
    for name, value in given.items():
        if value is not None:
            os.environ[f"COZONE_{name.upper()}"] = str(value)


def _settings() -> Any:
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"COZONE_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise InvalidParameter(faults) from error
