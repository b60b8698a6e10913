"""Export: a zoning or a comparison as files for other tools."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gis.errors import InvalidParameter
from gis.exports.units import (
    Layer,
    layer_of,
    write_csv_table,
    write_flatgeobuf_layer,
    write_geojson_layer,
    write_geopackage_layers,
    write_geoparquet_layer,
)
from gis.workspace.comparisons import StoredComparison
from gis.workspace.objects import refuse_no_file, storage_errors
from gis.workspace.zonings import StoredZoning

__all__ = ["ZoningFormat", "export_zoning", "layers_of"]

Stored = StoredZoning | StoredComparison


class ZoningFormat(StrEnum):
    """What a zoning can be exported as. A GeoPackage is one file; the others make a directory with a file a layer."""

    GPKG = "gpkg"
    GEOPARQUET = "geoparquet"
    GEOJSON = "geojson"
    FLATGEOBUF = "flatgeobuf"
    CSV = "csv"
    COG = "cog"


# Ending, and whether tables without polygons are written as well.
_FILES: dict[ZoningFormat, tuple[str, bool]] = {
    ZoningFormat.GEOPARQUET: (".parquet", True),
    ZoningFormat.GEOJSON: (".geojson", False),
    ZoningFormat.FLATGEOBUF: (".fgb", False),
    ZoningFormat.CSV: (".csv", True),
}


def export_zoning(
    stored: Stored, format_: ZoningFormat, path: Path, *, layer: str | None = None, wkt: bool = False
) -> list[Path]:
    """Files written; each appears under its name only when it is whole.

    With ``layer`` the path is that of one file with this layer alone. ``wkt`` adds the polygons to CSV as text.
    """
    if wkt and format_ is not ZoningFormat.CSV:
        raise InvalidParameter(f"polygons as text are for csv; {format_} has polygons of its own")
    one_file = layer is not None or format_ is ZoningFormat.GPKG
    if one_file:
        refuse_no_file(path)
    if not one_file and path.is_file():
        raise InvalidParameter(
            f"{path} is a file, and {format_} makes a directory of files; name a directory, or one layer with --layer"
        )
    if format_ is ZoningFormat.GPKG and path.suffix.lower() != ".gpkg":
        raise InvalidParameter(f"{path}: programs know a GeoPackage by its ending; name it {path.name}.gpkg")
    with storage_errors(path):
        if format_ is ZoningFormat.COG:
            return _rasters(stored, path, layer)
        if format_ is ZoningFormat.GPKG:
            return [_geopackage(stored, path, layer)]
        return _files(stored, format_, path, layer, wkt)


def layers_of(stored: Stored, names: list[str]) -> Iterator[Layer]:
    """Layers by name, polygons of cells made from their rows and columns."""
    return (layer_of(name, stored.tables[name], stored.grid) for name in names)


def _has_polygons(stored: Stored, name: str) -> bool:
    return name == "cells" or any(t["name"] == name and t["geometry"] for t in stored.manifest["tables"])


def _chosen(stored: Stored, layer: str | None, *, tables: bool) -> list[str]:
    """Names of the layers to write: those with polygons, then, if wanted, the tables."""
    polygons = [
        n for n in ("units", "hotspots", "conflicts", "cells") if n in stored.tables and _has_polygons(stored, n)
    ]
    names = polygons + ([n for n in stored.tables if n not in polygons] if tables else [])
    if layer is None:
        return names
    if layer not in names:
        raise InvalidParameter(f"layer {layer!r} cannot be written so; there is {', '.join(names)}")
    return [layer]


def _geopackage(stored: Stored, path: Path, layer: str | None) -> Path:
    layers = layers_of(stored, _chosen(stored, layer, tables=True))
    about = {"id": stored.id, "name": stored.name, "label": stored.label, "created": stored.created.isoformat()}
    with _whole(path, ".gpkg") as aside:
        write_geopackage_layers(aside, list(layers), when=stored.created, notes={**about, **stored.manifest})
    return path


def _files(stored: Stored, format_: ZoningFormat, path: Path, layer: str | None, wkt: bool) -> list[Path]:
    ending, tables = _FILES[format_]
    names = _chosen(stored, layer, tables=tables)
    writers: dict[ZoningFormat, Callable[[Path, Layer], Any]] = {
        ZoningFormat.GEOPARQUET: write_geoparquet_layer,
        ZoningFormat.GEOJSON: write_geojson_layer,
        ZoningFormat.FLATGEOBUF: write_flatgeobuf_layer,
        ZoningFormat.CSV: lambda file, made: write_csv_table(file, made, wkt=wkt),
    }
    written = []
    for made in layers_of(stored, names):
        target = path if layer is not None else path / f"{made.name}{ending}"
        with _whole(target, ending) as aside:
            writers[format_](aside, made)
        written.append(target)
    return written if layer is not None else [*written, _manifest(stored, path)]


def _rasters(stored: Stored, path: Path, layer: str | None) -> list[Path]:
    """Copies of the stored rasters: they are Cloud-Optimized GeoTIFFs already."""
    if not isinstance(stored, StoredZoning):
        raise InvalidParameter(f"{stored.id} is a comparison and has no raster; take gpkg, geoparquet or csv")
    known = stored.rasters
    if layer is not None and layer not in known:
        raise InvalidParameter(f"zoning {stored.id} has no raster {layer!r}; there is {', '.join(known)}")
    written = []
    for name in known if layer is None else [layer]:
        target = path if layer is not None else path / f"{name}.tif"
        with _whole(target, ".tif") as aside:
            shutil.copyfile(stored.raster_path(name), aside)
        written.append(target)
    return written if layer is not None else [*written, _manifest(stored, path)]


def _manifest(stored: Stored, directory: Path) -> Path:
    target = directory / "manifest.json"
    with _whole(target, ".json") as aside:
        text = json.dumps({"id": stored.id, **stored.manifest}, ensure_ascii=False, indent=1, sort_keys=True)
        aside.write_text(text + "\n", "utf-8")
    return target


@contextmanager
def _whole(target: Path, ending: str) -> Iterator[Path]:
    """A path to write to; what is there in the end gets the target's name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".cozone-", dir=target.parent) as aside:
        path = Path(aside) / f"layer{ending}"
        yield path
        os.replace(path, target)
