"""Layers of vector tiles against an outside decoder and the letter of the specification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import shape

from gis.errors import InvalidParameter
from gis.kernels.vectortile import classed_area
from gis.tiles.mvt import BUFFER, EXTENT, Column, encode_cells, encode_points, encode_polygons
from tests.tiles.vectors import features, raw, rings, twice_area

HOSTILE = '<script>alert("厂")</script>\u0000\U0001f3ed'


def square_lattice(n: int, side: float, at: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(at + np.arange(n + 1) * side, at + np.arange(n + 1) * side)
    return x, y


def test_cells_come_back_with_their_values_and_places() -> None:
    rng = np.random.default_rng(1)
    x, y = square_lattice(40, 102.4)
    row, col = np.divmod(rng.permutation(1600)[:700], 40)
    amounts = rng.lognormal(size=700)
    columns = [
        Column("co2_t", amounts),
        Column("co2_t_km2", amounts.astype(np.float32)),
        Column("cell", np.arange(700, dtype=np.int64) * 10**9),
        Column("class", np.array(["", "watch", HOSTILE], np.object_)[rng.integers(0, 3, 700)]),
        Column("copy", rng.random(700) < 0.5),
    ]
    found = features(encode_cells("cells", np.arange(700) * 7, x, y, row, col, columns), "cells")
    assert [f["id"] for f in found] == [7 * i for i in range(700)]
    for i, f in enumerate(found):
        expected: dict[str, Any] = {
            c.name: c.values[i].item() if c.values.dtype.kind != "O" else c.values[i] for c in columns
        }
        if not expected["class"]:
            del expected["class"]
        assert f["properties"] == expected
        box = [round(102.4 * v) for v in (col[i], row[i], col[i] + 1, row[i] + 1)]
        assert shape(f["geometry"]).equals(shapely.box(*box))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_value_comes_back_or_is_left_out(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))

    def of(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=n, max_size=n))

    columns = {
        "double": np.array(of(st.floats(allow_nan=True)), np.float64),
        "float": np.array(of(st.floats(width=32)), np.float32),
        "int": np.array(of(st.integers(-(2**63) + 1, 2**63 - 1)), np.int64),
        "small": np.array(of(st.integers(0, 255)), np.uint8),
        "bool": np.array(of(st.booleans()), np.bool_),
        "text": np.array(of(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))), np.object_),
    }
    missing = np.array(of(st.booleans()), np.bool_)
    tile = encode_points(
        "p", np.arange(n), np.arange(n), np.arange(n),
        [*(Column(name, values) for name, values in columns.items()), Column("some", np.arange(n), missing)],
    )  # fmt: skip
    for i, f in enumerate(features(tile, "p")):
        expected = {k: v[i].item() if v.dtype.kind != "O" else v[i] for k, v in columns.items()}
        expected["some"] = None if missing[i] else i
        assert f["properties"] == {k: v for k, v in expected.items() if v is not None and v != "" and v == v}
        assert f["geometry"] == {"type": "Point", "coordinates": [i, i]}


def test_a_layer_says_what_the_specification_wants_and_each_value_once() -> None:
    x, y = square_lattice(10, 64)
    row, col = np.divmod(np.arange(100), 10)
    columns = [
        Column("a", np.repeat([1.0, 2.0], 50)),
        Column("b", np.repeat([1, 2], 50)),
        Column("c", np.full(100, "1.0", object)),
    ]
    layer = raw(encode_cells("cells", np.arange(100), x, y, row, col, columns))
    assert (layer.name, layer.version, layer.extent) == ("cells", 2, EXTENT)
    assert list(layer.keys) == ["a", "b", "c"]
    # 1.0 as a double, 1 as a whole number and "1.0" as a text are three values.
    assert len(layer.values) == 5
    assert len({v.SerializeToString() for v in layer.values}) == 5
    assert all(f.type == 3 for f in layer.features)


def test_many_distinct_values_stay_distinct() -> None:
    """Doubles that differ in their last bits only, more of them than a careless hash keeps apart."""
    n = 20_000
    values = (np.float64(1.0).view(np.uint64) + np.arange(n, dtype=np.uint64)).view(np.float64)
    layer = raw(encode_points("p", np.arange(n), np.zeros(n), np.zeros(n), [Column("v", values)]))
    assert len(layer.values) == n
    assert [layer.values[f.tags[1]].double_value for f in layer.features] == values.tolist()


def test_no_feature_is_no_layer() -> None:
    x, y = square_lattice(2, 10.0, at=EXTENT + BUFFER + 100)
    assert encode_cells("cells", [0], x, y, [0], [0], [Column("v", np.ones(1))]) == b""
    assert encode_points("p", [], [], [], []) == b""
    assert encode_polygons("p", [], np.empty(0, object), []) == b""
    assert encode_polygons("p", [1], np.array([shapely.Polygon()], object), [Column("v", np.ones(1))]) == b""


# -- cells at the edge ----------------------------------------------------------------------------------------------------


def test_cells_are_cut_by_the_tile_and_its_buffer_and_still_fit() -> None:
    """Slanted cells far larger than the tile: the pieces cover the box and do not overlap."""
    u, v = np.meshgrid(np.arange(7.0), np.arange(7.0))
    x, y = -5000 + 2300 * u + 311 * v, -6000 - 290 * u + 2400 * v
    row, col = np.divmod(np.arange(36), 6)
    layer = raw(encode_cells("cells", np.arange(36), x, y, row, col, [Column("n", np.arange(36))]))
    pieces = []
    for feature in layer.features:
        (ring,) = rings(list(feature.geometry))
        assert twice_area(ring) > 0 and ring.min() >= -BUFFER and ring.max() <= EXTENT + BUFFER
        pieces.append(shapely.Polygon(ring))
    assert 4 <= len(pieces) < 36
    box = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    whole = shapely.union_all(
        np.array(
            [
                shapely.Polygon(
                    [
                        (x[r, c], y[r, c]),
                        (x[r, c + 1], y[r, c + 1]),
                        (x[r + 1, c + 1], y[r + 1, c + 1]),
                        (x[r + 1, c], y[r + 1, c]),
                    ]
                )
                for r, c in zip(row, col, strict=True)
            ]
        )
    )
    covered = shapely.union_all(pieces)
    # A rounding of half a unit along the sides of the cells and of the box.
    assert covered.symmetric_difference(whole.intersection(box)).area < 1.0 * sum(p.length for p in pieces)
    assert sum(p.area for p in pieces) - covered.area < 1.0 * sum(p.length for p in pieces)


def test_the_side_that_two_cells_share_is_cut_in_the_same_place() -> None:
    rng = np.random.default_rng(2)
    x, y = np.meshgrid(np.array([-300.0, 1500.0, 5000.0]), np.array([-200.0, 2000.3, 4700.0]))
    x, y = x + rng.normal(0, 60, x.shape), y + rng.normal(0, 60, y.shape)
    layer = raw(encode_cells("cells", np.arange(4), x, y, [0, 0, 1, 1], [0, 1, 0, 1], [Column("n", np.arange(4))]))
    points = [{tuple(p) for p in rings(list(f.geometry))[0].tolist()} for f in layer.features]
    for a, b in ((0, 1), (2, 3), (0, 2), (1, 3)):
        assert len(points[a] & points[b]) == 2


def test_a_cell_that_rounding_leaves_nothing_of_is_a_unit_square() -> None:
    x, y = square_lattice(3, 0.1, at=100.0)
    layer = raw(encode_cells("cells", [5], x, y, [1], [1], [Column("t", np.ones(1))]))
    (ring,) = rings(list(layer.features[0].geometry))
    assert twice_area(ring) == 2


def test_cells_without_a_place_are_left_out() -> None:
    x, y = square_lattice(3, 100.0)
    x[0, 0] = np.nan
    y[3, 3] = np.inf
    found = features(
        encode_cells("c", np.arange(9), x, y, *np.divmod(np.arange(9), 3), [Column("n", np.arange(9))]), "c"
    )
    assert [f["id"] for f in found] == [1, 2, 3, 4, 5, 6, 7]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000)), min_size=4, max_size=4))
@example([(0, -65), (-33, -129), (-194, 1), (1, 69)])
def test_any_four_corners_are_cut_to_the_box(corners: list[tuple[int, int]]) -> None:
    """Bent inwards, turned over or crossing themselves: the pieces stay in the box, and those of a sound cell have its area."""
    nw, ne, se, sw = np.array(corners, np.float64)
    x, y = (np.array([[nw[k], ne[k]], [sw[k], se[k]]]) for k in (0, 1))
    data = encode_cells("c", [1], x, y, [0], [0], [Column("n", np.ones(1))])
    quad, box = shapely.Polygon(corners), shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    found = rings(list(raw(data).features[0].geometry)) if data else []
    for ring in found:
        assert ring.min() >= -BUFFER and ring.max() <= EXTENT + BUFFER + 1 and twice_area(ring) > 0
    if quad.is_valid and twice_area(np.array(corners)) > 0:
        piece = shapely.intersection(quad, box)
        drawn = sum(twice_area(r) for r in found) / 2
        assert drawn == pytest.approx(piece.area, abs=1.5 * piece.length + 2)


# -- polygons -------------------------------------------------------------------------------------------------------------


def test_polygons_with_holes_run_the_right_way_whichever_way_they_came() -> None:
    shell, hole = [(0, 0), (0, 900), (900, 900), (900, 0)], [(100, 100), (300, 100), (300, 300), (100, 300)]
    shapes = [
        shapely.Polygon(s, [h])
        for s in (shell, shell[::-1])
        for h in (hole, hole[::-1])
    ] + [shapely.MultiPolygon([shapely.Polygon(shell, [hole]), shapely.box(1000, 0, 1100, 50)])]  # fmt: skip
    layer = raw(encode_polygons("p", np.arange(5), np.array(shapes, object), []))
    for feature, given_ in zip(layer.features, shapes, strict=True):
        found = rings(list(feature.geometry))
        assert [np.sign(twice_area(r)) for r in found] == [1, -1, 1][: len(found)]
        assert sum(twice_area(r) for r in found) / 2 == given_.area
    for feature, given_ in zip(
        features(encode_polygons("p", np.arange(5), np.array(shapes, object), []), "p"), shapes, strict=True
    ):
        assert shape(feature["geometry"]).equals(given_)


def test_what_rounding_flattens_goes_and_takes_its_holes() -> None:
    thin = shapely.Polygon([(0, 0), (500, 0.2), (500, 0.3), (0, 0.3)], [[(100, 0.1), (200, 0.15), (200, 0.2)]])
    both = shapely.MultiPolygon([thin, shapely.box(0, 10, 20, 30)])
    layer = raw(encode_polygons("p", [1, 2], np.array([thin, both], object), [Column("n", np.array([1, 2]))]))
    assert [f.id for f in layer.features] == [2]
    assert len(rings(list(layer.features[0].geometry))) == 1


def test_a_layer_of_polygons_takes_nothing_else() -> None:
    with pytest.raises(InvalidParameter, match="polygons"):
        encode_polygons("p", [1], np.array([shapely.LineString([(0, 0), (1, 1)])], object), [])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-64, 4160), st.integers(-64, 4160), st.integers(1, 900)), min_size=1, max_size=20)
)
def test_circles_come_back(circles: list[tuple[int, int, int]]) -> None:
    shapes = shapely.set_precision([shapely.Point(x, y).buffer(r) for x, y, r in circles], 1)
    shapes = np.array([s for s in shapes if not s.is_empty], object)
    data = encode_polygons("p", np.arange(len(shapes)), shapes, [])
    if len(shapes):
        for found, expected in zip(features(data, "p"), shapes, strict=True):
            assert shape(found["geometry"]).equals(expected)


# -- areas ----------------------------------------------------------------------------------------------------------------


def test_areas_of_classed_cells_add_up_below_their_parents() -> None:
    rng = np.random.default_rng(4)
    classes = (rng.random((37, 53)) < 0.3).astype(np.uint8) * 4
    for km2 in (rng.random((37, 1)), rng.random((37, 53))):
        width = rng.random(53)
        for level in (0, 1, 3, 7):
            out = np.zeros((-(-37 >> level) or 1, -(-53 // 2**level)))
            out = np.zeros((-(-37 // 2**level), -(-53 // 2**level)))
            classed_area(classes, km2, width, level, out)
            expected = np.zeros_like(out)
            for r, c in np.argwhere(classes):
                expected[r >> level, c >> level] += (km2[r, 0] if km2.shape[1] == 1 else km2[r, c]) * width[c]
            assert np.allclose(out, expected, rtol=1e-13)
