"""Commands on keys: new, list, revoke."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.shell import DEFAULT_WORKSPACE, Json, Quiet, WorkspaceDir, app, open_workspace
from service.printing import print_json

if TYPE_CHECKING:
    from service.keys import Keys

__all__ = ["keys"]

keys = typer.Typer(help="Keys of the service: who may read facilities, run jobs, administer.", no_args_is_help=True)
app.add_typer(keys, name="key")

# As whom the command line stands in the audit log.
_SELF = "command line"


class _Scope(StrEnum):
    READ = "read"
    RUN = "run"
    ADMIN = "admin"


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the key, as logs and lists show it.")],
    scope: Annotated[
        _Scope, typer.Option(help="read: facilities. run: uploads and jobs as well. admin: everything.")
    ] = _Scope.READ,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a key and print it: it is kept as a hash, and cannot be shown again."""
    from service.audit import Audit, Write
    from service.keys import Scope

    kept, log = _open(workspace), Audit(workspace, logged=False)
    write = Write(_SELF, "", "new_key", f"{name[:64]} {scope}")
    number = log.begin(write)
    try:
        key, text = kept.new(name, Scope[scope.name])
    except Exception as error:
        log.end(number, write, f"refused: {error}")
        raise
    log.end(number, write, f"made {key.id}")
    if as_json:
        print_json({"id": key.id, "name": key.name, "scope": str(scope), "key": text})
        return
    if not quiet:
        typer.echo(f"key {key.id} of scope {scope} for {key.name}; it is shown this once:", err=True)
    typer.echo(text)


@keys.command("list")
def list_(workspace: WorkspaceDir = DEFAULT_WORKSPACE, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    found = _open(workspace).list()
    if as_json:
        print_json(
            [
                {"id": k.id, "name": k.name, "scope": k.scope.name.lower(), "created": k.created, "revoked": k.revoked or None}
                for k in found
            ]
        )  # fmt: skip
        return
    for key in found:
        state = f"revoked {key.revoked}" if key.revoked else ""
        typer.echo(f"{key.id}  {key.scope.name.lower():<5}  {key.created}  {key.name}  {state}".rstrip())
    if not found:
        typer.echo(f"no key in {workspace}", err=True)


@keys.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="Id or name of the key.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    quiet: Quiet = False,
) -> None:
    """Withdraw a key; it is refused from the next request on."""
    from service.audit import Audit, Write

    log, write = Audit(workspace, logged=False), Write(_SELF, "", "revoke_key", key[:64])
    kept = _open(workspace)
    number = log.begin(write)
    try:
        found = kept.revoke(key)
    except Exception as error:
        log.end(number, write, f"refused: {error}")
        raise
    log.end(number, write, f"revoked {found.id}")
    if not quiet:
        typer.echo(f"key {found.id} of {found.name} is revoked", err=True)


def _open(workspace: Path) -> Keys:
    from service.keys import Keys

    open_workspace(workspace).close()
    return Keys(workspace / "service.sqlite")
