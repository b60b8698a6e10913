"""WMTS: OWSLib reads what we say, and every way to a tile leads to the same bytes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from owslib.wmts import WebMapTileService
from starlette.testclient import TestClient

from gis.tiles.matrices import MATRICES
from gis.workspace import Workspace
from tests.service.tiles.looking import ids, tile_over

OWS = "{http://www.opengis.net/ows/1.1}"
WMTS = "{http://www.opengis.net/wmts/1.0}"


@pytest.fixture(scope="module")
def workspace(published: Path):
    with Workspace(published) as found:
        yield found


@pytest.fixture(scope="module")
def zoning(workspace: Workspace) -> str:
    return ids(workspace)[1]


def read(client: TestClient, path: str = "/wmts?service=WMTS&request=GetCapabilities") -> WebMapTileService:
    response = client.get(path)
    assert response.status_code == 200 and response.headers["content-type"].startswith("application/xml")
    return WebMapTileService("http://testserver/wmts", xml=response.content)


def kvp(zoning: str, **changed: str | None) -> dict[str, str]:
    asked = {
        "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": f"{zoning}.class", "STYLE": "classes",
        "FORMAT": "image/png", "TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": "8", "TILEROW": "0", "TILECOL": "0",
    } | changed  # fmt: skip
    return {name: value for name, value in asked.items() if value is not None}


def test_owslib_reads_layers_styles_dimensions_and_matrix_sets(client: TestClient, workspace: Workspace) -> None:
    service = read(client)
    for result in ids(workspace):
        listed = {layer["id"] for layer in client.get(f"/tiles/{result}").json()["layers"] if layer["type"] == "raster"}
        assert {f"{result}.{name}" for name in listed} <= service.contents.keys()
    layer = service.contents[f"{ids(workspace)[1]}.class"]
    assert layer.formats == ["image/png"] and set(layer.tilematrixsetlinks) == set(MATRICES)
    assert layer.boundingBoxWGS84 == tuple(client.get(f"/tiles/{ids(workspace)[1]}").json()["bounds"])
    assert [s for s, about in layer.styles.items() if about["isDefault"]] == ["classes"]
    for style in layer.styles.values():
        address = style["legend"]
        assert client.get(address).headers["content-type"] == "image/png"
    for name, matrix in MATRICES.items():
        found = service.tilematrixsets[name].tilematrix
        deepest = client.get(f"/tiles/{ids(workspace)[1]}/class/{name}/tilejson.json").json()["maxzoom"]
        assert {int(z) for z in found} == set(range(matrix.min_zoom, deepest + 1))
        for z in range(matrix.min_zoom, deepest + 1):
            one = found[str(z)]
            assert (one.matrixwidth, one.matrixheight) == matrix.matrix_size(z)
            assert one.scaledenominator == pytest.approx(matrix.scale_denominator(z), rel=1e-15)
            assert one.topleftcorner == tuple(matrix.json()["tileMatrices"][0]["pointOfOrigin"])


def test_limits_are_those_of_the_grid(client: TestClient, zoning: str) -> None:
    service = read(client)
    bounds = tuple(client.get(f"/tiles/{zoning}").json()["bounds"])
    for name, matrix in MATRICES.items():
        about = client.get(f"/tiles/{zoning}/class/{name}/tilejson.json").json()
        links = service.contents[f"{zoning}.class"].tilematrixsetlinks[name].tilematrixlimits
        assert {int(z) for z in links} == set(range(about["minzoom"], about["maxzoom"] + 1))
        for z, found in links.items():
            expected = matrix.limits(int(z), bounds)
            assert (found.mintilecol, found.maxtilecol) == (expected.x_first, expected.x_last)
            assert (found.mintilerow, found.maxtilerow) == (expected.y_first, expected.y_last)


def test_order_of_elements_is_that_of_the_schema(client: TestClient) -> None:
    # wmtsGetCapabilities_response.xsd and owsDataIdentification.xsd are sequences: the order is part of them.
    root = ET.fromstring(client.get("/wmts/1.0.0/WMTSCapabilities.xml").content)
    assert root.tag == f"{WMTS}Capabilities" and root.attrib["version"] == "1.0.0"
    layer_order = [
        f"{OWS}Title", f"{OWS}Abstract", f"{OWS}WGS84BoundingBox", f"{OWS}Identifier", f"{WMTS}Style", f"{WMTS}Format",
        f"{WMTS}TileMatrixSetLink", f"{WMTS}Dimension", f"{WMTS}ResourceURL",
    ]  # fmt: skip
    sizes = ("ScaleDenominator", "TopLeftCorner", "TileWidth", "TileHeight", "MatrixWidth", "MatrixHeight")
    matrix_order = [f"{OWS}Identifier", *(f"{WMTS}{name}" for name in sizes)]
    dimension_order = [f"{OWS}Identifier", f"{WMTS}Default", f"{WMTS}Value"]
    for tag, order in (
        ("Layer", layer_order),
        ("TileMatrixSet/" + WMTS + "TileMatrix", matrix_order),
        ("Layer/" + WMTS + "Dimension", dimension_order),
    ):
        nodes = root.findall(f"{WMTS}Contents/{WMTS}{tag}")
        assert nodes
        for node in nodes:
            places = [order.index(child.tag) for child in node]
            assert places == sorted(places)


def test_every_dimension_lists_its_default_and_every_value_is_taken(client: TestClient, zoning: str) -> None:
    root = ET.fromstring(client.get(f"/wmts/{zoning}/1.0.0/WMTSCapabilities.xml").content)
    for layer in root.iter(f"{WMTS}Layer"):
        name = layer.findtext(f"{OWS}Identifier").partition(".")[2]
        for dimension in layer.findall(f"{WMTS}Dimension"):
            values = [v.text for v in dimension.findall(f"{WMTS}Value")]
            assert dimension.findtext(f"{WMTS}Default") in values
            key = dimension.findtext(f"{OWS}Identifier")
            if name in ("class", "density-co2"):
                for value in values:
                    assert (
                        client.get(f"/tiles/{zoning}/{name}/WebMercatorQuad/3/0/0.png", params={key: value}).status_code
                        == 200
                    )


def test_every_template_leads_to_the_same_bytes_as_xyz_and_kvp(client: TestClient, zoning: str) -> None:
    service = read(client, f"/wmts/{zoning}/1.0.0/WMTSCapabilities.xml")
    x, y = tile_over(tuple(client.get(f"/tiles/{zoning}").json()["bounds"]), "WebMercatorQuad", 8)
    for name, layer in service.contents.items():
        template = layer.resourceURLs[0]["template"]
        for dimension, about in layer.dimensions.items():
            template = template.replace(f"{{{dimension}}}", about["default"])
        style = next(iter(layer.styles))
        place = template.format(Style=style, TileMatrixSet="WebMercatorQuad", TileMatrix=8, TileRow=y, TileCol=x)
        rest = client.get(place)
        xyz = client.get(f"/tiles/{zoning}/{name.partition('.')[2]}/WebMercatorQuad/8/{x}/{y}.png")
        asked = kvp(zoning, LAYER=name, STYLE=style, TILEROW=str(y), TILECOL=str(x))
        by_kvp = client.get("/wmts", params=asked)
        assert rest.status_code == xyz.status_code == by_kvp.status_code == 200, rest.text
        assert rest.content == xyz.content == by_kvp.content and rest.headers["etag"] == by_kvp.headers["etag"]


def test_names_of_parameters_are_in_any_case_and_dimensions_among_them(client: TestClient, zoning: str) -> None:
    x, y = tile_over(tuple(client.get(f"/tiles/{zoning}").json()["bounds"]), "WebMercatorQuad", 9)
    asked = kvp(zoning, TILEMATRIX="9", TILEROW=str(y), TILECOL=str(x), SHARE="0.2", Year="2020")
    expected = client.get(
        f"/tiles/{zoning}/class/WebMercatorQuad/9/{x}/{y}.png", params={"share": "0.2", "year": "2020"}
    )
    for change in (str.lower, str.upper, str.title):
        response = client.get("/wmts", params={change(k): v for k, v in asked.items()})
        assert response.content == expected.content and response.headers["etag"] == expected.headers["etag"]
    rest = client.get(f"/wmts/1.0.0/{zoning}.class/default/2020/0.2/default/default/WebMercatorQuad/9/{y}/{x}.png")
    assert rest.content == expected.content


def test_addresses_from_before_there_was_a_size_rule_stay(client: TestClient, zoning: str) -> None:
    x, y = tile_over(tuple(client.get(f"/tiles/{zoning}").json()["bounds"]), "WebMercatorQuad", 9)
    place = f"WebMercatorQuad/9/{y}/{x}.png"
    before = client.get(f"/wmts/1.0.0/{zoning}.class/classes/2020/0.2/area/1/{place}")
    after, sized = (client.get(f"/wmts/1.0.0/{zoning}.class/classes/2020/0.2/area/1/{n}/{place}") for n in ("1", "9"))
    assert before.status_code == after.status_code == sized.status_code == 200
    assert before.content == after.content and before.headers["etag"] == after.headers["etag"]
    assert sized.content != after.content
    short = client.get(f"/wmts/1.0.0/{zoning}.class/classes/2020/0.2/area/{place}")
    assert short.status_code == 400 and b"{min_cells}" in short.content


def test_parameters_of_others_are_passed_over_but_not_kept(client: TestClient, zoning: str) -> None:
    aliases = client.app.state.tiles.cache._aliases
    before = len(aliases)
    for n in range(5):
        assert client.get("/wmts", params=kvp(zoning, token=str(n), TRANSPARENT="TRUE")).status_code == 200
    assert len(aliases) == before


def test_a_tile_by_kvp_is_answered_from_memory_the_second_time(client: TestClient, zoning: str) -> None:
    x, y = tile_over(tuple(client.get(f"/tiles/{zoning}").json()["bounds"]), "WebMercatorQuad", 10)
    asked = kvp(zoning, TILEMATRIX="10", TILEROW=str(y), TILECOL=str(x))
    first = client.get("/wmts", params=asked)
    second = client.get("/wmts", params=asked)
    assert "x-request-id" in first.headers and "x-request-id" not in second.headers and first.content == second.content


def test_latest_in_a_layer_leads_on(client: TestClient, zoning: str) -> None:
    asked = kvp("latest")
    response = client.get("/wmts", params=asked, follow_redirects=False)
    assert response.status_code == 307 and response.headers["cache-control"] == "no-store"
    assert (
        f"LAYER={zoning}.class" in response.headers["location"] and client.get("/wmts", params=asked).status_code == 200
    )
    rest = client.get("/wmts/1.0.0/latest.zoned/default/WebMercatorQuad/3/3/6.png", follow_redirects=False)
    assert rest.headers["location"].endswith(f"/wmts/1.0.0/{zoning}.zoned/default/WebMercatorQuad/3/3/6.png")


def test_capabilities_of_one_result_list_its_layers_alone(client: TestClient, workspace: Workspace) -> None:
    for result in ids(workspace):
        for path in (
            f"/wmts/{result}?SERVICE=WMTS&REQUEST=GetCapabilities",
            f"/wmts/{result}/1.0.0/WMTSCapabilities.xml",
        ):
            found = read(client, path).contents
            assert found and all(name.startswith(f"{result}.") for name in found)
    assert client.get("/wmts/z-000000000000/1.0.0/WMTSCapabilities.xml").status_code == 404


@pytest.mark.parametrize(
    ("changed", "code", "locator", "status"),
    [
        ({"REQUEST": None}, "MissingParameterValue", "request", 400),
        ({"REQUEST": "GetFeatureInfo"}, "OperationNotSupported", "request", 400),
        ({"SERVICE": "WMS"}, "InvalidParameterValue", "service", 400),
        ({"VERSION": "2.0.0"}, "InvalidParameterValue", "version", 400),
        ({"LAYER": None}, "MissingParameterValue", "layer", 400),
        ({"LAYER": "nodot"}, "InvalidParameterValue", "", 404),
        ({"LAYER": "z-000000000000.class"}, "InvalidParameterValue", "", 404),
        ({"STYLE": "nosuch"}, "InvalidParameterValue", "", 400),
        ({"FORMAT": "image/tiff"}, "InvalidParameterValue", "format", 400),
        ({"TILEMATRIXSET": "NoSuchQuad"}, "InvalidParameterValue", "", 404),
        ({"TILEMATRIX": "99"}, "TileOutOfRange", "", 400),
        ({"TILEROW": "99999"}, "TileOutOfRange", "", 400),
        ({"TILECOL": "-1"}, "InvalidParameterValue", "tilecol", 400),
        ({"TILEROW": "9" * 4000}, "InvalidParameterValue", "tilerow", 400),
        ({"TILEROW": None}, "MissingParameterValue", "tilerow", 400),
        ({"SHARE": "nan"}, "InvalidParameterValue", "", 400),
        ({"layer": "again"}, "InvalidParameterValue", "layer", 400),
    ],
)
def test_errors_are_exception_reports(
    client: TestClient, zoning: str, changed: dict[str, str | None], code: str, locator: str, status: int
) -> None:
    response = client.get("/wmts", params=kvp(zoning, **changed))
    assert response.status_code == status and response.headers["content-type"].startswith("application/xml")
    assert response.headers["cache-control"] == "no-store" and response.headers["access-control-allow-origin"] == "*"
    report = ET.fromstring(response.content)
    found = report.find(f"{OWS}Exception")
    assert report.tag == f"{OWS}ExceptionReport" and found.attrib["exceptionCode"] == code
    assert found.attrib.get("locator", "") == locator and found.findtext(f"{OWS}ExceptionText")


def test_versions_are_negotiated(client: TestClient) -> None:
    ask = "/wmts?service=wmts&request=getcapabilities&acceptversions="
    assert client.get(ask + "2.0.0,1.0.0").status_code == 200
    refused = client.get(ask + "2.0.0")
    assert refused.status_code == 400 and b"VersionNegotiationFailed" in refused.content


def test_what_is_written_cannot_break_the_report(client: TestClient) -> None:
    response = client.get("/wmts", params={"REQUEST": "<script>&\x00\x01]]>\ufffe"})
    report = ET.fromstring(response.content)
    assert "<script>" in report.findtext(f"{OWS}Exception/{OWS}ExceptionText") and b"<script" not in response.content


@pytest.mark.parametrize("rest", ["", "classes", "classes/WebMercatorQuad/8/0/0.png", "classes/2020/0.1/area/2/WebMercatorQuad/8/0/0.jpg",
                                  "classes/2020/0.1/area/2/WebMercatorQuad/8/0/zero.png", "a/b/c/d/e/f/g/h/i/j.png"])  # fmt: skip
def test_strange_addresses_are_refused(client: TestClient, zoning: str, rest: str) -> None:
    response = client.get(f"/wmts/1.0.0/{zoning}.class/{rest}")
    assert response.status_code in (400, 404) and b"ExceptionReport" in response.content
