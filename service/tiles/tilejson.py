"""TileJSON 3.0 and the list of layers: what MapLibre and people begin with."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from gis.tiles.matrices import MATRICES, TileLimits, TileMatrixSet
from gis.views.layers import RasterLayer
from gis.views.vectors import VectorLayer
from service.tiles.layers import Layers, TileLayer

__all__ = ["attribution", "layer_list", "tile_template", "tilejson"]


def tile_template(layers: Layers, layer: TileLayer, matrix: TileMatrixSet, base: str, given: Mapping[str, str]) -> str:
    """Address of a layer's tiles with {z}, {x} and {y} in it."""
    query = f"?{urlencode(given)}" if given else ""
    return f"{base}/tiles/{layers.id}/{quote(layer.id)}/{matrix.id}/{{z}}/{{x}}/{{y}}.{layer.form}{query}"


def tilejson(
    layers: Layers, layer: TileLayer, matrix: TileMatrixSet, base: str, given: Mapping[str, str]
) -> dict[str, Any]:
    """The TileJSON of a layer; ``given`` are parameters that its tiles are to have."""
    west, south, east, north = layers.bounds
    zooms = layers.zooms(layer, matrix)
    found: dict[str, Any] = {
        "tilejson": "3.0.0", "name": f"{layers.title}: {layer.title}", "version": "1.0.0", "scheme": "xyz",
        "tiles": [tile_template(layers, layer, matrix, base, given)],
        "minzoom": zooms[0], "maxzoom": zooms[-1], "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, _whole(layers, matrix)],
        "attribution": attribution(layers), "crs": matrix.crs_uri, "tileMatrixSet": matrix.id,
    }  # fmt: skip
    if isinstance(layer.source, RasterLayer):
        found["legend"] = f"{base}/tiles/{layers.id}/{quote(layer.id)}/legend.png" + (
            f"?{urlencode(given)}" if given else ""
        )
    else:
        found["vector_layers"] = [_vector_layer(layer.source, zooms)]
    return found


def _vector_layer(source: VectorLayer, zooms: range) -> dict[str, Any]:
    """A layer of vector tiles with its fields, as TileJSON lists it."""
    return {
        "id": source.id, "description": f"{source.title_zh} {source.title_en}", "minzoom": zooms[0], "maxzoom": zooms[-1],
        "fields": {field.name: f"{field.title_zh} {field.title_en}" + (f", {field.unit}" if field.unit else "") for field in source.fields},
    }  # fmt: skip


def attribution(layers: Layers) -> str:
    """Where the data are from. Maps take this for HTML, so what came with the data is escaped."""
    manifest = layers.run.manifest
    parts = [manifest.get("source") or "", manifest.get("licence") or "", f"cozone {layers.id}"]
    return escape(" · ".join(str(part) for part in parts if part))


def layer_list(layers: Layers, base: str, *, facilities: bool) -> dict[str, Any]:
    """The layers of a result, those that tell of facilities only for who may see them."""
    return {
        "id": layers.id, "name": layers.title, "label": layers.result.label, "run": layers.run.id,
        "bounds": list(layers.bounds), "tileMatrixSets": list(MATRICES), "attribution": attribution(layers),
        "layers": [_entry(layers, layer, base) for layer in layers if facilities or not layer.guarded],
    }  # fmt: skip


def _entry(layers: Layers, layer: TileLayer, base: str) -> dict[str, Any]:
    address = f"{base}/tiles/{layers.id}/{quote(layer.id)}"
    form = f"?form={layer.form}" if layers.twofold(layer) else ""
    return {
        **_about(layer.source), "type": "raster" if layer.raster else "vector", "guarded": layer.guarded,
        "tilejson": {matrix: f"{address}/{matrix}/tilejson.json{form}" for matrix in MATRICES},
        "tiles": {m.id: tile_template(layers, layer, m, base, {}) for m in MATRICES.values()},
        **({"legend": f"{address}/legend.json"} if layer.raster else {}),
    }  # fmt: skip


def _about(source: RasterLayer | VectorLayer) -> dict[str, Any]:
    if isinstance(source, RasterLayer):
        return source.json()
    return {
        "id": source.id, "kind": str(source.shape), "title_zh": source.title_zh, "title_en": source.title_en,
        "parameters": [
            {"name": p.name, "title_zh": p.title_zh, "title_en": p.title_en, "schema": p.schema()} for p in source.parameters
        ],
        "fields": [
            {"name": f.name, "type": str(f.type), "title_zh": f.title_zh, "title_en": f.title_en, "unit": f.unit}
            for f in source.fields
        ],
    }  # fmt: skip


def _whole(layers: Layers, matrix: TileMatrixSet) -> int:
    """The finest zoom at which the whole grid is within two tiles either way: a map opens there."""
    fitting = [z for z in matrix.zooms if max(_span(layers.limits_at(matrix, z))) <= 2]
    return fitting[-1] if fitting else matrix.min_zoom


def _span(found: TileLimits) -> tuple[int, int]:
    return found.x_last - found.x_first + 1, found.y_last - found.y_first + 1
