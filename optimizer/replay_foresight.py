"""Tickets that may yet appear, imagined from those that have: a plan that leaves room for them is less often taken by surprise.

One scenario of the next hours for each decision, drawn anew each time (after the online stochastic algorithms of Bent and Van
Hentenryck 2004, doi 10.1287/opre.1040.0124): kinds, places and clocks of tickets seen so far, as many an hour as appeared lately.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta

from data_models.case import Ticket
from optimizer.replay_world import World


@dataclass(frozen=True)
class Foresight:
    """How far ahead tickets are imagined, and from how long back their number is taken; 0 hours ahead: not at all."""

    ahead_h: float = 4.0
    back_h: float = 3.0
    most: int = 60


def imagine(world: World, now: int, foresight: Foresight, seed: int) -> tuple[Ticket, ...]:
    """Tickets that may appear after `now`, from nothing but what appeared until then."""
    seen = [t for t, opened in enumerate(world.opened) if opened <= now]
    lately = sum(world.opened[t] > now - 3600 * foresight.back_h for t in seen)
    count = min(foresight.most, round(lately * foresight.ahead_h / foresight.back_h))
    if not seen or count <= 0:
        return ()
    rng = random.Random(seed)
    moments = sorted(rng.uniform(0, 3600 * foresight.ahead_h) for _ in range(count))
    return tuple(_moved(world, rng.choice(seen), now + int(moment), number) for number, moment in enumerate(moments))


def _moved(world: World, ticket: int, opens: int, number: int) -> Ticket:
    """A ticket like one that was seen, opened at another moment."""
    like = world.tickets[ticket]
    moment = world.moment(opens)
    later = max(like.due - like.opened_at, timedelta(hours=1))
    return replace(like, id=f"\0{number}", opened_at=moment, due=moment + later, not_before=None, windows=())
