"""Tiles from memory, ahead of everything else: one look-up, and the answer goes out as it was kept."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from service.settings import Settings
from service.tiles.answers import Answer, takes_gzip
from service.tiles.cache import TileCache
from service.tiles.counts import Counts

__all__ = ["TileServer"]

# Of what the guard adds to every answer, that which matters for a picture: each header costs a tenth of the way through.
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"cross-origin"))
_ANYONE = (*_ALWAYS, (b"access-control-allow-origin", b"*"))


class TileServer:
    """ASGI application around the guard: answers what the cache holds, hands on what it does not.

    Only answers that anyone may have are kept under an address, so a hit needs no key. Everything else, refusals among it, takes the
    ordinary way through the guard, where it is logged and timed.
    """

    def __init__(self, app: ASGIApp, cache: TileCache, counts: Counts, settings: Settings) -> None:
        self.app, self._cache, self._counts = app, cache, counts
        public = urlsplit(settings.public_url or "").hostname
        self._hosts = frozenset(h.lower().encode() for h in (*settings.trusted_hosts, public or "") if h)
        self._any_host = b"*" in self._hosts
        self._origins = frozenset(origin.encode() for origin in settings.cors_origins)
        self._any_origin = b"*" in self._origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or hand on."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            query = scope["query_string"]
            path = scope.get("raw_path") or scope["path"].encode()
            answer = self._cache.get(path + b"?" + query if query else path)
            if answer is not None:
                given = _given(scope["headers"])
                if self._any_host or _name(given.get(b"host", b"")) in self._hosts:
                    await self._send(answer, given, scope["method"] == "HEAD", send)
                    return
        await self.app(scope, receive, send)

    async def _send(self, answer: Answer, given: dict[bytes, bytes], head: bool, send: Send) -> None:
        status, headers, body = answer.pick(
            gzip=takes_gzip(given.get(b"accept-encoding", b"")), known=given.get(b"if-none-match", b"")
        )
        self._counts.from_memory(status)
        full = [*headers, *(_ANYONE if self._any_origin else self._cors(given.get(b"origin")))]
        await send({"type": "http.response.start", "status": status, "headers": full})
        await send({"type": "http.response.body", "body": b"" if head else body})

    def _cors(self, origin: bytes | None) -> Iterable[tuple[bytes, bytes]]:
        allowed = ((b"access-control-allow-origin", origin),) if origin is not None and origin in self._origins else ()
        return (*_ALWAYS, (b"vary", b"Origin"), *allowed)


_ASKED = frozenset((b"host", b"accept-encoding", b"if-none-match", b"origin"))


def _given(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    return {name: value for name, value in headers if name in _ASKED}


def _name(host: bytes) -> bytes:
    """Name of a Host header, without its port."""
    if host.startswith(b"["):
        return host.partition(b"]")[0].lower() + b"]"
    return host.partition(b":")[0].lower()
