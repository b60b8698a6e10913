"""Comparisons in a real browser: two years or two zonings side by side, and what became of the units."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.service.web.conftest import Open, Visit
from tests.service.web.printed import SPECIES, amount, count, mass, percent
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
MAPS = ".maplibregl-canvas"
RELATIONS = ("same", "changed", "split", "merged", "rearranged", "entered", "left")


def tiles(found: Visit, result: str, layer: str, **wanted: str | None) -> bool:
    """Whether a picture of this layer was asked for, with these parameters."""

    def fits(url: str) -> bool:
        parts = urlsplit(url)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        return (
            f"/tiles/{result}/{layer}/" in parts.path
            and parts.path.endswith(".png")
            and all(query.get(k) == v for k, v in wanted.items())
        )

    return any(fits(u) for u in found.asked)


def clip(page: Page) -> float:
    """Where the second map begins, as a part of the width of the map."""
    inset, width = page.locator(".swipe-map").evaluate("(pane) => [getComputedStyle(pane).clipPath, pane.clientWidth]")
    found = re.fullmatch(r"inset\(\S+ \S+ \S+ (\S+)\)", inset)
    assert found, inset
    text = found[1]
    return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text.removesuffix("px")) / width


def difference(a: float, b: float) -> str:
    sign = "+" if b > a else "−" if b < a else ""
    return f"{sign}{mass(abs(b - a))}{f'{sign}{percent(abs(b - a) / a)}' if a > 0 else '–'}"


def rows_of(page: Page, table: str) -> list[list[str]]:
    rows = page.get_by_role("table", name=table).locator("tbody tr")
    return [r.locator("th, td").all_text_contents() for r in rows.all()]


def test_two_years_side_by_side(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#p=compare&l=density-nox&b=nox")
    page = found.page
    assert page.locator(MAPS).count() == 1
    page.get_by_role("group", name="Against another year").get_by_role("button", name="2020").click()
    handle = page.get_by_role("slider", name="Dividing line of the comparison")
    handle.wait_for()
    # Each side asks for its own year; that of the zoning is the default.
    found.until(lambda: tiles(found, answers.zoning, "density-nox", year="2020"), "tiles of 2020")
    found.until(lambda: tiles(found, answers.zoning, "density-nox", year=None), "tiles of 2022")
    expect(page.locator(".swipe-label.left")).to_contain_text("2022")
    expect(page.locator(".swipe-label.right")).to_contain_text("2020")
    assert page.locator(MAPS).count() == 2
    # What the tables say is what the service says.
    totals = {
        y: {
            r["species"]: r["amount_t"]
            for r in answers.get(f"api/results/{answers.run}/totals", by="species", year=y)["rows"]
        }
        for y in (2020, 2022)
    }
    name = "Emissions of the whole domain, 2020 and 2022"
    expected = [
        [SPECIES[s], mass(totals[2020][s]), mass(totals[2022][s]), difference(totals[2020][s], totals[2022][s])]
        for s in totals[2020]
    ]
    found.until(lambda: rows_of(page, name) == expected, f"{expected} instead of {rows_of(page, name)}")
    # The line: with keys, and with the mouse.
    assert clip(page) == pytest.approx(0.5)
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    found.until(lambda: clip(page) == pytest.approx(0.61, abs=1e-3), "the line at 61 %")
    assert handle.get_attribute("aria-valuetext") == "2022 on the left, 61 %; 2020 on the right"
    page.wait_for_url(re.compile(r"[#&]w=0\.61(&|$)"))
    page.keyboard.press("Home")
    found.until(lambda: clip(page) == 0)
    page.keyboard.press("End")
    found.until(lambda: clip(page) == 1)
    page.keyboard.press("PageDown")
    box, pane = handle.bounding_box(), page.get_by_role("main").bounding_box()
    assert box and pane
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(pane["x"] + pane["width"] * 0.25, pane["y"] + pane["height"] / 2, steps=5)
    page.mouse.up()
    found.until(lambda: clip(page) == pytest.approx(0.25, abs=0.01), "the line at a quarter")
    page.get_by_role("button", name="Swap the sides").click()
    expect(page.locator(".swipe-label.left")).to_contain_text("2020")
    page.wait_for_url(re.compile(r"[#&]y=2020&.*[#&]x=2022(&|$)"))
    page.get_by_role("tabpanel").get_by_role("button", name="End the comparison").click()
    expect(page.locator(MAPS)).to_have_count(1)
    expect(handle).to_have_count(0)
    found.until(lambda: "x=" not in page.url, "an address without a comparison")


def test_both_sides_move_together(visit: Open, answers: Answers) -> None:
    found = visit("#p=none&l=density-co2&x=2020&at=111.1,37.42,10")
    page = found.page
    page.get_by_role("slider", name="Dividing line of the comparison").wait_for()
    found.until(lambda: tiles(found, answers.zoning, "density-co2", year="2020"))
    since = len(found.asked)
    page.get_by_role("button", name="Zoom in").click()

    def zoomed(year: str | None) -> bool:
        asked = [
            u
            for u in found.asked[since:]
            if f"/tiles/{answers.zoning}/density-co2/WebMercatorQuad/11/" in u or "/WebMercatorQuad/12/" in u
        ]
        return any(("year=2020" in u) == (year == "2020") for u in asked if "/density-co2/" in u)

    found.until(lambda: zoomed("2020") and zoomed(None), "nearer tiles of both years")
    # The cross in the corner of the map ends it as well.
    page.get_by_role("main").get_by_role("button", name="End the comparison").click()
    found.until(lambda: page.locator(MAPS).count() == 1, "one map")


def test_two_zonings_and_what_became_of_the_units(visit: Open, answers: Answers) -> None:
    found = visit("#p=compare")
    page = found.page
    page.get_by_role("group", name="Against another zoning").get_by_role("button", name="初稿").click()
    found.until(
        lambda: tiles(found, answers.before, "zoned") and tiles(found, answers.zoning, "zoned"), "tiles of both zonings"
    )
    summary = answers.get(f"api/results/{answers.comparison}/summary")
    table = page.get_by_role("table", name="What became of the units")
    expected = [
        [name, count(r["a_units"]), count(r["b_units"]), amount(r["a_km2"]), amount(r["b_km2"])]
        for name, r in zip(RELATIONS, summary["summary"], strict=True)
    ]
    table.wait_for()
    assert rows_of(page, "What became of the units") == expected
    assert {r["relation"] for r in summary["summary"] if r["a_units"] or r["b_units"]} >= {
        "same",
        "entered",
        "left",
        "changed",
    }

    def lists(**query: Any) -> list[dict[str, Any]]:
        """Wait for the list that the service gives; gives it back."""
        told = answers.get(f"api/results/{answers.comparison}/changes", limit=1000, **query)
        grid = page.get_by_role("grid", name="Unit by unit").locator("tbody tr")
        names = [" → ".join(dict.fromkeys(r[f"{side}_name_en"] for side in "ab" if r[side])) for r in told["rows"]]

        def fits() -> bool:
            shown = grid.locator(".names").evaluate_all("(cells) => cells.map((c) => c.firstChild.textContent)")
            return list(shown) == names[: len(shown)] and len(shown) >= min(len(names), 60)

        found.until(fits, f"the list of {query}: {names[:3]}…")
        if names:
            found.until(
                lambda: f"{count(told['number_matched'])} entries" in page.locator(".changes .units-count").inner_text()
            )
        return list(told["rows"])

    everything = lists()
    assert len(everything) > 60
    for name, relation in (("entered", "entered"), ("left", "left"), ("changed", "changed")):
        table.get_by_role("button", name=name, exact=True).click()
        rows = lists(relation=relation)
        assert rows and all(r["relation"] == relation for r in rows)
    page.get_by_label("Change", exact=True).select_option("")
    page.get_by_label("only with another class").check()
    assert lists(class_changed="true")
    page.get_by_label("Class", exact=True).select_option("watch")
    lists(class_changed="true", **{"class": "watch"})
    page.get_by_label("only with another class").uncheck()
    page.get_by_label("Class", exact=True).select_option("")
    page.get_by_role("searchbox", name="Find by code or name").fill("Jiangkou")
    lists(search="Jiangkou")
    with page.expect_download() as download:
        page.get_by_role("button", name="All changes, units and cells CSV").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    codes = {row.get("a", "") or row.get("b", "") for row in csv.DictReader(io.StringIO(text))}
    assert {r["a"] or r["b"] for r in everything} <= codes
    with page.expect_response(lambda r: f"/tiles/{answers.comparison}/changes/" in r.url and ".mvt" in r.url) as tile:
        page.get_by_label("Mark the changed cells on the map").check()
    assert tile.value.ok
    before = page.url
    page.get_by_role("grid", name="Unit by unit").locator("tbody tr").first.focus()
    page.keyboard.press("Enter")
    west, south, east, north = lists(search="Jiangkou")[0]["bbox"]

    def inside() -> bool:
        lon, lat = map(float, page.url.split("at=")[1].split("&")[0].split(",")[:2])
        return page.url != before and west <= lon <= east and south <= lat <= north

    found.until(inside, "a map of the unit")
    page.get_by_role("tabpanel").get_by_role("button", name="End the comparison").click()
    found.until(lambda: page.locator(MAPS).count() == 1, "one map")


def test_masses_of_a_comparison_follow_the_species(visit: Open, answers: Answers) -> None:
    found = visit(f"#p=compare&x={answers.before}")
    page = found.page
    tonnes = {r["species"]: r for r in answers.get(f"api/results/{answers.comparison}/summary")["tonnes"]}
    name = "Emissions of the cells with a class"
    page.get_by_role("heading", name=name).wait_for()
    for code, text in SPECIES.items():
        page.get_by_role("group", name="Species", exact=True).get_by_role("button", name=text, exact=True).click()
        t = tonnes[code]
        parts = [
            ("kept their class", t["stayed_a_t"], t["stayed_b_t"]), ("changed their class", t["changed_a_t"], t["changed_b_t"]),
            ("left", t["left_t"], 0.0), ("entered", 0.0, t["entered_t"]),
        ]  # fmt: skip
        expected = [[n, mass(a), mass(b), difference(a, b)] for n, a, b in parts]
        found.until(
            lambda text=text, expected=expected: rows_of(page, f"{text}: of it") == expected,
            f"{expected} instead of {rows_of(page, f'{text}: of it')}",
        )
    # The other way round the table is the same: the comparison has a direction of its own.
    page.get_by_role("button", name="Swap the sides").click()
    page.wait_for_url(re.compile(rf"[#&]r={answers.before}&.*x={answers.zoning}"))
    page.get_by_text("From 初稿 to <b>二稿</b>").wait_for()


def test_a_year_that_is_not_there_is_no_comparison(visit: Open) -> None:
    found = visit("#p=compare&x=1999")
    assert found.page.locator(MAPS).count() == 1
    assert found.page.get_by_role("slider", name="Dividing line of the comparison").count() == 0
