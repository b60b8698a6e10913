"""Tiles that many ask for at once are drawn once; a full queue is a clean refusal; who leaves takes nothing from the rest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from gis.workspace import Workspace
from service.errors import Busy
from service.library import Library
from service.pool import Pool
from service.settings import Settings
from service.tiles import drawing
from service.tiles.addresses import TileAddress
from service.tiles.answers import PNG, answer_of
from service.tiles.drawing import Tiles
from tests.service.tiles.looking import ids, tile_over


@pytest.fixture(scope="module")
def library(published: Path) -> Iterator[Library]:
    found = Library(Settings(workspace=published))
    yield found
    found.close()


class Slow:
    """A brush that waits until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, self.drawn = threading.Event(), 0
        monkeypatch.setattr(drawing, "_drawn", self)

    def __call__(self, *_: object) -> object:
        self.drawn += 1
        self.gate.wait(10)
        return answer_of(b"picture", PNG)


def request(x: int = 0) -> Request:
    path = f"/tiles/x/{x}"
    return Request(
        {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
    )


def address(library: Library, *, shift: int = 0) -> TileAddress:
    with Workspace(library.settings.workspace) as workspace:
        run = ids(workspace)[0]
    x, y = tile_over((111.0, 37.4, 111.2, 37.5), "WebMercatorQuad", 14)
    return TileAddress(run, "density-co2", "WebMercatorQuad", 14, x + shift, y, "png")


def tiles_of(library: Library, *, queue: int = 64) -> tuple[Tiles, Pool]:
    pool = Pool(threads=2, queue=queue, request_s=20)
    return Tiles(library, pool, cache_bytes=1_000_000), pool


def test_a_hundred_who_ask_at_once_get_one_drawing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)

    async def ask() -> list[bytes]:
        tiles, pool = tiles_of(library, queue=3)
        await tiles.layers(address(library).result)
        asked = [asyncio.create_task(tiles.respond(request(), address(library), {})) for _ in range(100)]
        await asyncio.sleep(0.1)
        slow.gate.set()
        bodies = [(await one).body for one in asked]
        assert tiles.counts.shared == 99 and tiles.counts.drawn == 1 and not tiles._flights
        pool.close()
        return bodies

    assert set(asyncio.run(ask())) == {b"picture"} and slow.drawn == 1


def test_who_leaves_does_not_take_the_tile_along(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)

    async def ask() -> bytes:
        tiles, pool = tiles_of(library)
        await tiles.layers(address(library).result)
        first, second = (asyncio.create_task(tiles.respond(request(), address(library), {})) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0)
        slow.gate.set()
        body = (await second).body
        assert first.cancelled() and len(tiles.cache) == 1
        pool.close()
        return body

    assert asyncio.run(ask()) == b"picture" and slow.drawn == 1


def test_beyond_the_queue_it_is_busy_and_nothing_is_kept_of_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)

    async def ask() -> list[object]:
        tiles, pool = tiles_of(library, queue=3)
        await tiles.layers(address(library).result)
        asked = [asyncio.create_task(tiles.respond(request(n), address(library, shift=n), {})) for n in range(9)]
        await asyncio.sleep(0.1)
        slow.gate.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert len(tiles.cache) == 5 and not tiles._flights
        # The refused ones are drawn as soon as there is room.
        assert (await tiles.respond(request(8), address(library, shift=8), {})).status_code == 200
        pool.close()
        return found

    found = asyncio.run(ask())
    assert sum(isinstance(one, Busy) for one in found) == 4


def test_a_drawing_that_fails_fails_for_all_and_is_tried_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("no brush")

    async def ask() -> None:
        tiles, pool = tiles_of(library)
        await tiles.layers(address(library).result)
        monkeypatch.setattr(drawing, "_drawn", broken)
        found = await asyncio.gather(
            *(tiles.respond(request(), address(library), {}) for _ in range(5)), return_exceptions=True
        )
        assert all(isinstance(one, RuntimeError) for one in found) and len(tiles.cache) == 0
        monkeypatch.undo()
        assert (await tiles.respond(request(), address(library), {})).status_code == 200
        pool.close()

    asyncio.run(ask())
