"""Routes: one file for each thing a client asks for."""

from fastapi import APIRouter

from service.routes import (
    features,
    inventories,
    keys,
    ogc,
    operation,
    processes,
    results,
    statistics,
    tiles,
    units,
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
    results.router,
    statistics.router,
    units.router,
    tiles.ogc,
    wmts.router,
)
