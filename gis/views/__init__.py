"""Published results as they are looked at: planes, ranks, thresholds, layers and their pictures, kept ready beside the workspace."""

from gis.views.thresholds import Threshold, ThresholdView
from gis.views.views import Views

__all__ = ["Threshold", "ThresholdView", "Views"]
