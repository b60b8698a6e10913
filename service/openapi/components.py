"""Schemas and answers that the OpenAPI document refers to."""

from __future__ import annotations

from typing import Any

from service.errors import PROBLEM_TYPE

__all__ = ["ERRORS", "RESPONSES", "SCHEMAS", "content", "failures", "success"]

Document = dict[str, Any]

_TEXT: Document = {"type": "string"}
_NUMBER: Document = {"type": "number"}
_LINKS: Document = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_OPEN: Document = {"type": "object", "additionalProperties": True}


def _object(required: tuple[str, ...] = (), **properties: Document) -> Document:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Document, **more: Any) -> Document:
    return {"type": "array", "items": items, **more}


SCHEMAS: dict[str, Document] = {
    "link": _object(("href", "rel"), href=_TEXT, rel=_TEXT, type=_TEXT, title=_TEXT, hreflang=_TEXT, length={"type": "integer"}),
    "landingPage": _object(("links",), title=_TEXT, description=_TEXT, links=_LINKS),
    "confClasses": _object(("conformsTo",), conformsTo=_list(_TEXT)),
    "collections": _object(
        ("links", "collections"), links=_LINKS, crs=_list(_TEXT), collections=_list({"$ref": "#/components/schemas/collection"}),
        numberMatched={"type": "integer"}, numberReturned={"type": "integer"},
    ),
    "collection": _object(
        ("id", "links"), id=_TEXT, title=_TEXT, description=_TEXT, links=_LINKS, itemType={"type": "string", "default": "feature"},
        crs=_list(_TEXT), storageCrs=_TEXT, itemCount={"type": "integer", "minimum": 0}, license=_TEXT, extent=_object(
            spatial=_object(bbox=_list(_list(_NUMBER, minItems=4, maxItems=6), minItems=1), crs=_TEXT),
            temporal=_object(interval=_list(_list({"type": "string", "nullable": True}, minItems=2, maxItems=2), minItems=1), trs=_TEXT),
        ),
    ),
    "geometry": {**_object(("type",), type=_TEXT), "nullable": True},
    "featureGeoJSON": _object(
        ("type", "geometry", "properties"), type={"type": "string", "enum": ["Feature"]}, links=_LINKS,
        geometry={"$ref": "#/components/schemas/geometry"}, properties={**_OPEN, "nullable": True},
        id={"oneOf": [_TEXT, {"type": "integer"}]},
    ),
    "featureCollectionGeoJSON": _object(
        ("type", "features"), type={"type": "string", "enum": ["FeatureCollection"]}, links=_LINKS,
        features=_list({"$ref": "#/components/schemas/featureGeoJSON"}),
        numberMatched={"type": "integer", "minimum": 0}, numberReturned={"type": "integer", "minimum": 0},
    ),
    "schema": _object(("type", "properties"), type=_TEXT, properties=_OPEN),
    "problem": _object(
        ("title", "status"), type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT, instance=_TEXT, request_id=_TEXT
    ),
}  # fmt: skip

_MEANINGS = {
    "400": ("BadRequest", "A parameter is unknown, or its value is none it may have."),
    "401": ("Unauthorised", "A key is needed, or the one that came is not valid."),
    "403": ("Forbidden", "The key does not reach this far."),
    "404": ("NotFound", "There is nothing of this name."),
    "406": ("NotAcceptable", "None of the formats asked for can be had."),
    "413": ("TooLarge", "More was asked for than a budget allows."),
    "414": ("UriTooLong", "The address is longer than any that is read."),
    "500": ("ServerError", "An error of the server."),
    "503": ("Busy", "The queue is full, or the answer would take too long; Retry-After says when to ask again."),
}
ERRORS = {status: name for status, (name, _) in _MEANINGS.items()}
RESPONSES: dict[str, Document] = {
    name: {
        "description": meaning,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}},
        **({"headers": {"Retry-After": {"schema": {"type": "integer"}}}} if name == "Busy" else {}),
    }
    for name, meaning in _MEANINGS.values()
}
RESPONSES["NotModified"] = {"description": "The client has this answer already."}
RESPONSES["Moved"] = {
    "description": "A pointer such as `latest`: the address of what it points to now.",
    "headers": {"Location": {"schema": {"type": "string"}}},
}


def content(schema: str | None, *types: str) -> Document:
    """Content of these media types; the first is of the schema, the others are plain."""
    found: Document = {}
    for position, type_ in enumerate(types):
        named = schema is not None and position == 0
        plain = _OPEN if "json" in type_ else _TEXT
        found[type_] = {"schema": {"$ref": f"#/components/schemas/{schema}"} if named else dict(plain)}
    return found


def success(description: str, schema: str | None, *types: str) -> Document:
    """Answer 200."""
    return {"description": description, "content": content(schema, *types)}


def failures(*statuses: str) -> Document:
    """References to the answers of these statuses; 304 among them means the client has it."""
    special = {"304": "NotModified", "307": "Moved"}
    return {s: {"$ref": f"#/components/responses/{special.get(s) or ERRORS[s]}"} for s in statuses}
