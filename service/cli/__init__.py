"""The command line: arguments → pipeline. Everything heavy is imported inside the command that needs it."""

from service.cli import inventories, keys, prepare, results, serve, tiles, worker, zonings
from service.cli.shell import app, main

__all__ = ["app", "inventories", "keys", "main", "prepare", "results", "serve", "tiles", "worker", "zonings"]
