"""Warming: every kernel is compiled before the first user waits for it. ``python -m gis.warm`` compiles them all."""

from gis.warm.compiling import Compiling
from gis.warm.stages import TASKS, Stage

__all__ = ["TASKS", "Compiling", "Stage"]
