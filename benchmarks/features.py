"""300,000 cells of a bbox through ogr2ogr, from our server and from pygeoapi over the same rows.

The peer reads a GeoPackage with a spatial index, made of what our server gives out. ``.cache/peers/pygeoapi`` is made by
Debian's Python, whose sqlite3 loads SpatiaLite.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from benchmarks.clients import free_port, serving
from benchmarks.load import WORKSPACE, publish_demo
from benchmarks.rows import Row

__all__ = ["run"]

ROOT = Path(__file__).parent.parent
PEER = ROOT / ".cache" / "peers" / "pygeoapi"
DATA = ROOT / ".cache" / "bench" / "features"
ROWS = 300_000
PAGE = 10_000
_PAGED = ["-oo", f"PAGE_SIZE={PAGE}"]
_PACKAGES = ("pygeoapi==0.21.0", "gunicorn", "geopandas", "pyarrow", "s3fs", "numpy>=2", "pandas", "shapely", "pyproj")
# Its Parquet provider is faster and no peer: its pages repeat some rows and leave out others.
_PROVIDER = {
    "type": "feature", "name": "SQLiteGPKG", "data": str(DATA / "cells.gpkg"), "id_field": "number", "table": "cells",
}  # fmt: skip


def run(repeats: int = 3) -> list[Row]:
    """Two rows: FlatGeobuf read in ranges by its own index, and pages of JSON. Both end in a GeoPackage."""
    publish_demo()
    with serving(WORKSPACE) as (port, pid):
        address = f"http://127.0.0.1:{port}/ogc"
        layer = _layer(address)
        box, wanted = _prepared(address, layer)
        file = f"/vsicurl/{address}/collections/{layer}/download?f=fgb"
        _fetched(f"{address}/collections/{layer}/download?f=fgb")
        by_file = [_copied([*_spat(box), "-spat_srs", "OGC:CRS84"], file, wanted, pid) for _ in range(repeats)]
        by_page = [_copied([*_PAGED, *_spat(box)], f"OAPIF:{address}", wanted, pid, layer) for _ in range(repeats)]
    peer: _Copy | None = None
    with _peer() as (at, peer_pid):
        if at:  # minutes, so once: a few per cent of noise do not matter here
            peer = _copied([*_PAGED, *_spat(box)], f"OAPIF:{at}", wanted, peer_pid, "cells")
    peers = {"pygeoapi": peer.seconds} if peer else {}
    ours = _median(by_page)
    note = f"of our {ours.seconds:.1f} s the server works {ours.server_s:.1f} s, the rest is GDAL reading JSON"
    if peer:
        note += f"; of pygeoapi's it works {peer.server_s:.1f} s"
    return [
        Row(
            f"{ROWS:,} cells of a bbox through ogr2ogr", _median(by_file).seconds, peers, ">= 5 x pygeoapi",
            f"FlatGeobuf over /vsicurl with -spat, {wanted:,} cells to GeoPackage; pygeoapi in pages of {PAGE:,}",
        ),
        Row("the same, as pages of JSON (OAPIF)", ours.seconds, peers, "", note),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Copy:
    """Seconds that a copy took, and seconds that the server worked on it."""

    seconds: float
    server_s: float


def _median(copies: list[_Copy]) -> _Copy:
    return sorted(copies, key=lambda copy: copy.seconds)[len(copies) // 2]


def _spat(box: tuple[float, ...]) -> list[str]:
    return ["-spat", *map(str, box)]


def _layer(address: str) -> str:
    listed = json.loads(_fetched(f"{address}/collections"))["collections"]
    return next(str(c["id"]) for c in listed if re.fullmatch(r"r-[0-9a-f]{12}\.cells", c["id"]))


def _prepared(address: str, layer: str) -> tuple[tuple[float, float, float, float], int]:
    """A box with about as many cells as wanted, and the peer's files."""
    DATA.mkdir(parents=True, exist_ok=True)
    source = DATA / "ours.parquet"
    source.write_bytes(_fetched(f"{address}/collections/{layer}/download?f=parquet"))
    frame = gpd.read_parquet(source).to_crs("OGC:CRS84")
    west, south, east, north = frame.total_bounds
    bounds = frame.bounds
    # From the south up, until there are enough.
    top = float(bounds["miny"].sort_values().iloc[min(ROWS, len(frame)) - 1])
    box = (float(west), float(south), float(east), min(top, float(north)))
    wanted = int((bounds["miny"] <= box[3]).sum())
    if not (DATA / "cells.gpkg").exists():
        frame.insert(0, "number", range(len(frame)))
        frame.to_file(DATA / "cells.gpkg", layer="cells", driver="GPKG")
    return box, wanted


