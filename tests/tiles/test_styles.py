import matplotlib
import numpy as np
import pytest

from gis.errors import InvalidParameter
from gis.exports.styles import CLASS_STYLES, TIER_STYLES
from gis.tiles.styles import GRADED, StyleKind, colours
from gis.views.styles import CLASS_CODES, STYLES, TIER_CODES, styles_for
from gis.zoning.classes import CellClass

SEQUENTIAL = [s for s in GRADED if s.kind is StyleKind.SEQUENTIAL]
DIVERGING = [s for s in GRADED if s.kind is StyleKind.DIVERGING]


def lightness(palette):
    """L* of CIELAB."""
    c = palette[..., :3] / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)


@pytest.mark.parametrize("style", SEQUENTIAL, ids=lambda s: s.name)
@pytest.mark.parametrize("classes", [2, 6, 15])
def test_what_is_more_is_darker_throughout_or_brighter_throughout(style, classes):
    steps = np.diff(lightness(style.palette(classes)[1:]))
    assert (steps > 0).all() if style.name == "night" else (steps < 0).all()


@pytest.mark.parametrize("name", ["viridis", "cividis", "magma"])
def test_steps_of_lightness_are_even(name):
    steps = np.abs(np.diff(lightness(STYLES[name].palette(15)[1:])))
    assert steps.max() < 1.6 * steps.mean() and steps.min() > 0.4 * steps.mean()


@pytest.mark.parametrize("name", ["viridis", "cividis", "magma"])
def test_colours_are_those_that_the_name_says(name):
    mine = STYLES[name].palette(100)[1:, :3].astype(int)
    theirs = np.rint(matplotlib.colormaps[name](np.linspace(1, 0, 100))[:, :3] * 255)
    assert np.abs(mine - theirs).max() <= 12


@pytest.mark.parametrize("style", DIVERGING, ids=lambda s: s.name)
def test_both_sides_of_no_change_darken_alike(style):
    light = lightness(style.palette(15)[1:])
    assert light.argmax() == 7 and (np.diff(light[:8]) > 0).all() and (np.diff(light[7:]) < 0).all()
    assert np.abs(light - light[::-1]).max() < 24


def test_high_contrast_is_high():
    light = lightness(STYLES["contrast"].palette(15)[1:])
    assert light[0] - light[-1] > 90
    for name in ("classes-contrast", "changes-contrast"):
        found = np.sort(lightness(STYLES[name].palette(len(STYLES[name].colours))[1:]))
        assert np.diff(found).min() > 8


def test_index_0_is_unseen_and_all_others_are_seen():
    for style in STYLES.values():
        palette = style.palette(9 if style.graded else len(style.colours))
        assert palette[0, 3] == 0 and (palette[1:, 3] == 255).all()
        assert len(np.unique(palette[1:, :3], axis=0)) == len(palette) - 1
        assert not palette.flags.writeable


def test_classes_and_tiers_look_as_in_every_other_export():
    for style in CLASS_STYLES:
        assert tuple(STYLES["classes"].palette(4)[CLASS_CODES[style.code], :3]) == style.colour
        assert CLASS_CODES[style.code] == CellClass[style.code.upper()]
    for style in TIER_STYLES:
        assert tuple(STYLES["tiers"].palette(3)[TIER_CODES[style.code], :3]) == style.colour


def test_every_kind_has_a_default_and_another_style():
    assert all(len(styles_for(kind)) >= 2 for kind in StyleKind)
    assert styles_for(StyleKind.SEQUENTIAL)[0] == "viridis" and styles_for(StyleKind.CLASSES)[0] == "classes"
    assert all(name == style.name and style.title_zh and style.title_en for name, style in STYLES.items())


def test_colours_are_read_as_written():
    assert colours("000000 ff8001", "102030") == ((0, 0, 0), (255, 128, 1), (16, 32, 48))


@pytest.mark.parametrize(("name", "classes"), [("viridis", 0), ("viridis", 256), ("classes", 5), ("hot", 2)])
def test_palettes_that_cannot_be(name, classes):
    with pytest.raises(InvalidParameter):
        STYLES[name].palette(classes)
