import io

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

from gis.errors import InvalidParameter, NotFound
from gis.hotspots.ranks import Mode, order_of, rank_layer
from gis.tiles.footprint import lonlat_bounds
from gis.tiles.matrices import MATRICES, Tile
from gis.views import Threshold, Views
from gis.views import files as kept
from gis.views.layers import raster_layers
from gis.views.pictures import legend, prepare, raster_tile
from gis.views.styles import STYLES
from gis.workspace.emissions import domain_of

MATRIX = MATRICES["WebMercatorQuad"]
NATIONAL = next(m for name, m in MATRICES.items() if name != "WebMercatorQuad")


def tile_at(grid, z, matrix=MATRIX, *, dx=0, dy=0):
    """The tile in which the middle of a grid lies, or one beside it."""
    west, south, east, north = lonlat_bounds(grid)
    x, y = matrix.from_lonlat((west + east) / 2, (south + north) / 2)
    left, bottom, right, top = matrix.bounds(z, 0, 0)
    return Tile(matrix, z, int((x - left) / (right - left)) + dx, int((top - y) / (top - bottom)) + dy)


def pixels(body):
    """Colours of a tile's pixels."""
    with Image.open(io.BytesIO(body)) as image:
        assert image.mode == "P" and image.size == (256, 256)
        return np.asarray(image.convert("RGBA"))


def positions(grid, tile):
    """Where the centre of every pixel lies, in rows and columns of the grid, one by one through PROJ."""
    west, south, east, north = tile.matrix.bounds(tile.z, tile.x, tile.y)
    at = (np.arange(256) + 0.5) / 256
    x, y = np.meshgrid(west + at * (east - west), north - at * (north - south))
    gx, gy = Transformer.from_crs(tile.matrix.crs, grid.crs, always_xy=True).transform(x, y)
    return (grid.y_top - gy) / grid.dy, (gx - grid.x_left) / grid.dx


def sure(grid, tile):
    """Pixels whose centre is not so near an edge of a cell that a fifth of a pixel decides whose it is."""
    out = np.ones((256, 256), bool)
    for place in positions(grid, tile):
        step = np.maximum(*(np.abs(np.gradient(place, axis=k)) for k in (0, 1)))
        out &= np.abs(place - np.rint(place)) > 0.2 * step
    assert out.mean() > 0.7
    return out


def shown(grid, tile, values, nothing=np.nan):
    """Values of the cells under the pixels."""
    row, col = (np.floor(place).astype(int) for place in positions(grid, tile))
    inside = (row >= 0) & (row < grid.rows) & (col >= 0) & (col < grid.cols)
    return np.where(inside, values[np.clip(row, 0, grid.rows - 1), np.clip(col, 0, grid.cols - 1)], nothing)


def rgb(entry):
    return [int(entry["colour"][i : i + 2], 16) for i in (1, 3, 5)]


def assert_as_the_legend_says(body, key, values, present, where):
    """Every pixel has the colour of the entry whose range holds its value, and none where nothing is present."""
    colours = pixels(body)
    assert np.array_equal((colours[..., 3] > 0)[where], present[where])
    used = 0
    for entry in key.json()["entries"]:
        low = -np.inf if entry["low"] is None else entry["low"]
        high = np.inf if entry["high"] is None else entry["high"]
        mine = present & (values >= low) & (values < high)
        same = (colours[..., :3] == rgb(entry)).all(axis=-1) & (colours[..., 3] > 0)
        assert np.array_equal(same[where], mine[where]), entry
        used += mine.any()
    assert used >= 4


def by_code(body, key):
    """The code of every pixel, an empty text where nothing shows."""
    colours, out = pixels(body), np.full((256, 256), "", dtype=object)
    for entry in key.json()["entries"]:
        out[(colours[..., :3] == rgb(entry)).all(axis=-1) & (colours[..., 3] > 0)] = entry["code"]
    assert np.array_equal(out != "", colours[..., 3] > 0)
    return out


