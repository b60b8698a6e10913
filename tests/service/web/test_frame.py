"""The map's frame in a real browser: it begins, speaks two languages, is walked with keys, keeps its state in the address."""

from __future__ import annotations

import pytest

from tests.service.web.conftest import PHONE, Open

pytestmark = pytest.mark.external
PANELS = {
    "zh": ["图层", "阈值", "图表", "单元", "对比", "范围", "共享"],
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


def test_layers_change_what_is_asked_and_told(visit: Open) -> None:
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
    before = page.locator(".legend").inner_text()
    page.get_by_label("Shows").select_option("density")
    found.until(lambda: page.locator(".legend").inner_text() != before, "another legend")
    assert "t/km²/yr" in page.locator(".legend").inner_text()
    with page.expect_response(lambda r: "style=" in r.url and r.url.split("?")[0].endswith(".png")):
        page.get_by_label("Colours").select_option("magma")
    for overlay in ("Hotspots", "Sources", "Conflicts", "Townships"):
        with page.expect_response(lambda r: ".mvt" in r.url):
            page.get_by_label(overlay, exact=True).check()
