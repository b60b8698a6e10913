"""Pages beside the map in a real browser: the cell that is clicked, the unit; what they say is what the service says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.published import HOSTILE
from tests.service.web.conftest import Open, Visit
from tests.service.web.printed import SPECIES, amount, count, percent
from tests.service.web.province import HOSTILE_EN
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.external


@pytest.fixture(scope="session")
def single(answers: Answers) -> dict[str, Any]:
    """The first unit that is one cell: its middle is a place in both."""
    return next(u for u in answers.units() if u["cells"] == 1 and not u["proxy_led"])


def middle(unit: dict[str, Any]) -> tuple[float, float]:
    west, south, east, north = unit["bbox"]
    return round((west + east) / 2, 4), round((south + north) / 2, 4)


def click_the_middle(found: Visit) -> None:
    """A click on the middle of the map, which the address names."""
    box = found.page.get_by_role("main").bounding_box()
    assert box
    found.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def rows_of(table: Locator) -> list[list[str]]:
    """Texts of the cells of a table's body; a second line of a cell is left out."""
    return [[c.split("\n")[0] for c in r.locator("th, td").all_inner_texts()] for r in table.locator("tbody tr").all()]


def test_a_cell_that_is_clicked_says_what_the_service_says(
    visit: Open, answers: Answers, single: dict[str, Any]
) -> None:
    from playwright.sync_api import expect

    lon, lat = middle(single)
    found = visit(f"#p=none&at={lon},{lat},13")
    page = found.page
    click_the_middle(found)
    aside = page.get_by_role("complementary")
    # The unit of the place first, the cell behind a tab.
    aside.get_by_role("heading", name=single["name_en"], level=2).wait_for()
    expect(aside.get_by_role("tab", name="Unit", exact=True)).to_have_attribute("aria-selected", "true")
    expect(aside.get_by_text(single["unit"], exact=True).first).to_be_visible()
    aside.get_by_role("tab", name="Cell", exact=True).click()
    said = answers.of("point", lon=lon, lat=lat, year=2022, top=50)
    aside.get_by_role("heading", name=f"Cell {said['cell']['cell']}", exact=True).wait_for()
    table = aside.get_by_role("table", name="Emissions and ranks, 2022")
    assert rows_of(table) == [
        [SPECIES[s["species"]], amount(s["amount_t"]), amount(s["density_t_km2"]), f"{count(s['rank'])} of {count(s['ranks'])}"]
        for s in said["species"]
    ]  # fmt: skip
    assert [("not hot" not in r) for r in table.locator("tbody tr").all_inner_texts()] == [
        s["hot"] for s in said["species"]
    ]
    zoned = aside.get_by_role("region", name="What the zoning says").or_(
        aside.locator("section", has=page.get_by_role("heading", name="What the zoning says"))
    )
    text = zoned.first.inner_text()
    assert percent(said["zoned"]["membership"]) in text and single["unit"] in text and "co-control" in text
    sources = said["contributors"]["co2"]
    shown = aside.get_by_role("list", name="Sources").get_by_role("listitem").all_inner_texts()
    assert len(shown) == min(len(sources), 8)
    for line, source in zip(shown, sources, strict=False):
        assert (
            f"{amount(source['mass_t'])} t · {percent(source['share'])}" in line
            and (source["name_en"] or source["source_id"]) in line
        )
    assert f"c={lon}" in page.url or found.until(lambda: "c=" in page.url)
    page.keyboard.press("Escape")
    expect(aside).to_have_count(0)
    found.until(lambda: "c=" not in page.url and "u=" not in page.url, "an address without the page")