@pytest.mark.parametrize("matrix", [MATRIX, NATIONAL])
@pytest.mark.parametrize(("layer", "parameters"), [("density-co2", {}), ("density-nox-power", {"year": "2020"})])
def test_densities_have_the_colours_of_the_legend(run, views, matrix, layer, parameters):
    tile = tile_at(run.grid, 9, matrix)
    _, species, *sector = layer.split("-")
    year = int(parameters.get("year", 2022))
    amounts = run.layer(year, species, sector[0]) if sector else run.total(year, species)
    density = shown(run.grid, tile, amounts / (run.grid.cell_area_m2 * 1e-6), 0.0)
    body = raster_tile(views, run, run, layer, tile, parameters)
    assert_as_the_legend_says(
        body, legend(run, run, views, layer, parameters), density, density > 0, sure(run.grid, tile)
    )


def test_changes_of_density_have_the_colours_of_the_legend(run, views):
    tile = tile_at(run.grid, 9)
    a, b = (run.total(year, "co2") / (run.grid.cell_area_m2 * 1e-6) for year in (2022, 2020))
    asked = {"from": "2022", "to": "2020"}
    change, present = shown(run.grid, tile, b - a), shown(run.grid, tile, (a + b), 0.0) > 0
    assert (change[present] > 0).any() and (change[present] < 0).any()
    body = raster_tile(views, run, run, "change-co2", tile, asked)
    assert_as_the_legend_says(body, legend(run, run, views, "change-co2", asked), change, present, sure(run.grid, tile))


