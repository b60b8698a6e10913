"""Points to cell sums: 10 M points × 4 species into 3000 × 4000 cells, beside numpy, datashader, polars and duckdb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import datashader
import duckdb
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from benchmarks.polygons import bench_grid
from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.gridding.accumulate import accumulate

__all__ = ["clustered", "run", "uniform"]

Floats = NDArray[np.float64]

_SPECIES = ("co2", "nox", "pm25", "vocs")


def uniform(grid: Grid, n: int, *, seed: int = 1) -> tuple[Floats, Floats]:
    """Points anywhere on the grid."""
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    return rng.uniform(west, east, n), rng.uniform(south, north, n)


def clustered(grid: Grid, n: int, *, cities: int = 200, seed: int = 1) -> tuple[Floats, Floats]:
    """Points around cities of heavy-tailed size, 2 to 20 cells wide, all on the grid."""
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    size = rng.pareto(1.0, cities)
    city = rng.choice(cities, n, p=size / size.sum())
    spread = rng.uniform(2, 20, cities)[city] * grid.dx
    x = rng.uniform(west, east, cities)[city] + rng.normal(size=n) * spread
    y = rng.uniform(south, north, cities)[city] + rng.normal(size=n) * spread
    return np.clip(x, west, east), np.clip(y, south, north)


def _numpy(x: Floats, y: Floats, values: Floats, grid: Grid) -> dict[str, Callable[[], Any]]:
    columns = np.ascontiguousarray(values.T)

    def cells() -> NDArray[np.int64]:
        col = np.minimum(((x - grid.x_left) / grid.dx).astype(np.int64), grid.cols - 1)
        row = np.minimum(((grid.y_top - y) / grid.dy).astype(np.int64), grid.rows - 1)
        return row * grid.cols + col

    def add_at() -> Floats:
        cell, out = cells(), np.zeros((len(columns), grid.size))
        for plane, column in zip(out, columns, strict=True):
            np.add.at(plane, cell, column)
        return out

    def bincount() -> list[Floats]:
        cell = cells()
        return [np.bincount(cell, column, grid.size) for column in columns]

    return {"numpy add.at": add_at, "numpy bincount": bincount}


def _engines(x: Floats, y: Floats, values: Floats, grid: Grid) -> dict[str, Callable[[], Any]]:
    # Tables are made beforehand, and sums per occupied cell are enough: both are in the peers' favour.
    frame = pd.DataFrame({"x": x, "y": y, **dict(zip(_SPECIES, values.T, strict=True))})
    table = pl.DataFrame({name: np.ascontiguousarray(frame[name]) for name in frame.columns})
    west, south, east, north = grid.bounds
    canvas = datashader.Canvas(grid.cols, grid.rows, x_range=(west, east), y_range=(south, north))
    sums = datashader.summary(**{name: datashader.sum(name) for name in _SPECIES})
    col = ((pl.col("x") - west) / grid.dx).floor().cast(pl.Int32)
    row = ((north - pl.col("y")) / grid.dy).floor().cast(pl.Int32)
    lazy = table.lazy().group_by((row * grid.cols + col).alias("cell")).agg(pl.col(*_SPECIES).sum())
    base = duckdb.connect()
    base.execute("SET threads = 2")
    base.execute("SET enable_progress_bar = false")
    base.register("frame", frame)
    base.execute("CREATE TABLE points AS SELECT * FROM frame")
    query = (
        f"SELECT CAST(floor(({north} - y) / {grid.dy}) AS INTEGER) * {grid.cols}"
        f" + CAST(floor((x - {west}) / {grid.dx}) AS INTEGER) AS cell, "
        + ", ".join(f"sum({name})" for name in _SPECIES)
        + " FROM points GROUP BY cell"
    )
    return {
        "datashader": lambda: canvas.points(frame, "x", "y", sums),
        "polars": lazy.collect,
        "duckdb": lambda: base.execute(query).fetchnumpy(),
    }


def _row(work: str, functions: Mapping[str, Callable[[], Any]], repeats: int) -> Row:
    times = alternate(functions, repeats)
    return Row(work, times.pop("ours"), times, "≥ 2.5 ×", "compensated sums, same bytes for any number of threads")


def run(repeats: int = 5) -> list[Row]:
    """Uniform and clustered points."""
    grid, n = bench_grid(), 10_000_000
    values = np.random.default_rng(0).random((n, len(_SPECIES)))
    rows = []
    for name, points in (("uniform", uniform), ("clustered", clustered)):
        x, y = points(grid, n)

        def ours(x: Floats = x, y: Floats = y) -> Any:
            return accumulate(x, y, values, grid)

        functions = {"ours": ours, **_numpy(x, y, values, grid), **_engines(x, y, values, grid)}
        rows.append(_row(f"10 M points × 4 species → cells, {name}", functions, repeats))
    return rows
