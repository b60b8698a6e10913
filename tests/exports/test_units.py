"""A zoning as files, read back by other libraries: polygons, numbers, texts, styles, datums."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from pyarrow import csv

from gis.errors import InvalidParameter, StorageError
from gis.exports.styles import CHANGE_STYLES, CLASS_STYLES, CONFLICT_STYLES, Fill, colour_table, qml
from gis.exports.units import layer_of, to_wgs84, write_geojson_layer
from gis.workspace import StoredComparison, StoredZoning, Workspace
from gis.workspace.export_zoning import ZoningFormat, export_zoning
from gis.zoning.classes import CellClass
from gis.zoning.comparison import compare
from gis.zoning.model import TABLES
from tests.workspace.zoned import published_run, zoning_of
from tests.zoning.made import GRID, box, made_zoning

POLYGONS = ("units", "hotspots", "conflicts", "cells")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("zoned")
    with Workspace(root / "ws") as opened:
        run = published_run(opened, root / "in")
        opened.publish_zoning(zoning_of(run), name="甲乙", label="初稿")
        opened.publish_zoning(zoning_of(run, moved=2), name="later")
        yield opened


@pytest.fixture(scope="module")
def stored(workspace: Workspace) -> StoredZoning:
    return workspace.zoning("甲乙")


@pytest.fixture(scope="module")
def comparison(workspace: Workspace, stored: StoredZoning) -> StoredComparison:
    later = workspace.zoning("later")
    return workspace.publish_comparison(compare(stored.zoning, later.zoning), stored, later)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns without polygons, numbers as 64 bits, so that formats can be compared."""
    out = pd.DataFrame(frame).drop(columns=["geometry", "wkt"], errors="ignore").reset_index(drop=True)
    for name in out:
        if out[name].dtype.kind in "iu":
            out[name] = out[name].astype("int64")
        elif out[name].dtype.kind not in "bf":
            out[name] = out[name].fillna("").astype(str)
    return out


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, *, rtol: float = 0.0) -> None:
    pd.testing.assert_frame_equal(plain(found), plain(expected), check_dtype=False, rtol=rtol, atol=0.0)


def polygons(stored: StoredZoning, name: str) -> np.ndarray:
    """The polygons expected: those of the table, or the boxes of its cells."""
    table = stored.tables[name]
    if name != "cells":
        return gpd.GeoDataFrame(table).geometry.to_numpy()
    return np.array([box((r, r + 1), (c, c + 1)) for r, c in zip(table["row"], table["col"], strict=True)])


# -- every format -----------------------------------------------------------------------------------------------------


def test_a_geopackage_holds_every_table_and_every_polygon(stored: StoredZoning, tmp_path: Path) -> None:
    (path,) = export_zoning(stored, ZoningFormat.GPKG, tmp_path / "分区.gpkg")
    kinds = dict(pyogrio.list_layers(path))
    assert set(kinds) == {*TABLES, "manifest", "layer_styles"}
    assert {n for n, kind in kinds.items() if kind is not None} == set(POLYGONS)
    for name in TABLES:
        found = pyogrio.read_dataframe(path, layer=name)
        assert_same(found, stored.tables[name])
        if name in POLYGONS:
            assert shapely.equals(found.geometry.to_numpy(), polygons(stored, name)).all()
            assert pyproj.CRS(found.crs).equals(GRID.crs, ignore_axis_order=True)
            assert found.geometry.is_valid.all()
    notes = pyogrio.read_dataframe(path, layer="manifest").set_index("key")["value"]
    assert (notes["id"], notes["name"], notes["label"]) == (stored.id, "甲乙", "初稿")
    assert json.loads(notes["identity"]) == stored.manifest["identity"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert [p.name for p in tmp_path.iterdir()] == ["分区.gpkg"]


def test_the_same_zoning_makes_the_same_bytes(stored: StoredZoning, tmp_path: Path) -> None:
    def digests(directory: Path) -> dict[str, str]:
        for form in ZoningFormat:
            export_zoning(stored, form, directory / (f"{form}.gpkg" if form is ZoningFormat.GPKG else str(form)))
        found = (p for p in sorted(directory.rglob("*")) if p.is_file())
        return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}

    first = digests(tmp_path / "a")
    assert digests(tmp_path / "b") == first and len(first) == 1 + 19 + 5 + 5 + 19 + 3


