"""Glyphs for the labels of maps in MapLibre, drawn from the fonts of the package."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from gis.tiles.glyphs import FONTSTACK
from service.openapi.answers import parameters_of
from service.routes.tiles import TilesDep, readable
from service.tiles.document import GLYPHS

__all__ = ["router"]

router = APIRouter(prefix="/glyphs", tags=["tiles"], responses=GLYPHS)

Fontstack = Annotated[str, Path(description="Name of the font.", examples=[FONTSTACK], max_length=200)]
Range = Annotated[
    str, Path(description="Code points, 256 at a time.", examples=["0-255", "19968-20223"], max_length=40)
]


@readable(router, "/{fontstack}/{range}.pbf", summary="Glyphs for labels of MapLibre", response_class=Response)
async def glyphs(request: Request, tiles: TilesDep, fontstack: Fontstack, range: Range) -> Response:
    """Signed distance fields of 256 code points, as Mapbox' font tools write them; those that no font has are left out."""
    parameters_of(request, ())
    return await tiles.glyphs(request, fontstack, range)
