"""The map: a page, its modules and what they stand on, served from memory."""

from service.web.site import Site

__all__ = ["Site"]
