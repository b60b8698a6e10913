"""OpenAPI documents as people read them: operations by tag, each with its parameters, its answers and a line for curl."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Group", "Operation", "groups_of"]

Document = Mapping[str, Any]
_VERBS = ("get", "post", "put", "patch", "delete")
_LONGEST_LIST = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of an address."""

    verb: str
    path: str
    summary: str
    description: str
    parameters: tuple[dict[str, Any], ...]
    responses: tuple[tuple[str, str], ...]
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations of one tag."""

    name: str
    operations: tuple[Operation, ...]


def groups_of(document: Document, *, base: str) -> tuple[Group, ...]:
    """Operations of a document by tag, in its order. ``base``: the address that its paths stand below."""
    found: dict[str, list[Operation]] = {}
    for path, item in document.get("paths", {}).items():
        for verb in _VERBS:
            if verb in item:
                operation = item[verb]
                tag = (operation.get("tags") or ["other"])[0]
                found.setdefault(tag, []).append(_operation(document, base, path, verb, item))
    return tuple(Group(name, tuple(operations)) for name, operations in found.items())


def _operation(document: Document, base: str, path: str, verb: str, item: Document) -> Operation:
    body = item[verb]
    parameters = [_resolved(document, p) for p in (*item.get("parameters", ()), *body.get("parameters", ()))]
    responses = [(s, str(_resolved(document, r).get("description", ""))) for s, r in body.get("responses", {}).items()]
    return Operation(
        verb, path, str(body.get("summary", "")), str(body.get("description", "")),
        tuple(_parameter(document, p) for p in parameters), tuple(responses),
        _example(base + path, verb, body, parameters),
    )  # fmt: skip


def _parameter(document: Document, parameter: Document) -> dict[str, Any]:
    return {
        "name": parameter["name"], "in": parameter["in"], "required": bool(parameter.get("required")),
        "type": _type(document, parameter.get("schema", {})), "description": str(parameter.get("description", "")),
    }  # fmt: skip


def _type(document: Document, schema: Document) -> str:
    found = _resolved(document, schema)
    options = [_type(document, s) for s in found.get("anyOf", ()) if s.get("type") != "null"]
    text = " or ".join(options) if options else str(found.get("type", "any"))
    if values := found.get("enum"):
        text += ": " + ", ".join(map(str, values[:_LONGEST_LIST])) + (" …" if len(values) > _LONGEST_LIST else "")
    if "default" in found and found["default"] is not None:
        text += f", else {found['default']}"
    return text


def _example(address: str, verb: str, body: Document, parameters: list[Document]) -> str:
    """A line for curl, with what has to be given."""
    needed = [f"{p['name']}={p['name'].upper()}" for p in parameters if p["in"] == "query" and p.get("required")]
    words = ["curl", "-L"]
    if verb != "get":
        words += ["-X", verb.upper()]
    types = list(body.get("requestBody", {}).get("content", {}))
    if "application/json" in types:
        words += ["-H", "Content-Type: application/json", "-d", "@request.json"]
    elif types:
        words += ["-F", "file=@FILE"]
    return shlex.join([*words, address + ("?" + "&".join(needed) if needed else "")])


def _resolved(document: Document, found: Document) -> Document:
    """What a reference within the document stands for."""
    if "$ref" not in found:
        return found
    here: Any = document
    for step in str(found["$ref"]).removeprefix("#/").split("/"):
        here = here.get(step, {})
    return here if isinstance(here, Mapping) else {}
