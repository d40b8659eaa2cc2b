"""What a customer's satisfaction with a closed ticket leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data_models.errors import BadInput
from data_models.policy import ServicePolicy
from data_models.promises import due


@dataclass(frozen=True)
class Reopening:
    """A ticket to be opened again; `due_at` is when it is to have been handled again, None where the policy promises nothing."""

    ticket: str
    at: datetime
    score: int
    below: int
    due_at: datetime | None


def reopening(policy: ServicePolicy, ticket: str, score: int | None, at: datetime) -> Reopening | None:
    """The reopening that a score given at a moment asks for; None when the customer is satisfied enough or said nothing.

    The clock of the reopening is the one that `clock_states` gives for `Reopened(at)`.

    Raises
    ------
    BadInput
        The score is not on the policy's scale.
    """
    rule = policy.after_closing
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= rule.scale:
        raise BadInput(f"Ticket {ticket}: satisfaction {score} is not on the scale; give a whole number from 1 to {rule.scale}")
    if rule.reopen_below is None or score >= rule.reopen_below:
        return None
    again = rule.handled_again
    due_at = None if again is None or again.counts == "nothing" else due(again, at, policy.calendar)
    return Reopening(ticket, at, score, rule.reopen_below, due_at)
