from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Problem
from service.openapi.formats import GEOJSON, HTML, JSON, OPENAPI, Format, chosen

_ALL = (GEOJSON, HTML, Format("fgb", "application/flatgeobuf", "FlatGeobuf"))


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "json"), ("", "json"), ("*/*", "json"), ("text/html", "html"), ("application/flatgeobuf", "fgb"),
        ("application/geo+json, application/json", "json"), ("text/html;q=0.2, application/geo+json;q=0.9", "json"),
        ("text/*", "html"), ("*/*, application/flatgeobuf", "fgb"), ("application/xml, text/html;q=0.1", "html"),
        ("TEXT/HTML", "html"), ("application/geo+json;q=0, text/html;q=0.1", "html"),
    ],
)  # fmt: skip
def test_the_most_wanted_of_what_there_is(accept: str | None, name: str) -> None:
    assert chosen(_ALL, f=None, accept=accept).name == name


def test_openapi_answers_to_its_older_names() -> None:
    for accept in (
        "application/vnd.oai.openapi+json;version=3.0",
        "application/openapi+json;version=3.0",
        "application/json",
    ):
        assert chosen((OPENAPI, HTML), f=None, accept=accept) is OPENAPI


def test_a_name_goes_before_the_header() -> None:
    assert chosen(_ALL, f="fgb", accept="text/html").name == "fgb"


def test_refusals_name_what_there_is() -> None:
    with pytest.raises(Problem, match="json, html") as bad:
        chosen((JSON, HTML), f="gml", accept=None)
    assert bad.value.status == 400
    with pytest.raises(Problem, match="json, html") as none:
        chosen((JSON, HTML), f=None, accept="image/png")
    assert none.value.status == 406


@given(st.text(max_size=300))
def test_no_header_breaks_it(accept: str) -> None:
    try:
        assert chosen(_ALL, f=None, accept=accept) in _ALL
    except Problem as problem:
        assert problem.status in (400, 406)
