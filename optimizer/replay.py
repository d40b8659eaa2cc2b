"""A day over again: tickets appear at `opened_at`, and whoever decides knows only what is known by then.

A pure simulation by events. At each of them the rest of the day is a case of its own (`replay_view`), a policy plans it
(`replay_policies`), and what must begin before the next event happens (`replay_world`). What comes out is a plan like any other, which
the judges check with rule 7: no leg towards a ticket begins before it was opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from data_models.case import Case
from data_models.plan import Plan, SolverFacts
from optimizer.insertion import LocksCannotHold
from optimizer.replay_policies import POLICIES as POLICIES
from optimizer.replay_policies import Decided, Policy, decide
from optimizer.replay_view import View, look, orders_of
from optimizer.replay_world import NEVER, World
from optimizer.result import Stop

_MIX = 1_000_003  # between seeds of decisions
_WAITED_FOR = 0.25  # of the hours on the road are taken to be waited for by an emergency that is not known yet


@dataclass(frozen=True)
class Replayed:
    """What really happened on a replayed day.

    Attributes
    ----------
    plan
        All visits with their true times; it keeps the rules of `true`, with `check(..., replay=True)`.
    true
        The day as it was: the case itself, or what `replay_draws.drawn` made of it.
    decisions, iterations
        How often the policy decided, and the iterations of its searches together.
    """

    plan: Plan
    true: Case
    policy: Policy
    seed: int
    decisions: int
    iterations: int


def replay(
    case: Case,
    policy: Policy,
    *,
    each: Stop,
    seed: int = 1,
    true: Case | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replayed:
    """One day by one policy.

    Parameters
    ----------
    case
        The day as planned: what it says of a ticket counts from `opened_at` on, its travel and service minutes are what is expected.
    policy
        See `replay_policies.decide`.
    each
        When the search of one decision of `optimize` stops; with iterations the same seed repeats the day exactly.
    true
        The same day with other drives and work, which show when they end; None: all goes as planned.
    on_progress
        Called with the seconds of the day that are decided and those until the last ticket appears.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other from the beginning.
    """
    world = World(case, case if true is None else true)
    last = max(world.opened, default=0)
    now, decisions, iterations = 0, 0, 0
    unlocked: frozenset[str] = frozenset()
    while True:
        view = look(world, now, unlocked=unlocked, hour_worth=_hour_worth(world, now) if policy == "optimize" else 0.0)
        if view is not None:
            try:
                found = decide(policy, view, each, seed * _MIX + decisions)
            except LocksCannotHold as error:
                if now == 0 or not set(error.tickets) - unlocked:
                    raise
                unlocked |= set(error.tickets)  # what happened since makes them impossible
                continue
            _tell(world, view, found)
            decisions, iterations = decisions + 1, iterations + found.iterations
        until = min([opened for opened in world.opened if opened > now] + [world.next_wake(now)])
        on_progress(min(now, last), last)
        world.advance(now, until)
        until = min(until, max(now + 1, world.next_wake(now)))
        if until >= NEVER:
            break
        now = until
    if policy != "optimize":
        iterations = 0
    facts = SolverFacts(iterations=iterations, seed=seed)
    true_day = case if true is None else true
    return Replayed(replace(world.plan(), solver=facts), true_day, policy, seed, decisions, iterations)


def _tell(world: World, view: View, found: Decided) -> None:
    for person, orders in zip(world.people, orders_of(world, view, found.plan), strict=True):
        person.orders = orders


def _hour_worth(world: World, now: int) -> float:
    """What an hour of somebody's time is worth beside their rate: an emergency may wait for them, of those seen so far on average."""
    seen = [
        t.late_cost_per_hour for t, opened in zip(world.tickets, world.opened, strict=True) if opened <= now and t.severity == "emergency"
    ]
    return _WAITED_FOR * sum(seen) / len(seen) if seen else 0.0
