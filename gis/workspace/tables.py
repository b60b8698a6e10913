"""Tables as Parquet objects: frames, geometries, and weights in two orders, so that a look-up reads a few row groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = [
    "PARQUET",
    "entries_at",
    "frame_writer",
    "geo_writer",
    "read_entries",
    "read_frame",
    "read_geo",
    "weights_writer",
]

PARQUET = "application/vnd.apache.parquet"
# A look-up reads one or two of these: one to two milliseconds each.
ROW_GROUP = 1 << 17
_LEVEL = 1

Writer = Callable[[BinaryIO], Any]


def frame_writer(frame: pd.DataFrame) -> Writer:
    """What writes a frame; its index is left out."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return lambda file: pq.write_table(table, file, compression="zstd", compression_level=_LEVEL)


def geo_writer(frame: gpd.GeoDataFrame) -> Writer:
    """What writes a frame with geometries as GeoParquet."""
    return lambda file: frame.to_parquet(file, index=False, compression="zstd", compression_level=_LEVEL)


def read_frame(path: Path) -> pd.DataFrame:
    """The frame of a Parquet object."""
    frame: pd.DataFrame = pq.ParquetFile(path).read().to_pandas()
    return frame


def read_geo(path: Path) -> gpd.GeoDataFrame:
    """The frame of a GeoParquet object."""
    with path.open("rb") as file:  # an object's name has no ending to tell the format by
        return gpd.read_parquet(file)


def weights_writer(
    *,
    order: str,
    indptr: NDArray[np.integer[Any]],
    ids: NDArray[np.integer[Any]] | None,
    other: NDArray[Any],
    share: NDArray[np.float64],
    row_group: int = ROW_GROUP,
) -> Writer:
    """What writes weights sorted by ``order`` ("source" or "cell"), block by block so that the long form is never whole.

    Entry e of row k (indptr[k] <= e < indptr[k + 1]) belongs to ids[k] (k itself without ids); ``other`` is the cell of
    each entry when sorted by source, and its source when sorted by cell.
    """
    names = ("source", "cell") if order == "source" else ("cell", "source")
    schema = pa.schema([(names[0], pa.int64()), (names[1], pa.int64()), ("share", pa.float64())])
    encoding = {"source": "DELTA_BINARY_PACKED", "cell": "DELTA_BINARY_PACKED", "share": "PLAIN"}

    def write(file: BinaryIO) -> None:
        with pq.ParquetWriter(
            file, schema, use_dictionary=False, column_encoding=encoding,
            # Shares are noise: compressing them costs time at every look-up and saves a twentieth.
            compression={"source": "zstd", "cell": "zstd", "share": "none"}, compression_level={"source": 1, "cell": 1},
        ) as writer:  # fmt: skip
            for start in range(0, len(share), row_group):
                stop = min(start + row_group, len(share))
                columns = [_rows(indptr, ids, start, stop), other[start:stop].astype(np.int64), share[start:stop]]
                writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema), row_group_size=row_group)

    return write


def _rows(
    indptr: NDArray[np.integer[Any]], ids: NDArray[np.integer[Any]] | None, start: int, stop: int
) -> NDArray[np.int64]:
    """Row, or its id, of each entry from start to stop."""
    # Numbers of the array's own type: others would turn all of it for every block.
    first, last = indptr.dtype.type(start), indptr.dtype.type(stop)
    low = int(np.searchsorted(indptr, first, side="right")) - 1
    high = int(np.searchsorted(indptr, last, side="left"))
    edges = np.clip(indptr[low : high + 1], start, stop)
    count = edges[1:] - edges[:-1]
    return np.repeat(np.arange(low, high) if ids is None else ids[low:high].astype(np.int64), count)


def read_entries(path: Path) -> pa.Table:
    """All entries of a weights object."""
    return pq.ParquetFile(path).read()


def entries_at(path: Path, order: str, wanted: NDArray[np.int64]) -> pa.Table:
    """Entries whose source or cell (whichever the object is sorted by) is wanted, from the row groups that may hold them."""
    metadata, least, greatest = _index(path)
    keys = np.unique(wanted)
    may = np.searchsorted(keys, least) < np.searchsorted(keys, greatest, side="right")
    with pq.ParquetFile(path, metadata=metadata) as file:
        table = file.read_row_groups(np.flatnonzero(may).tolist(), use_threads=False)
    return table.filter(pc.is_in(table[order], value_set=pa.array(keys)))


@lru_cache(maxsize=64)
def _index(path: Path) -> tuple[pq.FileMetaData, NDArray[np.int64], NDArray[np.int64]]:
    """What an object, which never changes, says about its row groups: least and greatest key of each."""
    metadata = pq.read_metadata(path)
    found = [metadata.row_group(g).column(0).statistics for g in range(metadata.num_row_groups)]
    return metadata, np.array([s.min for s in found], np.int64), np.array([s.max for s in found], np.int64)
