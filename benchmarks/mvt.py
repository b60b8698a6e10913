"""A vector tile of 5,000 cells with 8 properties, beside mapbox-vector-tile, DuckDB's and PostGIS's ST_AsMVT.

The peers read polygons and numbers that lie in their own tables (mapbox-vector-tile: in lists) before the clock starts.
``.cache/peers/mvt`` is made through pip; PostGIS is a server of its own in a temporary directory, if Debian's
``postgresql-15-postgis-3`` is installed. Every answer is decoded once and held against the arrays.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely

from benchmarks.rows import Row, alternate
from gis.tiles.mvt import Column, encode_cells

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".cache" / "peers" / "mvt"
CELLS, NAMES = 5_000, [f"p{k}" for k in range(8)]
_SIDE, _PER_ROW = 56.0, 72
_POSTGRES = Path("/usr/lib/postgresql/15/bin")
_POSTGIS = Path("/usr/share/postgresql/15/extension/postgis.control")

# Answers lines on its input: which peer is to make the tile, or to hand it out.
_WORKER = '''
import json, sys
import duckdb, duckdb_extension_spatial
given = json.load(open(sys.argv[1]))
boxes, columns, names = given["boxes"], given["columns"], given["names"]
peers, props = {}, ", ".join(names)
extension = next(__import__("pathlib").Path(duckdb_extension_spatial.__file__).parent.rglob("spatial.duckdb_extension"))
duck = duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 2})
duck.execute(f"LOAD '{extension}'")
rows = [(i, *b, *values) for i, (b, values) in enumerate(zip(boxes, zip(*columns)))]
numbers = ", ".join(f"{n} DOUBLE" for n in names)
duck.execute(f"CREATE TABLE flat (id BIGINT, x0 DOUBLE, y0 DOUBLE, x1 DOUBLE, y1 DOUBLE, {numbers})")
duck.executemany(f"INSERT INTO flat VALUES ({', '.join('?' * (5 + len(names)))})", rows)
duck.execute(f"CREATE TABLE cells AS SELECT id, ST_MakeEnvelope(x0, y0, x1, y1) AS geom, {props} FROM flat")
whole = "{'min_x': 0.0, 'min_y': 0.0, 'max_x': 4096.0, 'max_y': 4096.0}::BOX_2D"
inner = f"{{'geom': ST_AsMVTGeom(geom, {whole}, 4096, 64, true), 'id': id, " + ", ".join(f"'{n}': {n}" for n in names) + "}"
query = f"SELECT ST_AsMVT({inner}, 'cells', 4096, 'geom', 'id') FROM cells"
peers["DuckDB"] = lambda: bytes(duck.execute(query).fetchone()[0])
if len(sys.argv) > 2:
    import psycopg
    post = psycopg.connect(host=sys.argv[2], user="postgres", dbname="postgres", autocommit=True)
    post.execute("CREATE EXTENSION postgis")
    post.execute(f"CREATE TABLE cells (id BIGINT, geom geometry, {numbers.replace('DOUBLE', 'double precision')})")
    with post.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO cells VALUES (%s, ST_MakeEnvelope(%s, %s, %s, %s), {', '.join(['%s'] * len(names))})", rows
        )
    post.execute("VACUUM ANALYZE cells")
    bounds = "ST_MakeBox2D(ST_Point(0, 0), ST_Point(4096, 4096))"
    tile = f"""SELECT ST_AsMVT(t, 'cells', 4096, 'geom', 'id') FROM
        (SELECT id, ST_AsMVTGeom(geom, {bounds}, 4096, 64, true) AS geom, {props} FROM cells) t"""
    peers["PostGIS"] = lambda: bytes(post.execute(tile, binary=True).fetchone()[0])
print(json.dumps(list(peers)), flush=True)
for line in sys.stdin:
    what, name = line.split()
    data = peers[name]()
    print(data.hex() if what == "show" else len(data), flush=True)
'''


def run(repeats: int) -> list[Row]:
    """One row, peers that are installed beside us."""
    rng = np.random.default_rng(1)
    row, col = np.divmod(np.arange(CELLS), _PER_ROW)
    x, y = np.meshgrid(np.arange(_PER_ROW + 1) * _SIDE, np.arange(_PER_ROW + 1) * _SIDE)
    columns = [rng.lognormal(size=CELLS) for _ in NAMES]
    ids = np.arange(CELLS)

    def ours() -> bytes:
        return encode_cells("cells", ids, x, y, row, col, [Column(n, c) for n, c in zip(NAMES, columns, strict=True)])

    boxes = np.column_stack([x[row, col], y[row, col], x[row + 1, col + 1], y[row + 1, col + 1]])
    listed = [
        {"geometry": shape, "id": i, "properties": dict(zip(NAMES, map(float, values), strict=True))}
        for i, (shape, values) in enumerate(zip(shapely.box(*boxes.T), zip(*columns, strict=True), strict=True))
    ]

    def mapbox() -> bytes:
        found: bytes = mapbox_vector_tile.encode(
            [{"name": "cells", "features": listed}], default_options={"y_coord_down": True}
        )
        return found

    with ExitStack() as stack:
        worker, names = stack.enter_context(_worker(boxes, columns))
        asked = {name: (lambda name=name: worker("time", name)) for name in names}
        for data in (ours(), mapbox(), *(bytes.fromhex(worker("show", name)) for name in names)):
            _check(data, columns)
        times = alternate({"ours": ours, "mapbox-vector-tile": mapbox, **asked}, max(repeats, 15))
    mine = times.pop("ours")
    missing = "" if "PostGIS" in times else "; PostGIS is not installed here"
    note = f"{len(ours()) / 1e3:.0f} kB, every value a double{missing}"
    target = "≤ 2.5 ms, ≥ 10 × PostGIS, ≥ 25 × DuckDB"
    return [Row(f"MVT of {CELLS:,} cells, {len(NAMES)} properties", mine, times, target, note)]


def _check(data: bytes, columns: list[Any]) -> None:
    features = mapbox_vector_tile.decode(data)["cells"]["features"]
    if len(features) != CELLS:
        raise RuntimeError(f"{len(features)} features instead of {CELLS}")
    for name, values in zip(NAMES, columns, strict=True):
        total = sum(f["properties"][name] for f in features)
        if not np.isclose(total, values.sum(), rtol=1e-9):
            raise RuntimeError(f"{name} adds up to {total} instead of {values.sum()}")


@contextmanager
def _worker(boxes: Any, columns: list[Any]) -> Iterator[tuple[Any, list[str]]]:
    """What asks the peers of another process, and their names."""
    _install()
    with tempfile.TemporaryDirectory(prefix="cozone-mvt-") as directory, ExitStack() as stack:
        place = Path(directory)
        place.chmod(0o755)
        (place / "worker.py").write_text(_WORKER, "utf-8")
        given = {"boxes": boxes.tolist(), "columns": [c.tolist() for c in columns], "names": NAMES}
        (place / "cells.json").write_text(json.dumps(given), "utf-8")
        command = [str(PEER / "bin" / "python"), "worker.py", "cells.json"]
        if _POSTGIS.exists():
            command.append(stack.enter_context(_postgres()))
        with subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            put, got = process.stdin, process.stdout
            if put is None or got is None:
                raise RuntimeError("a worker without pipes")

            def ask(what: str, name: str) -> str:
                put.write(f"{what} {name}\n")
                put.flush()
                return got.readline().strip()

            yield ask, json.loads(got.readline())
            put.close()


@contextmanager
def _postgres() -> Iterator[str]:
    """Directory of the socket of a server that is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="cozone-pg-"))
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(place, "postgres", "postgres")
    options = f"-c listen_addresses='' -c unix_socket_directories={place} -c jit=off"
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": place, **user}
    subprocess.run([_POSTGRES / "initdb", "-D", place / "data", "-U", "postgres", "-A", "trust", "--no-sync"], **quiet)
    control = [_POSTGRES / "pg_ctl", "-D", place / "data", "-l", place / "log", "-w"]
    try:
        subprocess.run([*control, "-o", options, "start"], **quiet)
        yield str(place)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **{**quiet, "check": False})
        shutil.rmtree(place, ignore_errors=True)


def _install() -> None:
    """Make the environment of the peers, once."""
    if not (PEER / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", PEER], check=True)
    # A wheel of DuckDB's own extension: DuckDB itself would fetch it from another host. The two have to be of one version.
    packages = ["duckdb-extension-spatial==1.5.5", "duckdb==1.5.5", "psycopg[binary]==3.2.9"]
    subprocess.run(
        [PEER / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        check=True,
    )
