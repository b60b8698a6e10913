"""GeoParquet (and plain Parquet tables) to columns, geometries and a CRS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import ReadError

__all__ = ["read_geoparquet"]

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
Read = tuple[dict[str, pa.Array], NDArray[np.object_] | Points | None, CRS | None]
# A point in little-endian WKB: one byte of order, four of type, two numbers.
_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])


def read_geoparquet(path: Path, name: str) -> Read:
    """Columns, geometries (x and y where all are points) and CRS of a Parquet file; a plain one has no geometries."""
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
        primary = meta.get("primary_column")
        if primary is None:
            return {c: _column(table, c) for c in table.column_names}, None, None
        described = meta["columns"][primary]
        shapes = _shapes(path, table, primary, described)
        columns = {c: _column(table, c) for c in table.column_names if c not in meta["columns"]}
        return columns, shapes, _crs(described)
    except Exception as error:
        # Thrift, codec, JSON and WKB errors of a damaged file come from four libraries.
        raise ReadError(
            f"{name}: cannot be read as GeoParquet, truncated or corrupt ({type(error).__name__}: {error})"
        ) from error


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table[name].combine_chunks()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column


def _shapes(path: Path, table: pa.Table, primary: str, described: dict[str, Any]) -> NDArray[np.object_] | Points:
    if described.get("encoding") == "WKB":
        points = _points(table[primary].combine_chunks())
        if points is not None:
            return points
        shapes: NDArray[np.object_] = shapely.from_wkb(table[primary].to_numpy())
        return shapes
    return np.asarray(gpd.read_parquet(path, columns=[primary]).geometry.to_numpy(), object)


def _points(wkb: pa.Array) -> Points | None:
    """X and y where every geometry is a plain point, else None."""
    if wkb.null_count or not len(wkb) or not pa.types.is_binary(wkb.type):
        return None
    _, offsets, data = wkb.buffers()
    edges = np.frombuffer(offsets, np.int32)[wkb.offset : wkb.offset + len(wkb) + 1]
    if not (np.diff(edges) == _POINT.itemsize).all():
        return None
    records = np.frombuffer(data, _POINT, count=len(wkb), offset=int(edges[0]))
    if not ((records["order"] == 1) & (records["type"] == 1)).all():
        return None
    x, y = np.ascontiguousarray(records["x"]), np.ascontiguousarray(records["y"])
    # An empty point is written as two NaN, and is no place.
    return (x, y) if np.isfinite(x).all() and np.isfinite(y).all() else None


def _crs(described: dict[str, Any]) -> CRS | None:
    if "crs" not in described:
        # The format's own default: longitude and latitude on WGS 84.
        return CRS("OGC:CRS84")
    return None if described["crs"] is None else CRS.from_user_input(described["crs"])
