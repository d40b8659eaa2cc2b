"""What a solver decides, and the times that follow, in indices and whole seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Solution:
    """The decisions of a plan. Each field reads `[duty]`; an unused duty has an empty route.

    Attributes
    ----------
    routes
        Tickets of the duty's trip, in the order of the visits; a ticket for a crew is in several routes.
    kits
        Kit types taken from the station; empty for someone already out, who has what they hold.
    wait_until
        The departure is no sooner: a kit may have to come back first. 0 where nothing is waited for.
    """

    routes: tuple[tuple[int, ...], ...]
    kits: tuple[frozenset[int], ...]
    wait_until: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimedRoute:
    """One duty's trip in seconds since the epoch.

    `arrives` and `starts` read `[position in the route]`. `cost` is money: driving, overtime, and each visit's lateness
    divided by its crew, so that the routes of a plan add up. `rests` are the numbers of the breaks taken, among the duty's.
    """

    depart: int
    arrives: tuple[int, ...]
    starts: tuple[int, ...]
    returns: int
    breaks: tuple[tuple[int, int], ...]
    cost: float
    rests: tuple[int, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """A feasible solution with its times: `timed` reads `[duty]`, None for an unused duty; `cost` is that of the whole plan.

    Someone out who goes home and only then serves has a timed trip home with no visit.
    """

    solution: Solution
    timed: tuple[TimedRoute | None, ...]
    cost: float


@dataclass(frozen=True)
class Broken:
    """Why a solution cannot be carried out: a sentence, and the duty and ticket where it shows (-1: not tied to one)."""

    reason: str
    duty: int = -1
    ticket: int = -1


def empty_solution(n_duties: int) -> Solution:
    """Nobody goes anywhere."""
    return Solution(((),) * n_duties, (frozenset(),) * n_duties, (0,) * n_duties)
