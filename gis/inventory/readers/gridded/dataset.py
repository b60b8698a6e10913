"""NetCDF through xarray: opening, values as float64 with NaN, the axes of a variable, its time steps, its CRS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import RLock

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import MissingCrs, ReadError
from gis.grid import Grid
from gis.inventory.readers.gridded.classic import check_classic
from gis.inventory.readers.gridded.lattice import Axis, Orientation, fit_axis, lattice_grid
from gis.inventory.readers.gridded.layer import WGS84

__all__ = ["Frame", "Slab", "Step", "cell_area_of", "decoded", "frame_of", "opened", "spatial_variables", "steps_of"]

_X_NAMES = {"x", "lon", "longitude", "long", "easting", "lons", "xc"}
_Y_NAMES = {"y", "lat", "latitude", "northing", "lats", "yc"}
_T_NAMES = {"time", "t", "year", "years", "date", "tstep"}
_EAST = {"degrees_east", "degree_east", "degreee", "degrees_e", "degreese", "degree_e"}
_NORTH = {"degrees_north", "degree_north", "degreen", "degrees_n", "degreesn", "degree_n"}
_METRES = {"m": 1, "metre": 1, "meter": 1, "metres": 1, "meters": 1, "km": 1000, "kilometre": 1000, "kilometer": 1000,
           "kilometers": 1000, "kilometres": 1000}  # fmt: skip


# HDF5 is not safe for two threads at once, and netCDF4 releases the interpreter's lock while it reads.
_ONE_AT_A_TIME = RLock()


@contextmanager
def opened(path: Path) -> Iterator[xr.Dataset]:
    """The dataset as stored, nothing decoded; whatever the library stumbles on becomes a ReadError naming the file."""
    if not path.is_file():
        raise ReadError(f"{path}: no such file")
    with _ONE_AT_A_TIME:
        try:
            check_classic(path)
            with xr.open_dataset(path, engine="netcdf4", decode_cf=False, cache=False) as dataset:
                yield dataset
        except (OSError, RuntimeError, ValueError, IndexError, AttributeError, UnicodeError) as error:
            raise ReadError(
                f"{path}: not a readable NetCDF file (truncated, corrupt or of another format): {error}"
            ) from error


def decoded(variable: xr.DataArray) -> NDArray[np.float64]:
    """Values as float64, scale and offset applied in float64, NaN where the file marks no value."""
    raw = np.asarray(variable.values)
    missing = np.zeros(raw.shape, bool)
    for name in ("_FillValue", "missing_value", "nodata_value"):
        for mark in np.atleast_1d(np.asarray(variable.attrs.get(name, []))):
            if np.issubdtype(np.asarray(mark).dtype, np.number):
                # The mark is compared in the variable's own type: -9999.9 as float32 is not the float64 of that text.
                missing |= raw == np.asarray(mark).astype(raw.dtype)
    if raw.dtype.kind == "f" and "_FillValue" not in variable.attrs:
        missing |= raw == raw.dtype.type(netCDF4.default_fillvals[f"f{raw.dtype.itemsize}"])
    values = raw.astype(np.float64)
    scale, offset = variable.attrs.get("scale_factor", 1.0), variable.attrs.get("add_offset", 0.0)
    if scale != 1.0 or offset != 0.0:
        values = values * float(scale) + float(offset)
    values[missing] = np.nan
    return values


@dataclass(frozen=True, slots=True)
class Slab:
    """Reads one (y, x) layer of a variable, turned row 0 north; ``fixed`` holds the index of every other dimension."""

    path: Path
    variable: str
    dims: tuple[str, str]
    fixed: tuple[tuple[str, int], ...]
    orientation: Orientation

    def __call__(self) -> NDArray[np.float64]:
        """The layer, float64, NaN where it has no value."""
        with opened(self.path) as dataset:
            chosen = dataset[self.variable].isel(dict(self.fixed)).transpose(*self.dims)
            return self.orientation.apply(decoded(chosen))


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a variable lies: its (y, x) dimensions, grid and orientation; ``assumed`` says the CRS was not stated."""

    dims: tuple[str, str]
    grid: Grid
    orientation: Orientation
    assumed: bool
    overruled: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One time step of a variable: its fixed indices, its year and, when a year has several, its month."""

    fixed: tuple[tuple[str, int], ...]
    year: int | None
    month: int | None


def _role(name: str, attrs: dict[str, object]) -> str | None:
    standard = str(attrs.get("standard_name", "")).lower()
    units = str(attrs.get("units", "")).lower()
    axis = str(attrs.get("axis", "")).upper()
    plain = name.lower()
    if standard in ("longitude", "projection_x_coordinate") or units in _EAST or plain in _X_NAMES or axis == "X":
        return "x"
    if standard in ("latitude", "projection_y_coordinate") or units in _NORTH or plain in _Y_NAMES or axis == "Y":
        return "y"
    if standard == "time" or " since " in units or plain in _T_NAMES or axis == "T":
        return "t"
    return None


def _coordinate(dataset: xr.Dataset, dim: str) -> xr.DataArray | None:
    """The one-dimensional variable that places a dimension."""
    candidates = [dim, *(str(n) for n in dataset.variables if str(n) != dim)]
    for name in candidates:
        if name in dataset.variables and dataset[name].dims == (dim,) and dataset[name].dtype.kind in "iuf":
            if name == dim or _role(name, dataset[name].attrs) is not None:
                return dataset[name]
    return None


def _dim_role(dataset: xr.Dataset, dim: str) -> str | None:
    coordinate = _coordinate(dataset, dim)
    return _role(dim, {} if coordinate is None else coordinate.attrs) or (
        None if coordinate is None else _role(str(coordinate.name), coordinate.attrs)
    )


def _plane(dataset: xr.Dataset, variable: str) -> tuple[str, str] | None:
    """The (y, x) dimensions of a variable, whatever their order in the file."""
    roles = {_dim_role(dataset, str(d)): str(d) for d in dataset[variable].dims}
    return (roles["y"], roles["x"]) if "x" in roles and "y" in roles else None


def spatial_variables(dataset: xr.Dataset) -> list[str]:
    """Names of the numeric variables that lie on an x and a y dimension, coordinates and bounds left out."""
    names = []
    for name in map(str, dataset.variables):
        variable = dataset[name]
        if variable.ndim < 2 or variable.dtype.kind not in "iuf" or _role(name, variable.attrs) is not None:
            continue
        if "grid_mapping_name" not in variable.attrs and _plane(dataset, name) is not None:
            names.append(name)
    return names


def frame_of(dataset: xr.Dataset, variable: str, *, path: Path, crs: str | None) -> Frame:
    """Grid and orientation of a variable; the CRS of the file, else the stated one, else WGS 84 where units are degrees."""
    plane = _plane(dataset, variable)
    if plane is None:
        raise ReadError(
            f"{path}: variable {variable!r} has dimensions {dataset[variable].dims}; two of them need coordinates such as "
            "x and y or lon and lat"
        )
    y, x = (_placed(dataset, dim, variable, path) for dim in plane)
    found, assumed, overruled = _crs_of(dataset, variable, (y, x), path, crs)
    axis_x = fit_axis(x.values, file=path, name=str(x.name), turn=found.is_geographic)
    axis_y = fit_axis(y.values, file=path, name=str(y.name))
    if not found.is_geographic:
        axis_x, axis_y = _in_crs_units(axis_x, x, found), _in_crs_units(axis_y, y, found)
    grid, orientation = lattice_grid(axis_x, axis_y, crs=found, file=path)
    return Frame(plane, grid, orientation, assumed, overruled)


def _placed(dataset: xr.Dataset, dim: str, variable: str, path: Path) -> xr.DataArray:
    coordinate = _coordinate(dataset, dim)
    if coordinate is None:
        raise ReadError(f"{path}: dimension {dim!r} of variable {variable!r} has no coordinates of its own")
    return coordinate


def _in_crs_units(axis: Axis, coordinate: xr.DataArray, crs: CRS) -> Axis:
    """The axis in the CRS's unit, where the file's coordinates name another (km beside a CRS in metres)."""
    metres = _METRES.get(str(coordinate.attrs.get("units", "")).strip().lower())
    if metres is None:
        return axis
    factor = Fraction(metres) / Fraction(crs.axis_info[0].unit_conversion_factor)
    return axis if factor == 1 else axis.scaled(factor)


def _crs_of(
    dataset: xr.Dataset, variable: str, axes: tuple[xr.DataArray, xr.DataArray], path: Path, stated: str | None
) -> tuple[CRS, bool, str]:
    own = _own_crs(dataset, variable, path)
    if stated is not None:
        try:
            asked = CRS.from_user_input(stated)
        except CRSError as error:
            raise MissingCrs(f"{path}: the stated crs {stated!r} is not one pyproj knows: {error}") from error
        if own is not None and own != asked:
            return own, False, f"the file's own CRS ({own.name}) is used, not the stated {stated!r}"
        return asked, False, ""
    if own is not None:
        return own, False, ""
    units = [str(a.attrs.get("units", "")).lower() for a in axes]
    if units[0] in _NORTH and units[1] in _EAST:
        return CRS.from_user_input(WGS84), True, ""
    raise MissingCrs(
        f"{path}: variable {variable!r} states no CRS (no grid mapping, no degrees_north and degrees_east); names such as "
        f"{str(axes[1].name)!r} and {str(axes[0].name)!r} do not tell a datum. Give crs in the description, such as 'EPSG:4326'"
    )


def _own_crs(dataset: xr.Dataset, variable: str, path: Path) -> CRS | None:
    named = str(dataset[variable].attrs.get("grid_mapping", "")).split(":")[0].strip()
    if not named:
        holders = [str(n) for n in dataset.variables if "grid_mapping_name" in dataset[n].attrs]
        named = holders[0] if len(holders) == 1 else ""
    if named not in dataset.variables:
        return None
    attrs = dict(dataset[named].attrs)
    try:
        for key in ("crs_wkt", "spatial_ref"):
            if attrs.get(key):
                return CRS.from_wkt(str(attrs[key]))
        return CRS.from_cf(attrs)
    except (CRSError, KeyError, ValueError) as error:
        raise ReadError(f"{path}: grid mapping {named!r} is not a CRS pyproj can read: {error}") from error


def steps_of(dataset: xr.Dataset, variable: str, frame: Frame, *, path: Path) -> list[Step]:
    """The layers along time: one a year, or twelve months a year; every other dimension has to be of length 1."""
    times: list[tuple[int | None, int | None]] = [(None, None)]
    time_dim: str | None = None
    fixed: list[tuple[str, int]] = []
    for dim in map(str, dataset[variable].dims):
        if dim in frame.dims:
            continue
        if _dim_role(dataset, dim) == "t":
            time_dim, times = dim, _dates(dataset, dim, path)
        elif dataset.sizes[dim] == 1:
            fixed.append((dim, 0))
        else:
            raise ReadError(
                f"{path}: variable {variable!r} has a dimension {dim!r} of length {dataset.sizes[dim]}; expected only x, y and "
                "time. Write one variable a sector or species"
            )
    per_year = Counter(year for year, _ in times)
    for year, count in per_year.items():
        months = sorted(m or 0 for y, m in times if y == year)
        if count > 1 and months != list(range(1, 13)):
            raise ReadError(
                f"{path}: variable {variable!r} has {count} time steps in {year if year is not None else 'an unknown year'}, "
                f"months {months}; expected one a year, or the twelve months"
            )
    return [
        Step(
            tuple(fixed) + (((time_dim, i),) if time_dim is not None else ()), year, month if per_year[year] > 1 else None
        )
        for i, (year, month) in enumerate(times)
    ]  # fmt: skip


def _dates(dataset: xr.Dataset, dim: str, path: Path) -> list[tuple[int | None, int | None]]:
    """Year and month of each time step, None where the file does not tell."""
    coordinate = _coordinate(dataset, dim)
    count = dataset.sizes[dim]
    if coordinate is None:
        return [(None, None)] * count
    units = str(coordinate.attrs.get("units", ""))
    values = np.asarray(coordinate.values)
    if " since " in units.lower():
        try:
            dates = netCDF4.num2date(values, units, str(coordinate.attrs.get("calendar", "standard")))
        except (ValueError, OverflowError) as error:
            raise ReadError(f"{path}: time {dim!r} in {units!r} cannot be read: {error}") from error
        return [(int(d.year), int(d.month)) for d in np.asarray(dates, dtype=object).ravel()]
    if values.dtype.kind in "iuf" and ((values >= 1700) & (values <= 2300) & (values == np.round(values))).all():
        return [(int(v), None) for v in values]
    return [(None, None)] * count


def cell_area_of(dataset: xr.Dataset, variable: str, frame: Frame, *, path: Path) -> tuple[str, AreaSlab] | None:
    """The file's own cell areas: the variable of ``cell_measures``, else the one whose standard name is cell_area."""
    measures = str(dataset[variable].attrs.get("cell_measures", "")).replace(":", " ").split()
    named = [measures[i + 1] for i in range(len(measures) - 1) if measures[i] == "area"]
    named += [str(n) for n in dataset.variables if dataset[n].attrs.get("standard_name") == "cell_area"]
    for name in named:
        if name in dataset.variables and set(dataset[name].dims) == set(frame.dims):
            factor = {"m2": 1.0, "m^2": 1.0, "m**2": 1.0, "km2": 1e6, "km^2": 1e6}.get(
                str(dataset[name].attrs.get("units", ""))
            )
            if factor is None:
                raise ReadError(
                    f"{path}: cell areas {name!r} are in {dataset[name].attrs.get('units')!r}; m2 or km2 expected"
                )
            return name, AreaSlab(Slab(path, name, frame.dims, (), frame.orientation), factor)
    return None


@dataclass(frozen=True, slots=True)
class AreaSlab:
    """Reads the file's cell areas in m²."""

    slab: Slab
    factor: float

    def __call__(self) -> NDArray[np.float64]:
        """Cell areas in m², turned like the values."""
        return self.slab() * self.factor
