"""The table of units in a real browser: sorted, filtered, searched, walked with keys, downloaded; with and without WebGL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import geopandas as gpd
import pandas as pd
import pytest

from tests.service.web.conftest import Open, Visit
from tests.service.web.printed import amount, mass, percent
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
PAGE = 60


def shown(page: Page) -> list[str]:
    """Codes in the order of the table."""
    return list(
        page.get_by_role("grid", name="Control units")
        .locator("tbody tr")
        .evaluate_all("(rows) => rows.map((r) => r.dataset.unit)")
    )


def lists(found: Visit, units: list[dict[str, Any]]) -> None:
    """Wait until the table begins with these units, and says how many there are."""
    codes = [u["unit"] for u in units]
    found.until(lambda: shown(found.page)[:PAGE] == codes[:PAGE], f"{codes[:3]}… instead of {shown(found.page)[:3]}…")
    number = f"{len(units)} units, " if units else "No unit is like this."
    found.until(lambda: found.page.locator(".units-count").inner_text().startswith(number), f"the number {number}")


def test_the_table_is_sorted_filtered_and_searched(visit: Open, answers: Answers) -> None:
    found = visit("#p=units")
    page = found.page
    grid = page.get_by_role("grid", name="Control units")
    units = answers.units()
    lists(found, units)
    row = grid.locator("tbody tr").nth(4)
    text = row.inner_text()
    for part in (
        str(units[4]["rank"]),
        units[4]["name_en"],
        units[4]["unit"],
        f"{units[4]['score']:.1f}",
        mass(units[4]["species"][0]["t"]),
    ):
        assert part in text
    # Where there is room, more columns.
    wide = page.get_by_role("button", name="Widen the table")
    wide.click()
    for part in (
        f"{amount(units[4]['area_km2'])} km²",
        f"{units[4]['membership']:.2f}",
        "isolated core",
        percent(units[4]["proxy_share"]),
    ):
        assert part in row.inner_text()
    wide.click()
    # The head of a column sorts, and turns the order round.
    for head, orders in (("Score", ("-score", "score")), ("CO₂", ("-co2_t", "co2_t"))):
        for order, sort in zip(("descending", "ascending"), orders, strict=True):
            grid.get_by_role("button", name=head, exact=True).click()
            grid.locator(f"th[aria-sort={order}]").filter(has_text=head).wait_for()
            lists(found, answers.units(sort=sort))
    # Another species in the last column goes on being sorted by.
    page.get_by_label("Emissions", exact=True).select_option("nox")
    lists(found, answers.units(sort="nox_t"))
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("combobox", name="Class", exact=True).select_option("watch")
    lists(found, answers.units(**{"class": "watch"}, sort="nox_t"))
    county = page.get_by_role("combobox", name="County", exact=True)
    county.locator("option[value='330102']").wait_for(state="attached")
    county.select_option("330102")
    wanted = answers.units(**{"class": "watch"}, jurisdiction="330102", sort="nox_t")
    assert 0 < len(wanted) < PAGE
    lists(found, wanted)
    assert "2 set" in page.locator(".units-filters summary").inner_text()
    found.until(
        lambda: f"t={quote('class=watch&jurisdiction=330102&sort=nox_t', safe='')}" in page.url,
        "the address of the table",
    )
    # Whoever is sent the address sees the same.
    again = visit(page.url.split("/", 3)[3])
    lists(again, wanted)
    page.get_by_role("button", name="Clear the filters").click()
    search = page.get_by_role("searchbox", name="Find by code, name or county")
    search.fill("<img")
    lists(found, answers.units(search="<img", sort="nox_t"))
    search.fill(units[7]["unit"])
    lists(found, [units[7]])
    search.fill("nowhere at all")
    lists(found, [])
    page.get_by_text("No unit is like this.").wait_for()


def test_a_long_table_goes_on_where_the_reader_comes_to_its_end(visit: Open, answers: Answers) -> None:
    found = visit("#p=units")
    page = found.page
    codes = [u["unit"] for u in answers.units()]
    assert len(codes) > PAGE
    lists(found, answers.units())
    page.get_by_role("grid", name="Control units").locator("tbody tr").last.scroll_into_view_if_needed()
    found.until(lambda: shown(page) == codes, "all units")
    assert page.get_by_role("button", name="Show more").count() == 0
    assert page.locator(".units-count").inner_text() == f"{len(codes)} units, {len(codes)} shown"


def test_rows_are_walked_and_opened_with_keys(visit: Open, answers: Answers) -> None:
    found = visit("#p=units")
    page = found.page
    units = answers.units()
    lists(found, units)
    here = "() => document.activeElement.dataset.unit"
    page.get_by_role("grid").get_by_role("button", name="CO₂").focus()
    page.keyboard.press("Tab")
    assert page.evaluate(here) == units[0]["unit"]
    for key, at in (("ArrowDown", 1), ("PageDown", 11), ("ArrowUp", 10), ("PageUp", 0), ("End", PAGE - 1)):
        page.keyboard.press(key)
        found.until(lambda at=at: page.evaluate(here) == units[at]["unit"], f"{key} to row {at}")
    # Beyond the end of what is loaded lies more.
    page.keyboard.press("ArrowDown")
    found.until(lambda: page.evaluate(here) == units[PAGE]["unit"], "the next page of rows")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("z")
    west, south, east, north = units[1]["bbox"]

    def inside() -> bool:
        lon, lat = map(float, page.url.split("at=")[1].split("&")[0].split(",")[:2])
        return west <= lon <= east and south <= lat <= north

    found.until(lambda: "at=" in page.url and inside(), "a map of the unit")
    page.keyboard.press("Enter")
    aside = page.get_by_role("complementary", name=units[1]["name_en"])
    aside.wait_for()
    assert page.locator("tr[aria-selected=true]").evaluate_all("(rows) => rows.map((r) => r.dataset.unit)") == [
        units[1]["unit"]
    ]
    page.keyboard.press("Escape")
    found.until(lambda: page.evaluate(here) == units[1]["unit"], "the focus where it was")
    page.locator("tbody tr").nth(2).click()
    page.get_by_role("complementary", name=units[2]["name_en"]).wait_for()


def test_the_table_is_downloaded_as_it_is_filtered(visit: Open, answers: Answers, tmp_path: Path) -> None:
    found = visit(f"#p=units&t={quote('class=co_control&sort=-area_km2', safe='')}")
    page = found.page
    wanted = answers.units(**{"class": "co_control"}, sort="-area_km2")
    lists(found, wanted)
    files = {}
    for form, name in (("csv", "Download CSV"), ("gpkg", "Download GPKG (GeoPackage)")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename.endswith(f"{answers.zoning}-units-part.{form}")
        files[form] = tmp_path / f"units.{form}"
        download.value.save_as(files[form])
    table = pd.read_csv(files["csv"], dtype={"unit": str, "jurisdiction": str})
    shapes = gpd.read_file(files["gpkg"], layer="units")
    for frame in (table, shapes):
        assert list(frame["unit"]) == [u["unit"] for u in wanted]
        assert list(frame["name_en"]) == [u["name_en"] for u in wanted]
        assert frame["score"].to_numpy() == pytest.approx([u["score"] for u in wanted])
        assert frame["co2_t"].to_numpy() == pytest.approx([u["species"][0]["t"] for u in wanted])
    assert shapes.area.to_numpy() / 1e6 == pytest.approx([u["area_km2"] for u in wanted], rel=1e-3)
    page.get_by_role("button", name="Clear the filters").click()
    lists(found, answers.units(sort="-area_km2"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(f"{answers.zoning}-units.csv")
    assert list(pd.read_csv(Path(download.value.path()))["unit"]) == [
        u["unit"] for u in answers.units(sort="-area_km2")
    ]


def test_without_webgl_the_table_works(visit: Open, answers: Answers) -> None:
    # What a browser without a graphics context gives to a script.
    found = visit("#p=units", ready=False, script="HTMLCanvasElement.prototype.getContext = () => null")
    found.expected = ("WebGL", "webgl")
    page = found.page
    page.get_by_text("WebGL is needed").wait_for()
    units = answers.units()
    lists(found, units)
    page.get_by_role("grid").get_by_role("button", name="Score", exact=True).click()
    lists(found, answers.units(sort="-score"))
    assert page.get_by_role("button", name=f"Zoom to {units[0]['name_en']}").is_disabled()
    page.locator("tbody tr").first.click()
    best = answers.units(sort="-score")[0]
    page.get_by_role("complementary", name=best["name_en"]).get_by_role("table", name="Emissions, 2022").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert len(pd.read_csv(Path(download.value.path()))) == len(units)
    for name in ("Threshold", "Charts", "Compare", "Area", "Share", "Layers"):
        page.get_by_role("tab", name=name, exact=True).click()
        page.get_by_role("tabpanel", name=name).get_by_role("heading", level=2).wait_for()


def test_a_run_has_no_units_and_says_where_they_are(visit: Open, answers: Answers) -> None:
    found = visit(f"#p=units&r={answers.run}")
    panel = found.page.get_by_role("tabpanel", name="Units")
    panel.get_by_text("control units belong to a zoning").wait_for()
    panel.get_by_text(f"cozone zone {answers.run}").wait_for()
    panel.get_by_role("button", name="初稿").click()
    lists(found, answers.get(f"api/results/{answers.before}/units", limit=1000)["units"])
