"""Subjects: a result with its run, the year that is meant, and what answers questions about them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from gis.errors import NotFound
from gis.views import Views
from gis.views.origins import Origins
from gis.views.points import Points, year_of
from gis.workspace import Run, StoredZoning
from service.library import Library

__all__ = ["Subject", "subject_of"]

_KEPT = 64
_guard = Lock()
_points: WeakKeyDictionary[Library, OrderedDict[str, Points]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A run or a zoning, the run it stands on, a year of it, and what answers clicks on it."""

    result: Run | StoredZoning
    run: Run
    year: int
    views: Views
    points: Points

    @property
    def zoning(self) -> StoredZoning | None:
        """The zoning, if the result is one and the year is its own."""
        found = self.result
        return found if isinstance(found, StoredZoning) and found.year == self.year else None

    @property
    def origins(self) -> Origins:
        """Who stands behind the run's emissions."""
        return self.points.origins


def subject_of(library: Library, which: str, year: int | None = None) -> Subject:
    """The subject of an id; a comparison is none."""
    result = library.result(which)
    if not isinstance(result, Run | StoredZoning):
        raise NotFound(f"{which} is a comparison; ask for one of its zonings, {result.a} or {result.b}")
    run = library.run(which)
    return Subject(result, run, year_of(result, run, year), library.views, _points_of(library, result, run))


def _points_of(library: Library, result: Run | StoredZoning, run: Run) -> Points:
    """What answers clicks on a result, opened once."""
    with _guard:
        kept = _points.setdefault(library, OrderedDict())
        if result.id not in kept:
            kept[result.id] = Points(library.views, Origins(library.views.files, run), result)
        kept.move_to_end(result.id)
        while len(kept) > _KEPT:
            kept.popitem(last=False)
        return kept[result.id]
