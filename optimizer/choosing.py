"""Part of a draft: what people are told already, with the routes or the emergencies that a coordinator approves put into it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from data_models.case import Case
from data_models.plan import Plan
from optimizer.check import Violation, check
from optimizer.edited_routes import equipped, let_go
from optimizer.edited_rules import by_hand
from optimizer.edited_times import as_it_would_be, held_starts, holding, named
from optimizer.editing import cost_change
from optimizer.explanation import Value
from optimizer.insertion import insert_best
from optimizer.problem import Problem, from_plan, to_plan
from optimizer.published import Promise, Told, kept, problem_for, promises, starts_of, without
from optimizer.replanning import may_be_held
from optimizer.schedule import crew_duties, schedule
from optimizer.score import score
from optimizer.solution import Broken, Schedule, Solution


@dataclass(frozen=True)
class Chosen:
    """Part of a draft put into the published plan, or why that cannot be.

    Attributes
    ----------
    plan
        The plan of both; None when it is refused.
    violations
        What stands against it; empty when nothing does.
    taken
        Tickets that are served as the draft has them, and not as people were told.
    dropped
        Tickets that people were told about and that nobody serves then.
    waiting
        Tickets that the draft serves, or serves otherwise, and that are not of the part.
    cost_change
        By term and in total, against what is published; empty when refused.
    """

    plan: Plan | None
    violations: tuple[Violation, ...] = ()
    taken: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    cost_change: Mapping[str, float] | None = None


NOTHING_TOLD = Plan("", ())
"""In place of a published plan where there is none."""


def chosen_routes(case: Case, published: Plan, draft: Plan, technicians: Collection[str], *, trips: int = 2) -> Chosen:
    """The routes of these technicians as the draft has them, all others as people were told.

    A ticket is served once: what a chosen route serves leaves the others, and what the draft has given to somebody who is not chosen is
    dropped where those who were told are chosen.

    Parameters
    ----------
    case
        What the draft was made for.
    published
        The published plan, made for an earlier case; `NOTHING_TOLD` where there is none. What of it cannot be kept any more is dropped.
    draft
        A plan of the case.
    """
    problem, told = problem_for(case, published, trips=trips, after=draft)
    drafted = from_plan(problem, draft)
    inside = {w for w, name in enumerate(problem.technician_ids) if name in technicians}
    before, after = crew_duties(problem.tables, told.solution.routes), crew_duties(problem.tables, drafted.routes)
    who = problem.tables.technician
    taken, shared, split = set[int](), set[int](), list[int]()
    for ticket, duties in after.items():
        crew = {who[d] for d in duties}
        if crew <= inside:
            taken.add(ticket)
        elif crew & inside:
            same = crew == {who[d] for d in before.get(ticket, ())}
            shared.update({ticket} if same else ())
            split += [] if same else [ticket]
    if split:
        return Chosen(None, tuple(_split(problem, ticket, [who[d] for d in after[ticket]], inside) for ticket in split))
    kept_outside = {t for t, duties in before.items() if not {who[d] for d in duties} & inside} - taken
    routes, kits, wait = [], [], []
    for duty in range(problem.n_duties):
        source, stays = (drafted, taken | shared) if who[duty] in inside else (told.solution, kept_outside | shared)
        routes.append(tuple(t for t in source.routes[duty] if t in stays))
        kits.append(source.kits[duty])
        wait.append(source.wait_until[duty])
    mixed = equipped(problem, Solution(tuple(routes), tuple(kits), tuple(wait)), taken | kept_outside | shared)
    held = holding(problem, _held(problem, told, kept_outside) | _held_by_draft(problem, draft, drafted, taken))
    return _settled(case, published, draft, held, told, mixed, taken)


def chosen_emergencies(case: Case, published: Plan, draft: Plan, *, trips: int = 2) -> Chosen:
    """What people were told, with the emergencies that the draft serves otherwise put in where its people have room for them.

    Parameters as of `chosen_routes`. An emergency that finds no room without another change of the draft refuses the whole.
    """
    problem, told = problem_for(case, published, trips=trips, after=draft)
    held = holding(problem, _held(problem, told, told.starts))
    start = kept(held, told.solution)
    if start is None:
        return Chosen(None, (by_hand(case.now, "travel", "part_told_impossible", {}),))
    was, will = promises(published), promises(draft)
    index = {name: t for t, name in enumerate(problem.ticket_ids)}
    person = {name: w for w, name in enumerate(problem.technician_ids)}
    urgent = [t.id for t in case.tickets if t.severity == "emergency" and t.id in will and not _as_told(was, will, t.id)]
    refused: list[Violation] = []
    for name in sorted(urgent, key=lambda each: (will[each].start, each)):
        crew = will[name].technicians
        left = schedule(held, let_go(without(held, start.solution, index[name]), ()))
        found = insert_best(held, left, index[name], technicians=[person[who] for who in crew]) if isinstance(left, Schedule) else None
        if found is None:
            refused.append(by_hand(case.now, "forgotten", "part_no_room", {"technicians": crew, "ticket": name}))
        else:
            start = found.schedule
    if refused:
        return Chosen(None, tuple(refused))
    return _settled(case, published, draft, held, told, start.solution, {index[name] for name in urgent})


def _settled(case: Case, published: Plan, draft: Plan, held: Problem, told: Told, solution: Solution, taken: set[int]) -> Chosen:
    """The plan of a mixture: what people were told and cannot be kept is dropped, what was chosen is not."""
    found = schedule(held, solution)
    timed = kept(held, solution, locked=taken) if isinstance(found, Broken) else found
    if isinstance(found, Broken) and (timed is None or not taken <= starts_of(timed).keys()):
        return Chosen(None, _reasons(case, held, solution, found))
    plan = _nothing(case) if timed is None else to_plan(held, timed)
    broken = check(case, plan)
    if broken:
        return Chosen(None, broken)
    was, will, now = promises(published), promises(draft), promises(plan)
    names = [ticket.id for ticket in case.tickets]
    # What people were told, as far as the case still knows it, is what the change of cost counts from.
    base = kept(held, told.solution)
    before = score(case, to_plan(held, base)).cost if base is not None else score(case, _nothing(case)).cost
    return Chosen(
        plan=plan,
        taken=tuple(name for name in names if name in now and _as_told(will, now, name) and not _as_told(was, now, name)),
        dropped=tuple(name for name in names if name in was and name not in now),
        waiting=tuple(name for name in names if name in will and not _as_told(will, now, name)),
        cost_change=cost_change(before, score(case, plan).cost),
    )


def _reasons(case: Case, problem: Problem, solution: Solution, broken: Broken) -> tuple[Violation, ...]:
    loose = as_it_would_be(problem, solution)
    if isinstance(loose, Broken):
        return (named(problem, solution, loose, None),)
    return check(case, to_plan(problem, loose)) or (named(problem, solution, broken, loose),)


def _split(problem: Problem, ticket: int, crew: Iterable[int], inside: Collection[int]) -> Violation:
    names = problem.technician_ids
    values: dict[str, Value] = {
        "ticket": problem.ticket_ids[ticket],
        "technicians": tuple(names[w] for w in sorted(crew) if w not in inside),
    }
    return by_hand(problem.case.now, "crew", "part_split_crew", values)


def _held(problem: Problem, told: Told, tickets: Collection[int]) -> dict[int, int]:
    """Visits that stay as told begin no sooner than people were told, where that is of no use to them."""
    return {t: start for t, start in told.starts.items() if t in tickets and start > 0 and may_be_held(problem, t, start)}


def _held_by_draft(problem: Problem, draft: Plan, drafted: Solution, taken: Collection[int]) -> dict[int, int]:
    return {t: start for t, start in held_starts(problem, draft, drafted).items() if t in taken}


def _as_told(one: Mapping[str, Promise], other: Mapping[str, Promise], ticket: str) -> bool:
    """Whether two plans send the same people to a ticket."""
    return ticket in one and ticket in other and one[ticket].technicians == other[ticket].technicians


def _nothing(case: Case) -> Plan:
    return replace(NOTHING_TOLD, case=case.name)
