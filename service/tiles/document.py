"""Tiles in the OpenAPI documents, and the conformance classes that the tests of tests/service/tiles hold."""

from __future__ import annotations

from typing import Any

from gis.tiles.matrices import MATRICES
from gis.views.thresholds import MOST_CELLS
from service.errors import PROBLEM_TYPE
from service.openapi.components import failures
from service.tiles.answers import MVT, PBF, PNG

__all__ = ["CONFORMANCE", "GLYPHS", "RESPONSES", "WMTS_KVP", "WMTS_RESPONSES", "XYZ", "paths"]

Document = dict[str, Any]
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
CONFORMANCE = (
    f"{_TILES}/core",
    f"{_TILES}/tileset",
    f"{_TILES}/tilesets-list",
    f"{_TILES}/geodata-tilesets",
    f"{_TILES}/oas30",
    f"{_TILES}/mvt",
    f"{_TILES}/png",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
)

_REFUSALS = {
    400: "A parameter is unknown, or its value is none it may have.",
    401: "A key is needed, or the one that came is not valid.",
    404: "There is no such result, layer or tile.",
    503: "The queue is full, or the answer would take too long; Retry-After says when to ask again.",
}
# For FastAPI's own document.
RESPONSES: dict[int | str, Document] = {
    204: {"description": "A vector tile with nothing in it."},
    304: {"description": "The client has this answer already."},
    307: {"description": "A pointer such as `latest`: the address of what it points to now."},
    **{
        status: {"description": text, "content": {PROBLEM_TYPE: {"schema": {"type": "object"}}}}
        for status, text in _REFUSALS.items()
    },
}
# Glyphs are found or not; a request for them has no parameters beside its address.
GLYPHS: dict[int | str, Document] = {
    200: {"description": "The glyphs.", "content": {PBF: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The client has this answer already."},
    **{status: RESPONSES[status] for status in (400, 503)},
    404: {**RESPONSES[404], "description": "There is no such font, or no such range."},
}
_XML = "application/xml"
WMTS_RESPONSES: dict[int | str, Document] = {
    304: {"description": "The client has this answer already."},
    307: {"description": "A pointer such as `latest`: the address of what it points to now."},
    **{
        status: {"description": text, "content": {_XML: {"schema": {"type": "string"}}}}
        for status, text in _REFUSALS.items()
        if status != 401
    },
}


def _query(name: str, description: str, **schema: Any) -> Document:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_INDEX = {"type": "string", "pattern": r"^\d{1,9}$"}
WMTS_KVP: Document = {
    "parameters": [
        _query("service", "WMTS.", type="string", enum=["WMTS"]),
        {
            **_query("request", "What is asked for.", type="string", enum=["GetCapabilities", "GetTile"]),
            "required": True,
        },
        _query("version", "Version of WMTS.", type="string", enum=["1.0.0"]),
        _query("layer", "Layer, such as `z-0123456789ab.class`.", type="string"),
        _query("style", "Style; left out: the default one.", type="string"),
        _query("format", "Format of the tile.", type="string", enum=[PNG]),
        _query("tilematrixset", "Tile matrix set.", type="string", enum=list(MATRICES)),
        _query("tilematrix", "Zoom.", **_INDEX),
        _query("tilerow", "Row from the north.", **_INDEX),
        _query("tilecol", "Column from the west.", **_INDEX),
    ]
}


def _path(name: str, description: str, **schema: Any) -> Document:
    found = {"type": "string", **schema}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": found}


_COLLECTION: Document = {"$ref": "#/components/parameters/collectionId"}
_MATRIX = _path("tileMatrixSetId", "Tile matrix set.", enum=list(MATRICES))
_STYLE = _path("styleId", "Style of the layer.")
_PLACE = [
    _path("tileMatrix", "Zoom.", **_INDEX), _path("tileRow", "Row from the north.", **_INDEX),
    _path("tileCol", "Column from the west.", **_INDEX),
]  # fmt: skip
# What tiles of one layer or another depend on; which ones a layer has, its tileset says.
_PARAMETERS = [
    _query("year", "Year, one of the run's.", type="integer"),
    _query("from", "First year of a change.", type="integer"),
    _query("to", "Last year of a change.", type="integer"),
    _query("share", "Share that is hot.", type="number", minimum=0.0001, maximum=0.5),
    _query("mode", "What it is a share of.", type="string", enum=["area", "count", "mass"]),
    _query("min_pollutants", "Pollutants that have to be hot.", type="integer", minimum=1),
    _query("min_cells", "Cells of the smallest patch that has a class.", type="integer", minimum=1, maximum=MOST_CELLS),
]


def _get(id_: str, summary: str, parameters: list[Document], success: Document, *failed: str) -> Document:
    return {
        "get": {
            "tags": ["tiles"], "operationId": id_, "summary": summary, "parameters": parameters,
            "responses": {"200": success, **failures(*failed)},
        }
    }  # fmt: skip


def _json(description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}


def _bytes(description: str, media_type: str) -> Document:
    return {"description": description, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}


XYZ: Document = {
    "parameters": [
        _path("result", "Result, or a pointer such as `latest`."), _path("layer", "Layer, one that the result lists."),
        _path("matrix", "Tile matrix set.", enum=list(MATRICES)),
        _path("z", "Zoom.", **_INDEX), _path("x", "Column from the west.", **_INDEX), _path("y", "Row from the north.", **_INDEX),
        _path("form", "Pictures or vector tiles, as the layer has them.", enum=["png", "mvt"]), *_PARAMETERS,
        _query("style", "Style of a picture.", type="string"),
    ]
}  # fmt: skip
_F = _query("f", "Format of the answer.", type="string", enum=["json"])
_NAMED = ("304", "307", "400", "401", "404", "503")


def _tilesets(prefix: str, name: str, what: str, media_type: str, extra: list[Document]) -> Document:
    """The three addresses of tilesets: their list, one of them, a tile of it."""
    form = _query("f", "Format of the tile.", type="string", enum=["mvt" if media_type == MVT else "png"])
    matrix = [_COLLECTION, *extra, _MATRIX]
    tile = _get(
        f"{name}.getTile",
        f"A tile of {what}",
        [*matrix, *_PLACE, *_PARAMETERS, form],
        _bytes("The tile.", media_type),
        *_NAMED,
    )
    if media_type == MVT:
        tile["get"]["responses"]["204"] = {"description": "There is nothing in this tile."}
    return {
        prefix: _get(
            f"{name}.getTileSetsList", f"Tilesets of {what}", [_COLLECTION, *extra, _F], _json("Tilesets."), *_NAMED
        ),
        f"{prefix}/{{tileMatrixSetId}}": _get(
            f"{name}.getTileSet", f"A tileset of {what}", [*matrix, *_PARAMETERS, _F], _json("Its metadata."), *_NAMED
        ),
        f"{prefix}/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": tile,
    }


def paths() -> Document:
    """Paths of OGC API Tiles, relative to the landing page, for the 3.0.3 document."""
    collection = "/collections/{collectionId}"
    styled = f"{collection}/styles/{{styleId}}/map/tiles"
    return {
        "/tileMatrixSets": _get("getTileMatrixSetsList", "Tile matrix sets", [_F], _json("Tile matrix sets."), "304", "400"),
        "/tileMatrixSets/{tileMatrixSetId}": _get(
            "getTileMatrixSet", "A tile matrix set", [_MATRIX, _F], _json("Its definition."), "304", "400", "404"
        ),
        **_tilesets(f"{collection}/tiles", ".collection.vector", "features", MVT, []),
        **_tilesets(f"{collection}/map/tiles", ".collection.map", "pictures", PNG, []),
        **_tilesets(styled, ".collection.style.map", "pictures in a style", PNG, [_STYLE]),
    }  # fmt: skip
