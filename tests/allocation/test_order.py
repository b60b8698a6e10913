"""Laws from files to layers: the order of rows changes no byte, and new amounts at the same places change no weight."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import pytest
import shapely

import gis
from tests.allocation.inventories import CRS_M, Made

DESCRIPTION = """
name = "order"
years = [2019, 2020]
species_used = ["CO2", "NOx"]

[[surrogates]]
name = "towns"
kind = "polygons"
file = "towns.gpkg"
weight = "people"

[[surrogates]]
name = "mills"
kind = "sources"
part = "plants"
weight = "capacity"

[[surrogates]]
name = "big"
kind = "sources"
part = "plants"
weight = "co2"

[[regions]]
role = "domain"
file = "regions.geojson"
code = "code"

[[parts]]
name = "plants"
kind = "point"
file = "plants.csv"
crs = "EPSG:4326"
sector = "steel"
columns = {id = "id", x = "lon", y = "lat", name_zh = "name", capacity = "capacity", year = "year"}
amounts = [{column = "co2", species = "CO2", unit = "t"}, {column = "nox", species = "NOx", unit = "kg"}]

[[parts]]
name = "sheds"
kind = "point"
file = "sheds.csv"
crs = "EPSG:4326"
year = 2020
sector = "other_industry"
columns = {x = "lon", y = "lat"}
amounts = [{column = "co2", species = "CO2", unit = "t"}]

[[parts]]
name = "roads"
kind = "line"
file = "roads.geojson"
sector = "road"
year = 2020
amounts = [{column = "nox", species = "NOx", unit = "t"}]

[[parts]]
name = "counties"
kind = "area"
file = "totals.csv"
columns = {sector = "sector", year = "year"}
long = {value = "value", species = "species", unit = "t"}
geometry = {file = "counties.gpkg", key = "code", column = "county"}
surrogate = ["towns", "uniform"]
surrogates = {steel = ["mills"], waste = ["big"]}
subtract = ["plants"]

