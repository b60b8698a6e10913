"""Fenced blocks of the Markdown files, in order, and the files a reader is supposed to have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

_FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``file`` is the name under which a reader would save it."""

    language: str
    text: str
    file: str | None


def blocks(path: Path) -> list[Block]:
    return [Block(m["language"], m["text"], m["file"]) for m in _FENCE.finditer(path.read_text("utf-8"))]


def write_inputs(directory: Path) -> None:
    """A reader's own files: plants, county totals, counties, population."""
    plants = (
        "企业编号,企业名称,经度,纬度,行业,年份,CO2排放量(万吨/年),NOx排放量(吨/年)\n"
        "P1,甲电厂,116.31,39.92,火电,2023,120.5,830\nP2,乙钢厂,116.42,39.81,钢铁,2023,310,2150\n"
    )
    (directory / "plants.csv").write_text(plants, "gb18030")
    totals = "county,sector,year,CO2 (kt/yr),NOx (t/yr)\nC1,residential,2023,45,60\nC2,residential,2023,80,95\n"
    (directory / "county_totals.csv").write_text(totals, "utf-8")
    shapes = [shapely.box(116.4, 39.7, 116.6, 40.0), shapely.box(116.2, 39.7, 116.4, 40.0)]
    counties = gpd.GeoDataFrame({"code": ["C1", "C2"], "name_zh": ["东县", "西县"]}, geometry=shapes, crs=4490)
    counties.to_file(directory / "counties.gpkg", layer="counties")
    people = np.linspace(1.0, 500.0, 40 * 40).reshape(40, 40)
    with rasterio.open(
        directory / "population.tif", "w", driver="GTiff", width=40, height=40, count=1, dtype="float64", crs="EPSG:4490",
        transform=Affine(0.01, 0, 116.2, 0, -0.01, 40.0),
    ) as raster:  # fmt: skip
        raster.write(people, 1)
