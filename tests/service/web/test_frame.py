"""The map's frame in a real browser: it begins, speaks two languages, is walked with keys, keeps its state in the address."""

from __future__ import annotations

import pytest

from tests.service.web.conftest import PHONE, Open
from tests.service.web.serving import Answers

pytestmark = pytest.mark.external
PANELS = {
    "zh": ["图层", "阈值", "图表", "单元", "对比", "范围", "分享"],
    "en": ["Layers", "Threshold", "Charts", "Units", "Compare", "Area", "Share"],
}


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_begins_in_the_readers_language(visit: Open, language: str, size: tuple[int, int]) -> None:
    page = visit(locale="zh-CN" if language == "zh" else "en-GB", size=size).page
    assert page.get_by_role("tab").all_inner_texts() == PANELS[language]
    assert page.get_attribute("html", "lang") == ("zh-CN" if language == "zh" else "en")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    legend = page.locator(".legend")
    assert ("协同管控" if language == "zh" else "co-control") in legend.inner_html()


def test_another_language_is_remembered(visit: Open) -> None:
    page = visit(locale="en-GB").page
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("html[lang=zh-CN][data-ready=true]")
    page.reload()
    page.wait_for_selector("html[lang=zh-CN][data-ready=true]")
    assert page.get_by_role("tab", name="图层").count() == 1


def test_every_panel_opens_with_keys(visit: Open) -> None:
    page = visit().page
    page.get_by_role("tab", name="Layers").focus()
    for name in [*PANELS["en"][1:], "Layers"]:
        page.keyboard.press("ArrowDown")
        assert page.evaluate("() => document.activeElement.textContent") == name
        page.keyboard.press("Enter")
        page.get_by_role("tabpanel", name=name).wait_for()
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
        assert page.evaluate("() => document.activeElement.textContent") == name


def test_light_and_dark(visit: Open) -> None:
    page = visit(dark=True).page
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_label("Light or dark").select_option("light")
    assert page.evaluate(ground) != dark
    page.reload()
    page.wait_for_selector("html[data-ready=true][data-theme=light]")
    assert page.evaluate(ground) != dark


def test_the_address_holds_the_view(visit: Open) -> None:
    page = visit().page
    page.get_by_label("Shows").select_option("density")
    page.get_by_role("button", name="NOx", exact=True).click()
    page.get_by_label("Graticule").check()
    page.wait_for_url("**/#*l=density-nox*graticule*")
    address = page.url
    again = visit(address.split("/", 3)[3]).page
    assert again.get_by_label("Shows").input_value() == "density"
    assert again.get_by_role("button", name="NOx", exact=True).get_attribute("aria-pressed") == "true"
    assert again.get_by_label("Graticule").is_checked()
    assert "NOx" in again.locator(".legend").inner_text()


@pytest.mark.parametrize(
    "fragment",
    ["#q=NaN&l=%00&at=x,y,z&p=none&r=z-ffffffffffff", "#q=9&y=1&u=%3Cscript%3E&c=1e9,2&o=-1", "#" + "v=" + "a," * 3000],
)
def test_addresses_that_make_no_sense_still_begin(visit: Open, fragment: str) -> None:
    page = visit(fragment).page
    assert page.locator(".legend").count() == 1


def test_a_result_that_is_not_here_is_told(visit: Open, answers: Answers) -> None:
    found = visit("#r=z-000000000000&u=CZ-1&c=111,37")
    found.page.get_by_text(
        f"The result z-000000000000 of the link is not published here; this is {answers.zoning}."
    ).wait_for()
    # Places and codes of that result are not taken for those of this one.
    assert found.page.get_by_role("complementary").count() == 0 and not any("/point?" in u for u in found.asked)


def test_another_result_is_chosen_at_the_head(visit: Open, answers: Answers) -> None:
    found = visit("#q=0.1&l=class")
    page = found.page
    page.get_by_role("combobox", name="Result").select_option(answers.before)
    page.wait_for_url(f"**r={answers.before}&y=2020**")
    # What the reader had moved stays.
    found.until_asked(f"/tiles/{answers.before}/class/", "share=0.1")


def test_the_skip_link_leads_to_the_panel(visit: Open) -> None:
    page = visit("#p=none").page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the panel"
    page.keyboard.press("Enter")
    page.get_by_role("tabpanel", name="Layers").wait_for()
    assert page.evaluate("() => document.activeElement.id") == "panel"


def test_layers_change_what_is_asked_and_told(visit: Open) -> None:
    from playwright.sync_api import expect

    found = visit()
    page = found.page
    for kind, part in [
        ("rank", "/rank-"),
        ("hot", "/hot-"),
        ("change", "/change-"),
        ("membership", "/membership/"),
        ("class", "/class/"),
    ]:
        with page.expect_response(lambda r, part=part: part in r.url and r.url.split("?")[0].endswith(".png")) as tile:
            page.get_by_label("Shows").select_option(kind)
        assert tile.value.ok
    # A kind that is told by species and for the classes begins with the classes.
    page.get_by_label("Shows").select_option("membership")
    page.get_by_role("group", name="Species").get_by_role("button", name="NOx").click()
    found.until_asked("/membership-nox/")
    before = page.locator(".legend").inner_text()
    page.get_by_label("Shows").select_option("density")
    expect(page.get_by_role("group", name="Species").get_by_role("button")).to_have_text(["CO₂", "NOx", "PM₂.₅"])
    found.until(lambda: page.locator(".legend").inner_text() != before, "another legend")
    assert "t/km²/yr" in page.locator(".legend").inner_text()
    with page.expect_response(lambda r: "style=" in r.url and r.url.split("?")[0].endswith(".png")):
        page.get_by_label("Colours").select_option("magma")
    for overlay, part in (
        ("Hotspots", "/hotspots/"),
        ("Sources", "/sources/"),
        ("Conflicts", "/conflicts/"),
        ("Townships", "/region-township/"),
    ):
        with page.expect_response(lambda r, part=part: part in r.url and ".mvt" in r.url) as tile:
            page.get_by_label(overlay, exact=True).check()
        assert tile.value.ok
