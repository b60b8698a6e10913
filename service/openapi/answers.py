"""Answers: bodies with a strong ETag, 304 for who has them already, and how long they keep."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from importlib.metadata import version

import orjson
from fastapi import Request
from starlette.responses import Response

from service.errors import Problem

__all__ = ["FRESH", "IMMUTABLE", "answer", "etag", "json_bytes", "known", "not_modified", "parameters_of"]

# Kept for good: what is published under an id never changes.
IMMUTABLE = "max-age=31536000, immutable"
# Asked for again each time, with the ETag: what changes when something is published or withdrawn.
FRESH = "no-cache"
_VERSION = version("cozone")
_LONGEST_QUERY = 16_000


def json_bytes(document: object) -> bytes:
    """A document as JSON; NaN becomes null."""
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def etag(*parts: object) -> str:
    """A strong ETag of what an answer depends on, this version of the program among it."""
    text = "\x00".join(map(str, (_VERSION, *parts)))
    return f'"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


def known(request: Request, tag: str) -> bool:
    """Whether the client has the answer with this ETag."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in given[:4_000].split(","))


def not_modified(tag: str, headers: Mapping[str, str]) -> Response:
    """304: what the client has is still right."""
    return Response(status_code=304, headers={**headers, "ETag": tag})


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    cache: str = FRESH,
    private: bool = False,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body, or 304 if the client has it. ``private``: the answer depends on a key, so that no shared cache keeps it."""
    found = tag or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    all_headers = {**caching(cache, private=private), **(headers or {})}
    if known(request, found):
        return not_modified(found, all_headers)
    return Response(body, media_type=None, headers={**all_headers, "ETag": found, "Content-Type": media_type})


def caching(cache: str, *, private: bool) -> dict[str, str]:
    """Headers that say who may keep an answer, and how long."""
    return {"Cache-Control": f"{'private' if private else 'public'}, {cache}", "Vary": "Accept, Authorization"}


def parameters_of(request: Request, allowed: Collection[str]) -> dict[str, str]:
    """The query's parameters, each given once; any that is not allowed here is refused."""
    if len(request.url.query) > _LONGEST_QUERY:
        raise Problem(f"the query has {len(request.url.query)} characters; at most {_LONGEST_QUERY} are read")
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            near = get_close_matches(name[:60], allowed, n=3) or sorted(allowed)[:20]
            raise Problem(
                f"unknown parameter {name[:60]!r}; this answer takes, among others, {', '.join(near) or 'none'}"
            )
        if name in found:
            raise Problem(f"parameter {name!r} is given more than once")
        if "\x00" in value:
            raise Problem(f"parameter {name!r} holds a character that no text has")
        found[name] = value
    return found
