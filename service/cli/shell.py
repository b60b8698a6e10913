"""What every command shares: the application, its errors, options, and how a run, zoning or comparison is called."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gis.errors import GisError, NotFound
from service.printing import print_json

if TYPE_CHECKING:
    from gis.workspace import Run, StoredComparison, StoredZoning, Workspace

__all__ = [
    "DEFAULT_WORKSPACE", "InventoryFile", "Json", "Label", "Quiet", "ResultName", "RunName", "WorkspaceDir", "ZoningName",
    "app", "find_result", "find_zoning", "main", "open_workspace", "species_codes",
]  # fmt: skip

# What a shell reports of a program whose reader went away.
_BROKEN_PIPE = 141
_PRODUCT = re.compile(r"([zc])-(latest|[0-9a-f]{12})")


class _Commands(TyperGroup):
    """The commands; an error of cozone ends any of them as one message and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except GisError as error:
            if as_json:
                print_json({"error": type(error).__name__, "message": str(error)})
            else:
                typer.echo(f"{type(error).__name__}: {error}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    help="Emission inventories on grids, conserved to the tonne, and the control zones that rest on them.",
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
Label = Annotated[str | None, typer.Option(help="A free remark kept with the result.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Run id, name, or latest.")]
ZoningName = Annotated[str, typer.Argument(metavar="ZONING", help="Zoning id, name, or z-latest.")]
ResultName = Annotated[
    str, typer.Argument(metavar="RESULT", help="Run, zoning or comparison: id, name, latest, z-latest or c-latest.")
]
DEFAULT_WORKSPACE = Path("workspace")


def main() -> None:
    """Run the command line; a reader that went away (``cozone check … | head``) is no error to talk about."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has no reader either; the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)


def open_workspace(directory: Path) -> Workspace:
    """The workspace of a directory that has one; reading makes none."""
    from gis.workspace import Workspace

    if not (directory / "catalogue.sqlite").exists():
        raise NotFound(f"{directory} holds no workspace; make one with `cozone grid`, or name it with --workspace")
    return Workspace(directory)


def find_result(kept: Workspace, which: str) -> Run | StoredZoning | StoredComparison:
    """The run, else the zoning or comparison, of an id or name; z-latest and c-latest are the newest of their kind."""
    found = _PRODUCT.fullmatch(which)
    if found is not None:
        name = "latest" if found[2] == "latest" else which
        return kept.zoning(name) if found[1] == "z" else kept.comparison(name)
    try:
        return kept.run(which)
    except NotFound:
        for find in (kept.zoning, kept.comparison):
            try:
                return find(which)
            except NotFound:
                pass
        raise


def find_zoning(kept: Workspace, which: str) -> StoredZoning:
    """The zoning of an id or a name; z-latest, or latest, is the newest."""
    return kept.zoning("latest" if which == "z-latest" else which)


def species_codes(run: Run, names: list[str]) -> tuple[str, ...]:
    """Species codes of a run by code or by any known name, such as PM2.5 for pm25."""
    from gis.species import find_species

    return tuple(name if name in run.species else find_species(name).code for name in names)
