"""GeoJSON from Arrow columns: numbers turned into text a column at a time, features joined from those texts, no object made for any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.views.lattice import rings_of
from gis.views.lonlat import wkb_shapes
from service.features.select import Page

__all__ = ["feature", "feature_collection", "features"]

_COMMA, _CLOSE = ord(","), ord("]")
_NUMPY = orjson.OPT_SERIALIZE_NUMPY


def feature_collection(page: Page, members: Mapping[str, object]) -> bytes:
    """The page as a FeatureCollection with further members (``links``, ``timeStamp``); not a number is null."""
    about = {"type": "FeatureCollection", **members, "numberReturned": page.number_returned}
    if page.number_matched is not None:
        about["numberMatched"] = page.number_matched
    return orjson.dumps(about)[:-1] + b',"features":[' + features(page) + b"]}"


def feature(page: Page, members: Mapping[str, object]) -> bytes:
    """The only feature of a page, with further members."""
    return features(page)[:-1] + b"," + orjson.dumps(dict(members))[1:] if members else features(page)


def features(page: Page) -> bytes:
    """The features, parted by commas."""
    if not page.number_returned:
        return b""
    pieces: list[Any] = ['{"type":"Feature","id":', _tokens(page.ids), ',"geometry":', _shapes(page), ',"properties":{']
    for position, name in enumerate(page.table.column_names):
        key = orjson.dumps(name).decode()
        pieces += [f"{',' if position else ''}{key}:", _tokens(_whole(page.table[name]))]
    pieces.append("}},")
    return _bytes_of(_joined(_merged(pieces)))[:-1]


def _merged(pieces: list[Any]) -> list[Any]:
    """Neighbouring constants made one: every piece costs a pass."""
    out: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _joined(pieces: list[Any]) -> pa.Array:
    """Texts joined row by row; constants stand in every row."""
    large = pa.large_string()
    alike = [pa.scalar(p, large) if isinstance(p, str) else p.cast(large) for p in pieces]
    return pc.binary_join_element_wise(*alike, pa.scalar("", large))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _bytes_of(texts: pa.Array) -> bytes:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[[texts.offset, texts.offset + len(texts)]]
    return bytes(memoryview(data)[ends[0] : ends[1]])


# -- values -----------------------------------------------------------------------------------------------------------


def _tokens(column: pa.Array) -> pa.Array:
    """JSON of every value."""
    kind = column.type
    if pa.types.is_boolean(kind):
        found = pc.if_else(column, "true", "false")
    elif pa.types.is_integer(kind):
        found = column.cast(pa.string())
    elif pa.types.is_floating(kind):
        return _numbers(column.to_numpy(zero_copy_only=False))
    else:
        return _texts(column)
    return pc.fill_null(found, "null")


def _numbers(values: NDArray[np.floating[Any]]) -> pa.Array:
    """Numbers in as few digits as read back the same; null for what is none."""
    text = orjson.dumps(np.ascontiguousarray(values), option=_NUMPY)[1:-1] + b","
    return _cut(text, np.flatnonzero(np.frombuffer(text, np.uint8) == _COMMA), gap=1)


def _cut(text: bytes, ends: NDArray[np.int64], *, gap: int) -> pa.Array:
    """Pieces of a text, each up to its end, with ``gap`` signs between it and the next left out."""
    starts = np.concatenate(([0], ends[:-1] + gap))
    # Arrow's strings follow each other without gaps: the signs between them are taken out.
    keep = np.ones(len(text), bool)
    for sign in range(gap):
        keep[ends + sign] = False
    offsets = np.concatenate(([0], np.cumsum(ends - starts))).astype(np.int64)
    data = np.frombuffer(text, np.uint8)[keep]
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))


def _texts(column: pa.Array) -> pa.Array:
    if _is_plain(column):
        quoted = _joined(['"', column, '"'])
    else:
        quoted = pa.array([None if v is None else orjson.dumps(v).decode() for v in column.to_pylist()], pa.string())
    return pc.fill_null(quoted, "null")


def _is_plain(column: pa.Array) -> bool:
    """Whether no sign of any text has to be escaped."""
    data = column.buffers()[2]
    if data is None:
        return True
    signs = np.frombuffer(data, np.uint8)
    return not ((signs < 0x20) | (signs == 0x22) | (signs == 0x5C)).any()


# -- shapes -----------------------------------------------------------------------------------------------------------


def _shapes(page: Page) -> pa.Array:
    rings = rings_of(page.geometry)
    if rings is not None:
        return _squares(rings[:, :, ::-1] if page.crs.flipped else rings)
    shapes = wkb_shapes(page.geometry)
    if page.crs.flipped:
        shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    return pa.array(shapely.to_geojson(shapes), pa.large_string())


def _squares(rings: NDArray[np.float64]) -> pa.Array:
    """Cells: one ring of five points each, all of them written at once and cut apart."""
    text = orjson.dumps(np.ascontiguousarray(rings), option=_NUMPY)[1:-1] + b","
    signs = np.frombuffer(text, np.uint8)
    # A ring ends with two brackets and a comma, a point with one.
    ends = np.flatnonzero((signs[:-2] == _CLOSE) & (signs[1:-1] == _CLOSE)) + 2
    found = _cut(text, ends, gap=1)
    return _joined(['{"type":"Polygon","coordinates":[', found, "]}"])
