"""Who uses the system, and what each role may do: one table, closed by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "coordinator", "planner", "technician", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)

Action = Literal["see", "edit", "decide", "tell", "study", "work", "administer"]
"""`see` plans, tickets and maps; `edit` a draft; `decide`: approve, reject, send somebody; `tell` what happened; `study` stations;
`work`: a technician's own visits; `administer` people, tokens and the audit trail."""

Scope = Literal[
    "tickets:read",
    "tickets:write",
    "plans:read",
    "plans:decide",
    "company:read",
    "events:read",
    "events:write",
    "readings:write",
    "audit:read",
    "webhooks:manage",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What an API token may be good for; `console.api.access.NEEDS` says which use case asks for which."""

MAY: Mapping[Role, frozenset[Action]] = {
    "viewer": frozenset({"see"}),
    "coordinator": frozenset({"see", "edit", "decide", "tell"}),
    "planner": frozenset({"see", "study"}),
    "technician": frozenset({"work"}),
    "administrator": frozenset({"see", "study", "administer"}),
}
"""An administrator decides who may decide, and does not decide about plans; studies touch nothing that is live."""


@dataclass(frozen=True)
class Person:
    """Somebody who can log in.

    Attributes
    ----------
    regions
        Where their role holds; empty: everywhere.
    technician
        The technician that they are, for the role of that name.
    language
        "zh", "en", or empty: what their browser asks for.
    must_change
        Somebody else gave them their password: they choose one of their own before anything else.
    """

    id: int
    login: str
    name: str
    role: Role
    regions: tuple[str, ...] = ()
    technician: str | None = None
    language: str = ""
    must_change: bool = False


def may(person: Person, action: Action, region: str | None) -> bool:
    """Whether a person may do this in a region; None: anywhere at all. The whole company ("") is only for those without regions."""
    if action not in MAY[person.role]:
        return False
    return region is None or not person.regions or region in person.regions
