"""WMTS 1.0.0: what the service can do, as the XML that QGIS, GDAL and ArcGIS read."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from gis.tiles.matrices import MATRICES, TileMatrixSet
from gis.tiles.scales import SHARES
from gis.views.layers import Parameter, ParameterType
from service.tiles.layers import Layers, TileLayer

__all__ = ["OWS", "WMTS_VERSION", "capabilities", "clean"]

WMTS_VERSION = "1.0.0"
_WMTS = "http://www.opengis.net/wmts/1.0"
OWS = "http://www.opengis.net/ows/1.1"
_XLINK = "http://www.w3.org/1999/xlink"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd"
# Round sizes of patches for a list.
_SIZES = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
for _prefix, _uri in (("", _WMTS), ("ows", OWS), ("xlink", _XLINK), ("xsi", _XSI)):
    ET.register_namespace(_prefix, _uri)


def capabilities(results: Sequence[Layers], *, title: str, base: str, address: str) -> bytes:
    """The document over the raster layers of some results; ``address`` is its own below ``/wmts``."""
    located = {f"{{{_XSI}}}schemaLocation": f"{_WMTS} {_SCHEMA}"}
    root = ET.Element(f"{{{_WMTS}}}Capabilities", {"version": WMTS_VERSION, **located})
    _service(root, title)
    _operations(root, f"{base}/wmts{address}")
    contents = _wmts(root, "Contents")
    for layers in results:
        for layer in layers.rasters:
            _layer(contents, layers, layer, base)
    for matrix in MATRICES.values():
        deepest = max(
            (layers.zooms(layer, matrix)[-1] for layers in results for layer in layers.rasters), default=matrix.max_zoom
        )
        _matrix_set(contents, matrix, deepest)
    document = f"{base}/wmts{address}/{WMTS_VERSION}/WMTSCapabilities.xml"
    _wmts(root, "ServiceMetadataURL", attributes={f"{{{_XLINK}}}href": document})
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _service(root: ET.Element, title: str) -> None:
    service = _ows(root, "ServiceIdentification")
    _ows(service, "Title", title)
    _ows(service, "ServiceType", "OGC WMTS")
    _ows(service, "ServiceTypeVersion", WMTS_VERSION)
    _ows(service, "Fees", "none")
    _ows(service, "AccessConstraints", "none")


def _operations(root: ET.Element, kvp: str) -> None:
    operations = _ows(root, "OperationsMetadata")
    for name in ("GetCapabilities", "GetTile"):
        operation = _ows(operations, "Operation", attributes={"name": name})
        http = _ows(_ows(operation, "DCP"), "HTTP")
        get = _ows(http, "Get", attributes={f"{{{_XLINK}}}href": f"{kvp}?"})
        constraint = _ows(get, "Constraint", attributes={"name": "GetEncoding"})
        _ows(_ows(constraint, "AllowedValues"), "Value", "KVP")


def _layer(contents: ET.Element, layers: Layers, layer: TileLayer, base: str) -> None:
    found = _wmts(contents, "Layer")
    name = f"{layers.id}.{layer.id}"
    _ows(found, "Title", f"{layer.title} — {layers.title}")
    if layer.unit:
        _ows(found, "Abstract", layer.unit)
    west, south, east, north = layers.bounds
    box = _ows(found, "WGS84BoundingBox")
    _ows(box, "LowerCorner", f"{west} {south}")
    _ows(box, "UpperCorner", f"{east} {north}")
    _ows(found, "Identifier", name)
    for position, style in enumerate(layer.styles):
        _style(found, layers, layer, style, base, default=position == 0)
    _wmts(found, "Format", "image/png")
    for matrix in MATRICES.values():
        _link(found, layers, layer, matrix)
    for parameter in layer.parameters:
        dimension = _wmts(found, "Dimension")
        _ows(dimension, "Identifier", parameter.name)
        _wmts(dimension, "Default", parameter.default)
        for value in offered(parameter):
            _wmts(dimension, "Value", value)
    template = f"{base}/wmts/{WMTS_VERSION}/{quote(name)}/{{Style}}/" + "".join(
        f"{{{p.name}}}/" for p in layer.parameters
    )
    _wmts(
        found, "ResourceURL",
        attributes={
            "format": "image/png", "resourceType": "tile",
            "template": template + "{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png",
        },
    )  # fmt: skip


def _style(found: ET.Element, layers: Layers, layer: TileLayer, style: str, base: str, *, default: bool) -> None:
    node = _wmts(found, "Style", attributes={"isDefault": "true" if default else "false"})
    _ows(node, "Title", style)
    _ows(node, "Identifier", style)
    address = f"{base}/tiles/{layers.id}/{quote(layer.id)}/legend.png?style={quote(style)}"
    _wmts(node, "LegendURL", attributes={"format": "image/png", f"{{{_XLINK}}}href": address})


def _link(found: ET.Element, layers: Layers, layer: TileLayer, matrix: TileMatrixSet) -> None:
    """The zooms at which a layer has something to show, and where."""
    link = _wmts(found, "TileMatrixSetLink")
    _wmts(link, "TileMatrixSet", matrix.id)
    limits = _wmts(link, "TileMatrixSetLimits")
    for z, tiles in layers.limits(layer, matrix):
        one = _wmts(limits, "TileMatrixLimits")
        _wmts(one, "TileMatrix", str(z))
        for tag, value in (
            ("MinTileRow", tiles.y_first), ("MaxTileRow", tiles.y_last),
            ("MinTileCol", tiles.x_first), ("MaxTileCol", tiles.x_last),
        ):  # fmt: skip
            _wmts(one, tag, str(value))


def offered(parameter: Parameter) -> tuple[str, ...]:
    """Values that a list shows; of a range, some round ones and its default."""
    if parameter.choices:
        return parameter.choices
    low, high = parameter.minimum or 0.0, parameter.maximum or 0.0
    whole = parameter.type is ParameterType.INTEGER
    found = {*(v for v in (_SIZES if whole else SHARES) if low <= v <= high), float(parameter.default)}
    return tuple(parameter.canonical(str(v)) for v in sorted(found))


def _matrix_set(contents: ET.Element, matrix: TileMatrixSet, deepest: int) -> None:
    """A matrix set down to a zoom: GDAL gives a layer the resolution of the last matrix, whatever the layer's limits say."""
    found = _wmts(contents, "TileMatrixSet")
    document = matrix.json()
    _ows(found, "Identifier", matrix.id)
    _ows(found, "SupportedCRS", f"urn:ogc:def:crs:EPSG::{matrix.epsg}")
    if matrix.scale_set:
        _wmts(found, "WellKnownScaleSet", f"urn:ogc:def:wkss:OGC:1.0:{matrix.scale_set.rpartition('/')[2]}")
    for level in document["tileMatrices"][: deepest - matrix.min_zoom + 1]:
        one = _wmts(found, "TileMatrix")
        _ows(one, "Identifier", str(level["id"]))
        _wmts(one, "ScaleDenominator", repr(float(level["scaleDenominator"])))
        _wmts(one, "TopLeftCorner", " ".join(repr(float(v)) for v in level["pointOfOrigin"]))
        for tag, key in (
            ("TileWidth", "tileWidth"), ("TileHeight", "tileHeight"), ("MatrixWidth", "matrixWidth"), ("MatrixHeight", "matrixHeight"),
        ):  # fmt: skip
            _wmts(one, tag, str(level[key]))


def _wmts(
    parent: ET.Element, tag: str, text: str | None = None, *, attributes: dict[str, str] | None = None
) -> ET.Element:
    return _node(parent, _WMTS, tag, text, attributes)


def _ows(
    parent: ET.Element, tag: str, text: str | None = None, *, attributes: dict[str, str] | None = None
) -> ET.Element:
    return _node(parent, OWS, tag, text, attributes)


def _node(parent: ET.Element, space: str, tag: str, text: str | None, attributes: dict[str, str] | None) -> ET.Element:
    found = ET.SubElement(parent, f"{{{space}}}{tag}", attributes or {})
    found.text = None if text is None else clean(text)
    return found


def clean(text: str) -> str:
    """The text without the signs that XML 1.0 cannot hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
