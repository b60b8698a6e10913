"""Families that figures are drawn with: matplotlib's own and those of the package, whatever the machine has."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

from matplotlib import font_manager

from gis.fonts.shipped import FILES, characters

__all__ = ["LATIN", "families", "register"]

# It comes with matplotlib, and has a bold cut.
LATIN = "DejaVu Sans"
_MACHINE = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei", "WenQuanYi Zen Hei")
# How the files of these fonts are called, in small letters without signs.
_STEMS = ("notosanscjk", "notosanssc", "sourcehansans", "msyh", "pingfang", "simhei", "wqyzenhei")
_BOLD = 700
_REGISTERING = Lock()


def families(*texts: str, chinese: bool = False) -> list[str]:
    """Families for these texts, to be tried sign by sign in this order; with ``chinese``, letters and quotes as Chinese print has them.

    A font of the machine comes last, and only where the package has no glyph for one of the signs.
    """
    register()
    own = [file.name for file in FILES]
    known = frozenset[int]().union(*characters())
    missing = any(ord(sign) not in known and ord(sign) > 0x2E7F for text in texts for sign in text)
    return [*([*own, LATIN] if chinese else [LATIN, *own]), *(_of_machine() if missing else [])]


def register() -> None:
    """Make the fonts of the package known to matplotlib, once; their one weight stands for bold as well."""
    manager = font_manager.fontManager
    with _REGISTERING:
        listed = set(manager.get_font_names())
        for file in FILES:
            if file.name not in listed:
                manager.addfont(file.path)
                manager.ttflist.append(replace(manager.ttflist[-1], weight=_BOLD))


def _of_machine() -> list[str]:
    found = _listed() or _installed()
    return [] if found is None else [found]


def _listed() -> str | None:
    names = set(font_manager.fontManager.get_font_names())
    return next((name for name in _MACHINE if name in names), None)


@lru_cache(maxsize=1)
def _installed() -> str | None:
    """A font that came to the machine after matplotlib made its list; to look for it takes a second."""
    for path in sorted(font_manager.findSystemFonts()):
        if Path(path).stem.lower().replace("-", "").replace("_", "").startswith(_STEMS):
            try:
                font_manager.fontManager.addfont(path)
            except (OSError, RuntimeError):
                continue  # a broken file is no font
    return _listed()
