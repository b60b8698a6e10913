"""Charts in a real browser: what they show, read out and hand over is what the service says."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.service.web.conftest import Open
from tests.service.web.printed import SPECIES, mass, percent
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.external


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def held(curve: dict[str, Any], share: float) -> float:
    """What a curve holds at a share, between its points."""
    return float(np.interp(share, curve["x"], [math.nan if y is None else y for y in curve["y"]]))


def saved(page: Page, button: Locator) -> list[dict[str, str]]:
    """Rows of the file behind a button."""
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".csv")
    text = Path(download.value.path()).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf") and text.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def test_concentration_is_read_at_q_and_by_hand(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#p=charts&b=co2")
    page, part = found.page, section(found.page, "Concentration")
    told, cuts = answers.of("concentration", rank_by="co2"), answers.of("threshold")["cuts"]

    def rows() -> dict[str, list[str]]:
        return {
            str(r.get_attribute("data-species")): r.locator("td").all_inner_texts()
            for r in part.locator("table.charts-legend tbody tr").all()
        }

    # At q: of the ranking species what the threshold holds, of the others what the curves hold.
    expected = {
        c["species"]: percent(cuts["co2"]["share_mass"] if c["species"] == "co2" else c["at"]["0.05"])
        for c in told["curves"]
    }
    found.until(lambda: {s: r[1] for s, r in rows().items()} == expected, f"{expected}, not {rows()}")
    assert {s: r[0] for s, r in rows().items()} == {c["species"]: f"{c['gini']:.3f}" for c in told["curves"]}
    picture = part.get_by_role("img")
    values = ", ".join(f"{SPECIES[s]} {v}" for s, v in expected.items())
    told_aloud = f"Concentration curves, cells by CO₂ density. The densest 5 % of the area hold: {values}."
    expect(picture).to_have_attribute("aria-label", told_aloud)
    # By hand: a step of the scale beyond q, read from the published points.
    reader = part.get_by_role("slider", name="Where the curves are read")
    reader.focus()
    page.keyboard.press("ArrowRight")
    low = min(0.001, *(next(x for x in c["x"] if x > 0) for c in told["curves"]))
    power = 10 ** math.floor(math.log10(low))
    low = next(m * power for m in (5, 2, 1) if m * power <= low)
    share = low * (1 / low) ** (math.log(0.05 / low) / math.log(1 / low) + 0.02)
    found.until(lambda: rows()["nox"][2] != "–")
    assert {s: r[2] for s, r in rows().items()} == {c["species"]: percent(held(c, share)) for c in told["curves"]}
    assert float(reader.get_attribute("aria-valuenow") or 0) == pytest.approx(share * 100, rel=5e-3)
    page.keyboard.press("End")
    assert [r[2] for r in rows().values()] == ["100.0 %"] * 3
    page.keyboard.press("Escape")
    assert [r[2] for r in rows().values()] == ["–"] * 3
    reader.hover()
    found.until(lambda: rows()["co2"][2] != "–", "a reading under the pointer")
    # Another q: the mark goes with it.
    part.get_by_role("button", name="10 %", exact=True).click()
    at = {c["species"]: c["at"]["0.1"] for c in told["curves"]} | {
        "co2": answers.of("threshold", share=0.1)["cuts"]["co2"]["share_mass"]
    }
    found.until(
        lambda: {s: r[1] for s, r in rows().items()} == {s: percent(v) for s, v in at.items()}, "values at 10 %"
    )


def test_concentration_by_another_species_and_as_a_file(visit: Open, answers: Answers) -> None:
    found = visit("#p=charts&b=co2")
    page, part = found.page, section(found.page, "Concentration")
    page.get_by_role("group", name="Species that ranks the cells").get_by_role("button", name="NOx", exact=True).click()
    page.wait_for_url("**b=nox**")
    told = answers.of("concentration", rank_by="nox")
    part.locator("tr.strong[data-species=nox]").wait_for()
    part.get_by_text(told["statement"]["en"]).wait_for()
    assert [r["gini"] for r in told["curves"]] != [
        r["gini"] for r in answers.of("concentration", rank_by="co2")["curves"]
    ]
    file = saved(page, part.get_by_role("button", name="Download CSV: Concentration"))
    assert [(r["ranked_by"], r["species"], float(r["share_area"]), float(r["share_mass"])) for r in file] == [
        ("nox", c["species"], x, y) for c in told["curves"] for x, y in zip(c["x"], c["y"], strict=True)
    ]
    # Values at round shares, exactly.
    part.get_by_text("Exact values at round shares").click()
    rows = part.locator("table.charts-pairs tbody tr").all()
    shares = sorted(told["curves"][0]["at"], key=float)
    assert [r.locator("td").all_inner_texts() for r in rows] == [
        [percent(c["at"][s]) for c in told["curves"]] for s in shares
    ]


def test_overlap_is_that_of_the_service(visit: Open, answers: Answers) -> None:
    from playwright.sync_api import expect

    found = visit("#p=charts")
    page, part = found.page, section(found.page, "Overlap of species")
    species = list(SPECIES)

    def matrix(answer: dict[str, Any], measure: str) -> list[list[str]]:
        by = {(r["a"], r["b"]): r for r in answer["rows"]}

        def written(value: float | None) -> str:
            return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"

        def cell(i: int, j: int) -> str:
            if i == j:
                return ""
            row = by[species[min(i, j)], species[max(i, j)]]
            if i > j:
                return written(row[f"free_{measure}"])
            null = row[f"{measure}_null"]
            return written(row[measure]) + ("" if null is None else f" null {written(null)}")

        return [[cell(i, j) for j in range(3)] for i in range(3)]

    def shown(measure: str) -> list[list[str]]:
        rows = part.get_by_role("table", name=f"Overlap of hot cells: {measure}").locator("tbody tr").all()
        return [[" ".join(c.split()) for c in r.locator("td").all_inner_texts()] for r in rows]

    told = answers.of("overlap")
    assert told["published"]
    for measure in ("Jaccard", "Lift", "Capture"):
        part.get_by_role("button", name=measure, exact=True).click()
        found.until(
            lambda m=measure: shown(m) == matrix(told, m.lower()),
            f"{matrix(told, measure.lower())} instead of {shown(measure)}",
        )
    part.get_by_role("button", name="Jaccard", exact=True).click()
    file = saved(page, part.get_by_role("button", name="Download CSV: Overlap of species"))
    assert [(r["a"], r["b"], float(r["jaccard"]), float(r["free_lift"])) for r in file] == [
        (r["a"], r["b"], r["jaccard"], r["free_lift"]) for r in told["rows"]
    ]
    # At another threshold it is worked out, without a null; there is a way back.
    section(page, "Concentration").get_by_role("button", name="2 %", exact=True).click()
    worked = answers.of("overlap", share=0.02)
    assert not worked["published"]
    found.until(lambda: shown("Jaccard") == matrix(worked, "jaccard"), "the matrix at 2 %")
    part.get_by_role("button", name="Go to the published threshold").click()
    found.until(lambda: shown("Jaccard") == matrix(told, "jaccard"), "the published matrix")
    expect(part.get_by_text("2022, q = 5 % by area, as published")).to_be_visible()


def test_sectors_and_years_are_those_of_the_service(visit: Open, answers: Answers) -> None:
    found = visit("#p=charts&b=pm25&y=2020")
    page, part = found.page, section(found.page, "Sectors")
    totals = [
        r for r in answers.of("totals", by="sector", year=2020)["rows"] if r["species"] == "pm25" and r["amount_t"] > 0
    ]
    totals.sort(key=lambda r: -r["amount_t"])
    table = part.get_by_role("table", name="PM₂.₅ by sector, 2020")
    table.wait_for()
    assert [r.locator("th, td").all_inner_texts() for r in table.locator("tbody tr").all()] == [
        [r["name_en"], mass(r["amount_t"]), percent(r["share"])] for r in totals
    ]
    widths = table.locator(".charts-bar > span").evaluate_all(
        "(bars) => bars.map((b) => b.getBoundingClientRect().width)"
    )
    assert widths == pytest.approx([widths[0] * r["amount_t"] / totals[0]["amount_t"] for r in totals], abs=1)
    file = saved(page, part.get_by_role("button", name="Download CSV: Sectors"))
    assert [(r["sector"], float(r["amount_t"]), float(r["share"])) for r in file] == [
        (r["key"], r["amount_t"], r["share"]) for r in totals
    ]
    years = section(page, "Years")
    series = answers.of("series", by="species")["rows"]
    years.get_by_text("All years").click()
    for code, name in SPECIES.items():
        first, last = (
            next(r["amount_t"] for r in series if r["species"] == code and r["year"] == y) for y in (2020, 2022)
        )
        assert years.get_by_role("row", name=name).locator("td").all_inner_texts() == [mass(first), mass(last)]
        label = years.get_by_role("listitem").filter(has_text=name).get_by_role("img").get_attribute("aria-label") or ""
        change = last / first - 1
        assert (
            label
            == f"{name}, 2020–2022: from {mass(first)} to {mass(last)}, {'−' if change < 0 else '+'}{abs(change) * 100:.1f} %"
        )
    file = saved(page, years.get_by_role("button", name="Download CSV: Years"))
    assert [(r["species"], int(r["year"]), float(r["amount_t"])) for r in file] == [
        (r["species"], r["year"], r["amount_t"]) for r in series
    ]
