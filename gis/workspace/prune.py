"""Prune: remove what no published run, zoning or comparison refers to. What is published stays, whatever else happens."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.objects import ObjectStore

__all__ = ["Pruned", "prune"]

# Every column of the catalogue that names an object.
_REFERENCES = [
    *(owner.c.manifest for owner in (tables.runs, tables.zonings, tables.comparisons)),
    *(m.c.hash for m in (tables.run_objects, tables.layers, tables.zoning_objects, tables.comparison_objects)),
]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed: objects of no result, work of dead writers, and their bytes."""

    objects: int
    unfinished: int
    size: int


def prune(store: ObjectStore, catalogue: Catalogue) -> Pruned:
    """Count of what was removed. It holds the catalogue's write transaction, so no run can be published meanwhile."""
    with catalogue.writing() as connection:
        wanted = {hash_ for column in _REFERENCES for hash_ in connection.execute(select(column)).scalars()}
        known = set(connection.execute(select(tables.objects.c.hash)).scalars())
        for hash_ in sorted(known - wanted):
            connection.execute(delete(tables.objects).where(tables.objects.c.hash == hash_))
        unfinished, size = store.sweep()
        count = 0
        for path in store.stored():
            if path.name not in wanted:
                size += path.stat().st_size
                path.unlink()
                count += 1
    return Pruned(count, unfinished, size)