def test_a_unit_from_the_address_says_what_the_service_says(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    unit = answers.units()[1]
    said = answers.of(f"units/{unit['unit']}")
    page = visit(f"#u={unit['unit']}&p=none").page
    aside = page.get_by_role("complementary", name=unit["name_en"])
    table = aside.get_by_role("table", name="Emissions, 2022")
    table.wait_for()
    assert rows_of(table) == [
        [SPECIES[s["species"]], amount(s["t"]), amount(s["t_km2"]), percent(s["share"], 2 if s["share"] < 0.01 else 1)]
        for s in unit["species"]
    ]
    facts = dict(zip(aside.locator("dt").all_inner_texts(), aside.locator("dd").all_inner_texts(), strict=True))
    assert facts["Rank"] == f"{unit['rank']} (5–95 % interval {unit['rank_low']}–{unit['rank_high']})"
    assert facts["Score"] == amount(unit["score"])
    assert facts["Membership"].startswith(percent(unit["membership"]))
    assert facts["Area"] == f"{amount(unit['area_km2'])} km², {unit['cells']} cells"
    assert (
        f"Rank {unit['rank']} of {len(answers.units())}"
        in aside.get_by_role("navigation", name="Go by rank").inner_text()
    )
    aside.get_by_role("button", name="NOx", exact=True).click()
    sectors = [r for r in said["sectors"] if r["species"] == "nox" and r["mass_t"] > 0]
    assert [row[2] for row in rows_of(aside.get_by_role("table", name="By sector"))] == [
        amount(r["mass_t"]) for r in sorted(sectors, key=lambda r: -r["mass_t"])
    ]
    shown = aside.get_by_role("list", name="Sources").get_by_role("listitem").all_inner_texts()
    sources = [r for r in said["contributors"] if r["species"] == "nox"][:8]
    assert len(shown) == len(sources) > 0
    assert all(
        f"{amount(r['mass_t'])} t · {percent(r['share'])}" in line for line, r in zip(shown, sources, strict=True)
    )
    # The draft access list in its four parts, each with as many rules as the service has.
    for part, name in {
        "spatial": "Spatial constraints",
        "emission": "Emission control",
        "risk": "Environmental risk",
        "resource": "Resource efficiency",
    }.items():
        number = sum(r["part"] == part for r in said["access"])
        expect(aside.get_by_text(name).locator("xpath=..")).to_contain_text(
            {0: "none", 1: "1 rule"}.get(number, f"{number} rules")
        )
    with page.expect_download() as saved:
        aside.get_by_role("button", name="GeoJSON", exact=True).click()
    feature = json.loads(Path(saved.value.path()).read_text("utf-8"))
    assert feature["properties"]["unit"] == unit["unit"] and saved.value.suggested_filename == f"{unit['unit']}.geojson"
    with page.expect_download() as saved:
        aside.get_by_role("button", name="Download the evidence (JSON)").click()
    assert json.loads(Path(saved.value.path()).read_text("utf-8"))["score"]["score"] == pytest.approx(unit["score"])
    href = aside.get_by_role("link", name="OGC API feature").get_attribute("href")
    assert href and page.request.get(href).ok
    following = answers.units()[2]
    aside.get_by_role("button", name=f"Next: {following['name_en']}").click()
    page.get_by_role("complementary", name=following["name_en"]).wait_for()


def test_how_much_of_a_unit_rests_on_proxies(visit: Open, answers: Answers) -> None:
    led = next(u for u in answers.units() if u["proxy_led"] and u["cross_id"])
    page = visit(f"#u={led['unit']}").page
    aside = page.get_by_role("complementary", name=led["name_en"])
    aside.get_by_text(
        f"{percent(led['proxy_share'], 0)} of it rests on shared proxies, at or above the limit of 50 %"
    ).wait_for()
    assert "proxy-led" in aside.inner_text()
    # The other part of a hotspot that the border of the counties cut.
    other = next(u for u in answers.units() if u["cross_id"] == led["cross_id"] and u["unit"] != led["unit"])
    aside.get_by_text("List them").click()
    aside.get_by_role("button", name=other["unit"]).click()
    page.get_by_role("complementary", name=other["name_en"]).wait_for()


def test_a_conflict_is_told_and_found(visit: Open, answers: Answers) -> None:
    unit = next(u for u in answers.units() if u["conflicts"])
    (conflict,) = answers.of(f"units/{unit['unit']}")["conflicts"]
    found = visit(f"#u={unit['unit']}")
    line = found.page.get_by_role("button", name=f"Zoom to {conflict['conflict']}")
    line.wait_for()
    before = found.page.url
    line.click()
    found.until(lambda: "at=" in found.page.url and found.page.url != before, "a map elsewhere")
    lon, lat, _zoom = map(float, found.page.url.split("at=")[1].split("&")[0].split(","))
    assert conflict["west"] <= lon <= conflict["east"] and conflict["south"] <= lat <= conflict["north"]


def test_names_with_markup_are_text(visit: Open, answers: Answers) -> None:
    unit = next(u for u in answers.units(search="<img") if u["supply_security"])
    lon, lat = middle(unit)
    for locale, plant, name in (("zh-CN", HOSTILE, unit["name_zh"]), ("en-GB", HOSTILE_EN, unit["name_en"])):
        found = visit(
            f"#at={lon},{lat},13&u={unit['unit']}&c={lon},{lat}&v=units,sources,region-county&p=units", locale=locale
        )
        aside = found.page.get_by_role("complementary", name=name)
        aside.get_by_role("list").get_by_text(plant).first.wait_for()
        found.page.get_by_role("grid").get_by_text(name, exact=True).first.wait_for()
        assert "<b>二稿</b>" in found.page.get_by_role("banner").inner_text()
        assert found.page.locator("img[src=x], script:not([src]), b:text-is('二稿')").count() == 0


def test_a_place_outside_says_so(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#c=100,30")
    # The service says 404 to a place off the grid, and the browser tells that on its console.
    found.expected = ("404 (Not Found)",)
    page = found.page
    expect(page.get_by_role("status").filter(has_text="This place lies outside of the grid.")).to_have_count(1)
    found.until(lambda: "c=" not in page.url, "an address without the place")
    west, south, _east, north = answers.get(f"tiles/{answers.zoning}")["bounds"]
    other = visit(f"#p=none&at={west - 0.02:.4f},{(south + north) / 2:.4f},11")
    click_the_middle(other)
    expect(other.page.get_by_role("status").filter(has_text="This place lies outside of the grid.")).to_have_count(1)
    assert other.page.get_by_role("complementary").count() == 0 and not any("/point?" in u for u in other.asked)


def test_a_year_without_zoning_tells_emissions_alone(visit: Open, answers: Answers, single: dict[str, Any]) -> None:
    lon, lat = middle(single)
    page = visit(f"#y=2020&c={lon},{lat}").page
    aside = page.get_by_role("complementary")
    aside.get_by_text("The zoning is of 2022; of 2020 only emissions are known.").wait_for()
    said = answers.of("point", lon=lon, lat=lat, year=2020)
    assert [row[1] for row in rows_of(aside.get_by_role("table", name="Emissions and ranks, 2020"))] == [
        amount(s["amount_t"]) for s in said["species"]
    ]


def test_the_keyboard_opens_the_cell_under_the_cross(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#p=none&at=111.1,37.42,12&v=region-county")
    page = found.page
    page.get_by_role("tab", name="Layers").focus()
    # The map is the next that Tab comes to.
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.classList.contains('maplibregl-canvas')"):
            break
    expect(page.get_by_text("Enter opens the cell under the cross")).to_be_visible()
    page.keyboard.press("ArrowRight")
    found.until(lambda: "at=111.1," not in page.url, "a map that moved")
    page.keyboard.press("Enter")
    aside = page.get_by_role("complementary")
    aside.get_by_role("table", name="Emissions and ranks, 2022").wait_for()
    place = found.until(lambda: "c=" in page.url and page.url.split("c=")[1].split("&")[0])
    lon, lat = map(float, place.split(","))
    assert lon > 111.1 and lat == pytest.approx(37.42, abs=1e-4)
    assert (
        aside.get_by_role("heading", level=2).inner_text()
        == f"Cell {answers.of('point', lon=lon, lat=lat)['cell']['cell']}"
    )
    assert aside.evaluate("(aside) => aside.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(aside).to_have_count(0)
    assert page.evaluate("() => document.activeElement.classList.contains('maplibregl-canvas')")


def test_facilities_need_a_key_and_come_with_one(
    visit: Open, guarded: str, key: str, answers: Answers, single: dict[str, Any]
) -> None:
    from playwright.sync_api import expect

    lon, lat = middle(single)
    found = visit(f"#c={lon},{lat}&u={single['unit']}", address=guarded)
    page = found.page
    aside = page.get_by_role("complementary")
    aside.get_by_text("Facilities are shown with a key: enter one under “Key”").wait_for()
    expect(page.get_by_label("Sources (needs a key)")).to_be_disabled()
    aside.get_by_role("tab", name="Cell", exact=True).click()
    expect(aside.get_by_role("heading", level=2)).to_contain_text("Cell ")
    expect(aside.get_by_text("Facilities are shown with a key")).to_be_visible()
    assert aside.get_by_role("list", name="Sources").count() == 0

    def enter(text: str) -> None:
        page.get_by_role("button", name="Key", exact=True).click()
        page.get_by_label("Access key").fill(text)
        with page.expect_navigation():
            page.get_by_role("button", name="Use", exact=True).click()
        page.wait_for_selector("html[data-ready=true]")

    # A key that is none: refused, forgotten, and the page is there all the same.
    found.expected = ("401 (Unauthorized)",)
    enter("cz_nothing")
    page.get_by_text("The key is not known, or was withdrawn; it is not used.").wait_for()
    aside.get_by_text("Facilities are shown with a key").wait_for()
    assert page.evaluate("() => sessionStorage.length") == 0
    enter(key)
    source = answers.of(f"units/{single['unit']}")["contributors"][0]
    expect(aside.get_by_role("list", name="Sources")).to_contain_text(f"{amount(source['mass_t'])} t")
    with page.expect_response(lambda r: "/sources/" in r.url and ".mvt" in r.url) as tile:
        page.get_by_role("checkbox", name="Sources").check()
    assert tile.value.ok
    assert key not in page.url and page.evaluate("() => localStorage.getItem('cozone.key')") is None
    page.get_by_role("button", name="Key", exact=True).click()
    with page.expect_navigation():
        page.get_by_role("button", name="Forget").click()
    aside.get_by_text("Facilities are shown with a key").wait_for()
