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

Read = tuple[dict[str, pa.Array], NDArray[np.object_] | None, CRS | None, tuple[str, ...]]


def read_geoparquet(path: Path, name: str) -> Read:
    """Columns, geometries and CRS of a Parquet file; no geometries when it is not a GeoParquet one."""
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
        primary = meta.get("primary_column")
        if primary is None:
            return {c: _column(table, c) for c in table.column_names}, None, None, ()
        described = meta["columns"][primary]
        shapes = _shapes(path, table, primary, described)
        columns = {c: _column(table, c) for c in table.column_names if c not in meta["columns"]}
        return columns, shapes, _crs(described), ()
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


def _shapes(path: Path, table: pa.Table, primary: str, described: dict[str, Any]) -> NDArray[np.object_]:
    if described.get("encoding") == "WKB":
        shapes: NDArray[np.object_] = shapely.from_wkb(table[primary].to_numpy())
        return shapes
    return np.asarray(gpd.read_parquet(path, columns=[primary]).geometry.to_numpy(), object)


def _crs(described: dict[str, Any]) -> CRS | None:
    if "crs" not in described:
        # The format's own default: longitude and latitude on WGS 84.
        return CRS("OGC:CRS84")
    return None if described["crs"] is None else CRS.from_user_input(described["crs"])
