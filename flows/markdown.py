"""Text of people in Markdown pages."""

from __future__ import annotations

import html
import re


def as_text(name: str) -> str:
    """A name for a Markdown page that shows it as it is: neither HTML nor Markdown."""
    return re.sub(r"([\\`*_\[\]()|#])", r"\\\1", html.escape(" ".join(name.split())))
