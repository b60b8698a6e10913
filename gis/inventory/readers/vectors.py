"""Vector files to a Table: GeoPackage, Shapefile, GeoJSON, FlatGeobuf and GeoParquet, damaged ones refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidDescription, MissingCrs, ReadError
from gis.inventory.readers.geoparquet import read_geoparquet
from gis.inventory.readers.signatures import check_file, shapefile_encoding
from gis.inventory.rows import Table

__all__ = ["VECTOR_ENDINGS", "read_vector"]

# The GDAL driver of each ending; no other one may open the file.
_DRIVERS = {
    ".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON", ".json": "GeoJSON", ".fgb": "FlatGeobuf",
}  # fmt: skip
_PARQUET = (".parquet", ".geoparquet", ".pq")
VECTOR_ENDINGS = (*_DRIVERS, *_PARQUET)


def read_vector(
    path: Path, *, name: str, layer: str | None = None, encoding: str | None = None, crs: str | None = None,
    assumed_crs: str | None = None,
) -> Table:  # fmt: skip
    """The features of a layer with their attributes, numbered from 1.

    ``crs`` is stated for a file that states none, and may not contradict one that does; ``assumed_crs`` only fills in.
    """
    ending = path.suffix.lower()
    if ending not in VECTOR_ENDINGS:
        raise ReadError(f"{name}: {ending!r} is not a vector format read here; use one of {', '.join(VECTOR_ENDINGS)}")
    check_file(path, name)
    if ending in _PARQUET:
        columns, shapes, found = read_geoparquet(path, name)
        noted: tuple[str, ...] = ()
    else:
        chosen = shapefile_encoding(path, name, encoding) if ending == ".shp" else None
        columns, shapes, found, noted = _read_ogr(path, name, _DRIVERS[ending], layer, chosen)
    decided = _crs(found, crs or (assumed_crs if found is None else None), name) if shapes is not None else None
    if isinstance(shapes, tuple):
        return Table(name, columns, np.arange(1, len(shapes[0]) + 1), points=shapes, crs=decided)
    n = len(next(iter(columns.values()))) if columns else len(shapes if shapes is not None else ())
    return Table(name, columns, np.arange(1, n + 1), shapes, crs=decided, warnings=noted)


def _crs(found: CRS | None, stated: str | None, name: str) -> CRS:
    found = _flat(found)
    if stated is None:
        if found is None:
            raise MissingCrs(f"{name}: the file states no CRS; give it as `crs`, such as 'EPSG:4490'")
        return found
    try:
        wanted = CRS.from_user_input(stated)
    except Exception as error:
        raise InvalidDescription(f"{name}: crs {stated!r} is not one pyproj knows: {error}") from error
    if found is not None and not found.equals(wanted, ignore_axis_order=True):
        raise InvalidDescription(
            f"{name}: the file states {found.name}, the description {wanted.name}; leave `crs` out, or correct the file"
        )
    return found if found is not None else wanted


def _flat(crs: CRS | None) -> CRS | None:
    """The horizontal part of a CRS: heights are not read."""
    if crs is None:
        return None
    return crs.sub_crs_list[0] if crs.is_compound else crs.to_2d() if len(crs.axis_info) > 2 else crs


def _read_ogr(
    path: Path, name: str, driver: str, layer: str | None, encoding: str | None
) -> tuple[dict[str, pa.Array], NDArray[np.object_] | None, CRS | None, tuple[str, ...]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            chosen = _layer(path, name, layer)
            info = pyogrio.read_info(path, layer=chosen, encoding=encoding, force_feature_count=True)
            if info["driver"] != driver:
                raise ReadError(f"{name}: the content is {info['driver']}, the ending says {driver}; rename the file")
            meta, table = pyogrio.read_arrow(path, layer=chosen, encoding=encoding, datetime_as_string=True)
            shapes = _shapes(table, meta)
        except ReadError:
            raise
        except Exception as error:
            # GDAL, Arrow and GEOS each fail in their own way on a damaged file.
            raise ReadError(
                f"{name}: cannot be read as {driver}, truncated or corrupt ({type(error).__name__}: {error})"
            ) from error
    if table.num_rows != info["features"]:
        raise ReadError(f"{name}: {table.num_rows} of {info['features']} features could be read; the file is damaged")
    geometry = meta["geometry_name"] or "wkb_geometry"
    columns = {n: table[n].combine_chunks() for n in table.column_names if n not in (geometry, meta["fid_column"])}
    found = CRS.from_user_input(meta["crs"]) if meta["crs"] else None
    return columns, shapes, found, _messages(caught)


def _messages(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, RuntimeWarning | UserWarning)))


def _shapes(table: pa.Table, meta: dict[str, object]) -> NDArray[np.object_] | None:
    geometry = str(meta["geometry_name"] or "wkb_geometry")
    if geometry not in table.column_names:
        return None
    shapes: NDArray[np.object_] = shapely.from_wkb(table[geometry].to_numpy())
    return shapes


def _layer(path: Path, name: str, layer: str | None) -> str:
    layers = [str(row[0]) for row in pyogrio.list_layers(path)]
    if layer is not None and layer in layers:
        return layer
    if layer is not None and path.suffix.lower() == ".gpkg":
        raise ReadError(f"{name}: no layer is named {layer!r}; it has {', '.join(layers)}")
    if len(layers) != 1:
        raise ReadError(f"{name}: {len(layers)} layers ({', '.join(layers)}); say in `layer` which one")
    return layers[0]
