"""The promise of the core: its public names, each where it says, loaded only when it is touched."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gis

NAMES = [
    "SECTORS", "SPECIES", "Accumulated", "Allocation", "GisError", "Grid", "Inventory", "Ledger", "Regions", "Regridder", "Run",
    "Tier", "Window", "Workspace", "Zoning", "accumulate", "allocate", "as_layers", "check_inventory", "concentration", "coverage",
    "draft_description", "grid_inventory", "grid_of", "lengths", "named_grids", "read_grid", "read_inventory", "read_parameters",
    "regrid", "zonal", "zone_run",
]  # fmt: skip


def test_the_public_names() -> None:
    assert gis.__all__ == NAMES
    assert dir(gis) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_public_at_home(name: str) -> None:
    value = getattr(gis, name)
    home = sys.modules[gis._HOMES[name]]
    assert getattr(home, name) is value
    assert name in home.__all__
    if callable(value):
        assert value.__doc__


def test_the_table_of_homes_is_the_promise() -> None:
    assert sorted(gis._HOMES) == sorted(NAMES)


def test_a_name_that_is_not_promised() -> None:
    with pytest.raises(AttributeError, match="module 'gis' has no attribute 'nothing'"):
        _ = gis.nothing


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import gis")
    assert "gis" in loaded
    assert not [
        m
        for m in loaded
        if m.startswith("gis.") or m.split(".")[0] in ("numpy", "numba", "pandas", "shapely", "rasterio")
    ]


def test_the_command_line_loads_nothing_heavy_for_its_help() -> None:
    loaded = {m.split(".")[0] for m in loaded_by("import service.cli")}
    assert not loaded & {
        "numpy",
        "numba",
        "pandas",
        "geopandas",
        "shapely",
        "rasterio",
        "pydantic",
        "sqlalchemy",
        "matplotlib",
    }


def test_units_and_species_need_no_arrays() -> None:
    assert not {m.split(".")[0] for m in loaded_by("import gis; gis.SPECIES")} & {"numpy", "numba", "pandas"}


def test_every_error_is_a_child_of_the_root() -> None:
    from gis import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, gis.GisError) and kind.__doc__
