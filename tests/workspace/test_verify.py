"""Verify: a run stands when its stored inputs give it again, and every difference is named."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import insert, update

from gis.allocation.allocate import allocate
from gis.exports.cog import encode_cog
from gis.grid import Grid
from gis.inventory.load import read_inventory
from gis.workspace import Run, Workspace
from gis.workspace import catalogue as tables
from gis.workspace.restore import restore_inputs

GRID = Grid.covering((115.9, 38.9, 117.1, 40.1), crs="EPSG:4490", cell=0.1)
DESCRIPTION = """
name = "small"
years = [2020]
species_used = ["NOx", "PM2.5"]

[[regions]]
role = "county"
file = {counties!r}
code = "code"

[[parts]]
name = "plants"
kind = "point"
file = {plants!r}
crs = "EPSG:4490"
sector = "power"
year = 2020
columns = {{ id = "id", x = "lon", y = "lat" }}
amounts = [{{ column = "NOx (t)", species = "NOx" }}, {{ column = "PM2.5 (t)", species = "PM2.5" }}]

[[parts]]
name = "homes"
kind = "area"
file = "totals.csv"
sector = "residential"
year = 2020
columns = {{ id = "code" }}
geometry = {{ file = {counties!r}, key = "code", column = "code" }}
amounts = [{{ column = "NOx (t)", species = "NOx" }}]
"""


def write_inventory(base: Path, *, plants: str = "plants*.csv", bad_row: bool = False) -> Path:
    """A description in ``base`` that also reaches a level above itself."""
    base.mkdir(parents=True)
    amounts = ["10.0", "20.5", "none" if bad_row else "3.25"]
    rows = pd.DataFrame({"id": ["a", "b", "c"], "lon": [116.05, 116.55, 130], "lat": [39.05, 39.55, 39.5]})
    rows.assign(**{"NOx (t)": amounts, "PM2.5 (t)": [1.0, 2.0, 0.5]}).to_csv(base / "plants_2020.csv", index=False)
    pd.DataFrame({"code": ["1", "2"], "NOx (t)": [100.0, 50.0]}).to_csv(base / "totals.csv", index=False)
    shapes = [shapely.box(116, 39, 116.5, 39.95), shapely.box(116.5, 39, 117, 39.95)]
    gpd.GeoDataFrame({"code": ["1", "2"]}, geometry=shapes, crs=4490).to_file(base.parent / "counties.geojson")
    path = base / "inventory.toml"
    path.write_text(DESCRIPTION.format(counties="../counties.geojson", plants=plants), "utf-8")
    return path


def published(tmp_path: Path, **keys: bool | str) -> tuple[Workspace, Run]:
    path = write_inventory(tmp_path / "project" / "inventory", **keys)  # type: ignore[arg-type]
    workspace = Workspace(tmp_path / "ws")
    return workspace, workspace.publish(allocate(read_inventory(path, lenient=bool(keys.get("bad_row"))), GRID))


def test_a_run_stands_on_its_stored_inputs_alone(tmp_path: Path) -> None:
    workspace, run = published(tmp_path)
    (tmp_path / "project").rename(tmp_path / "gone")
    found = workspace.verify(run)
    assert (
        found.holds and found.layers == len(run.keys()) + len(run.tier_keys()) and found.objects == len(run.entry.sizes)
    )
    workspace.close()


def test_a_lenient_run_is_verified_leniently(tmp_path: Path) -> None:
    workspace, run = published(tmp_path, bad_row=True)
    assert run.manifest["identity"]["lenient"] is True and run.manifest["findings"]["error"] == 1
    assert workspace.verify(run).holds
    workspace.close()


def test_inputs_named_by_absolute_paths_are_found_again(tmp_path: Path) -> None:
    workspace, run = published(tmp_path, plants=(tmp_path / "project" / "inventory" / "plants_2020.csv").as_posix())
    (tmp_path / "project").rename(tmp_path / "gone")
    assert workspace.verify(run).holds
    workspace.close()


def test_restored_inputs_are_the_bytes_that_were_read(tmp_path: Path) -> None:
    workspace, run = published(tmp_path)
    path = restore_inputs(run, tmp_path / "restored")
    original = tmp_path / "project" / "inventory"
    assert path.read_bytes() == (original / "inventory.toml").read_bytes()
    for name in ("plants_2020.csv", "totals.csv", "../counties.geojson"):
        assert (path.parent / name).read_bytes() == (original / name).read_bytes()
    workspace.close()


def test_a_layer_that_is_another_one_is_named_with_the_cell(tmp_path: Path) -> None:
    """A whole, valid object whose content is not what the inputs give: only computing finds it."""
    workspace, run = published(tmp_path)
    layer = run.layer(2020, "nox", "power")
    layer[10, 1] += 1e-9
    _, chunks = encode_cog(layer, run.grid, metadata={})
    session = workspace._store.open_session()
    staged = session.stage(lambda file: [file.write(chunk) for chunk in chunks], media_type="image/tiff")
    workspace._store.keep([staged])
    session.close()
    columns = tables.layers.c
    where = (columns.species == "nox") & (columns.part == "power") & (columns.kind == "sector")
    with workspace._catalogue.writing() as connection:
        connection.execute(insert(tables.objects).values(hash=staged.hash, size=staged.size, media_type="image/tiff"))
        connection.execute(update(tables.layers).where(where).values(hash=staged.hash))
    (difference,) = workspace.verify(workspace.run(run.id)).differences
    assert "layer sector 2020 nox power: 1 cell(s) differ, most at row 10, column 1" in difference
    workspace.close()


def test_a_damaged_object_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    workspace, run = published(tmp_path)
    path = run.layer_path(2020, "nox", "power")
    path.write_bytes(path.read_bytes()[:-1])
    found = Workspace(tmp_path / "ws").verify(run)
    assert not found.holds and found.layers == 0
    assert path.name in found.differences[0] and run.id in found.differences[0]
    workspace.close()
