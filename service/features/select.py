"""Selecting: the page that answers a query, read block by block, and what is remembered so that the next page is quick.

For every selection the number of matches in each block is kept as far as it was counted. A page then tests only the blocks
it lies in; what is left of a time budget goes on counting, so that ``number_matched`` is exact from the first page on
wherever that takes no longer, and later elsewhere.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import NotFound
from gis.views.lonlat import CRS84, METRE_DECIMALS, moved, rounded, wkb_array, wkb_shapes
from service.errors import Busy, TooLarge
from service.features.collection import Collection
from service.features.crs import Crs, known_crs
from service.features.predicate import Predicate, matches
from service.features.query import Query
from service.features.rows import Block, Ints

__all__ = ["Page", "columns_of_rows", "one", "page_of", "select"]

# Time that counting may take beyond the page itself.
_COUNT_S = 0.75
# Time that finding the features of a page may take.
_PAGE_S = 20.0
_KEPT = 256
_SORTED_ROWS = 2_000_000
_SORTED_KEPT = 4_000_000
_MATCHES_KEPT = 4_000_000
_DEGREES = 9
# Rows that were chosen: positions in each of some blocks, None for all of it.
Picked = list[tuple[Block, Ints | None]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """Features of a collection: ids, properties as Arrow columns, geometry in the CRS that was asked for.

    ``number_matched`` is None where counting would have taken too long; ``more`` says whether a next page has any.
    """

    collection: Collection
    query: Query
    ids: pa.Array
    table: pa.Table
    geometry: pa.Array  # WKB, x before y
    crs: Crs
    number_matched: int | None
    more: bool

    @property
    def number_returned(self) -> int:
        """Features on this page."""
        return len(self.ids)


def select(collection: Collection, query: Query) -> Page:
    """The page of a query."""
    if query.sort:
        picked, number, more = _sorted(collection, query)
    else:
        picked, number, more = _in_order(collection, query)
    return page_of(collection, query, picked, number, more)


def one(collection: Collection, fid: str, crs: Crs | None = None) -> Page:
    """A page with the feature of an id."""
    found = collection.rows.find(fid) if len(fid) <= 100 else None
    if found is None:
        raise NotFound(f"{collection.id} has no feature {fid[:60]!r}")
    return page_of(collection, Query(limit=1, crs=crs), [found], 1, False)


# -- in the order of the rows -----------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Counts:
    """Matches of a selection in its first blocks, as far as they were counted; ``whole`` once that is all of them."""

    counts: list[int] = field(default_factory=list)
    whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """A sorted selection: block and position in it of every match."""

    which: NDArray[np.int32]
    at: NDArray[np.int32]


class _Memory:
    """What is known of selections, the longest unused dropped. A race costs counting twice, no more."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Hashable, _Counts] = OrderedDict()
        self._orders: OrderedDict[Hashable, _Order] = OrderedDict()
        self._matches: OrderedDict[Hashable, NDArray[np.int32]] = OrderedDict()
        self._matched = 0
        self._lock = Lock()

    def matches(self, key: Hashable, where: Predicate, block: Block) -> Ints:
        """Positions of a block's matches; those of the blocks that pages were taken from lately are kept."""
        with self._lock:
            found = self._matches.get(key)
            if found is not None:
                self._matches.move_to_end(key)
                return found.astype(np.int64)
        positions = matches(where, block)
        small = positions.astype(np.int32)
        with self._lock:
            self._matched += 0 if key in self._matches else len(small)
            self._matches[key] = small
            while self._matched > _MATCHES_KEPT:
                self._matched -= len(self._matches.popitem(last=False)[1])
        return positions

    def counts(self, key: Hashable) -> _Counts:
        """A copy of what is known of a selection."""
        with self._lock:
            found = self._counts.get(key, _Counts())
            return _Counts(list(found.counts), found.whole)

    def learn(self, key: Hashable, counts: _Counts) -> None:
        """Keep what was counted, if it is more than was known."""
        with self._lock:
            known = self._counts.pop(key, counts)
            more = (counts.whole, len(counts.counts)) > (known.whole, len(known.counts))
            self._counts[key] = counts if more else known
            while len(self._counts) > _KEPT:
                self._counts.popitem(last=False)

    def order(self, key: Hashable) -> _Order | None:
        """A sorted selection that was asked for lately."""
        with self._lock:
            if key in self._orders:
                self._orders.move_to_end(key)
            return self._orders.get(key)

    def keep_order(self, key: Hashable, order: _Order) -> None:
        """Keep a sorted selection."""
        with self._lock:
            self._orders[key] = order
            while len(self._orders) > 1 and sum(len(o.at) for o in self._orders.values()) > _SORTED_KEPT:
                self._orders.popitem(last=False)


