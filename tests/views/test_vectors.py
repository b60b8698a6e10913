"""Vector tiles of published results: what they say is what the arrays and tables say, and it adds up at every zoom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import Transformer

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.regions.roles import Role
from gis.tiles.cells import level_at
from gis.tiles.matrices import MATRICES, Tile, TileMatrixSet
from gis.views import Views
from gis.views.layers import Result
from gis.views.thresholds import threshold_of
from gis.views.vectors import Shape, VectorLayer, vector_layers, vector_tile
from gis.workspace import Run, StoredComparison, StoredZoning, Workspace
from gis.zoning.classes import CellClass
from tests.tiles.vectors import features, raw, rings, twice_area

MERCATOR = MATRICES["WebMercatorQuad"]
BOTH = pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))


def tiles_of(grid: Grid, matrix: TileMatrixSet, z: int) -> Iterator[Tile]:
    """Tiles that meet the grid, and those around them."""
    t = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    limits = matrix.limits(z, t.transform_bounds(*grid.bounds, densify_pts=21))
    columns, rows = matrix.matrix_size(z)
    for x in range(max(limits.x_first - 1, 0), min(limits.x_last + 2, columns)):
        for y in range(max(limits.y_first - 1, 0), min(limits.y_last + 2, rows)):
            yield Tile(matrix, z, x, y)


def shown(
    views: Views, result: Result, run: Run, layer: str, matrix: TileMatrixSet, z: int, **parameters: str
) -> list[dict[str, Any]]:
    """Features of all tiles of a zoom."""
    out = []
    for tile in tiles_of(result.grid, matrix, z):
        data = vector_tile(views, result, run, layer, tile, parameters)
        if data is not None:
            out += features(data, layer)
    return out


def own(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [f for f in found if not f["properties"].get("copy")]


def total(found: list[dict[str, Any]], name: str) -> float:
    return float(sum(f["properties"].get(name, 0.0) for f in found))


def layer_of(result: Result, name: str) -> VectorLayer:
    return next(layer for layer in vector_layers(result, facilities=True) if layer.id == name)


# -- cells ----------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("z", [1, 5, 8, 10])
def test_amounts_of_cells_add_up_over_the_tiles_of_a_zoom(
    views: Views, run: Run, matrix: TileMatrixSet, z: int
) -> None:
    found = shown(views, run, run, "cells", matrix, z)
    mine = own(found)
    assert len({f["id"] for f in mine}) == len(mine)
    # Whoever leaves copies out by their ids has the same.
    once = list({f["id"]: f for f in found}.values())
    for species in run.species:
        whole = run.total(run.years[-1], species).sum()
        assert total(mine, f"{species}_t") == pytest.approx(whole, rel=1e-12)
        assert total(once, f"{species}_t") == pytest.approx(whole, rel=1e-12)


@BOTH
def test_amounts_add_up_on_a_grid_of_degrees(views: Views, world: Run, matrix: TileMatrixSet) -> None:
    for z in (1, 3, 5, 7):
        mine = own(shown(views, world, world, "cells", matrix, z))
        for species in world.species:
            assert total(mine, f"{species}_t") == pytest.approx(world.total(2020, species).sum(), rel=1e-12)


def test_cells_say_what_the_arrays_say(views: Views, zoning: StoredZoning, run: Run) -> None:
    z = layer_of(zoning, "cells").maxzoom
    assert level_at(run.grid, MERCATOR, z) == 0
    species = zoning.species
    amounts = {s: run.total(zoning.year, s).ravel() for s in species}
    area_km2 = run.grid.cell_area_m2.ravel() / 1e6
    zoned, tier = zoning.raster("class").ravel(), zoning.raster("tier").ravel()
    membership = views.zoned(zoning, "membership").levels[0].ravel()
    tiers = {0: None, 1: "clustered_core", 2: "isolated_core", 3: "fringe"}
    seen = set()
    for f in shown(views, zoning, run, "cells", MERCATOR, min(z, 11)):
        cell, said = f["id"], f["properties"]
        seen.add(cell)
        assert said["cell"] == cell
        for s in species:
            assert said[f"{s}_t"] == amounts[s][cell]
            assert said[f"{s}_t_km2"] == np.float32(amounts[s][cell] / area_km2[cell])
        assert said.get("zoned", "none") == CellClass(int(zoned[cell])).code
        assert said.get("tier") == tiers[int(tier[cell])]
        assert said.get("membership", 0.0) == membership[cell]
        assert set(said) <= set(layer_of(zoning, "cells").names)
    emits = np.any([a > 0 for a in amounts.values()], axis=0)
    assert seen == set(np.flatnonzero(run.valid.ravel() | emits).tolist())


def parents(values: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Sums of blocks, one by one."""
    step = 2**level
    rows, cols = (-(-n // step) for n in values.shape)
    return np.array(
        [[values[r * step : (r + 1) * step, c * step : (c + 1) * step].sum() for c in range(cols)] for r in range(rows)]
    )


def test_parents_have_averaged_densities_hot_shares_and_the_highest_class(
    views: Views, zoning: StoredZoning, run: Run
) -> None:
    z = 7
    level = level_at(run.grid, MERCATOR, z)
    assert level > 0
    zoned, area = zoning.raster("class"), run.grid.cell_area_m2 / 1e6
    at = views.threshold(run, zoning.year, threshold_of(zoning)).classes.levels[0]
    amount, km2 = parents(run.total(zoning.year, "co2"), level), parents(area, level)
    checked = 0
    for f in own(shown(views, zoning, run, "cells", MERCATOR, z)):
        r, c = divmod(f["id"], amount.shape[1])
        block = (slice(r << level, (r + 1) << level), slice(c << level, (c + 1) << level))
        said = f["properties"]
        assert said["co2_t"] == pytest.approx(amount[r, c], rel=1e-12)
        assert said["co2_t_km2"] == pytest.approx(amount[r, c] / km2[r, c], rel=1e-6)
        for classes, name, share in ((zoned, "zoned", "zoned_share"), (at, "class", "hot_share")):
            assert said.get(name, "none") == CellClass(int(classes[block].max())).code
            assert said[share] == pytest.approx((area[block] * (classes[block] > 0)).sum() / km2[r, c], rel=1e-6)
            checked += classes[block].max() > 0
        assert "cell" not in said and "tier" not in said
    assert checked > 10


def test_classes_follow_the_slider_and_the_year(views: Views, zoning: StoredZoning, run: Run) -> None:
    def hot(**parameters: str) -> set[int]:
        return {
            f["id"]
            for f in shown(views, zoning, run, "cells", MERCATOR, 11, **parameters)
            if "class" in f["properties"]
        }

    few, many = hot(share="0.01"), hot(share="0.2", min_pollutants="1")
    assert few < many
    expected = views.threshold(run, zoning.year, threshold_of(zoning, share=0.2, min_pollutants=1)).classes.levels[0]
    assert many == set(np.flatnonzero(expected).tolist())
    sized = threshold_of(zoning, share=0.2, min_pollutants=1, min_cells=5)
    expected = views.threshold(run, zoning.year, sized).classes.levels[0]
    large = hot(share="0.2", min_pollutants="1", min_cells="5")
    assert large < many and large == set(np.flatnonzero(expected).tolist())
    earlier = shown(views, zoning, run, "cells", MERCATOR, 7, year=str(run.years[0]))
    assert total(own(earlier), "co2_t") == pytest.approx(run.total(run.years[0], "co2").sum(), rel=1e-12)
    # The zoning is of one year: beside another year's amounts it says nothing.
    assert not any("zoned" in f["properties"] or "zoned_share" in f["properties"] for f in earlier)


# -- polygons -------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("name", ["units", "hotspots", "conflicts"])
def test_shapes_add_up_over_the_tiles_of_a_zoom(
    views: Views, zoning: StoredZoning, run: Run, name: str, matrix: TileMatrixSet
) -> None:
    table = zoning.tables[name]
    for z in (1, 5, 8, 9, 11):
        mine = own(shown(views, zoning, run, name, matrix, z))
        assert sum(f["properties"].get("count", 1) for f in mine) == len(table)
        assert len({f["id"] for f in mine}) == len(mine)
        for column in ("area_km2", "co2_t", "nox_t"):
            assert total(mine, column) == pytest.approx(table[column].sum(), rel=1e-9)


def test_units_say_what_their_table_says(views: Views, zoning: StoredZoning, run: Run) -> None:
    table = zoning.tables["units"].set_index("unit")
    wanted = [n for n in layer_of(zoning, "units").names if n in table.columns]
    found = shown(views, zoning, run, "units", MERCATOR, 12)
    assert {f["properties"]["unit"] for f in found} == set(table.index)
    for f in found:
        said = f["properties"]
        row = table.loc[said["unit"]]
        assert f["id"] == list(table.index).index(said["unit"]) + 1
        for name in wanted:
            expected = row[name].item() if hasattr(row[name], "item") else row[name]
            if expected == "" or expected is None or expected != expected:
                assert name not in said
            else:
                assert said[name] == pytest.approx(expected) if isinstance(expected, float) else said[name] == expected
        assert set(said) <= set(layer_of(zoning, "units").names)


def test_units_in_a_tile_keep_their_area(views: Views, zoning: StoredZoning, run: Run) -> None:
    """Where a unit lies in one tile, its polygon has the area that Mercator gives it."""
    from shapely.geometry import shape

    table = zoning.tables["units"].to_crs(3857).set_index("unit")
    z = 10
    unit_m = MERCATOR.span(z) / 4096
    tiles: dict[str, list[Any]] = {}
    for f in shown(views, zoning, run, "units", MERCATOR, z):
        tiles.setdefault(f["properties"].get("unit", ""), []).append(shape(f["geometry"]))
    alone = {unit: found[0] for unit, found in tiles.items() if unit and len(found) == 1}
    assert len(alone) > 5
    for unit, polygon in alone.items():
        expected = table.loc[unit].geometry.area / unit_m**2
        assert polygon.area == pytest.approx(expected, abs=2.5 * polygon.length)


def test_polygons_keep_to_the_specification(views: Views, zoning: StoredZoning, run: Run) -> None:
    for name in ("cells", "units", "hotspots"):
        for tile in tiles_of(run.grid, MERCATOR, 9):
            data = vector_tile(views, zoning, run, name, tile, {})
            if data is None:
                continue
            layer = raw(data)
            assert (layer.name, layer.version, layer.extent) == (name, 2, 4096)
            for feature in layer.features:
                found = rings(list(feature.geometry))
                assert twice_area(found[0]) > 0 and all(twice_area(r) != 0 for r in found)


@BOTH
def test_regions_are_those_of_the_run_whatever_is_shown(
    views: Views, zoning: StoredZoning, run: Run, matrix: TileMatrixSet
) -> None:
    layers = {layer.id: layer for layer in vector_layers(run, facilities=False) if layer.id.startswith("region-")}
    assert {name.removeprefix("region-") for name in layers} == {e["role"] for e in run.manifest["regions"]}
    for name in layers:
        table = {
            code: (zh, en)
            for regions in run.regions.of_role(Role(name.removeprefix("region-")))
            for code, zh, en in regions.frame[["code", "name_zh", "name_en"]].itertuples(index=False)
        }
        for z in (4, 9, 12):
            found = shown(views, zoning, run, name, matrix, z)
            assert sum(f["properties"].get("count", 1) for f in own(found)) == len(table)
            if z == 12:
                assert {f["properties"]["code"] for f in found} == set(table)
                for f in found:
                    told = f["properties"]
                    assert (told.get("name_zh", ""), told.get("name_en", "")) == table[told["code"]]
            assert shown(views, run, run, name, matrix, z) == found
    with pytest.raises(NotFound, match="region"):
        vector_tile(views, run, run, "region-buffer", Tile(matrix, 4, 0, 0), {})


# -- sources --------------------------------------------------------------------------------------------------------------


@BOTH
def test_sources_add_up_and_stand_alone_when_near(
    views: Views, zoning: StoredZoning, run: Run, matrix: TileMatrixSet
) -> None:
    count = sum(len(run.sources(part)) for part in run.parts)
    for result in (run, zoning):
        for z in (1, 6, 9, 14):
            found = shown(views, result, run, "sources", matrix, z)
            assert sum(f["properties"].get("count", 1) for f in found) == count
            # All of this run's sources lie on its grid.
            assert total(found, "co2_t") == pytest.approx(run.total(run.years[-1], "co2").sum(), rel=1e-9)
        assert len(found) == count
        names = {f["properties"].get("source_id") for f in found}
        assert {"<script>" in str(f["properties"].get("name_zh")) for f in found} == {True, False}
        assert None not in names
        assert {f["properties"]["kind"] for f in found} == {"point", "line", "area"}


def test_sources_are_for_those_who_may_see_facilities(zoning: StoredZoning, run: Run) -> None:
    for result in (zoning, run):
        assert "sources" not in {layer.id for layer in vector_layers(result, facilities=False)}
        assert layer_of(result, "sources").shape is Shape.POINT


# -- comparisons ----------------------------------------------------------------------------------------------------------


@BOTH
def test_changes_add_up_over_the_tiles_of_a_zoom(
    views: Views, changed: StoredComparison, run: Run, matrix: TileMatrixSet
) -> None:
    table = changed.tables["cells"]
    assert len(table) > 10 and len(set(table["change"])) >= 2
    finest = next(z for z in matrix.zooms if level_at(changed.grid, matrix, z) == 0)
    for z in (1, finest - 2, finest):
        mine = own(shown(views, changed, run, "changes", matrix, z))
        for kind in ("entered", "left", "changed"):
            assert total(mine, f"{kind}_km2") == pytest.approx(
                table.loc[table["change"] == kind, "area_km2"].sum(), rel=1e-9
            )
        for name in ("co2_a_t", "co2_b_t"):
            assert total(mine, name) == pytest.approx(table[name].sum(), rel=1e-9)
    rows = table.set_index("cell")
    assert {f["id"] for f in mine} == set(rows.index)
    for f in mine:
        said, row = f["properties"], rows.loc[f["id"]]
        assert [said.get(n, "") for n in ("change", "a_class", "b_class", "a_unit", "b_unit")] == [
            row[n] for n in ("change", "a_class", "b_class", "a_unit", "b_unit")
        ]


def test_nothing_changed_is_no_tile(views: Views, comparison: StoredComparison, run: Run) -> None:
    assert len(comparison.tables["cells"]) == 0
    assert vector_tile(views, comparison, run, "changes", Tile(MERCATOR, 0, 0, 0), {}) is None


# -- what may be asked ------------------------------------------------------------------------------------------------------


def test_layers_say_what_they_have(zoning: StoredZoning, run: Run, comparison: StoredComparison) -> None:
    roles = [f"region-{role}" for role in dict.fromkeys(entry["role"] for entry in run.manifest["regions"])]
    assert len(roles) >= 2
    assert {v.id for v in vector_layers(run, facilities=True)} == {"cells", *roles, "sources"}
    assert {v.id for v in vector_layers(zoning, facilities=True)} == {
        "cells",
        "units",
        "hotspots",
        "conflicts",
        *roles,
        "sources",
    }
    assert [v.id for v in vector_layers(comparison, facilities=True)] == ["changes"]
    for result in (run, zoning, comparison):
        for layer in vector_layers(result, facilities=True):
            assert layer.minzoom <= layer.maxzoom <= 24 and layer.title_zh and layer.title_en
            assert len(set(layer.names)) == len(layer.names)
            assert all(f.title_zh and f.title_en for f in layer.fields)
            for parameter in layer.parameters:
                parameter.read(parameter.default)


def test_strange_wishes_are_refused(views: Views, zoning: StoredZoning, run: Run, comparison: StoredComparison) -> None:
    tile = Tile(MERCATOR, 0, 0, 0)
    for result, layer in (
        (run, "units"),
        (run, "cell"),
        (zoning, "changes"),
        (comparison, "cells"),
        (zoning, "../units"),
    ):
        with pytest.raises(NotFound, match="vector layer"):
            vector_tile(views, result, run, layer, tile, {})
    for name, value in (
        ("share", "nan"), ("share", "inf"), ("share", "1e-3"), ("share", "0.9"), ("year", "1999"), ("mode", "AREA"),
        ("min_pollutants", "9"), ("colour", "red"), ("share", ""),
    ):  # fmt: skip
        with pytest.raises(InvalidParameter, match=name):
            vector_tile(views, zoning, run, "cells", tile, {name: value})
    with pytest.raises(InvalidParameter, match="share"):
        vector_tile(views, zoning, run, "units", tile, {"share": "0.1"})


def test_nothing_lies_far_away(views: Views, zoning: StoredZoning, run: Run) -> None:
    for layer in vector_layers(zoning, facilities=True):
        for z, x, y in ((10, 0, 0), (24, 5, 2**24 - 1), (6, 20, 20)):
            assert vector_tile(views, zoning, run, layer.id, Tile(MERCATOR, z, x, y), {}) is None


def test_tiles_beyond_the_last_zoom_are_cut_from_the_same(views: Views, zoning: StoredZoning, run: Run) -> None:
    """At zoom 20 a cell is larger than a tile: it fills the tile, and reaches no further than the buffer."""
    f = max(own(shown(views, zoning, run, "cells", MERCATOR, 9)), key=lambda f: f["properties"]["co2_t"])
    row, col = divmod(f["id"], -(-run.grid.cols // 2 ** level_at(run.grid, MERCATOR, 9)))
    x, y = run.grid.centre(
        np.array([(row << level_at(run.grid, MERCATOR, 9)) * run.grid.cols + (col << level_at(run.grid, MERCATOR, 9))])
    )
    lon, lat = Transformer.from_crs(run.grid.crs, 4326, always_xy=True).transform(x[0], y[0])
    at = MERCATOR.limits(20, (lon, lat, lon, lat))
    (feature,) = raw(
        vector_tile(views, zoning, run, "cells", Tile(MERCATOR, 20, at.x_first, at.y_first), {}) or b""
    ).features
    (ring,) = rings(list(feature.geometry))
    assert ring.min() == -64 and ring.max() == 4160 and twice_area(ring) == 2 * 4224**2


def test_the_same_tile_has_the_same_bytes(
    views: Views, zoning: StoredZoning, run: Run, workspace: Workspace, tmp_path: Any
) -> None:
    other = Views(tmp_path / "views")
    again = workspace.zoning(zoning.id)
    for layer in vector_layers(zoning, facilities=True):
        for tile in list(tiles_of(run.grid, MERCATOR, 8))[:6]:
            assert vector_tile(views, zoning, run, layer.id, tile, {}) == vector_tile(
                other, again, run, layer.id, tile, {}
            )
