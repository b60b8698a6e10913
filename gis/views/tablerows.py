"""Rows of a table of polygons, points or lines, or of cells, in blocks that are filtered one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import NotFound
from gis.grid import Grid
from gis.views.frames import BOX, BOX_84
from gis.views.lattice import Boxes, corners, corners_84, polygons
from gis.views.lonlat import Shapes, wkb_shapes
from gis.views.tables import Stored

__all__ = ["HIDDEN", "TableBlock", "TableRows"]

Ints = NDArray[np.int64]
Bounds = tuple[float, float, float, float]
# Columns that a table has for the sake of its geometry.
HIDDEN = frozenset({"geometry", "geometry_84", *BOX, *BOX_84})


@dataclass(frozen=True, slots=True, eq=False)
class TableBlock:
    """Rows of one batch of a table."""

    batch: pa.RecordBatch
    grid: Grid
    id_name: str

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.batch)

    def column(self, name: str, at: Ints | None = None) -> pa.Array:
        """Values of a column, of all rows or of some."""
        values = self.batch.column(name)
        return values if at is None else values.take(pa.array(at))

    def ids(self, at: Ints | None = None) -> pa.Array:
        """Ids of features."""
        found = self.column(self.id_name, at)
        return found.dictionary_decode() if pa.types.is_dictionary(found.type) else found

    def boxes(self) -> Boxes:
        """Boxes in CRS84."""
        west, south, east, north = (self.batch.column(n).to_numpy() for n in BOX_84)
        return west, south, east, north

    def shapes(self, at: Ints) -> Shapes:
        """Shapes in CRS84."""
        return wkb_shapes(self.wkb_84(at))

    def wkb_84(self, at: Ints | None = None) -> pa.Array:
        """Shapes in CRS84 as WKB."""
        if "geometry_84" in self.batch.schema.names:
            return self.column("geometry_84", at)
        return polygons(corners_84(self.grid, *self._places(at)))

    def wkb(self, at: Ints | None = None) -> pa.Array:
        """Shapes in the grid's CRS as WKB."""
        if "geometry" in self.batch.schema.names:
            return self.column("geometry", at)
        return polygons(corners(self.grid, *self._places(at)))

    def _places(self, at: Ints | None) -> tuple[Ints, Ints]:
        row, col = (self.column(n, at).to_numpy().astype(np.int64) for n in ("row", "col"))
        return row, col


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Rows of a stored table; ``id_name`` is the column that names a feature."""

    stored: Stored
    grid: Grid
    id_name: str

    @property
    def schema(self) -> pa.Schema:
        """Columns that are properties of features."""
        return pa.schema([f for f in self.stored.schema if f.name not in HIDDEN])

    @property
    def number(self) -> int:
        """Number of rows."""
        return self.stored.rows

    def blocks(self, bounds: Bounds | None, years: tuple[int, int] | None) -> Iterator[TableBlock]:
        """All blocks, those left out that lie apart from a box in CRS84. These rows are of no year of their own."""
        for batch in self.stored.batches:
            block = TableBlock(batch, self.grid, self.id_name)
            if bounds is None or _touches(block.boxes(), bounds):
                yield block

    def find(self, fid: str) -> tuple[TableBlock, Ints] | None:
        """Block and position of a feature; None if there is none of that id."""
        value: Any = fid
        if pa.types.is_integer(self.stored.schema.field(self.id_name).type):
            if not (fid.isascii() and fid.isdecimal() and len(fid) <= 18 and str(int(fid)) == fid):
                return None
            value = int(fid)
        try:
            at = self.stored.positions(self.id_name, [value])
        except NotFound:
            return None
        if not len(at):
            return None
        which = int(np.searchsorted(self.stored.starts, at[0], side="right")) - 1
        return TableBlock(self.stored.batches[which], self.grid, self.id_name), at[:1] - self.stored.starts[which]


def _touches(boxes: Boxes, bounds: Bounds) -> bool:
    west, south, east, north = boxes
    return bool(((west <= bounds[2]) & (east >= bounds[0]) & (south <= bounds[3]) & (north >= bounds[1])).any())
