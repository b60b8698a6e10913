"""cozone's core: emission inventories on grids, conserved, and what follows from them.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation, allocate
    from gis.allocation.ledger import Ledger
    from gis.allocation.tiers import Tier
    from gis.errors import GisError
    from gis.grid import Grid, Window, named_grids, read_grid
    from gis.gridding.accumulate import Accumulated, accumulate
    from gis.gridding.coverage import coverage
    from gis.gridding.layers import as_layers, grid_of
    from gis.gridding.lengths import lengths
    from gis.gridding.regrid import Regridder, regrid
    from gis.gridding.zonal import zonal
    from gis.hotspots.concentration import concentration
    from gis.inventory.check import check_inventory
    from gis.inventory.draft import draft_description
    from gis.inventory.load import read_inventory
    from gis.inventory.model import Inventory
    from gis.pipeline import grid_inventory, zone_run
    from gis.regions.model import Regions
    from gis.species import SECTORS, SPECIES
    from gis.workspace import Run, Workspace
    from gis.zoning.model import Zoning
    from gis.zoning.parameters import read_parameters

_HOMES = {
    "Accumulated": "gis.gridding.accumulate",
    "Allocation": "gis.allocation.allocate",
    "GisError": "gis.errors",
    "Grid": "gis.grid",
    "Inventory": "gis.inventory.model",
    "Ledger": "gis.allocation.ledger",
    "Regions": "gis.regions.model",
    "Regridder": "gis.gridding.regrid",
    "Run": "gis.workspace",
    "SECTORS": "gis.species",
    "SPECIES": "gis.species",
    "Tier": "gis.allocation.tiers",
    "Window": "gis.grid",
    "Workspace": "gis.workspace",
    "Zoning": "gis.zoning.model",
    "accumulate": "gis.gridding.accumulate",
    "allocate": "gis.allocation.allocate",
    "as_layers": "gis.gridding.layers",
    "check_inventory": "gis.inventory.check",
    "concentration": "gis.hotspots.concentration",
    "coverage": "gis.gridding.coverage",
    "draft_description": "gis.inventory.draft",
    "grid_inventory": "gis.pipeline",
    "grid_of": "gis.gridding.layers",
    "lengths": "gis.gridding.lengths",
    "named_grids": "gis.grid",
    "read_grid": "gis.grid",
    "read_inventory": "gis.inventory.load",
    "read_parameters": "gis.zoning.parameters",
    "regrid": "gis.gridding.regrid",
    "zonal": "gis.gridding.zonal",
    "zone_run": "gis.pipeline",
}

__all__ = [
    "SECTORS",
    "SPECIES",
    "Accumulated",
    "Allocation",
    "GisError",
    "Grid",
    "Inventory",
    "Ledger",
    "Regions",
    "Regridder",
    "Run",
    "Tier",
    "Window",
    "Workspace",
    "Zoning",
    "accumulate",
    "allocate",
    "as_layers",
    "check_inventory",
    "concentration",
    "coverage",
    "draft_description",
    "grid_inventory",
    "grid_of",
    "lengths",
    "named_grids",
    "read_grid",
    "read_inventory",
    "read_parameters",
    "regrid",
    "zonal",
    "zone_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gis' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
