"""Surrogates and regions of an inventory from their files."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.errors import InvalidDescription, ReadError
from gis.inventory.batches import warnings_of
from gis.inventory.description import Description, Region, Surrogate
from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.model import (
    PolygonSurrogate,
    RasterSurrogate,
    SourceSurrogate,
    Surrogates,
)
from gis.inventory.numbers import numbers
from gis.inventory.readers import read_table
from gis.inventory.readers.files import InputFiles
from gis.inventory.readers.gridded import read_raster
from gis.inventory.readers.smoke import read_smoke, smoke_findings
from gis.inventory.rows import Table
from gis.regions.model import RegionLayer, Regions
from gis.regions.read import buffer_layer, region_layer
from gis.regions.roles import Role

__all__ = ["read_regions", "read_surrogates"]


def read_regions(description: Description, files: InputFiles, findings: Findings) -> Regions:
    """The layers of regions a description names; what their files were warned of is added to ``findings``."""
    layers = {i: _region(r, files, findings) for i, r in enumerate(description.regions) if r.file is not None}
    domain = next((layer for layer in layers.values() if layer.role is Role.DOMAIN), None)
    for i, region in enumerate(description.regions):
        if region.file is None:
            if domain is None or region.buffer_m is None:
                raise InvalidDescription("a buffer made with buffer_m needs a region of role domain")
            layers[i] = buffer_layer(domain, region.buffer_m, version=region.version)
    return Regions(tuple(layers[i] for i in sorted(layers)))


def _region(region: Region, files: InputFiles, findings: Findings) -> RegionLayer:
    path = files.base / str(region.file)
    table = read_table(path, files, format="vector", encoding=region.encoding, layer=region.layer, crs=region.crs)
    findings.extend(warnings_of(table))
    return region_layer(
        _frame(table), role=region.role, code=region.code, name_zh=region.name_zh, name_en=region.name_en,
        parent=region.parent, version=region.version, file=table.name,
    )  # fmt: skip


def _frame(table: Table) -> gpd.GeoDataFrame:
    if table.shapes is None:
        raise ReadError(f"{table.name}: holds no geometry")
    columns = {name: column.to_pandas() for name, column in table.columns.items()}
    return gpd.GeoDataFrame(columns, geometry=table.shapes, crs=table.crs)


def read_surrogates(description: Description, files: InputFiles, findings: Findings) -> dict[str, Surrogates]:
    """The surrogates a description names, by name; what is doubtful in them is added to ``findings``."""
    return {s.name: _surrogate(s, files, findings) for s in description.surrogates}


def _surrogate(surrogate: Surrogate, files: InputFiles, findings: Findings) -> Surrogates:
    if surrogate.kind == "sources":
        return SourceSurrogate(surrogate.name, str(surrogate.part), surrogate.weight)
    path = files.base / str(surrogate.file)
    if not path.is_file():
        raise ReadError(f"surrogate {surrogate.name!r}: no such file {surrogate.file!r} in {files.base}")
    if surrogate.kind == "polygons":
        return _polygons(surrogate, path, files, findings)
    files.record(path)
    if surrogate.kind == "smoke":
        smoke = read_smoke(path, str(surrogate.code), name=surrogate.name, crs=surrogate.crs)
        findings.extend(smoke_findings(smoke, file=files.name(path)))
        return smoke
    grid, values = read_raster(path, variable=surrogate.variable, band=surrogate.band, crs=surrogate.crs)
    return RasterSurrogate(surrogate.name, grid, values, surrogate.values)


def _polygons(surrogate: Surrogate, path: Path, files: InputFiles, findings: Findings) -> PolygonSurrogate:
    table = read_table(path, files, format="vector", layer=surrogate.layer, crs=surrogate.crs)
    weights = numbers(table.column(surrogate.weight))
    wrong = np.flatnonzero(weights.bad | np.isinf(weights.values) | (weights.values < 0))
    if len(wrong):
        raise ReadError(
            f"{table.name}: feature {table.rows[wrong[0]]} has {surrogate.weight} = "
            f"{table.columns[surrogate.weight][int(wrong[0])].as_py()!r}; a weight is a number of at least 0"
        )
    missing = int(weights.empty.sum())
    if missing:
        reason = f"{missing} of {len(table)} features of surrogate {surrogate.name!r} have no weight and count as 0"
        findings.add(
            Finding(Severity.NOTE, "surrogate-empty", reason, file=table.name, column=surrogate.weight, count=missing)
        )
    shapes, values = _frame(table).geometry, np.nan_to_num(weights.values)
    # By content, so that sums over the polygons do not depend on the order of rows.
    order = np.lexsort((values, shapely.to_wkb(shapes.to_numpy()).astype(object)))
    return PolygonSurrogate(surrogate.name, shapes.iloc[order].reset_index(drop=True), values[order])
