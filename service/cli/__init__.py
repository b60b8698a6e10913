"""The command line: arguments → pipeline. Everything heavy is imported inside the command that needs it."""

from service.cli import inventories, results, serve, zonings
from service.cli.shell import app, main

__all__ = ["app", "inventories", "main", "results", "serve", "zonings"]
