"""A coarse gridded inventory of the wider region, such as a global one would give, at 0.1 degrees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data.generate.emissions import FILE_SPECIES, YEARS, amounts
from data.generate.plane import Waves, plane, stream
from data.generate.province import CITIES, Province

__all__ = ["BOUNDS", "background"]

Array = NDArray[np.float64]
BOUNDS = (122.0, 30.7, 126.1, 34.8)  # west, south, east, north
_CELL = 0.1
_SECTORS = {"RCO": "residential", "TNR_Ship": "shipping"}
_NAMES = {"VOCs": "NMVOC"}


def background(province: Province, *, seed: int) -> Iterator[tuple[str, xr.Dataset]]:
    """File name and dataset of every species, year and sector: tonnes a cell, longitudes and latitudes of cell centres."""
    west, south, east, north = BOUNDS
    lon = np.round(np.arange(west + _CELL / 2, east, _CELL), 2)
    lat = np.round(np.arange(south + _CELL / 2, north, _CELL), 2)
    xy = plane(np.column_stack([a.ravel() for a in np.meshgrid(lon, lat)]))
    for code, sector in _SECTORS.items():
        rng = stream(seed, f"background {sector}")
        share = _homes(province, xy, rng) if sector == "residential" else _lanes(province, xy, rng)
        scale = {"residential": 1.35, "shipping": 1.6}[sector]  # the wider region, and a coarse inventory's own error
        mass_t = amounts(sector, scale * share / share.sum(), rng, spread=0.1)
        for s, species in enumerate(FILE_SPECIES):
            name = _NAMES.get(species, species)
            for y, year in enumerate(YEARS):
                values = mass_t[:, y, s].reshape(len(lat), len(lon)).astype(np.float32)
                yield f"SYN_v1.0_FT2023_AP_{name}_{year}_{code}_emi.nc", _dataset(values, lon, lat, name, year, code)


def _dataset(values: NDArray[np.float32], lon: Array, lat: Array, substance: str, year: int, code: str) -> xr.Dataset:
    attributes = {
        "substance": substance, "year": str(year), "units": "Tonnes", "long_name": f"{substance} emissions, sector {code}",
    }  # fmt: skip
    return xr.Dataset(
        {"emissions": (("lat", "lon"), values, attributes)},
        coords={
            "lat": ("lat", lat, {"standard_name": "latitude", "units": "degrees_north"}),
            "lon": ("lon", lon, {"standard_name": "longitude", "units": "degrees_east"}),
        },
        attrs={"title": "SYNTHETIC data of an invented region", "Conventions": "CF-1.6"},
    )


def _homes(province: Province, xy: Array, rng: np.random.Generator) -> Array:
    """Smooth and without the detail of the county totals; the neighbours' land is as peopled as the province's."""
    land = np.clip(province.seaward(xy) / 10 + 0.5, 0, 1)
    density = 30 * np.exp(0.5 * Waves(rng, length_km=60)(xy)) * (1.2 - province.hills(xy).clip(0, 1))
    for city in CITIES:
        density += 22 * city.million * np.exp(-np.hypot(xy[:, 0] - city.x, xy[:, 1] - city.y) / 17)
    return density * land


def _lanes(province: Province, xy: Array, rng: np.random.Generator) -> Array:
    sea = province.seaward(xy) < -4
    offshore = -province.seaward(xy)
    density = 0.06 + np.exp(-(((offshore - 45) / 14) ** 2)) + 0.5 * np.exp(-(((offshore - 20) / 8) ** 2))
    river = (province.from_river(xy) < 6) & (xy[:, 0] > 100)
    return np.where(sea, density * np.exp(0.3 * Waves(rng, length_km=30)(xy)), 0.25 * river)
