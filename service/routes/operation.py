"""What those ask who run the service: is it alive, can it work, what has it done."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from service.dependencies import LibraryDep, PoolDep, base_path
from service.errors import Busy
from service.metrics import CONTENT_TYPE

__all__ = ["router"]

router = APIRouter(tags=["operation"])
_FRESH = {"Cache-Control": "no-store"}


@router.get("/api", include_in_schema=False)
async def described(request: Request) -> Response:
    """What the API is, for people."""
    return RedirectResponse(f"{base_path(request)}/docs", status_code=307, headers=_FRESH)


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the process is alive")
async def health() -> Response:
    """Answered by the event loop alone, whatever the rest is busy with."""
    return JSONResponse({"status": "ok", "version": version("cozone")}, headers=_FRESH)


@router.head("/ready", include_in_schema=False)
@router.get("/ready", summary="Whether requests can be served", responses={503: {"description": "Not at the moment."}})
async def ready(library: LibraryDep, pool: PoolDep) -> Response:
    """The catalogue can be read and the queue has room."""
    if pool.inside >= pool.room:
        raise Busy("the queue is full")
    library.workspace.check()
    return JSONResponse({"status": "ready"}, headers=_FRESH)


@router.get("/metrics", summary="Counters in Prometheus' text form", response_class=Response)
async def metrics(request: Request, pool: PoolDep) -> Response:
    """Of all processes of this server."""
    found = request.app.state.metrics
    tiles = request.app.state.tiles
    found.working.set(pool.inside)
    found.tile_hits.set(tiles.counts.memory + tiles.counts.unchanged)
    found.tile_misses.set(tiles.counts.drawn)
    found.tile_bytes.set(tiles.cache.bytes)
    return Response(found.text(), headers={**_FRESH, "Content-Type": CONTENT_TYPE})
