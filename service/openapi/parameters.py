"""Parameters of feature requests, as the OpenAPI document describes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["CRS84", "ITEM", "ITEMS", "LANGUAGES", "format_parameter", "property_parameter", "reference", "shared"]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
# `cql-text` is what GDAL looks for before it pushes a filter down; it is read as CQL2 text.
LANGUAGES = ("cql2-text", "cql2-json", "cql-text")
# Parameters of a page of features, beside its properties, and of one feature.
ITEMS = (
    "limit", "offset", "bbox", "bbox-crs", "datetime", "crs", "filter", "filter-lang", "filter-crs", "properties", "sortby",
    "resultType", "f",
)  # fmt: skip
ITEM = ("crs", "f")

Document = dict[str, Any]


def reference(name: str) -> Document:
    """A reference to a shared parameter. Clients know `limit` by its name, so it keeps it."""
    return {"$ref": f"#/components/parameters/{name}"}


def format_parameter(names: Iterable[str]) -> Document:
    """The parameter `f` of an answer with these formats."""
    return _query(
        "f", "Format of the answer; left out: what the Accept header asks for.", type="string", enum=list(names)
    )


def property_parameter(name: str, schema: Mapping[str, Any]) -> Document:
    """A property as a parameter: features with just this value."""
    kept = {key: schema[key] for key in ("type", "enum") if key in schema}
    return _query(name, str(schema.get("title", name)), **kept)


def shared(*, page_default: int, page_max: int, filter_chars: int) -> dict[str, Document]:
    """The parameters that collections have in common, by name; limits are those of this deployment."""
    numbers = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    texts = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    uri = {"type": "string", "format": "uri", "default": CRS84}
    page = {"type": "integer", "minimum": 1, "maximum": page_max, "default": min(page_default, page_max)}
    found: dict[str, tuple[str, Document]] = {
        "limit": ("Features of a page.", page),
        "offset": ("Features to pass over; `next` links carry it.", {"type": "integer", "minimum": 0, "default": 0}),
        "bbox": ("Features that meet this box: west, south, east, north, or as bbox-crs orders its axes.", numbers),
        "bbox-crs": ("CRS of bbox; one of those the collection lists.", uri),
        "datetime": ("A moment, or an interval such as 2020-01-01/2022-12-31, open with `..`.", {"type": "string"}),
        "crs": ("CRS of the coordinates in the answer; one of those the collection lists.", uri),
        "filter": ("A condition in CQL2 over the queryables.", {"type": "string", "maxLength": filter_chars}),
        "filter-lang": (
            "Language of filter.", {"type": "string", "enum": list(LANGUAGES), "default": LANGUAGES[0]}
        ),
        "filter-crs": ("CRS of the coordinates in filter.", uri),
        "properties": ("Properties of the answer; left out: all.", texts),
        "sortby": ("Properties to sort by, `-` before one for descending order.", texts),
        "resultType": (
            "`hits`: the count alone.", {"type": "string", "enum": ["results", "hits"], "default": "results"}
        ),
    }  # fmt: skip
    return {name: _query(name, text, **schema) for name, (text, schema) in found.items()}


def _query(name: str, description: str, **schema: Any) -> Document:
    return {
        "name": name, "in": "query", "required": False, "description": description, "schema": schema, "style": "form",
        "explode": False,
    }  # fmt: skip