[[parts]]
name = "city"
kind = "area"
file = "city.shp"
sector = "waste"
year = 2020
columns = {id = "code"}
amounts = [{column = "co2", species = "CO2", unit = "t"}]
replaces = [{parts = ["counties", "roads", "sheds"], species = ["CO2", "NOx"]}]
"""
GRID = gis.Grid.covering((110, 30, 111, 31), crs="EPSG:4326", cell=0.1)
Frames = dict[str, pd.DataFrame]


def made(seed: int = 5) -> Frames:
    """Tables and layers of every kind of source; many places are crowded, shared or repeated on purpose."""
    rng = np.random.default_rng(seed)
    n = 60
    # Three clumps of a metre or so: their places fall together in the spatial order.
    lon = 110 + rng.choice([0.111, 0.5, 0.987], n) + rng.uniform(0, 1e-5, n)
    lat = 30 + rng.choice([0.2, 0.73], n) + rng.uniform(0, 1e-5, n)
    plants = pd.concat(
        pd.DataFrame(
            {
                "id": [f"p{i}" for i in range(n)], "lon": lon, "lat": lat, "name": "厂", "capacity": np.arange(n) % 7,
                "year": year, "co2": rng.lognormal(0, 6, n), "nox": rng.lognormal(0, 6, n),
            }
        )
        for year in (2019, 2020)
    )  # fmt: skip
    sheds = pd.DataFrame({"lon": np.repeat(lon[:20], 2), "lat": np.repeat(lat[:20], 2), "co2": rng.lognormal(0, 6, 40)})
    ways = [
        shapely.LineString(np.column_stack([110 + rng.uniform(-0.2, 1.2, 5), 30 + rng.uniform(-0.2, 1.2, 5)]))
        for _ in range(30)
    ]
    roads = gpd.GeoDataFrame({"nox": rng.lognormal(0, 6, 60)}, geometry=ways * 2, crs=4326)
    west = np.arange(5) * 0.25 - 0.1
    parts = [shapely.box(110 + w, 29.9 + s, 110.25 + w, 30.5 + s) for w in west for s in (0.0, 0.6)]
    # One county is two features, which touch.
    counties = gpd.GeoDataFrame({"code": [f"{i:02d}" if i < 9 else "08" for i in range(10)]}, geometry=parts, crs=4326)
    totals = pd.DataFrame(
        [
            {"county": f"{c:02d}", "sector": s, "year": y, "species": k, "value": v}
            for c in range(9) for s in ("steel", "waste", "residential") for y in (2019, 2020) for k in ("CO2", "NOx")
            for v in rng.lognormal(9, 4, 1)
        ]
    )  # fmt: skip
    spots = [shapely.Point(110 + x, 30 + y).buffer(0.2, quad_segs=3) for x, y in rng.uniform(0, 1, (25, 2))]
    towns = gpd.GeoDataFrame({"people": rng.lognormal(5, 3, 25)}, geometry=spots, crs=4326)
    city = gpd.GeoDataFrame(
        {"code": list("abc"), "co2": rng.lognormal(5, 3, 3)},
        geometry=[shapely.Point(110.4 + 0.1 * i, 30.5).buffer(0.13, quad_segs=3) for i in range(3)], crs=4326,
    )  # fmt: skip
    regions = gpd.GeoDataFrame({"code": [f"{i}" for i in range(10)]}, geometry=parts, crs=4326)
    return {
        "plants.csv": plants, "sheds.csv": sheds, "roads.geojson": roads, "counties.gpkg": counties, "totals.csv": totals,
        "towns.gpkg": towns, "city.shp": city, "regions.geojson": regions,
    }  # fmt: skip


def write(base: Path, frames: Frames) -> Path:
    base.mkdir()
    for name, frame in frames.items():
        if name.endswith(".csv"):
            frame.to_csv(base / name, index=False)
        else:
            frame.to_file(base / name)
    (base / "inventory.toml").write_text(DESCRIPTION, "utf-8")
    return base / "inventory.toml"


def layers(allocation: gis.Allocation) -> dict[tuple[object, ...], bytes]:
    """Every byte that an allocation would publish as a layer."""
    out: dict[tuple[object, ...], bytes] = {key: allocation.layer(*key).tobytes() for key in allocation.keys()}
    out |= {("tier", *key): allocation.tier_layer(*key).tobytes() for key in allocation.tier_keys()}
    out["valid",] = allocation.valid.tobytes()
    out["keys",] = repr([(w.part, w.key) for w in allocation.weights]).encode()
    return out


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> gis.Allocation:
    allocation = gis.allocate(gis.read_inventory(write(tmp_path_factory.mktemp("a") / "files", made())), GRID)
    allocation.ledger.check()
    return allocation


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_of_all_files_in_another_order_give_the_same_bytes(
    first: gis.Allocation, tmp_path: Path, seed: int
) -> None:
    shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in made().items()}
    allocation = gis.allocate(gis.read_inventory(write(tmp_path / "files", shuffled)), GRID)
    expected, found = layers(first), layers(allocation)
    assert found.keys() == expected.keys()
    assert [key for key in expected if found[key] != expected[key]] == []
    pd.testing.assert_frame_equal(allocation.ledger.table, first.ledger.table, check_exact=True)


def test_threads_change_no_byte_from_files_to_layers(first: gis.Allocation) -> None:
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        path = first.inventory.path
        assert layers(gis.allocate(gis.read_inventory(path), GRID)) == layers(first)
    finally:
        numba.set_num_threads(before)


def test_new_amounts_at_the_same_places_reuse_every_weight(first: gis.Allocation, tmp_path: Path) -> None:
    frames = made()
    rng = np.random.default_rng(99)
    for name, columns in {
        "plants.csv": ["nox"],
        "sheds.csv": ["co2"],
        "roads.geojson": ["nox"],
        "totals.csv": ["value"],
        "city.shp": ["co2"],
    }.items():
        for column in columns:
            frames[name][column] = rng.lognormal(0, 6, len(frames[name]))
    inventory = gis.read_inventory(write(tmp_path / "files", frames))
    again = gis.allocate(inventory, GRID, reuse=first)
    assert [w.key for w in again.weights] == [w.key for w in first.weights]
    assert all(a is b for a, b in zip(again.weights, first.weights, strict=True))
    again.ledger.check()
    assert layers(again) == layers(gis.allocate(inventory, GRID))
    assert layers(again)[2020, "nox", "steel"] != layers(first)[2020, "nox", "steel"]


def test_amounts_that_weigh_a_surrogate_are_new_weights_where_it_serves_and_nowhere_else(
    first: gis.Allocation, tmp_path: Path
) -> None:
    frames = made()
    frames["plants.csv"]["co2"] *= np.linspace(1, 2, len(frames["plants.csv"]))
    again = gis.allocate(gis.read_inventory(write(tmp_path / "files", frames)), GRID, reuse=first)
    fresh = [(w.part, w.chain[0]) for w, old in zip(again.weights, first.weights, strict=True) if w is not old]
    assert fresh and set(fresh) == {("counties", "big")}  # not those that weigh the same plants by capacity


def test_sources_left_without_an_amount_leave_the_others_their_weights(first: gis.Allocation, tmp_path: Path) -> None:
    frames = made()
    frames["totals.csv"] = frames["totals.csv"].query("not (county == '03' and sector == 'steel')")
    frames["roads.geojson"].loc[7, "nox"] = np.nan
    inventory = gis.read_inventory(write(tmp_path / "files", frames))
    again, fresh = gis.allocate(inventory, GRID, reuse=first), gis.allocate(inventory, GRID)
    assert layers(again) == layers(fresh)
    assert [w.key for w in again.weights] == [w.key for w in first.weights]
    fewer = [w.part for w, old in zip(again.weights, first.weights, strict=True) if w.used.sum() < old.used.sum()]
    assert set(fewer) == {"counties", "roads"}
    for one, other in zip(again.weights, fresh.weights, strict=True):
        assert (one.used == other.used).all() and (one.served == other.served).all()
        np.testing.assert_array_equal(one.shares.indices, other.shares.indices)
        np.testing.assert_array_equal(one.shares.indptr, other.shares.indptr)
        assert one.shares.data.tobytes() == other.shares.data.tobytes()
        assert one.outside.tobytes() == other.outside.tobytes()


def test_two_parts_at_the_same_places_keep_their_names_when_weights_are_reused() -> None:
    grid = gis.Grid.covering((0, 0, 2000, 1000), crs=CRS_M, cell=1000)

    def inventory(mass: float) -> gis.Inventory:
        made = Made()
        for name, species in (("carbon", "co2"), ("nitrogen", "nox")):
            made.points(name, [500.0], [500.0], [(0, species, "power", 2020, mass)])
        return made.inventory()

    again = gis.allocate(inventory(2.0), grid, reuse=gis.allocate(inventory(1.0), grid))
    assert [w.part for w in again.weights] == ["carbon", "nitrogen"]
    assert again.contributors(0, "nox")[["part", "source_id", "mass_t"]].values.tolist() == [
        ["nitrogen", "nitrogen-0", 2.0]
    ]
