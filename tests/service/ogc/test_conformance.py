"""A conformance class is declared where a test holds it, and nowhere else."""

from __future__ import annotations

import importlib

import pytest
from starlette.testclient import TestClient

from service.openapi.conformance import CONFORMANCE

_OGC = "http://www.opengis.net/spec"
_HERE = "tests.service.ogc"
_FEATURES = "tests.service.clients.test_ogctests:test_core"
# Class → the tests that hold it.
_HELD = {
    f"{_OGC}/ogcapi-common-1/1.0/conf/core": (
        f"{_HERE}.test_landing:test_formats_by_name_and_by_header",
        f"{_HERE}.test_items:test_refused",
    ),
    f"{_OGC}/ogcapi-common-1/1.0/conf/landing-page": (f"{_HERE}.test_landing:test_landing_page_leads_everywhere",),
    f"{_OGC}/ogcapi-common-1/1.0/conf/json": (f"{_HERE}.test_landing:test_formats_by_name_and_by_header",),
    f"{_OGC}/ogcapi-common-1/1.0/conf/html": (f"{_HERE}.test_pages:test_a_page_loads_nothing_and_runs_nothing",),
    f"{_OGC}/ogcapi-common-1/1.0/conf/oas30": (f"{_HERE}.test_document:test_it_is_of_its_version_and_type", _FEATURES),
    f"{_OGC}/ogcapi-common-2/1.0/conf/collections": (f"{_HERE}.test_landing:test_collections_of_every_result",),
    f"{_OGC}/ogcapi-features-1/1.0/conf/core": (_FEATURES, f"{_HERE}.test_items:test_pages_hold_every_feature_once"),
    f"{_OGC}/ogcapi-features-1/1.0/conf/oas30": (
        _FEATURES,
        f"{_HERE}.test_document:test_every_reference_leads_somewhere",
    ),
    f"{_OGC}/ogcapi-features-1/1.0/conf/html": (f"{_HERE}.test_pages:test_a_page_of_features_leads_on",),
    f"{_OGC}/ogcapi-features-1/1.0/conf/geojson": (_FEATURES, f"{_HERE}.test_items:test_one_feature"),
    f"{_OGC}/ogcapi-features-2/1.0/conf/crs": (
        f"{_HERE}.test_items:test_latitude_comes_first_where_the_crs_says_so",
        f"{_HERE}.test_items:test_bbox_in_the_order_of_its_crs",
    ),
    f"{_OGC}/ogcapi-features-3/1.0/conf/queryables": (f"{_HERE}.test_newer_qgis:test_it_finds_the_queryables",),
    f"{_OGC}/ogcapi-features-3/1.0/conf/queryables-query-parameters": (
        f"{_HERE}.test_filters:test_a_property_as_a_parameter",
    ),
    f"{_OGC}/ogcapi-features-3/1.0/conf/filter": (
        f"{_HERE}.test_filters:test_text_and_json_say_the_same",
        f"{_HERE}.test_items:test_refused",
    ),
    f"{_OGC}/ogcapi-features-3/1.0/conf/features-filter": (f"{_HERE}.test_items:test_numbers_are_those_of_the_filter",),
    f"{_OGC}/ogcapi-features-5/1.0/conf/schemas": (f"{_HERE}.test_newer_qgis:test_it_finds_the_schema",),
    f"{_OGC}/ogcapi-features-5/1.0/conf/core-roles-features": (f"{_HERE}.test_newer_qgis:test_it_finds_the_schema",),
    f"{_OGC}/ogcapi-features-5/1.0/conf/queryables": (f"{_HERE}.test_filters:test_every_queryable_can_be_filtered_by",),
    f"{_OGC}/ogcapi-features-5/1.0/conf/sortables": (f"{_HERE}.test_filters:test_every_sortable_can_be_sorted_by",),
    f"{_OGC}/cql2/1.0/conf/cql2-text": (f"{_HERE}.test_filters:test_text_and_json_say_the_same",),
    f"{_OGC}/cql2/1.0/conf/cql2-json": (f"{_HERE}.test_filters:test_text_and_json_say_the_same",),
    f"{_OGC}/cql2/1.0/conf/basic-cql2": (f"{_HERE}.test_newer_qgis:test_comparisons",),
    f"{_OGC}/cql2/1.0/conf/advanced-comparison-operators": (f"{_HERE}.test_newer_qgis:test_like_between_in_and_null",),
    f"{_OGC}/cql2/1.0/conf/case-insensitive-comparison": (f"{_HERE}.test_newer_qgis:test_like_between_in_and_null",),
    f"{_OGC}/cql2/1.0/conf/basic-spatial-functions": (f"{_HERE}.test_newer_qgis:test_spatial",),
    f"{_OGC}/cql2/1.0/conf/basic-spatial-operators": (f"{_HERE}.test_newer_qgis:test_spatial",),
    f"{_OGC}/cql2/1.0/conf/spatial-functions": (f"{_HERE}.test_filters:test_spatial_functions_agree_with_shapely",),
}


def test_what_is_declared_is_what_is_held(client: TestClient) -> None:
    declared = client.get("/ogc/conformance").json()["conformsTo"]
    assert set(CONFORMANCE) == set(_HELD) <= set(declared)
    assert len(declared) == len(set(declared))


@pytest.mark.parametrize("held", sorted({test for tests in _HELD.values() for test in tests}))
def test_there_is_such_a_test(held: str) -> None:
    module, _, name = held.partition(":")
    assert callable(getattr(importlib.import_module(module), name))
