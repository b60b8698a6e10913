"""Comparison of two zonings: lineage of units, cells and tonnes, and what has to add up."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidGeometry, InvalidParameter
from gis.grid import Grid
from gis.zoning.classes import CellClass
from gis.zoning.comparison import COMPARISON_TABLES, Comparison, compare, comparison_columns
from gis.zoning.lineage import fresh_ids, lineage_ids, match_units
from gis.zoning.model import Zoning
from gis.zoning.parameters import Hot, Parameters
from tests.zoning.made import CRS_M, SPECIES, made_zoning

KINDS = ("same", "changed", "split", "merge", "rearranged", "entered", "left")


def boxes(*shapes: tuple[float, float, float, float], klass: str = "co_control", prefix: str = "u") -> gpd.GeoDataFrame:
    """Units of plane rectangles in kilometres."""
    geometry = [shapely.box(*(1000.0 * v for v in s)) for s in shapes]
    table = {
        "unit": [f"{prefix}{k}" for k in range(len(shapes))],
        "class": klass,
        "area_km2": shapely.area(geometry) / 1e6,
    }
    return gpd.GeoDataFrame(table, geometry=geometry, crs=CRS_M)


def relations(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, least: float = 0.1) -> list[tuple[int, int, str, bool]]:
    found = match_units(a, b, least=least)
    return [tuple(r) for r in found[["i", "j", "relation", "heir"]].itertuples(index=False)]


def with_units(zoning: Zoning, units: pd.DataFrame) -> Zoning:
    return replace(zoning, tables={**zoning.tables, "units": gpd.GeoDataFrame(units.reset_index(drop=True), crs=CRS_M)})


# -- lineage ----------------------------------------------------------------------------------------------------------


def test_relations_by_hand() -> None:
    whole = boxes((0, 0, 10, 1))
    assert relations(whole, whole) == [(0, 0, "same", True)]
    assert relations(whole, boxes((0, 0, 10, 1), klass="watch")) == [(0, 0, "changed", True)]
    assert relations(whole, boxes((2, 0, 12, 1))) == [(0, 0, "changed", True)]
    assert relations(whole, boxes((0, 0, 4, 1), (4, 0, 10, 1))) == [(0, 0, "split", False), (0, 1, "split", True)]
    assert relations(boxes((0, 0, 4, 1), (4, 0, 10, 1)), whole) == [(0, 0, "merge", False), (1, 0, "merge", True)]
    assert relations(whole, boxes((10, 0, 12, 1))) == [(0, -1, "left", False), (-1, 0, "entered", False)]
    # Nine tenths of the way out: below the least common ground.
    assert relations(whole, boxes((9.1, 0, 19.1, 1))) == [(0, -1, "left", False), (-1, 0, "entered", False)]
    assert relations(whole, boxes((9.1, 0, 19.1, 1)), least=0.05) == [(0, 0, "changed", True)]
    # A small unit swallowed by a large one is linked by its own size.
    assert relations(boxes((0, 0, 100, 1), (100, 0, 101, 1)), boxes((0, 0, 101, 1))) == [
        (0, 0, "merge", True),
        (1, 0, "merge", False),
    ]
    crossed = relations(boxes((0, 0, 5, 1), (5, 0, 12, 1)), boxes((0, 0, 7, 1), (7, 0, 12, 1)))
    assert crossed == [(0, 0, "merge", True), (1, 0, "rearranged", False), (1, 1, "split", True)]


def test_shares_by_hand() -> None:
    row = match_units(boxes((0, 0, 10, 1)), boxes((4, 0, 12, 1)), least=0.1).iloc[0]
    assert (row["share_a"], row["share_b"], row["jaccard"], row["overlap_km2"]) == pytest.approx((0.6, 0.75, 0.5, 6.0))


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_links_are_those_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def some(prefix: str) -> gpd.GeoDataFrame:
        columns = rng.permutation(12)[: rng.integers(0, 6)]
        return boxes(
            *((2.0 * c, 0.0, 2.0 * c + rng.uniform(0.5, 2), rng.uniform(0.5, 3)) for c in columns), prefix=prefix
        )

    a, b = some("a"), some("b")
    found = match_units(a, b, least=0.3)
    linked = {(i, j) for i, j in zip(found["i"], found["j"], strict=True) if i >= 0 and j >= 0}
    expected = set()
    for i, one in enumerate(a.geometry):
        for j, other in enumerate(b.geometry):
            if one.intersection(other).area >= 0.3 * min(one.area, other.area):
                expected.add((i, j))
    assert linked == expected
    assert set(found["i"]) - {-1} == set(range(len(a)))
    assert set(found["j"]) - {-1} == set(range(len(b)))
    heirs = found[found["heir"]]
    assert heirs["i"].is_unique
    assert heirs["j"].is_unique
    assert (found["share_a"] <= 1 + 1e-12).all()


def test_ids_are_of_content_and_fresh() -> None:
    units = boxes((0, 0, 1, 1), (2, 0, 3, 1))
    first = lineage_ids(units, run_id="r-1", year=2020)
    assert len(set(first)) == 2
    assert first == lineage_ids(units.copy(), run_id="r-1", year=2020)
    assert not set(first) & set(lineage_ids(units, run_id="r-1", year=2021))
    assert fresh_ids(["x", "x", "y"], ["x"]) == ["x-2", "x-3", "y"]


# -- whole comparisons --------------------------------------------------------------------------------------------------


def test_a_zoning_and_itself() -> None:
    a = made_zoning()
    found = compare(a, a)
    assert set(found.tables["units"]["relation"]) == {"same"}
    assert (found.tables["jaccard"]["jaccard"] == 1).all()
    assert found.tables["cells"].empty
    assert found.tables["differences"].empty
    assert set(found.tables["lineage"]["event"]) == {"continued"}
    tonnes = found.tables["tonnes"]
    assert (tonnes["a_t"] == tonnes["stayed_b_t"]).all()
    assert not tonnes[["left_t", "entered_t", "changed_a_t", "changed_b_t"]].to_numpy().any()


def test_what_moved_entered_and_left() -> None:
    a, b = made_zoning(), made_zoning(moved=1, scale=1.1, year=2021)
    found = compare(a, b)
    assert sorted(found.tables) == sorted(COMPARISON_TABLES)
    cells = found.tables["cells"]
    assert cells.groupby("change")["col"].agg(set).to_dict() == {"left": {8}, "entered": {12}}
    assert (cells.loc[cells["change"] == "left", "b_class"] == "none").all()
    assert cells.loc[cells["change"] == "entered", "co2_a_t"].isna().all()
    row = found.tables["jaccard"].set_index("class").loc["co_control"]
    assert (row["a_cells"], row["b_cells"], row["both_cells"]) == (12, 12, 9)
    assert row["jaccard"] == pytest.approx(9 / 15, rel=1e-5)
    tonnes = found.tables["tonnes"].set_index("species").loc["co2"]
    assert tonnes["left_t"] == pytest.approx(3 * 50_000)
    assert tonnes["entered_t"] == pytest.approx(3 * 55_000)
    assert found.tables["differences"].set_index("what").loc["year"].tolist() == ["2020", "2021"]


def test_tonnes_close_and_classes_add_up() -> None:
    a, b = made_zoning(), made_zoning(moved=2, scale=0.7)
    cells = b.cells.copy()
    cells.loc[cells["class"] == "watch", "class"] = "carbon_only"
    b = replace(b, tables={**b.tables, "cells": cells})
    found = compare(a, b)
    t = found.tables["tonnes"]
    np.testing.assert_allclose(t["a_t"], t["stayed_a_t"] + t["changed_a_t"] + t["left_t"], rtol=1e-12)
    np.testing.assert_allclose(t["b_t"], t["stayed_b_t"] + t["changed_b_t"] + t["entered_t"], rtol=1e-12)
    assert (t["changed_a_t"] > 0).all()
    for s, a_t in zip(t["species"], t["a_t"], strict=True):
        assert a_t == pytest.approx(a.cells.loc[a.cells["class"] != "none", f"{s}_t"].sum())
    classes = found.tables["classes"]
    assert set(zip(classes["a_class"], classes["b_class"], strict=True)) >= {
        ("watch", "carbon_only"),
        ("co_control", "none"),
    }
    for klass in (c.code for c in CellClass if c):
        one = found.tables["jaccard"].set_index("class").loc[klass]
        assert classes.loc[classes["a_class"] == klass, "cells"].sum() == one["a_cells"]
        assert classes.loc[classes["b_class"] == klass, "cells"].sum() == one["b_cells"]
    changed = found.tables["cells"]
    assert len(changed) == classes.loc[classes["a_class"] != classes["b_class"], "cells"].sum()
    assert set(changed["change"]) == {"entered", "left", "changed"}


def test_swapping_swaps() -> None:
    a, b = made_zoning(), made_zoning(moved=1)
    there, back = compare(a, b), compare(b, a)
    swap = {"entered": "left", "left": "entered", "changed": "changed"}
    assert [swap[c] for c in there.tables["cells"]["change"]] == back.tables["cells"]["change"].tolist()
    np.testing.assert_allclose(there.tables["jaccard"]["jaccard"], back.tables["jaccard"]["jaccard"])
    assert there.tables["tonnes"]["entered_t"].tolist() == back.tables["tonnes"]["left_t"].tolist()


def test_stable_ids_go_on_through_a_chain() -> None:
    """A unit that is split, and whose parts then join again, keeps its id; the part that went has its own in between."""
    a = made_zoning()
    units = a.units
    big = units["area_km2"].to_numpy().argmax()
    parts = pd.concat([units, units.iloc[[big]]], ignore_index=True)
    west, south, east, north = units.geometry.iloc[big].bounds
    cut = west + 2 / 3 * (east - west)
    shape = units.geometry.iloc[big]
    left, right = (shape.intersection(shapely.box(*b)) for b in ((west, south, cut, north), (cut, south, east, north)))
    parts["geometry"] = [*(left if k == big else g for k, g in enumerate(units.geometry)), right]
    parts.loc[len(units), "unit"] = "CZ-33000129999"
    parts["area_km2"] = shapely.area(parts.geometry.to_numpy()) / 1e6
    b = with_units(a, parts)
    first = compare(a, b)
    code = units["unit"].iloc[big]
    born = dict(zip(a.units["unit"], lineage_ids(a.units, run_id=a.run_id, year=a.year), strict=True))
    assert first.lineage[code] == born[code]
    assert first.lineage["CZ-33000129999"] not in born.values()
    branch = first.tables["lineage"].set_index("b").loc["CZ-33000129999"]
    assert (branch["event"], branch["parents"]) == ("branched", born[code])
    second = compare(b, a, earlier=first)
    assert second.lineage == born
    gone = second.tables["lineage"].set_index("a").loc["CZ-33000129999"]
    assert (gone["event"], gone["b"], gone["successors"]) == ("absorbed", "", born[code])
    assert (
        second.tables["units"].loc[second.tables["units"]["relation"] == "merge", "lineage"].tolist()
        == [born[code]] * 2
    )
    summary = second.tables["summary"].set_index("relation").loc["merge"]
    assert (summary["a_units"], summary["b_units"]) == (2, 1)
    assert tuple(second.tables["summary"]["relation"]) == KINDS


def test_no_id_is_borne_twice_when_a_zoning_comes_back() -> None:
    a = made_zoning()
    b = with_units(a, a.units.iloc[1:])
    second = compare(b, a, earlier=compare(a, b))
    assert len(set(second.lineage.values())) == len(a.units)
    assert second.tables["lineage"]["event"].value_counts().to_dict() == {"continued": len(a.units) - 1, "born": 1}


def test_row_order_changes_nothing() -> None:
    a, b = made_zoning(), made_zoning(moved=1)
    shuffled = with_units(b, b.units.sample(frac=1, random_state=1))
    one, other = compare(a, b), compare(a, shuffled)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)


def test_units_without_counterparts() -> None:
    a = made_zoning()
    b = with_units(a, a.units.head(0))
    found, back = compare(a, b), compare(b, a)
    assert set(found.tables["units"]["relation"]) == {"left"}
    assert set(back.tables["units"]["relation"]) == {"entered"}
    assert set(found.tables["lineage"]["event"]) == {"ended"}
    assert found.tables["units"]["co2_b_t"].isna().all()
    assert found.lineage == {}


def test_parameters_that_differ_are_named() -> None:
    a = made_zoning()
    b = made_zoning(parameters=Parameters(hot=Hot(q=0.02), pollutants=SPECIES[1:]), rules="other")
    found = compare(a, b).tables["differences"].set_index("what")
    assert found.loc["hot.q"].tolist() == ["0.05", "0.02"]
    assert set(found.index) == {"hot.q", "rules", "title_zh", "title_en"}


def test_refusals() -> None:
    a = made_zoning()
    grid = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=500)
    with pytest.raises(InvalidParameter, match="different grids"):
        compare(a, made_zoning(grid=grid))
    with pytest.raises(InvalidParameter, match="least"):
        compare(a, a, least=0.0)
    with pytest.raises(InvalidParameter, match="earlier comparison ends"):
        compare(made_zoning(year=2022), a, earlier=compare(a, a))
    flat = a.units
    flat.loc[0, "geometry"] = shapely.Point(0, 0)
    with pytest.raises(InvalidGeometry, match="no area"):
        compare(with_units(a, flat), a)
    found = compare(a, a)
    with pytest.raises(InvalidParameter, match="needs the tables"):
        Comparison(a={}, b={}, species=SPECIES, tables={})
    with pytest.raises(InvalidParameter, match="table jaccard"):
        Comparison(a={}, b={}, species=SPECIES, tables={**found.tables, "jaccard": pd.DataFrame()})


def test_columns_by_species() -> None:
    assert comparison_columns("classes", ("co2", "nox")) == [
        "a_class", "b_class", "cells", "area_km2", "co2_a_t", "co2_b_t", "nox_a_t", "nox_b_t",
    ]  # fmt: skip
