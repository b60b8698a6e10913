"""Routes: one file for each thing a client asks for."""

from fastapi import APIRouter

from service.routes import operation

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (operation.router,)
