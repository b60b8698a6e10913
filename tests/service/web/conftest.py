"""A real browser before a real server: Debian's Chromium, driven by Playwright. What it must not do fails every test."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.service.web.province import publish
from tests.service.web.serving import Answers, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).parents[3] / ".cache" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
# The fewer pixels are drawn in software, the faster: most visits are to a small window.
DESKTOP, WINDOW, PHONE = (1280, 800), (1024, 680), (390, 844)
_READY_MS, _WAIT_MS = 60_000, 30_000


@dataclass
class Visit:
    """A page that is open, what it asked for, and what it did that it must not."""

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def watch(self) -> None:
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))

    def keep_bodies(self, part: str) -> None:
        """Keep what is sent from now on to addresses with this in them."""
        self.page.on(
            "request", lambda r: self.bodies.append(r.post_data or "") if part in r.url and r.method == "POST" else None
        )

    def until(self, true: Callable[[], Any], what: str = "what is waited for") -> Any:
        """Wait for something that no selector tells; gives back the first value that is true."""
        end = time.monotonic() + _WAIT_MS / 1000
        while not (found := true()):
            assert time.monotonic() < end, f"{what} did not happen; asked last: {self.asked[-5:]}"
            self.page.wait_for_timeout(25)  # lets events in
        return found

    def until_asked(self, *parts: str, since: int = 0) -> str:
        """The first address with all of these in it that was asked for after so many others."""
        return str(
            self.until(
                lambda: next((u for u in self.asked[since:] if all(p in u for p in parts)), ""),
                f"a request with {parts}",
            )
        )

    @property
    def hosts(self) -> set[str]:
        """Whom it asked."""
        return {urlsplit(u).netloc for u in self.asked if urlsplit(u).scheme not in ("blob", "data")}

    def check(self) -> None:
        """No error on the console, no request to another host, no dialog of a script that came from the data."""
        left = [f for f in self.faults if not any(e in f for e in self.expected)]
        assert not left, left
        assert self.hosts == {urlsplit(self.address).netloc}, self.hosts
        assert not self.dialogs


Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with units of every class. Not to be written to: copy it."""
    return publish(tmp_path_factory.mktemp("web") / "workspace")


@pytest.fixture(scope="session")
def served(province: Path) -> Iterator[str]:
    """Address of a server that shows facilities to everybody."""
    with serving(province, facilities=True) as address:
        yield address


@pytest.fixture(scope="session")
def answers(served: str) -> Answers:
    """What that server says."""
    return Answers(served)


@pytest.fixture(scope="session")
def locked(province: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace, in which keys can be made."""
    return Path(shutil.copytree(province, tmp_path_factory.mktemp("locked") / "workspace"))


@pytest.fixture(scope="session")
def guarded(locked: Path) -> Iterator[str]:
    """Address of a server that shows facilities to those with a key."""
    with serving(locked, facilities=False) as address:
        yield address


@pytest.fixture(scope="session")
def key(locked: Path) -> str:
    """A key of the guarded server."""
    command = [Path(sys.executable).parent / "cozone", "key", "new", "reader", "-w", locked, "--quiet"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Open]:
    """Open the map; in the end each visit is checked and closed."""
    opened: list[Visit] = []

    def open_(
        fragment: str = "", *, locale: str = "en-GB", dark: bool = False, size: tuple[int, int] = WINDOW,
        ready: bool = True, address: str = served, script: str = "", permissions: tuple[str, ...] = (),
    ) -> Visit:  # fmt: skip
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=locale, color_scheme="dark" if dark else "light",
            has_touch=size == PHONE, accept_downloads=True, reduced_motion="reduce", permissions=list(permissions),
        )  # fmt: skip
        if script:
            context.add_init_script(script)
        found = Visit(context.new_page(), address)
        found.page.set_default_timeout(_WAIT_MS)
        found.watch()
        opened.append(found)
        found.page.goto(f"{address}/{fragment}", timeout=_READY_MS)
        if ready:
            found.page.wait_for_selector("html[data-ready=true]", timeout=_READY_MS)
        return found

    yield open_
    for one in opened:
        one.page.context.close()
    for one in opened:
        one.check()
