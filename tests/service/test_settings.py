"""Settings of the base layer: what is taken, in which form, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from service.settings import Settings

OSM = "https://tile.example.org/{z}/{x}/{y}.png"


@pytest.mark.parametrize(
    ("given", "url", "origin"),
    [
        (OSM, OSM, "https://tile.example.org"),
        ("http://10.0.0.7:8080/t/{z}/{y}/{x}.jpg", None, "http://10.0.0.7:8080"),
        ("http://[fd00::1]:81/{z}/{x}/{y}", None, "http://[fd00::1]:81"),
        ("HTTPS://Maps.Example.ORG:443/{z}/{x}/{y}", None, "https://maps.example.org:443"),
        ("https://xn--fiqs8s.example/{z}/{x}/{y}?k=a%20b&c=d", None, "https://xn--fiqs8s.example"),
        (
            "https://w.example/wmts/img/default/GoogleMapsCompatible/{TileMatrix}/{TileRow}/{TileCol}.png",
            "https://w.example/wmts/img/default/GoogleMapsCompatible/{z}/{y}/{x}.png", "https://w.example",
        ),
        (
            "https://t0.example.cn/img_w/wmts?SERVICE=WMTS&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}&tk=1",
            "https://t0.example.cn/img_w/wmts?SERVICE=WMTS&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=1", "https://t0.example.cn",
        ),
    ],
)  # fmt: skip
def test_templates_have_one_form_and_their_origin(
    given: str, url: str | None, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COZONE_BASEMAP_URL", given)
    settings = Settings()
    assert settings.basemap_url == (url or given) and settings.basemap_origins == (origin,)


def test_without_a_template_there_is_no_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().basemap_url is None and Settings().basemap_origins == ()
    monkeypatch.setenv("COZONE_BASEMAP_URL", "")
    assert Settings().basemap_url is None and Settings().basemap_origins == ()


@pytest.mark.parametrize(
    "wrong",
    [
        "ftp://host/{z}/{x}/{y}", "//host/{z}/{x}/{y}", "/tiles/{z}/{x}/{y}", "javascript:alert(1)//{z}/{x}/{y}", "https:///{z}/{x}/{y}",
        "data:image/png,{z}{x}{y}", "https://host/{z}/{x}.png", "https://host/{z}/{x}/{y}/{y}", "https://host/{z}/{x}/{-y}",
        "https://{s}.host/{z}/{x}/{y}", "https://{z}.host/{x}/{y}", "https://host/{z}/{x}/{y}/{s}", "https://host/{{z}}/{x}/{y}",
        "https://host/{z}/{x}/{y}}", "https://host/{Z}/{X}/{Y}", "https://host/{quadkey}", "https://u:p@host/{z}/{x}/{y}",
        "https://u@host/{z}/{x}/{y}", "https://host/{z}/{x}/{y}#f", "https://host/{z}/{x}/{y}'", 'https://host/{z}/{x}/{y}"',
        "https://host/{z}/{x}/ {y}", "https://host/{z}/{x}/{y}\n", "https://host/{z}/{x}/{y}\x00", "https://host/{z}/{x}/{y}\\",
        "https://host/<{z}/{x}/{y}>", "https://主机/{z}/{x}/{y}", "https://host/图/{z}/{x}/{y}", "https://ho;st/{z}/{x}/{y}",
        "https://ho,st/{z}/{x}/{y}", "https://host;script-src/{z}/{x}/{y}", "https://*/{z}/{x}/{y}", "https://*.host/{z}/{x}/{y}",
        "https://host:99999/{z}/{x}/{y}", "https://host:port/{z}/{x}/{y}", "https://host:0/{z}/{x}/{y}", "https://[::1/{z}/{x}/{y}",
        "https://-host/{z}/{x}/{y}", "https://host/{z}/{x}/{y}" + "a" * 500, " ", "{z}{x}{y}",
    ],
)  # fmt: skip
def test_strange_templates_are_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="basemap_url"):
        Settings(basemap_url=wrong)


@pytest.mark.parametrize("name", ["basemap_title", "basemap_attribution"])
def test_texts_are_lines(name: str) -> None:
    assert getattr(Settings(**{name: "© 天地图 & others <b>"}), name) == "© 天地图 & others <b>"
    for wrong in ("two\nlines", "nul\x00", "\u202eback", "x" * 501):
        with pytest.raises(ValidationError, match=name):
            Settings(**{name: wrong})
