"""Results of a zoning as files: layers of polygons and tables, in the formats that GIS programs and spreadsheets open.

A GeoPackage holds everything and carries styles, so that QGIS shows it coloured. The other formats have a file a layer.
"""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyarrow import csv
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.transformer import TransformerGroup

from gis.errors import InvalidParameter
from gis.exports.cells import outlines
from gis.exports.styles import CHANGE_STYLES, CLASS_STYLES, CONFLICT_STYLES, Fill, qml
from gis.grid import Grid

__all__ = [
    "Layer",
    "layer_of",
    "to_wgs84",
    "write_csv_table",
    "write_flatgeobuf_layer",
    "write_geojson_layer",
    "write_geopackage_layers",
    "write_geoparquet_layer",
]

_GEOMETRY = "geometry"
_GPKG_GEOMETRY = "geom"  # what GeoPackages call it everywhere
# A centimetre; RFC 7946 asks for no more.
_DEGREE_DECIMALS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A table, with polygons or without: Arrow columns, shapes as WKB in ``geometry`` when ``crs`` is not None."""

    name: str
    table: pa.Table
    crs: CRS | None

    @property
    def shapes(self) -> Any:
        """The polygons."""
        return shapely.from_wkb(self.table[_GEOMETRY].to_numpy(zero_copy_only=False))

    @property
    def plain(self) -> pa.Table:
        """The columns without the polygons."""
        return self.table.drop_columns([_GEOMETRY]) if self.crs is not None else self.table


def layer_of(name: str, frame: pd.DataFrame, grid: Grid) -> Layer:
    """The layer of a table: its own polygons as multipolygons, and those of cells made from ``row`` and ``col``."""
    columns = pa.Table.from_pandas(pd.DataFrame(frame).drop(columns=_GEOMETRY, errors="ignore"), preserve_index=False)
    columns = _widened(columns.replace_schema_metadata(None))
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = pa.array(shapely.to_wkb(_multi(frame.geometry.to_numpy()), byte_order=1), pa.binary())
        return Layer(name, columns.append_column(_GEOMETRY, shapes), CRS(frame.crs))
    if {"cell", "row", "col"} <= set(frame.columns):
        shapes = outlines(grid, frame["row"].to_numpy(), frame["col"].to_numpy())
        return Layer(name, columns.append_column(_GEOMETRY, shapes), grid.crs)
    return Layer(name, columns, None)


def _widened(table: pa.Table) -> pa.Table:
    """Columns in types that all formats have: 64-bit numbers, truth values, texts."""
    kinds = [
        (pa.types.is_integer, pa.int64()),
        (pa.types.is_floating, pa.float64()),
        (pa.types.is_large_string, pa.string()),
    ]
    fields = [pa.field(f.name, next((to for holds, to in kinds if holds(f.type)), f.type)) for f in table.schema]
    return table.cast(pa.schema(fields))


def _multi(shapes: Any) -> Any:
    """Every polygon as a multipolygon: one type a layer, as most formats want it."""
    parts, at = shapely.get_parts(shapes, return_index=True)
    return shapely.multipolygons(parts, indices=at) if len(parts) else shapes


# -- GeoPackage -------------------------------------------------------------------------------------------------------


def write_geopackage_layers(path: Path, layers: Sequence[Layer], *, when: datetime, notes: Mapping[str, Any]) -> None:
    """A GeoPackage with every layer, styles that QGIS finds, and ``notes`` as a table of keys and values, ``manifest``.

    ``when`` stands wherever the format wants a time, so that the same result makes the same file.
    """
    about = pd.DataFrame({"key": list(notes), "value": [_text(v) for v in notes.values()]}).astype("str")
    about_layer = Layer("manifest", _widened(pa.Table.from_pandas(about, preserve_index=False)), None)
    with _dated(when):
        for layer in [*layers, about_layer]:
            _write_ogr(layer, path, driver="GPKG", **({} if layer.crs is None else {"GEOMETRY_NAME": _GPKG_GEOMETRY}))
    styled = [(x.name, style) for x in layers if x.crs is not None and (style := _style(x))]
    with closing(sqlite3.connect(path)) as database, database:
        _write_styles(database, styled, when)


def _style(layer: Layer) -> str | None:
    """The QGIS style of a layer, None if there is nothing to colour it by."""
    names = layer.table.column_names
    if layer.name == "conflicts":
        return qml("kind", CONFLICT_STYLES, Fill("b_diagonal", 255, 0.4))
    if "change" in names:
        return qml("change", CHANGE_STYLES, Fill("solid", 180, 0.0))
    if "class" not in names:
        return None
    fills = {"cells": Fill("solid", 150, 0.0), "hotspots": Fill("no", 0, 0.5)}
    return qml("class", CLASS_STYLES, fills.get(layer.name, Fill("solid", 200, 0.3)))


def _write_styles(database: sqlite3.Connection, styled: Iterable[tuple[str, str]], when: datetime) -> None:
    """QGIS's own table of styles (https://docs.qgis.org, "Save style in database")."""
    moment = _moment(when)
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
        "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, "
        "styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
        "update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"
    )
    for name, style in styled:
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, "
            "styleSLD, useAsDefault, description, owner, update_time) VALUES ('', '', ?, ?, ?, ?, '', 1, ?, '', ?)",
            (name, _GPKG_GEOMETRY, name, style, f"classes of {name}", moment),
        )
    # GDAL and QGIS list only what stands in the table of contents.
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        (moment,),
    )


