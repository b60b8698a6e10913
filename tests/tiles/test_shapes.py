"""Polygons in tiles: valid, on a lattice, borders shared, everything somewhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from gis.grid import Grid
from gis.tiles.matrices import MATRICES, Tile
from gis.tiles.mvt import BUFFER, EXTENT
from gis.tiles.shapes import ShapeTile, WorldShapes, shapes_in, small_squares, world_shapes
from tests.tiles.grids import GRIDS, grid

MERCATOR, NATIONAL = MATRICES["WebMercatorQuad"], MATRICES["CGCS2000Quad"]
BOX = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)


def country(on: Grid, parts: int = 40, seed: int = 0) -> NDArray[np.object_]:
    """A coverage of staircases: the cells of a grid shared out among places, a few of them islands of one cell."""
    rng = np.random.default_rng(seed)
    r, c = np.mgrid[: on.rows, : on.cols]
    centre = rng.uniform(0, (on.rows, on.cols), (parts, 2))
    near = np.argmin((r[..., None] - centre[:, 0]) ** 2 + (c[..., None] - centre[:, 1]) ** 2, axis=2)
    near[rng.integers(0, on.rows, 5), rng.integers(0, on.cols, 5)] = parts + np.arange(5)
    x, y = on.x_left + c * on.dx, on.y_top - r * on.dy
    cells = shapely.box(x, y - on.dy, x + on.dx, y)
    found = [shapely.coverage_union_all(cells[near == k]) for k in range(parts + 5) if (near == k).any()]
    return np.array(found, np.object_)


SMALL_COUNTRY = grid(GRIDS["albers"].crs, 10_000, -2e5, 4.2e6, 40, 50)


@pytest.fixture(scope="module")
def world() -> WorldShapes:
    return world_shapes(country(SMALL_COUNTRY), SMALL_COUNTRY, MERCATOR)


def tiles_around(world: WorldShapes, z: int) -> list[Tile]:
    west, north, east, south = (
        np.nanmin(world.box[:, 0]),
        np.nanmin(world.box[:, 1]),
        np.nanmax(world.box[:, 2]),
        np.nanmax(world.box[:, 3]),
    )
    cols, rows = (
        range(int(a * 2**z // EXTENT), int(b * 2**z // EXTENT) + 1) for a, b in ((west, east), (north, south))
    )
    return [Tile(MERCATOR, z, x, y) for x in cols for y in rows]


def in_tile(shapes: object, tile: Tile) -> object:
    return shapely.transform(shapes, lambda xy: xy * 2.0**tile.z - (tile.x * EXTENT, tile.y * EXTENT))


def drawn(world: WorldShapes, tile: Tile, step: int = 4) -> ShapeTile:
    return shapes_in(world, tile, group=np.zeros(len(world), np.int64), step=step)


@pytest.mark.parametrize("z", [4, 6, 8])
def test_shapes_are_valid_on_the_lattice_and_in_the_box(world: WorldShapes, z: int) -> None:
    for tile in tiles_around(world, z)[:12]:
        found = drawn(world, tile)
        assert shapely.is_valid(found.polygon).all() and not shapely.is_empty(found.polygon).any()
        assert set(shapely.get_type_id(found.polygon).tolist()) <= {3, 6}
        xy = shapely.get_coordinates(found.polygon)
        assert (xy % 4 == 0).all()
        assert BOX.covers(shapely.box(*shapely.total_bounds(found.polygon))) if len(xy) else True


@pytest.mark.parametrize("z", [5, 7, 9])
def test_borders_stay_shared(world: WorldShapes, z: int) -> None:
    """The shapes are a country without gaps: so are they in tiles, but for slivers thinner than the lattice."""
    for tile in tiles_around(world, z)[:8]:
        found = drawn(world, tile)
        if not len(found.row):
            continue
        whole = shapely.union_all(found.polygon)
        over = shapely.area(found.polygon).sum() - whole.area
        border = shapely.length(found.polygon).sum()
        assert over <= 0.05 * border
        large = shapely.union_all(world.take(found.row))
        cut = in_tile(large, tile).intersection(BOX)
        assert whole.symmetric_difference(cut).area <= 4 * border
        inner = sum(shapely.Polygon(h).area for p in shapely.get_parts(whole) for h in p.interiors)
        assert (
            inner
            <= 0.05 * border
            + sum(shapely.Polygon(h).area for p in shapely.get_parts(cut) for h in p.interiors)
            + 4 * border
        )


def test_neighbours_share_the_vertices_of_their_border(world: WorldShapes) -> None:
    tile = max(tiles_around(world, 6), key=lambda t: len(drawn(world, t).row))
    found = drawn(world, tile)
    inner = shapely.box(0, 0, EXTENT, EXTENT)
    large = in_tile(world.take(found.row), tile)
    checked = 0
    for i in range(len(large)):
        for j in range(i):
            common = shapely.intersection(shapely.intersection(large[i], large[j]), inner)
            if common.length > 100:
                checked += 1
                near = shapely.intersection(found.polygon[i], found.polygon[j])
                assert near.area == 0
                assert near.length > 0.7 * common.length
    assert checked > 5


@pytest.mark.parametrize("z", [0, 2, 4, 6, 8])
def test_every_shape_is_counted_once_at_a_zoom(world: WorldShapes, z: int) -> None:
    times = np.zeros(len(world), np.int64)
    for tile in tiles_around(world, z):
        found = drawn(world, tile)
        np.add.at(times, found.row[found.owned], 1)
        owned = found.small.owned[found.small.cluster]
        np.add.at(times, found.small.member[owned], 1)
        assert len(set(found.row.tolist())) == len(found.row)
    assert (times == 1).all()


def test_small_shapes_become_squares_of_their_area_that_can_be_seen(world: WorldShapes) -> None:
    (tile,) = tiles_around(world, 1)
    found = drawn(world, tile)
    assert not len(found.row) and found.small.count.sum() == len(world)
    squares = small_squares(found.small, world, 1)
    assert shapely.is_valid(squares).all() and len(squares) < len(world)
    side = np.sqrt(shapely.area(squares))
    assert ((side >= 24) & (side <= 130)).all()


def test_a_shape_lies_where_pyproj_puts_it() -> None:
    on = SMALL_COUNTRY
    shape = shapely.box(-5e4, 3.9e6, 1e4, 4.05e6)
    for matrix in (MERCATOR, NATIONAL):
        world = world_shapes(np.array([shape], object), on, matrix)
        z = 8
        x, y = Transformer.from_crs(on.crs, matrix.crs, always_xy=True).transform(*shape.exterior.xy)
        scale = EXTENT / matrix.span(z)
        expected = np.column_stack([(np.array(x) - matrix.extent[0]) * scale, (matrix.extent[3] - np.array(y)) * scale])
        around = in_tile(world.take(np.array([0]))[0], Tile(matrix, z, 0, 0))
        assert all(around.boundary.distance(shapely.Point(p)) < 0.01 for p in expected)


def test_straight_sides_of_a_projected_grid_bend() -> None:
    """A parallel-like side of 2000 km in Albers is a curve in Mercator: not a chord kilometres off."""
    on = GRIDS["albers"]
    shape = shapely.box(-1e6, 3e6, 1e6, 3.2e6)
    world = world_shapes(np.array([shape], object), on, MERCATOR)
    t = Transformer.from_crs(on.crs, 3857, always_xy=True)
    middle = np.array(t.transform(0, 3e6))
    at = (middle - (MERCATOR.extent[0], MERCATOR.extent[3])) * (1, -1) * EXTENT / MERCATOR.span(0)
    assert (
        world.take(np.array([0]))[0].boundary.distance(shapely.Point(at)) * MERCATOR.span(0) / EXTENT < 50.0
    )  # metres


def test_shapes_across_the_antimeridian_are_in_the_tiles_of_both_sides() -> None:
    for name in ("over the antimeridian", "projected over the antimeridian"):
        on = GRIDS[name]
        west, south, east, north = on.bounds
        box = shapely.box(west, (south + north) / 2, east, north)
        world = world_shapes(np.array([box], object), on, MERCATOR)
        shown = [
            t for t in ((x, y) for x in range(4) for y in range(4)) if len(drawn(world, Tile(MERCATOR, 2, *t)).row)
        ]
        assert {x for x, _ in shown} == {0, 3}
        owned = sum(int(drawn(world, Tile(MERCATOR, 2, *t)).owned.sum()) for t in shown)
        assert owned == 1


def test_shapes_beyond_the_projection_are_left_out() -> None:
    on = grid("EPSG:4326", 1.0, -180, 90, 180, 360)
    world = world_shapes(
        np.array([shapely.box(0, 88, 5, 89), shapely.box(0, 10, 5, 20), shapely.Polygon()], object), on, MERCATOR
    )
    found = drawn(world, Tile(MERCATOR, 3, 4, 3))
    assert found.row.tolist() == [1]
    assert not len(drawn(world, Tile(MERCATOR, 3, 4, 0)).row)


def test_shapes_come_back_from_a_table(tmp_path: object) -> None:
    shapes = np.append(
        country(SMALL_COUNTRY),
        [shapely.Polygon(), shapely.MultiPolygon([shapely.box(0, 0, 1e4, 1e4), shapely.box(2e4, 0, 3e4, 1e4)])],
    )
    world = world_shapes(shapes, SMALL_COUNTRY, MERCATOR)
    sink = pa.BufferOutputStream()
    table = world.to_table()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    again = WorldShapes.of_table(pa.ipc.open_file(sink.getvalue()).read_all())
    rows = np.arange(len(world))
    assert shapely.equals(again.take(rows), world.take(rows)).all() and shapely.is_empty(again.take(rows)[-2])
    assert np.array_equal(again.box, world.box, equal_nan=True) and np.array_equal(
        again.inside, world.inside, equal_nan=True
    )
    empty = world_shapes(np.empty(0, object), SMALL_COUNTRY, MERCATOR)
    assert len(WorldShapes.of_table(empty.to_table())) == 0
