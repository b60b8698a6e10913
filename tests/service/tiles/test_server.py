"""The server of hits by itself: what it answers, what it hands on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.settings import Settings
from service.tiles.answers import MVT, PNG, answer_of
from service.tiles.cache import TileCache
from service.tiles.counts import Counts
from service.tiles.server import TileServer

KEY = b"/tiles/z-0123456789ab/class/WebMercatorQuad/3/6/3.png"
PATH = KEY.decode()
BODY = b"picture" * 100


class Made:
    """A server over an inner application that says what reached it."""

    def __init__(self, **settings: object) -> None:
        self.cache, self.counts, self.inner = TileCache(1_000_000), Counts(), []
        made = Settings(workspace=Path("none"), **settings)
        self.client = TestClient(TileServer(self._inner, self.cache, self.counts, made))

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.inner.append(Request(scope).url.path)
            response: Response = PlainTextResponse("inner", 404)
            await response(scope, receive, send)


@pytest.fixture
def made() -> Made:
    found = Made()
    found.cache.put(KEY, answer_of(BODY, PNG))
    return found


def test_a_hit_never_reaches_the_application(made: Made) -> None:
    response = made.client.get(PATH)
    assert (response.status_code, response.content, made.inner) == (200, BODY, [])
    assert response.headers["content-type"] == "image/png" and response.headers["cache-control"].endswith("immutable")
    assert (
        response.headers["x-content-type-options"] == "nosniff"
        and response.headers["access-control-allow-origin"] == "*"
    )
    assert made.counts.memory == 1


@pytest.mark.parametrize(
    "path", [PATH + "?", PATH + "?year=2020", PATH[:-3] + "mvt", "/", PATH.replace("class", "Class")]
)
def test_a_miss_does(made: Made, path: str) -> None:
    # A lone question mark is an empty query, which is the same address.
    expected = [] if path.endswith("?") else [path.partition("?")[0]]
    made.client.get(path)
    assert made.inner == expected


def test_head_and_304_have_no_body(made: Made) -> None:
    head = made.client.head(PATH)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(BODY)))
    again = made.client.get(PATH, headers={"If-None-Match": head.headers["etag"]})
    assert (again.status_code, again.content, made.inner) == (304, b"", [])
    assert made.counts.unchanged == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_handed_on(made: Made, method: str) -> None:
    made.client.request(method, PATH)
    assert made.inner == [PATH]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "evil.example:80", "[::2]"])
def test_a_strange_host_is_left_to_the_guard(made: Made, host: str) -> None:
    assert made.client.get(PATH, headers={"Host": host}).text == "inner"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "[::1]:80", "127.0.0.1:1", "maps.example"])
def test_known_hosts_are_served(host: str) -> None:
    made = Made(public_url="https://maps.example/emissions")
    made.cache.put(KEY, answer_of(BODY, PNG))
    assert made.client.get(PATH, headers={"Host": host}).content == BODY


def test_any_host_if_so_set() -> None:
    made = Made(trusted_hosts=("*",))
    made.cache.put(KEY, answer_of(BODY, PNG))
    assert made.client.get(PATH, headers={"Host": "whatever"}).content == BODY


def test_only_the_origins_that_are_named_may_read() -> None:
    made = Made(cors_origins=("https://map.example",))
    made.cache.put(KEY, answer_of(BODY, MVT, pack=True))
    for origin, allowed in (
        (None, None),
        ("https://other.example", None),
        ("https://map.example", "https://map.example"),
    ):
        response = made.client.get(PATH, headers={"Origin": origin} if origin else {})
        assert response.headers.get("access-control-allow-origin") == allowed
        assert {v.strip() for v in response.headers["vary"].split(",")} == {"Origin", "Accept-Encoding"}


def test_gzip_for_those_who_take_it(made: Made) -> None:
    made.cache.put(b"/v.mvt", answer_of(BODY, MVT, pack=True))
    packed = made.client.get("/v.mvt", headers={"Accept-Encoding": "gzip"})
    plain = made.client.get("/v.mvt", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content == BODY and packed.headers["etag"] != plain.headers["etag"]


def test_what_is_kept_under_no_address_is_not_served() -> None:
    made = Made()
    made.cache.put(b"guarded:" + KEY, answer_of(BODY, MVT))
    assert made.client.get(PATH).text == "inner" and made.client.get("/guarded:" + PATH).text == "inner"


def test_what_is_no_request_passes(made: Made) -> None:
    seen = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    server = TileServer(inner, made.cache, made.counts, Settings(workspace=Path("none")))
    asyncio.run(server({"type": "websocket", "raw_path": KEY, "query_string": b""}, None, None))  # type: ignore[arg-type]
    assert seen == ["websocket"]