def _copied(options: list[str], source: str, wanted: int, pid: int, *layers: str) -> _Copy:
    """What ogr2ogr took for it; every row has to arrive."""
    out = DATA / "copy.gpkg"
    out.unlink(missing_ok=True)
    ogr2ogr = shutil.which("ogr2ogr", path="/usr/bin")
    if ogr2ogr is None:
        raise RuntimeError("ogr2ogr is missing: apt-get install --no-install-recommends gdal-bin")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GDAL_", "PROJ_"))}
    command = [ogr2ogr, "-f", "GPKG", "-nln", "cells", *options, str(out), source, *layers]
    before, started = _worked_s(pid), time.perf_counter()
    subprocess.run(command, check=True, env=clean, stderr=subprocess.DEVNULL)
    took = _Copy(time.perf_counter() - started, _worked_s(pid) - before)
    with sqlite3.connect(out) as database:
        (count,) = database.execute("select count(*) from cells").fetchone()
    if count != wanted:
        raise RuntimeError(f"ogr2ogr copied {count} cells from {source}, {wanted} lie in the box")
    return took


def _worked_s(pid: int) -> float:
    """Processor time of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(_worked_s(int(c)) for c in children)


@contextmanager
def _peer() -> Iterator[tuple[str, int]]:
    """Address and process id of pygeoapi; an empty address where it cannot be had."""
    if not _installed():
        print("pygeoapi cannot be installed here: no peer", file=sys.stderr)
        yield "", 0
        return
    server, address = _started()
    try:
        yield (address if _answers(address) else ""), server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _installed() -> bool:
    python = PEER / "bin" / "python"
    if not (PEER / "bin" / "gunicorn").exists():
        shutil.rmtree(PEER, ignore_errors=True)
        make = ["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", str(PEER)]
        fill = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *_PACKAGES]
        if any(subprocess.run(command, check=False).returncode for command in (make, fill)):
            return False
    return True


def _started() -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    place = DATA / "pygeoapi"
    place.mkdir(exist_ok=True)
    address = f"http://127.0.0.1:{port}"
    (place / "config.yml").write_text(json.dumps(_configuration(address, port)), "utf-8")
    env = {
        **os.environ, "PYGEOAPI_CONFIG": str(place / "config.yml"), "PYGEOAPI_OPENAPI": str(place / "openapi.yml"),
        "PATH": f"{PEER / 'bin'}:{os.environ['PATH']}", "SPATIALITE_LIBRARY_PATH": "mod_spatialite.so",
    }  # fmt: skip
    generate = [
        str(PEER / "bin" / "pygeoapi"),
        "openapi",
        "generate",
        str(place / "config.yml"),
        "--output-file",
        env["PYGEOAPI_OPENAPI"],
    ]
    subprocess.run(generate, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    serve = [
        str(PEER / "bin" / "gunicorn"),
        "-w",
        "1",
        "-t",
        "600",
        "-b",
        f"127.0.0.1:{port}",
        "pygeoapi.flask_app:APP",
    ]
    log = (place / "log").open("wb")
    return subprocess.Popen(serve, env=env, stdout=log, stderr=log, start_new_session=True), address


def _configuration(address: str, port: int) -> dict[str, object]:
    text = {"en": "cells"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": address, "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8", "gzip": False, "languages": ["en-US"], "pretty_print": False,
            "limits": {"default_items": PAGE, "max_items": PAGE, "on_exceed": "throttle"},
            "map": {"url": "/none", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": text, "description": text, "keywords": {"en": ["cells"]}, "keywords_type": "theme",
                "terms_of_service": address, "url": address,
            },
            "license": {"name": "none", "url": address}, "provider": {"name": "none", "url": address},
            "contact": {"name": "none", "email": "none@example.com", "url": address},
        },
        "resources": {
            "cells": {
                "type": "collection", "title": text, "description": text, "keywords": {"en": ["cells"]}, "links": [],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
                "providers": [_PROVIDER],
            }
        },
    }  # fmt: skip


def _answers(address: str) -> bool:
    for _ in range(150):
        try:
            return bool(json.loads(_fetched(f"{address}/collections/cells/items?limit=1&f=json"))["features"])
        except OSError:
            time.sleep(0.2)
    print(f"{address} does not answer: no peer", file=sys.stderr)
    return False


def _fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=600) as answer:
        return bytes(answer.read())
