"""Spatial conditions: what they select is what shapely says of every single feature."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely

from service.features.collection import Collection
from service.features.places import RELATIONS
from tests.service.features.conftest import Ask


def _random_shapes(bounds: tuple[float, float, float, float]) -> list[shapely.Geometry]:
    rng = np.random.default_rng(11)
    west, south, east, north = bounds
    points = rng.uniform((west, south), (east, north), (40, 2))
    hulls = [shapely.MultiPoint(points[i : i + 5]).convex_hull for i in range(0, 20, 5)]
    lines = [shapely.LineString(np.round(points[20:23], 5)), shapely.LineString(points[23:25])]
    return [
        shapely.set_precision(s, 1e-6)
        for s in (*hulls, *lines, shapely.Point(points[30]), shapely.box(west, south, east, north))
    ]


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("which", ["units", "zoned", "cells"])
def test_relations_are_those_of_shapely(
    ask: Ask, whole: Any, collections: dict[str, Collection], which: str, relation: str
) -> None:
    features = whole(which)
    shapes = shapely.from_geojson([_json(f["geometry"]) for f in features])
    bounds = shapely.total_bounds(shapes)
    known = {
        "s_within": lambda s: shapely.within(shapes, s), "s_contains": lambda s: shapely.contains(shapes, s),
        **{n: (lambda s, n=n: getattr(shapely, n.removeprefix("s_"))(shapes, s)) for n in RELATIONS if n not in ("s_within", "s_contains")},
    }  # fmt: skip
    for shape in [*_random_shapes(tuple(bounds)), shapes[len(shapes) // 2]]:
        text = f"{relation}(geometry, {shapely.to_wkt(shape, rounding_precision=-1)})"
        expected = [f["id"] for f, holds in zip(features, known[relation](shape), strict=True) if holds]
        if len(text) < 4_000:
            assert [f["id"] for f in ask(which, filter=text, limit="50000")["features"]] == expected


def _json(geometry: Any) -> str:
    return json.dumps(geometry)


def test_the_shape_may_stand_first(ask: Ask, whole: Any) -> None:
    shape = shapely.from_geojson(_json(whole("units")[0]["geometry"])).envelope
    text = shapely.to_wkt(shape, rounding_precision=-1)
    first = ask("units", filter=f"s_contains({text}, geometry)")
    second = ask("units", filter=f"s_within(geometry, {text})")
    assert first["features"] == second["features"]
    assert whole("units")[0]["id"] in [f["id"] for f in first["features"]]


def test_spatial_and_other_conditions_go_together(ask: Ask, whole: Any) -> None:
    box = "BBOX(110.8, 37.2, 111.1, 37.4)"
    near = {f["id"] for f in ask("cells", filter=f"s_intersects(geometry, {box})", limit="50000")["features"]}
    hot = {f["id"] for f in whole("cells") if f["properties"]["co2_t"] > 1000}
    found = ask("cells", filter=f"co2_t > 1000 and s_intersects(geometry, {box})", limit="50000")["features"]
    assert {f["id"] for f in found} == near & hot
    either = ask("cells", filter=f"co2_t > 1000 or s_intersects(geometry, {box})", limit="50000")["features"]
    assert {f["id"] for f in either} == near | hot
    apart = ask("cells", filter=f"not s_intersects(geometry, {box})", limit="50000")["features"]
    assert {f["id"] for f in apart} == {f["id"] for f in whole("cells")} - near
    assert near & hot
    assert near - hot