def test_geoparquet_holds_every_table(stored: StoredZoning, tmp_path: Path) -> None:
    written = export_zoning(stored, ZoningFormat.GEOPARQUET, tmp_path / "out")
    assert [p.name for p in written] == [*(f"{n}.parquet" for n in (*POLYGONS, *_rest())), "manifest.json"]
    for name in TABLES:
        path = tmp_path / "out" / f"{name}.parquet"
        if name in POLYGONS:
            found = gpd.read_parquet(path)
            assert found.crs == GRID.crs and shapely.equals(found.geometry.to_numpy(), polygons(stored, name)).all()
            np.testing.assert_allclose(found.total_bounds, shapely.total_bounds(polygons(stored, name)))
        else:
            found = pd.read_parquet(path)
        assert_same(found, stored.tables[name])
    assert json.loads(written[-1].read_text("utf-8"))["id"] == stored.id


def _rest() -> list[str]:
    return [n for n in TABLES if n not in POLYGONS]


def test_csv_opens_in_a_spreadsheet_and_reads_back_to_the_last_digit(stored: StoredZoning, tmp_path: Path) -> None:
    written = export_zoning(stored, ZoningFormat.CSV, tmp_path / "out", wkt=True)
    assert {p.name for p in written} == {*(f"{n}.csv" for n in TABLES), "manifest.json"}
    for name in TABLES:
        path = tmp_path / "out" / f"{name}.csv"
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        texts = [c for c in stored.tables[name].columns if stored.tables[name][c].dtype.kind not in "biuf"]
        found = pd.read_csv(path, encoding="utf-8-sig", dtype=dict.fromkeys(texts, str))
        assert_same(found, stored.tables[name])
        if name in POLYGONS:
            assert shapely.equals(shapely.from_wkt(found["wkt"].to_numpy()), polygons(stored, name)).all()
    export_zoning(stored, ZoningFormat.CSV, tmp_path / "units.csv", layer="units")
    assert csv.read_csv(tmp_path / "units.csv").column_names == [c for c in stored.tables["units"] if c != "geometry"]


def test_flatgeobuf_has_a_spatial_index(stored: StoredZoning, tmp_path: Path) -> None:
    export_zoning(stored, ZoningFormat.FLATGEOBUF, tmp_path / "out")
    for name, key in (("units", "unit"), ("hotspots", "patch"), ("conflicts", "conflict"), ("cells", "cell")):
        path = tmp_path / "out" / f"{name}.fgb"
        found = pyogrio.read_dataframe(path).set_index(key).loc[list(stored.tables[name][key])].reset_index()
        assert_same(found[list(plain(stored.tables[name]).columns)], stored.tables[name])
        assert shapely.equals(found.geometry.to_numpy(), polygons(stored, name)).all()
        assert pyproj.CRS(found.crs).equals(GRID.crs, ignore_axis_order=True)
        assert pyogrio.read_info(path)["capabilities"]["fast_spatial_filter"]


