"""The command that makes the demo province and shows it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from gis.errors import InvalidParameter
from service.cli.aside import Aside
from service.cli.serve import start
from service.cli.shell import Quiet, app
from service.progress import Report

if TYPE_CHECKING:
    from service.cli.province import Progress, Province, Wait

__all__ = ["demo"]

_PORT = 8765
_PORTS_TRIED = 100
_READY_S = 60.0
_LATER_S = 30.0
_TERMINATED = 143
_WELCOME = """
    {address}

    Move the share q and watch the units follow, click one of them, then swipe one year against another. Ctrl-C ends.
    拖动占比 q，控制单元随之变化；点击一个单元，看它的依据；再用卷帘比较两个年份。按 Ctrl-C 结束。
"""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Folder of the demo data.")] = Path("data/demo"),
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Workspace directory; it may be thrown away.")
    ] = Path("demo-workspace"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; the next free one, if it is taken; 0 for any.")
    ] = _PORT,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the server at the end.")] = True,
    quiet: Quiet = False,
) -> None:
    """Grid, zone and compare the synthetic province, then show it on a map: the first thing to try. What is there is not made again."""
    from service.cli.province import Province

    # An orderly end, as Ctrl-C is one: processes beside this one are ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    province = Province(folder, workspace)
    if not province.is_made():
        with _compiling() as wait:
            province.make(_Steps(quiet=quiet), wait)
    if not serve:
        if not quiet:
            typer.echo(f"ready: cozone serve --workspace {workspace}", err=True)
        return
    free = _free_port(host, port)
    if free != port and port:
        typer.echo(f"port {port} is taken; this is {free}", err=True)
    os.environ.setdefault("COZONE_SHOW_FACILITIES", "true")  # the plants of the demo are invented
    os.environ.setdefault("COZONE_TRUSTED_HOSTS", json.dumps(["localhost", "127.0.0.1", "[::1]", _name(host)]))
    os.environ.setdefault("COZONE_LOG_LEVEL", "warning")  # or the address is soon out of sight
    _serve(province, host, free)


class _Steps:
    """Steps as a newcomer sees them: what is done, how far it is, how long it took."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._number = 0

    @contextmanager
    def __call__(self, text: str) -> Iterator[Progress]:
        self._number += 1
        started = time.monotonic()
        if not self._quiet:
            typer.echo(f"{self._number}. {text}", err=True)
        with Report(quiet=self._quiet or not sys.stderr.isatty()) as report:
            report("starting", 0, 0)
            yield report
        if not self._quiet:
            typer.echo(f"   {time.monotonic() - started:.1f} s", err=True)


@contextmanager
def _compiling() -> Iterator[Wait]:
    """What waits for kernels while other processes compile them; kernels that are there already are only looked up."""
    from concurrent.futures.process import BrokenProcessPool

    from gis.warm import Compiling, Stage

    with Compiling((Stage.GRIDDING, Stage.ZONING, Stage.LOOKING)) as compiling:

        def wait(stage: Stage, progress: Progress) -> None:
            try:
                compiling.wait(stage, progress=progress)
            except BrokenProcessPool:
                pass  # killed, for want of memory perhaps: each kernel is compiled where it is first needed

        yield wait


def _serve(province: Province, host: str, port: int) -> None:
    """Serve the province until told to stop; what it did not take of the kernels is compiled meanwhile, out of the way."""
    address = f"http://{_name(host)}:{port}/"
    Thread(target=_announce, args=(address,), daemon=True).start()
    command = [sys.executable, "-m", "gis.warm", "rest"]
    aside = None if province.record.compiled else Aside(command, later_s=_LATER_S)
    try:
        start(province.directory, banner="starting the server", host=host, port=port)
    finally:
        if aside is not None and aside.end():
            province.remember(compiled=True)


def _announce(address: str) -> None:
    """Say where to look, once there is something to see."""
    import urllib.request

    until = time.monotonic() + _READY_S
    # This machine is asked, not a proxy that http_proxy names.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        try:
            with direct.open(f"{address}ready", timeout=5):
                break
        except OSError:
            time.sleep(0.05)
    else:
        typer.echo(f"the server has not answered yet at {address}", err=True)
        return
    typer.echo(_WELCOME.format(address=address))
    sys.stdout.flush()


def _name(host: str) -> str:
    """The host as an address names it from this machine."""
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


def _free_port(host: str, port: int) -> int:
    """The port, or the next one that nobody listens on."""
    import socket

    for candidate in range(port, min(port + _PORTS_TRIED, 65536)):
        family, kind, protocol, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as found:
            if os.name != "nt":
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind(address)
            except OSError:
                continue
            return int(found.getsockname()[1])
    raise InvalidParameter(f"no port from {port} on is free on {host}; name another with --port")
