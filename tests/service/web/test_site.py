"""The map's files as they are served, without a browser: addresses, headers, and laws of the sources."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.web.site import Site

WEB = Path(__file__).parents[3] / "service" / "web"
MODULES = sorted((WEB / "app").rglob("*.js"))
_IMPORT = re.compile(
    r"^(?:import\s[^'\n]*|\}\s*from\s*|export\s[^'\n]*from\s*)'([^']+)'|\bimport\(\s*'([^']+)'", re.MULTILINE
)
_WORDS = re.compile(r"\bwords\(\{\n(.*?)\n\}\);", re.DOTALL)
_ENTRY = re.compile(
    r"^\s*'?[\w.-]+'?:\s*\[(?P<zh>'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`),\s*(?P<en>'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`)\],?$"
)


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


def test_page_and_its_files_are_served(anonymous: TestClient, site: Site) -> None:
    page = anonymous.get("/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "public, no-cache"
    assert anonymous.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert anonymous.head("/").status_code == 200
    named = re.findall(r'(?:src|href)="(web/[^"]+)"', page.text)
    assert len(named) >= 4
    for path in [*named, *(f"web/{site.digest}/{p}" for p in site.paths)]:
        answer = anonymous.get(f"/{path}")
        assert answer.status_code == 200 and answer.content, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_policy_lets_the_page_load_from_here_alone(anonymous: TestClient, site: Site) -> None:
    for path in ("/", f"/web/{site.digest}/vendor/maplibre-gl/maplibre-gl-worker.mjs"):
        rules = dict(r.split(" ", 1) for r in anonymous.get(path).headers["content-security-policy"].split("; "))
        assert rules["default-src"] == "'none'" and rules["script-src"] == "'self'" and rules["worker-src"] == "'self'"
        assert not re.search(r"unsafe|https?:|\*", " ".join(rules.values()))
    with_base = dict(r.split(" ", 1) for r in Site(("https://tiles.example.org",)).policy.split("; "))
    assert (
        "https://tiles.example.org" in with_base["img-src"]
        and "https://tiles.example.org" not in with_base["script-src"]
    )


@pytest.mark.parametrize(
    "path",
    ["app/none.js", "../site.py", "app/../site.py", "%2e%2e/site.py", "app//main.js", "index.html", "", "/etc/passwd"],
)
def test_nothing_but_its_files(anonymous: TestClient, site: Site, path: str) -> None:
    assert anonymous.get(f"/web/{site.digest}/{path}").status_code in (404, 405, 307)
    assert anonymous.get(f"/web/{'0' * 16}/app/main.js").status_code == 404


def test_digest_is_of_every_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.web import site as module

    before = module._read()
    changed = [(p, module.File(f.body + b" ", f.media_type) if p == "app/main.js" else f) for p, f in before]
    monkeypatch.setattr(module, "_read", lambda: changed)
    assert Site().digest != site.digest


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(WEB).as_posix())
def test_modules_hold_to_the_rules(path: Path) -> None:
    text = path.read_text("utf-8")
    for name in filter(None, chain.from_iterable(_IMPORT.findall(text))):
        assert name.startswith("."), f"{name}: only files of our own are imported"
        assert (path.parent / name).resolve().is_file(), f"{name} does not exist"
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "setHTML",
    ):
        assert forbidden not in text
    hosts = set(re.findall(r"https?://([\w.-]+)", text)) - {"www.w3.org"}
    assert not hosts, f"addresses of other hosts: {hosts}"
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(WEB).as_posix())
def test_every_word_is_in_both_languages(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(_WORDS.findall(text)) == len(re.findall(r"= words\(", text)), "a table of words has a line for each"
    for table in _WORDS.findall(text):
        for line in table.splitlines():
            if not line.strip() or line.strip().startswith("//"):
                continue
            found = _ENTRY.match(line)
            assert found, f"{path.name}: {line.strip()!r} is no entry of words"
            zh, en = found["zh"][1:-1], found["en"][1:-1]
            assert zh.strip() and en.strip()
            assert set(re.findall(r"\{(\w+)\}", zh)) == set(re.findall(r"\{(\w+)\}", en)), line
            assert zh == en or not re.search(r"[\u4e00-\u9fff]", en) or "other" in line, line


def test_vendored_files_have_their_licence() -> None:
    for folder in (p for p in (WEB / "vendor").iterdir() if p.is_dir()):
        assert (folder / "LICENSE.txt").is_file()
        assert folder.name in (WEB / "vendor" / "README.md").read_text("utf-8")


def test_links_of_the_sources_to_source_maps_are_gone() -> None:
    # A browser with its tools open would ask for files that are not there.
    assert all(b"sourceMappingURL" not in p.read_bytes()[-300:] for p in (WEB / "vendor").rglob("*.mjs"))
