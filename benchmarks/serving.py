"""Tiles from memory: ours beside a plain ASGI route and a FastAPI route that return the same bytes, each in one process.

The client costs little enough not to be what is measured: raw sockets, every request and every length known in advance.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.clients import free_port, serving
from benchmarks.load import WORKSPACE, publish_demo
from benchmarks.rows import Row

__all__ = ["run"]

_CONNECTIONS = 16
_REQUESTS = 16_000
_PEERS = """
from pathlib import Path

from fastapi import FastAPI, Response

BODY = Path(__file__).with_name("tile").read_bytes()
HEADERS = [
    (b"content-type", b"image/png"), (b"content-length", b"%d" % len(BODY)), (b"etag", b'"0123456789abcdef01234567"'),
    (b"cache-control", b"public, max-age=31536000, immutable"),
]


async def plain(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


framework = FastAPI()


@framework.get("/tiles/{result}/{layer}/{matrix}/{z}/{x}/{y}.png")
async def tile(result: str, layer: str, matrix: str, z: int, x: int, y: int) -> Response:
    return Response(BODY, headers={name.decode(): value.decode() for name, value in HEADERS})
"""


def run(repeats: int = 5) -> list[Row]:
    """Seconds an answer: a tile from memory, and 304 for who has it."""
    publish_demo()
    with serving(WORKSPACE) as (port, _), TemporaryDirectory() as directory:
        path = _tile(port)
        body, tag = _fetch(port, path)
        (Path(directory) / "tile").write_bytes(body)
        (Path(directory) / "peers.py").write_text(_PEERS, "utf-8")
        with _peer(directory, "plain") as plain, _peer(directory, "framework") as framework:
            ways: dict[str, Callable[[], float]] = {
                "ours": lambda: _rate(port, path), "304": lambda: _rate(port, path, f"If-None-Match: {tag}\r\n"),
                "plain ASGI": lambda: _rate(plain, path), "FastAPI route": lambda: _rate(framework, path),
            }  # fmt: skip
            # Taken in turns, so that what else the machine does falls on all of them.
            found: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(max(repeats, 3)):
                for name, way in ways.items():
                    found[name].append(way())
    rate = {name: statistics.median(values) for name, values in found.items()}
    peers = {name: 1 / rate[name] for name in ("plain ASGI", "FastAPI route")}
    target = "≥ 50 % of plain ASGI"
    return [
        Row(
            f"{what}, one process", 1 / rate[name], peers, target,
            note=f"{rate[name]:,.0f}/s, {rate[name] / rate['plain ASGI']:.0%} of plain ASGI's {rate['plain ASGI']:,.0f}/s; "
            f"FastAPI {rate['FastAPI route']:,.0f}/s; {len(body):,} bytes",
        )
        for name, what in (("ours", "raster tile from memory"), ("304", "304 on an ETag"))
    ]  # fmt: skip


def _tile(port: int) -> str:
    """A tile with something on it: the whole province."""
    head, _ = _ask(port, "/tiles/latest/density-co2/WebMercatorQuad/7/108/51.png")
    location = next(line for line in head.split("\r\n") if line.lower().startswith("location:"))
    return location.partition("://")[2].partition("/")[2].join(("/", ""))


def _fetch(port: int, path: str) -> tuple[bytes, str]:
    for _ in range(2):
        head, body = _ask(port, path)
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    assert head.startswith("HTTP/1.1 200") and len(body) > 500, "the tile is not there"
    return body, {k.lower(): v for k, v in lines.items()}["etag"]


def _ask(port: int, path: str, more: str = "") -> tuple[str, bytes]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request(port, path, more + "Connection: close\r\n"))
        data = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode(), body


def _request(port: int, path: str, more: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n{more}\r\n".encode()


def _rate(port: int, path: str, more: str = "") -> float:
    """Answers a second over some connections, one request in each at a time."""
    request = _request(port, path, more)
    head, body = _ask(port, path, more)
    # Beside `connection: close` the answers are alike, and so are their lengths.
    length = len(head.encode()) + 4 + len(body) - len("connection: close\r\n")
    buffer = bytearray(length)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(_CONNECTIONS)]
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    started = 0.0
    for step in range(-20, _REQUESTS // _CONNECTIONS):
        if step == 0:
            started = time.perf_counter()
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            got = 0
            while got < length:
                got += connection.recv_into(buffer, length - got) or _lost()
    seconds = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return _REQUESTS / seconds


def _lost() -> int:
    raise ConnectionError("the server closed a connection")


@contextmanager
def _peer(directory: str, name: str) -> Iterator[int]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        f"peers:{name}",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    server = subprocess.Popen(command, cwd=directory)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(30)
