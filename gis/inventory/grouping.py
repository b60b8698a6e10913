"""Rows to sources: which rows speak of the same source, and which contradict or repeat each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.inventory.batches import Batch
from gis.inventory.scope import Reason

__all__ = ["Entries", "Rows", "entries_of", "group", "rows_of", "taken"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The kept rows of all batches, end to end: whence they came, their id codes and places."""

    batch: Ints
    position: Ints
    ids: pa.Array
    x: Floats | None
    y: Floats | None
    shapes: NDArray[np.object_] | None

    def __len__(self) -> int:
        return len(self.batch)


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Amounts of kept rows: ``row`` is a position in Rows, ``origin`` tells two columns or two sector names apart."""

    row: Ints
    species: Ints
    sector: Ints
    year: Ints
    origin: Ints
    mass_t: Floats

    def take(self, which: Ints | NDArray[np.bool_]) -> Entries:
        """Some of the entries."""
        return Entries(
            self.row[which], self.species[which], self.sector[which], self.year[which], self.origin[which], self.mass_t[which]
        )  # fmt: skip


def taken(column: pa.Array, at: Ints) -> pa.Array:
    """The entries of a column at ascending positions; the column itself where they are all of it."""
    return column if len(at) == len(column) else column.take(pa.array(at))


def rows_of(batches: list[Batch]) -> Rows:
    """The rows that no check of single rows refused."""
    kept = [b.kept for b in batches]
    ids = pa.concat_arrays([taken(b.ids, k) for b, k in zip(batches, kept, strict=True)])
    x = y = shapes = None
    if batches[0].places.x is not None:
        x = np.concatenate([np.asarray(b.places.x)[k] for b, k in zip(batches, kept, strict=True)])
        y = np.concatenate([np.asarray(b.places.y)[k] for b, k in zip(batches, kept, strict=True)])
    else:
        parts = [
            np.asarray(b.places.shapes, object)[np.asarray(b.places.which)[k]]
            for b, k in zip(batches, kept, strict=True)
        ]
        shapes = np.concatenate(parts) if parts else np.empty(0, object)
    batch = np.repeat(np.arange(len(batches)), [len(k) for k in kept])
    return Rows(batch, np.concatenate(kept), ids, x, y, shapes)


def entries_of(batches: list[Batch]) -> Entries:
    """The live amounts of the kept rows."""
    origins: dict[tuple[str, str], int] = {}
    found: list[Entries] = []
    first = 0
    for batch in batches:
        kept = batch.kept
        for m in batch.measured:
            column = m.measure.column
            table = np.array([origins.setdefault((column, name), len(origins)) for name in m.origins], np.int64)
            live = np.flatnonzero((m.reason[kept] == Reason.LIVE) & ~m.empty[kept])
            at = kept[live]
            found.append(
                Entries(live + first, m.species[at], m.sector[at], m.year[at], table[m.origin[at]], m.mass_t[at])
            )
        first += len(kept)
    return Entries(
        *(
            np.concatenate([getattr(e, name) for e in found])
            for name in ("row", "species", "sector", "year", "origin", "mass_t")
        )
    )


def group(rows: Rows) -> tuple[Ints, Ints]:
    """The source of every row, by id and exact place, and the code of every row's id; a row without an id stands alone.

    With as many sources as rows, a source has the number of its row.
    """
    n = len(rows)
    if n == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    encoded = rows.ids.dictionary_encode()
    code = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    blank = pc.index(encoded.dictionary, "").as_py()
    nameless = code == blank
    if len(encoded.dictionary) - (blank >= 0) + nameless.sum() == n:
        return np.arange(n), np.arange(n)
    code = np.where(nameless, len(encoded.dictionary) + np.arange(n), code)
    source = _numbered(code, *_places(rows, code))
    # Where every row is a source of its own, they keep the numbers of their rows.
    return (np.arange(n) if int(source.max()) + 1 == n else source), code


def _places(rows: Rows, code: Ints) -> tuple[NDArray[np.generic], ...]:
    if rows.x is not None and rows.y is not None:
        # + 0.0 makes one place of zero and minus zero.
        return rows.x + 0.0, rows.y + 0.0
    shapes = np.asarray(rows.shapes, object)
    # Rows joined to one feature hold one object; only distinct objects are compared by content.
    objects, which = np.unique(np.array([id(s) for s in shapes], np.int64), return_inverse=True)
    first = np.zeros(len(objects), np.int64)
    first[which] = np.arange(len(shapes))
    repeated = np.bincount(code, minlength=int(code.max()) + 1)[code] > 1
    content = np.arange(len(objects))
    several = np.unique(which[repeated])
    wkb = pa.array(shapely.to_wkb(shapes[first[several]]), pa.binary()).dictionary_encode()
    content[several] = len(objects) + wkb.indices.to_numpy(zero_copy_only=False)
    return (content[which],)


def _numbered(*keys: NDArray[np.generic]) -> Ints:
    """Numbers from 0 of the distinct combinations of keys, by row."""
    order = np.lexsort(keys[::-1])
    fresh = np.zeros(len(order), np.bool_)
    for key in keys:
        ordered = key[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    out = np.empty(len(order), np.int64)
    out[order] = np.cumsum(fresh)
    return out
