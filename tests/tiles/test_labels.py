"""Labels in a real browser: MapLibre GL draws our glyphs where they belong, and as FreeType draws the same text."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gis.fonts.shipped import FILES
from gis.tiles.glyphs import FONTSTACK, first_code, glyph_range

pytestmark = pytest.mark.external
VENDOR = Path(__file__).parents[2] / "service/web/vendor/maplibre-gl"
SIZE, SCALE = 24, 2
WIDTH, HEIGHT = 640, 420
# A label each 60 pixels, its anchor in the middle of the page.
LABELS = ("国口区", "HEAT 0135", "石家庄市", "CO₂ Ł", "重点管控单元", "国H国")
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="maplibre-gl.css">
<style>body { margin: 0 } #map { width: 640px; height: 420px }</style><div id="map"></div><script type="module">
import * as maplibre from './maplibre-gl.mjs';
const labels = LABELS;
const map = new maplibre.Map({ container: 'map', center: [0, 0], zoom: 3, fadeDuration: 0,
  attributionControl: false, localIdeographFontFamily: false,
  style: { version: 8, glyphs: location.origin + '/glyphs/{fontstack}/{range}.pbf', sources: {}, layers: [
    { id: 'ground', type: 'background', paint: { 'background-color': '#fff' } }] } });
map.on('error', (event) => console.error(String(event.error)));
map.once('load', () => {
  const features = labels.map((text, i) => ({ type: 'Feature', properties: { text },
    geometry: { type: 'Point', coordinates: map.unproject([320, 60 * i + 60]).toArray() } }));
  map.addSource('labels', { type: 'geojson', data: { type: 'FeatureCollection', features } });
  map.addLayer({ id: 'labels', type: 'symbol', source: 'labels', layout: { 'text-field': ['get', 'text'], 'text-font': ['FONTSTACK'],
    'text-size': 24, 'text-max-width': 100, 'text-allow-overlap': true }, paint: { 'text-color': '#000', ...HALO } });
  map.once('idle', () => { window.ready = true; });
});
</script>"""


def drawn(browser: Any, halo: str = "") -> NDArray[np.float64]:
    """Grey of the page's pixels, 0 black and 1 white; nothing but its own files and glyphs is asked for."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)

    def answer(route: Any) -> None:
        path = unquote(urlsplit(route.request.url).path).removeprefix("/")
        if match := re.fullmatch(r"glyphs/([^/]+)/([\d-]+)\.pbf", path):
            route.fulfill(body=glyph_range(first_code(match[1], match[2])), content_type="application/x-protobuf")
        elif path == "":
            page = PAGE.replace("LABELS", json.dumps(LABELS)).replace("FONTSTACK", FONTSTACK).replace("...HALO", halo)
            route.fulfill(body=page, content_type="text/html")
        elif path == "favicon.ico":
            route.fulfill(status=204)
        else:
            kind = "text/css" if path.endswith(".css") else "text/javascript"
            route.fulfill(body=(VENDOR / path).read_bytes(), content_type=kind)

    context.route("**/*", answer)
    page = context.new_page()
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.goto("http://localhost:9/")
    page.wait_for_function("window.ready === true", timeout=60_000)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        grey = np.asarray(image.convert("L")) / 255
    context.close()
    assert not [f for f in faults if "GPU stall" not in f], faults
    return grey


def row_of(grey: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """60 pixels around the anchor of a label."""
    return grey[(60 * number + 30) * SCALE : (60 * number + 90) * SCALE]


def by_freetype(text: str) -> NDArray[np.bool_]:
    """The text as FreeType draws it, sign by sign, cut to its ink."""
    font, units = (
        ImageFont.truetype(str(FILES[0].path), size, layout_engine=ImageFont.Layout.BASIC)
        for size in (SIZE * SCALE, 1000)
    )
    with Image.new("L", (WIDTH * SCALE, 60 * SCALE)) as image:
        x = 10
        for sign in text:
            ImageDraw.Draw(image).text((x, 45 * SCALE), sign, fill=255, font=font, anchor="ls")
            # MapLibre sets in whole pixels of 24 an em.
            x += round(units.getlength(sign) * SIZE / 1000) * SCALE
        return cut(np.asarray(image) > 127)


def cut(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


def likeness(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union in the best of the places that differ by a pixel or two."""
    high, wide = (max(a, b) + 4 for a, b in zip(one.shape, other.shape, strict=True))
    fixed = np.zeros((high, wide), bool)
    fixed[2 : 2 + one.shape[0], 2 : 2 + one.shape[1]] = one
    best = 0.0
    for dy in range(high - other.shape[0] + 1):
        for dx in range(wide - other.shape[1] + 1):
            moved = np.zeros_like(fixed)
            moved[dy : dy + other.shape[0], dx : dx + other.shape[1]] = other
            best = max(best, (fixed & moved).sum() / (fixed | moved).sum())
    return best


def test_labels_sit_on_their_anchors_and_look_like_the_font(browser: Any) -> None:
    grey = drawn(browser)
    for i, text in enumerate(LABELS):
        ink = row_of(grey, i) < 0.5
        rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        # Every one of them is made of ideographs, capitals and figures; a subscript hangs lower.
        low = 2.5 if "₂" in text else 1.0
        assert -1.0 <= ((rows[0] + rows[-1] + 1) / 2 / SCALE - 30) <= low, text
        assert abs((cols[0] + cols[-1] + 1) / 2 / SCALE - WIDTH / 2) <= 1.5, text
        assert likeness(cut(ink), by_freetype(text)) > 0.9, text


def test_a_halo_surrounds_the_letters(browser: Any) -> None:
    halo = "'text-halo-color': '#888', 'text-halo-width': 2"
    plain, haloed = drawn(browser), drawn(browser, halo)
    ink = row_of(plain, 0) < 0.2
    ring = (row_of(haloed, 0) < 0.8) & ~(row_of(plain, 0) < 0.8)
    # The letters stay as they are, and two pixels around them are covered.
    assert (row_of(haloed, 0)[ink] < 0.35).all()
    near = np.zeros_like(ink)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near |= np.roll(ink, (dy, dx), (0, 1))
    assert ring.sum() > 0.5 * ink.sum() and (row_of(haloed, 0)[near] < 0.8).mean() > 0.99
