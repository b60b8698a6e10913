"""What is wrong with the layers of regions, told as findings of the inventory."""

from __future__ import annotations

from gis.inventory.findings import Finding, Severity
from gis.regions.checks import region_findings
from gis.regions.model import Regions

__all__ = ["layer_findings"]


def layer_findings(regions: Regions) -> list[Finding]:
    """The findings of the region layers; ``part`` names the role, ``value`` the codes."""
    return [
        Finding(
            Severity(found.severity), found.rule, found.reason, f"regions.{found.role}", found.file,
            value=", ".join(found.codes), count=found.count,
        )
        for found in region_findings(regions)
    ]  # fmt: skip