def test_geojson_is_wgs84_and_says_how_it_got_there(stored: StoredZoning, tmp_path: Path) -> None:
    export_zoning(stored, ZoningFormat.GEOJSON, tmp_path / "out")
    to_metres = pyproj.Transformer.from_crs(4326, GRID.crs, always_xy=True).transform
    for name in POLYGONS:
        whole = json.loads((tmp_path / "out" / f"{name}.geojson").read_text("utf-8"))
        assert "crs" not in whole and whole["type"] == "FeatureCollection"
        assert "CGCS2000 / 3-degree Gauss-Kruger CM 114E" in whole["description"]
        assert "PROJ knows no transformation between the datums" in whole["description"]
        found = gpd.GeoDataFrame.from_features(whole["features"])
        # GDAL writes 17 digits to JSON and then shortens what looks like a rounding error.
        assert_same(found[list(plain(stored.tables[name]).columns)], stored.tables[name], rtol=1e-15)
        back = shapely.transform(found.geometry.to_numpy(), lambda xy: np.stack(to_metres(xy[:, 0], xy[:, 1]), axis=1))
        # Two centimetres: seven decimals of a degree.
        assert (shapely.hausdorff_distance(back, polygons(stored, name)) < 0.02).all()
        shells = shapely.get_exterior_ring(shapely.get_parts(found.geometry.to_numpy()))
        assert shapely.is_ccw(shells).all()
    # Tables without polygons are no GeoJSON.
    assert not (tmp_path / "out" / "sectors.geojson").exists()
    with pytest.raises(InvalidParameter, match="layer 'sectors' cannot be written so; there is units, hotspots"):
        export_zoning(stored, ZoningFormat.GEOJSON, tmp_path / "s.geojson", layer="sectors")


def test_rasters_are_copies_of_the_stored_ones(stored: StoredZoning, tmp_path: Path) -> None:
    written = export_zoning(stored, ZoningFormat.COG, tmp_path / "out")
    assert [p.name for p in written] == ["class.tif", "tier.tif", "manifest.json"]
    with rasterio.open(written[0]) as raster:
        np.testing.assert_array_equal(raster.read(1), stored.zoning.class_layer())
    export_zoning(stored, ZoningFormat.COG, tmp_path / "t.tif", layer="tier")
    assert (tmp_path / "t.tif").read_bytes() == written[1].read_bytes()
    with pytest.raises(InvalidParameter, match="has no raster 'units'; there is class, tier"):
        export_zoning(stored, ZoningFormat.COG, tmp_path / "t.tif", layer="units")


def test_a_comparison_is_exported_with_the_cells_that_changed(comparison: StoredComparison, tmp_path: Path) -> None:
    (path,) = export_zoning(comparison, ZoningFormat.GPKG, tmp_path / "c.gpkg")
    cells = pyogrio.read_dataframe(path, layer="cells")
    assert_same(cells, comparison.tables["cells"])
    # Three rows of a block of four columns moved by two.
    assert cells["change"].value_counts().to_dict() == {"entered": 6, "left": 6}
    areas = cells.geometry.area.to_numpy()
    np.testing.assert_allclose(areas, 1e6)
    assert _default_style(path, "cells").find("renderer-v2").get("attr") == "change"  # type: ignore[union-attr]
    export_zoning(comparison, ZoningFormat.CSV, tmp_path / "out")
    assert (tmp_path / "out" / "lineage.csv").exists()
    with pytest.raises(InvalidParameter, match="is a comparison and has no raster"):
        export_zoning(comparison, ZoningFormat.COG, tmp_path / "cogs")


