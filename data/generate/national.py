"""A country as large as China on the named grid ``china-1km``: the input of the national benchmark, every count a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray

from data.generate import files
from data.generate.emissions import SPECIES, amounts, rounded
from data.generate.names import NOTE
from data.generate.partition import cells, polygons, scatter
from data.generate.plane import CHINA_ALBERS, Waves, lonlat, plane, stream

__all__ = ["National", "generate"]

Array = NDArray[np.float64]
YEAR = 2019
_CENTRE, _RADII = np.array([-200.0, 3950.0]), np.array([2030.0, 1530.0])  # km: the ellipse the land keeps to
_BOX = (-2600.0, 2050.0, 2200.0, 5850.0)
_POINT_SECTORS = ("power", "steel", "building_materials", "petrochemical", "chemical", "non_ferrous", "other_industry")
_AREA_SECTORS = (
    "residential", "agriculture", "waste", "road", "shipping", "other_industry", "chemical", "building_materials", "steel", "power",
)  # fmt: skip
_BORDER_PIECE_KM = 0.2  # with 2,900 counties
_SEGMENTS = 10
_USED = SPECIES[:4]


@dataclass(frozen=True, slots=True)
class National:
    """How many of each; a road has ten segments, a surrogate is a raster of 0.01 degrees."""

    points: int = 1_000_000
    roads: int = 500_000
    counties: int = 2_900
    surrogates: int = 3


class Land:
    """The outline of the country, and towns that everything gathers around."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, "land")
        self._ragged = Waves(rng, length_km=900), Waves(rng, length_km=240)
        cloud = rng.uniform(_BOX[:2], _BOX[2:], (40_000, 2))
        cloud = cloud[(self.inside(cloud) > 0) & (rng.uniform(size=len(cloud)) < self.fertile(cloud))]
        self.towns = cloud[:2_400]
        self.size = np.minimum(rng.pareto(1.1, len(self.towns)) + 0.3, 40)

    def inside(self, xy: Array) -> Array:
        """Positive on land, by about the share of the radius that is left to the border."""
        away = np.hypot(*((xy - _CENTRE) / _RADII).T)
        return 1 - away + 0.07 * self._ragged[0](xy) + 0.02 * self._ragged[1](xy)

    def fertile(self, xy: Array) -> Array:
        """From 0.03 in the far west to 1 in the east."""
        return 0.03 + 0.97 / (1 + np.exp(-(xy[:, 0] - 100) / 330))

    def near_towns(self, count: int, rng: np.random.Generator, *, reach_km: float) -> Array:
        """That many places on land, gathered around the towns by their size; one in six anywhere in the open."""
        found = np.empty((0, 2))
        while len(found) < count:
            town = rng.choice(len(self.towns), 2 * count, p=self.size / self.size.sum())
            away = rng.standard_exponential(len(town)) * np.where(rng.uniform(size=len(town)) < 1 / 6, 200, reach_km)
            turn = rng.uniform(0, 2 * np.pi, len(town))
            xy = self.towns[town] + away[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
            found = np.concatenate([found, xy[self.inside(xy) > 0]])
        return found[:count]


def generate(size: National, out: Path, *, seed: int) -> None:
    """Write points, roads, counties, their totals, the surrogates and the description of the national inventory."""
    land = Land(seed)
    files.parquet(out / "points.parquet", _points(land, size.points, stream(seed, "points")))
    files.parquet(out / "roads.parquet", _roads(land, size.roads, stream(seed, "national roads")))
    counties = _counties(land, size.counties, stream(seed, "national counties"))
    files.parquet(out / "counties.parquet", counties)
    files.csv(out / "totals.csv", _totals(counties["code"], stream(seed, "national totals")), encoding="utf-8")
    for k in range(size.surrogates):
        _surrogate(land, out / f"surrogate_{k + 1}.tif", stream(seed, f"surrogate {k}"), reach_km=6.0 + 7 * k)
    (out / "inventory.toml").write_text(_description(size), encoding="utf-8")


def _points(land: Land, count: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    sector = rng.integers(len(_POINT_SECTORS), size=count)
    weight = rng.pareto(1.15, count) + 0.05
    columns: dict[str, object] = {
        "id": np.char.add("N", np.char.zfill(np.arange(count).astype(str), 8)),
        "sector": np.array(_POINT_SECTORS)[sector],
        "capacity": np.round(weight, 3),
        "supply_security": rng.uniform(size=count) < 0.02,
    }
    mass_t = np.empty((count, len(_USED)))
    for k, name in enumerate(_POINT_SECTORS):
        mine = sector == k
        share = 14 * weight[mine] / weight[mine].sum()
        mass_t[mine] = rounded(amounts(name, share, rng))[:, 0, : len(_USED)]
    columns |= {f"{species}_t": mass_t[:, s] for s, species in enumerate(_USED)}
    degrees = lonlat(land.near_towns(count, rng, reach_km=18), CHINA_ALBERS)
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.points_from_xy(*degrees.T), crs="EPSG:4490")


def _roads(land: Land, count: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Polylines of ten segments that wander off in one direction, about 400 m at a time."""
    start = land.near_towns(count, rng, reach_km=25)
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(rng.normal(0, 0.25, (count, _SEGMENTS)), axis=1)
    stride = rng.lognormal(np.log(0.4), 0.4, (count, 1)) * rng.uniform(0.6, 1.4, (count, _SEGMENTS))
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=2) * stride[:, :, None]
    xy = np.concatenate([start[:, None], start[:, None] + np.cumsum(steps, axis=1)], axis=1)
    degrees = lonlat(xy.reshape(-1, 2), CHINA_ALBERS)
    shapes = shapely.linestrings(degrees, indices=np.repeat(np.arange(count), _SEGMENTS + 1))
    weight = stride.sum(axis=1) * rng.lognormal(0, 1, count)
    mass_t = rounded(amounts("road", 10 * weight / weight.sum(), rng))[:, 0, : len(_USED)]
    columns: dict[str, object] = {"id": np.char.add("R", np.char.zfill(np.arange(count).astype(str), 8))}
    columns |= {f"{species}_t": mass_t[:, s] for s, species in enumerate(_USED)}
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=shapes, crs="EPSG:4490")


def _counties(land: Land, count: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Counties smaller where the land is fertile, of about a thousand border points each, however many they are."""
    cloud = rng.uniform(_BOX[:2], _BOX[2:], (max(200_000, 80 * count), 2))
    cloud = cloud[rng.uniform(size=len(cloud)) < 0.08 + land.fertile(cloud)]
    share = np.mean(land.inside(cloud) > 0)
    seeds = scatter(round(count / share), cloud, rng)
    drawn = np.zeros(len(seeds), dtype=bool)
    drawn[np.argsort(-land.inside(seeds))[:count]] = True
    mosaic = cells(seeds, drawn, _BOX)
    length = np.hypot(*(mosaic.vertices[mosaic.ends[:, 0]] - mosaic.vertices[mosaic.ends[:, 1]]).T)
    piece_km = _BORDER_PIECE_KM * np.sqrt(2_900 / count)
    levels = np.clip(np.round(np.log2(np.maximum(length / piece_km, 1))), 0, 9).astype(np.int64)
    shapes = polygons(mosaic, levels, np.full(len(levels), 0.7), rng, crs=CHINA_ALBERS)
    codes = [f"{900000 + k:06d}" for k in range(count)]
    return gpd.GeoDataFrame({"code": codes, "note": NOTE}, geometry=shapes, crs="EPSG:4490")


def _totals(codes: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    blocks = []
    for sector in _AREA_SECTORS:
        weight = rng.lognormal(0, 0.8, len(codes))
        mass_t = rounded(amounts(sector, 14 * weight / weight.sum(), rng))[:, 0, : len(_USED)]
        block = pd.DataFrame({"code": codes, "sector": sector})
        blocks.append(block.assign(**{f"{species}_t": mass_t[:, s] for s, species in enumerate(_USED)}))
    return pd.concat(blocks, ignore_index=True)


def _surrogate(land: Land, path: Path, rng: np.random.Generator, *, reach_km: float) -> None:
    """A density: a thin cover that follows the fertile land, and towns upon it; zero beyond the border."""
    west, south, east, north = 72.0, 15.0, 136.0, 55.0
    rows, cols = round((north - south) * 100), round((east - west) * 100)
    lon, lat = np.meshgrid(np.arange(west + 0.05, east, 0.1), np.arange(north - 0.05, south, -0.1))
    coarse = plane(np.column_stack([lon.ravel(), lat.ravel()]), CHINA_ALBERS)
    cover = np.where(land.inside(coarse) > 0, 60 * land.fertile(coarse), 0).reshape(lon.shape)
    values = np.repeat(np.repeat(cover, 10, axis=0), 10, axis=1) * rng.random((rows, cols))
    places = lonlat(land.near_towns(1_000_000, rng, reach_km=reach_km), CHINA_ALBERS)
    row, col = ((north - places[:, 1]) * 100).astype(np.int64), ((places[:, 0] - west) * 100).astype(np.int64)
    values += 40 * np.bincount(row * cols + col, minlength=rows * cols).reshape(rows, cols)
    transform = Affine(0.01, 0, west, 0, -0.01, north)
    files.raster(path, np.ceil(values).astype(np.float32), transform, nodata=None, unit="persons/km2", level=1)


def _description(size: National) -> str:
    amounts_toml = "".join(f'  {{ column = "{s}_t", species = "{s}", unit = "t/yr" }},\n' for s in _USED)
    names = [f"surrogate {k + 1}" for k in range(size.surrogates)]
    chains = "".join(f'{sector} = ["{names[k % len(names)]}"]\n' for k, sector in enumerate(_AREA_SECTORS) if names)
    surrogates = "".join(
        f'[[surrogates]]\nname = "{n}"\nkind = "raster"\nfile = "surrogate_{k + 1}.tif"\nvalues = "density"\n\n'
        for k, n in enumerate(names)
    )
    return f"""# SYNTHETIC. Made by python -m data.generate --national; {size}
name = "national"
title_en = "Synthetic national inventory for benchmarks"
years = [{YEAR}]

{surrogates}[[regions]]
role = "county"
file = "counties.parquet"
code = "code"

[[parts]]
name = "points"
kind = "point"
file = "points.parquet"
year = {YEAR}
amounts = [
{amounts_toml}]
[parts.columns]
id = "id"
sector = "sector"
capacity = "capacity"
supply_security = "supply_security"

[[parts]]
name = "roads"
kind = "line"
file = "roads.parquet"
year = {YEAR}
sector = "road"
amounts = [
{amounts_toml}]
[parts.columns]
id = "id"

[[parts]]
name = "totals"
kind = "area"
file = "totals.csv"
year = {YEAR}
amounts = [
{amounts_toml}]
[parts.columns]
id = "code"
region = "code"
sector = "sector"
[parts.geometry]
file = "counties.parquet"
key = "code"
column = "code"
[parts.surrogates]
{chains}"""
