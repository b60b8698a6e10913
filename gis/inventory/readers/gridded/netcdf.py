"""Any NetCDF with x and y (or longitude and latitude) coordinates: its variables as layers, a step a year or a month."""

from __future__ import annotations

import xarray as xr
from numpy.typing import NDArray

from gis.errors import GisError, ReadError
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.readers.gridded.dataset import (
    Frame,
    Slab,
    cell_area_of,
    frame_of,
    opened,
    spatial_variables,
    steps_of,
)
from gis.inventory.readers.gridded.layer import Layer, LayersRead, Request
from gis.species import find_sector, find_species

__all__ = ["frame_findings", "netcdf_layers", "read_variable", "variable_layers"]

_SPECIES_ATTRIBUTES = ("substance", "species", "pollutant")
_SECTOR_ATTRIBUTES = ("sector", "source_sector", "emission_sector")


def netcdf_layers(dataset: xr.Dataset, request: Request) -> LayersRead:
    """Layers of the variable asked for, else of the only one, else of every one named after a species or sector."""
    names = spatial_variables(dataset)
    if request.variable is not None:
        chosen = [_existing(dataset, request)]
    elif len(names) == 1:
        chosen = names
    else:
        areas = {n for n in names if dataset[n].attrs.get("standard_name") == "cell_area"}
        chosen = [n for n in names if n not in areas and (_is_species(n) or _is_sector(n))]
    if not chosen:
        raise ReadError(
            f"{request.path}: {_listed(names)}; none is named after a species or sector, so say which `variable` to read"
        )
    out = LayersRead([])
    for name in chosen:
        read = variable_layers(dataset, name, request)
        out.layers += read.layers
        out.findings += [f for f in read.findings if f not in out.findings]
    left = [n for n in names if n not in chosen]
    if left and request.variable is None:
        out.findings.append(
            Finding(
                Severity.WARNING, "variable-not-read", f"variables {', '.join(left)} are not named after a species or sector and "
                "are not read; name them under [[parts.fields]] if they should be", part=request.part, file=request.name,
                count=len(left),
            )
        )  # fmt: skip
    return out


def variable_layers(dataset: xr.Dataset, name: str, request: Request, *, crs: str | None = None) -> LayersRead:
    """Layers of one variable, a time step each, with the names its attributes hold. ``crs`` is the format's default."""
    variable = dataset[name]
    frame = frame_of(dataset, name, path=request.path, crs=request.crs or crs)
    area = cell_area_of(dataset, name, frame, path=request.path)
    layers = [
        Layer(
            name=request.name,
            what=name if not step.fixed else f"{name}[{', '.join(f'{d}={i}' for d, i in step.fixed)}]",
            variable=name,
            grid=frame.grid,
            read=Slab(request.path, name, frame.dims, step.fixed, frame.orientation),
            unit=str(variable.attrs["units"]).strip() if str(variable.attrs.get("units", "")).strip() else None,
            species=_attribute(dataset, name, _SPECIES_ATTRIBUTES) or (name if _is_species(name) else None),
            sector=_attribute(dataset, name, _SECTOR_ATTRIBUTES) or (name if _is_sector(name) else None),
            year=step.year if step.year is not None else _year(dataset, name),
            month=step.month,
            cell_area=area[1] if area else None,
            cell_area_name=f"{request.name}: {area[0]}" if area else "",
        )
        for step in steps_of(dataset, name, frame, path=request.path)
    ]
    return LayersRead(layers, frame_findings(frame, request))


def frame_findings(frame: Frame, request: Request) -> list[Finding]:
    """What to know of a frame: WGS 84 taken for granted, a CRS that went before the stated one, lines left out."""
    said = []
    if frame.assumed:
        text = "no CRS is stated; degrees_north and degrees_east are taken as WGS 84"
        said.append((Severity.NOTE, "crs-assumed", text))
    if frame.overruled:
        said.append((Severity.WARNING, "crs-differs", frame.overruled))
    if frame.orientation.left_out:
        text = f"the coordinates leave out {frame.orientation.left_out} row(s) or column(s) of the lattice; they count as no value"
        said.append((Severity.WARNING, "lines-left-out", text))
    return [Finding(severity, rule, text, part=request.part, file=request.name) for severity, rule, text in said]


def read_variable(request: Request) -> tuple[Grid, NDArray]:  # type: ignore[type-arg]
    """Grid and values of one variable with a single time step, row 0 north, NaN where it has no value."""
    with opened(request.path) as dataset:
        names = spatial_variables(dataset)
        if request.variable is None and len(names) != 1:
            raise ReadError(f"{request.path}: {_listed(names)}; say which `variable` to read")
        name = names[0] if request.variable is None else _existing(dataset, request)
        frame = frame_of(dataset, name, path=request.path, crs=request.crs)
        steps = steps_of(dataset, name, frame, path=request.path)
    if len(steps) != 1:
        raise ReadError(f"{request.path}: variable {name!r} has {len(steps)} time steps; one is needed here")
    return frame.grid, Slab(request.path, name, frame.dims, steps[0].fixed, frame.orientation)()


def _existing(dataset: xr.Dataset, request: Request) -> str:
    name = str(request.variable)
    if name not in dataset.variables:
        raise ReadError(f"{request.path}: no variable {name!r}; {_listed(spatial_variables(dataset))}")
    return name


def _listed(names: list[str]) -> str:
    return (
        f"its variables with x and y are {', '.join(names)}" if names else "it has no variable with x and y coordinates"
    )


def _attribute(dataset: xr.Dataset, name: str, keys: tuple[str, ...]) -> str | None:
    for attrs in (dataset[name].attrs, dataset.attrs):
        for key in keys:
            text = str(attrs.get(key, "")).strip()
            if text:
                return text
    return None


def _year(dataset: xr.Dataset, name: str) -> int | None:
    text = _attribute(dataset, name, ("year",))
    return int(float(text)) if text and text.replace(".", "", 1).isdigit() else None


def _is_species(name: str) -> bool:
    try:
        find_species(name)
    except GisError:
        return False
    return True


def _is_sector(name: str) -> bool:
    try:
        find_sector(name)
    except GisError:
        return False
    return True
