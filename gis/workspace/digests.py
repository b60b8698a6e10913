"""Digests of tables: what a table says, whatever library wrote it, as the content a zoning's id rests on."""

from __future__ import annotations

import hashlib
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid

__all__ = ["plain_frame", "table_digest"]


def plain_frame(frame: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """The table with numbers, truth values, texts (a missing one is empty) and at most one geometry in the grid's CRS."""
    out = {str(name): _plain_column(str(name), frame[name]) for name in frame.columns}
    if "geometry" not in out:
        return pd.DataFrame(out)
    shapes = gpd.GeoSeries(frame["geometry"])
    if shapes.crs is None or shapes.crs != grid.crs:
        raise InvalidParameter(
            f"geometry in {shapes.crs or 'no CRS'}; a result's shapes are in its grid's, {grid.crs.name}"
        )
    if shapes.isna().any() or shapes.is_empty.any():
        raise InvalidParameter(f"{int((shapes.isna() | shapes.is_empty).sum())} row(s) of a table have no geometry")
    out["geometry"] = shapes.reset_index(drop=True).to_numpy()
    plain: pd.DataFrame = gpd.GeoDataFrame(out, geometry="geometry", crs=grid.crs)
    return plain


def table_digest(frame: pd.DataFrame) -> str:
    """SHA-256 of a plain table: names of its columns in order, and values; the width of numbers does not matter."""
    digest = hashlib.sha256(f"{len(frame)}".encode())
    for name in frame.columns:
        kind, parts = _bytes_of(frame[name])
        digest.update(f"\0{name}\0{kind}\0".encode())
        for part in parts:
            digest.update(part)
    return digest.hexdigest()


def _plain_column(name: str, column: pd.Series[Any]) -> Any:
    if name == "geometry":
        return None  # put in by the caller
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.to_numpy()
    if column.dtype.kind in "biuf" and not column.isna().any():  # pandas' own numbers that may be missing
        return column.to_numpy(column.dtype.numpy_dtype)  # type: ignore[union-attr]
    missing = column.isna()
    if column.dtype == "str":
        return column.fillna("").array if missing.any() else column.array
    odd = [v for v in column[~missing].unique() if not isinstance(v, str)]
    if odd or column.dtype.kind not in "OUST":
        raise InvalidParameter(f"column {name} holds {odd[0]!r}" if odd else f"column {name} is {column.dtype}")
    return column.astype(object).where(~missing, "").astype("str").array


def _bytes_of(column: pd.Series[Any]) -> tuple[str, list[Any]]:
    if column.name == "geometry":
        shapes = [bytes(b) for b in shapely.to_wkb(column.to_numpy(), byte_order=1, output_dimension=2)]
        return "wkb", [np.array([len(s) for s in shapes], "<i8").data, b"".join(shapes)]
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind == "O":
        return "text", _text_bytes(column)
    if column.dtype.kind == "f":
        return "float", [_canonical(column.to_numpy(np.float64)).data]
    kind, wide = ("bool", "u1") if column.dtype.kind == "b" else ("int", "<i8")
    return kind, [np.ascontiguousarray(column.to_numpy(), wide).data]


def _canonical(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same numbers with one bit pattern for zero and one for what is not a number."""
    out = np.ascontiguousarray(values, "<f8") + 0.0
    out[np.isnan(out)] = np.nan
    return out


def _text_bytes(column: pd.Series[Any]) -> list[Any]:
    texts = pa.array(column, pa.large_string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype("<i8")
    _, offsets, data = texts.buffers()
    if data is None:
        return [lengths.data]
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return [lengths.data, memoryview(data)[ends[0] : ends[-1]]]
