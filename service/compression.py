"""Compression of answers that gain by it: text, JSON, vector tiles. Pictures and archives are packed already."""

from __future__ import annotations

from typing import Any

from isal import isal_zlib
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Compression"]

_LEAST = 1_000
# igzip's level 2: about the ratio of zlib's 3 at five times its speed.
_LEVEL = 2
_GZIP = 16 + 15
_TYPES = (
    "text/", "application/json", "application/geo+json", "application/problem+json", "application/schema+json",
    "application/vnd.oai", "application/xml", "application/vnd.mapbox-vector-tile", "font/otf",
)  # fmt: skip


class Compression:
    """ASGI middleware: gzip for clients that take it. The entity tag of a packed answer ends in ``-gzip``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, packed where it pays."""
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
            return
        asked = _unpacked(scope)
        await self.app(asked, receive, _Packer(send, knows_packed=asked is not scope))


def _unpacked(scope: Scope) -> Scope:
    """The request with the entity tags that the application knows."""
    found = [(n, v.replace(b'-gzip"', b'"') if n == b"if-none-match" else v) for n, v in scope["headers"]]
    return {**scope, "headers": found} if found != scope["headers"] else scope


class _Packer:
    def __init__(self, send: Send, *, knows_packed: bool) -> None:
        self._send, self._knows_packed = send, knows_packed
        self._start: Message | None = None
        self._packer: Any = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            await self._begin(message)
            return
        await self._body(message)

    async def _begin(self, message: Message) -> None:
        start, self._start = self._start, None
        assert start is not None
        headers = MutableHeaders(scope=start)
        whole = not message.get("more_body", False)
        text = headers.get("content-type", "").startswith(_TYPES)
        if text:
            headers.add_vary_header("Accept-Encoding")
        if start["status"] == 304 and self._knows_packed and "etag" in headers:
            headers["etag"] = _packed_tag(headers["etag"])
        elif text and "content-encoding" not in headers and start["status"] not in (204, 206, 304):
            if not whole or len(message.get("body", b"")) >= _LEAST:
                self._packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
                headers["content-encoding"] = "gzip"
                del headers["content-length"]
                if "etag" in headers:
                    headers["etag"] = _packed_tag(headers["etag"])
        await self._send(start)
        await self._body(message)

    async def _body(self, message: Message) -> None:
        if self._packer is not None and message["type"] == "http.response.body":
            more = message.get("more_body", False)
            body = self._packer.compress(message.get("body", b""))
            message = {**message, "body": body if more else body + self._packer.flush()}
        await self._send(message)


def _packed_tag(tag: str) -> str:
    return tag if tag.startswith("W/") else tag[:-1] + '-gzip"'
