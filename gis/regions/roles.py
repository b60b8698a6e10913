"""The roles a layer of regions can have."""

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """What a region layer is for."""

    DOMAIN = "domain"
    COUNTY = "county"
    TOWNSHIP = "township"
    PARK = "park"
    RED_LINE = "red_line"
    PRIORITY = "priority"
    BUFFER = "buffer"
