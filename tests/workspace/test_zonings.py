"""Zonings and comparisons in a workspace: what comes back, what makes them the same, what they keep alive."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from gis.errors import CorruptObject, InvalidParameter, LedgerOpen, NotFound, StorageError
from gis.exports.classes import encode_classes
from gis.exports.styles import CLASS_STYLES
from gis.grid import Grid
from gis.workspace import Run, Workspace
from gis.workspace import catalogue as tables
from gis.workspace.digests import plain_frame, table_digest
from gis.workspace.objects import ObjectStore
from gis.zoning.classes import CellClass
from gis.zoning.comparison import compare
from gis.zoning.model import TABLES, Zoning
from gis.zoning.parameters import Hot
from tests.workspace.zoned import published_run, zoning_of
from tests.zoning.made import GRID, made_zoning


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one run; tests copy it."""
    root = tmp_path_factory.mktemp("template")
    with Workspace(root / "ws") as workspace:
        published_run(workspace, root / "in")
    return root / "ws"


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "ws")
    with Workspace(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return workspace.run("latest")


def files(workspace: Workspace) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (workspace.path / "objects").rglob("*") if p.is_file()}


def assert_same(found: Zoning, expected: Zoning) -> None:
    for field in ("run_id", "run_name", "year", "grid", "parameters", "rules", "species", "sectors", "about"):
        assert getattr(found, field) == getattr(expected, field), field
    assert list(found.tables) == list(TABLES)
    for name, table in expected.tables.items():
        if isinstance(table, gpd.GeoDataFrame):
            assert isinstance(found.tables[name], gpd.GeoDataFrame)
            assert found.tables[name].crs == table.crs
            assert shapely.equals_exact(found.tables[name].geometry.to_numpy(), table.geometry.to_numpy()).all()
            pd.testing.assert_frame_equal(
                pd.DataFrame(found.tables[name]).drop(columns="geometry"), pd.DataFrame(table).drop(columns="geometry")
            )
        else:
            pd.testing.assert_frame_equal(found.tables[name], table)
    assert set(found.rasters) == set(expected.rasters)
    for name, values in expected.rasters.items():
        np.testing.assert_array_equal(found.rasters[name], values)


# -- what comes back --------------------------------------------------------------------------------------------------


def test_a_published_zoning_gives_back_what_was_made(workspace: Workspace, run: Run) -> None:
    made = zoning_of(run)
    workspace.publish_zoning(made, name="初稿", label="first")
    stored = Workspace(workspace.path).zoning("初稿")
    assert stored.id.startswith("z-") and len(stored.id) == 14
    assert (stored.name, stored.label, stored.run_id, stored.year) == ("初稿", "first", run.id, 2020)
    assert stored.unit_counts == {"co_control": 2, "pollution_only": 1, "carbon_only": 1, "watch": 1}
    assert_same(stored.zoning, made)
    assert stored.tables.rows("units") == 5 and len(stored.tables) == len(TABLES)
    with pytest.raises(KeyError):
        stored.tables["nothing"]


def test_the_manifest_says_what_it_came_from(workspace: Workspace, run: Run) -> None:
    stored = workspace.publish_zoning(zoning_of(run))
    manifest = stored.manifest
    assert manifest["identity"]["run"]["id"] == run.id and manifest["identity"]["run"]["hash"].startswith(run.id[2:])
    assert manifest["identity"]["parameters"] == json.loads(made_zoning().parameters.model_dump_json())
    assert manifest["run"]["inputs"] == run.manifest["inputs"]
    assert manifest["seed"] == made_zoning().parameters.membership.seed
    assert [s["name_zh"] for s in manifest["species"]] == ["二氧化碳", "氮氧化物", "细颗粒物", "挥发性有机物"]
    assert {"cozone", "numpy", "gdal"} <= set(manifest["made_with"])
    assert manifest["about"] == {"regions": {"county": "2020", "red_line": "2021"}}


