"""Rasters that spread county totals: people per square kilometre, and the share of farmland."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy.spatial import cKDTree

from data.generate.plane import Waves, plane, stream
from data.generate.province import CITIES, Province
from data.generate.regions import Regions

__all__ = ["CELL", "NO_FARMLAND", "NO_PEOPLE", "Surface", "paint"]

Array = NDArray[np.float64]
CELL = 0.01  # degrees
NO_PEOPLE = 65535  # the value that stands for "no value", at sea and beyond the border
NO_FARMLAND = 255
_PEOPLE_M = 1.12 * sum(c.million for c in CITIES)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Two rasters on one lattice, and which county each cell's centre lies in (-1 outside)."""

    transform: Affine
    people_km2: NDArray[np.uint16]
    farmland_percent: NDArray[np.uint8]
    county: NDArray[np.int64]

    def by_county(self, count: int) -> tuple[Array, Array]:
        """People and square kilometres of farmland of each county, about."""
        rows = np.arange(self.county.shape[0])[:, None]
        area = (111.1 * CELL) ** 2 * np.cos(np.radians(self.transform.f - (rows + 0.5) * CELL)) + 0 * self.county
        inside = self.county >= 0
        label = self.county[inside]
        people = np.bincount(label, (self.people_km2 * area)[inside], minlength=count)
        farmland = np.bincount(label, (self.farmland_percent / 100 * area)[inside], minlength=count)
        return people, farmland


def paint(province: Province, regions: Regions, *, seed: int) -> Surface:
    """The rasters, over the bounds of the province."""
    rng = stream(seed, "population")
    west, south, east, north = regions.province.total_bounds
    left, top = np.floor(west / CELL), np.ceil(north / CELL)
    shape = int(top - np.floor(south / CELL)), int(np.ceil(east / CELL) - left)
    transform = Affine(CELL, 0, round(left * CELL, 2), 0, -CELL, round(top * CELL, 2))
    county = _counties(regions, transform, shape)
    cols, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    xy = plane(
        np.column_stack([(transform.c + (cols.ravel() + 0.5) * CELL), (transform.f - (rows.ravel() + 0.5) * CELL)])
    )
    density = _people(province, regions, xy, rng).reshape(shape)
    inside = county >= 0
    density *= _PEOPLE_M * 1e6 / (density[inside].sum() * 1.04)
    people = np.where(inside, np.clip(np.round(density), 0, NO_PEOPLE - 1), NO_PEOPLE).astype(np.uint16)
    farmland = _farmland(province, xy, rng).reshape(shape) * np.clip(1 - density / 6000, 0, 1)
    percent = np.where(inside, np.round(100 * farmland), NO_FARMLAND).astype(np.uint8)
    return Surface(transform, people, percent, county)


def _people(province: Province, regions: Regions, xy: Array, rng: np.random.Generator) -> Array:
    """Cities with dense cores, county towns, townships, and a countryside thin in the hills."""
    density = np.full(len(xy), 90.0) * (1.1 - province.hills(xy).clip(0, 1))
    for city in CITIES:
        away = np.hypot(xy[:, 0] - city.x, xy[:, 1] - city.y)
        core = 1.6 + 0.35 * city.million
        density += 5200 * (city.million / 4) ** 0.35 * np.exp(-((away / core) ** 1.3)) + 330 * np.exp(
            -away / (4 * core)
        )
    for towns, peak, reach in ((regions.centres, 2600.0, 1.9), (regions.seeds, 620.0, 0.95)):
        height = peak * np.exp(rng.normal(0, 0.5, len(towns)))
        for town, near, top in zip(towns, cKDTree(xy).query_ball_point(towns, 8 * reach), height, strict=True):
            density[near] += top * np.exp(-np.hypot(*(xy[near] - town).T) / reach)
    grain = np.exp(0.28 * Waves(rng, length_km=9)(xy) + 0.22 * Waves(rng, length_km=3.5)(xy))
    return density * grain


def _farmland(province: Province, xy: Array, rng: np.random.Generator) -> Array:
    field = 0.62 + 0.16 * Waves(rng, length_km=24)(xy) + 0.08 * Waves(rng, length_km=6)(xy)
    return np.clip(field - 0.75 * province.hills(xy), 0, 0.95)


def _counties(regions: Regions, transform: Affine, shape: tuple[int, int]) -> NDArray[np.int64]:
    county = np.full(shape, -1, dtype=np.int64)
    for k, polygon in enumerate(regions.counties.geometry):
        county[geometry_mask([polygon], shape, transform, invert=True)] = k
    return county
