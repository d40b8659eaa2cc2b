"""What happens during the day, as it is told: one fact per event, by a person or a machine, at a moment, with a key of its own.

Events may come late, out of order and twice. What they mean together is for `event_state` to say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field

from data_models.case import Severity
from data_models.errors import BadInput
from data_models.json_files import load_json
from data_models.reading import Problems, Where, read_fact, shown

Name = Annotated[str, Field(min_length=1, max_length=64)]
Absent = Literal["sick", "vehicle"]
Result = Literal["resolved", "unresolved"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every event has: its kind, when it happened, the key by which a second telling is known, and who tells it."""

    kind: str
    at: datetime
    key: str
    by: str


@dataclass(frozen=True, kw_only=True)
class TicketEvent(Event):
    """Something about a ticket."""

    ticket: str


@dataclass(frozen=True, kw_only=True)
class Opened(TicketEvent):
    """A customer, a colleague or a sensor reports something."""

    site: str
    severity: Severity
    type: str
    product: str = ""
    source: Literal["phone", "chat", "email", "sensor", "web", "file"] = "phone"
    title: str = ""
    description: str = ""
    due_at: datetime | None = None
    not_before: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    service_minutes: float | None = None
    crew: int | None = None
    load: float = 0.0
    skills: Mapping[str, int] | None = None
    kits: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Changed(TicketEvent):
    """Facts about a ticket are corrected; None leaves a fact as it is."""

    severity: Severity | None = None
    type: str | None = None
    title: str | None = None
    description: str | None = None
    due_at: datetime | None = None
    not_before: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    service_minutes: float | None = None
    crew: int | None = None
    load: float | None = None
    skills: Mapping[str, int] | None = None
    kits: tuple[str, ...] | None = None
    only: tuple[str, ...] | None = None
    banned: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Cancelled(TicketEvent):
    """The customer needs nobody any longer."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Reopened(TicketEvent):
    """What was done or cancelled is not settled after all."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Contacted(TicketEvent):
    """Somebody spoke to the customer."""


@dataclass(frozen=True, kw_only=True)
class Diagnosed(TicketEvent):
    """What is wrong is known, on site or from afar."""


@dataclass(frozen=True, kw_only=True)
class Solved(TicketEvent):
    """The customer has a solution, though work may remain."""


@dataclass(frozen=True, kw_only=True)
class Closed(TicketEvent):
    """The customer agrees that it is settled, how satisfied they are: 1 to 5, and what they say about it."""

    satisfaction: int | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Waiting(TicketEvent):
    """Work rests for a reason, such as waiting for the customer."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Resumed(TicketEvent):
    """Work that rested goes on."""


@dataclass(frozen=True, kw_only=True)
class ClockKept(TicketEvent):
    """A clock beside the five was kept, such as a call back; `clock` is its name in the policy."""

    clock: str


@dataclass(frozen=True, kw_only=True)
class VisitEvent(TicketEvent):
    """Something that a technician does about a ticket.

    `phone_at` is what the clock of the phone said, where that was so wrong that another time was taken for `at`.
    """

    technician: str
    phone_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted(VisitEvent):
    """The technician takes the visit."""


@dataclass(frozen=True, kw_only=True)
class Declined(VisitEvent):
    """The technician does not take the visit."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Driving(VisitEvent):
    """The technician sets out to the visit, and expects to be there at `expected_at`."""

    expected_at: datetime | None = None
    kits: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Arrived(VisitEvent):
    """The technician is on site, and will be at work for `service_minutes`."""

    kits: tuple[str, ...] | None = None
    service_minutes: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finished(VisitEvent):
    """The technician's work is over; `unresolved` asks for another visit. `note` says what was done or found."""

    result: Result = "resolved"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class TechnicianEvent(Event):
    """Something about a technician."""

    technician: str


@dataclass(frozen=True, kw_only=True)
class Delayed(TechnicianEvent):
    """Held up, free again at `until`; `phone_at` as in `VisitEvent`."""

    until: datetime
    reason: str = ""
    phone_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AbsentFrom(TechnicianEvent):
    """Cannot work or drive until `until`, or until they are back; `kind` tells a sick person from a vehicle that is down."""

    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Back(TechnicianEvent):
    """At work again."""


@dataclass(frozen=True, kw_only=True)
class Home(TechnicianEvent):
    """Back at the station, with kits and vehicle."""


