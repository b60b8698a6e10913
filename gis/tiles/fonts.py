"""Fonts of pictures: a Chinese one where the machine has any, found even if it was installed after matplotlib made its list."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from matplotlib import font_manager

__all__ = ["LATIN", "chinese_font"]

LATIN = "DejaVu Sans"
_CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei", "WenQuanYi Zen Hei")
# How the files of these fonts are called, in small letters without signs.
_FILES = ("notosanscjk", "notosanssc", "sourcehansans", "msyh", "pingfang", "simhei", "wqyzenhei")


@lru_cache(maxsize=1)
def chinese_font() -> str | None:
    """Name of a font with Chinese signs, or None."""
    return _known() or _found()


def _known() -> str | None:
    names = set(font_manager.fontManager.get_font_names())
    return next((name for name in _CHINESE if name in names), None)


def _found() -> str | None:
    for path in sorted(font_manager.findSystemFonts()):
        if Path(path).stem.lower().replace("-", "").replace("_", "").startswith(_FILES):
            try:
                font_manager.fontManager.addfont(path)
            except (OSError, RuntimeError):
                continue  # a broken file is no font
    return _known()
