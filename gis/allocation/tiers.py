"""Tiers: how well it is known where mass is emitted."""

from enum import StrEnum

__all__ = ["TIERS", "Tier"]


class Tier(StrEnum):
    """Best to worst: a stated place, a stated line, a surrogate, or nothing but an outline."""

    POINT = "point"
    LINE = "line"
    SURROGATE = "surrogate"
    UNIFORM = "uniform"


# The order is the code: a tier is stored as its position here.
TIERS = tuple(Tier)