def test_nothing_is_read_before_it_is_touched(workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.publish_zoning(zoning_of(run))
    checked: list[str] = []
    true = ObjectStore.check

    def check(self: ObjectStore, hash_: str, *, size: int, owner: str) -> Path:
        checked.append(hash_)
        return true(self, hash_, size=size, owner=owner)

    monkeypatch.setattr(ObjectStore, "check", check)
    (stored,) = Workspace(workspace.path).zonings()
    assert stored.unit_counts["co_control"] == 2 and checked == []
    units = stored.tables["units"]
    assert stored.tables["units"] is units and len(checked) == 2  # the manifest and the table, once


def test_tables_without_rows_come_back_with_their_kinds(workspace: Workspace, run: Run) -> None:
    made = zoning_of(run)
    empty = {n: made.tables[n].iloc[:0] for n in ("cells", "hotspots", "units", "conflicts", "access", "notes")}
    objects = {"listed": made.tables["listed"].iloc[:0].astype(object)}
    stored = workspace.publish_zoning(replace(made, tables={**made.tables, **empty, **objects}))
    again = Workspace(workspace.path).zoning(stored.id)
    for name, table in empty.items():
        assert list(again.tables[name].columns) == list(table.columns) and len(again.tables[name]) == 0
    assert isinstance(again.tables["units"], gpd.GeoDataFrame) and again.tables["units"].crs == GRID.crs
    assert again.unit_counts == {"co_control": 0, "pollution_only": 0, "carbon_only": 0, "watch": 0}
    assert not again.zoning.class_layer().any() and not again.raster().any()


# -- identity ---------------------------------------------------------------------------------------------------------


def test_the_same_zoning_twice_is_one(workspace: Workspace, run: Run) -> None:
    first = workspace.publish_zoning(zoning_of(run), name="a")
    before = files(workspace)
    second = workspace.publish_zoning(zoning_of(run), name="b", label="again")
    assert (second.id, second.name, second.label) == (first.id, "b", "again")
    assert len(workspace.zonings()) == 1 and files(workspace) == before
    assert list((workspace.path / "tmp").iterdir()) == []


def test_the_id_rests_on_content_and_on_nothing_else(workspace: Workspace, run: Run) -> None:
    made = zoning_of(run)
    base = workspace.publish_zoning(made).id
    cells = made.tables["cells"]
    # How a table is held does not matter.
    held = cells.astype({"row": "int32", "bits": "uint8", "class": object, "tier": "category"})
    held.index = pd.RangeIndex(7, 7 + len(held))
    assert workspace.publish_zoning(replace(made, tables={**made.tables, "cells": held}, about={})).id == base
    # What it says does, to the last bit.
    off = cells.assign(co2_t=np.nextafter(cells["co2_t"], np.inf))
    moved = made.rasters["tier"].copy()
    moved[0, 0] = 3
    others = [
        replace(made, tables={**made.tables, "cells": off}),
        replace(made, tables={**made.tables, "cells": cells.iloc[::-1]}),
        replace(made, rules=made.rules + "\n"),
        replace(made, parameters=made.parameters.model_copy(update={"hot": Hot(q=0.04)})),
        replace(made, year=2021),
        replace(made, rasters={"tier": moved}),
        replace(made, rasters={}),
    ]
    ids = {workspace.publish_zoning(other).id for other in others}
    assert len(ids) == len(others) and base not in ids


def test_another_workspace_gives_the_same_id_and_objects(template: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        shutil.copytree(template, tmp_path / name)
        with Workspace(tmp_path / name) as workspace:
            stored = workspace.publish_zoning(zoning_of(workspace.run("latest")), name=name)
            found.append((stored.id, set(files(workspace))))
    assert found[0] == found[1]


def test_digests_tell_texts_rows_and_columns_apart() -> None:
    frames = [
        pd.DataFrame({"a": ["x", "yz"]}), pd.DataFrame({"a": ["xy", "z"]}), pd.DataFrame({"b": ["x", "yz"]}),
        pd.DataFrame({"a": ["x", "yz", ""]}), pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, 2.0]}),
        pd.DataFrame({"a": [True, False]}), pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"b": [3, 4], "a": [1, 2]}),
        pd.DataFrame({"a": [1.0, np.nan]}),
    ]  # fmt: skip
    assert len({table_digest(plain_frame(f, GRID)) for f in frames}) == len(frames)
    zeros = [pd.DataFrame({"a": [0.0, np.nan]}), pd.DataFrame({"a": np.array([-0.0, -np.nan])})]
    assert len({table_digest(f) for f in zeros}) == 1
    # A slice of a longer text column holds the longer buffer.
    long = plain_frame(pd.DataFrame({"a": ["q", "x", "yz", "q"]}), GRID).iloc[1:3]
    assert table_digest(long) == table_digest(plain_frame(frames[0], GRID))


