"""Tiles of layers as XYZ with TileJSON, and as OGC API Tiles; legends and styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from gis.errors import NotFound
from gis.tiles.matrices import matrix_set
from service.dependencies import CallerDep, base_url
from service.openapi.answers import answer, json_bytes, parameters_of
from service.tiles.addresses import TileAddress, collection_of, index_of, is_pointer, once, raw_address
from service.tiles.document import RESPONSES, XYZ
from service.tiles.drawing import Tiles
from service.tiles.layers import FORMS, TileLayer
from service.tiles.legends import LANGUAGES, styles_document
from service.tiles.tilejson import layer_list, tilejson
from service.tiles.tilesets import matrix_sets, tileset, tilesets

__all__ = ["TilesDep", "elsewhere", "ogc", "readable", "router"]

router = APIRouter(prefix="/tiles", tags=["tiles"], responses=RESPONSES)
ogc = APIRouter(prefix="/ogc", tags=["tiles"], include_in_schema=False)


Handler = TypeVar("Handler", bound=Callable[..., Any])


def readable(to: APIRouter, path: str, **about: Any) -> Callable[[Handler], Handler]:
    """Register a handler for GET, and for HEAD, which needs no word in the document."""

    def add(handler: Handler) -> Handler:
        to.get(path, **about)(handler)
        to.head(path, include_in_schema=False)(handler)
        return handler

    return add


async def _tiles(request: Request) -> Tiles:
    found: Tiles = request.app.state.tiles
    return found


TilesDep = Annotated[Tiles, Depends(_tiles)]


async def elsewhere(request: Request, tiles: Tiles, result: str) -> Response | None:
    """For a pointer, the way to what it points to now; it may be another one tomorrow, so it is not kept."""
    if not is_pointer(result):
        return None
    # As it came, so that what was escaped stays so; base_url holds what stands before the application's own path.
    address = raw_address(request).decode("latin-1").removeprefix(request.scope.get("root_path", ""))
    now = address.replace(f"/{result}", f"/{await tiles.resolve(result)}", 1)
    return RedirectResponse(base_url(request) + now, 307, {"Cache-Control": "no-store"})


# -- XYZ --------------------------------------------------------------------------------------------------------------


# The first route of all and without parameters for the framework to solve: between a request and its drawing little else may stand.
@readable(
    router,
    "/{result}/{layer}/{matrix}/{z}/{x}/{y}.{form}",
    summary="A tile",
    response_class=Response,
    openapi_extra=XYZ,
)
async def tile(request: Request) -> Response:
    """Rows count from the north. Parameters are those that the layer lists, and `style`."""
    tiles, path = await _tiles(request), request.path_params
    if away := await elsewhere(request, tiles, path["result"]):
        return away
    given = once(request)
    z, x, y = (index_of(path[name]) for name in ("z", "x", "y"))
    form = path["form"]
    if form not in FORMS:
        raise NotFound(f"tiles end in .png or .mvt, not in .{form[:10]}")
    return await tiles.respond(
        request,
        TileAddress(path["result"], path["layer"], path["matrix"], z, x, y, form, given.pop("style", "")),
        given,
    )


@readable(router, "/styles", summary="Styles by name, with their colours")
async def styles(request: Request) -> Response:
    """The palettes that raster layers are painted with."""
    parameters_of(request, ())
    return _json(request, styles_document())


@readable(router, "/{result}", summary="Layers of a result")
async def layers(request: Request, tiles: TilesDep, caller: CallerDep, result: str) -> Response:
    """Each with its titles, parameters, styles, zooms and addresses."""
    parameters_of(request, ())
    if away := await elsewhere(request, tiles, result):
        return away
    found = layer_list(await tiles.layers(result), base_url(request), facilities=caller.sees_facilities)
    return _json(request, found, private=True)


@readable(router, "/{result}/{layer}/{matrix}/tilejson.json", summary="TileJSON of a layer")
async def tile_json(
    request: Request, tiles: TilesDep, caller: CallerDep, result: str, layer: str, matrix: str
) -> Response:
    """Exact bounds and zooms; what parameters the request has, the tiles' addresses have too. `form`: png or mvt, where there are both."""
    if away := await elsewhere(request, tiles, result):
        return away
    found, asked = await tiles.layers(result), once(request)
    shown = _open(found.layer(layer, asked.pop("form", None)), caller)
    given = dict(shown.canonical(*_styled(asked)))
    return _json(request, tilejson(found, shown, matrix_set(matrix), base_url(request), given), private=shown.guarded)


@readable(router, "/{result}/{layer}/legend.{form}", summary="Legend of a layer", response_class=Response)
async def legend(request: Request, tiles: TilesDep, result: str, layer: str, form: Literal["png", "json"]) -> Response:
    """From the definition that the tiles are painted by. `lang` is that of the picture."""
    if away := await elsewhere(request, tiles, result):
        return away
    given = once(request)
    language = given.pop("lang", LANGUAGES[0])
    return await tiles.legend(request, result, layer, form, language, *_styled(given))


# -- OGC API Tiles ----------------------------------------------------------------------------------------------------


@readable(ogc, "/tileMatrixSets")
async def ogc_matrix_sets(request: Request) -> Response:
    """The tile matrix sets there are."""
    parameters_of(request, ("f",))
    return _json(request, matrix_sets(base_url(request)))