@pytest.mark.parametrize("mode", Mode)
def test_ranks_have_the_colours_of_the_legend(world, views, mode):
    domain = domain_of(world)
    layer = rank_layer(domain, world.total(2020, "nox").ravel()[domain.cells], order=order_of(mode))
    cuts = [layer.cut(mode, q).rank for q in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)]
    # The share of the first cut that a cell is within.
    bounds = np.array([0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    share = domain.on_grid(bounds[np.searchsorted(cuts, layer.rank, side="left")])
    emits = world.total(2020, "nox") > 0
    tile = tile_at(world.grid, 5)
    asked = {"mode": str(mode)}
    body = raster_tile(views, world, world, "rank-nox", tile, asked)
    key = legend(world, world, views, "rank-nox", asked)
    present = shown(world.grid, tile, emits, False).astype(bool)
    assert_as_the_legend_says(body, key, shown(world.grid, tile, share), present, sure(world.grid, tile))


def test_hot_cells_are_those_of_the_threshold(world, views):
    tile = tile_at(world.grid, 5)
    for share in ("0.03", "0.3"):
        hot = views.threshold(world, 2020, Threshold(species=("co2", "nox"), share=float(share), min_pollutants=1)).hot(
            "nox"
        )
        body = raster_tile(views, world, world, "hot-nox", tile, {"share": share})
        found, expected = pixels(body)[..., 3] > 0, shown(world.grid, tile, hot.levels[0], 0) > 0
        where = sure(world.grid, tile)
        assert expected.any() and np.array_equal(found[where], expected[where])


CODES = ("", "watch", "carbon_only", "pollution_only", "co_control")


@pytest.mark.parametrize("least", [1, 2])
def test_classes_at_a_threshold_are_those_of_the_view(world, views, least):
    tile = tile_at(world.grid, 5)
    asked = {"share": "0.5", "mode": "mass", "min_pollutants": "2", "min_cells": str(least)}
    wanted = Threshold(species=world.species, share=0.5, mode=Mode.MASS, min_pollutants=2, min_cells=least)
    view = views.threshold(world, 2020, wanted)
    found = by_code(raster_tile(views, world, world, "class", tile, asked), legend(world, world, views, "class", asked))
    assert len(set(found.ravel())) >= (4 if least == 1 else 2)
    expected, where = (
        np.array(CODES, object)[shown(world.grid, tile, view.classes.levels[0], 0)],
        sure(world.grid, tile),
    )
    assert np.array_equal(found[where], expected[where])


def test_a_zoning_shows_what_it_published(world, world_zonings, views):
    zoning, tile = world_zonings[0], tile_at(world.grid, 5)
    found = by_code(raster_tile(views, zoning, world, "zoned", tile, {}), legend(zoning, world, views, "zoned", {}))
    expected, where = (
        np.array(CODES, object)[shown(world.grid, tile, zoning.raster("class"), 0)],
        sure(world.grid, tile),
    )
    assert np.array_equal(found[where], expected[where])
    assert len(set(found.ravel())) >= 4


def test_tiers_show_what_was_published_and_zoomed_out_the_strongest(run, zoning, views):
    tiers = np.array(["", "clustered_core", "isolated_core", "fringe"], object)
    key = legend(zoning, run, views, "tier", {})
    near = tile_at(zoning.grid, 9)
    found = by_code(raster_tile(views, zoning, run, "tier", near, {}), key)
    expected, where = tiers[shown(zoning.grid, near, zoning.raster("tier"), 0)], sure(zoning.grid, near)
    assert np.array_equal(found[where], expected[where])
    assert {1, 3} <= set(np.unique(zoning.raster("tier")))
    far = by_code(raster_tile(views, zoning, run, "tier", tile_at(zoning.grid, 0), {}), key)
    assert set(far.ravel()) == {"", "clustered_core"}


def test_membership_has_the_colours_of_the_legend(world, world_zonings, views):
    zoning, tile = world_zonings[0], tile_at(world.grid, 5)
    cells = zoning.tables["cells"]
    for layer, column in (("membership", "membership"), ("membership-pm25", "pm25_membership")):
        values = np.zeros(world.grid.size, np.float32)
        values[cells["cell"]] = cells[column].fillna(0)
        under = shown(world.grid, tile, values.reshape(world.grid.shape), 0.0)
        body, key = raster_tile(views, zoning, world, layer, tile, {}), legend(zoning, world, views, layer, {})
        # A cell that always stays belongs to the last class, which ends at 1.
        assert_as_the_legend_says(body, key, np.minimum(under, 0.9999), under > 0, sure(world.grid, tile))


def test_a_comparison_shows_what_changed(changed, views):
    cells, tile = changed.tables["cells"], tile_at(changed.grid, 5)
    codes = np.full(changed.grid.size, "", dtype=object)
    codes[cells["cell"]] = cells["change"]
    found = by_code(raster_tile(views, changed, None, "changes", tile, {}), legend(changed, None, views, "changes", {}))
    expected, where = shown(changed.grid, tile, codes.reshape(changed.grid.shape), ""), sure(changed.grid, tile)
    assert np.array_equal(found[where], expected[where])
    assert set(found.ravel()) == {"", "entered", "left", "changed"}


def test_far_away_densities_are_area_averaged(world, views):
    """One pixel for many cells: its density is their mass over their area."""
    tile = tile_at(world.grid, 0)
    body = raster_tile(views, world, world, "density-co2", tile, {})
    key = {tuple(rgb(e)): e for e in legend(world, world, views, "density-co2", {}).json()["entries"]}
    some = [key[tuple(c[:3])] for c in pixels(body).reshape(-1, 4).tolist() if c[3]]
    mean = world.total(2020, "co2").sum() / (world.grid.cell_area_m2.sum() * 1e-6)
    # The grid is a few pixels large: their mean density lies among the classes that they have.
    assert 0 < len(some) < 200
    assert min(e["low"] or 0.0 for e in some) <= mean <= max(e["high"] or np.inf for e in some)


def test_all_layers_in_all_styles_differ_in_nothing_but_colours(run, zoning, views):
    tile = tile_at(run.grid, 9)
    for layer in raster_layers(zoning, run):
        if layer.sector not in (None, "power"):
            continue
        bodies = [raster_tile(views, zoning, run, layer.id, tile, {}, style) for style in layer.styles]
        images = [Image.open(io.BytesIO(body)) for body in bodies]
        indices = [np.asarray(image) for image in images]
        assert all(np.array_equal(i, indices[0]) for i in indices), layer.id
        assert len(set(bodies)) == len(bodies), layer.id
        for style, image in zip(layer.styles, images, strict=True):
            told = {e.colour for e in legend(zoning, run, views, layer.id, {}, style).entries}
            drawn = {c for _, c in image.convert("RGBA").getcolors(300) if c[3]}
            assert drawn and drawn <= told


def test_a_tile_with_nothing_to_show_is_none(run, zoning, views):
    assert raster_tile(views, run, run, "density-co2", Tile(MATRIX, 3, 0, 0), {}) is None
    assert raster_tile(views, run, run, "density-co2", tile_at(run.grid, 11, dx=40), {}) is None
    # Within the grid, far from everything hot.
    corner = tile_at(run.grid, 14, dx=-10, dy=9)
    assert raster_tile(views, run, run, "density-co2", corner, {}) is not None
    assert raster_tile(views, zoning, run, "hot-co2", corner, {"share": "0.001"}) is None


def test_strange_requests_are_refused_before_anything_is_read(run, comparison):
    tile = tile_at(run.grid, 9)
    with pytest.raises(NotFound):
        raster_tile(None, run, run, "density-ch4", tile, {})
    with pytest.raises(NotFound):
        raster_tile(None, comparison, None, "density-co2", tile, {})
    with pytest.raises(InvalidParameter):
        raster_tile(None, run, run, "density-co2", tile, {"year": "1999"})
    with pytest.raises(InvalidParameter):
        raster_tile(None, run, run, "density-co2", tile, {}, "../../etc")


def test_scales_are_the_same_for_sectors_and_years(run, views):
    asked = [("density-co2", {}), ("density-co2", {"year": "2020"}), ("density-co2-power", {})]
    found = [[(e.low, e.high) for e in legend(run, run, views, layer, p).entries] for layer, p in asked]
    assert found[0] == found[1] == found[2]
    assert [(e.low, e.high) for e in legend(run, run, views, "density-nox", {}).entries] != found[0]


def test_what_is_prepared_is_not_made_again(run, zoning, tmp_path, monkeypatch):
    views = Views(tmp_path)
    prepare(views, zoning, run)
    monkeypatch.setattr(kept, "write_aside", None)
    monkeypatch.setattr("gis.views.views.write_plane", None)
    fresh = Views(tmp_path)
    for layer in raster_layers(zoning, run):
        if layer.sector is None:
            raster_tile(fresh, zoning, run, layer.id, tile_at(run.grid, 9), {})
            legend(zoning, run, fresh, layer.id, {})


def test_legends_say_the_parameters_in_both_languages(run, views):
    found = legend(run, run, views, "class", {"share": "0.07", "mode": "mass", "min_pollutants": "1"})
    assert found.subtitle_en == "2022, by share of mass: 7 %, ≥ 1 pollutants hot"
    assert found.subtitle_zh == "2022 年，按排放量份额 7 %，污染物热点 ≥ 1 种"
    assert found.json()["parameters"] == {
        "year": 2022, "share": 0.07, "mode": "mass", "min_pollutants": 1, "min_cells": 1,
    }  # fmt: skip
    sized = legend(run, run, views, "class", {"min_cells": "3"})
    assert sized.subtitle_en.endswith(", patches of ≥ 3 cells") and sized.subtitle_zh.endswith("，斑块 ≥ 3 个网格")
    assert legend(run, run, views, "change-co2", {}).subtitle_en == "2020 → 2022"
    assert [e.code for e in found.entries] == ["co_control", "pollution_only", "carbon_only", "watch"]
    assert STYLES[found.style].name == "classes"
