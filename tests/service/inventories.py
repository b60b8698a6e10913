"""A tiny inventory for the commands: two plants in one CSV, a grid of four cells, all numbers known."""

from __future__ import annotations

from pathlib import Path

GRID = 'crs = "EPSG:4490"\ncell = 1.0\nwest = 110.0\nnorth = 32.0\nrows = 2\ncols = 2\n'
HEAD = "id,lon,lat,CO2 (kt/yr),NOx (t/yr)\n"
# The second plant lies outside the grid.
ROWS = "A,110.5,31.5,10,200\nB,115.0,31.5,4,50\n"
DESCRIPTION = """\
name = "tiny"
years = [2023]
species_used = ["CO2", "NOx"]

[[parts]]
name = "plants"
kind = "point"
file = "{file}"
crs = "EPSG:4490"
sector = "power"
year = 2023
amounts = [
  {{ column = "CO2 (kt/yr)", species = "CO2" }},
  {{ column = "NOx (t/yr)", species = "NOx" }},
]
[parts.columns]
id = "id"
x = "lon"
y = "lat"
"""


def write_tiny(directory: Path, *, rows: str = ROWS, csv: str = "plants.csv", name: str = "tiny.toml") -> Path:
    """The path of a description, its table and its grid beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / csv).write_text(HEAD + rows, "utf-8")
    (directory / "grid.toml").write_text(GRID, "utf-8")
    path = directory / name
    path.write_text(DESCRIPTION.format(file=csv), "utf-8")
    return path
