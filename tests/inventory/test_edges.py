"""What spreadsheets and globes do: rows of delimiters alone, polygons that span the world or leave it."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from gis.errors import RefusedInput
from gis.inventory.load import read_inventory
from gis.inventory.readers.tables import read_csv

DESCRIPTION = """
name = "edges"
years = [2020]
species_used = ["CO2"]
[[parts]]
name = "areas"
kind = "area"
file = "areas.gpkg"
sector = "power"
year = 2020
amounts = [{ column = "co2", species = "CO2", unit = "t/yr" }]
"""


def written(tmp_path, shape):
    gpd.GeoDataFrame({"co2": [5.0]}, geometry=[shape], crs="EPSG:4326").to_file(tmp_path / "areas.gpkg")
    (tmp_path / "inventory.toml").write_text(DESCRIPTION, "utf-8")
    return tmp_path / "inventory.toml"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_rows_of_delimiters_alone_are_no_rows(ending, last):
    text = "id,co2,note\nA,1,\n,,\n,,5\n,,\nB,2,x\n,," + ("\n" if last else "")
    table = read_csv(text.replace("\n", ending).encode(), name="t.csv")
    assert table.columns["id"].to_pylist() == ["A", "", "B"]
    assert table.rows.tolist() == [2, 4, 6]


def test_a_polygon_around_null_island_is_no_missing_coordinate(tmp_path):
    inventory = read_inventory(written(tmp_path, shapely.box(-170, -80, 170, 80).difference(shapely.box(-1, -1, 1, 1))))
    assert len(inventory.parts[0]) == 1


def test_a_polygon_beyond_the_pole_is_refused_by_its_row(tmp_path):
    with pytest.raises(RefusedInput, match=r"row 1.*coordinate-range"):
        read_inventory(written(tmp_path, shapely.box(0, 80, 10, 100)))
