"""A polygon in a real browser: drawn with the mouse or the keys, read from a file; its statistics are those of the service."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

from tests.service.web.conftest import Open, Visit
from tests.service.web.printed import SPECIES, amount, count, mass, percent
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
VIEW = (111.1, 37.42, 10.0)
# One and a half pixels of the view in degrees.
PIXELS = 1.5 * 360 / (512 * 2 ** VIEW[2])
ZONED = 2022
SQUARE = [[111.0, 37.35], [111.2, 37.35], [111.2, 37.5], [111.0, 37.5], [111.0, 37.35]]
POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}


def at(page: Page, dx: float, dy: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """A point so many pixels from the middle of the map: on the screen, and on the ground of `VIEW`."""
    box = page.get_by_role("main").bounding_box()
    assert box
    lon, lat, zoom = VIEW
    world = 512 * 2**zoom
    up = math.asinh(math.tan(math.radians(lat))) - 2 * math.pi * dy / world
    ground = (lon + 360 * dx / world, math.degrees(math.atan(math.sinh(up))))
    return (box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy), ground


def shows(found: Visit, told: dict[str, Any]) -> None:
    """Wait until the panel shows this answer of the service, in all its parts."""
    page = found.page

    def rows(table: str) -> list[list[str]]:
        return [
            r.locator("th, td").all_inner_texts()
            for r in page.get_by_role("table", name=table, exact=True).locator("tbody tr").all()
        ]

    amounts = [
        [SPECIES[s["species"]], mass(s["amount_t"]), amount(s["density_t_km2"]), percent(s["share"], 2)]
        for s in told["species"]
    ]
    found.until(lambda: rows("Emissions by species") == amounts, f"{amounts} instead of {rows('Emissions by species')}")
    facts = dict(
        zip(
            page.locator(".area-facts dt").all_inner_texts(),
            page.locator(".area-facts dd").all_inner_texts(),
            strict=True,
        )
    )
    assert facts["Area"] == f"{amount(told['area_km2'])} km²" and facts["Cells touched"] == count(told["cells"])
    first = told["species"][0]
    sectors = sorted(first["sectors"].items(), key=lambda item: -item[1])
    assert [r[1:] for r in rows(f"{SPECIES[first['species']]} by sector")] == [
        [mass(t), percent(t / first["amount_t"])] for _, t in sectors
    ]
    for name, classes in (
        ("Area by class, as the zoning published it", told["classes"]),
        ("Area by class, at the threshold", told["at_threshold"]["classes"]),
    ):
        if told["year"] == ZONED or classes is not told["classes"]:
            assert [r[1:] for r in rows(name)] == [
                [f"{amount(c['area_km2'])} km²", percent(c["share"])] for c in classes
            ]
    assert [r[1:] for r in rows("Who emits most CO₂")] == [
        [mass(c["mass_t"]), percent(c["share"])] for c in told["contributors"]["co2"]
    ]


def posted(found: Visit) -> list[Any]:
    """Outline of the polygon that was sent last."""
    return list(json.loads(found.bodies[-1])["coordinates"][0])


def test_a_polygon_drawn_with_the_mouse(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit(f"#p=area&at={','.join(map(str, VIEW))}")
    page = found.page
    found.keep_bodies("/zonal")
    page.get_by_role("button", name="Draw a polygon").click()
    bar = page.get_by_role("group", name="Drawing")
    expect(bar.get_by_role("button", name="Finish")).to_be_disabled()
    corners = [at(page, dx, dy) for dx, dy in ((-120, 90), (140, 100), (130, -110), (-100, -80))]
    for number, (screen, _ground) in enumerate(corners, start=1):
        page.mouse.click(*screen)
        bar.get_by_text(f"{number} corners").wait_for()
    # A click does not open the cell below while something is drawn.
    assert page.get_by_role("complementary").count() == 0 and not any("/point?" in u for u in found.asked)
    bar.get_by_role("button", name="Undo").click()
    bar.get_by_text("3 corners").wait_for()
    page.mouse.click(*corners[3][0])
    bar.get_by_role("button", name="Finish").click()
    found.until(lambda: found.bodies, "a question")
    sent = posted(found)
    assert sent[0] == sent[-1] and len(sent) == 5
    for (lon, lat), (_screen, ground) in zip(sent, corners, strict=False):
        assert (lon, lat) == pytest.approx(ground, abs=PIXELS)
    told = answers.post("zonal", {"type": "Polygon", "coordinates": [sent]}, year=2022)
    shows(found, told)
    expect(bar).to_be_hidden()
    expect(page.get_by_role("button", name="Draw a polygon")).to_be_focused()
    # Whoever is sent the address sees the same.
    page.wait_for_url("**a=**")
    again = visit(page.url.split("/", 3)[3])
    shows(again, told)
    # Another year, another answer.
    page.get_by_role("tab", name="Layers").click()
    page.get_by_role("combobox", name="Shows").select_option("density")
    page.get_by_role("group", name="Year").get_by_role("button", name="2020").click()
    page.get_by_role("tab", name="Area").click()
    shows(found, answers.post("zonal", {"type": "Polygon", "coordinates": [sent]}, year=2020))
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_role("table", name="Emissions by species")).to_have_count(0)
    found.until(lambda: "a=" not in page.url.split("#")[1].replace("at=", ""), "an address without the polygon")


def test_a_polygon_drawn_with_the_keys(visit: Open, answers: Answers) -> None:
    found = visit(f"#p=area&at={','.join(map(str, VIEW))}")
    page = found.page
    found.keep_bodies("/zonal")
    page.get_by_role("button", name="Draw a polygon").focus()
    page.keyboard.press("Enter")
    bar = page.get_by_role("group", name="Drawing")
    bar.get_by_text("By keys: arrows move").wait_for()
    for number, key in enumerate(("ArrowRight", "ArrowUp", "ArrowLeft"), start=1):
        page.keyboard.press("Space")
        bar.get_by_text(f"{number} corners").wait_for()
        before = page.url
        page.keyboard.press(key)
        found.until(lambda before=before: page.url != before, "a map that moved")
    page.keyboard.press("Enter")
    found.until(lambda: found.bodies, "a question")
    sent = posted(found)
    assert len(sent) == 4
    (x0, y0), (x1, y1), (x2, y2) = sent[:3]
    assert (x0, y0) == pytest.approx(VIEW[:2], abs=1e-4)
    assert x1 > x0 and y1 == pytest.approx(y0, abs=1e-4) and x2 == pytest.approx(x1, abs=1e-4) and y2 > y1
    shows(found, answers.post("zonal", {"type": "Polygon", "coordinates": [sent]}, year=2022))
    # Escape gives up what is begun, and leaves what was there.
    page.get_by_role("button", name="Draw a rectangle").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert len(found.bodies) == 1 and page.get_by_role("table", name="Emissions by species").count() == 1


def test_corners_are_moved_afterwards(visit: Open, answers: Answers) -> None:
    found = visit(f"#p=area&at={','.join(map(str, VIEW))}")
    page = found.page
    found.keep_bodies("/zonal")
    page.get_by_role("button", name="Draw a rectangle").click()
    (a, _), (b, _) = at(page, -100, 100), at(page, 100, -100)
    page.mouse.click(*a)
    page.get_by_text("Click to set the corner across.").wait_for()
    page.mouse.click(*b)
    found.until(lambda: found.bodies, "a question")
    assert len(posted(found)) == 5
    page.get_by_role("button", name="Edit corners").click()
    page.get_by_text("Drag corners").wait_for()
    (to, ground) = at(page, 160, -150)
    page.mouse.move(*b)
    page.mouse.down()
    page.mouse.move(*to, steps=4)
    page.mouse.up()
    found.until(lambda: len(found.bodies) > 1, "another question")
    assert any(tuple(c) == pytest.approx(ground, abs=PIXELS) for c in posted(found))
    shows(found, answers.post("zonal", {"type": "Polygon", "coordinates": [posted(found)]}, year=2022))
    page.get_by_role("group", name="Drawing").get_by_role("button", name="Finish").click()


def test_a_file_with_a_polygon(visit: Open, answers: Answers, tmp_path: Path) -> None:
    file = tmp_path / "范围.geojson"
    file.write_text(
        json.dumps(
            {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": POLYGON}]}
        ),
        "utf-8",
    )
    found = visit("#p=area")
    page = found.page
    page.get_by_text("Upload or paste GeoJSON").click()
    page.get_by_label("GeoJSON file").set_input_files(file)
    page.get_by_text("范围.geojson", exact=True).wait_for()
    told = answers.post("zonal", POLYGON, year=2022)
    shows(found, told)
    files = {}
    for name in ("Statistics, CSV", "Statistics, JSON", "Polygon, GeoJSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = Path(download.value.path()).read_text("utf-8-sig")
    assert json.loads(files["Statistics, JSON"])["species"] == told["species"]
    assert json.loads(files["Polygon, GeoJSON"])["geometry"] == POLYGON
    rows = {
        (r["table"], r["species"], r["code"]): r["value"] for r in csv.DictReader(io.StringIO(files["Statistics, CSV"]))
    }
    for s in told["species"]:
        assert float(rows["species", s["species"], "amount"]) == s["amount_t"]
    # On the ground of the jurisdictions alone it is another question.
    page.get_by_label("Count a cell’s mass on its ground").check()
    shows(found, answers.post("zonal", POLYGON, year=2022, ground="true"))


def test_a_unit_and_a_pasted_list(visit: Open, answers: Answers) -> None:
    unit = max(answers.units(), key=lambda u: u["cells"])
    found = visit(f"#p=area&u={unit['unit']}")
    page = found.page
    page.get_by_role("button", name=f"Statistics of the open unit {unit['unit']}").click()
    geometry = answers.get(f"ogc/collections/{answers.zoning}.units/items/{unit['unit']}", f="json")["geometry"]
    told = answers.post("zonal", geometry, year=2022, ground="true")
    shows(found, told)
    assert told["area_km2"] == pytest.approx(unit["area_km2"], rel=1e-3)
    page.get_by_text("Upload or paste GeoJSON").click()
    page.get_by_label("GeoJSON text, or a corner a line").fill("\n".join(f"{lon}, {lat}" for lon, lat in SQUARE))
    page.get_by_role("button", name="Use this text").click()
    shows(found, answers.post("zonal", POLYGON, year=2022))


def test_what_is_no_polygon_is_told(visit: Open, answers: Answers) -> None:
    found = visit("#p=area")
    page = found.page
    page.get_by_text("Upload or paste GeoJSON").click()
    projected = {"type": "Polygon", "coordinates": [[[500000, 4e6], [510000, 4e6], [510000, 4010000], [500000, 4e6]]]}
    wrong: list[tuple[str, bytes, str]] = [
        ("empty.json", b"", "empty.json is empty"),
        ("broken.json", b'{"type": "Polygon", ', "broken.json is no valid JSON"),
        ("shape.zip", b"PK\x03\x04rest", "shape.zip is an archive"),
        ("a.kml", b"<kml/>", "a.kml is XML"),
        ("point.json", json.dumps({"type": "Point", "coordinates": [111, 37]}).encode(), "point.json holds Point"),
        ("metres.json", json.dumps(projected).encode(), "metres.json: 500000, 4000000 is no longitude and latitude"),
        (
            "open.json",
            json.dumps({"type": "Polygon", "coordinates": [SQUARE[:-1]]}).encode(),
            "open.json: a ring is not closed",
        ),
        (
            "crs.json",
            json.dumps({**POLYGON, "crs": {"type": "name", "properties": {"name": "EPSG:32650"}}}).encode(),
            "The CRS of crs.json is EPSG:32650",
        ),
        ("<img src=x>.json", b"[]", "<img src=x>.json holds Array"),
    ]
    alert = page.get_by_role("alert")
    for name, body, sentence in wrong:
        page.get_by_label("GeoJSON file").set_input_files(
            {"name": name, "mimeType": "application/geo+json", "buffer": body}
        )
        found.until(
            lambda sentence=sentence: sentence in alert.first.inner_text(),
            f"{sentence!r} instead of {alert.first.inner_text()!r}",
        )
    assert not any("/zonal" in u for u in found.asked)
    # What only the service can judge, it judges, in its own words.
    bow = {
        "type": "Polygon",
        "coordinates": [[[111.0, 37.3], [111.2, 37.5], [111.2, 37.3], [111.0, 37.5], [111.0, 37.3]]],
    }
    with pytest.raises(HTTPError) as refused:
        answers.post("zonal", bow, year=2022)
    detail = json.load(refused.value)["detail"]
    found.expected = (f"status of {refused.value.code}",)
    page.get_by_label("GeoJSON file").set_input_files(
        {"name": "bow.json", "mimeType": "application/json", "buffer": json.dumps(bow).encode()}
    )
    found.until(lambda: detail in alert.first.inner_text(), f"{detail!r} instead of {alert.first.inner_text()!r}")
    assert page.get_by_role("table", name="Emissions by species").count() == 0
