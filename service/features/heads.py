"""Heads: what a collection has before a feature is read: columns, where it lies, how many. Kept among the views once it is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
from pyproj import CRS

from gis.errors import ReadError
from gis.projection import transformer
from gis.views import Views
from gis.views.cellrows import RunCells
from gis.views.changes import change_columns, change_count
from gis.views.files import write_aside
from gis.views.lattice import grid_bounds_84
from gis.views.lonlat import CRS84
from gis.views.sources import SOURCE_COLUMNS, mass_name
from gis.workspace import Run, StoredComparison
from service.features.collection import Bounds, Kind
from service.features.fields import FieldType, type_of, type_of_title
from service.library import Result

__all__ = ["Head", "head_of"]

# Raise it whenever what a file holds changes.
_FORMAT = 2
_EDGE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Head:
    """Columns with their types, west, south, east and north in CRS84 (None where there is nothing), number of features."""

    columns: Mapping[str, FieldType]
    bounds: Bounds | None
    number: int


def head_of(views: Views, result: Result, kind: Kind) -> Head:
    """The head of a collection."""
    name = f"heads/{result.id}-{kind}-{_FORMAT}.json"

    def write(path: Path) -> None:
        columns, bounds, number = _columns(views, result, kind), _bounds(result, kind), _number(views, result, kind)
        write_aside(path, lambda file: file.write(orjson.dumps([columns, bounds, number])))

    return views.files.opened(name, write, _read)


def _read(path: Path) -> Head:
    try:
        columns, bounds, number = orjson.loads(path.read_bytes())
        return Head(
            {n: FieldType(t) for n, t in columns.items()}, None if bounds is None else tuple(bounds), int(number)
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise ReadError(f"{path.name}: not a head; remove it, it is made again") from error


def _columns(views: Views, result: Result, kind: Kind) -> dict[str, FieldType]:
    if isinstance(result, StoredComparison):
        return {n: type_of_title(n) for n in change_columns(result)}
    if isinstance(result, Run):
        if kind is Kind.CELLS:
            return {f.name: type_of(f.type) for f in RunCells(result, views).schema}
        masses = (mass_name(s, year) for year in result.years for s in result.species)
        return {n: type_of_title(n) for n in (*SOURCE_COLUMNS, *masses)}
    # The file, not the version of this program, says what a result has.
    schema = pq.read_schema(result.member_path("table", kind))
    found = {f.name: type_of(f.type) for f in schema if f.name != "geometry"}
    return found | (dict.fromkeys(("lon", "lat"), FieldType.NUMBER) if kind is Kind.CELLS else {})


def _number(views: Views, result: Result, kind: Kind) -> int:
    if isinstance(result, StoredComparison):
        return change_count(result)
    if not isinstance(result, Run):
        return result.tables.rows(kind)
    if kind is Kind.CELLS:
        return RunCells(result, views).number
    return sum(pq.read_metadata(path).num_rows for path in _parts(result))


def _parts(run: Run) -> Iterable[Path]:
    return (run.member_path("sources", part) for part in run.parts)


def _bounds(result: Result, kind: Kind) -> Bounds | None:
    """Where the collection lies, from the heads of its files."""
    if isinstance(result, StoredComparison) or kind is Kind.CELLS:
        return grid_bounds_84(result.grid)
    paths = _parts(result) if isinstance(result, Run) else [result.member_path("table", kind)]
    found = [box for path in paths if (box := _of_file(path, result.grid.crs)) is not None]
    if not found:
        return None
    low, high = np.min(found, axis=0), np.max(found, axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


def _of_file(path: Path, default: CRS) -> Bounds | None:
    metadata = pq.read_schema(path).metadata or {}
    column = json.loads(metadata.get(b"geo", b"{}")).get("columns", {}).get("geometry", {})
    box = column.get("bbox")
    if box is None or not np.isfinite(box).all():
        return None
    crs = CRS.from_json_dict(column["crs"]) if column.get("crs") else default
    x_0, y_0, x_1, y_1 = box
    way = transformer(crs, CRS84)
    west, south, east, north = way.transform_bounds(x_0, y_0, x_1, y_1, densify_pts=_EDGE_POINTS)
    return float(west), float(south), float(east), float(north)
