"""Emitting cells as polygons: GeoParquet, GeoPackage, FlatGeobuf. Blocks stream from layers to file; nothing is held whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from gis.exports.cells import cell_batches, cell_schema
from gis.exports.source import LayerSource, Selection

__all__ = ["write_flatgeobuf", "write_geopackage", "write_geoparquet"]


def write_geoparquet(source: LayerSource, path: Path, selection: Selection) -> int:
    """Number of rows written as GeoParquet 1.0 (WKB)."""
    schema = cell_schema(source, selection, geometry=True)
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB", "geometry_types": ["Polygon"], "orientation": "counterclockwise", "edges": "planar",
                "crs": json.loads(source.grid.crs.to_json()), "bbox": list(source.grid.bounds),
            }
        },
    }  # fmt: skip
    schema = schema.with_metadata({b"geo": json.dumps(geo).encode()})
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in cell_batches(source, selection, geometry=True):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def write_geopackage(source: LayerSource, path: Path, selection: Selection) -> int:
    """Number of rows written as a GeoPackage with one layer, ``cells``."""
    return _write_ogr(source, path, selection, driver="GPKG")


def write_flatgeobuf(source: LayerSource, path: Path, selection: Selection) -> int:
    """Number of rows written as FlatGeobuf."""
    return _write_ogr(source, path, selection, driver="FlatGeobuf")


def _write_ogr(source: LayerSource, path: Path, selection: Selection, *, driver: str) -> int:
    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in cell_batches(source, selection, geometry=True):
            rows += batch.num_rows
            yield batch

    reader = pa.RecordBatchReader.from_batches(cell_schema(source, selection, geometry=True), counted())
    path.unlink(missing_ok=True)
    pyogrio.write_arrow(
        reader, path, layer="cells", driver=driver, geometry_name="geometry", geometry_type="Polygon",
        crs=source.grid.crs.to_wkt(),
    )  # fmt: skip
    return rows
