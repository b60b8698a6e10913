"""Collections as documents: what a client reads about one before it asks for features."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

from service.dependencies import Caller
from service.features.collection import Collection
from service.features.collections import collection_of, collections_of
from service.features.crs import CRS84_URI
from service.features.formats import DOWNLOADS, PAGES
from service.library import Library
from service.openapi.document import Outline
from service.openapi.formats import GEOJSON, HTML, JSON, SCHEMA, Format
from service.openapi.links import QUERYABLES, SCHEMA_REL, SORTABLES, Link, link
from service.tiles.tilesets import REL_VECTOR

__all__ = [
    "DOWNLOAD_FORMATS",
    "PAGE_FORMATS",
    "described",
    "feature_schema",
    "found",
    "listed",
    "outline",
    "with_geometry",
]

# GeoJSON and HTML on their own; what else a page may be, and what a whole collection may be.
PAGE_FORMATS = (GEOJSON, HTML, *(Format(f.name, f.media_type, f.title) for f in PAGES))
DOWNLOAD_FORMATS = tuple(Format(f.name, f.media_type, f.title) for f in DOWNLOADS)
_GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
# Where a schema is for QGIS, too, a geometry is this reference beside the format that part 3 asks for.
_GEOMETRY = {"$ref": "https://geojson.org/schema/Geometry.json"}


def listed(library: Library, caller: Caller) -> list[Collection]:
    """Collections that the caller may see, those of the newest results first."""
    return [c for c in collections_of(library) if caller.sees_facilities or not c.needs_facilities]


def found(library: Library, caller: Caller, which: str) -> Collection:
    """The collection of an id, if the caller may see it."""
    collection = collection_of(library, which)
    if collection.needs_facilities:
        caller.need_facilities()
    return collection


def described(collection: Collection, root: str) -> dict[str, Any]:
    """The collection's own document."""
    about: dict[str, Any] = {
        "id": collection.id,
        "title": f"{collection.title_en} · {collection.title_zh}",
        "description": f"{collection.description_en} {collection.description_zh}",
        "extent": _extent(collection),
        "itemType": "feature",
        "itemCount": collection.number,
        "crs": [c.uri for c in collection.crs],
        "links": _links(collection, f"{root}/ogc/collections/{collection.id}"),
    }
    if not collection.storage_crs.is_crs84:  # CRS84 stands in for one without a code
        about["storageCrs"] = collection.storage_crs.uri
    return about


def outline(collection: Collection) -> Outline:
    """What the OpenAPI document says of a collection."""
    queryables = {f.name: f.schema() for f in collection.fields}
    return Outline(collection.id, collection.title_en, queryables, PAGE_FORMATS, DOWNLOAD_FORMATS)


def feature_schema(collection: Collection) -> dict[str, Any]:
    """JSON schema of a feature as GeoJSON. GDAL takes the types of fields from it, rather than from the values of a first page."""
    properties = {f.name: {"type": str(f.type), "title": f.title_en} for f in collection.fields}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "title": collection.title_en,
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "const": "Feature"},
            "geometry": dict(_GEOMETRY),
            "properties": {"type": "object", "properties": properties},
        },
    }


def _extent(collection: Collection) -> dict[str, Any]:
    first, last = collection.years
    extent: dict[str, Any] = {
        "temporal": {"interval": [[f"{first:04d}-01-01T00:00:00Z", f"{last:04d}-12-31T23:59:59Z"]], "trs": _GREGORIAN}
    }
    if collection.bounds is not None:
        extent["spatial"] = {"bbox": [_outward(collection.bounds)], "crs": CRS84_URI}
    return extent


def _outward(bounds: tuple[float, float, float, float]) -> list[float]:
    """A box around a box, to the sixth decimal of a degree: a tenth of a metre."""
    west, south, east, north = (side * 1e6 for side in bounds)
    return [floor(west) / 1e6, floor(south) / 1e6, ceil(east) / 1e6, ceil(north) / 1e6]


def _links(collection: Collection, own: str) -> list[Link]:
    links = [
        link(own, "self", JSON.media_type, "This collection"),
        link(f"{own}?f=html", "alternate", "text/html", "This collection as HTML"),
        link(f"{own}/schema?f=geojson", "describedBy", SCHEMA.media_type, "Schema of a feature as GeoJSON"),
        link(f"{own}/schema", SCHEMA_REL, SCHEMA.media_type, "Schema of the collection"),
        link(f"{own}/queryables", QUERYABLES, SCHEMA.media_type, "What can be filtered by"),
        link(f"{own}/sortables", SORTABLES, SCHEMA.media_type, "What can be sorted by"),
    ]
    links.append(link(f"{own}/tiles", REL_VECTOR, JSON.media_type, "Vector tiles"))
    for form in PAGE_FORMATS:
        href = f"{own}/items" if form is GEOJSON else f"{own}/items?f={form.name}"
        links.append(link(href, "items", form.media_type.partition("; charset")[0], f"Features as {form.title}"))
    for form in DOWNLOAD_FORMATS:
        links.append(
            link(f"{own}/download?f={form.name}", "enclosure", form.media_type, f"All features as {form.title}")
        )
    return links


def with_geometry(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties of a schema, the geometry readable for QGIS as well."""
    return {name: {**_GEOMETRY, **p} if "geometry" in str(p.get("format", "")) else p for name, p in properties.items()}
