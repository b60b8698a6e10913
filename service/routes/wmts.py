"""WMTS 1.0.0, with parameters (KVP) and by address (RESTful), over the newest results or one of them."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from gis.errors import GisError
from service.dependencies import SettingsDep, base_url
from service.errors import Problem
from service.openapi.answers import answer
from service.routes.tiles import TilesDep, elsewhere, readable
from service.settings import Settings
from service.tiles.addresses import collection_of, is_pointer
from service.tiles.capabilities import WMTS_VERSION
from service.tiles.document import WMTS_KVP, WMTS_RESPONSES
from service.tiles.drawing import Tiles
from service.tiles.exceptions import report_of
from service.tiles.kvp import collection_of_kvp, kvp_of, operation_of, segments_of, tile_of_kvp

__all__ = ["router"]

router = APIRouter(prefix="/wmts", tags=["wmts"], responses=WMTS_RESPONSES)
_DOCUMENT = f"/{WMTS_VERSION}/WMTSCapabilities.xml"
_FAULTS = (GisError, Problem)


@readable(router, "", summary="WMTS, with parameters", response_class=Response, openapi_extra=WMTS_KVP)
async def kvp(request: Request, tiles: TilesDep, settings: SettingsDep) -> Response:
    """GetCapabilities over the newest results, or GetTile of any; names of parameters in any case."""
    return await _kvp(request, tiles, settings, "")


@readable(router, _DOCUMENT, summary="WMTS capabilities of the newest results", response_class=Response)
async def document(request: Request, tiles: TilesDep, settings: SettingsDep) -> Response:
    """As XML, with a template of addresses for each layer."""
    return await _capabilities(request, tiles, settings, "")


@readable(
    router, f"/{WMTS_VERSION}/{{layer}}/{{rest:path}}", summary="A WMTS tile by its address", response_class=Response
)
async def restful(request: Request, tiles: TilesDep, layer: str, rest: str) -> Response:
    """Style, a segment for each dimension of the layer (`default` for its default), matrix set, matrix, row and column."""
    try:
        result, name = collection_of(layer)
        if away := await elsewhere(request, tiles, result):
            return away
        found = await tiles.layers(result)
        tile = segments_of(rest, found, found.layer(name, "png"))
        return await tiles.respond(request, tile.address, tile.dimensions)
    except _FAULTS as error:
        return report_of(error)


@readable(
    router, "/{result}", summary="WMTS of a result, with parameters", response_class=Response, openapi_extra=WMTS_KVP
)
async def result_kvp(request: Request, tiles: TilesDep, settings: SettingsDep, result: str) -> Response:
    """As `/wmts`; its capabilities list the layers of one result alone."""
    return await _kvp(request, tiles, settings, result)


@readable(router, f"/{{result}}{_DOCUMENT}", summary="WMTS capabilities of a result", response_class=Response)
async def result_document(request: Request, tiles: TilesDep, settings: SettingsDep, result: str) -> Response:
    """As XML, with a template of addresses for each layer."""
    return await _capabilities(request, tiles, settings, result)


async def _kvp(request: Request, tiles: Tiles, settings: Settings, result: str) -> Response:
    try:
        given = kvp_of(request)
        if operation_of(given) == "getcapabilities":
            return await _capabilities(request, tiles, settings, result)
        return await _tile(request, tiles, given)
    except _FAULTS as error:
        return report_of(error)


async def _tile(request: Request, tiles: Tiles, given: dict[str, str]) -> Response:
    result, name = collection_of_kvp(given)
    if is_pointer(result):
        return await _now(request, tiles, result)
    found = await tiles.layers(result)
    tile = tile_of_kvp(given, found, found.layer(name, "png"))
    return await tiles.respond(request, tile.address, tile.dimensions, alias=tile.plain)


async def _now(request: Request, tiles: Tiles, pointer: str) -> Response:
    """The way to a layer of what a pointer names now."""
    now = await tiles.resolve(pointer)
    changed = {k: v.replace(pointer, now, 1) if k.lower() == "layer" else v for k, v in request.query_params.items()}
    return RedirectResponse(f"{base_url(request)}/wmts?{urlencode(changed)}", 307, {"Cache-Control": "no-store"})


async def _capabilities(request: Request, tiles: Tiles, settings: Settings, result: str) -> Response:
    try:
        if result and (away := await elsewhere(request, tiles, result)):
            return away
        base = base_url(request)
        body = await tiles.capabilities(result, title=settings.title, base=base)
        return answer(request, body, "application/xml")
    except _FAULTS as error:
        return report_of(error)
