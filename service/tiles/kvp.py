"""WMTS requests: parameters whose names are in any case (KVP), and the segments of an address (RESTful)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from gis.errors import NotFound
from gis.tiles.matrices import Tile, matrix_set
from service.tiles.addresses import TileAddress, collection_of
from service.tiles.capabilities import WMTS_VERSION
from service.tiles.exceptions import OwsError
from service.tiles.layers import Layers, TileLayer

__all__ = ["WmtsTile", "collection_of_kvp", "kvp_of", "operation_of", "segments_of", "tile_of_kvp"]

_NUMBER = re.compile(r"\d{1,9}")
_OWN = (
    "service",
    "request",
    "version",
    "layer",
    "style",
    "format",
    "tilematrixset",
    "tilematrix",
    "tilerow",
    "tilecol",
)
_PNG = "image/png"
# Dimensions that came later: addresses from before them have no segment for them, and stay what they are.
_LATER = frozenset({"min_cells"})
# Segments that are no dimensions: style, matrix set, matrix, row, column.
_FIXED = 5


@dataclass(frozen=True, slots=True)
class WmtsTile:
    """A tile as WMTS asks for it, with the dimensions of its layer. ``plain``: nothing else was said."""

    address: TileAddress
    dimensions: Mapping[str, str]
    plain: bool


def kvp_of(request: Request) -> dict[str, str]:
    """Parameters by their names in small letters, each given once."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        key = name.lower()
        if key in found:
            raise OwsError(f"parameter {name[:60]!r} came twice", code="InvalidParameterValue", locator=key[:60])
        found[key] = value
    return found


def operation_of(kvp: Mapping[str, str]) -> str:
    """``getcapabilities`` or ``gettile``; anything else is refused as WMTS says."""
    if kvp.get("service", "WMTS").upper() != "WMTS":
        raise OwsError(
            f"service {kvp['service'][:40]!r}; this is WMTS", code="InvalidParameterValue", locator="service"
        )
    if "request" not in kvp:
        raise OwsError(
            "request is missing: GetCapabilities or GetTile", code="MissingParameterValue", locator="request"
        )
    name = kvp["request"].lower()
    if name not in ("getcapabilities", "gettile"):
        # OWS Common has 501 for this; a 5xx would be a fault of the server, and this is one of the request.
        raise OwsError(
            f"request {kvp['request'][:40]!r}; there are GetCapabilities and GetTile",
            code="OperationNotSupported",
            locator="request",
        )
    accepted = (
        kvp.get("acceptversions", WMTS_VERSION) if name == "getcapabilities" else kvp.get("version", WMTS_VERSION)
    )
    if WMTS_VERSION not in accepted.split(","):
        negotiated = name == "getcapabilities"
        raise OwsError(
            f"version {accepted[:40]!r}; this is {WMTS_VERSION}",
            code="VersionNegotiationFailed" if negotiated else "InvalidParameterValue",
            locator="acceptversions" if negotiated else "version",
        )
    return name


def collection_of_kvp(kvp: Mapping[str, str]) -> tuple[str, str]:
    """Result and layer of a GetTile request."""
    return collection_of(_need(kvp, "layer"))


def tile_of_kvp(kvp: Mapping[str, str], layers: Layers, layer: TileLayer) -> WmtsTile:
    """The tile of a GetTile request."""
    form = _need(kvp, "format")
    if form.lower() != _PNG:
        raise OwsError(f"format {form[:40]!r}; tiles come as {_PNG}", code="InvalidParameterValue", locator="format")
    numbers = {name: _number(kvp, name) for name in ("tilematrix", "tilerow", "tilecol")}
    address = _address(
        layers.id, layer.id, _need(kvp, "tilematrixset"), numbers["tilematrix"], numbers["tilecol"], numbers["tilerow"],
        "png", _style(kvp.get("style", "")),
    )  # fmt: skip
    named = {parameter.name.lower(): parameter.name for parameter in layer.parameters}
    dimensions = {named[key]: value for key, value in kvp.items() if key in named and value not in ("", "default")}
    return WmtsTile(address, dimensions, plain=kvp.keys() <= {*_OWN, *named})


def segments_of(rest: str, layers: Layers, layer: TileLayer) -> WmtsTile:
    """The tile of a RESTful address: style, one segment for each dimension, matrix set, matrix, row, column."""
    names = [parameter.name for parameter in layer.parameters]
    parts = rest.removesuffix(".png").split("/")
    before = [name for name in names if name not in _LATER]
    if len(parts) == len(before) + _FIXED:
        names = before
    expected = ["style", *names, "tilematrixset", "tilematrix", "tilerow", "tilecol"]
    if len(parts) != len(expected) or not rest.endswith(".png"):
        raise OwsError(
            f"{len(parts)} segments after the layer; expected {'/'.join('{' + name + '}' for name in expected)}.png",
            code="InvalidParameterValue", locator="layer",
        )  # fmt: skip
    kvp = dict(zip(expected, parts, strict=True))
    z, row, col = (_number(kvp, name) for name in ("tilematrix", "tilerow", "tilecol"))
    address = _address(layers.id, layer.id, kvp["tilematrixset"], z, col, row, "png", _style(kvp["style"]))
    return WmtsTile(address, {name: kvp[name] for name in names if kvp[name] != "default"}, plain=True)


def _address(result: str, layer: str, matrix: str, z: int, x: int, y: int, form: str, style: str) -> TileAddress:
    found = matrix_set(matrix)
    try:
        Tile(found, z, x, y)
    except NotFound as error:
        raise OwsError(str(error), code="TileOutOfRange") from error
    return TileAddress(result, layer, matrix, z, x, y, form, style)


def _style(name: str) -> str:
    return "" if name.lower() == "default" else name


def _need(kvp: Mapping[str, str], name: str) -> str:
    if not kvp.get(name):
        raise OwsError(f"{name} is missing", code="MissingParameterValue", locator=name)
    return kvp[name]


def _number(kvp: Mapping[str, str], name: str) -> int:
    text = _need(kvp, name)
    # Some clients write the matrix with its set before it: WebMercatorQuad:5.
    text = text.rpartition(":")[2] if name == "tilematrix" else text
    if not _NUMBER.fullmatch(text):
        raise OwsError(f"{name} {text[:40]!r} is no number", code="InvalidParameterValue", locator=name)
    return int(text)