_MEMORY = _Memory()


def _key(collection: Collection, query: Query) -> tuple[Hashable, ...]:
    # An id stands for one content, wherever it is kept.
    return collection.id, None if query.where is None else query.where.key


def _blocks(collection: Collection, query: Query) -> Iterable[Block]:
    where = query.where
    bounds, years = (None, None) if where is None else (where.bounds, where.years)
    return collection.rows.blocks(bounds, years)


def _matches(where: Predicate, block: Block, key: Hashable, *, keep: bool) -> Ints:
    return _MEMORY.matches(key, where, block) if keep else matches(where, block)


class _Taking:
    """Takes the rows of a page from blocks that pass by."""

    def __init__(self, query: Query) -> None:
        self.skip, self.need = query.offset, query.limit
        self.picked: Picked = []

    @property
    def full(self) -> bool:
        return self.need == 0

    def untouched_by(self, count: int) -> bool:
        """Whether a block with so many matches can pass unread; if so, it has passed."""
        if self.skip < count and not self.full:
            return False
        self.skip = max(0, self.skip - count)
        return True

    def take(self, block: Block, at: Ints | None) -> int:
        """Number of matches of a block, those of the page picked."""
        count = block.count if at is None else len(at)
        first, last = min(self.skip, count), min(self.skip + self.need, count)
        if first < last:
            self.picked.append((block, np.arange(first, last) if at is None else at[first:last]))
        self.need -= last - first
        self.skip = max(0, self.skip - count)
        return count


def _in_order(collection: Collection, query: Query) -> tuple[Picked, int | None, bool]:
    """Rows of the page, the number of all that match, and whether any come after the page."""
    key = _key(collection, query)
    known = _MEMORY.counts(key)
    taking = _Taking(query)
    start = time.monotonic()
    deadline: float | None = None
    for position, block in enumerate(_blocks(collection, query)):
        counted = position < len(known.counts)
        if taking.full and (query.where is None or known.whole):
            break
        if counted and taking.untouched_by(known.counts[position]):
            continue
        if taking.full:
            deadline = time.monotonic() + _COUNT_S if deadline is None else deadline
            if time.monotonic() > deadline:
                break
        elif time.monotonic() > start + _PAGE_S:
            _MEMORY.learn(key, known)  # the next attempt goes on from here
            raise Busy(
                "few features match, and finding them takes long; try again, or narrow it down by bbox or datetime"
            )
        # A page is followed by the next one, most often in the same block; what is only counted is not looked at again.
        at = None if query.where is None else _matches(query.where, block, (*key, position), keep=not taking.full)
        count = taking.take(block, at)
        if not counted:
            known.counts.append(count)
    else:
        known.whole = True
    _MEMORY.learn(key, known)
    number = collection.number if query.where is None else sum(known.counts) if known.whole else None
    # Where it is not known whether any come after the page, a page that may be empty is better than an end too early.
    more = query.limit > 0 and (number is None or query.offset + query.limit < number)
    return taking.picked, number, more


# -- sorted -----------------------------------------------------------------------------------------------------------


