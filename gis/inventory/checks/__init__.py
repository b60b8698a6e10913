"""What can be wrong with sources: by row, before they are used, and across the inventory, once it is read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis.inventory.checks.coordinates import centres, coordinate_findings
from gis.inventory.checks.datum import datum_findings
from gis.inventory.checks.geometry import geometry_findings
from gis.inventory.checks.layers import layer_findings
from gis.inventory.checks.marks import Marks
from gis.inventory.checks.nested import nested_findings
from gis.inventory.checks.overlaps import overlap_findings
from gis.inventory.checks.places import place_findings
from gis.inventory.checks.ratios import ratio_findings
from gis.inventory.checks.records import record_findings
from gis.inventory.checks.totals import totals_findings
from gis.inventory.checks.twice import counted_twice_findings
from gis.inventory.checks.twins import twin_findings
from gis.inventory.checks.within import stated_region
from gis.inventory.description import Description
from gis.inventory.findings import Finding
from gis.inventory.model import Inventory, SourcePart
from gis.regions.model import Regions
from gis.species import Species

__all__ = ["inventory_findings", "row_findings"]

Bounds = tuple[float, float, float, float]


def row_findings(
    part: SourcePart,
    description: Description,
    *,
    species: tuple[Species, ...],
    bounds: Bounds | None = None,
    regions: Regions | None = None,
) -> tuple[list[Finding], NDArray[np.bool_]]:
    """Findings on the places and shapes of a part's sources, and which sources are refused (a mask over the part).

    ``bounds`` (west, south, east, north) stands in for the description's; with ``regions``, a domain is used as well
    and stated region codes are compared with the county layer. Every refused source has a finding of its own.
    """
    marks = Marks(part, species)
    if len(part):
        stated = bounds if bounds is not None else description.bounds
        x, y = centres(marks)
        region = stated_region(part.crs, stated, regions, x=x, y=y)
        coordinate_findings(marks, region)
        geometry_findings(marks)
        place_findings(marks, region, regions)
    return marks.findings, marks.refused


def inventory_findings(inventory: Inventory) -> list[Finding]:
    """Findings across sources, parts and regions of an inventory that has been read; nothing is refused."""
    found: list[Finding] = layer_findings(inventory.regions)
    sources = [part for part in inventory.parts if isinstance(part, SourcePart) and len(part)]
    for part in sources:
        found += overlap_findings(part, inventory.species)
        found += record_findings(part, inventory)
    found += totals_findings(inventory)
    found += counted_twice_findings(inventory)
    found += datum_findings(inventory)
    found += nested_findings(inventory)
    found += ratio_findings(inventory)
    found += twin_findings(inventory)
    return found
