"""A province of forty plants in two years, small enough to be gridded, zoned and compared in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

YEARS = (2020, 2022)
_GRID = 'crs = "EPSG:32650"\ncell = 1000.0\nwest = 500000.0\nnorth = 4020000.0\nrows = 20\ncols = 20\n'
_DESCRIPTION = """\
name = "small"
years = [2020, 2022]
species_used = ["CO2", "NOx", "PM2.5", "VOCs"]

[[parts]]
name = "plants"
kind = "point"
file = "plants.csv"
crs = "EPSG:32650"
sector = "power"
amounts = [
  { column = "co2", species = "CO2", unit = "t/yr" },
  { column = "nox", species = "NOx", unit = "t/yr" },
  { column = "pm", species = "PM2.5", unit = "t/yr" },
  { column = "voc", species = "VOCs", unit = "t/yr" },
]
[parts.columns]
id = "id"
x = "x"
y = "y"
year = "year"
"""


def write_province(folder: Path, *, factor: float = 1.0) -> Path:
    """The folder, with an inventory and a grid as the demo has them; ``factor`` scales the amounts of the last year."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    x, y = np.concatenate([rng.normal(505_000, 1_500, (25, 2)), rng.uniform(501_000, 519_000, (15, 2))]).T
    size = rng.lognormal(0, 1, 40)
    rows = ["id,x,y,year,co2,nox,pm,voc"]
    for year in YEARS:
        for i in range(40):
            t = size[i] * (factor if year == YEARS[-1] else 1.0 + i % 3 * 0.2)
            rows.append(f"P{i},{x[i]:.1f},{y[i] + 3_500_000:.1f},{year},{1e5 * t},{100 * t},{10 * t},{20 * t}")
    (folder / "plants.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "inventory.toml").write_text(_DESCRIPTION, "utf-8")
    (folder / "grid-1km.toml").write_text(_GRID, "utf-8")
    return folder
