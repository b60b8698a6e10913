"""Places: which regions of a run hold a point, from mapped boxes and borders; no region is kept in the memory of a worker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.projection import project, transformer
from gis.regions.measure import made_valid
from gis.views.files import Files, key_of
from gis.views.lonlat import CRS84
from gis.views.mapped import mapped
from gis.workspace import Run
from gis.workspace.tables import read_geo

__all__ = ["Place", "extent", "ground_under", "holding", "place_of", "places_at", "region_table", "roles_of"]

# Raise it whenever what a file holds changes.
_FORMAT = 1
_BOX = ("west", "south", "east", "north")


@dataclass(frozen=True, slots=True)
class Place:
    """A region: its role, code and names."""

    role: str
    code: str
    name_zh: str
    name_en: str


def roles_of(run: Run) -> tuple[str, ...]:
    """Roles of the run's region layers, each once."""
    return tuple(dict.fromkeys(str(entry["role"]) for entry in run.manifest["regions"]))


def region_table(files: Files, run: Run, name: str) -> pa.Table:
    """A region layer (by its name in the manifest): code, names, box and WKB in the grid's CRS."""
    key = key_of("regions", run.entry.members["regions", name], run.entry.grid["hash"], _FORMAT)
    return mapped(files, f"regions/{key}.arrow", lambda: _laid_out(run, name))


def _laid_out(run: Run, name: str) -> pa.Table:
    frame = read_geo(run.member_path("regions", name))
    shapes = made_valid(np.asarray(frame.geometry.array, object))
    if frame.crs != run.grid.crs:
        shapes = shapely.transform(shapes, lambda xy: np.stack(project(frame.crs, run.grid.crs, *xy.T), axis=1))
    texts = {n: pa.array(frame[n].fillna("").astype(str).to_numpy(object), pa.string()) for n in _TEXTS}
    boxes = dict(zip(_BOX, np.ascontiguousarray(shapely.bounds(shapes).T), strict=True))
    return pa.table({**texts, **boxes, "geometry": pa.array(shapely.to_wkb(shapes), pa.large_binary())})


_TEXTS = ("code", "name_zh", "name_en")


def places_at(files: Files, run: Run, x: float, y: float) -> list[Place]:
    """Regions that hold a point of the grid's CRS, in the order of the manifest's layers."""
    found = []
    for entry in run.manifest["regions"]:
        table = region_table(files, run, entry["name"])
        for row in holding(table, x, y):
            found.append(Place(str(entry["role"]), *(table[n][row].as_py() for n in _TEXTS)))
    return found


def holding(
    table: pa.Table, x: float, y: float, *, box: tuple[str, ...] = _BOX, geometry: str = "geometry"
) -> list[int]:
    """Rows of a table of polygons that hold a point, their borders included."""
    found: list[int] = []
    first = 0
    for batch in table.to_batches():
        west, south, east, north = (batch.column(name).to_numpy(zero_copy_only=False) for name in box)
        near = np.flatnonzero((west <= x) & (x <= east) & (south <= y) & (y <= north)).tolist()
        shapes = batch.column(geometry)
        found += [first + row for row in near if shapely.intersects_xy(shapely.from_wkb(shapes[row].as_py()), x, y)]
        first += len(batch)
    return found


def ground_under(files: Files, run: Run, polygon: BaseGeometry) -> BaseGeometry | None:
    """The jurisdictions (counties, else the regions of the domain) as far as they meet a polygon; None where the run has none."""
    role = next((r for r in ("county", "domain") if r in roles_of(run)), None)
    if role is None:
        return None
    west, south, east, north = polygon.bounds
    shapes: list[BaseGeometry] = []
    for entry in run.manifest["regions"]:
        if entry["role"] == role:
            table = region_table(files, run, entry["name"])
            box = {name: table[name].to_numpy() for name in _BOX}
            meets = (box["west"] <= east + run.grid.dx) & (box["east"] >= west - run.grid.dx)
            meets &= (box["south"] <= north + run.grid.dy) & (box["north"] >= south - run.grid.dy)
            shapes += shapely.from_wkb([table["geometry"][int(i)].as_py() for i in np.flatnonzero(meets)]).tolist()
    return shapely.union_all(shapes)


def place_of(files: Files, run: Run, role: str, code: str) -> tuple[Place, BaseGeometry]:
    """A region by role and code, with its polygon in the grid's CRS; several of one code are one region."""
    if role not in roles_of(run):
        raise InvalidParameter(f"run {run.id} has no {role}; it has {', '.join(roles_of(run)) or 'no regions'}")
    for entry in run.manifest["regions"]:
        if entry["role"] != role:
            continue
        table = region_table(files, run, entry["name"])
        rows = np.flatnonzero(np.asarray(table["code"].to_pylist(), object) == code)
        if len(rows):
            shapes = shapely.from_wkb([table["geometry"][int(row)].as_py() for row in rows])
            place = Place(role, *(table[n][int(rows[0])].as_py() for n in _TEXTS))
            return place, shapely.union_all(shapes)
    raise NotFound(f"no {role} has the code {code[:40]!r}")


def extent(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east and north of a grid in degrees (CRS84)."""
    west, south, east, north = transformer(grid.crs, CRS84).transform_bounds(*grid.bounds, densify_pts=21)
    return float(west), float(south), float(east), float(north)