@pytest.mark.parametrize("form", list(ZoningFormat))
def test_a_zoning_without_any_unit_is_exported(workspace: Workspace, tmp_path: Path, form: ZoningFormat) -> None:
    made = zoning_of(workspace.run("latest"))
    empty = {n: made.tables[n].iloc[:0] for n in ("cells", "hotspots", "units", "conflicts", "access", "sectors")}
    stored = workspace.publish_zoning(replace(made, tables={**made.tables, **empty}))
    written = export_zoning(stored, form, tmp_path / "out.gpkg")
    if form is ZoningFormat.GPKG:
        found = pyogrio.read_dataframe(written[0], layer="units")
        assert (
            len(found) == 0 and "co2_t_km2" in found and pyproj.CRS(found.crs).equals(GRID.crs, ignore_axis_order=True)
        )
    workspace.delete_zoning(stored)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_what_cannot_be_written_is_said(stored: StoredZoning, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="is a directory, and this makes one file"):
        export_zoning(stored, ZoningFormat.GPKG, tmp_path)
    with pytest.raises(InvalidParameter, match="polygons as text are for csv; gpkg has polygons"):
        export_zoning(stored, ZoningFormat.GPKG, tmp_path / "a.gpkg", wkt=True)
    with pytest.raises(InvalidParameter, match="layer 'Units' cannot be written so; there is units"):
        export_zoning(stored, ZoningFormat.CSV, tmp_path / "a.csv", layer="Units")
    (tmp_path / "file").touch()
    for form in ZoningFormat:
        with pytest.raises(StorageError, match="cannot be written"):
            export_zoning(stored, form, tmp_path / "file" / "x.gpkg")
    with pytest.raises(InvalidParameter, match="has no polygons"):
        write_geojson_layer(tmp_path / "x.geojson", layer_of("notes", stored.tables["notes"], GRID))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_export_replaces_a_file_of_its_name(stored: StoredZoning, tmp_path: Path) -> None:
    for form, name in ((ZoningFormat.GPKG, "a.gpkg"), (ZoningFormat.GEOJSON, "a.geojson")):
        (tmp_path / name).write_text("something else")
        export_zoning(stored, form, tmp_path / name, layer="units")
        assert len(pyogrio.read_dataframe(tmp_path / name, layer="units")) == 5


# -- styles -----------------------------------------------------------------------------------------------------------


def _default_style(path: Path, layer: str) -> ET.Element:
    """The style QGIS takes: by the query of its OGR provider, with the geometry column that the GeoPackage states."""
    with closing(sqlite3.connect(path)) as database:
        (column,) = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
        (text,) = database.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_schema = '' AND f_table_name = ? AND f_geometry_column = ? "
            "ORDER BY CASE WHEN useAsDefault THEN 1 ELSE 2 END, update_time DESC LIMIT 1",
            (layer, column),
        ).fetchone()
    return ET.fromstring(text.split("\n", 1)[1])


@pytest.mark.parametrize("layer", POLYGONS)
def test_qgis_finds_a_style_that_colours_every_feature(stored: StoredZoning, tmp_path: Path, layer: str) -> None:
    (path,) = export_zoning(stored, ZoningFormat.GPKG, tmp_path / "a.gpkg")
    renderer = _default_style(path, layer).find("renderer-v2")
    assert renderer is not None and renderer.get("type") == "categorizedSymbol"
    styles = {s.code: s for s in (CONFLICT_STYLES if layer == "conflicts" else CLASS_STYLES)}
    symbols = {s.get("name"): s for s in renderer.iterfind("symbols/symbol")}
    shown = {}
    for category in renderer.iterfind("categories/category"):
        options = symbols[category.get("symbol")].iterfind("layer/Option/Option")
        shown[category.get("value")] = {o.get("name"): o.get("value") for o in options}
        assert category.get("label") == styles[str(category.get("value"))].label
    values = set(pyogrio.read_dataframe(path, layer=layer)[str(renderer.get("attr"))])
    assert values - {"none"} <= set(shown) and values - {"none"}
    for code, options in shown.items():
        assert str(options["color"]).startswith(",".join(map(str, styles[str(code)].colour)) + ",")


def test_a_style_has_what_older_readers_of_qgis_read() -> None:
    root = ET.fromstring(qml("a&b", CHANGE_STYLES, Fill("solid", 7)).split("\n", 1)[1])
    assert root.find("renderer-v2").get("attr") == "a&b"  # type: ignore[union-attr]
    for symbol in root.iterfind(".//symbol/layer"):
        options = {o.get("name"): o.get("value") for o in symbol.iterfind("Option/Option")}
        assert options == {p.get("k"): p.get("v") for p in symbol.iterfind("prop")} and options["color"].endswith(",7")  # type: ignore[union-attr]


