"""The manifest: what a run was made of and with. Its identity part decides the run's id.

The identity holds what the result is (layers as stored) and what it came from (inputs, grid, parameters), and leaves out
names, time, machine and versions: the same work done twice is the same run.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pyproj
import rasterio
from affine import Affine
from pyproj import CRS

from gis.grid import Grid
from gis.species import Sector, Species

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation

__all__ = ["canonical_json", "describe_run", "grid_entry", "grid_of_entry", "identity", "made_with", "plain", "run_id"]

_FORMAT = "cozone-run-1"
_PACKAGES = (
    "cozone",
    "numpy",
    "numba",
    "scipy",
    "pandas",
    "geopandas",
    "shapely",
    "rasterio",
    "pyproj",
    "pyarrow",
    "xarray",
)


def canonical_json(value: Any) -> bytes:
    """The one spelling of a value: keys sorted, no spaces, UTF-8; numbers as Python prints them exactly."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def grid_entry(grid: Grid) -> dict[str, Any]:
    """A grid as it stands in a manifest."""
    return {
        "crs": grid.crs.to_wkt(),
        "transform": [float(v) for v in grid.transform[:6]],
        "shape": list(grid.shape),
        "hash": grid.content_hash,
    }


def grid_of_entry(entry: Mapping[str, Any]) -> Grid:
    """The grid of a manifest's entry."""
    rows, cols = entry["shape"]
    return Grid(crs=CRS.from_wkt(entry["crs"]), transform=Affine(*entry["transform"]), shape=(rows, cols))


def identity(
    allocation: Allocation,
    *,
    inputs: Iterable[tuple[str, str]],
    layers: Iterable[tuple[str, int, str, str, str]],
    description: str,
    valid: str,
) -> dict[str, Any]:
    """What makes a run this run: names and hashes of inputs, hashes of layers by kind, year, species and part."""
    return {
        "format": _FORMAT,
        "description": description,
        "inputs": sorted([name, hash_] for name, hash_ in inputs),
        "lenient": bool(allocation.inventory.findings.errors),
        "grid": grid_entry(allocation.grid),
        "years": list(allocation.years),
        "species": list(allocation.species),
        "sectors": list(allocation.sectors),
        "layers": sorted(list(layer) for layer in layers),
        "valid": valid,
    }


def run_id(content: Mapping[str, Any]) -> tuple[str, str]:
    """The id of a run and the whole hash it is the beginning of."""
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    return f"r-{digest[:12]}", digest


def describe_run(allocation: Allocation, content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest: the identity, and beside it what a person or an auditor asks for."""
    inventory = allocation.inventory
    ledger = allocation.ledger
    return {
        "identity": dict(content),
        "inventory": inventory.name,
        "description": inventory.path.name,
        "title_zh": inventory.description.title_zh,
        "title_en": inventory.description.title_en,
        "source": inventory.description.source,
        "licence": inventory.description.licence,
        "inputs": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in inventory.inputs],
        "species": [_species(s) for s in inventory.species],
        "sectors": [_sector(s) for s in inventory.sectors],
        "parts": [{"name": p.name, "kind": str(p.kind), "use": p.policy.use} for p in inventory.parts],
        "weights": [_weights(allocation, i) for i in range(len(allocation.placements))],
        "regions": [_region(i, layer) for i, layer in enumerate(inventory.regions)],
        "unit": "t/yr",
        "ledger": plain(ledger.by_species().to_dict("records")),
        "findings": inventory.findings.counts(),
        "report": plain(allocation.report),
        "made_with": made_with(),
    }


def _species(species: Species) -> dict[str, Any]:
    return {"code": species.code, "name": species.name, "name_zh": species.name_zh, "basis": species.basis}


def _sector(sector: Sector) -> dict[str, Any]:
    return {"code": sector.code, "name": sector.name, "name_zh": sector.name_zh}


def _weights(allocation: Allocation, position: int) -> dict[str, Any]:
    weights = allocation.placements[position].weights
    return {
        "part": weights.part, "kind": str(weights.kind), "chain": list(weights.chain),
        "replaced_by": list(weights.replaced_by), "year": weights.year, "key": weights.key,
        "sources": int(weights.shares.shape[0]), "entries": int(weights.shares.nnz),
    }  # fmt: skip


def _region(position: int, layer: Any) -> dict[str, Any]:
    return {
        "name": f"{position:03d}", "role": str(layer.role), "version": layer.version, "file": PurePath(layer.file).name,
        "count": len(layer),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """The value in what JSON knows: numpy's numbers become Python's, and what is not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def made_with() -> dict[str, str]:
    """Versions of what decides a result."""
    return {
        **{name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "gdal": rasterio.__gdal_version__,
        "proj": pyproj.proj_version_str,
    }
