"""I/O API NetCDF, the emission files of CMAQ: rates per cell on a projected grid, rows from the south, steps in TFLAG.

A file's steps are averaged to one rate, its layers above ground are summed, and the rate holds for the whole year of the first step. A last
step that falls a whole number of days after the first begins the next day (the 25th hour) and is left out of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs, ReadError, UnknownSpecies
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.readers.gridded.dataset import decoded, opened
from gis.inventory.readers.gridded.layer import Layer, LayersRead, Request
from gis.inventory.readers.gridded.projections import Projection
from gis.species import find_species

__all__ = ["ioapi_layers", "is_ioapi"]

_HEADER = ("GDTYP", "XORIG", "YORIG", "XCELL", "YCELL", "NCOLS", "NROWS", "P_ALP", "P_BET", "P_GAM", "XCENT", "YCENT")
# NOx leaves SMOKE as these three; a mole of each is a mole of NO2, cozone's basis for NOx.
_SPELLINGS = {"NO": "NOx", "NO2": "NOx", "HONO": "NOx"}
# The I/O API's own mark of no value is -9.999e36, with a threshold of -9.99e33 in its tools.
_MISSING_BELOW = -9.99e33


def is_ioapi(dataset: xr.Dataset) -> bool:
    """Whether a dataset has the header of an I/O API grid."""
    return set(_HEADER) <= dataset.attrs.keys()


def ioapi_layers(dataset: xr.Dataset, request: Request) -> LayersRead:
    """A layer for each variable that is named after a species (NO, NO2 and HONO are NOx), or for the one asked for."""
    grid = _grid(dataset, request)
    variables = [str(n) for n in dataset.data_vars if dataset[n].dims[-2:] == ("ROW", "COL")]
    if request.variable is not None and request.variable not in variables:
        raise ReadError(
            f"{request.path}: no variable {request.variable!r} by ROW and COL; it has {', '.join(variables)}"
        )
    year, steps = _steps(dataset, request.path)
    layers, left = [], []
    for name in variables if request.variable is None else [request.variable]:
        species = _species(name)
        if species is None and request.variable is None:
            left.append(name)
            continue
        unit = str(dataset[name].attrs.get("units", "")).strip() or None
        read = _MeanRate(request.path, name, steps)
        layers.append(Layer(request.name, name, grid, read, unit=unit, species=species, year=year, variable=name))
    findings = []
    if left:
        reason = f"variables {', '.join(left)} are not named after a species and are not read"
        findings.append(
            Finding(Severity.NOTE, "variable-not-read", reason, part=request.part, file=request.name, count=len(left))
        )
    return LayersRead(layers, findings)


def _species(name: str) -> str | None:
    spelled = _SPELLINGS.get(name.upper(), name)
    try:
        find_species(spelled)
    except UnknownSpecies:
        return None
    return spelled


def _grid(dataset: xr.Dataset, request: Request) -> Grid:
    head = {key: float(np.asarray(dataset.attrs[key]).ravel()[0]) for key in _HEADER}
    projection = Projection(
        round(head["GDTYP"]), head["P_ALP"], head["P_BET"], head["P_GAM"], head["XCENT"], head["YCENT"]
    )
    rows, cols = round(head["NROWS"]), round(head["NCOLS"])
    top = Fraction(head["YORIG"]) + rows * Fraction(head["YCELL"])
    try:
        crs = projection.crs() if request.crs is None else CRS.from_user_input(request.crs)
        transform = Affine(head["XCELL"], 0, head["XORIG"], 0, -head["YCELL"], float(top))
        return Grid(crs=crs, transform=transform, shape=(rows, cols))
    except CRSError as error:
        raise MissingCrs(
            f"{request.path}: the header's projection {projection} is not one PROJ knows: {error}"
        ) from error
    except (InvalidGrid, InvalidParameter) as error:
        raise ReadError(f"{request.path}: {error}") from error


def _steps(dataset: xr.Dataset, path: Path) -> tuple[int, tuple[int, ...]]:
    """The year of the first step, and the steps to average."""
    count = int(dataset.sizes.get("TSTEP", 1))
    if "TFLAG" in dataset.variables:
        flags = np.asarray(dataset["TFLAG"].values).reshape(count, -1, 2)[:, 0, :].astype(np.int64)
        if (flags[:, 0] <= 0).all():  # a time-independent file flags its one step 0
            return _year(int(dataset.attrs.get("SDATE", 0)), path), (0,)
        seconds = np.array([_seconds(int(day), int(clock), path) for day, clock in flags])
        day = int(flags[0, 0])
    else:
        day = int(dataset.attrs.get("SDATE", 0))
        step = int(dataset.attrs.get("TSTEP", 0))
        length = (step // 10000) * 3600 + (step // 100 % 100) * 60 + step % 100
        seconds = np.arange(count) * length
    gaps = np.diff(seconds)
    if count > 1 and ((gaps <= 0).any() or (gaps != gaps[0]).any()):
        raise ReadError(
            f"{path}: the time steps in TFLAG are not evenly spaced; the mean rate of such a file is not known"
        )
    span = int(seconds[-1] - seconds[0])
    used = count - 1 if count > 1 and span % 86400 == 0 else count
    return _year(day, path), tuple(range(used))


def _year(yyyyddd: int, path: Path) -> int:
    if not 1 <= yyyyddd % 1000 <= 366 or not 1700 <= yyyyddd // 1000 <= 2300:
        raise ReadError(f"{path}: date {yyyyddd} is not of the form YYYYDDD")
    return yyyyddd // 1000


def _seconds(yyyyddd: int, hhmmss: int, path: Path) -> int:
    start = date(_year(yyyyddd, path), 1, 1).toordinal() + yyyyddd % 1000 - 1
    return start * 86400 + (hhmmss // 10000) * 3600 + (hhmmss // 100 % 100) * 60 + hhmmss % 100


@dataclass(frozen=True, slots=True)
class _MeanRate:
    """Reads the mean over time steps of a variable's sum over layers, turned row 0 north."""

    path: Path
    variable: str
    steps: tuple[int, ...]

    def __call__(self) -> NDArray[np.float64]:
        """The mean rate, NaN where every step and layer is marked as no value."""
        with opened(self.path) as dataset:
            variable = dataset[self.variable]
            total, known = None, None
            for step in self.steps:
                values = decoded(variable.isel({"TSTEP": step}) if "TSTEP" in variable.dims else variable)
                values[values <= _MISSING_BELOW] = np.nan
                stack = values.reshape(-1, *values.shape[-2:])
                there = ~np.isnan(stack).all(axis=0)
                layer = np.nansum(stack, axis=0)
                total = layer if total is None else total + layer
                known = there if known is None else known | there
        if total is None or known is None:
            raise ReadError(f"{self.path}: variable {self.variable!r} has no time step")
        mean: NDArray[np.float64] = np.where(known, total / len(self.steps), np.nan)
        return np.ascontiguousarray(mean[::-1])
