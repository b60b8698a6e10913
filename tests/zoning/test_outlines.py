"""Outlines against the union of cell boxes, and what a valid coverage is."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.zoning.outlines import outlines
from tests.zoning.cases import domain_of, domains, drawn, globe, one_thread, plane, slow_outline, using


def outlined(text: str, *, grid=None):
    """Outlines of a drawing in which patches are counted from 1."""
    labels = drawn(text)
    domain = domain_of(grid or plane(*labels.shape))
    patch = labels.ravel().astype(np.int32) - 1
    return domain, patch, outlines(domain, patch, np.ones(labels.max(), bool))


def check(domain, patch, shapes):
    """What holds for all outlines, whatever the patches."""
    x, y = domain.grid.x_edges, domain.grid.y_edges
    for p, shape in enumerate(shapes):
        assert shape.equals(slow_outline(domain, patch == p))
        assert shape.is_valid
        parts = shapely.get_parts(shape)
        assert shape.geom_type == ("MultiPolygon" if len(parts) > 1 else "Polygon")
        assert len(parts) == ndimage.label(domain.on_grid(patch, fill=-1) == p)[1]
        assert all(part.exterior.is_ccw for part in parts)
        assert not any(ring.is_ccw for part in parts for ring in part.interiors)
        # Coordinates are the grid's own numbers.
        coords = shapely.get_coordinates(shape)
        assert np.isin(coords[:, 0], x).all() and np.isin(coords[:, 1], y).all()
    assert shapely.coverage_is_valid(np.array(shapes))


def corners(shape):
    return len(shapely.get_coordinates(shape)) - 1


def test_one_cell():
    domain, patch, (shape,) = outlined("... .1. ...")
    check(domain, patch, [shape])
    assert corners(shape) == 4
    assert shape.bounds == (501_000.5, 3_998_000.25, 502_000.5, 3_999_000.25)


def test_a_rectangle_alone_has_four_corners():
    _, _, (shape,) = outlined("...... .1111. .1111.")
    assert corners(shape) == 4


def test_neighbours_share_their_vertices():
    # Patch 1 is a rectangle, but two patches end on its side: a corner more, for all three.
    domain, patch, shapes = outlined("1111 1111 2233")
    check(domain, patch, shapes)
    assert [corners(s) for s in shapes] == [5, 4, 4]


def test_parts_that_meet_in_a_corner():
    domain, patch, shapes = outlined("1.1 .1. 1.1")
    check(domain, patch, shapes)
    assert len(shapes[0].geoms) == 5


def test_a_patch_that_meets_itself_in_a_corner_has_a_hole():
    # A walk around the outside would come by the same corner twice: a shell, and a hole that touches it.
    domain, patch, shapes = outlined("1111 1..1 1.1. 111.")
    check(domain, patch, shapes)
    assert shapes[0].geom_type == "Polygon" and len(shapes[0].interiors) == 1


def test_holes_that_meet_in_a_corner():
    domain, patch, shapes = outlined("1111 1.11 11.1 1111")
    check(domain, patch, shapes)
    assert len(shapes[0].interiors) == 2


def test_chains_of_corners():
    domain, patch, shapes = outlined("11111111 1.1.1.11 11.1.1.1 1.1.1.11 11111111")
    check(domain, patch, shapes)


def test_patches_within_patches():
    domain, patch, shapes = outlined("1111111 1222221 1233321 1234321 1233321 1222221 1111111")
    check(domain, patch, shapes)
    assert [len(s.interiors) for s in shapes] == [1, 1, 1, 0]


def test_an_island_in_a_lake_is_a_part_of_its_own():
    domain, patch, shapes = outlined("11111 1...1 1.1.1 1...1 11111")
    check(domain, patch, shapes)
    assert len(shapes[0].geoms) == 2


def test_the_edge_of_the_grid():
    check(*outlined("1"))
    check(*outlined("1212 2121"))
    check(*outlined("1.2 1.2"))


def test_the_seam_splits():
    domain, patch, shapes = outlined("1....1 ...... 22.222", grid=globe(3, 6))
    check(domain, patch, shapes)
    assert [len(s.geoms) for s in shapes] == [2, 2]
    assert shapes[0].bounds[0] == -180 and shapes[0].bounds[2] == 180


def test_a_patch_all_around_the_globe():
    domain, patch, shapes = outlined("111111 2.2222", grid=globe(2, 6))
    check(domain, patch, shapes)
    assert shapes[0].geom_type == "Polygon"


def test_unwanted_patches_are_outside():
    labels = drawn("1123 1123 4444")
    domain, patch = domain_of(plane(3, 4)), labels.ravel().astype(np.int32) - 1
    shapes = outlines(domain, patch, np.array([True, False, True, False]))
    assert shapes[1] is None and shapes[3] is None
    check(domain, np.where(patch == 2, 1, np.where(patch == 0, 0, -1)), shapes[[0, 2]])
    # Without its neighbours the border of the first is plain: no corner where others meet.
    assert corners(shapes[0]) == 4


def test_nothing_wanted_and_nothing_there():
    domain = domain_of(plane(2, 2))
    nothing = np.full(4, -1, np.int32)
    assert outlines(domain, nothing, np.zeros(0, bool)).shape == (0,)
    assert outlines(domain, nothing, np.ones(2, bool)).tolist() == [None, None]
    assert outlines(domain, np.zeros(4, np.int32), np.zeros(1, bool)).tolist() == [None]


def test_wrong_arrays_are_refused():
    domain = domain_of(plane(2, 2))
    with pytest.raises(InvalidParameter, match="patch has shape"):
        outlines(domain, np.zeros(3, np.int32), np.ones(1, bool))
    with pytest.raises(InvalidParameter, match=r"patch has shape .* int64"):
        outlines(domain, np.zeros(4, np.int64), np.ones(1, bool))
    with pytest.raises(InvalidParameter, match="3 cells belong to patches beyond the 1"):
        outlines(domain, np.array([0, 1, 2, 1], np.int32), np.ones(1, bool))


@st.composite
def cases(draw):
    domain, most = draw(domains(9, 6)), draw(st.integers(1, 3))
    values = np.frombuffer(draw(st.binary(min_size=domain.size, max_size=domain.size)), np.uint8)
    return domain, np.unique(values.astype(int) % (most + 1) - 1, return_inverse=True)


@settings(max_examples=300, deadline=None)
@given(cases())
@one_thread
def test_equals_the_union_of_boxes(case):
    domain, (names, inverse) = case
    # Numbers without gaps, so that every patch has a cell.
    patch = (inverse - (1 if names[0] == -1 else 0)).astype(np.int32)
    check(domain, patch, outlines(domain, patch, np.ones(patch.max() + 1, bool)))


def test_large_and_ragged():
    rng = np.random.default_rng(11)
    grid = plane(70, 90)
    domain = Domain.of(grid, rng.random(grid.shape) < 0.95)
    smooth = ndimage.gaussian_filter(rng.standard_normal(grid.shape), 2).ravel()[domain.cells]
    bins = np.digitize(smooth + 0.03 * rng.standard_normal(domain.size), [-0.1, 0.0, 0.08])
    patch = np.where(rng.random(domain.size) < 0.1, -1, bins).astype(np.int32)
    check(domain, patch, outlines(domain, patch, np.ones(4, bool)))


def test_threads_change_nothing():
    rng = np.random.default_rng(5)
    domain = domain_of(plane(200, 300))
    patch = rng.integers(-1, 3, domain.size).astype(np.int32)
    results = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        with using(threads):
            results.append(shapely.to_wkb(outlines(domain, patch, np.ones(3, bool))).tolist())
    assert results[0] == results[1]
