"""The map: its page at the root, and the files that the page loads."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.openapi.answers import FRESH, IMMUTABLE, answer, etag
from service.web import Site

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_HTML = "text/html; charset=utf-8"


@router.head("/")
@router.get("/")
async def page(request: Request) -> Response:
    """The map."""
    site = _site(request)
    headers = {"Content-Security-Policy": site.policy, "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}
    return answer(request, site.index, _HTML, cache=FRESH, headers=headers)


@router.head("/web/{digest}/{path:path}")
@router.get("/web/{digest}/{path:path}")
async def file(request: Request, digest: str, path: str) -> Response:
    """A file of the map, for good under this address."""
    site = _site(request)
    found = site.file(digest, path)
    headers = {"Content-Security-Policy": site.policy}
    return answer(request, found.body, found.media_type, cache=IMMUTABLE, tag=etag(digest, path), headers=headers)


def _site(request: Request) -> Site:
    return cast(Site, request.app.state.site)
