"""MEIC: one file a year, month, sector and species, as an ESRI ASCII grid or as a flat GMT-style NetCDF.

``2017_01_industry_NOx.asc``, with double underscores in 2019 and 2020; the twelve months sum to the year, and month ``00``
stands for a whole year. Amounts are tonnes per cell and month; speciated VOC is in million moles and is not read as tonnes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidGrid, ReadError
from gis.grid import Grid
from gis.inventory.readers.gridded.dataset import decoded, opened
from gis.inventory.readers.gridded.esri import ascii_grid
from gis.inventory.readers.gridded.layer import WGS84, Layer, LayersRead, Request

__all__ = ["gmt_layer", "is_gmt", "meic_ascii_layers", "meic_names", "meic_netcdf_layers"]

_STEM = re.compile(
    r"^(?:MEIC_)?(?P<year>(?:19|20)\d\d)_(?P<month>0\d|1[0-2])_{1,2}(?P<sector>[A-Za-z]+)_{1,2}(?P<species>.+)$",
    re.IGNORECASE,
)
_BY_MASS = {"so2", "nox", "co", "voc", "vocs", "nmvoc", "nh3", "pm25", "pm2.5", "pm10", "pmcoarse",
            "bc", "oc", "co2", "ch4", "n2o"}  # fmt: skip
_FOREIGN = {"pmcoarse", "oc"}
_MECHANISM = re.compile(r"^(cb\d|cbiv|saprc|radm|racm|mozart|cri)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MeicName:
    """What a MEIC file name says; month None is the whole year."""

    year: int
    month: int | None
    sector: str
    species: str


def meic_names(path: Path) -> MeicName | None:
    """Year, month, sector and species of a MEIC file name, or None."""
    found = _STEM.match(path.stem)
    if found is None:
        return None
    return MeicName(int(found["year"]), int(found["month"]) or None, found["sector"], found["species"].strip("_"))


def meic_ascii_layers(request: Request) -> LayersRead:
    """The one layer of a MEIC ASCII grid; its extent is that of the header."""
    grid, read = ascii_grid(request.path, crs=request.crs or WGS84)
    return _named(Layer(name=request.name, what="grid", grid=grid, read=read), request)


def meic_netcdf_layers(dataset: xr.Dataset, request: Request) -> LayersRead:
    """The one layer of a MEIC NetCDF file."""
    return _named(gmt_layer(dataset, request), request)


def _named(layer: Layer, request: Request) -> LayersRead:
    name = meic_names(request.path)
    if name is None:
        return LayersRead([layer])
    plain = name.species.lower()
    by_mass = plain in _BY_MASS
    return LayersRead(
        [
            replace(
                layer,
                unit=layer.unit or ("t" if by_mass else None),
                species=name.species,
                sector=name.sector,
                year=name.year,
                month=name.month,
                total=name.sector.lower() in ("total", "totals"),
                foreign=plain in _FOREIGN,
                doubt="" if by_mass else _doubt(name.species),
            )
        ]
    )


def _doubt(species: str) -> str:
    why = (
        "is VOC by mechanism species, in million moles" if _MECHANISM.match(species) else "is not known to be in tonnes"
    )
    return f"MEIC's {species!r} {why}; read VOC (tonnes), or state its species and `unit` under [[parts.fields]]"


def is_gmt(dataset: xr.Dataset) -> bool:
    """Whether a dataset is a flat grid of the old GMT kind."""
    return {"x_range", "y_range", "spacing", "dimension", "z"} <= {str(n) for n in dataset.variables}


def gmt_layer(dataset: xr.Dataset, request: Request) -> Layer:
    """The layer of a flat GMT grid: ranges of edges or of centres, whichever the spacing says; row 0 north."""
    path = request.path
    cols, rows = (int(v) for v in np.asarray(dataset["dimension"].values).ravel()[:2])
    dx, dy = (_plain(v) for v in np.asarray(dataset["spacing"].values).ravel()[:2])
    west, _ = _edges(dataset, "x_range", cols, dx, path)
    _, north = _edges(dataset, "y_range", rows, dy, path)
    size = dataset["z"].size
    if size != rows * cols:
        raise ReadError(f"{path}: z holds {size} values where {rows} rows of {cols} make {rows * cols}")
    try:
        grid = Grid(
            crs=CRS.from_user_input(request.crs or WGS84),
            transform=Affine(float(dx), 0, float(west), 0, -float(dy), float(north)),
            shape=(rows, cols),
        )
    except InvalidGrid as error:
        raise ReadError(f"{path}: {error}") from error
    unit = str(dataset["z"].attrs.get("units", "")).strip() or None
    return Layer(name=request.name, what="z", grid=grid, read=_Flat(path, (rows, cols)), unit=unit)


def _plain(value: float) -> Fraction:
    """The number as it reads: 0.25 is a quarter, a float32 0.1 is a tenth."""
    return Fraction(f"{float(value):.7g}")


def _edges(dataset: xr.Dataset, name: str, count: int, step: Fraction, path: Path) -> tuple[Fraction, Fraction]:
    low, high = sorted(_plain(v) for v in np.asarray(dataset[name].values).ravel()[:2])
    for cells, half in ((count, Fraction(0)), (count - 1, step / 2)):
        if step > 0 and abs((high - low) - cells * step) <= step / 1000:
            return low - half, high + half
    raise ReadError(
        f"{path}: {name} from {float(low):g} to {float(high):g} holds neither {count} cells nor {count} centres of {float(step):g}"
    )


@dataclass(frozen=True, slots=True)
class _Flat:
    """Reads the flat values of a GMT grid."""

    path: Path
    shape: tuple[int, int]

    def __call__(self) -> NDArray[np.float64]:
        """Values, row 0 north, NaN where the file marks no value."""
        with opened(self.path) as dataset:
            values = decoded(dataset["z"]).reshape(self.shape)
            mark = dataset.attrs.get("nodata_value", dataset.attrs.get("NODATA_value"))
        if mark is not None:
            values[values == float(mark)] = np.nan
        return values
