"""Glyphs of labels: the right shapes at the right places, in messages that others can read."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import shapely
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gis.errors import NotFound
from gis.fonts.shipped import FILES, characters
from gis.kernels.distances import distance_fields
from gis.tiles.glyphs import CODES, FONTSTACK, first_code, glyph_range

EM, BUFFER, EDGE, LEVELS = 24, 3, 191.0, 32.0
# What MapLibre GL JS adds to a glyph's top (SHAPING_DEFAULT_OFFSET, src/symbol/shaping.ts): y counts down from the anchor of a line.
SHAPING_OFFSET = -17
# Straight and curved, with holes, with parts, thin and dense, below the baseline, in each of the files.
SIGNS = "AgQ&@8%j,ø°国一口们龌囊矗心飞，（￥靥鬟黼埇瀍𬇕₂Ł"


@dataclass(frozen=True)
class Glyph:
    left: int
    top: int
    width: int
    height: int
    advance: int
    field: NDArray[np.uint8]


@cache
def message_type() -> type:
    """The messages of fontnik's proto/glyphs.proto as MapLibre reads them, for Google's own reader."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="glyphs.proto", package="t", syntax="proto2")

    def message(name: str, *fields: tuple[str, int, int, int, str]) -> None:
        made = file.message_type.add(name=name)
        for field, number, type_, label, of in fields:
            made.field.add(name=field, number=number, type=type_, label=label, **({"type_name": of} if of else {}))

    must, may, many = kinds.LABEL_REQUIRED, kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    message(
        "glyph", ("id", 1, kinds.TYPE_UINT32, must, ""), ("bitmap", 2, kinds.TYPE_BYTES, may, ""),
        ("width", 3, kinds.TYPE_UINT32, must, ""), ("height", 4, kinds.TYPE_UINT32, must, ""), ("left", 5, kinds.TYPE_SINT32, must, ""),
        ("top", 6, kinds.TYPE_SINT32, must, ""), ("advance", 7, kinds.TYPE_UINT32, must, ""),
    )  # fmt: skip
    message(
        "fontstack", ("name", 1, kinds.TYPE_STRING, must, ""), ("range", 2, kinds.TYPE_STRING, must, ""),
        ("glyphs", 3, kinds.TYPE_MESSAGE, many, ".t.glyph"),
    )  # fmt: skip
    message("glyphs", ("stacks", 1, kinds.TYPE_MESSAGE, many, ".t.fontstack"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.glyphs"))


def read(body: bytes) -> tuple[str, str, dict[int, Glyph]]:
    """Name, range and glyphs by code point."""
    found = message_type()()
    found.ParseFromString(body)
    assert found.SerializeToString(deterministic=True) == body, "something is in it that the reader does not know"
    (stack,) = found.stacks
    glyphs = {}
    for g in stack.glyphs:
        shape = (g.height + 2 * BUFFER, g.width + 2 * BUFFER)
        field = np.frombuffer(g.bitmap, np.uint8)
        if g.HasField("bitmap"):
            field = field.reshape(shape)
        glyphs[g.id] = Glyph(g.left, g.top, g.width, g.height, g.advance, field)
    assert list(glyphs) == sorted(glyphs) and len(glyphs) == len(stack.glyphs)
    return stack.name, stack.range, glyphs


@cache
def glyphs_around(code: int) -> dict[int, Glyph]:
    return read(glyph_range(code // CODES * CODES))[2]


def glyph(sign: str) -> Glyph:
    return glyphs_around(ord(sign))[ord(sign)]


def file_of(sign: str) -> str:
    return str(next(f.path for f, has in zip(FILES, characters(), strict=True) if ord(sign) in has))


def above_baseline(sign: str) -> int:
    """Pixels from the baseline to the top of a glyph's box."""
    return glyph(sign).top - BASELINE_TOP


# The top of a glyph whose box ends on the baseline.
BASELINE_TOP = -26


def centres(g: Glyph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of the pixels' centres, y upward from the baseline."""
    x = g.left - BUFFER + np.arange(g.width + 2 * BUFFER) + 0.5
    y = g.top - BASELINE_TOP + BUFFER - np.arange(g.height + 2 * BUFFER) - 0.5
    return x, y


def outline(sign: str) -> shapely.Geometry:
    """The shape of a sign at 24 pixels an em, read by fontTools, each curve in 64 chords."""
    with TTFont(file_of(sign)) as font:
        glyph_set = font.getGlyphSet()
        pen = DecomposingRecordingPen(glyph_set)
        glyph_set[font.getBestCmap()[ord(sign)]].draw(pen)
    rings, ring = [], []
    for what, points in pen.value:
        if what == "moveTo":
            ring = [points[0]]
        elif what == "lineTo":
            ring.append(points[0])
        elif what == "curveTo":
            t = np.linspace(0, 1, 65)[1:, None]
            p = np.array([ring[-1], *points], float)
            ring += list((1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3])
        else:
            rings.append(shapely.Polygon(np.array(ring) * EM / 1000))
    # No ring of these signs crosses another, so that each one turns inside to outside.
    return functools.reduce(shapely.symmetric_difference, rings)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_level_is_the_exact_distance_to_the_outline(sign: str) -> None:
    g, shape = glyph(sign), outline(sign)
    x, y = centres(g)
    points = shapely.points(*np.meshgrid(x, y))
    inside = shapely.contains(shape, points)
    distance = shapely.distance(points, shape.boundary) * np.where(inside, 1.0, -1.0)
    expected = np.clip(EDGE + LEVELS * distance, 0, 255)
    # FreeType rounds outlines to 1/64 pixel.
    assert np.abs(g.field - expected).max() <= 3.0
    assert g.field.max() > EDGE > g.field[[0, -1]].max()


@pytest.mark.parametrize("sign", SIGNS)
def test_the_field_cut_at_its_edge_is_what_freetype_draws(sign: str) -> None:
    g, scale, pad = glyph(sign), 15, 8
    font = ImageFont.truetype(file_of(sign), EM * scale, layout_engine=ImageFont.Layout.BASIC)
    size = EM * scale * 3
    with Image.new("L", (size, size)) as image:
        ImageDraw.Draw(image).text((pad * scale, 2 * EM * scale), sign, fill=255, font=font, anchor="ls")
        large = np.asarray(image) > 127
    x, y = centres(g)
    drawn = large[np.ix_((2 * EM * scale - y * scale).astype(int), ((pad + x) * scale).astype(int))]
    ours = g.field > EDGE
    assert drawn.any() and (drawn & ours).sum() / (drawn | ours).sum() > 0.95
    # Only a pixel whose centre lies within a tenth of a pixel of the outline may be told otherwise.
    assert np.abs(g.field[drawn != ours] - EDGE).max(initial=0) <= 3.5


def test_lines_are_centred_on_their_anchors() -> None:
    """With MapLibre's arithmetic: the top of a glyph lies at its offset less ``top``, y counting down, the anchor at 0."""

    def middle(sign: str) -> float:
        g = glyph(sign)
        return SHAPING_OFFSET - g.top + g.height / 2

    for sign in "国口中H0E8区县":
        assert abs(middle(sign)) <= 1.0, sign
    assert abs(np.mean([middle(sign) for sign in "国口中区县市镇"])) < 0.5
    assert abs(np.mean([middle(sign) for sign in "HEAT0135"])) < 0.5
    assert above_baseline("H") == round(0.733 * EM)


def test_advances_are_those_of_the_font() -> None:
    for sign in "Wi国 ，":
        with TTFont(file_of(sign)) as font:
            width = font["hmtx"][font.getBestCmap()[ord(sign)]][0]
        assert glyph(sign).advance == round(width * EM / 1000)
    assert glyph("国").advance == EM


def test_blanks_have_an_advance_and_no_pixels() -> None:
    for sign in " \u00a0\u3000":
        g = glyph(sign)
        assert (g.width, g.height, g.field.size) == (0, 0, 0) and g.advance > 0


@pytest.mark.parametrize("first", [0, 0x2000, 0x4E00, 0x9F00, 0xFF00, 0x2C100])
def test_a_range_holds_what_the_fonts_have_of_it_and_nothing_else(first: int) -> None:
    name, asked, glyphs = read(glyph_range(first))
    assert (name, asked) == (FONTSTACK, f"{first}-{first + 255}")
    assert set(glyphs) == {c for has in characters() for c in has if first <= c < first + CODES} != set()
    # MapLibre keeps glyphs in an atlas: no odd sizes.
    assert all(0 <= g.width <= 3 * EM and 0 <= g.height <= 2 * EM and -EM <= g.left <= EM for g in glyphs.values())


def test_a_range_without_glyphs_is_a_message_all_the_same() -> None:
    assert read(glyph_range(0xE000)) == (FONTSTACK, "57344-57599", {})


def test_the_same_bytes_in_any_thread() -> None:
    firsts = [0x4E00, 0x5200, 0] * 4
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(glyph_range, firsts))
    assert [made[i] for i in range(3)] * 4 == made == [glyph_range(f) for f in firsts]


def test_ranges_are_canonical_and_fonts_are_known() -> None:
    assert [first_code(FONTSTACK, r) for r in ("0-255", "256-511", "65280-65535", "1113856-1114111")] == [
        0, 256, 65280, 1113856,
    ]  # fmt: skip
    wrong = [
        "", "0", "0-256", "1-256", "00-255", "0-0255", "255-0", "-256--1", "1114112-1114367", "0-255 ", "０-２５５", "0-255.pbf",
        "256-255", "99999999999999999999-1", "0x0-0xff", "0-255\n", "0.0-255",
    ]  # fmt: skip
    for asked in wrong:
        with pytest.raises(NotFound, match="no range"):
            first_code(FONTSTACK, asked)
    for fontstack in ("", "cozone sans", "Cozone Sans,Arial", "../Cozone Sans", "Cozone Sans 1"):
        with pytest.raises(NotFound, match="no font"):
            first_code(fontstack, "0-255")


# -- the kernel alone -------------------------------------------------------------------------------------------------


def field_of(
    vertices: list[tuple[float, float]], codes: list[int], box: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    out = np.zeros(box[2] * box[3], np.uint8)
    distance_fields(
        np.array(vertices, float), np.array(codes, np.uint8), np.array([0, len(codes)]), np.array([box]), np.array([0, len(out)]), out
    )  # fmt: skip
    return out.reshape(box[3], box[2])


def test_a_square_by_hand() -> None:
    field = field_of([(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)], [1, 2, 2, 2, 79], (-3, 7, 10, 10))
    assert field[5, 5] == 255 - max(0, int(64 - 1.5 * 32)) and field[3, 5] == 255 - int(64 - 0.5 * 32)
    assert field[2, 5] == 255 - int(64 + 0.5 * 32) and field[0, 5] == 255 - int(64 + 2.5 * 32)
    assert field[2, 2] == 255 - int(64 + 32 * 0.5**0.5)
    # It looks the same from each side, whichever way it turns, and whether it says that it ends or not.
    assert (field == field[::-1]).all() and (field == field.T).all()
    assert (field == field_of([(0, 4), (4, 4), (4, 0), (0, 0)], [1, 2, 2, 2], (-3, 7, 10, 10))).all()


def test_a_quadratic_curve_is_the_cubic_one_that_it_equals() -> None:
    two = field_of([(0, 0), (4, 9), (8, 0), (0, 0)], [1, 3, 3, 79], (-3, 9, 14, 14))
    three = field_of([(0, 0), (8 / 3, 6), (16 / 3, 6), (8, 0), (0, 0)], [1, 4, 4, 4, 79], (-3, 9, 14, 14))
    assert np.abs(two.astype(int) - three).max() <= 1 and two.max() > EDGE


def test_rings_that_overlap_are_one_and_those_that_turn_back_are_holes() -> None:
    square = [(0, 0), (6, 0), (6, 6), (0, 6)]
    inner = [(2, 2), (4, 2), (4, 4), (2, 4)]
    same = field_of([*square, *inner], [1, 2, 2, 2] * 2, (-3, 9, 12, 12))
    hole = field_of([*square, *inner[::-1]], [1, 2, 2, 2] * 2, (-3, 9, 12, 12))
    assert (same[6:8, 5:7] > EDGE).all() and (hole[6:8, 5:7] < EDGE)[:, 0].any() and same.shape == (12, 12)
