"""What tests of several rooms take."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# WebGL in software: a server has no graphics card. Whatever host a page asks for but this one, there is none.
_FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
_WAIT_MS = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright: one for all tests of a process, since a process can drive no second one."""
    from playwright.sync_api import expect, sync_playwright  # installed by `make browser`

    found = shutil.which("chromium")
    assert found, "chromium is not installed: apt-get install chromium"
    expect.set_options(timeout=_WAIT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield started
        started.close()
