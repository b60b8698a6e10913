"""TileJSON, lists of layers, legends, styles, and OGC API Tiles: what they say is what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer
from starlette.testclient import TestClient

from gis.tiles.matrices import MATRICES, matrix_set
from gis.workspace import Workspace
from service.tiles.document import CONFORMANCE, paths
from service.tiles.tilesets import tile_links
from tests.service.tiles.looking import decoded, hexes, ids, pixels, tile_over


@pytest.fixture(scope="module")
def workspace(published: Path):
    with Workspace(published) as found:
        yield found


@pytest.fixture(scope="module")
def zoning(workspace: Workspace) -> str:
    return ids(workspace)[1]


# -- TileJSON ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matrix", list(MATRICES))
def test_bounds_hold_every_cell_and_are_tight(
    client: TestClient, workspace: Workspace, zoning: str, matrix: str
) -> None:
    grid = workspace.zoning(zoning).grid
    found = client.get(f"/tiles/{zoning}/zoned/{matrix}/tilejson.json").json()
    xs, ys = np.meshgrid(grid.x_edges, grid.y_edges)
    lon, lat = Transformer.from_crs(grid.crs, "OGC:CRS84", always_xy=True).transform(xs, ys)
    west, south, east, north = found["bounds"]
    assert west <= lon.min() and south <= lat.min() and east >= lon.max() and north >= lat.max()
    exact = np.array([lon.min(), lat.min(), lon.max(), lat.max()])
    assert np.abs(np.array(found["bounds"]) - exact).max() < 2e-4
    assert found["tilejson"] == "3.0.0" and found["minzoom"] == matrix_set(matrix).min_zoom


def test_zooms_end_where_a_pixel_is_an_eighth_of_a_cell_or_less(
    client: TestClient, workspace: Workspace, zoning: str
) -> None:
    for name, matrix in MATRICES.items():
        found = client.get(f"/tiles/{zoning}/zoned/{name}/tilejson.json").json()
        ground = 1.0 if matrix.geographic else np.cos(np.radians(sum(found["bounds"][1::2]) / 2))
        pixel_m = matrix.scale_denominator(found["maxzoom"]) * 0.28e-3 * ground
        assert pixel_m * 8 <= workspace.zoning(zoning).grid.dx < pixel_m * 16


def test_the_template_leads_to_tiles_and_keeps_parameters(client: TestClient, zoning: str) -> None:
    found = client.get(f"/tiles/{zoning}/class/WebMercatorQuad/tilejson.json?share=0.100&style=classes-contrast").json()
    template = found["tiles"][0]
    assert template.endswith("/{z}/{x}/{y}.png?share=0.1&style=classes-contrast")
    x, y = tile_over(tuple(found["bounds"]), "WebMercatorQuad", 9)
    assert client.get(template.format(z=9, x=x, y=y)).status_code == 200
    assert client.get(found["legend"]).headers["content-type"] == "image/png"
    assert client.get(f"/tiles/{zoning}/class/WebMercatorQuad/tilejson.json?nosuch=1").status_code == 400


def test_vector_layers_are_those_of_the_tiles(client: TestClient, zoning: str) -> None:
    found = client.get(f"/tiles/{zoning}/units/WebMercatorQuad/tilejson.json").json()
    (layer,) = found["vector_layers"]
    x, y = tile_over(tuple(found["bounds"]), "WebMercatorQuad", 6)
    tile = decoded(client.get(found["tiles"][0].format(z=6, x=x, y=y)).content)
    assert list(tile) == [layer["id"]] == ["units"]
    seen = {name for feature in tile["units"]["features"] for name in feature["properties"]}
    assert seen and seen <= layer["fields"].keys()


def test_what_maps_take_for_html_is_escaped(client: TestClient, zoning: str) -> None:
    layers = client.app.state.tiles._layers[zoning]
    layers.run.manifest["source"] = '<img src=x onerror="alert(1)">'
    try:
        found = client.get(f"/tiles/{zoning}/units/WebMercatorQuad/tilejson.json").json()
    finally:
        del layers.run.__dict__["manifest"]
    assert "<" not in found["attribution"] and "&lt;img" in found["attribution"] and zoning in found["attribution"]


def test_the_center_is_a_zoom_that_shows_the_whole(client: TestClient, zoning: str) -> None:
    found = client.get(f"/tiles/{zoning}/zoned/WebMercatorQuad/tilejson.json").json()
    lon, lat, z = found["center"]
    west, south, east, north = found["bounds"]
    assert west < lon < east and south < lat < north
    limits = matrix_set("WebMercatorQuad").limits(z, found["bounds"])
    assert limits.count <= 4 and z >= found["minzoom"]


# -- lists, legends, styles -------------------------------------------------------------------------------------------


def test_the_list_says_what_a_slider_needs(client: TestClient, zoning: str) -> None:
    found = client.get(f"/tiles/{zoning}").json()
    layers = {layer["id"]: layer for layer in found["layers"]}
    share = next(p for p in layers["class"]["parameters"] if p["name"] == "share")
    assert share["schema"]["minimum"] < share["schema"]["default"] < share["schema"]["maximum"]
    assert layers["class"]["title_zh"] and layers["class"]["title_en"] and layers["units"]["fields"]
    assert client.get(f"/tiles/{zoning}?nosuch=1").status_code == 400


def test_a_legend_is_that_of_the_pixels_in_every_style(client: TestClient, workspace: Workspace) -> None:
    run = ids(workspace)[0]
    about = client.get(f"/tiles/{run}").json()
    x, y = tile_over(tuple(about["bounds"]), "WebMercatorQuad", 8)
    for layer in about["layers"]:
        for style in layer.get("styles", ()) if layer["kind"] in ("density", "rank", "change", "class") else ():
            legend = client.get(layer["legend"], params={"style": style}).json()
            colours = {entry["colour"] for entry in legend["entries"]}
            picture = client.get(layer["tiles"]["WebMercatorQuad"].format(z=8, x=x, y=y), params={"style": style})
            assert set(np.unique(hexes(pixels(picture.content)))) - {""} <= colours, (layer["id"], style)


def test_legend_pictures_come_in_both_languages(client: TestClient, zoning: str) -> None:
    sizes = {}
    for language in ("zh", "en"):
        response = client.get(f"/tiles/{zoning}/class/legend.png", params={"lang": language})
        assert response.status_code == 200 and response.headers["cache-control"].endswith("immutable")
        sizes[language] = response.content
    assert sizes["zh"] == client.get(f"/tiles/{zoning}/class/legend.png").content
    for query in ("lang=fr", "nosuch=1", "style=nosuch", "share=9"):
        assert client.get(f"/tiles/{zoning}/class/legend.png?{query}").status_code == 400


def test_every_style_that_a_layer_names_is_known(client: TestClient, workspace: Workspace) -> None:
    known = {style["id"] for style in client.get("/tiles/styles").json()["styles"]}
    for result in ids(workspace):
        for layer in client.get(f"/tiles/{result}").json()["layers"]:
            assert set(layer.get("styles", ())) <= known


# -- OGC API Tiles ----------------------------------------------------------------------------------------------------


def test_matrix_sets_are_listed_and_defined(client: TestClient) -> None:
    listed = client.get("/ogc/tileMatrixSets").json()["tileMatrixSets"]
    assert [m["id"] for m in listed] == list(MATRICES)
    for entry in listed:
        found = client.get(entry["links"][0]["href"]).json()
        assert found["id"] == entry["id"] and found["crs"] == entry["crs"]
        assert len(found["tileMatrices"]) == len(MATRICES[entry["id"]].zooms)
    assert client.get("/ogc/tileMatrixSets/NoSuchQuad").status_code == 404
    assert client.get("/ogc/tileMatrixSets?nosuch=1").status_code == 400
    corner = client.get("/ogc/tileMatrixSets/CGCS2000Quad").json()["tileMatrices"][0]
    assert corner["pointOfOrigin"] == [90.0, -180.0], "EPSG:4490 has latitude first"


@pytest.mark.parametrize(
    ("layer", "middle"), [("units", "tiles"), ("class", "map/tiles"), ("class", "styles/classes-contrast/map/tiles")]
)
def test_from_the_list_of_tilesets_to_a_tile(client: TestClient, zoning: str, layer: str, middle: str) -> None:
    listed = client.get(f"/ogc/collections/{zoning}.{layer}/{middle}").json()["tilesets"]
    assert {t["tileMatrixSetId"] for t in listed} == set(MATRICES)
    for entry in listed:
        links = {link["rel"]: link for link in entry["links"]}
        found = client.get(links["self"]["href"]).json()
        assert found["dataType"] == ("vector" if layer == "units" else "map") and found["crs"] == entry["crs"]
        for limits in found["tileMatrixSetLimits"]:
            assert limits["minTileRow"] <= limits["maxTileRow"] and limits["minTileCol"] <= limits["maxTileCol"]
        at = found["tileMatrixSetLimits"][6]
        item = next(link for link in found["links"] if link["rel"] == "item")
        assert item["templated"] is True
        place = item["href"].format(tileMatrix=at["tileMatrix"], tileRow=at["minTileRow"], tileCol=at["minTileCol"])
        response = client.get(place)
        assert response.status_code in (200, 204) and response.headers.get("content-type", item["type"]) == item["type"]
        assert (
            client.get(next(k for k in found["links"] if k["rel"].endswith("tiling-scheme"))["href"]).status_code == 200
        )
        beyond = item["href"].format(tileMatrix=at["tileMatrix"], tileRow=9_999, tileCol=0)
        assert client.get(beyond).status_code == 404


def test_ogc_tiles_are_the_same_bytes_as_xyz(client: TestClient, zoning: str) -> None:
    about = client.get(f"/tiles/{zoning}").json()
    x, y = tile_over(tuple(about["bounds"]), "CGCS2000Quad", 9)
    at, ogc = f"CGCS2000Quad/9/{x}/{y}", f"/ogc/collections/{zoning}"
    turned = f"CGCS2000Quad/9/{y}/{x}"
    pairs = [
        (f"/tiles/{zoning}/units/{at}.mvt", f"{ogc}.units/tiles/{turned}"),
        (f"/tiles/{zoning}/class/{at}.png?share=0.1", f"{ogc}.class/map/tiles/{turned}?share=0.1&f=png"),
        (
            f"/tiles/{zoning}/class/{at}.png?style=classes-contrast",
            f"{ogc}.class/styles/classes-contrast/map/tiles/{turned}",
        ),
    ]
    for left, right in pairs:
        a, b = client.get(left), client.get(right)
        assert (
            a.status_code == b.status_code == 200 and a.content == b.content and a.headers["etag"] == b.headers["etag"]
        )


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("units/tiles?nosuch=1", 400), ("units/tiles/WebMercatorQuad?nosuch=1", 400), ("units/tiles/WebMercatorQuad/3/3/6?nosuch=1", 400),
        ("units/map/tiles", 404), ("class/tiles", 404), ("nosuch/tiles", 404), ("units/tiles/NoSuchQuad", 404),
        ("class/styles/nosuch/map/tiles", 400), ("units/tiles/WebMercatorQuad/3/3/6?f=png", 404),
        ("units/tiles/WebMercatorQuad/30/0/0", 404),
    ],
)  # fmt: skip
def test_refusals_of_ogc_tiles(client: TestClient, zoning: str, tail: str, status: int) -> None:
    response = client.get(f"/ogc/collections/{zoning}.{tail}")
    assert response.status_code == status and response.headers["content-type"] == "application/problem+json"
    assert client.get("/ogc/collections/nodot/tiles").status_code == 404


def test_collections_of_pointers_lead_on(client: TestClient, zoning: str) -> None:
    response = client.get("/ogc/collections/latest.units/tiles/WebMercatorQuad/3/3/6", follow_redirects=False)
    assert response.status_code == 307
    assert (
        response.headers["location"] == f"http://testserver/ogc/collections/{zoning}.units/tiles/WebMercatorQuad/3/3/6"
    )


def test_documents_are_json_that_proxies_may_not_mix_up(client: TestClient, zoning: str) -> None:
    response = client.get(f"/tiles/{zoning}/units/WebMercatorQuad/tilejson.json")
    json.loads(response.content)
    again = client.get(
        f"/tiles/{zoning}/units/WebMercatorQuad/tilejson.json", headers={"If-None-Match": response.headers["etag"]}
    )
    assert again.status_code == 304


def test_every_collection_of_features_has_the_tiles_that_its_links_promise(
    client: TestClient, workspace: Workspace
) -> None:
    for result in ids(workspace):
        layers = client.get(f"/tiles/{result}").json()["layers"]
        pictures = {layer["id"] for layer in layers if layer["type"] == "raster"}
        for name in (layer["id"] for layer in layers if layer["type"] == "vector"):
            for link in tile_links(f"{result}.{name}", "http://testserver", pictures=name in pictures):
                assert client.get(link["href"]).json()["tilesets"], link


def test_both_documents_describe_the_tiles(client: TestClient) -> None:
    own = client.get("/ogc/api", headers={"Accept": "application/vnd.oai.openapi+json;version=3.0"}).json()
    assert paths().keys() <= own["paths"].keys() and own["openapi"] == "3.0.3"
    ids = [operation["operationId"] for item in paths().values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    for path, item in paths().items():
        named = {p["name"] for p in item["get"]["parameters"] if p.get("in") == "path"}
        wanted = set(re.findall(r"{(\w+)}", path))
        assert wanted - named <= {"collectionId"} and named <= wanted, path
    framework = client.get("/api/openapi.json").json()["paths"]
    assert {"/tiles/{result}/{layer}/{matrix}/{z}/{x}/{y}.{form}", "/wmts", "/tiles/styles"} <= framework.keys()
    tile = framework["/tiles/{result}/{layer}/{matrix}/{z}/{x}/{y}.{form}"]["get"]
    assert {"z", "x", "y", "share", "style"} <= {p["name"] for p in tile["parameters"]} and "204" in tile["responses"]


def test_conformance_names_what_is_held_here(client: TestClient) -> None:
    declared = client.get("/ogc/conformance", headers={"Accept": "application/json"}).json()["conformsTo"]
    assert set(CONFORMANCE) <= set(declared) and len(CONFORMANCE) == len(set(CONFORMANCE))
