"""``python -m tests.docs.pictures``: the pictures of the READMEs, of the map of the demo province, in a real browser.

Takes a workspace as ``cozone demo --no-serve`` makes it, and what ``make browser`` installs.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.clients import serving

ROOT = Path(__file__).parents[2]
SIZE = {"width": 1440, "height": 900}
_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# A panel and a unit's page beside the map.
FRAGMENT = "#p=threshold&l=class&u=CZ-99030120004&at=124.16,32.28,8.6"
VIEWS = {"map-en.png": "en-GB", "map-zh.png": "zh-CN"}


def main(workspace: Path = ROOT / "demo-workspace") -> None:
    with (
        sync_playwright() as playwright,
        serving(workspace, environment={"COZONE_SHOW_FACILITIES": "true"}) as (port, _),
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        for name, locale in VIEWS.items():
            page = browser.new_context(viewport=SIZE, locale=locale).new_page()
            page.goto(f"http://127.0.0.1:{port}/{FRAGMENT}")
            page.wait_for_selector("html[data-ready=true]")
            page.locator(".threshold-results[aria-busy=false]").wait_for()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1_000)
            Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(ROOT / "docs" / name, optimize=True)
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
