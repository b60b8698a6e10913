"""The whole way from a run to a zoning: what was put into a small province has to be found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import InvalidParameter
from gis.pipeline import verify_zoning, zone_run, zoning_of
from gis.regions.roles import Role
from gis.workspace import Run, Workspace
from gis.zoning.model import TABLES, Zoning, columns_of
from tests.zoning.province import BORDER, PLANT_T, SPECIES, WEST, box, layer, made, published, quick, scattered


def flat(_: int) -> float:
    return 1.0


def closed(zoning: Zoning) -> None:
    """Units, conflicts and the rest make up the input; units sum to their sectors."""
    ledger = zoning.tables["ledger"]
    parts = ledger[["units_t", "conflicts_t", "remainder_t", "around_t"]].sum(axis=1)
    np.testing.assert_allclose(parts, ledger["input_t"], rtol=1e-12)
    if not len(zoning.units):
        return
    sectors = zoning.tables["sectors"].groupby(["unit", "species"])["mass_t"].sum()
    for s in zoning.species:
        units = zoning.units.set_index("unit")[f"{s}_t"]
        units = units[units > 0]
        np.testing.assert_allclose(sectors.xs(s, level="species").loc[units.index], units, rtol=1e-9)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Plants in a cluster, one giant alone, homes everywhere."""
    cluster = [(15_500.0 + 1000 * i, 20_500.0 + 1000 * j, 2.0) for i in range(3) for j in range(3)]
    plants = [(50_500.0, 40_500.0, 60.0), *cluster]
    return published(tmp_path_factory.mktemp("plain"), made(plants, homes=flat, years=(2019, 2020)))


@pytest.fixture(scope="module")
def zoned(plain: Run) -> Zoning:
    return zoning_of(plain, quick())


def test_tables_have_their_columns_and_the_ledger_closes(zoned: Zoning) -> None:
    for name in TABLES:
        assert list(zoned.tables[name].columns) == columns_of(name, zoned.species)
    closed(zoned)


def test_cluster_is_found_and_every_tonne_of_it(zoned: Zoning) -> None:
    cluster = zoned.units[zoned.units.intersects(box(15_000, 20_000, 18_000, 23_000).buffer(-1))]
    assert cluster["class"].tolist() == ["co_control"]
    # Its middle has hot neighbours only; around a 3 × 3 the corners have three, and mid-ranks do not care how dense they are.
    assert (zoned.cells["tier"] == "clustered_core").sum() >= 1
    area = cluster["area_km2"].iloc[0]
    homes_t = 3e4 / (30 * 50) * area  # spread evenly over its county
    assert cluster["co2_t"].iloc[0] == pytest.approx(9 * 2 * PLANT_T["co2"] + homes_t, rel=5e-3)
    sources = zoned.tables["contributors"]
    named = sources[(sources["unit"] == cluster["unit"].iloc[0]) & (sources["species"] == "co2")]
    assert set(named["source_id"].head(9)) == {f"P{i}" for i in range(1, 10)}


def test_lone_giant_is_an_isolated_core_and_kept(zoned: Zoning) -> None:
    giant = zoned.units[zoned.units.intersects(shapely.Point(WEST + 50_500, 4_040_500))]
    assert giant["tier"].tolist() == ["isolated_core"]
    assert giant["supply_security"].tolist() == [True]
    assert giant["robustness"].tolist() == ["core"]
    access = zoned.tables["access"]
    mine = access[access["unit"] == giant["unit"].iloc[0]]
    assert len(mine)


def test_cells_agree_with_the_layers(zoned: Zoning, plain: Run) -> None:
    cells = zoned.cells
    for s in SPECIES:
        total = plain.total(2020, s).ravel()[cells["cell"]]
        np.testing.assert_array_equal(cells[f"{s}_t"], total)
    assert (cells["years_hot"] <= 2).all()
    assert set(cells["unit"]) <= {*zoned.units["unit"], ""}


