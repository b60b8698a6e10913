"""What the guard lets through, refuses and adds, by a small application behind it."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from gis.errors import InvalidParameter, NotFound, StorageError
from service.compression import Compression
from service.errors import Busy, Forbidden, Problem, as_problem
from service.guard import Guard
from service.logs import configure, logger
from service.metrics import Metrics
from service.settings import Settings

TEXT = "厂 and so on " * 400


def application(**settings: Any) -> FastAPI:
    app = FastAPI()
    app.state.metrics = Metrics()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    @app.get("/boom")
    async def boom() -> Response:
        raise ValueError("secret /etc/passwd")

    @app.get("/late")
    async def late() -> Response:
        async def pieces():  # type: ignore[no-untyped-def]
            yield b"some"
            raise ValueError("later")

        return StreamingResponse(pieces())

    @app.get("/text")
    async def text(request: Request) -> Response:
        if request.headers.get("if-none-match") == '"abc"':
            return Response(status_code=304, headers={"ETag": '"abc"'})
        return PlainTextResponse(TEXT, headers={"ETag": '"abc"', "Cache-Control": "public, max-age=60"})

    @app.get("/tag")
    async def tag(request: Request) -> Response:
        return PlainTextResponse(request.headers.get("if-none-match", ""))

    @app.get("/picture")
    async def picture() -> Response:
        return Response(bytes(5000), media_type="image/png")

    app.add_middleware(Compression)
    app.add_middleware(Guard, settings=Settings(**settings), metrics=app.state.metrics)
    return app


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(application(body_mb=0.001), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1", "[::1]:80"])
def test_trusted_hosts_are_let_through(client: TestClient, host: str) -> None:
    assert client.get("/text", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil", "", "[::2]"])
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/text", headers={"Host": host})
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"
    assert "COZONE_TRUSTED_HOSTS" in answer.json()["detail"] and "evil" not in answer.text


def test_the_public_address_is_trusted() -> None:
    with TestClient(application(public_url="https://zones.example/cozone")) as client:
        assert client.get("/text", headers={"Host": "zones.example"}).status_code == 200
        assert client.get("/text", headers={"Host": "other.example"}).status_code == 400


def test_a_body_over_the_limit_is_refused_by_its_length_and_by_its_bytes(client: TestClient) -> None:
    assert client.post("/echo", content=b"x" * 1000).text == "1000"
    assert client.post("/echo", content=b"x" * 1001).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = client.post("/echo", content=pieces())
    assert answer.status_code == 413 and "1,000 bytes" in answer.json()["detail"]


def test_lengths_that_are_no_numbers_and_long_addresses(client: TestClient) -> None:
    assert client.post("/echo", content=b"", headers={"Content-Length": "-5"}).status_code == 400
    assert client.get("/text?" + "a" * 9000).status_code == 414


def test_an_unknown_error_shows_nothing_and_is_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "cozone"):
        answer = client.get("/boom")
    assert answer.status_code == 500 and "passwd" not in answer.text and "Traceback" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert any("secret" in str(r.exc_info) for r in caplog.records)


def test_an_error_in_the_middle_breaks_the_answer_off() -> None:
    with TestClient(application()) as client, pytest.raises(ValueError, match="later"):
        client.get("/late")


def test_every_answer_has_the_headers_browsers_heed(client: TestClient) -> None:
    for path in ("/text", "/nowhere", "/boom"):
        headers = client.get(path, headers={"Origin": "https://map.example"}).headers
        assert (
            headers["x-content-type-options"] == "nosniff"
            and "default-src 'none'" in headers["content-security-policy"]
        )
        assert headers["access-control-allow-origin"] == "*", path
    assert client.get("/nowhere").headers["cache-control"] == "no-store"
    assert client.get("/text").headers["cache-control"] == "public, max-age=60"


def test_origins_may_be_few() -> None:
    with TestClient(application(cors_origins=("https://map.example",))) as client:
        allowed = client.get("/text", headers={"Origin": "https://map.example"})
        assert (
            allowed.headers["access-control-allow-origin"] == "https://map.example"
            and "Origin" in allowed.headers["vary"]
        )
        other = client.get("/text", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers and "Origin" in other.headers["vary"]


def test_preflight(client: TestClient) -> None:
    answer = client.options("/echo", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204 and "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]


def test_request_ids_are_taken_over_if_they_are_plain(client: TestClient) -> None:
    assert client.get("/text", headers={"X-Request-ID": "abc-12345"}).headers["x-request-id"] == "abc-12345"
    for bad in ("a\tb" * 9, "<script>x</script>", "x" * 65, "short"):
        assert client.get("/text", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_text_is_packed_and_its_tag_says_so(client: TestClient) -> None:
    packed = client.get("/text", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.text == TEXT
    assert packed.headers["etag"] == '"abc-gzip"' and "Accept-Encoding" in packed.headers["vary"]
    plain = client.get("/text", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.headers["etag"] == '"abc"' and plain.text == TEXT
    for tag in ('"abc"', '"abc-gzip"'):
        same = client.get("/text", headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
        assert (same.status_code, same.headers["etag"]) == (304, tag)
    tag = client.get("/tag", headers={"Accept-Encoding": "gzip", "If-None-Match": '"abc-gzip", W/"d"'})
    assert tag.text == '"abc", W/"d"'


def test_pictures_and_small_answers_are_left(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/picture", headers={"Accept-Encoding": "gzip"}).headers
    assert "content-encoding" not in client.get("/tag", headers={"Accept-Encoding": "gzip"}).headers


def test_packed_bytes_are_gzip(client: TestClient) -> None:
    with client.stream("GET", "/text", headers={"Accept-Encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())).decode() == TEXT


def test_metrics_count_by_template(client: TestClient) -> None:
    for _ in range(3):
        client.get("/text")
    client.get("/nowhere/<script>")
    text = client.app.state.metrics.text().decode()  # type: ignore[attr-defined]
    assert 'cozone_requests_total{method="GET",route="/text",status="200"} 3.0' in text
    assert 'route="other",status="404"' in text and "script" not in text and "_created" not in text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404), (InvalidParameter("x"), 400), (StorageError("/secret"), 503), (Busy("x"), 503), (Forbidden("x"), 403),
        (Problem("x", status=409), 409), (KeyError("x"), 500),
    ],
)  # fmt: skip
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    found = as_problem(error)
    assert found.status == status and "/secret" not in found.detail


def test_logs_are_one_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_format="json"))
    logger.info("request", extra={"fields": {"path": "/a\nb", "status": 200}})
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "request" and line["path"] == "/a\nb" and line["level"] == "info"
    configure(Settings(log_format="text"))
    logger.info("request", extra={"fields": {"path": "/a\nFAKE line", "status": 200}})
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and "status=200" in text
    logger.handlers, logger.propagate = [], True


def test_settings_know_loopback(tmp_path: Path) -> None:
    assert [Settings(host=h).on_loopback for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1", "name")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
