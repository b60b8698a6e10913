from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.kernels.borders import touch_edges
from gis.zoning.borders import border_of, clusters_of, distinct, polylines
from gis.zoning.faces import SLIVER, Faces, faces_of, merge_slivers, merged
from gis.zoning.lattice import SNAP, cells_at, from_lattice, to_lattice
from tests.zoning.scenes import metric_grid


def touched(lines: np.ndarray, mask: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of an edge and a cell, from the kernel; ``lines`` is (edges, 2, 2), each a ring of its own."""
    uv, first = lines.reshape(-1, 2), 2 * np.arange(len(lines) + 1)
    edge, cell = np.empty(100_000, np.int64), np.empty(100_000, np.int64)
    found = touch_edges(uv, first, mask, edge, cell)
    assert touch_edges(uv, first, mask, edge[:0], cell[:0]) == found
    pairs = list(zip((edge[:found] // 2).tolist(), cell[:found].tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 3.0, 40.0]))
def test_every_cell_that_an_edge_crosses_is_found_and_few_others(seed, length):
    rng = np.random.default_rng(seed)
    rows, cols = 9, 11
    start = np.column_stack([rng.uniform(-3, cols + 3, 40), -rng.uniform(-3, rows + 3, 40)])
    step = rng.normal(0, length, (40, 2))
    step[:6, 0], step[6:12, 1] = 0.0, 0.0  # upright and level ones
    start[3:9] = np.round(start[3:9])  # on cell edges and corners
    lines = np.stack([start, start + step], axis=1)
    mask = (rng.random((rows, cols)) < 0.6).astype(np.uint8)
    found = touched(lines, mask)
    for k, line in enumerate(shapely.linestrings(lines)):
        for cell in np.flatnonzero(mask):
            row, col = divmod(int(cell), cols)
            box = shapely.box(col, -row - 1, col + 1, -row)
            if shapely.length(shapely.intersection(line, shapely.buffer(box, -1e-6))) > 0:
                assert (k, cell) in found
            if (k, cell) in found:
                assert shapely.distance(line, box) <= 1e-6


@pytest.mark.parametrize("far", [1e6, 1e15])
def test_edges_far_beyond_the_grid_touch_nothing(far):
    mask = np.ones((4, 4), np.uint8)
    lines = np.array([[[far, 0.0], [far, -4.0]], [[0.0, far], [4.0, far]], [[-far, -far], [-far, far]]])
    assert touched(lines, mask) == set()
    assert {c for _, c in touched(np.array([[[-far, -1.5], [far, -1.5]]]), mask)} == {4, 5, 6, 7}


def test_clusters_join_claims_that_touch():
    grid = metric_grid(6, 6)
    # 0 and 1 touch in a corner; 2 is apart; 3 shares a cell with 2; 4 has no claim; column ends do not touch the next row.
    cells = np.array([0, 7, 14, 17, 17, 18])
    patch = np.array([0, 1, 1, 2, 3, 5])
    clusters = clusters_of(cells, patch, 6, grid)
    assert clusters.of_patch.tolist() == [0, 0, 1, 1, -1, 2]
    assert clusters.cells.tolist() == [0, 7, 14, 17, 18] and clusters.of_cell.tolist() == [0, 0, 0, 1, 2]
    assert len(clusters) == 3
    mask = clusters.mask(grid)
    assert np.flatnonzero(mask).tolist() == [0, 7, 14, 17, 18]
    empty = clusters_of(np.zeros(0, np.int64), np.zeros(0, np.int64), 3, grid)
    assert len(empty) == 0 and empty.of_patch.tolist() == [-1, -1, -1]


def test_clusters_do_not_depend_on_the_order_of_claims():
    grid = metric_grid(20, 20)
    rng = np.random.default_rng(0)
    cells, patch = rng.integers(0, 400, 60), rng.integers(0, 30, 60)
    one = clusters_of(cells, patch, 30, grid)
    order = rng.permutation(60)
    other = clusters_of(cells[order], patch[order], 30, grid)
    np.testing.assert_array_equal(one.of_patch, other.of_patch)
    np.testing.assert_array_equal(one.of_cell, other.of_cell)


def test_a_border_brings_its_edges_near_claims_and_no_others():
    grid = metric_grid(10, 10)
    clusters = clusters_of(np.array([0, 55]), np.array([0, 1]), 2, grid)
    square = shapely.Polygon([(0.5, 1), (5.5, 1), (5.5, -9), (0.5, -9)])
    border = border_of(np.array([square], object), clusters, grid)
    assert border.cluster.tolist() == [1, 0]
    lines = polylines(border.segments, border.segment)
    assert shapely.length(lines).sum() == 20.0


def test_polylines_run_on_and_take_each_segment_once():
    ring = np.array([[0, 0], [1, 0], [2, 0], [2, 1], [0, 0]], float)
    segments = np.concatenate([np.stack([ring[:-1], ring[1:]], 1), np.array([[[2, 0], [1, 0]], [[5, 5], [5, 5]]])])
    lines = polylines(segments, np.array([0, 1, 3, 4, 5, 0]))
    assert [shapely.get_num_points(x) for x in lines] == [3, 2]
    assert shapely.length(lines).sum() == pytest.approx(2 + np.sqrt(5))
    assert not len(polylines(segments, np.zeros(0, np.int64)))


def test_distinct_values():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 50, 200)
    np.testing.assert_array_equal(distinct(values), np.unique(values))
    assert not len(distinct(np.zeros(0, np.int64)))


def faces(*shapes: shapely.Geometry) -> Faces:
    return faces_of([np.array([shapely.boundary(s) for s in shapes], object)])


def test_faces_cover_what_their_lines_enclose_once():
    a, b = shapely.box(0, 0, 3, 3), shapely.box(2, 1, 5, 2)
    found = faces(a, b)
    assert sorted(shapely.area(found.polygon)) == [1.0, 2.0, 8.0]
    assert shapely.intersects_xy(found.polygon, found.u, found.v).all()
    none = faces_of([])
    assert not len(none.polygon) and not len(merged(none.polygon, np.zeros(0, np.int64), 0))


def test_merged_faces_are_one_polygon_and_apart_ones_several():
    found = faces(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(5, 5, 6, 6), shapely.box(6, 6, 7, 7))
    order = np.argsort(found.u)
    group = np.full(4, -1)
    group[order[:2]], group[order[2:]] = 0, 1
    one, two = merged(found.polygon, group, 2)
    assert one.equals(shapely.box(0, 0, 2, 1)) and two.geom_type == "MultiPolygon" and two.area == 2.0
    assert merged(found.polygon, np.full(4, -1), 1)[0].is_empty


def test_slivers_go_to_the_neighbour_with_most_border_and_gaps_are_closed():
    hair = SLIVER / 10
    left, right = shapely.box(0, 0, 1, 1), shapely.box(1 + hair, 0, 2, 1)
    gap = shapely.box(1, 0, 1 + hair, 1)
    found = faces(left, right, gap)
    where = np.argsort(found.u)
    group = np.empty(3, np.int64)
    # Between two of one owner it is a gap; it belongs to another: a sliver.
    group[where] = [0, 1, 0]
    assert merge_slivers(found, group)[where].tolist() == [0, 0, 0]
    # Unowned, and open above and below: only what owners surround is a gap.
    group[where] = [0, -1, 2]
    assert merge_slivers(found, group)[where].tolist() in ([0, 0, 2], [0, 2, 2])
    group[where] = [0, -1, -1]
    assert merge_slivers(found, group)[where].tolist() == [0, -1, -1]


def test_cell_coordinates_there_and_back():
    grid = metric_grid(7, 9)
    x, y = np.meshgrid(grid.x_edges, grid.y_edges)
    corners = shapely.points(x.ravel(), y.ravel())
    uv = shapely.get_coordinates(to_lattice(corners, grid))
    assert (uv == np.round(uv)).all()
    # Bit by bit: what is cut has to meet what is not.
    np.testing.assert_array_equal(
        shapely.get_coordinates(from_lattice(shapely.points(uv), grid)), np.column_stack([x.ravel(), y.ravel()])
    )
    rng = np.random.default_rng(2)
    some = shapely.points(
        rng.uniform(grid.x_left, grid.x_left + 9000, 50), rng.uniform(grid.y_top - 7000, grid.y_top, 50)
    )
    back = from_lattice(to_lattice(some, grid), grid)
    assert shapely.distance(some, back).max() <= SNAP * grid.dx
    row, col = grid.index(x=shapely.get_x(some), y=shapely.get_y(some))
    uv = shapely.get_coordinates(to_lattice(some, grid))
    np.testing.assert_array_equal(cells_at(uv[:, 0], uv[:, 1], grid), grid.cell_id(row=row, col=col))
    assert cells_at(np.array([-0.5, 9.5, 1.5]), np.array([-0.5, -0.5, 0.5]), grid).tolist() == [-1, -1, -1]
