"""Vector files: one small file of each format, made here; attributes in Chinese, damage named with its file."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import InvalidDescription, MissingCrs, ReadError
from gis.inventory.numbers import numbers
from gis.inventory.readers import read_table
from gis.inventory.readers.files import InputFiles
from gis.inventory.rows import texts

FORMATS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON", ".fgb": "FlatGeobuf", ".parquet": None}


def frame(crs="EPSG:4490", geometry=None):
    shapes = [shapely.box(110, 30, 111, 31), shapely.box(112, 30, 113, 31), shapely.box(114, 30, 115, 31)]
    return gpd.GeoDataFrame(
        {"名称": ["甲县", "乙县", "Bing"], "code": ["110101", "110102", None], "量": [1.5, None, 3.0], "n": [7, 8, 9]},
        geometry=shapes if geometry is None else geometry, crs=crs,
    )  # fmt: skip


def write(data, path, **options):
    if path.suffix == ".parquet":
        data.to_parquet(path)
        return path
    with warnings.catch_warnings():
        # A file without a CRS is what is wanted here.
        warnings.filterwarnings("ignore", "'crs' was not provided")
        data.to_file(path, driver=FORMATS[path.suffix], **options)
    return path


def read(path, **options):
    return read_table(path, InputFiles(path.parent), **options)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_gives_the_same_features(tmp_path, ending):
    table = read(write(frame(), tmp_path / f"县{ending}"))
    assert sorted(texts(table.column("名称")).to_pylist()) == sorted(["甲县", "乙县", "Bing"])
    order = np.argsort(numbers(table.column("n")).values)
    assert texts(table.column("code")).take(order).to_pylist() == ["110101", "110102", ""]
    assert np.array_equal(numbers(table.column("量")).values[order], [1.5, np.nan, 3.0], equal_nan=True)
    assert table.rows.tolist() == [1, 2, 3]
    assert table.crs.equals("EPSG:4490", ignore_axis_order=True)
    assert all(shapely.equals(a, b) for a, b in zip(table.geometry[order], frame().geometry, strict=True))


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8", "GB18030"])
@pytest.mark.parametrize("known", ["cpg", "stated", "tried"])
def test_shapefile_attributes_in_any_encoding(tmp_path, encoding, known):
    path = write(frame(), tmp_path / "c.shp", encoding=encoding)
    if known != "cpg":
        path.with_suffix(".cpg").unlink()
    table = read(path, encoding=encoding if known == "stated" else None)
    assert texts(table.column("名称")).to_pylist() == ["甲县", "乙县", "Bing"]
    recorded = {"c.shp", "c.shx", "c.dbf", "c.prj"} | ({"c.cpg"} if known == "cpg" else set())
    files = InputFiles(tmp_path)
    read_table(path, files)
    assert {f.name for f in files.inputs} == recorded


def test_gbk_language_byte_is_believed(tmp_path):
    path = write(frame(), tmp_path / "c.shp", encoding="GBK")
    path.with_suffix(".cpg").unlink()
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[29] = 0x4D
    path.with_suffix(".dbf").write_bytes(dbf)
    assert texts(read(path).column("名称")).to_pylist() == ["甲县", "乙县", "Bing"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.05, 0.4, 0.9, 0.995])
def test_truncated_files_name_themselves(tmp_path, ending, share):
    whole = write(frame(), tmp_path / f"whole{ending}")
    for each in tmp_path.glob("whole.*"):
        each.rename(tmp_path / each.name.replace("whole", "cut"))
    data = (tmp_path / f"cut{ending}").read_bytes()
    assert not whole.exists()
    (tmp_path / f"cut{ending}").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match="cut"):
        read(tmp_path / f"cut{ending}")


@pytest.mark.parametrize("ending", FORMATS)
def test_files_of_another_content_name_themselves(tmp_path, ending):
    path = write(frame(), tmp_path / f"c{ending}")
    path.write_bytes(b"<!DOCTYPE html><html>login required</html>" * 20)
    with pytest.raises(ReadError, match=f"c{ending}"):
        read(path)


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".parquet", ".geojson"])
def test_corrupt_files_name_themselves(tmp_path, ending):
    path = write(frame(), tmp_path / f"c{ending}")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle - 200 : middle + 200] = b"\xff" * 400
    path.write_bytes(data)
    with pytest.raises(ReadError, match=f"c{ending}"):
        read(path)


@pytest.mark.parametrize("gone", [".shx", ".dbf"])
def test_shapefile_without_its_companions(tmp_path, gone):
    path = write(frame(), tmp_path / "c.shp")
    path.with_suffix(gone).unlink()
    with pytest.raises(ReadError, match=rf"c\.shp: no {gone} file stands beside it"):
        read(path)


def test_a_geopackage_that_another_program_is_writing(tmp_path):
    path = write(frame(), tmp_path / "c.gpkg")
    (tmp_path / "c.gpkg-wal").write_bytes(b"x" * 100)
    with pytest.raises(ReadError, match=r"c\.gpkg-wal holds changes"):
        read(path)


def test_shapefile_with_a_truncated_companion(tmp_path):
    for ending in (".shx", ".dbf"):
        path = write(frame(), tmp_path / "c.shp")
        beside = path.with_suffix(ending)
        beside.write_bytes(beside.read_bytes()[:-20])
        with pytest.raises(ReadError, match=rf"c{ending}: truncated, beside c\.shp"):
            read(path)


def test_upper_case_companions_are_found(tmp_path):
    path = write(frame(), tmp_path / "c.shp", encoding="GBK")
    for ending in (".shx", ".dbf", ".prj", ".cpg", ".shp"):
        (tmp_path / f"c{ending}").rename(tmp_path / f"C{ending.upper()}")
    assert texts(read(tmp_path / "C.SHP").column("名称")).to_pylist() == ["甲县", "乙县", "Bing"]
    assert not path.exists()


# -- CRS --------------------------------------------------------------------------------------------------------------


def test_a_missing_crs_is_an_error_unless_stated(tmp_path):
    for ending in (".shp", ".gpkg", ".parquet", ".fgb"):
        path = write(frame(crs=None), tmp_path / f"c{ending}")
        with pytest.raises(MissingCrs, match=f"c{ending}: the file states no CRS"):
            read(path)
        assert read(path, crs="EPSG:4490").crs.to_epsg() == 4490


def test_a_stated_crs_that_contradicts_the_file_is_an_error(tmp_path):
    path = write(frame(), tmp_path / "c.gpkg")
    with pytest.raises(InvalidDescription, match=r"c\.gpkg: the file states .*2000.*, the description WGS 84"):
        read(path, crs="EPSG:4326")
    assert read(path, crs="EPSG:4490").crs.to_epsg() == 4490
    with pytest.raises(InvalidDescription, match="crs 'EPSG:0' is not one pyproj knows"):
        read(path, crs="EPSG:0")


def test_geojson_and_geoparquet_have_a_crs_by_their_format(tmp_path):
    feature = {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [1, 2, 9]}}
    path = tmp_path / "c.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert read(path).crs.to_epsg() == 4326
    data = frame(crs="OGC:CRS84")
    data.to_parquet(tmp_path / "c.parquet")
    assert read(tmp_path / "c.parquet").crs.to_authority() == ("OGC", "CRS84")


# -- layers and shapes of files -----------------------------------------------------------------------------------------


def test_layers_of_a_geopackage(tmp_path):
    path = write(frame(), tmp_path / "c.gpkg", layer="县")
    assert len(read(path)) == 3
    frame().iloc[:1].to_file(path, layer="市", driver="GPKG")
    with pytest.raises(ReadError, match=r"c\.gpkg: 2 layers \(县, 市\); say in `layer`"):
        read(path)
    assert len(read(path, layer="市")) == 1
    with pytest.raises(ReadError, match="no layer is named 'x'; it has 县, 市"):
        read(path, layer="x")


def test_an_ending_that_lies_is_an_error(tmp_path):
    path = write(frame(), tmp_path / "c.gpkg")
    with pytest.raises(ReadError, match=r"d\.fgb: not FlatGeobuf"):
        read(path.rename(tmp_path / "d.fgb"))


def test_parquet_without_geometry_is_a_table(tmp_path):
    frame().drop(columns="geometry").to_parquet(tmp_path / "t.parquet")
    table = read(tmp_path / "t.parquet")
    assert table.geometry is None and table.crs is None
    assert texts(table.column("名称")).to_pylist() == ["甲县", "乙县", "Bing"]


def test_geoparquet_with_native_geometries(tmp_path):
    points = gpd.GeoDataFrame({"a": [1, 2]}, geometry=gpd.points_from_xy([1.0, 2.0], [3.0, 4.0]), crs=4326)
    points.to_parquet(tmp_path / "p.parquet", geometry_encoding="geoarrow")
    assert shapely.get_x(read(tmp_path / "p.parquet").shapes).tolist() == [1.0, 2.0]


def test_points_of_geoparquet_are_read_without_making_objects(tmp_path):
    shapes = gpd.points_from_xy([1.5, 2.5, 3.5], [4.0, 5.0, 6.0])
    data = gpd.GeoDataFrame({"a": [1, 2, 3]}, geometry=shapes, crs=4326)
    data.to_parquet(tmp_path / "p.parquet", row_group_size=2)
    table = read(tmp_path / "p.parquet")
    assert table.geometry is None and [v.tolist() for v in table.points] == [[1.5, 2.5, 3.5], [4.0, 5.0, 6.0]]
    assert all(shapely.equals(table.shapes, np.asarray(shapes)))
    for other in (None, shapely.Point(), shapely.Point(1, 2, 3), shapely.MultiPoint([(1, 2)])):
        data.geometry = [*list(shapes)[:2], other]
        data.to_parquet(tmp_path / "q.parquet")
        assert read(tmp_path / "q.parquet").points is None


def test_an_empty_layer_is_read_as_one(tmp_path):
    for ending in (".gpkg", ".parquet", ".shp"):
        table = read(write(frame().iloc[:0], tmp_path / f"e{ending}"))
        assert len(table) == 0 and len(table.geometry) == 0
