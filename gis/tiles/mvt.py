"""Layers of Mapbox vector tiles (version 2.1) as bytes: typed columns and geometries in tile units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import InvalidParameter
from gis.kernels.vectortile import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    MISSING,
    TEXT,
    encode_features,
    point_commands,
    quad_commands,
    ring_commands,
)
from gis.tiles.protobuf import field, varint

__all__ = ["BUFFER", "EXTENT", "Column", "encode_cells", "encode_points", "encode_polygons"]

EXTENT = 4096  # units of a tile's side
BUFFER = 64  # units around it that a layer may reach into: 4 pixels of 256, 8 of 512

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Commands = tuple[NDArray[np.uint32], Ints]
_POINT, _POLYGON = 1, 3
_QUAD_COMMANDS = (
    48  # of a cell that the box cut on four sides, however it bends: nineteen vertices and what is around them
)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A property of the features. NaN, "" and None are missing, and so is what ``missing`` says: such a feature does not have it.

    float64 is written as a double, float32 as a float, integers and truth values as such, anything else as text.
    """

    name: str
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.asarray(self.values))

    @property
    def kind(self) -> int:
        """The kind of the values, as the kernel numbers them."""
        code = self.values.dtype.kind
        if code == "f":
            return FLOAT if self.values.dtype.itemsize <= 4 else DOUBLE
        return {"i": INT, "u": INT, "b": BOOL}.get(code, TEXT)


def encode_cells(
    name: str, ids: ArrayLike, x: Floats, y: Floats, row: ArrayLike, col: ArrayLike, columns: Sequence[Column]
) -> bytes:
    """A layer of cells: row and col count those of a lattice of corners (x, y in tile units), cut by the tile and its buffer."""
    r, c = np.ascontiguousarray(row, np.int64), np.ascontiguousarray(col, np.int64)
    commands, start = np.empty(_QUAD_COMMANDS * len(r), np.uint32), np.empty(len(r) + 1, np.int64)
    quad_commands(x, y, r, c, float(-BUFFER), float(EXTENT + BUFFER), commands, start)
    return _layer(name, _POLYGON, ids, (commands[: start[-1]], start), columns)


def encode_points(name: str, ids: ArrayLike, x: ArrayLike, y: ArrayLike, columns: Sequence[Column]) -> bytes:
    """A layer of points at whole tile units."""
    px, py = np.ascontiguousarray(x, np.int64), np.ascontiguousarray(y, np.int64)
    commands, start = np.empty(3 * len(px), np.uint32), np.empty(len(px) + 1, np.int64)
    point_commands(px, py, commands, start)
    return _layer(name, _POINT, ids, (commands, start), columns)


def encode_polygons(name: str, ids: ArrayLike, shapes: NDArray[np.object_], columns: Sequence[Column]) -> bytes:
    """A layer of polygons and multipolygons in tile units, rounded to whole ones; empty ones are left out."""
    return _layer(name, _POLYGON, ids, _polygon_commands(np.asarray(shapes, np.object_)), columns)


def _polygon_commands(shapes: NDArray[np.object_]) -> Commands:
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    kinds = shapely.get_type_id(parts)
    if (kinds != shapely.GeometryType.POLYGON).any():
        raise InvalidParameter("a layer of polygons holds something else")
    rings, of_part = shapely.get_rings(parts, return_index=True)
    coords, of_ring = shapely.get_coordinates(rings, return_index=True)
    first = np.searchsorted(of_ring, np.arange(len(rings) + 1))
    hole = np.ones(len(rings), np.bool_)
    hole[np.unique(of_part, return_index=True)[1]] = False
    commands = np.empty(2 * len(coords) + 4 * len(rings), np.uint32)
    start = np.empty(len(shapes) + 1, np.int64)
    ring_commands(coords, first, of_shape[of_part].astype(np.int64), hole, commands, start)
    return commands[: start[-1]], start


def _layer(name: str, geometry: int, ids: ArrayLike, commands: Commands, columns: Sequence[Column]) -> bytes:
    numbers = np.ascontiguousarray(ids).astype(np.uint64)
    kinds = np.array([c.kind for c in columns], np.uint8)
    texts = _Texts()
    bits = np.empty((len(numbers), len(columns)), np.uint64)
    for k, column in enumerate(columns):
        bits[:, k] = _bits(column, texts)
        if column.missing is not None:
            bits[column.missing, k] = MISSING
    pool, pool_start = texts.pool()
    features, values, written = encode_features(geometry, numbers, *commands, kinds, bits, pool, pool_start)
    if not written:
        return b""
    keys = b"".join(field(3, c.name.encode()) for c in columns)
    head = field(1, name.encode())
    # version 2 in field 15, extent in field 5
    body = b"".join((head, features.tobytes(), keys, values.tobytes(), b"\x28", varint(EXTENT), b"\x78\x02"))
    return field(3, body)


def _bits(column: Column, texts: _Texts) -> NDArray[np.uint64]:
    values, kind = column.values, column.kind
    if kind == DOUBLE or kind == FLOAT:
        plain: NDArray[Any] = values.astype(np.float64 if kind == DOUBLE else np.float32)
        plain += 0  # -0 is 0
        bits: NDArray[np.uint64] = plain.view(np.uint64 if kind == DOUBLE else np.uint32).astype(np.uint64)
        bits[np.isnan(plain)] = MISSING
        return bits
    if kind == INT:
        signed = values.astype(np.int64)
        zigzag: NDArray[np.uint64] = ((signed << 1) ^ (signed >> 63)).view(np.uint64)
        return zigzag
    if kind == BOOL:
        return values.astype(np.uint64)
    return texts.numbers(values)


class _Texts:
    """Texts of a layer, each once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def numbers(self, values: NDArray[Any]) -> NDArray[np.uint64]:
        """The number of each text; of an empty one, or none, MISSING."""
        known = self._known
        found = (
            known.setdefault(text, len(known)) if isinstance(text, str) and text else int(MISSING)
            for text in values.tolist()
        )
        return np.fromiter(found, np.uint64, len(values))

    def pool(self) -> tuple[NDArray[np.uint8], Ints]:
        """The texts in UTF-8, one after the other, and where each begins."""
        raw = [text.encode() for text in self._known]
        start = np.zeros(len(raw) + 1, np.int64)
        np.cumsum([len(r) for r in raw], out=start[1:])
        return np.frombuffer(b"".join(raw) or b"\0", np.uint8), start