@contextmanager
def _dated(when: datetime) -> Iterator[None]:
    """GDAL writing ``when`` into a GeoPackage where it would write the time of day.

    And without waiting for the disk after every layer: the file gets its name only when it is whole.
    """
    options = {"OGR_CURRENT_DATE": _moment(when), "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(options))


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _write_ogr(layer: Layer, path: Path, *, driver: str, **options: Any) -> None:
    # 1.2 is what every GIS of the last years reads without a warning.
    version = {"VERSION": "1.2"} if driver == "GPKG" else {}
    if layer.crs is None:
        frame = layer.table.to_pandas()
        pyogrio.write_dataframe(frame, path, layer=layer.name, driver=driver, dataset_options=version)
        return
    kind = "Polygon" if "cell" in layer.table.column_names else "MultiPolygon"
    pyogrio.write_arrow(
        layer.table, path, layer=layer.name, driver=driver, geometry_name=_GEOMETRY, geometry_type=kind,
        crs=layer.crs.to_wkt(), dataset_options=version, **options,
    )  # fmt: skip


# -- a file a layer ---------------------------------------------------------------------------------------------------


def write_geoparquet_layer(path: Path, layer: Layer) -> None:
    """GeoParquet 1.0, or plain Parquet of a table without polygons."""
    table = layer.table
    if layer.crs is not None:
        kind = "Polygon" if "cell" in table.column_names else "MultiPolygon"
        column: dict[str, Any] = {"encoding": "WKB", "geometry_types": [kind], "edges": "planar"}
        column["crs"] = json.loads(layer.crs.to_json())
        if len(table):
            column["bbox"] = [float(v) for v in shapely.total_bounds(layer.shapes)]
        geo = {"version": "1.0.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
        table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(table, path, compression="zstd", compression_level=1)


def write_flatgeobuf_layer(path: Path, layer: Layer) -> None:
    """FlatGeobuf with its spatial index, so that the order of the rows is that of the index."""
    _write_ogr(layer, path, driver="FlatGeobuf")


def write_csv_table(path: Path, layer: Layer, *, wkt: bool) -> None:
    """CSV in UTF-8 with the mark that spreadsheets need; ``wkt`` adds the polygons in the layer's CRS as text."""
    table = layer.plain
    if wkt and layer.crs is not None:
        # As many digits as it takes to read the same numbers back.
        table = table.append_column("wkt", pa.array(shapely.to_wkt(layer.shapes, rounding_precision=-1), pa.string()))
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        csv.write_csv(table, file)


# -- GeoJSON ----------------------------------------------------------------------------------------------------------


def write_geojson_layer(path: Path, layer: Layer) -> None:
    """GeoJSON after RFC 7946: WGS 84, shells counter-clockwise, cut at the 180th meridian; it says how it got there."""
    if layer.crs is None:
        raise InvalidParameter(f"{layer.name} has no polygons, and GeoJSON holds nothing else; take csv or geoparquet")
    shapes, how = to_wgs84(layer.shapes, layer.crs)
    wkb = pa.array(shapely.to_wkb(shapes, byte_order=1), pa.binary())
    lonlat = Layer(layer.name, layer.plain.append_column(_GEOMETRY, wkb), CRS.from_epsg(4326))
    _write_ogr(
        lonlat,
        path,
        driver="GeoJSON",
        RFC7946="YES",
        SIGNIFICANT_FIGURES="17",
        COORDINATE_PRECISION=str(_DEGREE_DECIMALS),
        DESCRIPTION=how,
    )


def to_wgs84(shapes: Any, crs: CRS) -> tuple[Any, str]:
    """Polygons in WGS 84 longitude and latitude, and a sentence on the datum: what was transformed, and how well."""
    operation = _operation(shapes, crs)
    moved = shapely.transform(
        shapes, lambda xy: np.stack(operation.transform(xy[:, 0], xy[:, 1], errcheck=True), axis=1)
    )
    return moved, _datum_sentence(crs, operation)


def _operation(shapes: Any, crs: CRS) -> Transformer:
    """The best transformation known for where the polygons lie; one for all, so that neighbours stay neighbours."""
    area = None
    if len(shapes):
        to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        area = AreaOfInterest(*to_degrees.transform_bounds(*shapely.total_bounds(shapes)))
    with warnings.catch_warnings():
        # PROJ warns of a better one that needs a file it does not have; the sentence gives the accuracy of the one used.
        warnings.simplefilter("ignore", UserWarning)
        found = TransformerGroup(crs, CRS.from_epsg(4326), always_xy=True, area_of_interest=area)  # type: ignore[arg-type]
    return found.transformers[0]


def _datum_sentence(crs: CRS, operation: Transformer) -> str:
    datum = crs.geodetic_crs.datum.name if crs.geodetic_crs is not None and crs.geodetic_crs.datum else "unknown"
    head = f"Longitude and latitude in WGS 84 (RFC 7946), from {crs.name} (datum {datum})"
    if datum.startswith("World Geodetic System 1984"):
        return f"{head}; the datum is the same."
    # Without parameters PROJ keeps longitude and latitude as they are, and says so in the operation's name.
    if "allpark" in operation.description or operation.accuracy < 0:
        return (
            f"{head}; PROJ knows no transformation between the datums, longitude and latitude were taken as they are. "
            "CGCS2000 and WGS 84 differ by less than a metre; older datums by up to hundreds of metres."
        )
    steps = [s for s in operation.description.split(" + ") if not s.startswith("axis order")]
    return f"{head} by {' + '.join(steps)}, accuracy {operation.accuracy:g} m."
