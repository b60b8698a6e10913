"""Products: results that stand on runs (zonings, comparisons), kept like runs: immutable, whole, named by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, Row, Table, insert, select, update

from gis.errors import NotFound, StorageError
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.manifest import canonical_json
from gis.workspace.objects import ObjectStore, Session
from gis.workspace.recording import Member, check_name, damaged, insert_objects, latest, point_latest
from gis.workspace.tables import PARQUET, frame_writer, geo_writer, read_frame, read_geo

__all__ = [
    "COMPARISONS",
    "ZONINGS",
    "Product",
    "ProductEntry",
    "ProductKind",
    "Record",
    "StoredTables",
    "find_product",
    "list_products",
    "publish_product",
    "staged_tables",
]

_WRITERS = 2


@dataclass(frozen=True, slots=True)
class ProductKind:
    """A kind of result and its tables in the catalogue; ids begin with its letter."""

    name: str
    letter: str
    table: Table
    members: Table
    # The command that makes one.
    made_by: str


ZONINGS = ProductKind("zoning", "z", tables.zonings, tables.zoning_objects, "zone")
COMPARISONS = ProductKind("comparison", "c", tables.comparisons, tables.comparison_objects, "compare")


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """What the catalogue says about a product; ``columns`` are those of its own kind, ``sizes`` bytes by hash."""

    id: str
    name: str
    label: str
    created: datetime
    content_hash: str
    manifest: str
    columns: Mapping[str, Any]
    members: Mapping[tuple[str, str], str]
    sizes: Mapping[str, int]


class Product:
    """A published result. Nothing is read before it is asked for, every object is held against its name first."""

    kind: ProductKind

    def __init__(self, entry: ProductEntry, store: ObjectStore) -> None:
        self.entry = entry
        self._store = store

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r}>"

    @property
    def id(self) -> str:
        """Letter of the kind and 12 hex digits of the content."""
        return self.entry.id

    @property
    def name(self) -> str:
        """Name given when it was published."""
        return self.entry.name

    @property
    def label(self) -> str:
        """A remark, or an empty text."""
        return self.entry.label

    @property
    def created(self) -> datetime:
        """When it was published, in UTC."""
        return self.entry.created

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What it was made of and with."""
        found: dict[str, Any] = json.loads(self.object_path(self.entry.manifest).read_bytes())
        return found

    def object_path(self, hash_: str) -> Path:
        """Path of an object, checked against its hash once per process."""
        return self._store.check(hash_, size=self.entry.sizes[hash_], owner=f"{self.kind.name} {self.id}")

    def member_path(self, role: str, name: str) -> Path:
        """Path of an object by role and name."""
        if (role, name) not in self.entry.members:
            known = sorted(n for r, n in self.entry.members if r == role)
            raise NotFound(f"{self.kind.name} {self.id} has no {role} {name!r}; it has {', '.join(known) or 'none'}")
        return self.object_path(self.entry.members[role, name])

    @cached_property
    def tables(self) -> StoredTables:
        """The tables, each read when it is touched."""
        return StoredTables(self)


class StoredTables(Mapping[str, pd.DataFrame]):
    """Tables of a product by name, in the order in which its manifest lists them."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._listed:
            raise KeyError(name)
        if name not in self._read:
            path = self._product.member_path("table", name)
            self._read[name] = read_geo(path) if self._listed[name]["geometry"] else read_frame(path)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def rows(self, name: str) -> int:
        """Number of rows, without reading the table."""
        return int(self._listed[name]["rows"])

    @property
    def _listed(self) -> Mapping[str, Any]:
        return {entry["name"]: entry for entry in self._product.manifest["tables"]}


# -- publishing -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is to be published: identity, the manifest around it, columns of the catalogue, and what writes the objects.

    ``check`` runs inside the transaction and raises if what the product stands on is gone.
    """

    identity: Mapping[str, Any]
    manifest: Mapping[str, Any]
    name: str
    columns: Mapping[str, Any]
    stage: Callable[[Session], Iterable[Member]]
    check: Callable[[Connection], object]


def publish_product(
    store: ObjectStore, catalogue: Catalogue, kind: ProductKind, record: Record, *, name: str | None, label: str | None
) -> str:
    """Id of the product: a new one, or that of the same content, which is there already."""
    check_name(name, kind.name)
    with catalogue.writing():
        store.sweep()
        session = store.open_session()
    try:
        members = list(record.stage(session))
        return _record(store, catalogue, kind, record, session, members, name, label)
    finally:
        session.close()


