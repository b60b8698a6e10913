"""Addresses of tiles: what a client asks for, whichever of the four schemes it speaks, and the one key it is kept under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request

from gis.errors import InvalidParameter, NotFound
from service.library import POINTERS

__all__ = ["TileAddress", "collection_of", "index_of", "is_pointer", "key_of", "once", "raw_address"]

_INDEX = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile of a layer of a result. ``style`` is empty for the default one."""

    result: str
    layer: str
    matrix: str
    z: int
    x: int
    y: int
    form: str
    style: str = ""


def key_of(address: TileAddress, parameters: Iterable[tuple[str, str]]) -> bytes:
    """The address of a tile in its one form, which is also that under which clients may ask for it."""
    a = address
    path = f"/tiles/{a.result}/{quote(a.layer)}/{a.matrix}/{a.z}/{a.x}/{a.y}.{a.form}"
    query = urlencode(list(parameters))
    return f"{path}?{query}".encode() if query else path.encode()


def collection_of(name: str) -> tuple[str, str]:
    """Result and layer of a collection: ``z-0123456789ab.units``."""
    result, dot, layer = name.partition(".")
    if not dot:
        raise NotFound(f"no collection {name[:60]!r}; its name would be that of a result, a dot and that of a layer")
    return result, layer


def index_of(text: str) -> int:
    """Zoom, row or column of an address; what is no such number names no tile."""
    if not _INDEX.fullmatch(text):
        raise NotFound(f"no tile {text[:40]!r}: zooms, rows and columns are whole numbers")
    return int(text)


def is_pointer(result: str) -> bool:
    """Whether a result is named by what it is now, not by what it holds."""
    return result in POINTERS


def once(request: Request) -> dict[str, str]:
    """Parameters of a request, each given once."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise InvalidParameter(f"parameter {name[:60]!r} is given more than once")
        found[name] = value
    return found


def raw_address(request: Request) -> bytes:
    """The address as it came, which is what the server of hits sees."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path
