"""Legends: what the colours of a layer mean, as JSON and as a picture. A tile and its legend are made of the same palette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Colour", "Entry", "Language", "Legend"]

Language = Literal["zh", "en"]
Colour = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A colour and what it stands for: values from ``low`` to below ``high``, or a code of a table."""

    colour: Colour
    label_zh: str
    label_en: str
    low: float | None = None
    high: float | None = None
    code: str | None = None

    @property
    def hex(self) -> str:
        """The colour as #rrggbb."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour[:3])

    def json(self) -> dict[str, Any]:
        """The entry as clients read it; what does not apply is null."""
        return {
            "colour": self.hex, "opacity": round(self.colour[3] / 255, 3), "label_zh": self.label_zh, "label_en": self.label_en,
            "low": self.low, "high": self.high, "code": self.code,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """The legend of a layer with its parameters in a style; entries from top to bottom."""

    layer: str
    style: str
    title_zh: str
    title_en: str
    unit: str
    parameters: Mapping[str, int | float | str]
    subtitle_zh: str
    subtitle_en: str
    note_zh: str
    note_en: str
    entries: tuple[Entry, ...]

    def json(self) -> dict[str, Any]:
        """The legend as clients read it."""
        return {
            "layer": self.layer, "style": self.style, "title_zh": self.title_zh, "title_en": self.title_en, "unit": self.unit,
            "parameters": dict(self.parameters), "subtitle_zh": self.subtitle_zh, "subtitle_en": self.subtitle_en,
            "note_zh": self.note_zh, "note_en": self.note_en, "entries": [entry.json() for entry in self.entries],
        }  # fmt: skip

    def png(self, lang: Language = "zh", *, scale: int = 1) -> bytes:
        """The legend as a picture, in one of both languages."""
        # matplotlib takes a second to import, and a server that is asked for tiles must not wait for it.
        from gis.tiles.legendpicture import draw

        return draw(self, lang, scale=min(max(scale, 1), 4))
