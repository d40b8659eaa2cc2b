"""Text from files and stores, made fit for a terminal. Loads nothing: the command line needs it before anything else."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text without control characters, so that what a file contains cannot steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