@dataclass(frozen=True, kw_only=True)
class KitEvent(Event):
    """Kits of a station break, or are back in order."""

    station: str
    kit: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class RoadFactor(Event):
    """Drives that begin or end within `km` of a place take `factor` times as long, until `until`."""

    lat: float
    lon: float
    km: float
    factor: float
    until: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class KnownTicket(TicketEvent):
    """What the store knew of a ticket before its first event. Told by the store itself, never from outside."""

    state: Literal["open", "planned", "under_way", "done", "cancelled"]
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class KnownKit(Event):
    """How many kits of a station were broken before the first event about them. Told by the store itself."""

    station: str
    kit: str
    broken: int


@dataclass(frozen=True, kw_only=True)
class Begun(TicketEvent):
    """A visit has begun by the plan that was published when the next one was made. Told by the store itself."""

    plan: int


KINDS: Mapping[str, type[Event]] = {
    "ticket_opened": Opened,
    "ticket_changed": Changed,
    "ticket_contacted": Contacted,
    "technician_back": Back,
    "technician_accepted": Accepted,
    "technician_declined": Declined,
    "technician_driving": Driving,
    "technician_arrived": Arrived,
    "ticket_diagnosed": Diagnosed,
    "ticket_waiting": Waiting,
    "ticket_resumed": Resumed,
    "clock_kept": ClockKept,
    "ticket_solved": Solved,
    "technician_finished": Finished,
    "technician_delayed": Delayed,
    "technician_home": Home,
    "technician_sick": AbsentFrom,
    "vehicle_down": AbsentFrom,
    "ticket_cancelled": Cancelled,
    "ticket_closed": Closed,
    "ticket_reopened": Reopened,
    "kit_broken": KitEvent,
    "kit_back": KitEvent,
    "road_factor": RoadFactor,
}
"""Kinds that may be told from outside, and the facts of each; of the same moment they happen in this order."""

OWN_KINDS: Mapping[str, type[Event]] = {"ticket_known": KnownTicket, "kit_known": KnownKit, "ticket_begun": Begun}
"""Kinds that the store tells itself."""

_LONGEST_ID = 64
_SUBJECTS = ("ticket", "technician", "station")
_ENVELOPE = ("kind", "at", "key", "by", *_SUBJECTS)


def read_event(document: Any, *, default_by: str = "") -> Event:
    """The event that a JSON object tells.

    Parameters
    ----------
    document
        An object with `kind`, `at`, `key`, `by`, and the fields of its kind.
    default_by
        Who tells it where the object does not say.

    Raises
    ------
    BadInput
        It is not what its kind asks for; one sentence a problem.
    """
    if not isinstance(document, dict):
        raise BadInput(f"an event is an object, not {shown(document)}; give kind, at, key and what happened")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadInput(f"kind is {shown(kind)}; {_nearest(kind) if isinstance(kind, str) else ASK_FOR_KINDS}")
    document = {"by": default_by, **document} if default_by else document
    problems = Problems()
    event = read_fact(KINDS[kind], document, problems)
    for sentence in _contradictions(event):
        problems.add(Where().into("event", {"id": event.key}).says(sentence))
    problems.raise_any()
    return event


ASK_FOR_KINDS = "give one of those that `twohour tell --kinds` lists"


@lru_cache(maxsize=1024)
def _nearest(kind: str) -> str:
    """What to give in place of a kind that there is not; a flood asks for the same again and again."""
    if kind in OWN_KINDS:
        return "the store tells that itself; leave it out"
    near = get_close_matches(kind, KINDS, n=2) if len(kind) <= _LONGEST_ID else []
    return f"{ASK_FOR_KINDS}, such as {' or '.join(near)}" if near else ASK_FOR_KINDS


def read_events(text: str | bytes, *, default_by: str = "") -> tuple[list[Event], list[str]]:
    """Events in a file of JSON lines, or in a JSON array; and for each line that tells none one text with all that is wrong with it.

    Raises `BadInput` when an array is no JSON at all.
    """
    decoded = text.decode("utf-8-sig", errors="replace") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    if decoded.lstrip().startswith("["):
        return events_in(load_json(decoded, Problems()), default_by=default_by)
    lines = ((f"line {number}", line) for number, line in enumerate(decoded.split("\n"), 1) if line.strip())
    return _each(lines, default_by)


def events_in(documents: Iterable[Any], *, default_by: str = "") -> tuple[list[Event], list[str]]:
    """The events that JSON objects tell, and for each object that tells none one text with all that is wrong with it."""
    return _each(((f"event {n}", item) for n, item in enumerate(documents, 1)), default_by)


def _each(items: Iterable[tuple[str, Any]], default_by: str) -> tuple[list[Event], list[str]]:
    events: list[Event] = []
    wrong: list[str] = []
    for where, item in items:
        try:
            events.append(read_event(_loaded(item) if isinstance(item, str) else item, default_by=default_by))
        except BadInput as error:
            wrong.append(f"{where}: {'. '.join(error.problems)}")
    return events, wrong