def _sorted(collection: Collection, query: Query) -> tuple[Picked, int | None, bool]:
    key = (*_key(collection, query), query.sort)
    order = _MEMORY.order(key)
    if order is None:
        order = _ordered(collection, query)
        _MEMORY.keep_order(key, order)
    span = slice(query.offset, query.offset + query.limit)
    at, which = order.at[span].astype(np.int64), order.which[span]
    edges = np.flatnonzero(np.diff(which, prepend=-1, append=-1)).tolist()
    wanted = set(which.tolist())
    blocks = {i: block for i, block in enumerate(_blocks(collection, query)) if i in wanted}
    picked: Picked = [(blocks[int(which[i])], at[i:j]) for i, j in pairwise(edges)]
    return picked, len(order.at), 0 < query.limit and query.offset + query.limit < len(order.at)


def _ordered(collection: Collection, query: Query) -> _Order:
    """Every match, sorted; rows that compare alike keep their order."""
    names = [name for name, _ in query.sort]
    tables, which, at, total = [], [], [], 0
    for position, block in enumerate(_blocks(collection, query)):
        found = None if query.where is None else matches(query.where, block)
        rows = np.arange(block.count) if found is None else found
        total += len(rows)
        if total > _SORTED_ROWS:
            raise TooLarge(
                f"more than {_SORTED_ROWS:,} features would have to be sorted; select fewer by bbox or filter"
            )
        tables.append(pa.table({n: _comparable(block.column(n, rows)) for n in names}))
        which.append(np.full(len(rows), position, np.int32))
        at.append(rows.astype(np.int32))
    if not tables:
        return _Order(np.empty(0, np.int32), np.empty(0, np.int32))
    whole = pa.concat_tables(tables).append_column("_at", pa.array(np.arange(total)))
    keys = [(name, "descending" if down else "ascending") for name, down in query.sort]
    order = pc.sort_indices(whole, sort_keys=[*keys, ("_at", "ascending")]).to_numpy()
    return _Order(np.concatenate(which)[order], np.concatenate(at)[order])


def _comparable(column: pa.Array) -> pa.Array:
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.int8()) if pa.types.is_boolean(plain.type) else plain


# -- the page ---------------------------------------------------------------------------------------------------------


def page_of(collection: Collection, query: Query, picked: Picked, number: int | None, more: bool) -> Page:
    """The page of some rows: blocks, and positions in them."""
    wanted = query.properties
    names = [f.name for f in collection.fields if wanted is None or f.name in wanted]
    crs = query.crs or known_crs(collection.grid)[0]
    schema, batches = columns_of_rows(collection, names, picked)
    return Page(
        collection=collection, query=query, crs=crs, number_matched=number, more=more,
        ids=_joined([block.ids(at) for block, at in picked], pa.string()),
        table=pa.Table.from_batches(batches, schema),
        geometry=_joined([_geometry(block, at, collection, crs) for block, at in picked], pa.binary()),
    )  # fmt: skip


def columns_of_rows(
    collection: Collection, names: list[str], picked: Picked
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Properties of some rows, dictionaries as plain texts: their schema, and a batch a block."""
    stored = collection.rows.schema
    schema = pa.schema([_plain_field(stored.field(n)) for n in names])
    made = (pa.record_batch([_plain(block.column(n, at)) for n in names], schema=schema) for block, at in picked)
    return schema, made if names else iter(())


def _joined(arrays: list[pa.Array], kind: pa.DataType) -> pa.Array:
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)


def _plain_field(column: pa.Field) -> pa.Field:
    return pa.field(column.name, column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _geometry(block: Block, at: Ints | None, collection: Collection, crs: Crs) -> pa.Array:
    """Shapes in a CRS as WKB; from the stored ones where it is theirs."""
    if crs.is_crs84:
        return block.wkb_84(at)
    if crs == collection.storage_crs:
        return block.wkb(at)
    # Its vertices are those of CRS84, so that one feature has one shape in all of them.
    shapes = moved(wkb_shapes(block.wkb_84(at)), CRS84, crs.crs)
    return wkb_array(rounded(shapes, _DEGREES if crs.in_degrees else METRE_DECIMALS))
