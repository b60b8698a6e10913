"""The command line: arguments → pipeline. Everything heavy is imported inside the command that needs it."""

from service.cli import backup, demo, inventories, keys, prepare, results, serve, tiles, worker, zonings
from service.cli.shell import app, main

__all__ = [
    "app",
    "backup",
    "demo",
    "inventories",
    "keys",
    "main",
    "prepare",
    "results",
    "serve",
    "tiles",
    "worker",
    "zonings",
]
