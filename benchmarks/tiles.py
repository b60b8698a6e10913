"""300 distinct raster tiles of 3000 × 4000 cells, over HTTP, one worker: ours beside TiTiler on the same field and tiles.

TiTiler reads a cloud-optimised GeoTIFF of densities with averaged overviews, its block cache warm, and averages when it zooms
out, as we do; with its nearest neighbour it is measured too. ``.cache/peers/titiler`` is made through pip.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.shutil import copy as copy_raster
from scipy import ndimage

from benchmarks.clients import Answer, Connection, free_port, resident_mb, serving
from benchmarks.rows import Row, alternate
from gis.grid import Grid, read_grid
from gis.tiles.footprint import footprint, lonlat_bounds
from gis.tiles.matrices import WEB_MERCATOR_QUAD, Tile
from gis.tiles.plane import Fold, fold_plane
from gis.tiles.png import png
from gis.tiles.raster import sample_density

__all__ = ["run"]

ROOT = Path(__file__).parent.parent
PEER = ROOT / ".cache" / "peers" / "titiler"
DATA = ROOT / ".cache" / "bench" / "tiles"
TILES = 300
_SHAPE = (3000, 4000)
_PACKAGES = ("titiler.core==2.4.0", "uvicorn[standard]")
_ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
_GRIDS = {
    "Mercator": 'crs = "EPSG:3857"\ncell = 1000\nwest = 10000000\nnorth = 6000000\n',
    "Albers": f'crs = "{_ALBERS}"\ncell = 1000\nwest = -2000000\nnorth = 5200000\n',
}
_INVENTORY = """
name = "field"
years = [2020]
species_used = ["CO2"]
[[parts]]
name = "field"
kind = "gridded"
file = "field.tif"
sector = "power"
year = 2020
[[parts.fields]]
file = "field.tif"
species = "CO2"
unit = "t/yr"
kind = "amount"
"""
_APP = """
from fastapi import FastAPI
from titiler.core.factory import TilerFactory

