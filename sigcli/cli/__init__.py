"""The command line: a file a command, and what they share."""

from .app import app, run

__all__ = ["app", "run"]
