"""Styles: how classes look, once, for QGIS, rasters and the report; and QML, the style a GeoPackage carries for QGIS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from gis.zoning.classes import CellClass

__all__ = [
    "CHANGE_STYLES",
    "CLASS_STYLES",
    "CONFLICT_STYLES",
    "TIER_STYLES",
    "ClassStyle",
    "Fill",
    "colour_table",
    "qml",
]

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClassStyle:
    """Colour and names of a class, or of a kind of conflict, as it stands in the column ``code`` is from."""

    code: str
    colour: Colour
    name_zh: str
    name_en: str

    @property
    def hex(self) -> str:
        """The colour as #rrggbb."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)

    @property
    def label(self) -> str:
        """Both names, for a legend."""
        return f"{self.name_zh} {self.name_en}"


# Told apart in the common kinds of colour blindness and in grey: after ColorBrewer's PuOr and RdBu (Brewer 2003).
CLASS_STYLES: tuple[ClassStyle, ...] = (
    ClassStyle(CellClass.CO_CONTROL.code, (165, 15, 21), "协同管控", "co-control"),
    ClassStyle(CellClass.POLLUTION_ONLY.code, (230, 126, 34), "仅污染物", "pollution only"),
    ClassStyle(CellClass.CARBON_ONLY.code, (43, 96, 160), "仅碳", "carbon only"),
    ClassStyle(CellClass.WATCH.code, (244, 208, 63), "关注", "watch"),
)
CONFLICT_STYLES: tuple[ClassStyle, ...] = (
    ClassStyle("red_line", (0, 104, 55), "生态保护红线内", "inside a red line"),
    ClassStyle("priority", (102, 166, 30), "优先保护单元内", "inside priority protection"),
)
# What became of a cell between two zonings.
CHANGE_STYLES: tuple[ClassStyle, ...] = (
    ClassStyle("entered", (165, 15, 21), "新增", "entered"),
    ClassStyle("left", (43, 96, 160), "退出", "left"),
    ClassStyle("changed", (244, 208, 63), "类别变化", "class changed"),
)
# Tiers of evidence by their number in the raster of tiers, from 1.
TIER_STYLES: tuple[ClassStyle, ...] = (
    ClassStyle("clustered_core", (122, 1, 119), "集聚核心", "clustered core"),
    ClassStyle("isolated_core", (221, 52, 151), "孤立核心", "isolated core"),
    ClassStyle("fringe", (251, 180, 185), "边缘", "fringe"),
)


@dataclass(frozen=True, slots=True)
class Fill:
    """How polygons are filled: a pattern as QGIS names it, opacity 0-255, width of the outline in millimetres."""

    pattern: str = "solid"
    opacity: int = 200
    outline_mm: float = 0.26


def colour_table(raster: str) -> dict[int, tuple[int, int, int, int]]:
    """Colours of the raster ``class`` or ``tier``; 0, none, is transparent. Another raster is shown in greys."""
    if raster == "class":
        numbered = {int(CellClass[style.code.upper()]): style for style in CLASS_STYLES}
    elif raster == "tier":
        numbered = dict(enumerate(TIER_STYLES, 1))
    else:
        return {i: (i, i, i, 255 if i else 0) for i in range(256)}
    return {0: (0, 0, 0, 0)} | {number: (*style.colour, 255) for number, style in sorted(numbered.items())}


def qml(column: str, styles: Sequence[ClassStyle], fill: Fill) -> str:
    """A QGIS style that colours polygons by the values of a column; other values stay unseen."""
    categories = "\n".join(
        f'   <category symbol="{i}" value={quoteattr(s.code)} label={quoteattr(s.label)} type="string" render="true"/>'
        for i, s in enumerate(styles)
    )
    symbols = "\n".join(_symbol(i, s, fill) for i, s in enumerate(styles))
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.16.0" styleCategories="Symbology">\n'
        f' <renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} symbollevels="0" enableorderby="0" forceraster="0">\n'
        f"  <categories>\n{categories}\n  </categories>\n  <symbols>\n{symbols}\n  </symbols>\n"
        " </renderer-v2>\n <blendMode>0</blendMode>\n <featureBlendMode>0</featureBlendMode>\n <layerOpacity>1</layerOpacity>\n"
        " <layerGeometryType>2</layerGeometryType>\n</qgis>\n"
    )


def _symbol(position: int, style: ClassStyle, fill: Fill) -> str:
    r, g, b = style.colour
    properties = {
        "border_width_map_unit_scale": "3x:0,0,0,0,0,0", "color": f"{r},{g},{b},{fill.opacity}", "joinstyle": "miter",
        "offset": "0,0", "offset_unit": "MM", "outline_color": f"{r * 2 // 3},{g * 2 // 3},{b * 2 // 3},255",
        "outline_style": "solid" if fill.outline_mm else "no", "outline_width": f"{fill.outline_mm:g}",
        "outline_width_unit": "MM", "style": fill.pattern,
    }  # fmt: skip
    # QGIS before 3.16 reads <prop>, later ones <Option>.
    options = "".join(f'<Option type="QString" name="{k}" value="{v}"/>' for k, v in properties.items())
    props = "".join(f'<prop k="{k}" v="{v}"/>' for k, v in properties.items())
    return (
        f'   <symbol type="fill" name="{position}" alpha="1" clip_to_extent="1" force_rhr="0">\n'
        '    <layer class="SimpleFill" enabled="1" locked="0" pass="0">\n'
        f'     <Option type="Map">{options}</Option>\n     {props}\n    </layer>\n   </symbol>'
    )
