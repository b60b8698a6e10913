"""What is kept: a directory of immutable, content-addressed runs, zonings and comparisons."""

from gis.workspace.comparisons import StoredComparison
from gis.workspace.run import Run
from gis.workspace.workspace import Workspace
from gis.workspace.zonings import StoredZoning

__all__ = ["Run", "StoredComparison", "StoredZoning", "Workspace"]
