"""The demo's workspace: which of its results are there, of what they were made, and the way there, a step after the other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import gis
from gis.errors import InvalidParameter, NotFound, StorageError
from gis.warm import Stage

if TYPE_CHECKING:
    from gis.workspace import Run, StoredComparison, StoredZoning, Workspace

__all__ = ["Province", "Record", "Step", "Wait"]

Progress = Callable[[str, int, int], None]
# A step by what it does, in words; it gives what its work reports to.
Step = Callable[[str], AbstractContextManager[Progress]]
# Returns once the kernels of a stage are compiled.
Wait = Callable[[Stage, Progress], None]
_Result = TypeVar("_Result", "Run", "StoredZoning", "StoredComparison")

_RECORD = "demo.json"
_PICTURE = "demo-co2.png"
_REPORTS = {"zh": "review-zh.html", "en": "review-en.html"}
_CODE = frozenset({".py", ".toml", ".html", ".css"})


@dataclass(frozen=True, slots=True)
class Record:
    """What was made, by id. ``of`` stands for data, code and versions: what was made of others does not count."""

    of: str
    run: str = ""
    zonings: tuple[str, ...] = ()
    comparison: str = ""
    # Views, picture and reports are there.
    shown: bool = False
    # Kernels that the way here does not take are compiled, too.
    compiled: bool = False


class Province:
    """A folder of demo data and what is made of it: a run, zonings of its first and last year, what changed between them."""

    def __init__(self, folder: Path, directory: Path) -> None:
        self.inventory, self.grid = _files(folder)
        self.directory = directory
        self.record = _read(directory / _RECORD, _made_of(folder))

    def is_made(self) -> bool:
        """Whether everything is there, and every object has the bytes that it is named by."""
        record = self.record
        if not record.shown or not all((self.directory / name).exists() for name in (_PICTURE, *_REPORTS.values())):
            return False
        with self._open() as kept:
            return (
                _whole(kept, kept.run, record.run) is not None
                and all(_whole(kept, kept.zoning, id_) is not None for id_ in record.zonings)
                and (not record.comparison or _whole(kept, kept.comparison, record.comparison) is not None)
            )

    def make(self, step: Step, wait: Wait) -> None:
        """Make what is missing: from the first result that is not there, or not whole, the work is done again."""
        with self._open() as kept:
            run = _whole(kept, kept.run, self.record.run) or self._grid(kept, step, wait)
            zonings = self._zonings(kept, run, step, wait)
            comparison = _whole(kept, kept.comparison, self.record.comparison)
            if comparison is None and len(zonings) > 1:
                comparison = self._compare(kept, zonings, step)
            self._show(run, zonings, comparison, step, wait)

    def remember(self, **facts: Any) -> None:
        """Note facts in the record."""
        self.record = replace(self.record, **facts)
        path = self.directory / _RECORD
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self.record), indent=1) + "\n", "utf-8")
        os.replace(beside, path)

    @contextmanager
    def _open(self) -> Iterator[Workspace]:
        from gis.workspace import Workspace

        try:
            kept = Workspace(self.directory)
        except StorageError as error:
            if not _is_unreadable(error) or not (self.directory / _RECORD).exists():
                raise
            _set_aside(self.directory)
            self.record = Record(self.record.of)
            kept = Workspace(self.directory)
        with kept:
            yield kept

    def _grid(self, kept: Workspace, step: Step, wait: Wait) -> Run:
        with step(f"gridding {self.inventory.parent}") as progress:
            from gis.grid import read_grid
            from gis.pipeline import grid_inventory

            wait(Stage.GRIDDING, progress)
            run = grid_inventory(self.inventory, read_grid(self.grid), kept, progress=progress)
        self.remember(run=run.id, zonings=(), comparison="", shown=False)
        return run

    def _zonings(self, kept: Workspace, run: Run, step: Step, wait: Wait) -> list[StoredZoning]:
        found: list[StoredZoning] = []
        for position, year in enumerate(sorted({run.years[0], run.years[-1]})):
            known = self.record.zonings[position : position + 1]
            zoning = _whole(kept, kept.zoning, known[0]) if known else None
            found.append(zoning or self._zone(kept, run, year, position, step, wait))
        return found

    def _zone(self, kept: Workspace, run: Run, year: int, position: int, step: Step, wait: Wait) -> StoredZoning:
        with step(f"zoning {year}") as progress:
            from gis.pipeline import zone_run
            from gis.zoning.parameters import read_parameters

            wait(Stage.ZONING, progress)
            zoning = zone_run(run, kept, read_parameters(None), year=year, progress=progress)
        # A later zoning is published again, so that it is the newest.
        earlier = self.record.zonings[:position]
        self.remember(zonings=(*earlier, zoning.id), comparison="", shown=False)
        return zoning

    def _compare(self, kept: Workspace, zonings: list[StoredZoning], step: Step) -> StoredComparison:
        a, b = zonings[0], zonings[-1]
        with step(f"comparing {a.year} and {b.year}"):
            from gis.pipeline import compare_zonings

            comparison = compare_zonings(a, b, kept)
        self.remember(comparison=comparison.id, shown=False)
        return comparison

    def _show(
        self, run: Run, zonings: list[StoredZoning], comparison: StoredComparison | None, step: Step, wait: Wait
    ) -> None:
        with step("preparing the map, a picture and the review reports") as progress:
            from gis.views import Views
            from gis.views.preparation import prepare
            from gis.workspace.export import picture
            from gis.workspace.export_report import export_report

            wait(Stage.LOOKING, progress)
            views = Views(self.directory / "views")
            prepare(views, run, run, progress=progress)
            for zoning in reversed(zonings):
                prepare(views, zoning, run, progress=progress)
            if comparison is not None:
                prepare(views, comparison, None, progress=progress)
            progress("reports", 0, 0)
            picture(run, self.directory / _PICTURE, species=None, year=None)
            for language, name in _REPORTS.items():
                export_report(zonings[-1], run, self.directory / name, language=language)
        self.remember(shown=True)


def _files(folder: Path) -> tuple[Path, Path]:
    """The inventory of a folder and its grid."""
    inventory, grids = folder / "inventory.toml", sorted(folder.glob("grid*.toml"))
    if not inventory.is_file():
        raise NotFound(f"{folder} holds no inventory.toml; the demo data are in data/demo of a checkout of cozone")
    if len(grids) != 1:
        raise InvalidParameter(f"{folder} has {len(grids)} files grid*.toml; the demo takes the one grid of its folder")
    return inventory, grids[0]


def _made_of(folder: Path) -> str:
    """Digest of what decides the results: every file of the data, the code of the core, the versions of the libraries."""
    from gis.workspace.manifest import made_with

    digest = hashlib.sha256(json.dumps(made_with(), sort_keys=True).encode())
    core = Path(gis.__file__).parent
    for root, paths in ((folder, folder.rglob("*")), (core, core.rglob("*"))):
        for path in sorted(paths):
            if path.is_file() and (root == folder or path.suffix in _CODE):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _read(path: Path, of: str) -> Record:
    """The record of a file; an empty one, if there is none that can be read, or it is of something else."""
    try:
        table = json.loads(path.read_text("utf-8"))
        found = Record(**{**table, "zonings": tuple(table["zonings"])})
    except (OSError, ValueError, TypeError, KeyError):
        return Record(of)
    return found if found.of == of else Record(of)


def _whole(kept: Workspace, find: Callable[[str], _Result], id_: str) -> _Result | None:
    """The result of an id, if it is there with all its bytes."""
    if not id_:
        return None
    try:
        found = find(id_)
    except NotFound:
        return None
    return None if kept.verify_objects(found) else found


def _is_unreadable(error: StorageError) -> bool:
    """Whether the catalogue itself is damaged, rather than out of reach."""
    from sqlalchemy.exc import DatabaseError, OperationalError

    return isinstance(error.__cause__, DatabaseError) and not isinstance(error.__cause__, OperationalError)


def _set_aside(directory: Path) -> None:
    """Give a damaged workspace another name: it may hold more than the demo put there."""
    number = 1
    while (other := directory.with_name(f"{directory.name}-damaged-{number}")).exists():
        number += 1
    directory.rename(other)