def test_the_same_bits_for_any_threads_and_order_of_rows(tmp_path: Path) -> None:
    plants = scattered(40)
    runs = [
        published(tmp_path / name, made(plants, homes=flat, order=order))
        for name, order in (("a", None), ("b", list(reversed(range(len(plants))))))
    ]
    threads = numba.get_num_threads()
    first = zoning_of(runs[0], quick())
    try:
        numba.set_num_threads(1)
        second = zoning_of(runs[1], quick())
    finally:
        numba.set_num_threads(threads)
    for name in TABLES:
        a, b = first.tables[name], second.tables[name]
        if (
            name == "contributors"
        ):  # a source's name is P and its place in the list: the same plants, whatever the order
            a, b = (t.drop(columns="source_id") for t in (a, b))
        if "geometry" in a.columns:
            np.testing.assert_array_equal(shapely.to_wkb(a["geometry"]), shapely.to_wkb(b["geometry"]))
            a, b = pd.DataFrame(a.drop(columns="geometry")), pd.DataFrame(b.drop(columns="geometry"))
        pd.testing.assert_frame_equal(a, b, check_exact=True, obj=name)
    np.testing.assert_array_equal(first.rasters["tier"], second.rasters["tier"])


def test_published_twice_it_is_the_same_zoning_and_verifies(tmp_path: Path) -> None:
    run = published(tmp_path, made(scattered(12), homes=flat))
    workspace = Workspace(tmp_path / "workspace")
    first = zone_run(run, workspace, quick())
    again = zone_run(run, workspace, quick())
    assert first.id == again.id
    assert verify_zoning(first, workspace) == ()
    other = zone_run(run, workspace, quick(hot={"q": 0.02, "q_low": 0.05}))
    assert other.id != first.id


def test_cluster_across_two_counties_shares_an_id_and_splits_without_loss(tmp_path: Path) -> None:
    plants = [(BORDER - 1500 + 1000 * i, 20_500.0 + 1000 * j, 2.0) for i in range(4) for j in range(3)]
    zoning = zoning_of(published(tmp_path, made(plants, homes=flat)), quick())
    closed(zoning)
    pair = zoning.units[zoning.units["cross_id"] != ""]
    assert sorted(pair["jurisdiction"]) == ["330101", "330102"]
    assert pair["cross_id"].nunique() == 1
    hotspot = zoning.tables["hotspots"].set_index("patch").loc[pair["patch"].iloc[0]]
    for s in SPECIES:
        assert pair[f"{s}_t"].sum() == pytest.approx(hotspot[f"{s}_t"], rel=1e-12)
    assert shapely.coverage_is_valid(zoning.units.geometry.to_numpy())


def test_hotspot_in_a_red_line_is_a_conflict_and_no_unit(tmp_path: Path) -> None:
    plants = [(15_500.0 + 1000 * i, 20_500.0 + 1000 * j, 2.0) for i in range(3) for j in range(3)]
    red = layer(Role.RED_LINE, [box(15_000, 20_000, 16_000, 23_000)], ["R1"])
    zoning = zoning_of(published(tmp_path, made(plants, homes=flat), red), quick())
    closed(zoning)
    conflicts = zoning.tables["conflicts"]
    assert conflicts["kind"].tolist() == ["red_line"]
    assert conflicts["sources"].tolist() == [3]
    assert conflicts["co2_t"].iloc[0] == pytest.approx(3 * 2 * PLANT_T["co2"], rel=1e-2)
    inside = zoning.units.geometry.intersection(box(15_000, 20_000, 16_000, 23_000)).area
    assert inside.max() < 1.0


def test_corridor_along_a_road_is_one_hotspot(tmp_path: Path) -> None:
    road = [(5_200.0, 10_300.0), (25_700.0, 30_800.0)]
    zoning = zoning_of(published(tmp_path, made([], road=road, homes=flat)), quick())
    closed(zoning)
    hotspots = zoning.tables["hotspots"]
    assert len(hotspots) == 1
    line = shapely.LineString([(WEST + x, 4_000_000 + y) for x, y in road])
    assert hotspots.geometry.iloc[0].buffer(1).intersection(line).length > 0.9 * line.length


def test_what_homes_alone_put_there_is_proxy_and_no_unit(tmp_path: Path) -> None:
    zoning = zoning_of(published(tmp_path, made([], homes=flat)), quick())
    assert not len(zoning.units)
    closed(zoning)
    assert (zoning.tables["evidence"].query("not free")["proxy_share"] == 1.0).all()


def test_giant_in_uniform_proxies_is_not_proxy_led_but_a_dense_county_is(tmp_path: Path) -> None:
    run = published(tmp_path, made([(50_500.0, 40_500.0, 60.0)], homes=lambda _: 1000.0))
    zoning = zoning_of(run, quick())
    assert zoning.units["proxy_led"].tolist() == [False]


