"""Digests and the canonical order: any difference of content shows, the order of rows does not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.inventory.contents import Digest, spatial_code


def of_texts(*columns):
    digest = Digest(len(columns[0]))
    for column in columns:
        digest.add_texts(pa.array(column, pa.string()))
    return list(zip(*(w.tolist() for w in digest.words), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), min_size=1, max_size=20))
def test_texts_digest_alike_exactly_when_they_are_alike(pairs):
    words = of_texts([a for a, _ in pairs], [b for _, b in pairs])
    assert len(set(words)) == len(set(pairs))
    assert of_texts([a for a, _ in pairs[::-1]], [b for _, b in pairs[::-1]]) == words[::-1]


def test_slices_of_a_column_digest_as_the_column_does():
    assert of_texts(pa.array(["x", "甲", "", "乙"]).slice(1).to_pylist()) == of_texts(["x", "甲", "", "乙"])[1:]
    digest = Digest(3)
    digest.add_texts(pa.array(["x", "甲", "", "乙"]).slice(1))
    assert list(zip(*(w.tolist() for w in digest.words), strict=True)) == of_texts(["甲", "", "乙"])


def test_shapes_of_the_same_coordinates_and_other_structure_differ():
    ring = [(0, 0), (9, 0), (9, 9), (0, 0)]
    hole = [(4, 2), (5, 2), (5, 3), (4, 2)]
    shapes = [
        shapely.Polygon(ring, [hole]), shapely.MultiPolygon([(ring, []), (hole, [])]), shapely.MultiPolygon([(ring, [hole])]),
        shapely.Polygon(ring), shapely.Polygon(ring[::-1]), shapely.Polygon(hole), shapely.MultiPolygon([(ring, [])]),
    ]  # fmt: skip
    seen = []
    for order in (range(7), range(6, -1, -1)):
        digest = Digest(7)
        digest.add_shapes(np.array([shapes[i] for i in order]))
        words = digest.words[0].tolist()
        assert len(set(words)) == 7
        seen.append(words if order == range(7) else words[::-1])
    assert seen[0] == seen[1]
    lines = [
        shapely.MultiLineString([ring, hole]),
        shapely.MultiLineString([ring + hole]),
        shapely.LineString(ring + hole),
    ]
    digest = Digest(3)
    digest.add_shapes(np.array(lines))
    assert len(set(digest.words[0].tolist())) == 3


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=15), st.randoms(use_true_random=False))
def test_the_order_puts_content_in_the_same_sequence_whatever_the_rows(rows, random):
    def sequence(some):
        digest = Digest(len(some))
        digest.add_texts(pa.array([t for _, t in some], pa.string()))
        code = np.array([c for c, _ in some], np.uint64)
        return [some[i] for i in digest.order(code)]

    shuffled = list(rows)
    random.shuffle(shuffled)
    assert sequence(rows) == sequence(shuffled)
    assert [c for c, _ in sequence(rows)] == sorted(c for c, _ in rows)


def test_neighbours_have_near_codes():
    x, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert spatial_code(x, y).tolist() == [0, 0x55555555, 0xAAAAAAAA, 0xFFFFFFFF]
    assert spatial_code(x, np.zeros(4)).tolist() == [0, 0x55555555] * 2
    assert spatial_code(np.array([-1e308, 1e308, np.nan]), np.zeros(3)).tolist()[0] == 0
    assert len(spatial_code(np.zeros(0), np.zeros(0))) == 0