def staged_tables(session: Session, frames: Mapping[str, pd.DataFrame]) -> list[Member]:
    """Tables as Parquet and GeoParquet, written by a few threads."""

    def stage(name: str) -> Member:
        frame = frames[name]
        write = geo_writer(frame) if isinstance(frame, gpd.GeoDataFrame) else frame_writer(frame)
        return Member("table", name, session.stage(write, media_type=PARQUET))

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(stage, frames))


def _record(
    store: ObjectStore,
    catalogue: Catalogue,
    kind: ProductKind,
    record: Record,
    session: Session,
    members: list[Member],
    name: str | None,
    label: str | None,
) -> str:
    digest = hashlib.sha256(canonical_json(record.identity)).hexdigest()
    product = f"{kind.letter}-{digest[:12]}"
    text = canonical_json({"identity": record.identity, **record.manifest})
    manifest = session.stage(lambda file: file.write(text), media_type="application/json")
    everything = [manifest, *(m.staged for m in members)]
    with catalogue.writing() as connection:
        record.check(connection)
        table = kind.table
        found = connection.execute(select(table.c.content_hash).where(table.c.id == product)).scalar()
        if found is not None and found != digest:
            raise StorageError(f"{kind.name} {product} exists with other content; delete it before publishing this one")
        if found is None:
            store.keep(everything)
            insert_objects(connection, everything)
            row = {
                "id": product, "name": name or record.name, "label": label or "", "created": datetime.now(UTC),
                "content_hash": digest, "manifest": manifest.hash,
            }  # fmt: skip
            connection.execute(insert(table).values({**row, **record.columns}))
            rows = [{kind.name: product, "role": m.role, "name": m.name, "hash": m.staged.hash} for m in members]
            connection.execute(insert(kind.members), rows)
        else:
            # It is there already: what of it was damaged since is mended, the rest is not touched.
            store.keep(damaged(store, connection, everything, f"{kind.name} {product}"))
            named = {k: v for k, v in (("name", name), ("label", label)) if v is not None}
            if named:
                connection.execute(update(table).where(table.c.id == product).values(named))
        point_latest(connection, kind.name, product)
    return product


# -- finding ----------------------------------------------------------------------------------------------------------


def list_products(connection: Connection, kind: ProductKind) -> list[ProductEntry]:
    """All products of a kind, newest first."""
    query = select(kind.table).order_by(kind.table.c.created.desc(), kind.table.c.id)
    return [_entry(connection, kind, row) for row in connection.execute(query).all()]


def find_product(connection: Connection, kind: ProductKind, which: str, *, place: Path) -> ProductEntry:
    """The product of an id, the newest of a name, or with ``latest`` the one published last."""
    table = kind.table
    newest = select(table).order_by(table.c.created.desc(), table.c.id)
    wanted = newest.where((table.c.id == which) | (table.c.name == which))
    if which == "latest":
        target = latest(connection, kind.name)
        wanted = newest if target is None else newest.where(table.c.id == target)
    row = connection.execute(wanted.limit(1)).first()
    if row is None:
        known = connection.execute(select(table.c.id).order_by(table.c.created.desc()).limit(5))
        some = ", ".join(known.scalars())
        if not some:
            raise NotFound(f"{place} holds no {kind.name} yet; `cozone {kind.made_by}` makes one")
        raise NotFound(f"no {kind.name} has the id or name {which!r} in {place}; the newest: {some}")
    return _entry(connection, kind, row)


def _entry(connection: Connection, kind: ProductKind, row: Row[Any]) -> ProductEntry:
    own = kind.members
    members = connection.execute(select(own).where(own.c[kind.name] == row.id)).all()
    hashes = select(own.c.hash).where(own.c[kind.name] == row.id)
    objects = tables.objects.c
    sizes = connection.execute(
        select(objects.hash, objects.size).where(objects.hash.in_(hashes) | (objects.hash == row.manifest))
    )
    common = {"id", "name", "label", "created", "content_hash", "manifest"}
    return ProductEntry(
        id=row.id, name=row.name, label=row.label, created=row.created, content_hash=row.content_hash,
        manifest=row.manifest, columns={k: v for k, v in row._mapping.items() if k not in common},
        members={(m.role, m.name): m.hash for m in members}, sizes={s.hash: s.size for s in sizes},
    )  # fmt: skip
