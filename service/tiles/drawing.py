"""Drawing: from an address to an answer, by the cache, by a tile that is being drawn just now, or by the pool."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from gis.errors import InvalidParameter
from gis.tiles.glyphs import first_code, glyph_range
from gis.tiles.matrices import Tile, matrix_set
from gis.tiles.png import EMPTY_PNG
from gis.views.pictures import raster_tile
from gis.views.vectors import vector_tile
from service.dependencies import caller_of
from service.library import Library
from service.pool import Pool
from service.tiles.addresses import TileAddress, key_of, raw_address
from service.tiles.answers import IMMUTABLE, MVT, PBF, PNG, PRIVATE, Answer, answer_of, response_for
from service.tiles.cache import TileCache
from service.tiles.capabilities import capabilities
from service.tiles.counts import Counts
from service.tiles.layers import Given, Layers, TileLayer, layers_of
from service.tiles.legends import LANGUAGES, legend_answer, legend_key

__all__ = ["Tiles"]

_KEPT = 64
# Results of a kind in a list of capabilities.
_LISTED = 5
# Such a key is no address, so the server of hits never finds what only some may see.
_GUARDED = b"guarded:"


@dataclass(frozen=True, slots=True)
class _Order:
    """A tile as it is to be drawn; ``private``: not for everyone, as this server is set."""

    layers: Layers
    layer: TileLayer
    tile: Tile
    parameters: Given
    private: bool

    @property
    def cache_control(self) -> str:
        return PRIVATE if self.private else IMMUTABLE


class Tiles:
    """The tiles of a workspace. Lives in the event loop; only the drawing itself is done in threads."""

    def __init__(self, library: Library, pool: Pool, *, cache_bytes: int) -> None:
        self._library, self._pool = library, pool
        self.cache, self.counts = TileCache(cache_bytes), Counts()
        self._layers: OrderedDict[str, Layers] = OrderedDict()
        self._flights: dict[bytes, asyncio.Task[Answer]] = {}

    async def resolve(self, which: str) -> str:
        """The id that a pointer names now."""
        return await self._pool.run(self._library.resolve, which)

    async def layers(self, id_: str) -> Layers:
        """The layers of a result."""
        found = self._layers.get(id_)
        if found is None:
            found = self._layers[id_] = await self._pool.run(layers_of, self._library, id_)
            while len(self._layers) > _KEPT:
                self._layers.popitem(last=False)
        return found

    async def capabilities(self, result: str, *, title: str, base: str) -> bytes:
        """The WMTS document of a result, or of the newest ones."""
        ids = [result] if result else await self._pool.run(self._newest)
        found = [await self.layers(id_) for id_ in ids]
        return await self._pool.run(capabilities, found, title=title, base=base, address=f"/{result}" if result else "")

    def _newest(self) -> list[str]:
        """Zonings, runs and comparisons, so many of each: a client reads the whole document before it shows anything."""
        by_kind: dict[str, list[str]] = {}
        for found in self._library.results():
            by_kind.setdefault(found.id[0], []).append(found.id)
        return [id_ for ids in by_kind.values() for id_ in ids[:_LISTED]]

    async def legend(
        self,
        request: Request,
        result: str,
        name: str,
        form: Literal["png", "json"],
        language: str,
        given: Mapping[str, str],
        style: str,
    ) -> Response:
        """The response to a request for a legend."""
        layers = await self.layers(result)
        layer = layers.layer(name, "png")
        asked = layer.canonical(given, style)
        if language not in LANGUAGES:
            raise InvalidParameter(f"lang is {language[:40]!r}; one of {', '.join(LANGUAGES)} is expected")
        key = legend_key(result, name, form, language, asked)
        return response_for(
            request,
            await self._shared(key, partial(legend_answer, self._library, layers, layer, asked, form, language)),
        )

    async def glyphs(self, request: Request, fontstack: str, asked: str) -> Response:
        """The response to a request for a range of glyphs."""
        first = first_code(fontstack, asked)
        key = f"/glyphs/{quote(fontstack)}/{asked}.pbf".encode()
        return response_for(request, await self._shared(key, partial(_glyphs, first)))

    async def respond(
        self, request: Request, address: TileAddress, parameters: Mapping[str, str], *, alias: bool = True
    ) -> Response:
        """The response to a request for a tile; with ``alias``, the server of hits answers the same address next time."""
        layers = await self.layers(address.result)
        layer = layers.layer(address.layer, address.form)
        tile = Tile(matrix_set(address.matrix), address.z, address.x, address.y)
        if layer.guarded:
            (await caller_of(request)).need_facilities()
        given = layer.canonical(parameters, address.style)
        private = layer.guarded and not self._library.settings.show_facilities
        key = key_of(address, given)
        answer = await self._answer(_GUARDED + key if private else key, _Order(layers, layer, tile, given, private))
        if alias and not private:
            self.cache.alias(raw_address(request), key)
        return response_for(request, answer)

    async def _answer(self, key: bytes, order: _Order) -> Answer:
        if order.layer.raster and not order.layers.meets(order.tile):
            self.counts.empty += 1
            return _NOTHING["png", False]
        return await self._shared(key, partial(_drawn, self._library, order))

    async def _shared(self, key: bytes, make: Callable[[], Answer]) -> Answer:
        """The answer kept under a key, else the one that is being made, else a new one."""
        found = self.cache.get(key)
        if found is not None:
            self.counts.memory += 1
            return found
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._made(key, make))
            flight.add_done_callback(partial(self._landed, key))
        else:
            self.counts.shared += 1
        # A client that goes away does not take the answer from those who wait for the same one.
        return await asyncio.shield(flight)

    async def _made(self, key: bytes, make: Callable[[], Answer]) -> Answer:
        started = time.perf_counter()
        answer = await self._pool.run(make)
        self.counts.drawing_s += time.perf_counter() - started
        self.counts.drawn += 1
        self.cache.put(key, answer)
        return answer

    def _landed(self, key: bytes, flight: asyncio.Task[Answer]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Looked at, so that it is not reported as lost if every client has gone.
            flight.exception()


def _drawn(library: Library, order: _Order) -> Answer:
    """The answer, in a thread of the pool."""
    o, parameters = order, dict(order.parameters)
    if o.layer.raster:
        style = parameters.pop("style", None)
        body = raster_tile(library.views, o.layers.result, o.layers.run, o.layer.id, o.tile, parameters, style)
        return _NOTHING["png", False] if body is None else answer_of(body, PNG, cache_control=o.cache_control)
    body = vector_tile(library.views, o.layers.result, o.layers.run, o.layer.id, o.tile, parameters)
    return (
        _NOTHING["mvt", o.private] if body is None else answer_of(body, MVT, cache_control=o.cache_control, pack=True)
    )


def _glyphs(first: int) -> Answer:
    return answer_of(glyph_range(first), PBF, pack=True)


_NOTHING: Mapping[tuple[str, bool], Answer] = {
    ("png", False): answer_of(EMPTY_PNG, PNG),
    ("mvt", False): answer_of(None, MVT),
    ("mvt", True): answer_of(None, MVT, cache_control=PRIVATE),
}
