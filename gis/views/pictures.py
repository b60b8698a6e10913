"""Pictures of results: raster tiles, their cache keys and their legends."""

from __future__ import annotations

from collections.abc import Mapping

from gis.tiles.footprint import footprint
from gis.tiles.legend import Legend
from gis.tiles.matrices import Tile
from gis.tiles.png import png
from gis.tiles.scales import number
from gis.views.drawings import Asked, drawing, meaning_of
from gis.views.layers import MODE_NAMES, RasterLayer, Result, raster_layers
from gis.views.views import Views
from gis.workspace import Run

__all__ = ["RasterLayer", "canonical", "legend", "prepare", "raster_layers", "raster_tile"]


def raster_tile(
    views: Views,
    result: Result,
    run: Run | None,
    layer: str,
    tile: Tile,
    parameters: Mapping[str, str],
    style: str | None = None,
) -> bytes | None:
    """A tile of a layer as a palette PNG, or None where it has nothing to show."""
    asked = Asked.of(result, run, layer, parameters, style)
    place = footprint(result.grid, tile)
    if place is None:
        return None
    indices = drawing(views, asked)(place)
    return png(indices, meaning_of(views, asked).palette) if indices.any() else None


def canonical(
    result: Result, run: Run | None, layer: str, parameters: Mapping[str, str], style: str | None = None
) -> tuple[str, ...]:
    """The one name of a layer with its parameters in a style: the same for all spellings of what looks the same."""
    return Asked.of(result, run, layer, parameters, style).key


def legend(
    result: Result, run: Run | None, views: Views, layer: str, parameters: Mapping[str, str], style: str | None = None
) -> Legend:
    """The legend of a layer with its parameters in a style."""
    asked = Asked.of(result, run, layer, parameters, style)
    found, shown = meaning_of(views, asked), asked.layer
    zh, en = _subtitle(asked)
    return Legend(
        layer=shown.id, style=asked.style, title_zh=shown.title_zh, title_en=shown.title_en, unit=shown.unit,
        parameters=asked.values, subtitle_zh=zh, subtitle_en=en, note_zh=found.note_zh, note_en=found.note_en,
        entries=found.entries,
    )  # fmt: skip


def prepare(views: Views, result: Result, run: Run | None = None) -> None:
    """Make what the first visitor would wait for: the layers of a result as they look at first, but for single sectors."""
    for layer in raster_layers(result, run):
        if layer.sector is None:
            drawing(views, Asked.of(result, run, layer.id, {}, None))


def _subtitle(asked: Asked) -> tuple[str, str]:
    """The parameters of a layer in words, Chinese and English."""
    values, zh, en = asked.values, [], []
    if "year" in values:
        zh.append(f"{values['year']} 年")
        en.append(f"{values['year']}")
    if "from" in values:
        zh.append(f"{values['from']} → {values['to']} 年")
        en.append(f"{values['from']} → {values['to']}")
    if "mode" in values:
        of_zh, of_en = MODE_NAMES[asked.mode]
        share = f" {number(round(float(values['share']) * 100, 10))} %" if "share" in values else ""
        zh.append(f"按{of_zh}份额{share}")
        en.append(f"by share of {of_en}{':' if share else ''}{share}")
    if "min_pollutants" in values:
        zh.append(f"污染物热点 ≥ {values['min_pollutants']} 种")
        en.append(f"≥ {values['min_pollutants']} pollutants hot")
    if int(values.get("min_cells", 1)) > 1:
        zh.append(f"斑块 ≥ {values['min_cells']} 个网格")
        en.append(f"patches of ≥ {values['min_cells']} cells")
    return "，".join(zh), ", ".join(en)
