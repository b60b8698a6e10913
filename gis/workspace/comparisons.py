"""Comparisons as they are kept: tables beside a manifest that names the two zonings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.workspace.catalogue import Catalogue
from gis.workspace.digests import plain_frame, table_digest
from gis.workspace.manifest import grid_entry, grid_of_entry, made_with, plain
from gis.workspace.objects import ObjectStore
from gis.workspace.products import COMPARISONS, Product, Record, publish_product, staged_tables
from gis.workspace.zonings import StoredZoning
from gis.zoning.comparison import Comparison, compare

__all__ = ["StoredComparison", "comparison_differences", "publish_comparison"]

_FORMAT = "cozone-comparison-1"


class StoredComparison(Product):
    """A published comparison of two zonings, ``a`` the earlier and ``b`` the later."""

    kind = COMPARISONS

    @property
    def a(self) -> str:
        """Id of the earlier zoning."""
        return str(self.entry.columns["a"])

    @property
    def b(self) -> str:
        """Id of the later zoning."""
        return str(self.entry.columns["b"])

    @property
    def earlier(self) -> str | None:
        """Id of the comparison whose stable ids this one carries on."""
        found: str | None = self.entry.columns["earlier"]
        return found

    @property
    def species(self) -> tuple[str, ...]:
        """Species of both, carbon first."""
        return tuple(self.manifest["identity"]["species"])

    @cached_property
    def grid(self) -> Grid:
        """The grid of both."""
        return grid_of_entry(self.manifest["grid"])

    @cached_property
    def comparison(self) -> Comparison:
        """The comparison as it was published."""
        sides = self.manifest["identity"]["sides"]
        return Comparison(a=sides["a"], b=sides["b"], species=self.species, tables=dict(self.tables))


def publish_comparison(
    store: ObjectStore,
    catalogue: Catalogue,
    comparison: Comparison,
    a: StoredZoning,
    b: StoredZoning,
    *,
    earlier: StoredComparison | None,
    name: str | None,
    label: str | None,
) -> str:
    """Id of the comparison of two published zonings."""
    if earlier is not None and earlier.b != a.id:
        raise InvalidParameter(
            f"comparison {earlier.id} ends with zoning {earlier.b}; one that ends with {a.id} is expected"
        )
    for side, stored in ((comparison.a, a), (comparison.b, b)):
        if (side["run_id"], side["year"]) != (stored.run_id, stored.year):
            raise InvalidParameter(
                f"the comparison is of run {side['run_id']}, {side['year']}, and zoning {stored.id} of run {stored.run_id}, {stored.year}"
            )
    frames = {n: plain_frame(table, a.grid) for n, table in comparison.tables.items()}
    identity: dict[str, Any] = {
        "format": _FORMAT,
        "a": {"id": a.id, "hash": a.entry.content_hash},
        "b": {"id": b.id, "hash": b.entry.content_hash},
        "earlier": None if earlier is None else earlier.id,
        "sides": plain({"a": comparison.a, "b": comparison.b}),
        "species": list(comparison.species),
        "content": {n: table_digest(frame) for n, frame in frames.items()},
    }
    listed = [{"name": n, "rows": len(f), "geometry": "geometry" in f.columns} for n, f in frames.items()]
    record = Record(
        identity=identity,
        manifest={
            "names": {"a": a.name, "b": b.name},
            "grid": grid_entry(a.grid),
            "unit": "t/yr",
            "tables": listed,
            "made_with": made_with(),
        },
        name=f"{a.name[:95]} – {b.name[:95]}",
        columns={"a": a.id, "b": b.id, "earlier": None if earlier is None else earlier.id},
        stage=lambda session: staged_tables(session, frames),
        check=lambda connection: _still_there(connection, a, b, *([] if earlier is None else [earlier])),
    )
    return publish_product(store, catalogue, COMPARISONS, record, name=name, label=label)


def comparison_differences(
    stored: StoredComparison, a: StoredZoning, b: StoredZoning, earlier: StoredComparison | None
) -> tuple[str, ...]:
    """Differences, as sentences, between a stored comparison and one worked out anew from its zonings."""
    again = compare(a.zoning, b.zoning, earlier=None if earlier is None else earlier.comparison)
    found = {n: table_digest(plain_frame(table, a.grid)) for n, table in again.tables.items()}
    expected = stored.manifest["identity"]["content"]
    return tuple(
        f"{name}: what is stored differs from what was worked out anew"
        for name in sorted(set(found) | set(expected))
        if found.get(name) != expected.get(name)
    )


def _still_there(connection: Connection, *products: Product) -> None:
    for product in products:
        table = product.kind.table
        where = (table.c.id == product.id) & (table.c.content_hash == product.entry.content_hash)
        if connection.execute(select(table.c.id).where(where)).first() is None:
            raise NotFound(
                f"{product.kind.name} {product.id} is not in this workspace; a comparison is kept beside what it rests on"
            )
