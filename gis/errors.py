"""Every error cozone raises on purpose. A message says what came, what was expected and what to do."""

__all__ = [
    "CorruptObject",
    "GisError",
    "InvalidDescription",
    "InvalidGeometry",
    "InvalidGrid",
    "InvalidParameter",
    "LedgerOpen",
    "MissingCrs",
    "NotFound",
    "ReadError",
    "RefusedInput",
    "StorageError",
    "UnknownName",
    "UnknownSector",
    "UnknownSpecies",
    "UnknownUnit",
]


class GisError(Exception):
    """The root: catch it to catch everything cozone raises on purpose."""


class InvalidParameter(GisError):
    """An argument or option is outside what it may be."""


class InvalidGrid(GisError):
    """A grid that cannot exist: not north-up, empty, off the globe, not finite."""


class InvalidGeometry(GisError):
    """A geometry without a measure the work needs: wrong type, self-crossing, not finite."""


class MissingCrs(GisError):
    """Coordinates came without a coordinate reference system; it is never guessed."""


class UnknownName(GisError):
    """A name that is not in its list; the message offers the near ones."""


class UnknownSpecies(UnknownName):
    """A species that is neither known nor declared."""


class UnknownSector(UnknownName):
    """A sector that is neither known nor mapped by a crosswalk."""


class UnknownUnit(UnknownName):
    """A unit of mass, time or density that cannot be read."""


class InvalidDescription(GisError):
    """A description file that does not validate; the message lists every key at fault."""


class ReadError(GisError):
    """A file that is missing, truncated, corrupt or not of its format; the message names it."""


class RefusedInput(GisError):
    """Input with findings that a strict run does not accept."""


class LedgerOpen(GisError):
    """Mass in does not equal mass accounted for; such a result is never published."""


class NotFound(GisError):
    """No run, layer, grid or source of that name."""


class StorageError(GisError):
    """The workspace could not be written: disk full, no permission, locked."""


class CorruptObject(GisError):
    """A stored object whose bytes no longer match its name."""
