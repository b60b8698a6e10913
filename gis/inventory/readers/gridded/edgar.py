"""EDGAR grid maps: NetCDF in tonnes per cell or as fluxes, and text files of cells by their lower-left corner.

The centres of the NetCDF files decide where longitudes begin (-180 or 0) and whether latitudes rise; nothing is assumed. Names
come from the attributes, else from the file name: ``v8.0_FT2022_GHG_CO2_2022_ENE_emi.nc``,
``v8.1_FT2022_AP_NOx_2020_TRO_flx_nc``, ``v50_SO2_2015_3_IND.0.1x0.1.nc`` (one month), ``EDGAR_2024_GHG_CH4_2023_bkl_ENF_emi.nc``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import ReadError
from gis.grid import Grid
from gis.inventory.readers.gridded.layer import WGS84, Layer, LayersRead, Request
from gis.inventory.readers.gridded.netcdf import variable_layers

__all__ = ["edgar_names", "edgar_netcdf_layers", "edgar_text_layers", "is_edgar"]

_STEM = re.compile(
    r"^(?:.*_)?(?P<species>[A-Za-z][A-Za-z0-9.\-]*)_(?P<year>(?:19|20)\d\d)_(?:bkl_)?(?:(?P<month>1[0-2]|0?[1-9])_)?"
    r"(?:bkl_)?(?:IPCC_)?(?P<sector>[A-Za-z0-9.\-]+(?:_[A-Za-z0-9.\-]+)*?)"
    r"(?:_(?:emi|flx))?(?:_(?:nc|txt))?$"
)
_SPELLINGS = {"CO2_excl_short-cycle_org_C": "CO2", "CO2_org_short-cycle_C": "CO2bio"}
# Substances of EDGAR that are neither known here nor a mistake in the description.
_FOREIGN = re.compile(r"^(co2bio|oc|ghg|(?:hfc|hcfc|pfc)\S*|sf6|nf3|gwp\S*|hg\S*|c\d?f\d+)$", re.IGNORECASE)
_TOTALS = {"TOTALS", "TOTAL", "TOT"}


@dataclass(frozen=True, slots=True)
class EdgarName:
    """What an EDGAR file name says."""

    species: str
    year: int
    month: int | None
    sector: str


def edgar_names(path: Path) -> EdgarName | None:
    """Species, year, month and sector of an EDGAR file name, or None."""
    stem = re.sub(r"\.(nc4?|txt|cdf)$", "", path.name, flags=re.IGNORECASE)
    stem = re.sub(r"\.0\.1x0\.1$", "", stem)
    for long, short in _SPELLINGS.items():
        stem = stem.replace(long, short)
    found = _STEM.match(stem)
    if found is None:
        return None
    month = int(found["month"]) if found["month"] else None
    return EdgarName(found["species"], int(found["year"]), month, found["sector"])


def is_edgar(dataset: xr.Dataset) -> bool:
    """Whether a dataset has the variable of an EDGAR grid map."""
    return _variable(dataset) is not None


def edgar_netcdf_layers(dataset: xr.Dataset, request: Request) -> LayersRead:
    """The layers of one EDGAR NetCDF file."""
    variable = request.variable or _variable(dataset)
    if variable is None or variable not in dataset.variables:
        raise ReadError(
            f"{request.path}: an EDGAR file has a variable `emissions`, `fluxes` or `emi_…`; this one has "
            f"{', '.join(map(str, dataset.data_vars))}"
        )
    read = variable_layers(dataset, variable, request, crs=WGS84)
    monthly = len(read.layers) > 1 and all(layer.month for layer in read.layers)
    return LayersRead([_named(layer, request.path, monthly) for layer in read.layers], read.findings)


def edgar_text_layers(request: Request) -> LayersRead:
    """The one layer of an EDGAR text file, on the 0.1° grid; cells that are not listed emit nothing."""
    read = _TextCells(request.path, *_text_layout(request.path))
    grid = Grid.named("edgar-0.1deg")
    if request.crs is not None:
        grid = replace(grid, crs=CRS.from_user_input(request.crs))
    return LayersRead(
        [_named(Layer(name=request.name, what="emission", grid=grid, read=read, unit="t"), request.path, False)]
    )


def _variable(dataset: xr.Dataset) -> str | None:
    names = [str(n) for n in dataset.variables if dataset[n].ndim >= 2]
    for name in names:
        if name in ("emissions", "fluxes") or name.startswith("emi_"):
            return name
    return None


def _named(layer: Layer, path: Path, monthly: bool) -> Layer:
    """The layer with what the file name says wherever the attributes say nothing."""
    name = edgar_names(path)
    species = layer.species or (name.species if name else None) or _of_variable(layer.what)
    species = _SPELLINGS.get(species or "", species)
    sector = name.sector if name else layer.sector
    return replace(
        layer,
        variable="",  # emissions and fluxes are the same amounts twice
        species=species,
        sector=sector,
        # A time axis that counts from the start of the inventory is less to be trusted than the name of the file.
        year=name.year if name and not monthly else layer.year,
        month=layer.month if monthly else (name.month if name else None),
        total=(sector or "").upper() in _TOTALS,
        foreign=bool(species and _FOREIGN.match(species)),
    )


def _of_variable(what: str) -> str | None:
    found = re.match(r"emi_([A-Za-z0-9.]+)", what)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class _TextCells:
    """Reads ``lat;lon;emission`` rows (lower-left corners, tonnes) onto the 0.1° grid."""

    path: Path
    skip: int
    lon_first: bool

    def __call__(self) -> NDArray[np.float64]:
        """Tonnes per cell, 0 where no cell is listed."""
        grid = Grid.named("edgar-0.1deg")
        rows = _text_rows(self.path, self.skip)
        lat, lon = (rows[:, 1], rows[:, 0]) if self.lon_first else (rows[:, 0], rows[:, 1])
        first = self.skip + 1
        for name, values in (("lat", lat), ("lon", lon)):
            off = np.abs(values * 10.0 - np.round(values * 10.0)) > 1e-3
            if off.any():
                at = int(np.flatnonzero(off)[0])
                raise ReadError(
                    f"{self.path}: row {first + at}: {name} {values[at]:g} is no corner of the 0.1° grid; EDGAR's text files hold "
                    "the lower-left corner of 0.1° cells"
                )
        row, col = grid.index(x=lon + 0.05, y=lat + 0.05)
        if (row < 0).any():
            at = int(np.flatnonzero(row < 0)[0])
            raise ReadError(f"{self.path}: row {first + at}: cell {lat[at]:g};{lon[at]:g} lies off the globe")
        cell = grid.cell_id(row=row, col=col)
        if len(np.unique(cell)) < len(cell):
            order = np.argsort(cell, kind="stable")
            at = int(order[1:][np.diff(cell[order]) == 0].min())
            raise ReadError(f"{self.path}: row {first + at}: cell {lat[at]:g};{lon[at]:g} is listed twice")
        out = np.zeros(grid.size)
        out[cell] = rows[:, 2]
        return out.reshape(grid.shape)


def _text_layout(path: Path) -> tuple[int, bool]:
    """How many lines stand before the first row, and whether longitude comes first."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = [next(file, "") for _ in range(20)]
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: cannot be read as text: {error}") from error
    rows = [i for i, line in enumerate(head) if _is_row(line)]
    if not rows:
        raise ReadError(f"{path}: no row of the form lat;lon;emission in the first 20 lines")
    heading = [n.strip().lower() for n in head[rows[0] - 1].split(";")] if rows[0] else []
    return rows[0], heading[:2] == ["lon", "lat"]


def _text_rows(path: Path, skip: int) -> NDArray[np.float64]:
    """The rows as numbers (n, 3)."""
    try:
        return np.loadtxt(
            path, delimiter=";", skiprows=skip, usecols=(0, 1, 2), ndmin=2, comments=None, encoding="utf-8-sig"
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: cannot be read as text: {error}") from error
    except ValueError as error:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if number > skip and line.strip() and not _is_row(line):
                    raise ReadError(f"{path}: row {number} is {line.strip()!r}; expected lat;lon;emission") from error
        raise ReadError(f"{path}: not rows of lat;lon;emission throughout: {error}") from error


def _is_row(line: str) -> bool:
    fields = line.strip().split(";")
    try:
        return len([float(f) for f in fields]) == 3
    except ValueError:
        return False