def test_every_class_has_a_colour_of_its_own() -> None:
    assert [s.code for s in CLASS_STYLES] == [c.code for c in sorted(CellClass, reverse=True) if c]
    assert len({s.hex for s in CLASS_STYLES}) == 4 and all(len(s.hex) == 7 for s in CLASS_STYLES)
    assert colour_table("class")[0] == colour_table("tier")[0] == colour_table("other")[0] == (0, 0, 0, 0)
    assert len(set(colour_table("class").values())) == 5 and len(set(colour_table("tier").values())) == 4


# -- datums and the 180th meridian ------------------------------------------------------------------------------------


def _layer(crs: str, *bounds: tuple[float, float, float, float]) -> object:
    frame = gpd.GeoDataFrame({"class": ["watch"] * len(bounds)}, geometry=[shapely.box(*b) for b in bounds], crs=crs)
    return layer_of("units", frame, GRID)


def test_a_known_transformation_is_applied_and_its_accuracy_given() -> None:
    shapes = np.array([shapely.box(10.0, 50.0, 11.0, 51.0)])
    moved, how = to_wgs84(shapes, pyproj.CRS("EPSG:4230"))  # ED50: off by about a hundred metres
    assert "ED50 to WGS 84" in how and "accuracy" in how
    off = shapely.get_coordinates(moved) - shapely.get_coordinates(shapes)
    assert (np.abs(off).max(axis=0) > 5e-4).all() and (np.abs(off) < 2e-3).all()
    _, same = to_wgs84(shapes, pyproj.CRS("EPSG:4326"))
    assert same.endswith("the datum is the same.")
    kept, unknown = to_wgs84(np.array([shapely.box(110.0, 30.0, 111.0, 31.0)]), pyproj.CRS("EPSG:4610"))  # Xian 1980
    assert "taken as they are" in unknown and "hundreds of metres" in unknown
    np.testing.assert_array_equal(shapely.total_bounds(kept), (110.0, 30.0, 111.0, 31.0))


def test_polygons_are_cut_at_the_180th_meridian(tmp_path: Path) -> None:
    layer = _layer("EPSG:4326", (190, 10, 191, 11), (179, 0, 181, 1), (-170, 5, -169, 6))
    write_geojson_layer(tmp_path / "a.geojson", layer)  # type: ignore[arg-type]
    found = gpd.GeoDataFrame.from_features(json.loads((tmp_path / "a.geojson").read_text())["features"]).geometry
    expected = [
        shapely.box(-170, 10, -169, 11), shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)]),
        shapely.box(-170, 5, -169, 6),
    ]  # fmt: skip
    assert [a.equals(b) for a, b in zip(found, expected, strict=True)] == [True] * 3


# -- outside programs -------------------------------------------------------------------------------------------------


@pytest.mark.external
def test_ogrinfo_reads_every_layer(stored: StoredZoning, tmp_path: Path) -> None:
    """Needs GDAL's programs."""
    ogrinfo = shutil.which("ogrinfo")
    assert ogrinfo is not None, "ogrinfo is missing: apt-get install gdal-bin"
    export_zoning(stored, ZoningFormat.GPKG, tmp_path / "a.gpkg")
    export_zoning(stored, ZoningFormat.GEOJSON, tmp_path / "json")
    export_zoning(stored, ZoningFormat.FLATGEOBUF, tmp_path / "fgb")
    for path in (tmp_path / "a.gpkg", tmp_path / "json" / "units.geojson", tmp_path / "fgb" / "cells.fgb"):
        done = subprocess.run([ogrinfo, "-al", "-so", path], capture_output=True, text=True, check=True)
        assert "Feature Count: " in done.stdout and not done.stderr, done.stderr
    assert sum(len(made_zoning().tables[n]) for n in ("units", "cells")) == 5 + 25
