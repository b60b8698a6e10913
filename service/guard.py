"""The guard before every route: hosts, sizes, times, ids, headers that browsers heed, one log line and the metrics.

A request passes it once; what it refuses never reaches a route. Errors that routes did not answer end here, too.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Problem, TooLarge, as_problem, response_of
from service.logs import REQUEST_ID, logger
from service.metrics import Metrics
from service.settings import Settings

__all__ = ["UPLOADS", "Guard"]

# Where a body may be an upload.
UPLOADS = "/api/inventories"
_URL_BYTES = 8_192
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_EXPOSED = "Content-Crs, Content-Disposition, ETag, Link, Location, OGC-NumberMatched, OGC-NumberReturned, Retry-After, X-Request-ID"
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",
}
# An answer that is no page may do nothing in a browser; pages bring a policy of their own.
_CSP = "default-src 'none'; frame-ancestors 'none'"


class Guard:
    """ASGI middleware over the whole application."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        public = urlsplit(settings.public_url or "").hostname
        self._hosts = {h.lower() for h in (*settings.trusted_hosts, *([public] if public else [])) if h}
        self._origins = frozenset(settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        token = REQUEST_ID.set(exchange.id)
        self.metrics.inside.inc()
        try:
            await exchange.run()
        finally:
            self.metrics.inside.dec()
            exchange.record()
            REQUEST_ID.reset(token)

    def refuse(self, scope: Scope, headers: Headers) -> Problem | None:
        """Why a request is not looked at, from its first lines alone."""
        if "*" not in self._hosts and _host(headers.get("host", "")) not in self._hosts:
            return Problem(
                "this server is not known under that Host; its name belongs into COZONE_PUBLIC_URL or COZONE_TRUSTED_HOSTS"
            )
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _URL_BYTES:
            return Problem(f"an address has {_URL_BYTES} bytes at most; post what is longer", status=414)
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return Problem("Content-Length is no number")
        if int(length) > self.limit(scope):
            return TooLarge(f"a body has {self.limit(scope):,} bytes at most here")
        return None

    def limit(self, scope: Scope) -> int:
        """Bytes that the body of this request may have."""
        return self.settings.upload_bytes if scope["path"].startswith(UPLOADS) else self.settings.body_bytes

    def cors(self, headers: MutableHeaders, origin: str | None) -> None:
        """Let pages of the allowed origins read the answer, errors among them."""
        if "*" in self._origins:
            headers["access-control-allow-origin"] = "*"
        else:
            headers.add_vary_header("Origin")
            if origin not in self._origins:
                return
            headers["access-control-allow-origin"] = str(origin)
        headers["access-control-expose-headers"] = _EXPOSED


class _Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self.scope, self._receive, self._send = guard, scope, receive, send
        self.headers = Headers(scope=scope)
        given = self.headers.get("x-request-id", "")
        self.id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        self.started = time.perf_counter()
        self.status, self.sent, self.received, self.begun, self.done = 0, 0, 0, False, False

    async def run(self) -> None:
        problem = self.guard.refuse(self.scope, self.headers)
        if problem is None and self.scope["method"] == "OPTIONS" and "access-control-request-method" in self.headers:
            await self._preflight()
            return
        try:
            if problem is not None:
                raise problem
            await self.guard.app(self.scope, self.receive, self.send)
        except Exception as error:
            await self._fail(error)

    async def receive(self) -> Message:
        """The next piece of the body, counted, and not waited for without end."""
        try:
            message = await asyncio.wait_for(self._receive(), self.guard.settings.request_s if not self.begun else None)
        except TimeoutError as error:
            raise Problem("the body did not come in time", status=408) from error
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > self.guard.limit(self.scope):
                raise TooLarge(f"a body has {self.guard.limit(self.scope):,} bytes at most here")
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send, with the headers of every answer."""
        if message["type"] == "http.response.start":
            self.begun, self.status = True, message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _ALWAYS.items():
                headers[name] = value
            headers.setdefault("content-security-policy", _CSP)
            headers.setdefault("cache-control", "no-store" if self.status >= 400 else "no-cache")
            headers["x-request-id"] = self.id
            self.guard.cors(headers, self.headers.get("origin"))
        else:
            self.sent += len(message.get("body", b""))
            self.done = not message.get("more_body", False)
        await self._send(message)

    async def _preflight(self) -> None:
        headers = [
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
            (b"access-control-max-age", b"600"),
        ]
        headers += [
            (b"access-control-allow-headers", b"Authorization, Content-Type, Prefer, If-None-Match, X-Request-ID")
        ]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def _fail(self, error: Exception) -> None:
        if as_problem(error).status >= 500 and not isinstance(error, Problem):
            logger.error("unhandled", exc_info=error, extra={"fields": {"path": self.scope["path"][:300]}})
        if self.done:
            return
        if self.begun:
            # The status is sent already; a connection that breaks off is the only truthful end.
            raise error
        answer = response_of(error, instance=self.scope["path"], request_id=self.id)
        await answer(self.scope, self._receive, self.send)

    def record(self) -> None:
        """One line of the log, and the metrics."""
        seconds = time.perf_counter() - self.started
        route = getattr(self.scope.get("route"), "path", None) or self.scope.get("cozone.route", "other")
        metrics, method = self.guard.metrics, self.scope["method"] if self.scope["method"] in _METHODS else "other"
        metrics.requests.labels(route, method, str(self.status or 499)).inc()
        metrics.seconds.labels(route).observe(seconds)
        metrics.sent.inc(self.sent)
        client = self.scope.get("client") or ("", 0)
        fields = {
            "method": method, "path": self.scope["path"][:300], "status": self.status or 499, "ms": round(seconds * 1000, 2),
            "bytes": self.sent, "client": client[0],
        }  # fmt: skip
        logger.info("request", extra={"fields": fields})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def _host(header: str) -> str:
    """Name of a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0].lower() + "]"
    return header.partition(":")[0].lower()
