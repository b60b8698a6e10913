"""Tables of results as memory maps: they say what was published, and a look-up finds what a scan would."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from pyproj import Transformer

from gis.errors import NotFound
from gis.views import tables as module
from gis.views.changes import open_changes
from gis.views.frames import BOX_84, batches_of
from gis.views.lonlat import CRS84
from gis.views.tables import open_table, rows, table, table_names
from gis.workspace import Run, StoredComparison, StoredZoning, Workspace


@pytest.fixture(scope="module")
def views_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def test_every_table_of_a_zoning_says_what_was_published(views_dir: Path, zoning: StoredZoning) -> None:
    for name in table_names(zoning):
        stored = pd.DataFrame(zoning.tables[name]).drop(columns="geometry", errors="ignore")
        found = table(views_dir, zoning, name).select(list(stored.columns)).to_pandas()
        assert len(found) == len(stored)
        for column in stored:
            expected = stored[column].to_numpy()
            if pd.api.types.is_numeric_dtype(stored[column]):
                np.testing.assert_array_equal(
                    found[column].to_numpy(expected.dtype), expected, err_msg=f"{name}.{column}"
                )
            else:
                assert found[column].astype(str).tolist() == stored[column].astype(str).tolist(), (name, column)


def test_not_a_number_is_missing(run: Run) -> None:
    made = batches_of(pa.table({"v": [1.5, float("nan"), float("inf"), None], "n": [1, 2, None, 4]}), CRS84, run.grid)
    (batch,) = made.batches
    assert batch.column("v").to_pylist() == [1.5, None, None, None]
    assert batch.column("n").to_pylist() == [1, 2, None, 4]


def test_texts_of_few_values_are_kept_once(run: Run) -> None:
    texts = ["watch", None, "none", "watch"] * 100
    many = [f"unit {i}" for i in range(400)]
    made = batches_of(pa.table({"few": texts, "many": many}), CRS84, run.grid)
    (batch,) = made.batches
    assert pa.types.is_dictionary(batch.column("few").type)
    assert batch.column("few").dictionary.to_pylist() == ["none", "watch"]
    assert batch.column("few").to_pylist() == texts
    assert batch.column("many").to_pylist() == many


def test_a_look_up_finds_the_rows_that_a_scan_finds(views_dir: Path, zoning: StoredZoning) -> None:
    cells = zoning.tables["cells"]
    for key, values in (("unit", cells["unit"].unique()[:3]), ("patch", [0, 2]), ("cell", cells["cell"][[5, 2]])):
        wanted = list(values)
        found = rows(views_dir, zoning, "cells", key, wanted, columns=["cell", "area_km2"])
        assert found["cell"].to_pylist() == cells[cells[key].isin(wanted)]["cell"].tolist()
    assert rows(views_dir, zoning, "units", "unit", ["no such unit"]).num_rows == 0
    assert rows(views_dir, zoning, "cells", "cell", [-1, 10**12]).num_rows == 0
    with pytest.raises(NotFound, match="no column 'colour'"):
        rows(views_dir, zoning, "cells", "colour", [1])


def test_take_reads_rows_across_batches() -> None:
    batches = [pa.record_batch({"n": pa.array(range(a, a + 10))}) for a in (0, 10, 20)]
    stored = module.Stored(tuple(batches), batches[0].schema)
    assert stored.rows == 30
    assert stored.take(np.array([0, 9, 10, 29]))["n"].to_pylist() == [0, 9, 10, 29]
    assert stored.take(np.empty(0, np.int64))["n"].to_pylist() == []
    assert stored.positions("n", [21, 3]).tolist() == [3, 21]


def test_numbers_that_do_not_ascend_are_found() -> None:
    batch = pa.record_batch({"n": pa.array([5, 1, 5, 3]), "t": pa.array(["b", None, "a", "b"])})
    stored = module.Stored((batch,), batch.schema)
    assert stored.positions("n", [5]).tolist() == [0, 2]
    assert stored.positions("t", ["b"]).tolist() == [0, 3]
    assert stored.positions("t", ["c"]).tolist() == []


def test_shapes_lie_where_the_projection_puts_them(views_dir: Path, zoning: StoredZoning) -> None:
    found = table(views_dir, zoning, "units")
    shapes = shapely.from_wkb(found["geometry_84"].to_pylist())
    own = shapely.from_wkb(found["geometry"].to_pylist())
    assert set(shapely.get_type_id(shapes)) == {int(shapely.GeometryType.MULTIPOLYGON)}
    assert shapely.equals(own, zoning.tables["units"].geometry.to_numpy()).all()
    way = Transformer.from_crs(zoning.grid.crs, CRS84, always_xy=True)
    moved = shapely.transform(own, lambda xy: np.stack(way.transform(xy[:, 0], xy[:, 1]), axis=1))
    assert shapely.hausdorff_distance(shapes, moved).max() < 1e-7
    assert (
        np.abs(shapely.get_coordinates(shapes) * 1e7 - np.round(shapely.get_coordinates(shapes) * 1e7)) < 1e-4
    ).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(shapes))).all()
    boxes = np.stack([found[n].to_numpy() for n in BOX_84], axis=1)
    np.testing.assert_array_equal(boxes, shapely.bounds(shapes))


def test_cells_know_their_boxes(views_dir: Path, zoning: StoredZoning) -> None:
    found = table(views_dir, zoning, "cells")
    x, y = zoning.grid.centre(found["cell"].to_numpy())
    lon, lat = Transformer.from_crs(zoning.grid.crs, CRS84, always_xy=True).transform(x, y)
    np.testing.assert_allclose(found["lon"], lon, atol=6e-8)
    np.testing.assert_allclose(found["lat"], lat, atol=6e-8)
    west, south, east, north = (found[n].to_numpy() for n in BOX_84)
    assert ((west < lon) & (lon < east) & (south < lat) & (lat < north)).all()


def test_sources_add_up_to_the_run(views_dir: Path, run: Run) -> None:
    found = table(views_dir, run, "sources")
    assert found.num_rows == sum(len(run.sources(part)) for part in run.parts)
    assert found["source"].to_pylist() == list(range(found.num_rows))
    for year in run.years:
        for species in run.species:
            total = run.total(year, species).sum()
            assert np.isclose(np.sum(found[f"{species}_{year}_t"].to_numpy()), total, rtol=1e-9)
    emits = {s for text in found["sectors"].to_pylist() for s in text.split()}
    assert emits == set(run.totals()["sector"])
    assert set(found["kind"].to_pylist()) == {"point", "line", "area"}


def test_changes_are_units_and_cells(views_dir: Path, workspace: Workspace, comparison: StoredComparison) -> None:
    a, b = workspace.zoning(comparison.a), workspace.zoning(comparison.b)
    found = open_changes(views_dir, comparison, a, b).table.to_pandas()
    units, cells = comparison.tables["units"], comparison.tables["cells"]
    assert len(found) == len(units) + len(cells)
    assert found[found["element"] == "unit"]["change"].tolist() == units["relation"].astype(str).tolist()
    assert found[found["element"] == "cell"]["cell"].tolist() == cells["cell"].tolist()
    shapes = shapely.from_wkb(found["geometry"])
    later = dict(zip(b.tables["units"]["unit"], b.tables["units"].geometry, strict=True))
    earlier = dict(zip(a.tables["units"]["unit"], a.tables["units"].geometry, strict=True))
    for shape, row in zip(shapes[: len(units)], units.itertuples(), strict=True):
        assert shape.equals(later[row.b] if row.b else earlier[row.a])
    assert np.allclose(shapely.area(shapes[len(units) :]), comparison.grid.dx * comparison.grid.dy)


def test_a_file_is_made_once_and_again_when_it_is_gone(
    tmp_path: Path, zoning: StoredZoning, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = module.stored_batches
    monkeypatch.setattr(module, "stored_batches", lambda result, name: made.append(name) or real(result, name))
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: open_table(tmp_path, zoning, "units"), range(8)))
    assert made == ["units"]
    assert all(t is tables[0] for t in tables)
    (path,) = (tmp_path / "tables").iterdir()  # nothing is left beside it
    monkeypatch.setattr(module, "_TABLES", module._Tables())
    assert open_table(tmp_path, zoning, "units").table.equals(tables[0].table)
    assert made == ["units"]
    path.unlink()
    assert tables[0].table.num_rows == len(zoning.tables["units"])  # who has it open keeps it
    monkeypatch.setattr(module, "_TABLES", module._Tables())
    assert open_table(tmp_path, zoning, "units").rows == len(zoning.tables["units"])
    assert made == ["units", "units"]


def test_a_table_that_is_not_there_is_named(tmp_path: Path, run: Run, zoning: StoredZoning) -> None:
    with pytest.raises(NotFound, match=r"has no table 'units'; it has sources"):
        open_table(tmp_path, run, "units")
    with pytest.raises(NotFound, match=r"\.\./units"):
        open_table(tmp_path, zoning, "../units")
