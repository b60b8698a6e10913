"""Legends and styles as clients get them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode

import orjson

from gis.tiles.legend import Language
from gis.tiles.styles import Style
from gis.views.pictures import legend
from gis.views.styles import STYLES
from service.library import Library
from service.tiles.answers import PNG, Answer, answer_of
from service.tiles.layers import Given, Layers, TileLayer

__all__ = ["LANGUAGES", "legend_answer", "legend_key", "styles_document"]

LANGUAGES: tuple[Language, ...] = get_args(Language)


def legend_key(result: str, layer: str, form: str, language: Language, given: Iterable[tuple[str, str]]) -> bytes:
    """What a legend is kept under; pictures differ by language."""
    spoken = [("lang", language)] if form == "png" and language != LANGUAGES[0] else []
    query = urlencode([*spoken, *given])
    return f"/tiles/{result}/{quote(layer)}/legend.{form}{'?' if query else ''}{query}".encode()


def legend_answer(
    library: Library, layers: Layers, layer: TileLayer, given: Given, form: Literal["png", "json"], language: Language
) -> Answer:
    """The legend of a layer, drawn."""
    parameters = dict(given)
    style = parameters.pop("style", None)
    found = legend(layers.result, layers.run, library.views, layer.id, parameters, style)
    if form == "png":
        return answer_of(found.png(language), PNG)
    return answer_of(orjson.dumps(found.json()), "application/json", pack=True)


def styles_document() -> dict[str, Any]:
    """All styles, each with the colours it is made of."""
    return {"styles": [_style(style) for style in STYLES.values()]}


def _style(style: Style) -> dict[str, Any]:
    return {
        "id": style.name, "kind": str(style.kind), "title_zh": style.title_zh, "title_en": style.title_en, "graded": style.graded,
        "colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in style.colours],
    }  # fmt: skip
