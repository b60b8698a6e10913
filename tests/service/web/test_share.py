"""What is taken away from the map: the link, addresses for other programs, and the picture."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
from PIL import Image

from tests.service.web.conftest import DESKTOP, Open, Visit
from tests.service.web.serving import Answers

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.external
COPYING = ("clipboard-read", "clipboard-write")
A4 = (1754, 1240)


def copied(found: Visit, offer: str) -> str:
    """What the copy button of an offer puts on the clipboard."""
    page = found.page
    line = page.locator(f"[data-offer={offer}]")
    line.get_by_role("button", name="Copy").click()
    line.get_by_role("status").get_by_text("Copied").wait_for()
    text = str(page.evaluate("() => navigator.clipboard.readText()"))
    assert text == line.get_by_role("textbox").input_value()
    return text


def fetched(page: Page, address: str) -> tuple[str, bytes]:
    """Media type and content of an address, asked for without the page."""
    answer = page.request.get(address)
    assert answer.status == 200, f"{address}: {answer.status}"
    return answer.headers["content-type"].split(";")[0], answer.body()


def is_picture(page: Page, template: str, tile: tuple[int, int, int]) -> bool:
    """Whether a tile of a template is a picture with more than one colour."""
    z, x, y = tile
    kind, body = fetched(page, template.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y)))
    assert kind == "image/png"
    return len(set(Image.open(io.BytesIO(body)).convert("RGBA").get_flattened_data())) > 1


def test_the_link_opens_the_same_view(visit: Open) -> None:
    found = visit("#p=share&l=class&q=0.1&v=units,graticule&at=111.2,37.5,9.5", permissions=COPYING)
    page = found.page
    page.get_by_role("button", name="Copy: Link of this view").click()
    page.get_by_text("Copied").wait_for()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert "q=0.1" in link and "at=111.2,37.5,9.5" in link and link.startswith(found.address)
    again = visit("#" + link.split("#")[1].replace("p=share", "p=threshold"))
    assert again.page.get_by_role("slider", name="Share that is hot, q").get_attribute("aria-valuetext") == "10 %"
    again.until_asked("/class/WebMercatorQuad/", "share=0.1")


def test_addresses_for_other_programs_answer(visit: Open, answers: Answers) -> None:
    found = visit("#p=share&l=class&q=0.1", permissions=COPYING)
    page = found.page
    kind, body = fetched(page, copied(found, "wmts"))
    root = ElementTree.fromstring(body)
    assert kind in ("application/xml", "text/xml") and root.tag == "{http://www.opengis.net/wmts/1.0}Capabilities"
    template = copied(found, "xyz")
    assert "share=0.1" in template and is_picture(page, template, (8, 206, 99))
    kind, body = fetched(page, copied(found, "tilejson"))
    tilejson = json.loads(body)
    assert kind == "application/json" and tilejson["tiles"] and "share=0.1" in tilejson["tiles"][0]
    assert is_picture(page, tilejson["tiles"][0], (8, 206, 99))
    kind, body = fetched(page, copied(found, "ogc"))
    assert kind == "application/json" and json.loads(body)["links"]
    kind, body = fetched(page, copied(found, "units"))
    assert kind == "application/vnd.apache.parquet"
    assert list(gpd.read_parquet(io.BytesIO(body)).sort_values("unit")["unit"]) == sorted(
        u["unit"] for u in answers.units()
    )
    kind, body = fetched(page, copied(found, "cells"))
    assert kind == "application/vnd.apache.parquet" and len(gpd.read_parquet(io.BytesIO(body))) > 0
    # Longitude and latitude instead.
    page.get_by_role("button", name="longitude and latitude (CGCS2000)").click()
    found.until(lambda: "CGCS2000Quad" in page.locator("[data-offer=xyz] input").input_value(), "the other matrix set")
    assert is_picture(page, copied(found, "xyz"), (8, 206, 37))
    # Each says in words how it is taken.
    for offer in page.locator("[data-offer]").all():
        assert offer.locator("p").count() >= 1
    with page.expect_download() as download:
        page.locator("[data-offer=units]").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"{answers.zoning}.units.parquet"
    assert len(gpd.read_parquet(Path(download.value.path()))) == len(answers.units())


def test_without_leave_to_copy_the_text_is_marked(visit: Open) -> None:
    # Pages that came by plain http from another machine have no clipboard.
    found = visit(
        "#p=share",
        script="Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false;",
    )
    page = found.page
    line = page.locator("[data-offer=ogc]")
    line.get_by_role("button", name="Copy").click()
    line.get_by_text("Selected: press Ctrl+C").wait_for()
    assert page.evaluate(
        "() => { const at = document.activeElement; return at.value.slice(at.selectionStart, at.selectionEnd); }"
    ).endswith("/ogc")


def picture_of(found: Visit, size: str, ground: str, title: str = "") -> tuple[Image.Image, str]:
    page = found.page
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_role("combobox", name="Size").select_option(size)
    page.get_by_role("combobox", name="Ground").select_option(ground)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    return Image.open(Path(download.value.path())).convert("RGB"), download.value.suggested_filename


def ink(image: Image.Image, box: tuple[float, float, float, float]) -> float:
    """Share of the pixels of a part of a picture (of its width and height) that differ from the corner's colour."""
    pixels = np.asarray(image, int)
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(b * s) for b, s in zip(box, (width, height) * 2, strict=True))
    part = pixels[y0:y1, x0:x1]
    return float((np.abs(part - pixels[2, 2]).max(axis=2) > 24).mean())


