"""Library: the published results as requests name them, each opened once."""

from __future__ import annotations

import re
from threading import Lock

from gis.errors import NotFound
from gis.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning, Workspace
from service.settings import Settings

__all__ = ["ID", "POINTERS", "Library", "Result"]

Result = Run | StoredZoning | StoredComparison
ID = re.compile(r"[rzc]-[0-9a-f]{12}")
POINTERS = ("latest", "r-latest", "z-latest", "c-latest")
_KEPT = 64


class Library:
    """Results by id. They are immutable, so one that was opened stays; only ``latest`` is asked of the catalogue each time."""

    def __init__(self, settings: Settings) -> None:
        if not (settings.workspace / "catalogue.sqlite").exists():
            raise NotFound(
                f"{settings.workspace} holds no workspace; make one with `cozone grid`, or name it with --workspace"
            )
        self.settings = settings
        self.workspace = Workspace(settings.workspace)
        self.views = Views(
            settings.workspace / "views",
            memory_bytes=int(settings.threshold_cache_mb * 1e6),
            disk_bytes=int(settings.views_gb * 1e9),
        )
        self._open: dict[str, Result] = {}
        self._lock = Lock()

    def close(self) -> None:
        """Close the catalogue."""
        self.workspace.close()

    def resolve(self, which: str) -> str:
        """The id itself, or the one that a pointer names now: ``latest`` is the newest zoning, else the newest run."""
        if ID.fullmatch(which):
            return which
        if which not in POINTERS:
            raise NotFound(
                f"no result {which[:40]!r}; ids look like r-0123456789ab, and latest, r-latest, z-latest, c-latest point to the newest"
            )
        for letter in "zr" if which == "latest" else which[0]:
            try:
                return self._find(letter, "latest").id
            except NotFound:
                continue
        raise NotFound(f"nothing is published that {which} could point to")

    def result(self, which: str) -> Result:
        """The result of an id or a pointer."""
        id_ = self.resolve(which)
        with self._lock:
            if id_ in self._open:
                return self._open[id_]
        try:
            found = self._find(id_[0], id_)
        except NotFound:
            raise NotFound(f"no result has the id {id_}") from None
        with self._lock:
            while len(self._open) >= _KEPT:
                self._open.pop(next(iter(self._open)))
            return self._open.setdefault(id_, found)

    def run(self, which: str) -> Run:
        """The run of an id, or the one that a zoning stands on."""
        found = self.result(which)
        if isinstance(found, StoredZoning):
            found = self.result(found.run_id)
        if not isinstance(found, Run):
            raise NotFound(f"{which} is no run and stands on none alone")
        return found

    def zoning(self, which: str) -> StoredZoning:
        """The zoning of an id."""
        found = self.result("z-latest" if which == "latest" else which)
        if not isinstance(found, StoredZoning):
            raise NotFound(f"{which} is no zoning; its id would begin with z-")
        return found

    def comparison(self, which: str) -> StoredComparison:
        """The comparison of an id."""
        found = self.result(which)
        if not isinstance(found, StoredComparison):
            raise NotFound(f"{which} is no comparison; its id would begin with c-")
        return found

    def results(self) -> list[Result]:
        """All results: zonings, runs, comparisons, each newest first."""
        kept = self.workspace
        found: list[Result] = [*kept.zonings(), *kept.runs(), *kept.comparisons()]
        return [self._known(result) for result in found]

    def _known(self, found: Result) -> Result:
        with self._lock:
            return self._open.get(found.id, found)

    def _find(self, letter: str, which: str) -> Result:
        kept = self.workspace
        if letter == "r":
            return kept.run(which)
        return kept.zoning(which) if letter == "z" else kept.comparison(which)