def _loaded(line: str) -> Any:
    problems = Problems()
    document = load_json(line, problems, name="it", remedy="write one JSON object on each line")
    problems.raise_any()
    return document


def subjects(event: Event) -> dict[str, str]:
    """Ids of what an event is about, by `ticket`, `technician` and `station`; those that it does not name are empty."""
    return {name: getattr(event, name, "") for name in _SUBJECTS}


def details(event: Event) -> dict[str, Any]:
    """The fields of an event's kind as plain JSON, without those that have their default value."""
    told: dict[str, Any] = {}
    for entry in dataclasses.fields(event):
        value = getattr(event, entry.name)
        if entry.name not in _ENVELOPE and value != entry.default:
            told[entry.name] = _plain(value)
    return told


def event_of(kind: str, at: datetime, key: str, by: str, about: Mapping[str, str], told: Mapping[str, Any]) -> Event:
    """The event that was kept as `subjects` and `details`: read when it came, so that it is not checked again."""
    facts: dict[str, Any] = {"kind": kind, "at": at, "key": key, "by": by}
    facts |= {name: value for name, value in about.items() if value}
    for name, value in told.items():
        facts[name] = datetime.fromisoformat(value) if name in _MOMENTS else tuple(value) if isinstance(value, list) else value
    return _ALL_KINDS[kind](**facts)


_ALL_KINDS = {**KINDS, **OWN_KINDS}
_MOMENTS = frozenset(entry.name for kind in _ALL_KINDS.values() for entry in dataclasses.fields(kind) if "datetime" in str(entry.type))


def is_moment(name: str) -> bool:
    """Whether a fact of this name tells when something happens."""
    return name in _MOMENTS


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _contradictions(event: Event) -> list[str]:
    """What is wrong with values that are of the right kind."""
    wrong = [
        f"{name} is empty or longer than 64 characters; give an id"
        for name, id_ in subjects(event).items()
        if hasattr(event, name) and not 0 < len(id_) <= _LONGEST_ID
    ]
    if not 0 < len(event.key) <= 200:
        wrong.append(f"key is {shown(event.key)}; give a text of 1 to 200 characters that no other event has")
    if not 0 < len(event.by) <= 100:
        wrong.append(f"by is {shown(event.by)}; say who tells it, in 1 to 100 characters")
    wrong += [
        f"{name} is {shown(getattr(event, name))}; {ask}"
        for name, ask, holds in _LIMITS
        if hasattr(event, name) and not holds(getattr(event, name))
    ]
    until = getattr(event, "until", None)
    if until is not None and until <= event.at:
        wrong.append(f"until is {until.isoformat()}, not after {event.at.isoformat()}; give a later moment")
    if isinstance(event, (Opened, Changed)) and event.window_start and event.window_end and event.window_end < event.window_start:
        wrong.append(f"window_end is {event.window_end.isoformat()}, before the start; give a later one")
    return wrong


_LIMITS: tuple[tuple[str, str, Any], ...] = (
    ("satisfaction", "give 1 to 5", lambda value: value is None or 1 <= value <= 5),
    ("count", "give 1 to 1000", lambda value: 1 <= value <= 1000),
    ("crew", "give 1 to 20", lambda value: value is None or 1 <= value <= 20),
    ("service_minutes", "give 0 to 14400", lambda value: value is None or 0 <= value <= 14_400),
    ("load", "give 0 or more", lambda value: value is None or value >= 0),
    ("skills", "give levels 1 to 3", lambda value: value is None or all(1 <= level <= 3 for level in value.values())),
    ("lat", "give degrees from -90 to 90", lambda value: -90 <= value <= 90),
    ("lon", "give degrees from -180 to 180", lambda value: -180 <= value <= 180),
    ("km", "give more than 0 and at most 2000", lambda value: 0 < value <= 2000),
    ("factor", "give 0.1 to 20", lambda value: 0.1 <= value <= 20),
    ("title", "give at most 200 characters", lambda value: value is None or len(value) <= 200),
    ("clock", "give the 1 to 64 characters of its name in the policy", lambda value: 1 <= len(value) <= 64),
    ("type", "give 1 to 64 characters", lambda value: value is None or 1 <= len(value) <= 64),
    ("comment", "give at most 500 characters", lambda value: len(value) <= 500),
    ("note", "give at most 1000 characters", lambda value: len(value) <= 1000),
    ("product", "give at most 64 characters", lambda value: len(value) <= 64),
)
