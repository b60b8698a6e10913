import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gis.tiles import legendpicture as module
from gis.tiles.legend import Entry, Legend

RED, GREEN = (200, 10, 20, 255), (10, 150, 60, 255)
ENTRIES = (
    Entry(colour=RED, label_zh="≥ 5", label_en="≥ 5", low=5.0),
    Entry(colour=GREEN, label_zh="< 5", label_en="< 5", high=5.0),
)
LEGEND = Legend(
    layer="density-co2", style="viridis", title_zh="排放强度", title_en="emissions per area", unit="t/km²/yr",
    parameters={"year": 2022}, subtitle_zh="2022 年", subtitle_en="2022", note_zh="缩小时为平均值。", note_en="Zoomed out, means.",
    entries=ENTRIES,
)  # fmt: skip


def drawn(body):
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def rows_of(picture, colour):
    return np.flatnonzero((picture == colour[:3]).all(axis=-1).sum(axis=1) > 20)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("scale", [1, 2])
def test_colours_stand_one_below_the_other_beside_their_labels(lang, scale):
    picture = drawn(LEGEND.png(lang, scale=scale))
    red, green = rows_of(picture, RED), rows_of(picture, GREEN)
    assert len(red) >= 12 * scale and len(green) >= 12 * scale and red.max() < green.min()
    # Beside each colour something is written, and nothing touches the edge.
    right = picture[:, picture.shape[1] // 5 :]
    for rows in (red, green):
        assert (right[rows].min(axis=-1) < 120).any()
    assert (picture[[0, -1]] == 255).all() and (picture[:, [0, -1]] == 255).all()


def test_a_larger_scale_is_a_larger_picture_within_bounds():
    one, two, many = (drawn(LEGEND.png("en", scale=s)).shape for s in (1, 2, 1000))
    assert two[:2] == pytest.approx([2 * n for n in one[:2]], rel=0.05)
    assert many[0] <= 4 * one[0] + 4


def test_pictures_are_the_same_bytes_in_any_thread():
    with ThreadPoolExecutor(4) as pool:
        bodies = set(pool.map(lambda _: LEGEND.png("zh"), range(12)))
    assert bodies == {LEGEND.png("zh")}


def test_chinese_differs_from_english():
    zh, en = LEGEND.png("zh"), LEGEND.png("en")
    assert zh != en and drawn(zh).shape[0] == drawn(en).shape[0]


def test_the_title_stands_out_in_both_languages():
    bold, plain = (
        drawn(replace(LEGEND, title_zh=zh, unit="", subtitle_zh=sub).png("zh"))
        for zh, sub in (("国国国国", ""), ("", "国国国国"))
    )
    ink = [(255 - picture.mean(axis=-1)[:28]).sum() for picture in (bold, plain)]
    assert ink[0] > 1.3 * ink[1] > 0


def test_text_is_text_whatever_it_looks_like():
    odd = replace(LEGEND, title_en=r"$\frac{1}{0}$ <script> %s {x}", note_en="word " * 60)
    picture = drawn(odd.png("en"))
    assert picture.shape[1] < 700 and picture.shape[0] > drawn(LEGEND.png("en")).shape[0] + 60


def test_long_notes_are_broken_and_no_line_begins_with_a_stop():
    words = module._words("配色分级一致，各级缩放。Same breaks at all zooms")
    assert "".join(words) == "配色分级一致，各级缩放。Same breaks at all zooms"
    assert not any(word and word[0] in "，。" for word in words)
    tall = drawn(replace(LEGEND, note_zh="配色分级一致，" * 20).png("zh")).shape
    assert tall[0] > drawn(LEGEND.png("zh")).shape[0] + 100


def test_json_has_everything_the_picture_shows():
    told = json.loads(json.dumps(LEGEND.json(), allow_nan=False))
    assert told["entries"][0] == {
        "colour": "#c80a14", "opacity": 1.0, "label_zh": "≥ 5", "label_en": "≥ 5", "low": 5.0, "high": None, "code": None,
    }  # fmt: skip
    assert told["parameters"] == {"year": 2022} and told["unit"] == "t/km²/yr"
