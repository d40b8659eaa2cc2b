"""Which advice was overruled, by reason, and how it went: read from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from data_models.case import Case
from data_models.case_files import parse_case, parse_plan
from data_models.manual_edits import IMPROVE, EditMade
from data_models.overrides import Advised, Happened, Override, OverridesReport, overrides_report
from data_models.plan import Plan
from data_models.store import Store, ticket_states
from data_models.store.edits import edited_plans, edits_of
from flows.manual_changes import read_change
from optimizer.manual import technicians_of, tickets_of

if TYPE_CHECKING:
    from data_models.event_state import TicketState


def overrides_between(store: Store, start: datetime, end: datetime, region: str = "") -> OverridesReport:
    """The changes by hand from `start` to before `end` that went out with a published plan, with what was told of their visits since."""
    overrides: list[Override] = []
    untouched: list[Happened] = []
    cost = 0.0
    with store.reading() as session:
        for draft, finished in edited_plans(session, start, end, region):
            advice, decision = parse_plan(draft.plan_json), parse_plan(finished.plan_json)
            case = parse_case(draft.snapshot.case_json)
            states = ticket_states(session, [ticket.id for ticket in case.tickets])
            edits = [edit for edit in edits_of(session, draft.id).counting if start <= edit.at < end and edit.kind != IMPROVE]
            cost += sum(edit.cost_after - edit.cost_before for edit in edits)
            mine = [each for edit in edits for each in _overrides(draft.id, edit, case, advice, decision, states)]
            overrides += mine
            touched = {each.ticket for each in mine}
            untouched += [_happened(case, states, name) for name in _said(decision) if name not in touched and name in case.ticket_by_id]
    return overrides_report(start, end, overrides, untouched, cost)


def _overrides(
    plan: int, edit: EditMade, case: Case, advice: Plan, decision: Plan, states: Mapping[str, TicketState]
) -> Iterator[Override]:
    change = read_change({"kind": edit.kind, **edit.details})
    advised, decided = _said(advice), _said(decision)
    for ticket in tickets_of(change) or ("",):
        known = ticket in case.ticket_by_id and ticket in decided
        yield Override(
            plan,
            edit.number,
            edit.kind,
            edit.reason,
            edit.note,
            edit.by,
            edit.at,
            ticket,
            ", ".join(technicians_of(change)),
            advised.get(ticket),
            decided.get(ticket),
            _happened(case, states, ticket) if known else None,
        )


def _happened(case: Case, states: Mapping[str, TicketState], ticket: str) -> Happened:
    state = states.get(ticket)
    due = case.ticket_by_id[ticket].due
    return Happened(due) if state is None else Happened(due, state.on_site_at, state.solved_at)


def _said(plan: Plan) -> dict[str, Advised]:
    found: dict[str, Advised] = {}
    for route in plan.routes:
        for stop in route.stops:
            before = found.get(stop.ticket)
            people = (*before.technicians, route.technician) if before else (route.technician,)
            start = max(stop.start, before.start) if before else stop.start
            found[stop.ticket] = Advised(tuple(sorted(people)), start, max(stop.finish, before.finish) if before else stop.finish)
    return found
