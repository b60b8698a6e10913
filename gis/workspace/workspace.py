"""Workspace: a directory that keeps runs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Row, Select, delete, select

from gis.allocation.allocate import Allocation
from gis.errors import NotFound
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.objects import ObjectStore, storage_errors
from gis.workspace.prune import Pruned, prune
from gis.workspace.publish import Progress, publish
from gis.workspace.run import LayerEntry, Run, RunEntry
from gis.workspace.verify import Verification, damaged_objects, verify

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

    def verify_objects(self, run: Run) -> list[str]:
        """Objects of a run that are missing or damaged, as sentences; computes nothing anew."""
        return list(damaged_objects(run))

    def prune(self) -> Pruned:
        """What was removed: objects of no published run, and what dead writers left."""
        return prune(self._store, self._catalogue)

    def delete(self, run: Run) -> None:
        """Take a run out of the catalogue; `prune` then frees what no other run needs."""
        with self._catalogue.writing() as connection:
            connection.execute(delete(tables.runs).where(tables.runs.c.id == run.id))
            pointer = (tables.pointers.c.kind == "run") & (tables.pointers.c.target == run.id)
            connection.execute(delete(tables.pointers).where(pointer))

    def refused_path(self, run_id: str) -> Path:
        """Where the refused rows of a lenient run are written for people."""
        return self.path / "refused" / f"{run_id}.csv"


def _wanted(connection: Connection, which: str) -> Select[tuple[object, ...]]:
    """The query for a run; ``latest`` falls back to the newest when the run it pointed to was deleted."""
    newest = select(tables.runs).order_by(tables.runs.c.created.desc(), tables.runs.c.id).limit(1)
    if which != "latest":
        return newest.where((tables.runs.c.id == which) | (tables.runs.c.name == which))
    pointer = (tables.pointers.c.kind == "run") & (tables.pointers.c.name == "latest")
    target = connection.execute(select(tables.pointers.c.target).where(pointer)).scalar()
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
