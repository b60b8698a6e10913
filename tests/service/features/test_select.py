"""Pages: every feature once and in order, whatever the size of a page; boxes in any CRS; sorting as pandas sorts."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from gis.errors import InvalidParameter, NotFound
from service.errors import Busy, TooLarge
from service.features import select as module
from service.features.collection import Collection
from service.features.crs import CRS84_URI
from service.features.geojson import feature
from service.features.query import RESERVED, read_query
from service.features.select import one, select
from service.library import Library
from tests.service.features.conftest import Ask

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
NAMES = ("units", "hotspots", "zoned", "conflicts", "cells", "sources", "changes")


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMORY", module._Memory())


def ids(found: dict[str, Any]) -> list[Any]:
    return [f["id"] for f in found["features"]]


@pytest.mark.parametrize("which", NAMES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pages_hold_every_feature_once(ask: Ask, collections: dict[str, Collection], which: str, size: int) -> None:
    number = collections[which].number
    size = max(size, number // 12)
    whole = ask(which, limit="50000")
    assert whole["numberMatched"] == whole["numberReturned"] == len(whole["features"]) == number
    assert not whole["more"]
    found, offset = [], 0
    while True:
        page = ask(which, limit=str(size), offset=str(offset))
        assert page["numberMatched"] == number
        found += page["features"]
        offset += size
        if not page["more"]:
            break
    assert found == whole["features"]
    assert len({orjson.dumps(f["id"]) for f in found}) == number


@pytest.mark.parametrize("which", NAMES)
def test_pages_of_a_selection_add_up(ask: Ask, collections: dict[str, Collection], which: str) -> None:
    west, south, east, north = collections[which].bounds or (0.0, 0.0, 1.0, 1.0)
    bbox = f"{west},{south},{(west + east) / 2},{(south + north) / 2}"
    whole = ask(which, bbox=bbox, limit="50000")
    size = max(1, len(whole["features"]) // 5)
    # Backwards, so that pages are asked for whose fore-runners were not.
    for offset in range(5 * size, -1, -size):
        page = ask(which, bbox=bbox, limit=str(size), offset=str(offset))
        assert page["features"] == whole["features"][offset : offset + size]
        assert page["numberMatched"] == len(whole["features"])
        assert page["more"] == (offset + size < len(whole["features"]))


def test_beyond_the_end_there_is_nothing(ask: Ask) -> None:
    for which in ("units", "cells"):
        page = ask(which, offset="1000000")
        assert page["features"] == []
        assert not page["more"]
        assert page["numberMatched"] == ask(which)["numberMatched"]
    assert ask("units", filter="rank < 0") == {
        "type": "FeatureCollection", "numberReturned": 0, "numberMatched": 0, "features": [], "more": False,
    }  # fmt: skip


def test_the_default_and_the_largest_page(library: Library, collections: dict[str, Collection]) -> None:
    assert read_query(collections["cells"], {}, library.settings).limit == library.settings.page_default
    assert read_query(collections["cells"], {"limit": "999999999"}, library.settings).limit == library.settings.page_max


# -- boxes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["units", "hotspots", "zoned", "cells", "sources", "changes"])
def test_boxes_select_what_they_touch(ask: Ask, which: str) -> None:
    whole = ask(which, limit="50000")["features"]
    shapes = shapely.from_geojson([orjson.dumps(f["geometry"]).decode() for f in whole])
    west, south, east, north = shapely.total_bounds(shapes)
    rng = np.random.default_rng(3)
    for _ in range(12):
        x, y = np.sort(rng.uniform(west, east, 2)), np.sort(rng.uniform(south, north, 2))
        expected = [
            f["id"]
            for f, hit in zip(whole, shapely.intersects(shapes, shapely.box(x[0], y[0], x[1], y[1])), strict=True)
            if hit
        ]
        numbers = (x[0], y[0], x[1], y[1])
        assert ids(ask(which, bbox=",".join(map(repr, map(float, numbers))), limit="50000")) == expected
        swapped = ",".join(repr(float(v)) for v in (y[0], x[0], y[1], x[1]))
        for code in ("4326", "4490"):
            assert ids(ask(which, bbox=swapped, bbox__crs=EPSG + code, limit="50000")) == expected
        high = ",".join(repr(float(v)) for v in (x[0], y[0], -5, x[1], y[1], 9000))
        assert ids(ask(which, bbox=high, limit="50000")) == expected


def test_boxes_in_metres(ask: Ask, collections: dict[str, Collection]) -> None:
    grid = collections["cells"].grid
    way = Transformer.from_crs("OGC:CRS84", "EPSG:3857", always_xy=True)
    west, south, east, north = way.transform_bounds(110.9, 37.3, 111.2, 37.5)
    mercator = ask("cells", bbox=f"{west},{south},{east},{north}", bbox__crs=EPSG + "3857", limit="50000")
    degrees = ask("cells", bbox="110.9,37.3,111.2,37.5", limit="50000")
    assert mercator["numberMatched"] > 500
    assert abs(mercator["numberMatched"] - degrees["numberMatched"]) <= 2  # up to where an edge falls on a corner
    storage = collections["cells"].storage_crs
    if storage.uri != CRS84_URI:
        x, y = grid.x_left + 10.5 * grid.dx, grid.y_top - 20.5 * grid.dy
        box = f"{x},{y - 3 * grid.dy},{x + 4 * grid.dx},{y}"
        year = str(collections["cells"].years[0])
        found = ask("cells", bbox=box, bbox__crs=storage.uri, year=year, limit="50000")["features"]
        places = {(f["properties"]["row"], f["properties"]["col"]) for f in found}
        assert places == {(r, c) for r in range(20, 24) for c in range(10, 15)}


def test_a_box_over_the_180th_meridian(ask: Ask) -> None:
    assert ask("units", bbox="170,20,-170,50")["features"] == []
    everything = ask("units", limit="50000")
    assert ids(ask("units", bbox="100,20,-170,50", limit="50000")) == ids(everything)
    assert ids(ask("units", bbox="170,-90,130,90", limit="50000")) == ids(everything)


def test_a_box_may_be_a_point_or_larger_than_the_world(ask: Ask) -> None:
    feature = ask("cells", limit="1", filter="row = 10 and col = 10")["features"][0]
    (lon, lat), year = (feature["properties"][n] for n in ("lon", "lat")), feature["properties"]["year"]
    point = ask("cells", bbox=f"{lon},{lat},{lon},{lat}", year=str(year))
    assert ids(point) == [feature["id"]]
    assert ask("units", bbox="-500,-100,500,100")["numberMatched"] == ask("units")["numberMatched"]


# -- time, properties, sorting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2020-05-01", {2020}), ("2021-05-01T00:00:00Z", set()), ("2020-01-01/2022-12-31", {2020, 2022}),
        ("../2020-01-01", {2020}), ("2021-01-01/..", {2022}), ("2022-12-31T23:59:59Z/", {2022}),
        ("1900-01-01/2019-12-31", set()), ("2020-02-29T10:00:00.5+08:00", {2020}),
    ],
)  # fmt: skip
def test_datetime_selects_years(ask: Ask, text: str, years: set[int]) -> None:
    found = ask("cells", datetime=text, limit="50000")
    assert {f["properties"]["year"] for f in found["features"]} == years
    assert found["numberMatched"] == len(found["features"])
    # What has no year of its own is of the year of its result.
    assert (ask("units", datetime=text)["numberMatched"] > 0) == (2022 in years)


def test_properties_are_those_asked_for(ask: Ask) -> None:
    found = ask("units", properties="score,unit", limit="3")
    assert [list(f["properties"]) for f in found["features"]] == [["unit", "score"]] * 3
    assert [list(f["properties"]) for f in ask("cells", properties="", limit="2")["features"]] == [[], []]
    assert ask("cells", properties="", limit="2")["features"][0]["geometry"]["type"] == "Polygon"


def test_parameters_are_equalities(ask: Ask) -> None:
    whole = ask("units", limit="50000")["features"]
    wanted = whole[0]["properties"]
    found = ask("units", **{"class": wanted["class"], "jurisdiction": wanted["jurisdiction"]})
    assert ids(found) == [
        f["id"] for f in whole if all(f["properties"][k] == wanted[k] for k in ("class", "jurisdiction"))
    ]
    assert ids(ask("units", rank=str(wanted["rank"]))) == [
        f["id"] for f in whole if f["properties"]["rank"] == wanted["rank"]
    ]


@pytest.mark.parametrize(
    ("which", "text", "by", "ascending"),
    [
        ("units", "-score", ["score"], [False]),
        ("units", "+class,-area_km2", ["class", "area_km2"], [True, False]),
        ("units", " rank", ["rank"], [True]),
        ("zoned", "-membership,cell", ["membership", "cell"], [False, True]),
        ("zoned", "co2_hot,-tier", ["co2_hot", "tier"], [True, False]),
        ("cells", "-co2_t", ["co2_t"], [False]),
        ("cells", "nox_t,year", ["nox_t", "year"], [True, True]),
    ],
)
def test_sorting_is_stable_and_missing_values_come_last(
    ask: Ask, which: str, text: str, by: list[str], ascending: list[bool]
) -> None:
    whole = pd.DataFrame([{"_id": f["id"], **f["properties"]} for f in ask(which, limit="50000")["features"]])
    expected = whole.sort_values(by, ascending=ascending, kind="stable", na_position="last")["_id"].tolist()
    found: list[Any] = []
    for offset in range(0, len(expected), 1 + len(expected) // 3):
        page = ask(which, sortby=text, limit=str(1 + len(expected) // 3), offset=str(offset))
        assert page["numberMatched"] == len(expected)
        found += ids(page)
    assert found == expected
    half = ask(which, sortby=text, filter=f"{by[0]} is not null", limit="50")
    known = set(whole[whole[by[0]].notna()]["_id"])
    assert ids(half) == [i for i in expected if i in known][:50]


# -- single features, CRSs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", NAMES)
def test_one_feature_is_that_of_the_page(ask: Ask, collections: dict[str, Collection], which: str) -> None:
    whole = ask(which, limit="50000")["features"]
    for wanted in (whole[0], whole[-1]) if whole else ():
        found = orjson.loads(feature(one(collections[which], str(wanted["id"])), {"links": []}))
        assert found.pop("links") == []
        assert found == wanted
        assert orjson.loads(feature(one(collections[which], str(wanted["id"])), {})) == wanted
    for wrong in ("", "no such", "-1", "0x1", "1e3", "٣", "9" * 30, "x" * 5000, "../units", "%00"):
        with pytest.raises(NotFound):
            one(collections[which], wrong)


@pytest.mark.parametrize("which", ["units", "zoned", "sources", "cells"])
@pytest.mark.parametrize("code", ["4326", "4490", "3857"])
def test_coordinates_come_in_the_axis_order_of_their_crs(ask: Ask, which: str, code: str) -> None:
    own = ask(which, limit="5")["features"]
    found = ask(which, limit="5", crs=EPSG + code)["features"]
    assert ids({"features": found}) == ids({"features": own})
    way = Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")  # not always_xy: as the authority says
    for a, b in zip(own, found, strict=True):
        assert a["properties"] == b["properties"]
        x, y = shapely.get_coordinates(shapely.from_geojson(orjson.dumps(a["geometry"]).decode())).T
        expected = np.stack(way.transform(x, y), axis=1)
        got = shapely.get_coordinates(shapely.from_geojson(orjson.dumps(b["geometry"]).decode()))
        np.testing.assert_allclose(got, expected, atol=1e-3 if code == "3857" else 2e-7)


def test_the_storage_crs_gives_the_cells_edges(ask: Ask, collections: dict[str, Collection]) -> None:
    cells = collections["cells"]
    found = ask("cells", limit="1", crs=cells.storage_crs.uri)["features"][0]
    if cells.storage_crs.uri != CRS84_URI:
        row, col = found["properties"]["row"], found["properties"]["col"]
        xy = np.array(found["geometry"]["coordinates"][0])[:, :: -1 if cells.storage_crs.flipped else 1]
        assert xy.min(axis=0).tolist() == [cells.grid.x_edges[col], cells.grid.y_edges[row + 1]]


# -- refusals and budgets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "x"), ("limit", "1.5"), ("limit", ""), ("limit", "٣"), ("limit", "9" * 400),
        ("offset", "-1"), ("offset", "1e3"), ("offset", "9" * 18),
        ("bbox", "1,2,3"), ("bbox", "1,2,3,4,5"), ("bbox", "a,b,c,d"), ("bbox", "nan,0,1,1"), ("bbox", "0,0,inf,1"), ("bbox", ""),
        ("bbox", "0,5,1,4"), ("bbox", "0,95,1,99"), ("bbox", "1," * 5000), ("bbox-crs", "EPSG:9999"),
        ("datetime", "2020"), ("datetime", "yesterday"), ("datetime", ".."), ("datetime", "../.."), ("datetime", "2020-13-01"),
        ("datetime", "2022-01-01/2020-01-01"), ("datetime", "1/2/3"), ("datetime", ""), ("datetime", "2020-01-01T25"),
        ("crs", "http://evil.example/crs"), ("crs", ""), ("filter", "x" * 5000), ("filter", ""), ("filter-crs", "EPSG:1"),
        ("properties", "unit,secret"), ("properties", "unit," * 1000), ("sortby", "secret"), ("sortby", ""), ("sortby", "--rank"),
        ("sortby", ",".join(["rank"] * 20)), ("colour", "red"), ("LIMIT", "5"), ("rank", "first"), ("proxy_led", "yes"),
        ("url", "file:///etc/passwd"), ("__class__", "x"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(
    library: Library, collections: dict[str, Collection], name: str, value: str
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        read_query(collections["units"], {name: value}, library.settings)
    assert len(str(refused.value)) < 2_000  # a refusal does not give back all that came


def test_near_names_are_offered(library: Library, collections: dict[str, Collection]) -> None:
    with pytest.raises(InvalidParameter, match="near: limit"):
        read_query(collections["units"], {"limits": "1"}, library.settings)
    with pytest.raises(InvalidParameter, match=r"near: .*score"):
        read_query(collections["units"], {"filter": "scores > 1"}, library.settings)


def test_filter_crs_and_lang_are_read_without_a_filter(library: Library, collections: dict[str, Collection]) -> None:
    query = read_query(
        collections["units"], {"filter-lang": "cql2-text", "filter-crs": EPSG + "4490"}, library.settings
    )
    assert query.where is None
    assert set(RESERVED) >= {"limit", "bbox", "filter", "crs"}


def test_too_much_to_sort_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SORTED_ROWS", 100)
    with pytest.raises(TooLarge, match="sorted"):
        ask("cells", sortby="-co2_t")


def test_counting_stops_in_time_and_goes_on_later(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from gis.views import cellrows

    monkeypatch.setattr(cellrows, "_BLOCK", 60)  # a row a block
    whole = ids(ask("cells", filter="co2_t > 0", limit="50000"))
    monkeypatch.setattr(module, "_MEMORY", module._Memory())
    monkeypatch.setattr(module, "_COUNT_S", -1.0)
    page = ask("cells", filter="co2_t > 0", limit="10")
    assert "numberMatched" not in page
    assert page["more"]
    found, offset = ids(page), 10
    while page["more"]:
        page = ask("cells", filter="co2_t > 0", limit="500", offset=str(offset))
        found += ids(page)
        offset += 500
    assert found == whole
    assert ask("cells", filter="co2_t > 0", limit="10")["numberMatched"] == len(whole)  # by now it is known


def test_a_search_that_takes_too_long_goes_on_when_asked_again(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from gis.views import cellrows

    monkeypatch.setattr(cellrows, "_BLOCK", 600)
    monkeypatch.setattr(module, "_PAGE_S", 0.0)
    tries = 0
    while True:
        try:
            found = ask("cells", filter="cell = 2999 and year = 2022")
            break
        except Busy:
            tries += 1
            monkeypatch.setattr(module, "_PAGE_S", 0.002 * tries)
    assert tries > 0
    assert ids(found) == ["2022-2999"]


def test_memory_of_selections_is_bounded(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 5)
    monkeypatch.setattr(module, "_SORTED_KEPT", 10)
    monkeypatch.setattr(module, "_MATCHES_KEPT", 20)
    for i in range(12):
        ask("units", filter=f"rank > {i}")
        ask("units", sortby="-score", filter=f"rank > {i}")
    assert len(module._MEMORY._counts) == 5
    assert len(module._MEMORY._orders) <= 2
    assert module._MEMORY._matched == sum(len(m) for m in module._MEMORY._matches.values()) <= 20


def test_selecting_twice_is_the_same(library: Library, collections: dict[str, Collection]) -> None:
    query = read_query(collections["zoned"], {"sortby": "-co2_t", "limit": "20"}, library.settings)
    first, second = select(collections["zoned"], query), select(collections["zoned"], query)
    assert first.table.equals(second.table)
    assert first.geometry.equals(second.geometry)