def test_names_find_the_newest_and_latest_the_last(workspace: Workspace, run: Run) -> None:
    a = workspace.publish_zoning(zoning_of(run))
    b = workspace.publish_zoning(zoning_of(run, moved=2))
    assert a.name == b.name == "two-counties-2020" and a.id != b.id
    assert workspace.zoning("two-counties-2020").id == workspace.zoning("latest").id == b.id
    assert [z.id for z in workspace.zonings()] == [b.id, a.id]
    workspace.publish_zoning(zoning_of(run))
    assert workspace.zoning("latest").id == a.id
    workspace.delete_zoning(a)
    assert workspace.zoning("latest").id == b.id
    workspace.delete_zoning(b)
    with pytest.raises(NotFound, match=r"holds no zoning yet; `cozone zone` makes one"):
        workspace.zoning("latest")


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_zoning_whose_ledger_is_open_is_not_published(workspace: Workspace, run: Run) -> None:
    made, before = zoning_of(run), files(workspace)
    ledger = made.tables["ledger"].assign(closure=[0.0, 2e-9, 0.0, 0.0])
    with pytest.raises(LedgerOpen, match="nox"):
        workspace.publish_zoning(replace(made, tables={**made.tables, "ledger": ledger}))
    ledger = made.tables["ledger"].assign(closure=np.nan)
    with pytest.raises(LedgerOpen):
        workspace.publish_zoning(replace(made, tables={**made.tables, "ledger": ledger}))
    assert workspace.zonings() == [] and files(workspace) == before


def test_a_zoning_needs_its_run_and_its_grid(workspace: Workspace, run: Run) -> None:
    with pytest.raises(NotFound, match="r-0123456789ab"):
        workspace.publish_zoning(made_zoning())
    other = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs="EPSG:4546", cell=1000)
    with pytest.raises(InvalidParameter, match=f"the zoning is on .*, and its run {run.id} on"):
        workspace.publish_zoning(replace(zoning_of(run), grid=other))
    with pytest.raises(InvalidParameter, match="the name of a zoning has 1 to 200 characters, not 201"):
        workspace.publish_zoning(zoning_of(run), name="x" * 201)
    assert workspace.zonings() == []


def test_tables_hold_plain_values_and_shapes_in_the_grids_crs(workspace: Workspace, run: Run) -> None:
    made = zoning_of(run)
    units = made.units

    def refused(match: str, **changed: pd.DataFrame) -> None:
        with pytest.raises(InvalidParameter, match=match):
            workspace.publish_zoning(replace(made, tables={**made.tables, **changed}))

    refused("geometry in EPSG:4326; a result's shapes are in its grid's", units=units.to_crs(4326))
    refused("1 row", units=units.assign(geometry=[*units.geometry[:-1], shapely.Polygon()]).set_crs(units.crs))
    refused("column review holds 3", units=units.assign(review=[3, *units["review"][1:]]))
    days = made.tables["notes"].assign(topic=pd.to_datetime(["2020-01-01"] * len(made.tables["notes"])))
    refused("column topic", notes=days)
    missing = made.tables["notes"].assign(text_en=[None, "x"])
    stored = workspace.publish_zoning(replace(made, tables={**made.tables, "notes": missing}))
    assert stored.tables["notes"]["text_en"].tolist() == ["", "x"]


