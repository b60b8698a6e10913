"""Routes: one file for each thing a client asks for."""

from fastapi import APIRouter

from service.routes import (
    features,
    glyphs,
    inventories,
    keys,
    mapclient,
    ogc,
    operation,
    processes,
    results,
    statistics,
    tiles,
    units,
    web,
    wmts,
)

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (
    # Tiles first: routes are tried in turn.
    tiles.router,
    operation.router,
    ogc.router,
    features.router,
    processes.router,
    inventories.router,
    keys.router,
    mapclient.router,
    results.router,
    statistics.router,
    units.router,
    tiles.ogc,
    glyphs.router,
    wmts.router,
    web.router,
)
