"""A server as it runs: limits on heads, probes while it works, several processes, an orderly end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from service import protocol
from service.main import create_app
from service.settings import Settings

COZONE = Path(sys.executable).parent / "cozone"


@pytest.fixture
def address(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server in this process that waits half a second for a head."""
    monkeypatch.setattr(protocol, "_HEAD_S", 0.5)
    config = uvicorn.Config(
        create_app(Settings(workspace=published)), port=0, http=protocol.LimitedProtocol, log_config=None, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[:2]
    server.should_exit = True
    thread.join(20)


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def test_a_head_that_never_ends_is_let_go_of(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as slow, socket.create_connection(address, timeout=10) as silent:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        started = time.monotonic()
        assert read_all(slow) == b"" and read_all(silent) == b""
        assert time.monotonic() - started < 5


def test_a_head_without_end_is_refused(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for i in range(200):
                connection.sendall(f"X-{i}: {'a' * 1000}\r\n".encode())
        except OSError:
            pass  # it closed the door while we were still talking
        try:
            assert b" 431 " in read_all(connection)
        except ConnectionResetError:
            pass


def test_a_kept_connection_serves_again_after_a_while(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        for _ in range(2):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in connection.recv(65536)
            time.sleep(0.7)


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_answered_by_400_or_the_door(address: tuple[str, int], junk: bytes) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(junk)
        found = read_all(connection)
        assert found == b"" or b" 400 " in found.splitlines()[0]


def start(published: Path, *options: Any, **environment: str) -> subprocess.Popen[str]:
    command = [str(v) for v in (COZONE, "serve", "-w", published, *options)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def ready(server: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(server.communicate()[1])


@pytest.mark.slow
def test_two_processes_share_their_counts_and_end_in_order(published: Path) -> None:
    port = free_port()
    server = start(published, "--port", port, "--workers", "2", COZONE_LOG_FORMAT="json")
    try:
        ready(server, port)
        for _ in range(20):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                assert answer.status == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        counts = [
            line for line in text.splitlines() if line.startswith("cozone_requests_total") and '"/health"' in line
        ]
        assert sum(float(line.split()[-1]) for line in counts) == 20
    finally:
        server.send_signal(signal.SIGTERM)
        log = server.communicate(timeout=40)[1]
    assert server.returncode in (0, -signal.SIGTERM) and "Traceback" not in log, log


def test_what_cannot_be_served_is_said_in_one_line(tmp_path: Path, published: Path) -> None:
    for options, environment, text in (
        (("-w", tmp_path), {}, "holds no workspace"),
        (("-w", published), {"COZONE_QUEUE": "many"}, "COZONE_QUEUE"),
        (("-w", published, "--public-url", "ftp://x"), {}, "COZONE_PUBLIC_URL"),
    ):
        done = subprocess.run(
            [str(v) for v in (COZONE, "serve", *options)], env={**os.environ, **environment}, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and text in done.stderr and done.stderr.count("\n") == 1, done.stderr
