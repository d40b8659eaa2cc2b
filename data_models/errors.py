"""What can go wrong, as few kinds as callers need to tell apart."""

from __future__ import annotations

from collections.abc import Sequence


class TwohourError(Exception):
    """Base of every error that twohour raises on purpose; its text is fit to be shown to a person."""


class BadInput(TwohourError):
    """Something from outside is not what it should be.

    Parameters
    ----------
    problems
        One sentence each, naming the thing, its value and the remedy.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class Infeasible(TwohourError):
    """What was asked for contradicts itself, so that no plan can do it; the message names what stands against what."""


class NotFound(TwohourError):
    """A thing that was asked for by its id does not exist."""


class Conflict(TwohourError):
    """The thing changed, or is in a state that does not allow what was asked."""


class Unavailable(TwohourError):
    """An outside service (road server, geocoder, database) did not answer."""
