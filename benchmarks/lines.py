"""Lines to cell shares: 500,000 roads of 5 M segments over 3000 × 4000 cells of 1 km, beside exactextract."""

from __future__ import annotations

import geopandas
import numpy as np
import shapely

from benchmarks.polygons import bench_grid, peer
from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.gridding.lengths import frame_of, lengths
from gis.kernels.lines import walk_lines

__all__ = ["roads", "run"]

_SAMPLE = 20  # exactextract gets every 20th road: its time is linear, and all would take 11 s


def roads(grid: Grid, *, count: int = 500_000, segments: int = 10, seed: int = 1) -> geopandas.GeoSeries:
    """Roads of some 100 m per segment that bend a little at every vertex."""
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    start = rng.uniform((west, south), (east, north), (count, 1, 2))
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(rng.normal(0, 0.3, (count, segments)), axis=1)
    step = rng.uniform(50, 150, (count, segments, 1)) * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    xy = np.concatenate([start, start + np.cumsum(step, axis=1)], axis=1)
    return geopandas.GeoSeries(shapely.linestrings(xy), crs=grid.crs)


def run(repeats: int = 5) -> list[Row]:
    """From a GeoSeries, and with the coordinates ready."""
    grid = bench_grid()
    lines = roads(grid)
    xy = shapely.get_coordinates(lines.to_numpy())
    part = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(lines.to_numpy()))]).astype(np.int64)
    line = np.arange(len(lines) + 1, dtype=np.int64)
    frame = frame_of(grid)
    times = alternate(
        {
            "ours": lambda: lengths(lines, grid),
            "kernel": lambda: walk_lines(xy, part, line, frame),
            "exactextract": peer(lines.iloc[::_SAMPLE], grid),
        },
        repeats,
    )
    segments = len(xy) - len(lines)
    peers = {"exactextract": times["exactextract"] * _SAMPLE}

    def rate(seconds: float) -> str:
        return f"{segments / seconds / 1e6:.1f} M segments/s; the peer timed on 1 road of {_SAMPLE}"

    work = "500,000 roads, 5 M segments → weights"
    return [
        Row(work, times["ours"], peers, "≥ 10 M segments/s, ≥ 20 ×", f"from a GeoSeries, {rate(times['ours'])}"),
        Row(f"{work}, kernel alone", times["kernel"], peers, "≥ 60 M segments/s", rate(times["kernel"])),
    ]
