"""Nothing is loaded from another host, and what watches over that would notice."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.service.web.conftest import Open
from tests.service.web.serving import Answers

pytestmark = pytest.mark.external
PANELS = ("Threshold", "Charts", "Units", "Compare", "Area", "Share", "Layers")


def test_every_panel_and_page_asks_this_host_alone(visit: Open, answers: Answers) -> None:
    unit = answers.units()[0]
    west, south, east, north = unit["bbox"]
    place = f"{(west + east) / 2:.4f},{(south + north) / 2:.4f}"
    found = visit(f"#u={unit['unit']}&c={place}&x=2020&l=density-co2&v=units,sources,region-county,graticule")
    page = found.page
    for name in PANELS:
        page.get_by_role("tab", name=name, exact=True).click()
        page.get_by_role("tabpanel", name=name).get_by_role("heading", level=2).wait_for()
    page.get_by_role("complementary").get_by_role("tab", name="Cell", exact=True).click()
    page.get_by_role("complementary").get_by_role("table", name="Emissions and ranks, 2022").wait_for()
    for part in ("/web/", "/api/map", "/tiles/", "/point?", ".mvt", ".png", "/glyphs/", "maplibre-gl-worker"):
        found.until_asked(part)
    assert found.hosts == {urlsplit(found.address).netloc}


@pytest.mark.parametrize("what", ["script", "image", "data"])
def test_another_host_is_refused_and_noticed(visit: Open, what: str) -> None:
    found = visit()
    found.page.evaluate(
        """(what) => {
            const at = 'http://elsewhere.invalid/x';
            if (what === 'data') return fetch(at).then(() => 'loaded', () => 'refused');
            const thing = document.createElement(what === 'image' ? 'img' : 'script');
            return new Promise((resolve) => {
                thing.onload = () => resolve('loaded');
                thing.onerror = () => resolve('refused');
                thing.src = at;
                document.body.append(thing);
            });
        }""",
        what,
    )
    found.until(lambda: any("Content Security Policy" in f for f in found.faults), "a complaint of the browser")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        found.check()
    # Some are stopped before they are asked for, others are asked for and stopped: either is seen.
    found.expected = ("Content Security Policy",)
    if len(found.hosts) > 1:
        with pytest.raises(AssertionError, match=r"elsewhere\.invalid"):
            found.check()
    found.asked.clear()
    found.asked.append(found.address)


def test_inline_scripts_and_eval_are_refused(visit: Open) -> None:
    found = visit()
    ran = found.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = true">');
            return window.ran === true;
        }"""
    )
    assert not ran
    found.until(lambda: any("Content Security Policy" in f for f in found.faults), "a complaint of the browser")
    found.expected = ("Content Security Policy",)
