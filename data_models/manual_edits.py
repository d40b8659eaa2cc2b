"""Manual changes to a draft as they are kept: why a person made each, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

EditReason = Literal["customer_asked", "local_knowledge", "technician_asked", "safety", "training", "traffic", "equipment", "other"]

EDIT_REASONS: tuple[EditReason, ...] = get_args(EditReason)
"""Why people overrule a plan: short, so that it can be counted; `other` asks for a note."""

IMPROVE = "improve"
"""The kind of edit that overrules nothing and needs no reason: the search improves the rest around what was fixed."""

MOST_NOTE = 500
"""Characters of a note."""


@dataclass(frozen=True)
class EditMade:
    """One change of a draft.

    Attributes
    ----------
    number
        From 1 for each draft; numbers are never used again, also not when an edit is undone and another one made.
    follows
        The number of the edit that was the last one that counted when this one was made; 0 for none.
    kind, details
        What it is, and its facts as JSON has them.
    reason
        "" where the search improved the rest.
    cost_before, cost_after
        Of the whole plan.
    undone
        Taken back. It can be made again while what it follows counts and no other edit has been made in its place.
    marked_by, marked_at
        Who took it back or made it again last, and when; "" and None when nobody has.
    """

    number: int
    follows: int
    kind: str
    details: Mapping[str, Any]
    reason: EditReason | Literal[""]
    note: str
    by: str
    at: datetime
    cost_before: float
    cost_after: float
    undone: bool = False
    marked_by: str = ""
    marked_at: datetime | None = None


@dataclass(frozen=True)
class EditsOfDraft:
    """All edits of a draft in their order; `plan_json` is the plan after the last one that counts, "" when none does."""

    plan: int
    edits: tuple[EditMade, ...] = ()
    plan_json: str = field(default="", repr=False)

    @property
    def counting(self) -> tuple[EditMade, ...]:
        """The edits that count: those not undone."""
        return tuple(edit for edit in self.edits if not edit.undone)

    @property
    def seen(self) -> int:
        """The number of the last edit that counts, 0 for none: whoever changes the draft says which one they have seen."""
        return max((edit.number for edit in self.counting), default=0)

    @property
    def to_redo(self) -> EditMade | None:
        """The edit that redoing makes again; None when there is none."""
        return next((edit for edit in reversed(self.edits) if edit.undone and edit.follows == self.seen), None)
