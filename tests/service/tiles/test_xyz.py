"""XYZ tiles over HTTP: the right pixels, the right headers, one answer for one thing, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from gis.exports.styles import CLASS_STYLES
from gis.tiles.matrices import MATRICES, matrix_set
from gis.workspace import Workspace
from gis.zoning.classes import CellClass
from tests.service.tiles.looking import cell_at_pixels, decoded, hexes, ids, pixels, tile_over

COLOURS = {int(CellClass[style.code.upper()]): style.hex for style in CLASS_STYLES} | {0: ""}
MVT_TYPE = "application/vnd.mapbox-vector-tile"


@pytest.fixture(scope="module")
def workspace(published: Path):
    with Workspace(published) as found:
        yield found


@pytest.fixture(scope="module")
def zoning(workspace: Workspace) -> str:
    return ids(workspace)[1]


def address(client: TestClient, result: str, layer: str, z: int = 9, matrix: str = "WebMercatorQuad") -> str:
    """Address of the tile over the middle of the grid."""
    about = client.get(f"/tiles/{result}").json()
    x, y = tile_over(tuple(about["bounds"]), matrix, z)
    form = "mvt" if layer in ("cells", "units", "hotspots", "conflicts", "sources") else "png"
    return f"/tiles/{result}/{layer}/{matrix}/{z}/{x}/{y}.{form}"


# -- what the pixels say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matrix", list(MATRICES))
@pytest.mark.parametrize("z", [10, 11])
def test_pixels_of_classes_are_those_of_the_cells_below_them(
    client: TestClient, workspace: Workspace, zoning: str, matrix: str, z: int
) -> None:
    stored = workspace.zoning(zoning)
    about = client.get(f"/tiles/{zoning}").json()
    x, y = tile_over(tuple(about["bounds"]), matrix, z)
    response = client.get(f"/tiles/{zoning}/zoned/{matrix}/{z}/{x}/{y}.png")
    assert response.status_code == 200 and response.headers["content-type"] == "image/png"
    seen = hexes(pixels(response.content))
    cells = cell_at_pixels(stored.grid, matrix_set(matrix), z, x, y)
    classes = np.where(cells < 0, 0, stored.raster("class").ravel()[np.maximum(cells, 0)])
    expected = np.vectorize(COLOURS.get)(classes)
    # A pixel whose centre lies within a tenth of a pixel of an edge may fall to either side.
    assert (seen == expected).mean() > 0.985 and len(set(expected.ravel())) > 1
    inside = np.ones_like(seen, bool)
    for axis in (0, 1):
        for step in (-1, 1):
            inside &= np.roll(cells, step, axis) == cells
    inside[[0, -1]] = inside[:, [0, -1]] = False
    assert (seen == expected)[inside].all() and inside.mean() > 0.5


def test_a_density_tile_has_the_colours_of_its_legend(client: TestClient, workspace: Workspace) -> None:
    run = workspace.run("latest")
    place = address(client, run.id, "density-co2", z=11)
    z, x, y = (int(part.removesuffix(".png")) for part in place.split("/")[-3:])
    legend = client.get(f"/tiles/{run.id}/density-co2/legend.json").json()
    cells = cell_at_pixels(run.grid, matrix_set("WebMercatorQuad"), z, x, y)
    density = (run.total(run.years[-1], "co2") / (run.grid.cell_area_m2 / 1e6)).ravel()
    seen = hexes(pixels(client.get(place).content))
    for row, col in [(13, 40), (128, 128), (200, 77), (60, 250), (3, 3), (250, 120)]:
        value = density[cells[row, col]] if cells[row, col] >= 0 else 0.0
        found = [
            e["colour"]
            for e in legend["entries"]
            if (e["low"] or 0) <= value and (e["high"] is None or value < e["high"])
        ]
        assert seen[row, col] == (found[0] if value > 0 else ""), (row, col, value)


def test_a_threshold_moves_the_classes_and_the_run_says_which(client: TestClient, workspace: Workspace) -> None:
    run = workspace.run("latest")
    place = address(client, run.id, "hot-co2", z=9)
    counts = []
    for share in ("0.02", "0.05", "0.2", "0.5"):
        response = client.get(place, params={"share": share})
        assert response.status_code == 200
        counts.append(int((hexes(pixels(response.content)) != "").sum()))
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_a_style_changes_colours_alone(client: TestClient, zoning: str) -> None:
    place = address(client, zoning, "density-nox", z=9)
    plain, grey = (pixels(client.get(place, params=p).content) for p in ({}, {"style": "greys"}))
    assert ((plain[..., 3] > 0) == (grey[..., 3] > 0)).all() and (plain != grey).any()
    shown = grey[grey[..., 3] > 0]
    assert (shown[:, 0] == shown[:, 1]).all() and (shown[:, 1] == shown[:, 2]).all()


def test_every_layer_has_a_tile_in_every_style_and_matrix_set(client: TestClient, workspace: Workspace) -> None:
    for result in ids(workspace):
        about = client.get(f"/tiles/{result}").json()
        assert about["layers"]
        for layer in about["layers"]:
            for matrix, template in layer["tiles"].items():
                x, y = tile_over(tuple(about["bounds"]), matrix, 8)
                place = template.format(z=8, x=x, y=y)
                for style in layer.get("styles") or [None]:
                    response = client.get(place, params={"style": style} if style else {})
                    assert response.status_code in ((200,) if layer["type"] == "raster" else (200, 204)), place
                    if layer["type"] == "raster":
                        assert pixels(response.content).shape == (256, 256, 4)


def test_vector_tiles_hold_the_fields_that_are_announced(client: TestClient, workspace: Workspace) -> None:
    for result in ids(workspace):
        for layer in client.get(f"/tiles/{result}").json()["layers"]:
            if layer["type"] == "vector":
                # The tile of the whole world: whatever there is, is in it.
                response = client.get(layer["tiles"]["WebMercatorQuad"].format(z=0, x=0, y=0))
                if layer["id"] == "changes" and not len(workspace.comparison(result).tables["cells"]):
                    assert response.status_code == 204
                    continue
                assert response.status_code == 200 and response.headers["content-type"] == MVT_TYPE
                tile = decoded(response.content)
                assert list(tile) == [layer["id"]] and tile[layer["id"]]["features"]
                known = {field["name"] for field in layer["fields"]}
                for feature in tile[layer["id"]]["features"]:
                    assert feature["properties"].keys() <= known


def test_amounts_add_up_over_the_tiles_of_a_zoom(client: TestClient, workspace: Workspace) -> None:
    run = workspace.run("latest")
    year = run.years[0]
    for matrix in MATRICES.values():
        for z in (6, 9):
            bounds = tuple(client.get(f"/tiles/{run.id}").json()["bounds"])
            found, seen = matrix.limits(z, bounds), set()
            total = 0.0
            for x in range(found.x_first, found.x_last + 1):
                for y in range(found.y_first, found.y_last + 1):
                    response = client.get(f"/tiles/{run.id}/cells/{matrix.id}/{z}/{x}/{y}.mvt", params={"year": year})
                    for feature in decoded(response.content).get("cells", {"features": []})["features"]:
                        if not feature["properties"].get("copy"):
                            assert feature["id"] not in seen
                            seen.add(feature["id"])
                            total += feature["properties"].get("nox_t", 0.0)
            assert total == pytest.approx(run.total(year, "nox").sum(), rel=1e-6)


def test_a_layer_that_comes_both_ways_says_which(client: TestClient, workspace: Workspace) -> None:
    comparison = ids(workspace)[2]
    both = [layer for layer in client.get(f"/tiles/{comparison}").json()["layers"] if layer["id"] == "changes"]
    assert {layer["type"] for layer in both} == {"raster", "vector"}
    for layer in both:
        found = client.get(layer["tilejson"]["WebMercatorQuad"]).json()
        assert found["tiles"] == [layer["tiles"]["WebMercatorQuad"]] and ("vector_layers" in found) == (
            layer["type"] == "vector"
        )
        assert client.get(found["tiles"][0].format(z=0, x=0, y=0)).status_code in (200, 204)


# -- headers ----------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_good_and_known_by_its_tag(client: TestClient, zoning: str) -> None:
    place = address(client, zoning, "class")
    first = client.get(place)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["access-control-allow-origin"] == "*"
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(place, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(place, headers={"If-None-Match": '"other"'}).content == first.content
    head = client.head(place)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert int(head.headers["content-length"]) == len(first.content)


def test_vector_tiles_are_packed_for_who_takes_it_drawn_and_from_memory(client: TestClient, zoning: str) -> None:
    place = address(client, zoning, "cells", z=8)
    answers = [client.get(place, headers={"Accept-Encoding": e}) for e in ("gzip", "identity", "gzip", "identity")]
    assert [a.headers.get("content-encoding") for a in answers] == ["gzip", None, "gzip", None]
    assert len({a.content for a in answers}) == 1 and len({a.headers["etag"] for a in answers}) == 2
    for answer in answers:
        assert "Accept-Encoding" in answer.headers["vary"]
        encoding = answer.headers.get("content-encoding", "identity")
        again = client.get(place, headers={"Accept-Encoding": encoding, "If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_drawn_and_remembered_answers_are_the_same(client: TestClient, zoning: str) -> None:
    place = address(client, zoning, "rank-co2")
    counts = client.app.state.tiles.counts
    before = counts.drawn
    first, second = client.get(place, params={"mode": "count"}), client.get(place, params={"mode": "count"})
    assert counts.drawn - before <= 1 and second.content == first.content
    # The server of hits leaves out what says nothing of a picture; what it does say is the same.
    assert second.headers.items() <= first.headers.items()
    assert {
        "etag",
        "cache-control",
        "content-type",
        "x-content-type-options",
        "access-control-allow-origin",
    } <= second.headers.keys()


def test_spellings_of_the_same_thing_are_drawn_once(client: TestClient, zoning: str) -> None:
    place = address(client, zoning, "class", z=10)
    counts = client.app.state.tiles.counts
    first = client.get(place, params={"share": "0.0375"})
    before, kept = counts.drawn, len(client.app.state.tiles.cache)
    for share in ("0.03750", "00.0375", ".0375"):
        response = client.get(place, params={"share": share})
        assert response.status_code == 200 and response.headers["etag"] == first.headers["etag"]
    assert counts.drawn == before and len(client.app.state.tiles.cache) == kept


def test_defaults_need_not_be_said(client: TestClient, workspace: Workspace, zoning: str) -> None:
    stored, place = workspace.zoning(zoning), address(client, zoning, "class", z=10)
    plain = client.get(place)
    before = client.app.state.tiles.counts.drawn
    said = client.get(place, params={"year": stored.year, "mode": "area", "style": "classes"})
    assert said.headers["etag"] == plain.headers["etag"] and client.app.state.tiles.counts.drawn == before


# -- nothing there ----------------------------------------------------------------------------------------------------


def test_beyond_the_grid_a_picture_is_transparent_and_a_vector_tile_204(client: TestClient, zoning: str) -> None:
    picture = client.get(f"/tiles/{zoning}/class/WebMercatorQuad/9/0/0.png")
    assert picture.status_code == 200 and "immutable" in picture.headers["cache-control"]
    assert (pixels(picture.content)[..., 3] == 0).all() and len(picture.content) < 200
    nothing = client.get(f"/tiles/{zoning}/cells/WebMercatorQuad/9/0/0.mvt")
    assert (nothing.status_code, nothing.content) == (204, b"") and "immutable" in nothing.headers["cache-control"]


def test_empty_tiles_beyond_the_grid_fill_no_memory(client: TestClient, zoning: str) -> None:
    cache = client.app.state.tiles.cache
    before = cache.bytes, len(cache)
    for x in range(50):
        client.get(f"/tiles/{zoning}/zoned/WebMercatorQuad/12/{x}/0.png")
    assert (cache.bytes, len(cache)) == before


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail",
    [
        "class/WebMercatorQuad/9/512/0.png", "class/WebMercatorQuad/9/0/512.png", "class/WebMercatorQuad/25/0/0.png",
        "class/WebMercatorQuad/99999999999/0/0.png", "class/WebMercatorQuad/9/-1/0.png", "class/CGCS2000Quad/0/0/0.png",
        "class/CGCS2000Quad/1/0/1.png", "class/CGCS2000Quad/21/0/0.png", "class/NoSuchQuad/3/0/0.png", "nosuch/WebMercatorQuad/3/0/0.png",
        "class/WebMercatorQuad/3/0/0.mvt", "cells/WebMercatorQuad/3/0/0.png", "class/../WebMercatorQuad/3/0/0.png",
        "%2e%2e/WebMercatorQuad/3/0/0.png", "nosuch/legend.png", "cells/legend.png", "class/NoSuchQuad/tilejson.json",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_404(client: TestClient, zoning: str, tail: str) -> None:
    response = client.get(f"/tiles/{zoning}/{tail}")
    assert response.status_code == 404, response.text
    assert (
        response.headers["content-type"] == "application/problem+json"
        and response.headers["cache-control"] == "no-store"
    )
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "result", ["z-000000000000", "z-0123", "nobody", "Z-LATEST", "..", "%2e%2e%2fcatalogue.sqlite", "z-00000000000g"]
)
def test_no_other_result_can_be_named(client: TestClient, result: str) -> None:
    response = client.get(f"/tiles/{result}/class/WebMercatorQuad/3/0/0.png")
    assert response.status_code == 404 and "/tmp" not in response.text and "sqlite" not in response.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "nosuch=1", "share=nan", "share=inf", "share=-0.1", "share=2", "share=", "share=1e-3", "share=0.05&share=0.06", "year=1999",
        "year=2020.5", "mode=volume", "min_pollutants=99", "style=nosuch", "style=viridis", "share=0x1", "share=" + "0" * 3000,
        "year=%00", "year=%D9%A2%D9%A0%D9%A2%D9%A0", "url=http://evil.example/", "f=png",
    ],
)  # fmt: skip
def test_what_a_layer_does_not_take_is_400_and_not_kept(client: TestClient, zoning: str, query: str) -> None:
    place = address(client, zoning, "class")
    kept = len(client.app.state.tiles.cache)
    response = client.get(f"{place}?{query}")
    assert response.status_code == 400, response.text
    assert response.headers["cache-control"] == "no-store" and len(response.text) < 1000
    assert len(client.app.state.tiles.cache) == kept
    assert client.get(f"{place}?{query}").status_code == 400


@pytest.mark.parametrize("part", ["1.5", "abc", "1e3", "٣", "0x10", "9" * 6000])
def test_numbers_that_are_none_are_refused(client: TestClient, zoning: str, part: str) -> None:
    for place in (f"{part}/0/0", f"3/{part}/0", f"3/0/{part}"):
        response = client.get(f"/tiles/{zoning}/class/WebMercatorQuad/{place}.png")
        assert response.status_code in (400, 404), response.text


def test_head_of_what_was_never_asked_for(client: TestClient, zoning: str) -> None:
    for tail in ("zoned/WebMercatorQuad/12/3300/1590.png", "zoned/legend.json", "zoned/CGCS2000Quad/tilejson.json", ""):
        head, whole = (client.request(method, f"/tiles/{zoning}/{tail}".rstrip("/")) for method in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (200, b"") and head.headers["etag"] == whole.headers["etag"]
    for path in (f"/ogc/collections/{zoning}.units/tiles", "/ogc/tileMatrixSets", "/wmts/1.0.0/WMTSCapabilities.xml"):
        assert client.head(path).status_code == 200


def test_other_methods_are_405(client: TestClient, zoning: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = client.request(method, address(client, zoning, "class"))
        assert response.status_code == 405 and "GET" in response.headers["allow"]


# -- pointers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "/class/WebMercatorQuad/3/6/3.png?share=0.05",
        "/class/WebMercatorQuad/tilejson.json",
        "/class/legend.png?lang=en",
    ],
)
def test_latest_leads_to_what_is_newest_now_and_is_not_kept(client: TestClient, zoning: str, tail: str) -> None:
    for pointer in ("latest", "z-latest"):
        response = client.get(f"/tiles/{pointer}{tail}", follow_redirects=False)
        assert response.status_code == 307 and response.headers["cache-control"] == "no-store"
        assert response.headers["location"] == f"http://testserver/tiles/{zoning}{tail}"
    assert client.get(f"/tiles/latest{tail}").status_code == 200


def test_a_pointer_of_its_kind(client: TestClient, workspace: Workspace) -> None:
    run, _, comparison = ids(workspace)
    for pointer, expected in (("r-latest", run), ("c-latest", comparison)):
        response = client.get(f"/tiles/{pointer}", follow_redirects=False)
        assert response.headers["location"].endswith(f"/tiles/{expected}")
