"""Workspace: a directory that keeps runs, the zonings that stand on them, and comparisons of zonings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, select

from gis.errors import InvalidParameter, NotFound
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.comparisons import StoredComparison, comparison_differences, publish_comparison
from gis.workspace.objects import ObjectStore, storage_errors
from gis.workspace.products import COMPARISONS, ZONINGS, find_product, list_products
from gis.workspace.prune import Pruned, prune
from gis.workspace.publish import Progress, publish
from gis.workspace.recording import latest, unpoint
from gis.workspace.run import LayerEntry, Run, RunEntry
from gis.workspace.verify import Verification, damaged_objects, verify
from gis.workspace.zonings import StoredZoning, publish_zoning
from gis.zoning.comparison import Comparison
from gis.zoning.model import Zoning

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation

__all__ = ["Workspace"]


class Workspace:
    """A directory with a catalogue and objects; made when it is not there, brought up to date when it is older."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            (path / "refused").mkdir(parents=True, exist_ok=True)
        self._catalogue = Catalogue(path / "catalogue.sqlite")
        self._store = ObjectStore(path)

    def __repr__(self) -> str:
        return f"<Workspace {self.path}>"

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalogue; runs already opened go on reading their objects."""
        self._catalogue.close()

    def check(self) -> None:
        """Nothing, if the catalogue can be read."""
        with self._catalogue.reading() as connection:
            connection.execute(select(tables.pointers.c.kind).limit(1)).all()

    def publish(
        self,
        allocation: Allocation,
        *,
        name: str | None = None,
        label: str | None = None,
        progress: Progress | None = None,
    ) -> Run:
        """The run of an allocation: a new one, or the one that is there already with the same content."""
        run = publish(self._store, self._catalogue, allocation, name=name, label=label, progress=progress)
        return self.run(run)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        with self._catalogue.reading() as connection:
            found = connection.execute(select(tables.runs).order_by(tables.runs.c.created.desc(), tables.runs.c.id))
            return [Run(_entry(connection, row), self._store) for row in found.all()]

    def run(self, which: str) -> Run:
        """The run of an id, the newest of a name, or with ``latest`` the one published last."""
        with self._catalogue.reading() as connection:
            row = connection.execute(_wanted(connection, which)).first()
            if row is None:
                known = connection.execute(select(tables.runs.c.id).order_by(tables.runs.c.created.desc()).limit(5))
                some = ", ".join(known.scalars()) or "none"
                raise NotFound(f"no run has the id or name {which!r} in {self.path}; the newest: {some}")
            return Run(_entry(connection, row), self._store)

    def verify(self, run: Run, *, progress: Progress | None = None) -> Verification:
        """What differs when the run is computed anew from its stored inputs."""
        return verify(run, progress=progress)

    # -- zonings --------------------------------------------------------------------------------------------------

    def publish_zoning(self, zoning: Zoning, *, name: str | None = None, label: str | None = None) -> StoredZoning:
        """The zoning as kept: a new one, or the one that is there already with the same content. Its run has to be here."""
        run = self.run(zoning.run_id)
        return self.zoning(publish_zoning(self._store, self._catalogue, run, zoning, name=name, label=label))

    def zonings(self) -> list[StoredZoning]:
        """All zonings, newest first."""
        with self._catalogue.reading() as connection:
            return [StoredZoning(entry, self._store) for entry in list_products(connection, ZONINGS)]

    def zoning(self, which: str) -> StoredZoning:
        """The zoning of an id, the newest of a name, or with ``latest`` the one published last."""
        with self._catalogue.reading() as connection:
            return StoredZoning(find_product(connection, ZONINGS, which, place=self.path), self._store)

    def publish_comparison(
        self,
        comparison: Comparison,
        a: StoredZoning,
        b: StoredZoning,
        *,
        earlier: StoredComparison | None = None,
        name: str | None = None,
        label: str | None = None,
    ) -> StoredComparison:
        """The comparison of two zonings of this workspace as kept; ``earlier`` is the one whose stable ids it carries on."""
        return self.comparison(
            publish_comparison(self._store, self._catalogue, comparison, a, b, earlier=earlier, name=name, label=label)
        )

    def comparisons(self) -> list[StoredComparison]:
        """All comparisons, newest first."""
        with self._catalogue.reading() as connection:
            return [StoredComparison(entry, self._store) for entry in list_products(connection, COMPARISONS)]

    def comparison(self, which: str) -> StoredComparison:
        """The comparison of an id, the newest of a name, or with ``latest`` the one published last."""
        with self._catalogue.reading() as connection:
            return StoredComparison(find_product(connection, COMPARISONS, which, place=self.path), self._store)

    def verify_comparison(self, comparison: StoredComparison) -> tuple[str, ...]:
        """What differs, as sentences, when the comparison is worked out anew from its zonings."""
        damaged = self.verify_objects(comparison)
        if damaged:
            return tuple(damaged)
        a, b = self.zoning(comparison.a), self.zoning(comparison.b)
        earlier = None if comparison.earlier is None else self.comparison(comparison.earlier)
        return comparison_differences(comparison, a, b, earlier)

    # -- upkeep ---------------------------------------------------------------------------------------------------

    def verify_objects(self, result: Run | StoredZoning | StoredComparison) -> list[str]:
        """Objects of a result that are missing or damaged, as sentences; computes nothing anew."""
        return list(damaged_objects(result))

    def prune(self) -> Pruned:
        """What was removed: objects of nothing published, and what dead writers left."""
        return prune(self._store, self._catalogue)

    def delete(self, run: Run) -> None:
        """Take a run out of the catalogue, unless a zoning stands on it; `prune` then frees what no other result needs."""
        with self._catalogue.writing() as connection:
            _refuse_dependents(connection, tables.zonings, tables.zonings.c.run == run.id, f"run {run.id}")
            _delete(connection, "run", tables.runs, run.id)

    def delete_zoning(self, zoning: StoredZoning) -> None:
        """Take a zoning out of the catalogue, unless a comparison stands on it."""
        with self._catalogue.writing() as connection:
            c = tables.comparisons.c
            part = (c.a == zoning.id) | (c.b == zoning.id)
            _refuse_dependents(connection, tables.comparisons, part, f"zoning {zoning.id}")
            _delete(connection, "zoning", tables.zonings, zoning.id)

    def delete_comparison(self, comparison: StoredComparison) -> None:
        """Take a comparison out of the catalogue, unless another carries on its stable ids."""
        with self._catalogue.writing() as connection:
            part = tables.comparisons.c.earlier == comparison.id
            _refuse_dependents(connection, tables.comparisons, part, f"comparison {comparison.id}")
            _delete(connection, "comparison", tables.comparisons, comparison.id)

    def refused_path(self, run_id: str) -> Path:
        """Where the refused rows of a lenient run are written for people."""
        return self.path / "refused" / f"{run_id}.csv"


def _refuse_dependents(connection: Connection, table: Table, where: ColumnElement[bool], what: str) -> None:
    standing = connection.execute(select(table.c.id).where(where).order_by(table.c.id)).scalars().all()
    if standing:
        raise InvalidParameter(
            f"{', '.join(standing)} {'stands' if len(standing) == 1 else 'stand'} on {what}; delete "
            f"{'it' if len(standing) == 1 else 'them'} first"
        )


def _delete(connection: Connection, kind: str, table: Table, which: str) -> None:
    connection.execute(delete(table).where(table.c.id == which))
    unpoint(connection, kind, which)


def _wanted(connection: Connection, which: str) -> Select[tuple[object, ...]]:
    """The query for a run; ``latest`` falls back to the newest when the run it pointed to was deleted."""
    newest = select(tables.runs).order_by(tables.runs.c.created.desc(), tables.runs.c.id).limit(1)
    if which != "latest":
        return newest.where((tables.runs.c.id == which) | (tables.runs.c.name == which))
    target = latest(connection, "run")
    return newest if target is None else newest.where(tables.runs.c.id == target)


def _entry(connection: Connection, row: Row[tuple[object, ...]]) -> RunEntry:
    run = row.id
    layers = connection.execute(
        select(tables.layers)
        .where(tables.layers.c.run == run)
        .order_by(*(tables.layers.c[c] for c in ("kind", "year", "species", "part")))
    ).all()
    members = connection.execute(select(tables.run_objects).where(tables.run_objects.c.run == run)).all()
    hashes = {row.manifest, *(e.hash for e in layers), *(e.hash for e in members)}
    sizes = connection.execute(
        select(tables.objects.c.hash, tables.objects.c.size).where(
            tables.objects.c.hash.in_(select(tables.layers.c.hash).where(tables.layers.c.run == run))
            | tables.objects.c.hash.in_(select(tables.run_objects.c.hash).where(tables.run_objects.c.run == run))
            | (tables.objects.c.hash == row.manifest)
        )
    )
    known = {hash_: size for hash_, size in sizes if hash_ in hashes}
    return RunEntry(
        id=row.id, name=row.name, label=row.label, created=row.created, grid=row.grid,
        years=tuple(row.years), species=tuple(row.species), sectors=tuple(row.sectors), manifest=row.manifest,
        layers=tuple(LayerEntry(e.kind, e.year, e.species, e.part, e.hash, e.sum_t, e.max_t, e.nonzero) for e in layers),
        members={(e.role, e.name): e.hash for e in members}, sizes=known,
    )  # fmt: skip
