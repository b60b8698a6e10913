"""Columns of a published table as Arrow batches: a geometry in both CRSs beside its boxes, cells with their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from gis.grid import Grid
from gis.views.lattice import centres_84, corners_84
from gis.views.lonlat import (
    CRS84,
    DEGREE_DECIMALS,
    Shapes,
    bounds_columns,
    moved,
    oriented,
    rounded,
    wkb_array,
    wkb_shapes,
)
from gis.views.sources import sources_table
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = ["BOX", "BOX_84", "Batches", "batches_of", "stored_batches", "table_names"]

BOX = ("grid_west", "grid_south", "grid_east", "grid_north")
BOX_84 = ("west", "south", "east", "north")
_BATCH = 1 << 16
# Beyond so many values a text is stored as it is.
_FEW = 4_096
_GEOMETRY = "geometry"
_CELLS = {"cell", "row", "col"}


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """Batches to come, all of one schema."""

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]


def table_names(result: Run | StoredZoning | StoredComparison) -> tuple[str, ...]:
    """Tables that a result has."""
    if isinstance(result, Run):
        return ("sources",) if result.parts else ()
    return tuple(result.tables)


def stored_batches(result: Run | StoredZoning | StoredComparison, name: str) -> Batches:
    """The batches of a table."""
    if isinstance(result, Run):
        return batches_of(sources_table(result), CRS84, result.grid)
    return _of_parquet(result.member_path("table", name), result.grid)


def batches_of(whole: pa.Table, stored: CRS, grid: Grid) -> Batches:
    """The batches of a table in memory whose geometry is in the CRS ``stored``."""
    texts = {n: whole[n] for n in whole.column_names if _is_text(whole.schema.field(n).type)}
    few = _dictionaries(texts)
    place = _placing(whole.schema, stored, grid, multi=False)
    return _prepared(whole.schema, whole.to_batches(_BATCH), few, place)


def _of_parquet(path: Path, grid: Grid) -> Batches:
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    few: dict[str, pa.Array] = {}
    for field in schema:
        if _is_text(field.type):  # a column at a time: a national table of cells is not held whole
            few |= _dictionaries({field.name: pq.read_table(path, columns=[field.name])[field.name]})
    stored = _crs_of(schema) or grid.crs
    place = _placing(schema, stored, grid, multi=True)
    return _prepared(schema, file.iter_batches(_BATCH), few, place)


def _crs_of(schema: pa.Schema) -> CRS | None:
    about = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    crs = about.get("columns", {}).get(_GEOMETRY, {}).get("crs")
    return None if crs is None else CRS.from_json_dict(crs)


def _dictionaries(columns: dict[str, Any]) -> dict[str, pa.Array]:
    """Values of the texts that have few of them, in their order of code points."""
    found = {}
    for name, column in columns.items():
        values = pc.unique(column.cast(pa.string())).drop_null()
        if len(values) <= min(_FEW, max(16, len(column) // 4)):
            found[name] = values.take(pc.sort_indices(values))
    return found


def _prepared(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    few: dict[str, pa.Array],
    place: Callable[[Any], list[pa.Array]],
) -> Batches:
    """Batches with plain columns, and after them those that ``place`` makes of a batch."""
    kept = [pa.field(f.name, _kind(f, few)) for f in schema if f.name != _GEOMETRY]
    whole = pa.schema([*kept, *_place_fields(schema)])

    def made() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [_column(batch.column(f.name), f.type, few.get(f.name)) for f in kept]
            yield pa.record_batch([*columns, *place(batch)], schema=whole)

    return Batches(whole, made())


def _place_fields(schema: pa.Schema) -> list[pa.Field]:
    if _GEOMETRY in schema.names:
        shapes = [pa.field(n, pa.binary()) for n in (_GEOMETRY, "geometry_84")]
        return [*shapes, *(pa.field(n, pa.float64()) for n in (*BOX, *BOX_84))]
    if set(schema.names) >= _CELLS:
        return [pa.field(n, pa.float64()) for n in ("lon", "lat", *BOX_84)]
    return []


def _placing(schema: pa.Schema, stored: CRS, grid: Grid, *, multi: bool) -> Callable[[Any], list[pa.Array]]:
    """What makes those columns of a batch; ``multi``: polygons as multipolygons, one type for all."""
    if _GEOMETRY in schema.names:
        return lambda batch: _shaped(wkb_shapes(batch.column(_GEOMETRY)), stored, grid.crs, multi)
    if set(schema.names) >= _CELLS:
        return lambda batch: _celled(batch, grid)
    return lambda _: []


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _kind(field: pa.Field, few: dict[str, pa.Array]) -> pa.DataType:
    if field.name in few:
        return pa.dictionary(pa.int16(), pa.string())
    return pa.string() if _is_text(field.type) else field.type


def _column(values: pa.Array, kind: pa.DataType, few: pa.Array | None) -> pa.Array:
    if few is not None:
        return pa.DictionaryArray.from_arrays(pc.index_in(values.cast(pa.string()), few).cast(pa.int16()), few)
    if pa.types.is_floating(kind):  # not a number says that there is none
        return pc.if_else(pc.fill_null(pc.is_finite(values), False), values, pa.scalar(None, kind))
    return values.cast(kind)


def _shaped(shapes: Shapes, stored: CRS, grid: CRS, multi: bool) -> list[pa.Array]:
    shapes = _multi(shapes) if multi and len(shapes) else shapes
    own = moved(shapes, stored, grid)
    lonlat = oriented(rounded(moved(shapes, stored, CRS84), DEGREE_DECIMALS))
    boxes = [pa.array(v) for made in (own, lonlat) for v in bounds_columns(made)]
    return [wkb_array(own), wkb_array(lonlat), *boxes]


def _multi(shapes: Shapes) -> Shapes:
    parts, at = shapely.get_parts(shapes, return_index=True)
    return np.asarray(shapely.multipolygons(parts, indices=at), dtype=object)


def _celled(batch: Any, grid: Grid) -> list[pa.Array]:
    """Centres of cells and the boxes of their outlines in CRS84."""
    row, col = (batch.column(n).to_numpy().astype(np.int64) for n in ("row", "col"))
    rings = corners_84(grid, row, col)
    low, high = rings.min(axis=1), rings.max(axis=1)
    sides = (low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    return [pa.array(v) for v in (*centres_84(grid, row, col), *sides)]
