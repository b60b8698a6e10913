"""What is kept: a directory of immutable, content-addressed runs."""

from gis.workspace.run import Run
from gis.workspace.workspace import Workspace

__all__ = ["Run", "Workspace"]
