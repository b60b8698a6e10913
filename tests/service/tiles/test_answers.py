"""Answers: entity tags, 304, gzip."""

from __future__ import annotations

import gzip
import re

import pytest

from service.tiles.answers import IMMUTABLE, MVT, PNG, PRIVATE, Answer, answer_of, takes_gzip

BODY = b"tile " * 400


def header(headers: tuple[tuple[bytes, bytes], ...], name: bytes) -> bytes:
    found = [value for key, value in headers if key == name]
    assert len(found) <= 1, f"{name!r} came {len(found)} times"
    return found[0] if found else b""


def test_a_picture_is_sent_as_it_is() -> None:
    status, headers, body = answer_of(BODY, PNG).pick(gzip=True, known=b"")
    assert (status, body) == (200, BODY) and header(headers, b"content-length") == b"2000"
    assert header(headers, b"content-encoding") == b"" and header(headers, b"vary") == b""
    assert header(headers, b"cache-control") == IMMUTABLE.encode() and header(headers, b"content-type") == b"image/png"


def test_packed_bytes_are_the_same_and_have_a_tag_of_their_own() -> None:
    answer = answer_of(BODY, MVT, pack=True)
    _, plain, _ = answer.pick(gzip=False, known=b"")
    status, packed, body = answer.pick(gzip=True, known=b"")
    assert status == 200 and gzip.decompress(body) == BODY and len(body) < len(BODY)
    assert header(packed, b"content-encoding") == b"gzip" and int(header(packed, b"content-length")) == len(body)
    assert header(packed, b"etag") != header(plain, b"etag") and header(plain, b"vary") == b"Accept-Encoding"


def test_what_does_not_shrink_is_not_packed() -> None:
    assert answer_of(bytes(range(100)), MVT, pack=True).packed == b""


def test_tags_are_strong_and_of_the_content() -> None:
    a, b = answer_of(BODY, PNG), answer_of(BODY + b".", PNG)
    assert re.fullmatch(rb'"[0-9a-f]{24}"', a.tag) and a.tag != b.tag and answer_of(BODY, PNG).tag == a.tag
    assert answer_of(BODY, MVT).tag != a.tag


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '{} , "y"', "*"])
def test_who_has_it_gets_304_without_a_body(form: str) -> None:
    answer = answer_of(BODY, PNG)
    status, headers, body = answer.pick(gzip=False, known=form.format(answer.tag.decode()).encode())
    assert (status, body) == (304, b"") and header(headers, b"etag") == answer.tag
    assert header(headers, b"cache-control") == IMMUTABLE.encode() and header(headers, b"content-length") == b""


def test_either_tag_of_a_packed_answer_will_do() -> None:
    answer = answer_of(BODY, MVT, pack=True)
    for tag in (answer.tag, answer.packed_tag):
        status, headers, _ = answer.pick(gzip=True, known=tag)
        assert status == 304 and header(headers, b"etag") == answer.packed_tag


def test_another_tag_gets_the_whole_answer() -> None:
    answer = answer_of(BODY, PNG)
    assert answer.pick(gzip=False, known=b'"0123456789abcdef01234567"')[0] == 200
    assert answer.pick(gzip=False, known=answer.tag[1:-1])[0] == 200


def test_nothing_is_204_and_private_answers_say_so() -> None:
    nothing, private = answer_of(None, MVT), answer_of(BODY, MVT, cache_control=PRIVATE, pack=True)
    assert nothing.pick(gzip=True, known=b"")[::2] == (204, b"")
    status, headers, _ = private.pick(gzip=True, known=b"")
    assert header(headers, b"cache-control").startswith(b"private,") and b"Authorization" in header(headers, b"vary")
    assert status == 200


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True), ("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.8", True), ("", False), ("identity", False),
        ("gzip;q=0", False), ("gzip; q=0.0, br", False), ("gzip;q=0.5", True), ("br, gzip ;q=0.000", False),
    ],
)  # fmt: skip
def test_accept_encoding(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted.encode()) is takes


def test_the_size_counts_every_byte() -> None:
    answer = answer_of(BODY, MVT, pack=True)
    assert isinstance(answer, Answer) and answer.size > len(BODY) + len(answer.packed)
