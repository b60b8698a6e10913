"""Columns of tables as arrays for vector tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["plain_column"]


def plain_column(column: pa.ChunkedArray, *, codes: Mapping[str, int] | None = None) -> NDArray[Any]:
    """Numbers as they are (NaN where there is none), truth values, texts as objects; with ``codes``, the number of each text."""
    kind = column.type
    if codes is not None:
        return _coded(column, codes)
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        out = np.empty(len(column), np.object_)
        out[:] = column.cast(pa.string()).to_pylist()
        return out
    if pa.types.is_boolean(kind):
        return np.asarray(pc.fill_null(column, False).to_numpy(), np.bool_)
    return np.asarray(column.to_numpy())


def _coded(column: pa.ChunkedArray, codes: Mapping[str, int]) -> NDArray[np.int64]:
    known = pa.array(list(codes), pa.string())
    at = pc.fill_null(pc.index_in(column.cast(pa.string()), known), 0).to_numpy()
    found: NDArray[np.int64] = np.array(list(codes.values()), np.int64)[at]
    return found
