"""GeoJSON: read back, it is what the columns hold, to the last digit and the last sign."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.views.lattice import polygons
from service.features.collection import Collection
from service.features.geojson import _joined, _numbers, _squares, _tokens, feature_collection, features
from service.features.query import Query, read_query
from service.features.select import select
from service.library import Library
from tests.service.features.conftest import Ask
from tests.service.published import HOSTILE

NAMES = ("units", "hotspots", "zoned", "conflicts", "cells", "sources", "changes")


@pytest.mark.parametrize("which", NAMES)
def test_what_is_read_back_is_what_the_columns_hold(
    library: Library, collections: dict[str, Collection], which: str
) -> None:
    page = select(collections[which], Query(limit=2_000))
    body = feature_collection(page, {"links": [{"href": "x"}], "timeStamp": "2026-01-01T00:00:00Z"})
    found = json.loads(body, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
    assert found == orjson.loads(body)
    assert found["type"] == "FeatureCollection"
    assert found["links"] == [{"href": "x"}]
    assert found["numberReturned"] == len(page.ids)
    assert [f["id"] for f in found["features"]] == page.ids.to_pylist()
    assert list(found["features"][0]["properties"]) == [f.name for f in collections[which].fields]
    for feature, row in zip(found["features"], page.table.to_pylist(), strict=True):
        for name, value in row.items():
            got = feature["properties"][name]
            if page.table.schema.field(name).type == pa.float32() and value is not None:
                assert np.float32(got) == np.float32(value)
            else:
                assert (got == value and type(got) is type(value)) or (isinstance(value, float) and got == value), name
    shapes = shapely.from_wkb(page.geometry.to_pylist())
    read = shapely.from_geojson([json.dumps(f["geometry"]) for f in found["features"]])
    assert shapely.equals_exact(shapes, read, 0.0).all()


@pytest.mark.parametrize("which", NAMES)
def test_coordinates_are_short_and_rings_closed_and_counter_clockwise(ask: Ask, which: str) -> None:
    found = ask(which, limit="500")["features"]
    text = orjson.dumps([f["geometry"] for f in found]).decode()
    assert not re.search(r"\.\d{8}", text)
    for feature in found:
        geometry = feature["geometry"]
        rings = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}.get(
            geometry["type"], []
        )
        for shell, *holes in rings:
            assert shell[0] == shell[-1]
            assert shapely.LinearRing(shell).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)


def test_data_is_never_altered(ask: Ask) -> None:
    names = [f["properties"]["name_zh"] for f in ask("sources", limit="500")["features"]]
    assert HOSTILE in names


def test_flipped_axes_flip_cells_too(ask: Ask) -> None:
    own, flipped = (
        ask("cells", limit="3", **kw)["features"] for kw in ({}, {"crs": "http://www.opengis.net/def/crs/EPSG/0/4326"})
    )
    for a, b in zip(own, flipped, strict=True):
        np.testing.assert_allclose(
            np.array(a["geometry"]["coordinates"])[..., ::-1], b["geometry"]["coordinates"], atol=1e-9
        )


FLOATS = st.one_of(st.floats(), st.floats(width=32), st.integers(-(2**53), 2**53).map(float))
TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(['"', "\\", "\n", "\u2028", "", "中文", HOSTILE]))


@given(st.lists(FLOATS, min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_numbers_read_back_the_same(values: list[float]) -> None:
    found = [json.loads(t) for t in _numbers(np.array(values)).to_pylist()]
    for got, value in zip(found, values, strict=True):
        assert got == value if math.isfinite(value) else got is None


@given(st.lists(TEXTS, min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_texts_read_back_the_same(values: list[str | None]) -> None:
    try:
        column = pa.array(values, pa.string())
    except UnicodeEncodeError:
        return  # half a surrogate is no text
    assert [json.loads(t) for t in _tokens(column).to_pylist()] == values
    sliced = column[len(values) // 2 :]
    assert [json.loads(t) for t in _tokens(sliced).to_pylist()] == values[len(values) // 2 :]


def test_other_values_are_json() -> None:
    assert _tokens(pa.array([True, None, False])).to_pylist() == ["true", "null", "false"]
    assert _tokens(pa.array([1, None, -(2**62)])).to_pylist() == ["1", "null", str(-(2**62))]
    assert _tokens(pa.array([0.1, None], pa.float32())).to_pylist() == ["0.1", "null"]


@given(st.lists(st.tuples(*[st.floats(-180, 180).map(lambda v: round(v, 7))] * 8), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_squares_are_cut_apart_where_they_end(corners: list[tuple[float, ...]]) -> None:
    rings = np.array(corners).reshape(-1, 4, 2)
    closed = np.concatenate((rings, rings[:, :1]), axis=1)
    found = [json.loads(t) for t in _squares(closed).to_pylist()]
    assert [f["coordinates"][0] for f in found] == closed.tolist()
    assert len(polygons(rings)) == len(found)


def test_constants_stand_in_every_row() -> None:
    assert _joined(["<", pa.array(["a", "b"]), ">"]).to_pylist() == ["<a>", "<b>"]


def test_a_page_without_features_is_whole(library: Library, collections: dict[str, Collection]) -> None:
    for which in NAMES:
        page = select(collections[which], read_query(collections[which], {"filter": "false"}, library.settings))
        assert features(page) == b""
        found: dict[str, Any] = orjson.loads(feature_collection(page, {"links": []}))
        assert found == {
            "type": "FeatureCollection",
            "links": [],
            "numberReturned": 0,
            "numberMatched": 0,
            "features": [],
        }
        assert page.table.schema.names == [f.name for f in collections[which].fields]


def test_a_page_of_no_size_knows_the_number(library: Library, collections: dict[str, Collection]) -> None:
    page = select(collections["cells"], Query(limit=0))
    assert page.number_matched == collections["cells"].number
    assert page.number_returned == 0
