"""A server process under test, and clients that cost so little that the server is what is measured."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Answer", "Connection", "free_port", "resident_mb", "serving"]

_WAIT_S = 60.0


class Answer:
    """Status, headers (lower-case names), body and the seconds it took."""

    __slots__ = ("body", "headers", "seconds", "status")

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes, seconds: float) -> None:
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds


class Connection:
    """One kept-alive connection; a request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(
        self, path: str, *, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a request; a connection that the server closed is opened again, once."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        head += f"Content-Length: {len(body)}\r\n\r\n" if body else "\r\n"
        started = time.perf_counter()
        for attempt in (0, 1):
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
                reader, writer = self._streams
                writer.write(head.encode() + body)
                status, found = await _head(reader)
                content = await _body(reader, found, method, status)
            except (ConnectionError, asyncio.IncompleteReadError):
                await self.close()
                if attempt:
                    raise
                continue
            if found.get(b"connection") == b"close":
                await self.close()
            return Answer(status, found, content, time.perf_counter() - started)
        raise ConnectionError(f"{self.host}:{self.port} closes every connection")

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    pairs = (line.split(b":", 1) for line in lines[1:] if line)
    return int(lines[0].split(b" ", 2)[1]), {k.lower(): v.strip() for k, v in pairs}


async def _body(reader: asyncio.StreamReader, headers: Mapping[bytes, bytes], method: str, status: int) -> bytes:
    if method == "HEAD" or status in (204, 304):
        return b""
    if headers.get(b"transfer-encoding") == b"chunked":
        pieces = []
        while size := int(await reader.readline(), 16):
            pieces.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(pieces)
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))


@contextmanager
def serving(workspace: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """Port and process id of ``cozone serve``, ready; it ends with the block."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("cozone")),
        "serve",
        "-w",
        str(workspace),
        "--port",
        str(port),
        *options,
    ]
    # No jobs and no preparing beside what is measured, unless a bench asks for them.
    given = {"COZONE_SHOW_FACILITIES": "true", "COZONE_LOG_LEVEL": "warning", "COZONE_JOBS": "0", **(environment or {})}
    server = subprocess.Popen(command, env={**os.environ, **given}, stderr=subprocess.DEVNULL)
    try:
        _await(port, server)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(60)


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in connection.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError("the server did not start")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def resident_mb(pid: int) -> float:
    """Memory of a server's processes that is theirs alone (pages they share are not counted); those that work off jobs are left out."""
    try:
        if b"service.cli" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return 0.0
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it ended while we were looking
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return own / 1024 + sum(resident_mb(int(child)) for child in children)