app = FastAPI()
app.include_router(TilerFactory().router)
"""


def run(repeats: int = 3) -> list[Row]:
    """Seconds a tile: the renderer alone, then over HTTP beside the peer, cold, warm and asked whether it changed."""
    rows = [_renderer(name, repeats) for name in _GRIDS]
    return rows + [row for name in _GRIDS for row in _served(name)]


# -- the field ----------------------------------------------------------------------------------------------------------


def _field() -> NDArray[np.float64]:
    """Tonnes a year in each cell: clusters with a heavy tail, nothing in two fifths of the cells."""
    rng = np.random.default_rng(11)
    smooth = ndimage.gaussian_filter(rng.standard_normal(_SHAPE, np.float32), 12.0)
    smooth /= smooth.std()
    values = np.exp(2.0 * smooth + 0.5 * rng.standard_normal(_SHAPE, np.float32)).astype(np.float64)
    values[smooth < -0.25] = 0.0
    return values


def _grid(name: str) -> Grid:
    folder = DATA / name.lower()
    folder.mkdir(parents=True, exist_ok=True)
    rows, cols = _SHAPE
    (folder / "grid.toml").write_text(f"{_GRIDS[name]}rows = {rows}\ncols = {cols}\n", "utf-8")
    return read_grid(folder / "grid.toml")


def _tiles(grid: Grid) -> list[Tile]:
    """Distinct tiles over the middle of the grid, of the zooms a map visits."""
    rng = np.random.default_rng(7)
    west, south, east, north = lonlat_bounds(grid)
    found: dict[Tile, None] = {}
    while len(found) < TILES:
        z = int(rng.integers(5, 11))
        lon, lat = rng.uniform(0.8 * west + 0.2 * east, 0.2 * west + 0.8 * east), rng.uniform(south + 4, north - 4)
        limits = WEB_MERCATOR_QUAD.limits(z, (lon, lat, lon, lat))
        found[Tile(WEB_MERCATOR_QUAD, z, limits.x_first, limits.y_first)] = None
    return list(found)


def _published(name: str) -> Path:
    """A workspace with the field as a run, and beside it the peer's file; made once."""
    folder, grid = DATA / name.lower(), _grid(name)
    workspace = folder / "workspace"
    if (workspace / "catalogue.sqlite").exists():
        return workspace
    profile = {
        "crs": grid.crs.to_wkt(),
        "transform": grid.transform,
        "height": grid.rows,
        "width": grid.cols,
        "count": 1,
    }
    values = _field()
    density = (values / (grid.cell_area_m2 / 1e6)).astype(np.float32)
    for file, band in (("field.tif", values), ("density.tif", density)):
        with rasterio.open(folder / file, "w", driver="GTiff", dtype=band.dtype.name, **profile) as raster:
            raster.write(band, 1)
    options = {"compress": "deflate", "overview_resampling": "average", "resampling": "average"}
    copy_raster(folder / "density.tif", folder / "cog.tif", driver="COG", **options)
    (folder / "inventory.toml").write_text(_INVENTORY, "utf-8")
    command = [str(Path(sys.executable).with_name("cozone")), "grid", str(folder / "inventory.toml")]
    command += ["--grid", str(folder / "grid.toml"), "-w", str(workspace), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return workspace


# -- the renderer -------------------------------------------------------------------------------------------------------


def _renderer(name: str, repeats: int) -> Row:
    grid = _grid(name)
    plane, tiles = fold_plane(_field(), Fold.SUM), _tiles(grid)
    breaks = np.array([a * 10.0**e for e in range(-3, 4) for a in (1, 2, 5)])
    palette = np.random.default_rng(0).integers(0, 256, (len(breaks) + 2, 4)).astype(np.uint8)
    took: list[float] = []

    def draw() -> None:
        took.clear()
        footprint.cache_clear()
        for tile in tiles:
            started = time.perf_counter()
            place = footprint(grid, tile)
            if place is not None:
                png(sample_density(plane, grid, place, breaks), palette)
            took.append(time.perf_counter() - started)

    alternate({"all": draw}, repeats)
    note = f"{TILES} tiles of zooms 5 to 10: place, sample, classify, PNG; 99 % within {np.quantile(took, 0.99) * 1e3:.2g} ms"
    return Row(f"renderer alone, {name}", statistics.median(took), {}, "≤ 1 ms", note)


# -- over HTTP ----------------------------------------------------------------------------------------------------------


def _served(name: str) -> list[Row]:
    workspace, tiles = _published(name), _tiles(_grid(name))
    with serving(workspace) as (port, pid):
        layer = asyncio.run(_layer(port))
        paths = [f"{layer}/WebMercatorQuad/{t.z}/{t.x}/{t.y}.png" for t in tiles]
        # Planes are made when a layer is first looked at; a tile that is not of the 300 sees to that.
        asyncio.run(_fetched(port, [f"{layer}/WebMercatorQuad/4/12/6.png"]))
        before = _processor_s(pid)
        cold = asyncio.run(_fetched(port, paths))
        each_ms = (_processor_s(pid) - before) * 1e3 / TILES
        warm = asyncio.run(_fetched(port, paths * 5))
        tags = [{"If-None-Match": answer.headers[b"etag"].decode()} for answer in cold]
        same = asyncio.run(_fetched(port, paths * 5, tags * 5, status=304))
        memory = resident_mb(pid)
    peers = {kind: _of_peer(name, tiles, kind) for kind in ("average", "nearest")} if _installed() else {}
    target = "≥ 10 × TiTiler" if name == "Mercator" else "≥ 20 × TiTiler"
    medians = {f"TiTiler, {kind}": _each(answers) for kind, (answers, _) in peers.items()}
    theirs = "; ".join(f"TiTiler {kind}: {_figures(answers)}, {rest}" for kind, (answers, rest) in peers.items())
    return [
        Row(
            f"{TILES} tiles, cold, {name}",
            _each(cold),
            medians,
            target,
            f"{_figures(cold)}, {_resources(each_ms, memory)}; {theirs}",
        ),
        Row(f"the same, warm, {name}", _each(warm), {}, "", _figures(warm)),
        Row(f"the same, not changed (304), {name}", _each(same), {}, "", _figures(same)),
    ]


def _each(answers: Sequence[Answer]) -> float:
    return sum(answer.seconds for answer in answers) / len(answers)


def _figures(answers: Sequence[Answer]) -> str:
    ms = np.array([answer.seconds for answer in answers]) * 1e3
    return f"{1e3 / ms.mean():,.0f}/s, p50 {np.median(ms):.2g} ms, p99 {np.quantile(ms, 0.99):.2g} ms"


def _resources(each_ms: float, memory_mb: float) -> str:
    return f"{each_ms:.2g} ms of processor each, {memory_mb:.0f} MB"


def _processor_s(pid: int) -> float:
    """Processor time of a process and its children, which tells more than the clock on a busy machine."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(_processor_s(int(child)) for child in children)


async def _layer(port: int) -> str:
    connection = Connection("127.0.0.1", port)
    answer = await connection.get("/tiles/r-latest")
    await connection.close()
    return answer.headers[b"location"].decode().rstrip("/") + "/density-co2"


async def _fetched(
    port: int, paths: Sequence[str], headers: Sequence[dict[str, str]] = (), *, status: int = 200
) -> list[Answer]:
    connection, answers = Connection("127.0.0.1", port), []
    for i, path in enumerate(paths):
        answer = await connection.get(path, headers=headers[i] if headers else None)
        if answer.status != status:
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:300]!r}")
        answers.append(answer)
    await connection.close()
    return answers


# -- the peer -----------------------------------------------------------------------------------------------------------


def _installed() -> bool:
    if not (PEER / "bin" / "uvicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
        pip = subprocess.run([str(PEER / "bin" / "pip"), "install", "-q", *_PACKAGES], check=False)
        if pip.returncode:
            print("TiTiler cannot be installed here: no peer", file=sys.stderr)
            return False
    return True


def _of_peer(name: str, tiles: Sequence[Tile], kind: str) -> tuple[list[Answer], str]:
    """Answers to the tiles, asked twice so that files are in memory, and what they cost."""
    query = (
        f"url={DATA / name.lower() / 'cog.tif'}&rescale=0,100&colormap_name=viridis&resampling={kind}&reproject={kind}"
    )
    with _peer() as (port, pid):
        paths = [f"/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.png?{query}" for t in tiles]
        asyncio.run(_fetched(port, paths))
        before = _processor_s(pid)
        answers = asyncio.run(_fetched(port, paths))
        return answers, _resources((_processor_s(pid) - before) * 1e3 / TILES, resident_mb(pid))


@contextmanager
def _peer() -> Iterator[tuple[int, int]]:
    (DATA / "peer.py").write_text(_APP, "utf-8")
    port = free_port()
    command = [str(PEER / "bin" / "uvicorn"), "peer:app", "--app-dir", str(DATA), "--port", str(port)]
    clean: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith(("GDAL_", "PROJ_"))}
    # As its documentation advises.
    clean |= {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "200", "VSI_CACHE": "TRUE"}
    server = subprocess.Popen([*command, "--log-level", "warning", "--no-access-log"], env=clean)
    try:
        asyncio.run(_ready(port))
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


async def _ready(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection = Connection("127.0.0.1", port)
            await connection.get("/openapi.json")
            await connection.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the peer did not start")
