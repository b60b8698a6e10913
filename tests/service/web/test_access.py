"""The map for everyone: axe-core finds nothing serious on any panel or page; nothing scrolls sideways; all has a name and a size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.service.web.conftest import AXE, DESKTOP, PHONE, Open, Visit
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
# What a panel has once it is whole.
READY = {
    "layers": "fieldset", "threshold": "table.threshold-cuts", "charts": ".charts-years svg", "units": "tbody tr",
    "compare": ".compare-choice button", "area": ".row button", "share": "[data-offer=cells]",
}  # fmt: skip
# Pixels that a control has at least, for a pointer and for a finger.
POINTER, FINGER = 24, 40
SQUARE = "111, 37.35\n111.2, 37.35\n111.2, 37.5\n111, 37.5"
_RUN = """async (themes) => {
    const found = [];
    for (const theme of themes) {
        document.documentElement.dataset.theme = theme;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        // The structure is the same in the dark.
        const rules = theme === 'dark' ? { runOnly: ['color-contrast'] } : { rules: { 'target-size': { enabled: true } } };
        const { violations } = await axe.run(document, { resultTypes: ['violations'], ...rules });
        for (const v of violations) found.push({
            theme, id: v.id, impact: v.impact, help: v.help,
            nodes: v.nodes.slice(0, 5).map((n) => `${n.html.slice(0, 200)} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ''}`),
        });
    }
    return found;
}"""
_CONTROLS = """() => {
    const out = [];
    for (const e of document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=slider], [role=tab]')) {
        const box = e.getBoundingClientRect();
        if (!box.width || !box.height || e.closest('.visually-hidden, .skip') || !e.checkVisibility({ visibilityProperty: true })) continue;
        const inText = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
        // A box is ticked by its label as well.
        const label = e.matches('[type=checkbox]') ? e.closest('label').getBoundingClientRect() : box;
        const within = inText || (e.matches('button.plain') && e.parentElement.textContent !== e.textContent);
        out.push([e.outerHTML.slice(0, 160), within ? 99 : Math.round(label.width), within ? 99 : Math.round(label.height)]);
    }
    return out;
}"""


def faults_of(found: Visit, themes: tuple[str, ...] = ("light", "dark")) -> tuple[list[Any], list[Any]]:
    """Serious violations, and the others."""
    told = found.page.evaluate(_RUN, list(themes))
    return [v for v in told if v["impact"] in ("serious", "critical")], [
        v for v in told if v["impact"] not in ("serious", "critical")
    ]


def open_panel(page: Page, name: str) -> None:
    """Open a panel and wait until it is whole."""
    tab = page.locator(f"#tab-{name}")
    if tab.get_attribute("aria-selected") != "true":
        tab.click()
    panel = page.get_by_role("tabpanel").filter(has=page.locator(f".panel-{name}"))
    panel.locator(READY[name]).first.wait_for()


def test_what_looks_for_faults_finds_them(visit: Open) -> None:
    found = visit("#p=layers", script=AXE.read_text("utf-8"))
    serious, _ = faults_of(found)
    assert not serious
    found.page.evaluate(
        """() => {
            const at = document.querySelector('.panel-layers');
            const pale = Object.assign(document.createElement('p'), { textContent: 'pale' });
            pale.style.color = 'rgb(128 128 128 / 30%)';
            at.append(pale, document.createElement('input'), document.createElement('button'));
        }"""
    )
    serious, _ = faults_of(found)
    found_here = {(v["theme"], v["id"]) for v in serious}
    assert found_here >= {("light", i) for i in ("color-contrast", "label", "button-name")} | {
        ("dark", "color-contrast")
    }


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_panel_or_page_has_a_serious_fault(
    visit: Open, answers: Answers, language: str, size: tuple[int, int]
) -> None:
    unit = next(u for u in answers.units() if u["proxy_led"])
    west, south, east, north = unit["bbox"]
    locale = "zh-CN" if language == "zh" else "en-GB"
    found = visit(f"#x={answers.before}", locale=locale, size=size, script=AXE.read_text("utf-8"))
    page = found.page
    serious: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []

    def look(where: str) -> None:
        # What is folded away has to be as good.
        page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        bad, minor = faults_of(found)
        serious.extend({"where": where, **v} for v in bad)
        others.extend({"where": where, **v} for v in minor)
        if not page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"):
            serious.append({"where": where, "id": "scrolls sideways"})
        for control, width, height in page.evaluate(_CONTROLS):
            if min(width, height) < (FINGER if size == PHONE else POINTER):
                serious.append({"where": where, "id": "small target", "html": control, "size": (width, height)})

    for name in READY:
        open_panel(page, name)
        if name == "area":
            page.locator("details.area-given > summary").click()
            page.locator("textarea.area-text").fill(SQUARE)
            page.locator("details.area-given button").last.click()
            page.locator(".area-inside table").first.wait_for()
        look(name)
    page.goto(f"{found.address}/#u={unit['unit']}&c={(west + east) / 2:.4f},{(south + north) / 2:.4f}&p=none")
    page.locator("aside .pg-table").first.wait_for()
    look("unit")
    page.locator("#pg-tab-cell").click()
    page.locator("#pg-body[aria-labelledby=pg-tab-cell]:not([aria-busy]) .pg-table").first.wait_for()
    look("cell")
    assert not serious, f"{serious}\nless serious: {others}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_dialogs_and_tools_over_the_map_have_no_serious_fault(visit: Open, guarded: str, language: str) -> None:
    found = visit(
        "#p=area", locale="zh-CN" if language == "zh" else "en-GB", script=AXE.read_text("utf-8"), address=guarded
    )
    page = found.page
    open_panel(page, "area")
    page.locator("[data-name=area-polygon]").click()
    page.locator(".area-tools").wait_for()
    assert not faults_of(found)[0]
    page.keyboard.press("Escape")
    page.locator(".tools button").first.click()
    page.get_by_role("dialog").wait_for()
    assert not faults_of(found)[0]
    # Escape leads back to what opened it.
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.closest('.tools') !== null")
