"""The command that copies a workspace while it is being used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.shell import DEFAULT_WORKSPACE, Json, Quiet, WorkspaceDir, app
from service.printing import print_json
from service.progress import Report

__all__ = ["backup"]

# What the service keeps beside the catalogue: keys, jobs and the record of writes; uploads, files of jobs, refused rows.
_DATABASES = ("service.sqlite",)
_FOLDERS = ("refused", "inventories", "jobs")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Directory: an empty one, or an earlier backup of this workspace.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    check: Annotated[bool, typer.Option("--check", help="Read the objects that the backup has already, too.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Copy a workspace as it is at one moment, also while it is served; the copy can be served, verified, and put in its place."""
    from gis.workspace.backup import backup as copy

    with Report(quiet=quiet or as_json) as report:
        done = copy(workspace, target, databases=_DATABASES, folders=_FOLDERS, check=check, progress=report)
    if as_json:
        print_json({"copied": done.copied, "kept": done.kept, "bytes": done.size})
    elif not quiet:
        typer.echo(f"{target}: {done.copied} object(s) copied, {done.size / 1e6:,.1f} MB; {done.kept} were there")