@readable(ogc, "/tileMatrixSets/{matrix}")
async def ogc_matrix_set(request: Request, matrix: str) -> Response:
    """Definition of a tile matrix set."""
    parameters_of(request, ("f",))
    return _json(request, matrix_set(matrix).json())


async def _lists(
    request: Request, tiles: Tiles, caller: CallerDep, collection: str, form: str, style: str = ""
) -> Response:
    result, name = collection_of(collection)
    parameters_of(request, ("f",))
    if away := await elsewhere(request, tiles, result):
        return away
    found = await tiles.layers(result)
    layer = _open(found.layer(name, form), caller)
    layer.canonical({}, style)
    return _json(request, tilesets(found, layer, base_url(request), style), private=layer.guarded)


async def _metadata(
    request: Request, tiles: Tiles, caller: CallerDep, collection: str, matrix: str, form: str, style: str = ""
) -> Response:
    result, name = collection_of(collection)
    if away := await elsewhere(request, tiles, result):
        return away
    found = await tiles.layers(result)
    layer, given = _open(found.layer(name, form), caller), once(request)
    given.pop("f", None)
    asked = dict(layer.canonical(given, style))
    asked.pop("style", None)
    document = tileset(found, layer, matrix_set(matrix), base_url(request), asked, style)
    return _json(request, document, private=layer.guarded)


async def _one(
    request: Request,
    tiles: Tiles,
    collection: str,
    matrix: str,
    place: tuple[int, int, int],
    form: str,
    style: str = "",
) -> Response:
    result, layer = collection_of(collection)
    if away := await elsewhere(request, tiles, result):
        return away
    given, (z, row, col) = once(request), place
    if given.pop("f", form) != form:
        raise NotFound(f"tiles of this layer come as f={form}")
    return await tiles.respond(request, TileAddress(result, layer, matrix, z, col, row, form, style), given)


@readable(ogc, "/collections/{collection}/tiles")
async def vector_lists(request: Request, tiles: TilesDep, caller: CallerDep, collection: str) -> Response:
    """Tilesets of a collection's features."""
    return await _lists(request, tiles, caller, collection, "mvt")


@readable(ogc, "/collections/{collection}/tiles/{matrix}")
async def vector_metadata(
    request: Request, tiles: TilesDep, caller: CallerDep, collection: str, matrix: str
) -> Response:
    """Metadata of a tileset of features."""
    return await _metadata(request, tiles, caller, collection, matrix, "mvt")


@readable(ogc, "/collections/{collection}/tiles/{matrix}/{z}/{row}/{col}")
async def vector_one(
    request: Request, tiles: TilesDep, collection: str, matrix: str, z: int, row: int, col: int
) -> Response:
    """A tile of features."""
    return await _one(request, tiles, collection, matrix, (z, row, col), "mvt")


@readable(ogc, "/collections/{collection}/map/tiles")
async def map_lists(request: Request, tiles: TilesDep, caller: CallerDep, collection: str) -> Response:
    """Tilesets of a layer of pictures."""
    return await _lists(request, tiles, caller, collection, "png")


@readable(ogc, "/collections/{collection}/map/tiles/{matrix}")
async def map_metadata(request: Request, tiles: TilesDep, caller: CallerDep, collection: str, matrix: str) -> Response:
    """Metadata of a tileset of pictures."""
    return await _metadata(request, tiles, caller, collection, matrix, "png")


@readable(ogc, "/collections/{collection}/map/tiles/{matrix}/{z}/{row}/{col}")
async def map_one(
    request: Request, tiles: TilesDep, collection: str, matrix: str, z: int, row: int, col: int
) -> Response:
    """A picture in the layer's own style."""
    return await _one(request, tiles, collection, matrix, (z, row, col), "png")


@readable(ogc, "/collections/{collection}/styles/{style}/map/tiles")
async def styled_lists(request: Request, tiles: TilesDep, caller: CallerDep, collection: str, style: str) -> Response:
    """Tilesets of a layer of pictures in a style."""
    return await _lists(request, tiles, caller, collection, "png", style)


@readable(ogc, "/collections/{collection}/styles/{style}/map/tiles/{matrix}")
async def styled_metadata(
    request: Request, tiles: TilesDep, caller: CallerDep, collection: str, style: str, matrix: str
) -> Response:
    """Metadata of a tileset of pictures in a style."""
    return await _metadata(request, tiles, caller, collection, matrix, "png", style)


@readable(ogc, "/collections/{collection}/styles/{style}/map/tiles/{matrix}/{z}/{row}/{col}")
async def styled_one(
    request: Request, tiles: TilesDep, collection: str, style: str, matrix: str, z: int, row: int, col: int
) -> Response:
    """A picture in a style."""
    return await _one(request, tiles, collection, matrix, (z, row, col), "png", style)


def _open(layer: TileLayer, caller: CallerDep) -> TileLayer:
    """The layer, if the caller may have it."""
    if layer.guarded:
        caller.need_facilities()
    return layer


def _styled(given: dict[str, str]) -> tuple[dict[str, str], str]:
    """Parameters of the layer, and its style."""
    return {k: v for k, v in given.items() if k != "style"}, given.get("style", "")


def _json(request: Request, document: dict[str, Any], *, private: bool = False) -> Response:
    return answer(request, json_bytes(document), "application/json", private=private)
