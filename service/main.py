"""The application: settings in, an ASGI application out."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gis.errors import GisError
from service.compression import Compression
from service.errors import Problem, response_of
from service.guard import Guard
from service.keys import Keys
from service.library import Library
from service.logs import REQUEST_ID, configure
from service.metrics import Metrics
from service.pool import Pool
from service.routes import ROUTERS
from service.settings import Settings
from service.tiles.drawing import Tiles
from service.tiles.server import TileServer
from service.web import Site

__all__ = ["application", "create_app"]

_SWITCH_S = 0.0005


class Service(FastAPI):
    """The application, and before it, and all that the framework does for a request, the tiles that are in memory."""

    tiles_first: TileServer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.tiles_first(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """The service over a workspace that exists."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.pool.close()
        app.state.library.close()

    app = Service(
        title=settings.title, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", lifespan=lifespan
    )
    app.state.settings = settings
    app.state.library = Library(settings)
    app.state.keys = Keys(settings.workspace / "service.sqlite")
    app.state.pool = Pool(threads=settings.threads, queue=settings.queue, request_s=settings.request_s)
    app.state.metrics = Metrics()
    app.state.site = Site(settings.basemap_origins)
    app.state.tiles = Tiles(app.state.library, app.state.pool, cache_bytes=settings.tile_cache_mb * 1_000_000)
    for router in ROUTERS:
        app.include_router(router)
    for kind in (GisError, Problem):
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    # The last one added is the first to see a request.
    app.add_middleware(Compression)
    app.add_middleware(Guard, settings=settings, metrics=app.state.metrics)
    tiles = app.state.tiles
    app.tiles_first = TileServer(partial(FastAPI.__call__, app), tiles.cache, tiles.counts, settings)
    return app


def application() -> FastAPI:
    """The service as the variables of the environment describe it: what a server process calls."""
    settings = Settings()
    configure(settings)
    app = create_app(settings)
    # The loop that answers probes waits for the interpreter no longer than this for each thread that works.
    sys.setswitchinterval(_SWITCH_S)
    # What is imported stays: collections need not look at it again.
    gc.freeze()
    gc.enable()
    return app


async def _answer(request: Request, error: Exception) -> Response:
    return response_of(error, instance=request.url.path, request_id=REQUEST_ID.get())


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = Problem(str(error.detail), status=error.status_code, headers=error.headers)
    return await _answer(request, problem)


async def _invalid(request: Request, error: Exception) -> Response:
    """A request whose parameters do not fit: 400, as OGC API asks, each fault with its place."""
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    return await _answer(request, Problem(faults, status=400))
