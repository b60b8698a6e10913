"""Region layers from the user's polygons: which attribute is the code, which the names; buffers around the domain.

Nothing here opens a file: a frame comes in as read, a layer sorted by code goes out.
"""

from __future__ import annotations

from difflib import get_close_matches

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidDescription, InvalidParameter, MissingCrs
from gis.regions.measure import around, made_valid, shapes_of
from gis.regions.model import COLUMNS, RegionLayer
from gis.regions.roles import Role

__all__ = ["buffer_layer", "code_text", "region_layer"]


def region_layer(
    frame: gpd.GeoDataFrame,
    *,
    role: Role,
    code: str | None = None,
    name_zh: str | None = None,
    name_en: str | None = None,
    parent: str | None = None,
    version: str = "",
    file: str = "",
) -> RegionLayer:
    """The layer of a role from a frame and the names of its attributes, sorted by code.

    Without ``code`` the regions are numbered in an order that depends on their geometry alone.
    """
    if frame.crs is None:
        raise MissingCrs(f"{file or role}: the layer states no CRS; give it as `crs` of this [[regions]] entry")
    if not len(frame):
        raise InvalidDescription(f"{file or role}: the layer holds no region; name another file or layer")
    wanted = {"code": code, "name_zh": name_zh, "name_en": name_en, "parent": parent}
    _require(frame, {key: name for key, name in wanted.items() if name is not None}, role=role, file=file)
    geometry = _polygons(frame)
    table = {
        key: np.full(len(frame), "", object) if name is None else _texts(frame[name], is_code=key in {"code", "parent"})
        for key, name in wanted.items()
    }
    if code is None:
        table["code"] = _numbers(geometry, role)
    elif "" in table["code"].tolist():
        empty = table["code"].tolist().index("")
        raise InvalidDescription(
            f"{file or role}: feature {empty + 1} has no value in the code attribute {code!r}; every region needs a code"
        )
    # Equal codes are ordered by their geometry, so that the layer does not depend on the order of rows.
    order = np.lexsort((shapely.to_wkb(geometry).astype(object), table["code"]))
    sorted_table = {key: values[order] for key, values in table.items()}
    out = gpd.GeoDataFrame({key: sorted_table[key] for key in COLUMNS}, geometry=geometry[order], crs=frame.crs)
    return RegionLayer(role, out, version, file)


def buffer_layer(domain: RegionLayer, buffer_m: float, *, version: str = "") -> RegionLayer:
    """The ring around a domain: everything outside it and within ``buffer_m`` metres of it on the ground."""
    if not (np.isfinite(buffer_m) and buffer_m > 0):
        raise InvalidParameter(f"buffer_m {buffer_m!r} has to be a positive number of metres")
    whole = shapely.union_all(made_valid(shapes_of(domain.frame)))
    ring = shapely.difference(around(whole, CRS(domain.frame.crs), buffer_m), whole)
    frame = gpd.GeoDataFrame(
        {
            "code": ["buffer"],
            "name_zh": ["缓冲区"],
            "name_en": [f"Buffer of {buffer_m:g} m around the domain"],
            "parent": [""],
        },
        geometry=[ring],
        crs=domain.frame.crs,
    )
    return RegionLayer(Role.BUFFER, frame, version or domain.version, domain.file)


def code_text(value: object) -> str:
    """A code as text: leading zeros as they stand, a float such as 320102.0 without its fraction, nothing as ``""``."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        number = float(value)
        # Above 2**53 a float has lost digits of the code: it is left as it came, for a person to see.
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
    text = str(value).strip()
    whole, dot, zeros = text.partition(".")
    return whole if dot and whole.isdigit() and zeros and not zeros.strip("0") else text


def _require(frame: gpd.GeoDataFrame, wanted: dict[str, str], *, role: Role, file: str) -> None:
    known = [str(c) for c in frame.columns if c != frame.geometry.name]
    problems = []
    for key, name in wanted.items():
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"; near it: {', '.join(near)}" if near else ""
            problems.append(f"{key} = {name!r} is not an attribute{hint}")
    if problems:
        raise InvalidDescription(
            f"{file or role}: {'; '.join(problems)}. The attributes are {', '.join(known) or 'none'}"
        )


def _texts(column: pd.Series, *, is_code: bool) -> NDArray[np.object_]:
    values = [code_text(v) if is_code else ("" if pd.isna(v) else str(v).strip()) for v in column]
    return np.array(values, dtype=object)


def _polygons(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    geometry = np.array(shapely.force_2d(shapes_of(frame)), dtype=object)
    # A feature without a geometry stays in the layer as an empty polygon, so that the checks can name it.
    geometry[shapely.is_missing(geometry)] = shapely.Polygon()
    return geometry


def _numbers(geometry: NDArray[np.object_], role: Role) -> NDArray[np.object_]:
    # North to south, then west to east, then by content: the same numbers whatever the order of rows.
    box = np.nan_to_num(shapely.bounds(geometry))
    order = np.lexsort((shapely.to_wkb(geometry).astype(object), box[:, 0], -box[:, 3]))
    width = len(str(len(geometry)))
    codes = np.empty(len(geometry), object)
    codes[order] = [f"{role}-{i:0{width}d}" for i in range(1, len(geometry) + 1)]
    return codes