def test_a_picture_for_a_report(visit: Open, answers: Answers) -> None:
    found = visit("#p=share&o=1&at=111.1,37.42,9")
    image, name = picture_of(found, "a4", "light", "排放热点 Hotspots")
    assert image.size == A4 and name == f"{answers.zoning}-zoned-2022.png"
    assert len(image.getcolors(2**24) or ()) > 50
    titled = ink(image, (0, 0, 0.8, 0.05))
    assert titled > 0.01
    # The map on the left, its legend on the right, source and manifest below.
    assert (
        ink(image, (0.02, 0.1, 0.8, 0.9)) > 0.02
        and ink(image, (0.86, 0.06, 1, 0.5)) > 0.01
        and ink(image, (0, 0.95, 0.9, 1)) > 0.005
    )
    other, _ = picture_of(found, "a4", "light", "X")
    assert 0 < ink(other, (0, 0, 0.8, 0.05)) < titled / 4
    assert np.array_equal(np.asarray(image)[200:1000, 100:1300], np.asarray(other)[200:1000, 100:1300])
    # The colours of the legend are those of the classes.
    legend = answers.get(f"tiles/{answers.zoning}/zoned/legend.json")["entries"]
    there = {colour for _, colour in image.getcolors(2**24) or ()}
    for entry in legend:
        assert tuple(int(entry["colour"][k : k + 2], 16) for k in (1, 3, 5)) in there
    dark, _ = picture_of(found, "a4", "dark")
    assert sum(dark.getpixel((2, 2))) < 150 < 600 < sum(image.getpixel((2, 2)))  # type: ignore[arg-type]


def test_a_picture_as_on_the_screen_with_both_sides(visit: Open, answers: Answers) -> None:
    found = visit("#p=share&l=density-co2&x=2020&w=0.5&v=region-county")
    page = found.page
    page.get_by_role("slider", name="Dividing line of the comparison").wait_for()
    image, _name = picture_of(found, "screen", "light")
    stage = page.get_by_role("main").bounding_box()
    assert stage and abs(image.width - (stage["width"] + 205 + 22 + 2 * 22)) <= 2 and image.height > stage["height"]
    assert image.size[0] < 2 * DESKTOP[0]
    told = page.get_by_role("textbox", name="Title").get_attribute("placeholder") or ""
    assert re.search(r"2022 / 2020$", told)
    # A picture of one side alone is another on the right, and the same on the left.
    alone = visit("#p=share&l=density-co2&v=region-county")
    single, _name = picture_of(alone, "screen", "light")
    a, b = np.asarray(image, int), np.asarray(single, int)
    middle = round(22 + stage["width"] / 2)
    top = image.height // 2
    differs = np.abs(a - b).max(axis=2)[top : top + 100]
    assert differs[:, 60 : middle - 40].max() <= 2 < 20 < differs[:, middle + 10 :].max()
