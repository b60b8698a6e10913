"""The memory of tiles: bounded, least recently used first, one copy of a tile whatever it is called."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.tiles.answers import Answer, answer_of
from service.tiles.cache import TileCache


def made(n: int, size: int = 1000) -> Answer:
    return answer_of(n.to_bytes(4, "big") * (size // 4), "image/png")


def test_what_is_kept_is_found_and_what_is_not_is_not() -> None:
    cache, answer = TileCache(100_000), made(1)
    assert cache.get(b"/a") is None
    cache.put(b"/a", answer)
    assert cache.get(b"/a") is answer and cache.get(b"/A") is None and len(cache) == 1


def test_the_least_recently_asked_for_goes_first() -> None:
    cache = TileCache(20_000)
    names = [b"/%d" % n for n in range(10)]
    for n, name in enumerate(names):
        cache.put(name, made(n))
    assert cache.get(names[0]) is not None
    cache.put(b"/new", made(99))
    assert cache.get(names[0]) is not None and cache.get(names[1]) is None and cache.get(b"/new") is not None


def test_an_answer_too_large_for_the_memory_is_not_kept() -> None:
    cache = TileCache(40_000)
    cache.put(b"/small", made(1))
    cache.put(b"/large", made(2, size=20_000))
    assert cache.get(b"/large") is None and cache.get(b"/small") is not None


def test_no_memory_at_all_keeps_nothing() -> None:
    cache = TileCache(0)
    cache.put(b"/a", made(1))
    assert cache.get(b"/a") is None and cache.bytes == 0


def test_another_spelling_leads_to_the_same_answer_and_takes_no_second_place() -> None:
    cache, answer = TileCache(100_000), made(1)
    cache.put(b"/a", answer)
    size = cache.bytes
    cache.alias(b"/a?share=0.030", b"/a")
    cache.alias(b"/a", b"/a")
    assert cache.get(b"/a?share=0.030") is answer and cache.bytes == size and len(cache) == 1


def test_a_spelling_of_what_is_gone_finds_nothing_until_it_is_kept_again() -> None:
    cache = TileCache(16_000)
    cache.put(b"/a", made(1))
    cache.alias(b"/b", b"/a")
    for n in range(20):
        cache.put(b"/%d" % n, made(n))
    assert cache.get(b"/b") is None
    again = made(2)
    cache.put(b"/a", again)
    assert cache.get(b"/b") is again


def test_long_spellings_are_not_remembered() -> None:
    cache = TileCache(100_000)
    cache.put(b"/a", made(1))
    cache.alias(b"/a?" + b"x" * 5000, b"/a")
    assert cache.get(b"/a?" + b"x" * 5000) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(4, 3000), st.booleans()), max_size=200))
def test_bytes_are_those_of_what_is_kept_and_never_too_many(steps: list[tuple[int, int, bool]]) -> None:
    cache, model = TileCache(30_000), dict[bytes, Answer]()
    for name, size, put in steps:
        key = b"/%d" % name
        if put:
            model[key] = made(name, size)
            cache.put(key, model[key])
        found = cache.get(key)
        assert found is None or found is model[key]
        kept = [(k, a) for k, a in model.items() if cache._answers.get(k) is a]
        assert cache.bytes == sum(a.size + len(k) for k, a in kept) <= 30_000 and len(kept) == len(cache)
