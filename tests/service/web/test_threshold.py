"""The threshold in a real browser: the map, the counts and the address follow the slider, and say what the service says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.service.web.conftest import Open, Visit
from tests.service.web.printed import SPECIES, amount, count, percent
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
CLASSES = {
    "co_control": "co-control",
    "pollution_only": "pollution only",
    "carbon_only": "carbon only",
    "watch": "watch",
}


def shown_classes(page: Page) -> list[list[str]]:
    rows = page.get_by_role("table", name="What each class holds").locator("tbody tr, tfoot tr").all()
    return [r.locator("th, td").all_inner_texts() for r in rows]


def told_classes(answer: dict[str, Any]) -> list[list[str]]:
    """The same from an answer of the service."""
    rows = [
        [
            CLASSES[c["class"]],
            count(c["cells"]),
            count(c["patches"]),
            amount(c["area_km2"]),
            percent(c["share_area"], 2),
        ]
        for c in answer["classes"]
    ]
    total = {
        k: sum(c[k] for c in answer["classes"])
        for k in ("cells", "patches", "area_km2", "share_area", "small_cells", "small_patches", "small_area_km2")
    }
    rows.append(
        [
            "All",
            count(total["cells"]),
            count(total["patches"]),
            amount(total["area_km2"]),
            percent(total["share_area"], 2),
        ]
    )
    least = answer["threshold"]["min_cells"]
    if least > 1:
        cut = next(iter(answer["cuts"].values()))
        small = percent(total["small_area_km2"] * cut["share_area"] / cut["area_km2"], 2)
        rows.append(
            [
                f"Below {least} cells, left out",
                count(total["small_cells"]),
                count(total["small_patches"]),
                amount(total["small_area_km2"]),
                small,
            ]
        )
    return rows


def shows(found: Visit, answers: Answers, **asked: Any) -> dict[str, Any]:
    """Wait until the panel shows what the service answers to this; gives back the answer."""
    answer = answers.of("threshold", **asked)
    found.until(
        lambda: shown_classes(found.page) == told_classes(answer),
        f"the table of {asked}: {told_classes(answer)} instead of {shown_classes(found.page)}",
    )
    return dict(answer)


def asked_with(found: Visit, since: int, **wanted: str) -> None:
    """Counts and tiles were asked for with the same threshold."""
    for part in ("/threshold?", "/class/WebMercatorQuad/"):
        found.until(
            lambda part=part: any(
                part in u and all(parse_qs(urlsplit(u).query).get(k) == [v] for k, v in wanted.items()) for u in found.asked[since:]
            ), f"{part} with {wanted}",
        )  # fmt: skip


def test_map_and_counts_follow_the_slider(visit: Open, answers: Answers) -> None:
    found = visit("#p=threshold&l=class")
    page = found.page
    shows(found, answers)
    slider = page.get_by_role("slider", name="Share that is hot, q")
    since = len(found.asked)
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "5.5 %"
    asked_with(found, since, share="0.055")
    shows(found, answers, share=0.055)
    page.wait_for_url(re.compile(r"[#&]q=0\.055(&|$)"))
    # With the mouse: where it is let go is what is asked for last.
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    since = len(found.asked)
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.9, y, steps=4)
    page.mouse.up()
    text = slider.get_attribute("aria-valuetext") or ""
    share = float(text.removesuffix(" %")) / 100
    assert 0.1 < share < 0.5
    asked_with(found, since, share=f"{share:g}")
    shows(found, answers, share=share)
    page.wait_for_url(re.compile(rf"[#&]q={re.escape(f'{share:g}')}(&|$)"))
    assert page.get_by_role("spinbutton", name="Share that is hot, q, in per cent").input_value() == text.removesuffix(
        " %"
    )


def test_a_number_that_is_typed_and_one_that_is_no_share(visit: Open, answers: Answers) -> None:
    found = visit("#p=threshold&l=class")
    page = found.page
    field = page.get_by_role("spinbutton", name="Share that is hot, q, in per cent")
    field.fill("7.25")
    field.press("Enter")
    shows(found, answers, share=0.0725)
    since = len(found.asked)
    for wrong in ("80", "0", "-3", ""):
        field.fill(wrong)
        field.press("Enter")
        assert field.evaluate("(f) => f.validationMessage") == "A number from 0.01 to 50 is expected"
    assert not any("/threshold?" in u for u in found.asked[since:])
    page.get_by_role("button", name="1 %", exact=True).click()
    shows(found, answers, share=0.01)
    assert field.input_value() == "1"
    assert page.get_by_role("button", name="1 %", exact=True).get_attribute("aria-pressed") == "true"


def test_mode_rule_and_size_change_what_is_counted_and_can_be_taken_back(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#p=threshold&l=class")
    page = found.page
    first = shows(found, answers)
    reset = page.get_by_role("button", name="Back to the published ones")
    expect(reset).to_be_disabled()
    page.get_by_label("Rule of overlap").select_option(label="at least 1 of 2 pollutants")
    second = shows(found, answers, min_pollutants=1)
    size = page.get_by_role("spinbutton", name="Smallest patch, in cells")
    size.fill("3")
    size.press("Enter")
    third = shows(found, answers, min_pollutants=1, min_cells=3)
    page.get_by_role("button", name="mass", exact=True).click()
    fourth = shows(found, answers, min_pollutants=1, min_cells=3, mode="mass")
    assert len({str(a["classes"]) for a in (first, second, third, fourth)}) == 4
    for part in ("k=1", "n=3", "m=mass"):
        page.wait_for_url(re.compile(rf"[#&]{part}(&|$)"))
    asked_with(found, 0, min_pollutants="1", min_cells="3", mode="mass")
    since = len(found.asked)
    for wrong in ("0", "2.5", "10001"):
        size.fill(wrong)
        size.press("Enter")
        assert size.evaluate("(f) => f.validationMessage") == "A whole number from 1 to 10000 is expected"
    assert not any("/threshold?" in u for u in found.asked[since:])
    reset.click()
    shows(found, answers)
    expect(reset).to_be_disabled()
    assert size.input_value() == "1"
    # An address tells the threshold in any case: what a result is published with is its own.
    page.wait_for_url(re.compile(r"q=0\.05&m=area&k=2&n=1(&|$)"))


def test_mass_and_cuts_are_those_of_the_service(visit: Open, answers: Answers) -> None:
    found = visit("#p=threshold&l=class&q=0.1&y=2020")
    answer = shows(found, answers, share=0.1, year=2020)
    table = found.page.get_by_role("table", name="Share of each species’ mass")
    for code, name in SPECIES.items():
        cells = table.get_by_role("row", name=name).locator("td").all_inner_texts()
        for cell, told in zip(cells, answer["classes"], strict=True):
            proxies = told[f"{code}_proxy_share"]
            expected = [percent(told[f"{code}_share"])] + (
                [] if proxies is None else [f"proxy {percent(proxies, 0).replace(' ', '')}"]
            )
            assert cell.split() == " ".join(expected).split()
    cuts = found.page.get_by_role("table", name="Where each species is cut").locator("tbody tr").all()
    assert [r.locator("th, td").all_inner_texts() for r in cuts] == [
        [SPECIES[s], amount(c["threshold"]), count(c["cells"]), percent(c["share_mass"])]
        for s, c in answer["cuts"].items()
    ]


def test_a_layer_that_does_not_follow_gives_way_to_one_that_does(visit: Open, answers: Answers) -> None:
    found = visit("#p=threshold&l=zoned")
    page = found.page
    page.get_by_text("The layer on the map does not follow the threshold.").wait_for()
    page.get_by_role("slider", name="Share that is hot, q").press("ArrowLeft")
    asked_with(found, 0, share="0.048")
    page.wait_for_url(re.compile(r"[#&]l=class(&|$)"))
    assert page.get_by_text("The layer on the map does not follow the threshold.").count() == 0
    shows(found, answers, share=0.048)


def test_a_run_has_a_threshold_of_its_own(visit: Open, answers: Answers) -> None:
    found = visit(f"#p=threshold&r={answers.run}")
    page = found.page
    page.get_by_text("This result has no zoning").wait_for()
    page.get_by_role("button", name="10 %", exact=True).click()
    told = answers.get(f"api/results/{answers.run}/threshold", share=0.1)
    found.until(lambda: shown_classes(page) == told_classes(told), "the table of the run")