def test_a_failure_on_the_way_leaves_nothing(workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(workspace)

    def full(*_: object, **__: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(ObjectStore, "keep", full)
    with pytest.raises(StorageError):
        workspace.publish_zoning(zoning_of(run))
    assert workspace.zonings() == [] and files(workspace) == before
    assert list((workspace.path / "tmp").iterdir()) == []
    monkeypatch.undo()
    workspace.publish_zoning(zoning_of(run))


def test_a_run_that_is_deleted_meanwhile_has_no_zoning(
    workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleting(*args: object, **keys: object) -> bytes:
        workspace.delete(run)
        monkeypatch.undo()
        return encode_classes(*args, **keys)  # type: ignore[arg-type]

    monkeypatch.setattr("gis.workspace.zonings.encode_classes", deleting)
    with pytest.raises(NotFound, match=f"run {run.id} was deleted"):
        workspace.publish_zoning(zoning_of(run))
    assert workspace.zonings() == [] and workspace.runs() == []


# -- what stands on what ----------------------------------------------------------------------------------------------


def test_a_run_that_zonings_stand_on_is_not_deleted(workspace: Workspace, run: Run) -> None:
    a, b = workspace.publish_zoning(zoning_of(run)), workspace.publish_zoning(zoning_of(run, moved=2))
    one, two = sorted((a.id, b.id))
    with pytest.raises(InvalidParameter, match=f"{one}, {two} stand on run {run.id}; delete them first"):
        workspace.delete(run)
    # The database holds it as well.
    with pytest.raises(IntegrityError), workspace._catalogue._engine.begin() as connection:
        connection.execute(delete(tables.runs))
    workspace.delete_zoning(a)
    with pytest.raises(InvalidParameter, match=f"{b.id} stands on run {run.id}; delete it first"):
        workspace.delete(run)
    workspace.delete_zoning(b)
    workspace.delete(run)
    assert workspace.runs() == []
    workspace.prune()
    assert files(workspace) == {}


def test_prune_keeps_zonings_and_comparisons_whole(workspace: Workspace, run: Run) -> None:
    a, b = workspace.publish_zoning(zoning_of(run)), workspace.publish_zoning(zoning_of(run, moved=2))
    c = workspace.publish_comparison(compare(a.zoning, b.zoning), a, b)
    assert workspace.prune().objects == 0
    assert [workspace.verify_objects(x) for x in (run, a, b, c)] == [[], [], [], []]
    workspace.delete_comparison(c)
    gone = workspace.prune()
    assert gone.objects > 0 and [workspace.verify_objects(x) for x in (run, a, b)] == [[], [], []]
    workspace.delete_zoning(b)
    # What both zonings hold stays for the one.
    assert 0 < workspace.prune().objects < len(b.entry.sizes)
    assert workspace.verify_objects(a) == [] and workspace.verify_objects(run) == []
    with workspace._catalogue.reading() as connection:
        assert set(connection.execute(select(tables.objects.c.hash)).scalars()) == set(files(workspace))
        assert connection.execute(select(tables.zoning_objects.c.zoning).distinct()).scalars().all() == [a.id]


def test_a_damaged_object_is_named_and_mended_by_publishing_again(workspace: Workspace, run: Run) -> None:
    stored = workspace.publish_zoning(zoning_of(run))
    path = stored.member_path("table", "units")
    path.chmod(0o644)
    path.write_bytes(b"\0" * path.stat().st_size)
    (workspace.path / "objects" / stored.entry.manifest[:2] / stored.entry.manifest).unlink()
    with Workspace(workspace.path) as again:
        found = again.verify_objects(again.zoning(stored.id))
        assert len(found) == 2 and all(f"of zoning {stored.id}" in line for line in found)
        with pytest.raises(CorruptObject):
            _ = again.zoning(stored.id).tables["units"]
        assert again.verify_objects(again.publish_zoning(zoning_of(run))) == []


# -- comparisons ------------------------------------------------------------------------------------------------------


def test_a_comparison_comes_back_and_keeps_its_zonings(workspace: Workspace, run: Run) -> None:
    a, b = workspace.publish_zoning(zoning_of(run)), workspace.publish_zoning(zoning_of(run, moved=2, scale=1.5))
    made = compare(a.zoning, b.zoning)
    stored = workspace.publish_comparison(made, a, b, label="why")
    assert stored.id.startswith("c-") and (stored.a, stored.b, stored.label) == (a.id, b.id, "why")
    again = Workspace(workspace.path).comparison("latest")
    assert again.id == stored.id and again.name == f"{a.name} – {b.name}"
    assert (again.comparison.a, again.comparison.b, again.comparison.species) == (made.a, made.b, made.species)
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_dtype=False)
    assert workspace.publish_comparison(made, a, b, name="named").id == stored.id
    assert [(c.id, c.name) for c in workspace.comparisons()] == [(stored.id, "named")]
    for zoning in (a, b):
        with pytest.raises(InvalidParameter, match=f"{stored.id} stands on zoning {zoning.id}; delete it first"):
            workspace.delete_zoning(zoning)
    workspace.delete_comparison(stored)
    workspace.delete_zoning(a)
    assert workspace.comparisons() == []


def test_stable_ids_are_carried_on_and_keep_what_they_come_from(workspace: Workspace, run: Run) -> None:
    a, b, c = (workspace.publish_zoning(zoning_of(run, moved=k)) for k in (0, 2, 4))
    one = workspace.publish_comparison(compare(a.zoning, b.zoning), a, b)
    made = compare(b.zoning, c.zoning, earlier=one.comparison)
    two = workspace.publish_comparison(made, b, c, earlier=one)
    assert (one.earlier, two.earlier) == (None, one.id)
    assert workspace.publish_comparison(made, b, c).id != two.id
    carried = workspace.comparison(two.id).comparison.lineage
    assert set(carried.values()) <= set(one.comparison.lineage.values())
    assert workspace.verify_comparison(one) == workspace.verify_comparison(two) == ()
    with pytest.raises(InvalidParameter, match=f"{two.id} stands on comparison {one.id}"):
        workspace.delete_comparison(one)
    with pytest.raises(
        InvalidParameter, match=f"comparison {two.id} ends with zoning {c.id}; one that ends with {b.id}"
    ):
        workspace.publish_comparison(made, b, c, earlier=two)


def test_a_comparison_that_says_something_else_is_found_out(workspace: Workspace, run: Run) -> None:
    a, b = workspace.publish_zoning(zoning_of(run)), workspace.publish_zoning(zoning_of(run, moved=2))
    made = compare(a.zoning, b.zoning)
    tonnes = made.tables["tonnes"].assign(left_t=0.0)
    wrong = workspace.publish_comparison(replace(made, tables={**made.tables, "tonnes": tonnes}), a, b)
    assert workspace.verify_comparison(wrong) == ("tonnes: what is stored differs from what was worked out anew",)


def test_a_comparison_of_something_else_is_refused(workspace: Workspace, run: Run) -> None:
    a, b = workspace.publish_zoning(zoning_of(run)), workspace.publish_zoning(zoning_of(run, year=2021))
    made = compare(a.zoning, b.zoning)
    with pytest.raises(InvalidParameter, match=f"the comparison is of run {run.id}, 2020, and zoning {b.id}"):
        workspace.publish_comparison(made, b, a)
    workspace.delete_zoning(b)
    with pytest.raises(NotFound, match=f"zoning {b.id} is not in this workspace"):
        workspace.publish_comparison(made, a, b)


# -- rasters of classes -----------------------------------------------------------------------------------------------


def test_the_raster_of_classes_has_colours_and_the_grids_place(workspace: Workspace, run: Run) -> None:
    stored = workspace.publish_zoning(zoning_of(run))
    np.testing.assert_array_equal(stored.raster(), made_zoning().class_layer())
    with rasterio.open(stored.raster_path()) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and raster.nodata == 0
        assert raster.transform == GRID.transform and raster.crs == GRID.crs.to_wkt()
        for style in CLASS_STYLES:
            assert raster.colormap(1)[int(CellClass[style.code.upper()])] == (*style.colour, 255)
        assert raster.tags()["values"].startswith("0 none, 1 watch")
    assert stored.rasters == ("class", "tier")


def test_a_catalogue_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (
        tmp_path / "catalogue.sqlite"
    ).mkdir()  # whoever runs the tests may be allowed everything; this cannot be opened by anyone
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path and access(path, mode))
    with pytest.raises(StorageError, match="you may not write there, and SQLite keeps files beside the catalogue"):
        Workspace(tmp_path)
