"""The OpenAPI 3.0.3 document of the OGC API, one path a collection: QGIS and GDAL read page sizes and filters from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from service.openapi.components import RESPONSES, SCHEMAS, failures, success
from service.openapi.formats import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Format
from service.openapi.parameters import ITEM, ITEMS, format_parameter, property_parameter, reference, shared

__all__ = ["DOCUMENT_PATHS", "Limits", "Outline", "document"]

Document = dict[str, Any]
# The address of the document and of the pages about it, below the landing page.
DOCUMENT_PATHS = ("/api", "/docs")
# Collections with a path of their own; those beyond are served by the same address with {collectionId}.
_CONCRETE = 300
_HTML = HTML.media_type.partition(";")[0]
_COMMON = ("400", "401", "406", "414", "503")


@dataclass(frozen=True, slots=True)
class Outline:
    """What the document says of a collection: its properties by name as JSON schemas, and the formats of its features."""

    id: str
    title: str
    queryables: Mapping[str, Mapping[str, Any]]
    formats: tuple[Format, ...]
    downloads: tuple[Format, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a deployment that clients go by."""

    page_default: int
    page_max: int
    filter_chars: int


def document(
    base: str, title: str, limits: Limits, outlines: Sequence[Outline], *, others: Sequence[Mapping[str, Any]] = ()
) -> Document:
    """The whole document. ``others`` are paths that tiles and processes bring along."""
    parameters = shared(page_default=limits.page_default, page_max=limits.page_max, filter_chars=limits.filter_chars)
    parameters |= {
        "collectionId": _path_parameter("collectionId", "Collection, such as `z-0123456789ab.units`."),
        "featureId": _path_parameter("featureId", "Feature."),
    }
    paths = _top() | _generic(outlines)
    for outline in outlines[:_CONCRETE]:
        for name, schema in outline.queryables.items():
            parameters.setdefault(_key(name, schema), property_parameter(name, schema))
        paths[f"/collections/{outline.id}/items"] = _items(outline)
    components: Document = {"parameters": parameters, "schemas": dict(SCHEMAS), "responses": dict(RESPONSES)}
    for fragment in others:
        _join(paths, components, fragment)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": title,
            "version": version("cozone"),
            "description": "Emission grids, hotspots and control units: features, tiles and processes as OGC API.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": base, "description": title}],
        "tags": [{"name": tag, "description": text} for tag, text in _TAGS.items()],
        "paths": paths,
        "components": components,
    }


_TAGS = {
    "capabilities": "What there is.",
    "features": "Features of a collection, and what is known of them.",
    "tiles": "Tiles of layers.",
    "processes": "Long work: start it, watch it, stop it.",
}


def _top() -> Document:
    plain = (JSON.media_type, _HTML)
    both = _f(JSON, HTML)
    found = {
        "/": ("landing", "The landing page", success("Links to all there is.", "landingPage", *plain), both),
        "/conformance": (
            "conformance", "Conformance classes", success("What is conformed to.", "confClasses", *plain), both
        ),
        "/api": ("api", "This document", success("OpenAPI 3.0.3.", None, OPENAPI.media_type, _HTML), _f(OPENAPI, HTML)),
        "/collections": (
            "collections", "All collections", success("Those of the newest results first.", "collections", *plain), both
        ),
    }  # fmt: skip
    return {
        path: {"get": _operation(name, "capabilities", summary, answer, f)}
        for path, (name, summary, answer, f) in found.items()
    }


def _generic(outlines: Sequence[Outline]) -> Document:
    """Paths with the collection as a parameter."""
    root = "/collections/{collectionId}"
    at = [reference("collectionId")]
    schema = success("A JSON schema.", "schema", SCHEMA.media_type, _HTML)
    forms, schema_forms = _f(JSON, HTML), _f(SCHEMA, HTML)
    one = success("The collection.", "collection", JSON.media_type, _HTML)
    feature = success("The feature.", "featureGeoJSON", GEOJSON.media_type, _HTML)
    three = format_parameter((SCHEMA.name, "geojson", HTML.name))
    formats = outlines[0].formats if outlines else (GEOJSON, HTML)
    return {
        root: _about("collection", "A collection", one, [*at, forms]),
        f"{root}/queryables": _about("queryables", "What can be filtered by", schema, [*at, schema_forms]),
        f"{root}/sortables": _about("sortables", "What can be sorted by", schema, [*at, schema_forms]),
        f"{root}/schema": _about("schema", "What a feature holds", schema, [*at, three]),
        f"{root}/items": {"get": _page("items", "Features of a collection", formats, at)},
        f"{root}/items/{{featureId}}": _about(
            "feature",
            "A feature",
            feature,
            [*at, reference("featureId"), *map(reference, ITEM[:-1]), _f(GEOJSON, HTML)],
        ),
        f"{root}/download": {"get": _download(outlines, at)},
    }


def _items(outline: Outline) -> Document:
    extra = [reference(_key(name, schema)) for name, schema in outline.queryables.items()]
    operation = _page(f"items.{outline.id}", outline.title, outline.formats, extra)
    return {"get": operation}


def _page(name: str, summary: str, formats: Sequence[Format], extra: Sequence[Document]) -> Document:
    types = tuple(found.media_type.partition("; charset")[0] for found in formats)
    shared_ones = [reference(p) for p in ITEMS if p != "f"]
    answer = success("A page of features.", "featureCollectionGeoJSON", *types)
    answer["headers"] = {
        "Content-Crs": {"schema": {"type": "string"}, "description": "CRS of the coordinates."},
        "OGC-NumberMatched": {"schema": {"type": "integer"}},
        "OGC-NumberReturned": {"schema": {"type": "integer"}},
        "Link": {"schema": {"type": "string"}},
    }
    parameters = [*shared_ones, format_parameter(f.name for f in formats), *extra]
    return _operation(name, "features", summary, answer, *parameters, statuses=("304", "307", *_COMMON, "404", "413"))


def _download(outlines: Sequence[Outline], at: list[Document]) -> Document:
    formats = outlines[0].downloads if outlines else ()
    answer = success("A file.", None, *(found.media_type for found in formats))
    for body in answer["content"].values():
        body["schema"]["format"] = "binary"
    f = format_parameter(found.name for found in formats)
    return _operation(
        "download",
        "features",
        "The whole collection as one file",
        answer,
        *at,
        f,
        statuses=("304", "307", *_COMMON, "404", "413"),
    )


def _about(name: str, summary: str, answer: Document, parameters: Sequence[Document]) -> Document:
    return {"get": _operation(name, "features", summary, answer, *parameters, statuses=("304", "307", *_COMMON, "404"))}


def _operation(
    name: str,
    tag: str,
    summary: str,
    answer: Document,
    *parameters: Document,
    statuses: Sequence[str] = ("304", *_COMMON),
) -> Document:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": answer, **failures(*statuses)},
    }


def _f(*formats: Format) -> Document:
    return format_parameter(found.name for found in formats)


def _path_parameter(name: str, description: str) -> Document:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def _key(name: str, schema: Mapping[str, Any]) -> str:
    """Name of a property as a shared parameter: one for each name, type and list of values."""
    values = sum(map(ord, ",".join(map(str, schema.get("enum", ())))))
    return f"property-{name}-{schema.get('type', 'string')}" + (f"-{values}" if values else "")


def _join(paths: Document, components: Document, fragment: Mapping[str, Any]) -> None:
    """Add a fragment: bare paths, or ``paths`` and ``components`` beside each other."""
    paths |= fragment.get("paths", fragment)
    for kind, named in fragment.get("components", {}).items():
        components.setdefault(kind, {})
        components[kind] |= named
