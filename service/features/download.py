"""Downloads: a whole collection as a file, made once and kept among the views."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from service.errors import TooLarge
from service.features.collection import Collection
from service.features.crs import Crs, known_crs
from service.features.formats import DOWNLOADS, FileFormat, Stream, format_named, write
from service.features.geojson import features
from service.features.query import Query
from service.features.rows import Block, Ints
from service.features.select import columns_of_rows, page_of
from service.library import Library

__all__ = ["downloaded"]

# Raise it whenever what a file holds changes.
_FORMAT = 1
_CHUNK = 1 << 16


def downloaded(library: Library, collection: Collection, name: str) -> Path:
    """The file of a collection; made first if it is not there yet."""
    form = format_named(name, DOWNLOADS)
    if collection.number > library.settings.download_rows:
        raise TooLarge(
            f"{collection.id} has {collection.number:,} features; downloads go up to {library.settings.download_rows:,}. "
            "Page through /items, or ask for a part of it by bbox"
        )
    kept = f"downloads/{collection.id}-{_FORMAT}{form.suffix}"
    return library.views.files.opened(kept, lambda path: _write(collection, form, path), _there)


def _there(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(path)
    return path


def _write(collection: Collection, form: FileFormat, path: Path) -> None:
    aside = path.with_name(f".{uuid.uuid4().hex}{form.suffix}")  # GDAL goes by the ending
    try:
        if form.name == "json":
            _write_geojson(collection, aside)
        else:
            write(_stream(collection, form), form, aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _chunks(collection: Collection) -> Iterator[tuple[Block, Ints]]:
    for block in collection.rows.blocks(None, None):
        for start in range(0, block.count, _CHUNK):
            yield block, np.arange(start, min(start + _CHUNK, block.count))


def _stream(collection: Collection, form: FileFormat) -> Stream:
    """All features; shapes in the CRS of the grid, in CRS84 for CSV, which cannot say in which it is."""
    lonlat = form.name == "csv"
    crs = known_crs(collection.grid)[0] if lonlat else Crs("", collection.grid.crs, False)
    names = [f.name for f in collection.fields]
    columns, _ = columns_of_rows(collection, names, [])
    own = collection.id_field in columns.names
    schema = columns if own else columns.insert(0, pa.field("id", pa.string()))
    schema = schema.append(pa.field("geometry", pa.binary()))

    def batches() -> Iterator[pa.RecordBatch]:
        for block, at in _chunks(collection):
            _, made = columns_of_rows(collection, names, [(block, at)])
            ids = [] if own else [block.ids(at)]
            shapes = block.wkb_84(at) if lonlat else block.wkb(at)
            yield pa.record_batch([*ids, *next(iter(made)).columns, shapes], schema=schema)

    return Stream(collection.id, collection.created, schema, batches(), crs, collection.geometry_type)


def _write_geojson(collection: Collection, path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        mark = b"\n"
        for block, at in _chunks(collection):
            page = page_of(collection, Query(limit=len(at)), [(block, at)], None, False)
            file.write(mark + features(page))
            mark = b",\n"
        file.write(b"\n]}\n")
