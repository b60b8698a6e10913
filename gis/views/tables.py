"""Tables of published results as memory maps: uncompressed Arrow files under the directory of views.

A file is made once from the stored object, written aside and renamed; afterwards every worker reads the same pages of the
operating system's cache. Deleting one costs the time of making it again. Beside the columns of the published table a file has,

- where the table has a geometry: ``geometry`` as WKB in the grid's CRS and its box as ``grid_west … grid_north``;
  ``geometry_84`` as WKB in CRS84 (longitude before latitude, seven decimals, shells counter-clockwise) and its box as ``west … north``;
- where rows are cells: ``lon`` and ``lat`` of their centres, and the boxes of their outlines in CRS84;
- texts of few values as dictionaries.
"""

from __future__ import annotations

import os
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import NotFound
from gis.views.frames import Batches, stored_batches, table_names
from gis.views.orders import Order, order_of
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.objects import storage_errors

__all__ = ["Stored", "kept_table", "open_table", "rows", "table", "table_names"]

Result = Run | StoredZoning | StoredComparison
# Raise it whenever what a file holds changes.
_FORMAT = 2
_KEPT = 128


@dataclass(frozen=True, eq=False)
class Stored:
    """A table in the maps of its batches. Values are read from the page cache when they are touched."""

    batches: tuple[pa.RecordBatch, ...]
    schema: pa.Schema

    @cached_property
    def table(self) -> pa.Table:
        """The whole table; no column is copied."""
        return pa.Table.from_batches(self.batches, self.schema)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Position of the first row of each batch, and in the end the number of rows."""
        return np.concatenate(([0], np.cumsum([len(b) for b in self.batches], dtype=np.int64)))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.starts[-1])

    def take(self, positions: NDArray[np.int64], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows at ascending positions; other rows are not touched."""
        names = self.schema.names if columns is None else list(columns)
        edges = np.searchsorted(positions, self.starts)
        parts = [
            batch.select(names).take(pa.array(positions[a:b] - start))
            for batch, start, a, b in zip(self.batches, self.starts[:-1], edges[:-1], edges[1:], strict=True)
            if a < b
        ]
        return pa.Table.from_batches(parts, pa.schema([self.schema.field(n) for n in names]))

    def positions(self, key: str, values: Sequence[Any]) -> NDArray[np.int64]:
        """Ascending positions of the rows whose key is one of the values."""
        order = self._order(key)
        found = [order.positions(value) for value in values]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    @cached_property
    def _orders(self) -> dict[str, Order]:
        return {}

    def _order(self, key: str) -> Order:
        if key not in self._orders:
            if key not in self.schema.names:
                raise NotFound(f"no column {key!r}; there is {', '.join(self.schema.names)}")
            self._orders[key] = order_of(self.table[key])
        return self._orders[key]


def table(views_dir: Path, result: Result, name: str) -> pa.Table:
    """A table of a result, memory-mapped: those of a zoning or comparison by their names, of a run ``sources``."""
    return open_table(views_dir, result, name).table


def rows(
    views_dir: Path, result: Result, name: str, key: str, values: Sequence[Any], columns: Sequence[str] | None = None
) -> pa.Table:
    """Rows of a table whose key (``unit``, ``cell``, ``patch``, …) is one of the values, in the table's order.

    The rest of the table is not read; the first look-up by a key sorts that column once per process.
    """
    stored = open_table(views_dir, result, name)
    return stored.take(stored.positions(key, values), columns)


def open_table(views_dir: Path, result: Result, name: str) -> Stored:
    """A table with its batches; made first if it is not there yet."""
    if name not in table_names(result):
        raise NotFound(f"{result.id} has no table {name!r}; it has {', '.join(table_names(result))}")
    return kept_table(views_dir, result, name, lambda: stored_batches(result, name))


def kept_table(views_dir: Path, result: Result, name: str, make: Callable[[], Batches]) -> Stored:
    """A table that belongs to a result, by a name of its own; made if it is not there yet."""
    return _TABLES.get(views_dir / "tables" / f"{result.id}-{name}-{_FORMAT}.arrow", make)


class _Tables:
    """Open tables, least recently used ones closed; a file is made by one thread while others wait for it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, Stored] = OrderedDict()
        self._making: dict[Path, Lock] = {}
        self._lock = Lock()

    def get(self, path: Path, make: Callable[[], Batches]) -> Stored:
        """The table of a file."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
            making = self._making.setdefault(path, Lock())
        with making:
            with self._lock:
                if path in self._kept:
                    return self._kept[path]
            stored = _mapped(path) or _made(path, make())
            with self._lock:
                self._kept[path] = stored
                self._making.pop(path, None)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return stored


_TABLES = _Tables()


def _mapped(path: Path) -> Stored | None:
    """The table of a file, None if there is no such file."""
    try:
        os.utime(path)  # the views' directory drops what was not used for longest
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
    except FileNotFoundError:
        return None
    return Stored(tuple(reader.get_batch(i) for i in range(reader.num_record_batches)), reader.schema)


def _made(path: Path, made: Batches) -> Stored:
    """The table of a new file. Two processes may both write it: the same bytes, and the last rename wins."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_file(sink, made.schema) as writer:
                for batch in made.batches:
                    writer.write_batch(batch)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    found = _mapped(path)
    if found is None:
        raise NotFound(f"{path.name} was removed as soon as it was made; try again")
    return found
