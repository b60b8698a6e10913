"""Collections: what a published result offers, known before a feature is read, and true of every one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from gis.errors import InvalidParameter, NotFound
from gis.views import frames
from gis.workspace import StoredZoning
from service.features import fields as fields_module
from service.features.collection import Collection, Kind
from service.features.collections import collection_of, collections_of
from service.features.crs import CRS84_URI, crs_named, known_crs
from service.features.fields import FieldType, field_named, fields_of
from service.features.heads import head_of
from service.library import Library
from service.settings import Settings
from tests.service.features.conftest import Ask

NAMES = ("units", "hotspots", "zoned", "conflicts", "cells", "sources", "changes")


def test_every_result_has_its_collections(library: Library) -> None:
    found = collections_of(library)
    kinds = {"z": {"units", "hotspots", "cells", "conflicts"}, "r": {"cells", "sources"}, "c": {"changes"}}
    for result in library.results():
        assert {str(c.kind) for c in found if c.result_id == result.id} == kinds[result.id[0]]
    assert len({c.id for c in found}) == len(found)
    assert [c.needs_facilities for c in found] == [c.kind is Kind.SOURCES for c in found]
    assert all(collection_of(library, c.id) is c for c in found)


@pytest.mark.parametrize(
    "which", ["units", "z-x.units", "z-000000000000.units", "latest.units", "../z.units", "", ".", "z-latest.cells"]
)
def test_other_ids_are_not_found(library: Library, which: str) -> None:
    with pytest.raises(NotFound):
        collection_of(library, which)


def test_a_kind_that_a_result_does_not_have_is_named(library: Library) -> None:
    zoning = next(r for r in library.results() if isinstance(r, StoredZoning))
    with pytest.raises(NotFound, match=rf"has no collection 'sources'; it has {zoning.id}\.units"):
        collection_of(library, f"{zoning.id}.sources")


@pytest.mark.parametrize("which", NAMES)
def test_what_is_said_is_true_of_every_feature(ask: Ask, collections: dict[str, Collection], which: str) -> None:
    collection = collections[which]
    features = ask(which, limit="50000")["features"]
    assert collection.number == len(features)
    shapes = shapely.from_geojson([str(f["geometry"]).replace("'", '"') for f in features])
    west, south, east, north = shapely.total_bounds(shapes)
    assert collection.bounds is not None
    assert collection.bounds[0] - 1e-6 <= west and collection.bounds[1] - 1e-6 <= south
    assert collection.bounds[2] + 1e-6 >= east and collection.bounds[3] + 1e-6 >= north
    types = {FieldType.TEXT: str, FieldType.INTEGER: int, FieldType.NUMBER: (int, float), FieldType.BOOLEAN: bool}
    for field in collection.fields:
        values = {f["properties"][field.name] for f in features} - {None}
        assert all(isinstance(v, types[field.type]) for v in values), field.name
        assert not field.values or values <= set(field.values), field.name
        assert field.title_zh
        assert field.title_en
    kinds = {f["geometry"]["type"] for f in features}
    assert kinds == {collection.geometry_type} or collection.geometry_type == "Geometry"
    if collection.id_field:
        assert [f["id"] for f in features] == [f["properties"][collection.id_field] for f in features]


@pytest.mark.parametrize("which", NAMES)
def test_types_are_those_of_the_stored_columns(collections: dict[str, Collection], which: str) -> None:
    kinds = {
        FieldType.TEXT: pa.types.is_string, FieldType.INTEGER: pa.types.is_integer, FieldType.NUMBER: pa.types.is_floating,
        FieldType.BOOLEAN: pa.types.is_boolean,
    }  # fmt: skip
    schema = collections[which].rows.schema
    assert schema.names == [f.name for f in collections[which].fields]
    for field in collections[which].fields:
        stored = schema.field(field.name).type
        plain = stored.value_type if pa.types.is_dictionary(stored) else stored
        assert kinds[field.type](plain), (field.name, stored)


def test_documents_name_every_field(collections: dict[str, Collection]) -> None:
    units = collections["units"]
    schema, queryables, sortables = units.schema(), units.queryables(), units.sortables()
    names = [f.name for f in units.fields]
    assert list(schema["properties"]) == [*names, "geometry"]  # type: ignore[call-overload]
    assert list(sortables["properties"]) == names  # type: ignore[call-overload]
    assert queryables["additionalProperties"] is False
    assert schema["properties"]["unit"]["x-ogc-role"] == "id"  # type: ignore[index]
    assert schema["properties"]["geometry"]["format"] == "geometry-multipolygon"  # type: ignore[index]
    assert schema["properties"]["co2_t"]["x-ogc-unit"] == "t/yr"  # type: ignore[index]
    assert "二氧化碳" in schema["properties"]["co2_t"]["title"]  # type: ignore[index]
    assert "co_control" in queryables["properties"]["class"]["enum"]  # type: ignore[index]


def test_a_listing_reads_no_table(library: Library, monkeypatch: pytest.MonkeyPatch, published: Path) -> None:
    collections_of(library)  # heads are kept from now on

    def refuse(*_: object) -> None:
        raise AssertionError("a table was read")

    monkeypatch.setattr(frames, "stored_batches", refuse)
    monkeypatch.setattr("service.features.heads._columns", refuse)
    again = Library(Settings(workspace=published))
    assert [c.number for c in collections_of(again)] == [c.number for c in collections_of(library)]
    again.close()


def test_a_damaged_head_is_made_again(library: Library, published: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(published, copy)
    with_heads = Library(Settings(workspace=copy))
    result = with_heads.results()[0]
    kind = Kind.UNITS
    head = head_of(with_heads.views, result, kind)
    (path,) = (copy / "views" / "heads").glob(f"{result.id}-{kind}-*.json")
    path.write_text("[1]")
    assert head_of(with_heads.views, result, kind) == head
    with_heads.close()


def test_crs_are_named_in_any_way_that_clients_write_them(collections: dict[str, Collection]) -> None:
    grid = collections["units"].grid
    uris = [c.uri for c in known_crs(grid)]
    assert uris[0] == CRS84_URI
    assert {u.rsplit("/", 1)[-1] for u in uris} >= {"CRS84", "4326", "4490", "3857"}
    for text in (
        "http://www.opengis.net/def/crs/EPSG/0/4490",
        "EPSG:4490",
        "[EPSG:4490]",
        "urn:ogc:def:crs:EPSG::4490",
        "https://www.opengis.net/def/crs/EPSG/0/4490",
    ):
        assert crs_named(grid, text, "crs").flipped
    for text in (CRS84_URI, "OGC:CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84"):
        assert crs_named(grid, text, "crs").is_crs84
    assert not crs_named(grid, "EPSG:3857", "crs").flipped
    with pytest.raises(InvalidParameter, match=r"bbox-crs.*use one of"):
        crs_named(grid, "EPSG:27700", "bbox-crs")


def test_a_column_without_a_title_is_noticed() -> None:
    with pytest.raises(InvalidParameter, match="colour has no title"):
        fields_of({"colour": FieldType.TEXT}, {"co2": ("二氧化碳", "CO2")}, {})
    (field,) = fields_of({"pm25_2020_t": FieldType.NUMBER}, {"pm25": ("细颗粒物", "PM2.5"), "pm": ("颗粒物", "PM")}, {})
    assert field.title_en == "PM2.5: emissions of 2020"
    with pytest.raises(InvalidParameter, match="near: pm25_2020_t"):
        field_named([field], "pm25_202_t", "filter")
    assert fields_module.FieldType("number") is FieldType.NUMBER


def test_bounds_of_nothing_are_none(library: Library) -> None:
    empty = [c for c in collections_of(library) if c.number == 0]
    assert all(c.bounds is None or np.isfinite(c.bounds).all() for c in empty)