def test_nothing_emitted_at_all(tmp_path: Path) -> None:
    zoning = zoning_of(published(tmp_path, made([(50_500.0, 40_500.0, 0.0)])), quick())
    assert not len(zoning.units)
    assert not len(zoning.tables["hotspots"])
    closed(zoning)
    assert (zoning.tables["hot_sets"]["cells"] == 0).all()


def test_one_emitting_cell(tmp_path: Path) -> None:
    zoning = zoning_of(published(tmp_path, made([(50_500.0, 40_500.0, 1.0)])), quick())
    closed(zoning)
    assert zoning.units["cells"].tolist() == [1]
    assert zoning.tables["hot_sets"]["note"].str.contains("fewer").all()
    assert zoning.tables["notes"]["text_en"].str.contains("fewer cells emit").any()


def test_a_pollutant_that_the_run_lacks_is_named(tmp_path: Path) -> None:
    run = published(tmp_path, made(scattered(10), homes=flat, species=("co2", "nox")))
    parameters = quick(hot={"min_pollutants": 1})
    zoning = zoning_of(run, parameters)
    assert zoning.species == ("co2", "nox")
    assert zoning.tables["notes"]["text_en"].str.contains("no PM2.5").any()
    with pytest.raises(InvalidParameter, match="min_pollutants"):
        zoning_of(run, quick())


def test_carbon_that_the_run_lacks_is_refused(tmp_path: Path) -> None:
    run = published(tmp_path, made(scattered(10), species=("nox", "pm25")))
    with pytest.raises(InvalidParameter, match="co2"):
        zoning_of(run, quick())


def test_year_that_the_run_lacks_is_refused(plain: Run) -> None:
    with pytest.raises(InvalidParameter, match="2018"):
        zoning_of(plain, quick(), year=2018)


def test_growing_q_gives_nested_hot_sets(plain: Run) -> None:
    small, large = (zoning_of(plain, quick(hot={"q": q, "q_low": 0.2})) for q in (0.02, 0.1))
    for s in SPECIES:
        hot = [set(z.cells.loc[z.cells[f"{s}_hot"], "cell"]) for z in (small, large)]
        assert hot[0] <= hot[1]


def test_membership_can_be_left_out(plain: Run) -> None:
    zoning = zoning_of(plain, quick(membership={"draws": 0}))
    assert zoning.cells["membership"].isna().all()
    assert zoning.units["robustness"].eq("").all()
    assert zoning.tables["notes"]["topic"].eq("membership").any()


def test_emitting_cells_alone_can_be_the_domain(tmp_path: Path) -> None:
    run = published(tmp_path, made(scattered(60)))
    zoning = zoning_of(run, quick().model_copy(update={"emitting_only": True}))
    closed(zoning)
    assert zoning.about["cells"] == int((run.total(2020, "co2") > 0).sum())


def test_equivalent_decides_where_weights_are_given(plain: Run) -> None:
    apeq = {"weights": {"nox": 0.95, "pm25": 2.18}, "source": "made up for a test"}
    zoning = zoning_of(plain, quick(apeq=apeq))
    assert zoning.species == ("co2", "nox", "pm25", "apeq")
    cells = zoning.cells
    np.testing.assert_allclose(cells["apeq_t"], 0.95 * cells["nox_t"] + 2.18 * cells["pm25_t"])
    both = cells["co2_hot"] & cells["apeq_hot"]
    assert (cells.loc[both, "class"] == "co_control").all()
    assert set(cells["class"]) <= {"co_control", "carbon_only", "pollution_only", "none"}


def test_years_are_read_for_patterns(tmp_path: Path) -> None:
    years = tuple(range(2016, 2021))
    run = published(tmp_path, made([(50_500.0, 40_500.0, 60.0), *scattered(20)], homes=flat, years=years))
    zoning = zoning_of(run, quick())
    giant = zoning.cells[zoning.cells["co2_t"] == zoning.cells["co2_t"].max()]
    assert giant["years_hot"].tolist() == [5]
    assert giant["co2_pattern"].iloc[0] in {"persistent", "intensifying", "diminishing"}
    assert zoning.tables["notes"]["topic"].eq("years").any()
