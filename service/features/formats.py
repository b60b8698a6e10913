"""Formats of features beside GeoJSON: one way to write each, for a page in memory and for a collection on disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyarrow import csv

from gis.errors import InvalidParameter
from gis.views.lonlat import wkb_shapes
from service.features.crs import Crs
from service.features.select import Page

__all__ = ["DOWNLOADS", "PAGES", "FileFormat", "Stream", "encoded", "format_named", "write"]

_GEOMETRY = "geometry"
_ROW_GROUP = 1 << 16
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format: its name in ``f=``, its media type, and the ending that programs know it by."""

    name: str
    media_type: str
    title: str
    suffix: str


_CSV = FileFormat("csv", "text/csv; charset=utf-8", "CSV", ".csv")
_FGB = FileFormat("fgb", "application/flatgeobuf", "FlatGeobuf", ".fgb")
_PARQUET = FileFormat("parquet", "application/vnd.apache.parquet", "GeoParquet", ".parquet")
_GPKG = FileFormat("gpkg", "application/geopackage+sqlite3", "GeoPackage", ".gpkg")
_JSON = FileFormat("json", "application/geo+json", "GeoJSON", ".geojson")
PAGES = (_CSV, _FGB, _PARQUET)
DOWNLOADS = (_PARQUET, _FGB, _GPKG, _CSV, _JSON)


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Features on their way into a file: batches of ids, properties and WKB, all of one schema; ``when`` dates the file."""

    name: str
    when: datetime
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    crs: Crs
    geometry_type: str


def format_named(name: str, among: tuple[FileFormat, ...]) -> FileFormat:
    """The format of a name."""
    for found in among:
        if found.name == name:
            return found
    raise InvalidParameter(f"f={name[:40]!r} is no format here; use one of {', '.join(f.name for f in among)}")


def encoded(page: Page, name: str) -> bytes:
    """The page as the bytes of a file."""
    form = format_named(name, PAGES)
    with TemporaryDirectory(prefix="cozone-page-") as aside:
        path = Path(aside) / f"page{form.suffix}"
        write(_stream_of(page), form, path)
        return path.read_bytes()


def _stream_of(page: Page) -> Stream:
    table = table_of(page)
    kind = page.collection.geometry_type
    return Stream(page.collection.id, page.collection.created, table.schema, iter(table.to_batches()), page.crs, kind)


def table_of(page: Page) -> pa.Table:
    """Properties, and the shapes as WKB in ``geometry``; ids in ``id`` where no property is the id."""
    table = page.table
    if page.collection.id_field not in page.collection.rows.schema.names:
        table = table.add_column(0, "id", page.ids) if table.num_columns else pa.table({"id": page.ids})
    elif not table.num_columns:
        table = pa.table({page.collection.id_field: page.ids})
    return table.append_column(_GEOMETRY, page.geometry)


def write(stream: Stream, form: FileFormat, path: Path) -> None:
    """Write the features into a file."""
    if form is _CSV:
        _write_csv(stream, path)
    elif form is _PARQUET:
        _write_parquet(stream, path)
    else:
        _write_ogr(stream, path, "FlatGeobuf" if form is _FGB else "GPKG")


def _write_csv(stream: Stream, path: Path) -> None:
    """CSV in UTF-8 with the mark that spreadsheets need, shapes as WKT."""
    fields = [f for f in stream.schema if f.name != _GEOMETRY]
    schema = pa.schema([*fields, pa.field("wkt", pa.string())])
    with path.open("wb") as file:
        file.write(_BOM)
        with csv.CSVWriter(file, schema) as writer:
            for batch in stream.batches:
                columns = [batch.column(f.name) for f in fields]
                shapes = wkb_shapes(batch.column(_GEOMETRY))
                if stream.crs.flipped:
                    shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
                texts = pa.array(shapely.to_wkt(shapes, rounding_precision=-1), pa.string())
                writer.write_batch(pa.record_batch([*columns, texts], schema=schema))


def _write_parquet(stream: Stream, path: Path) -> None:
    """GeoParquet 1.1 in row groups, each of which says where it lies."""
    about: dict[str, Any] = {"encoding": "WKB", "geometry_types": _types(stream.geometry_type), "edges": "planar"}
    about["crs"] = json.loads(stream.crs.crs.to_json())
    sides = ("xmin", "ymin", "xmax", "ymax")
    about["covering"] = {"bbox": {side: ["bbox", side] for side in sides}}
    geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: about}}
    box = pa.struct([(side, pa.float64()) for side in sides])
    schema = stream.schema.append(pa.field("bbox", box)).with_metadata({"geo": json.dumps(geo)})
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in stream.batches:
            bounds = shapely.bounds(wkb_shapes(batch.column(_GEOMETRY)))
            boxes = pa.StructArray.from_arrays([pa.array(np.ascontiguousarray(v)) for v in bounds.T], sides)
            writer.write_batch(pa.record_batch([*batch.columns, boxes], schema=schema), row_group_size=_ROW_GROUP)


def _types(kind: str) -> list[str]:
    return [] if kind == "Geometry" else [kind]


def _write_ogr(stream: Stream, path: Path, driver: str) -> None:
    """FlatGeobuf with its spatial index, or a GeoPackage of the version that every GIS reads without a warning."""
    reader = pa.RecordBatchReader.from_batches(stream.schema, stream.batches)
    kind = "Unknown" if stream.geometry_type == "Geometry" else stream.geometry_type
    options: dict[str, Any] = {"dataset_options": {"VERSION": "1.2"}} if driver == "GPKG" else {}
    pyogrio.write_arrow(
        reader, path, layer=stream.name, driver=driver, geometry_name=_GEOMETRY, geometry_type=kind, crs=stream.crs.crs.to_wkt(),
        **options,
    )  # fmt: skip
    if driver == "GPKG":
        _date(path, stream.when)


def _date(path: Path, when: datetime) -> None:
    """Put the date of the result where GDAL wrote the time of day, so that the same result makes the same file."""
    moment = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (moment,))
