"""OGC API Tiles: tile matrix sets, lists of tilesets, and a tileset's metadata (OGC 20-057, 17-083r4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gis.tiles.matrices import MATRICES, TileLimits, TileMatrixSet
from gis.views.vectors import Field, FieldType, Shape, VectorLayer
from service.tiles.answers import MVT, PNG
from service.tiles.layers import Layers, TileLayer

__all__ = [
    "REL_MAP",
    "REL_SCHEME",
    "REL_VECTOR",
    "matrix_sets",
    "tile_links",
    "tileset",
    "tilesets",
]

REL_VECTOR = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
REL_MAP = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map"
REL_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
_JSON = "application/json"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

Json = dict[str, Any]


def matrix_sets(base: str) -> Json:
    """The tile matrix sets there are."""
    return {
        "tileMatrixSets": [_matrix_entry(base, matrix) for matrix in MATRICES.values()],
        "links": [_link("self", f"{base}/ogc/tileMatrixSets", "Tile matrix sets")],
    }


def _matrix_entry(base: str, matrix: TileMatrixSet) -> Json:
    named = {"id": matrix.id, "title": f"{matrix.title_zh} {matrix.title_en}", "crs": matrix.crs_uri}
    links = [_link("self", matrix_address(base, matrix), matrix.title_en)]
    return {**named, **({"uri": matrix.uri} if matrix.uri else {}), "links": links}


def matrix_address(base: str, matrix: TileMatrixSet) -> str:
    """Where the definition of a tile matrix set is."""
    return f"{base}/ogc/tileMatrixSets/{matrix.id}"


def tile_links(collection: str, base: str, *, pictures: bool = False) -> list[Json]:
    """Links of a collection's document to its tiles: every collection of features has vector tiles of its name, some have pictures."""
    address = f"{base}/ogc/collections/{quote(collection)}"
    vector = [_link(REL_VECTOR, f"{address}/tiles", "Vector tiles")]
    return [*vector, _link(REL_MAP, f"{address}/map/tiles", "Map tiles")] if pictures else vector


def address_of(layers: Layers, layer: TileLayer, base: str, style: str = "") -> str:
    """Where the list of a layer's tilesets is."""
    collection = f"{base}/ogc/collections/{layers.id}.{quote(layer.id)}"
    styled = f"/styles/{quote(style)}" if style else ""
    return f"{collection}{styled}/map/tiles" if layer.raster else f"{collection}/tiles"


def tilesets(layers: Layers, layer: TileLayer, base: str, style: str = "") -> Json:
    """The tilesets of a layer: one for each tile matrix set."""
    address = address_of(layers, layer, base, style)
    found = [
        {**_head(layers, layer, matrix, style), "links": _own_links(address, layer, matrix, base, {})}
        for matrix in MATRICES.values()
    ]
    return {"tilesets": found, "links": [_link("self", address, layer.title)]}


def tileset(
    layers: Layers, layer: TileLayer, matrix: TileMatrixSet, base: str, given: Mapping[str, str], style: str = ""
) -> Json:
    """Metadata of a tileset; ``given`` are parameters that its tiles are to have."""
    west, south, east, north = layers.bounds
    json = _link("describedby", f"{base}/tiles/{layers.id}/{quote(layer.id)}/{matrix.id}/tilejson.json", "TileJSON")
    return {
        **_head(layers, layer, matrix, style),
        "links": [*_own_links(address_of(layers, layer, base, style), layer, matrix, base, given), json],
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": _CRS84},
        "tileMatrixSetLimits": [_limits(z, found) for z, found in layers.limits(layer, matrix)],
        "layers": [_layer(layer)],
    }


def _own_links(
    address: str, layer: TileLayer, matrix: TileMatrixSet, base: str, given: Mapping[str, str]
) -> list[Json]:
    query = f"?{urlencode(given)}" if given else ""
    template = f"{address}/{matrix.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}{query}"
    return [
        _link("self", f"{address}/{matrix.id}{query}", matrix.title_en),
        _link(REL_SCHEME, matrix_address(base, matrix), matrix.title_en),
        {"rel": "item", "type": PNG if layer.raster else MVT, "title": "Tiles", "href": template, "templated": True},
    ]


def _head(layers: Layers, layer: TileLayer, matrix: TileMatrixSet, style: str) -> Json:
    found: Json = {
        "title": f"{layers.title}: {layer.title}",
        "dataType": "map" if layer.raster else "vector",
        "crs": matrix.crs_uri,
        "tileMatrixSetId": matrix.id,
    }
    if matrix.uri:
        found["tileMatrixSetURI"] = matrix.uri
    if layer.raster:
        found["style"] = {"id": style or layer.styles[0]}
    return found


def _layer(layer: TileLayer) -> Json:
    found: Json = {"id": layer.id, "title": layer.title, "dataType": "map" if layer.raster else "vector"}
    if isinstance(layer.source, VectorLayer):
        found["geometryDimension"] = _DIMENSIONS[layer.source.shape]
        found["propertiesSchema"] = {"type": "object", "properties": {f.name: _field(f) for f in layer.source.fields}}
    return found


def _field(field: Field) -> Json:
    about = {"type": _TYPES[field.type], "title": f"{field.title_zh} {field.title_en}"}
    return {**about, "x-ogc-unit": field.unit} if field.unit else about


_DIMENSIONS = {Shape.POINT: 0, Shape.POLYGON: 2}
_TYPES = {FieldType.TEXT: "string", FieldType.NUMBER: "number", FieldType.BOOLEAN: "boolean"}


def _limits(z: int, found: TileLimits) -> Json:
    return {
        "tileMatrix": str(z), "minTileRow": found.y_first, "maxTileRow": found.y_last,
        "minTileCol": found.x_first, "maxTileCol": found.x_last,
    }  # fmt: skip


def _link(rel: str, href: str, title: str) -> Json:
    return {"rel": rel, "type": _JSON, "title": title, "href": href}
