"""What a customer sees of their ticket by a link, and what they say of it at the end.

A link is signed and ends: it holds the ticket and the moment, nothing that the customer does not know, and nothing is kept of it. Whoever
has the link sees what it shows; so it shows the state and when somebody is expected, no names, places, costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.event_state import TicketState
from data_models.events import Closed
from data_models.store import Answer, Store, ticket_states
from data_models.store.watched import expected_visit
from flows.events import tell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings

LONGEST_COMMENT = 500
LONGEST_TOKEN = 1000
_SALT = "twohour customer link 1"
BY_CUSTOMER = "customer"

CustomerState = Literal["received", "planned", "on_the_way", "under_way", "done", "cancelled"]


class LinkRefused(Exception):
    """A link that leads nowhere: forged (`is_over` False), or too old."""

    def __init__(self, *, is_over: bool) -> None:
        super().__init__("the link is over" if is_over else "the link is none of ours")
        self.is_over = is_over


@dataclass(frozen=True)
class CustomerView:
    """What a customer sees.

    Attributes
    ----------
    expected
        When somebody is expected to be there; None when nobody is to come, is there, or should have been there by now.
    is_overdue
        Somebody should have been there by now.
    reopenings
        How often the ticket was opened again: what is said of one settling counts for no other.
    satisfaction
        What they said of this settling; None when nothing yet.
    """

    ticket: str
    state: CustomerState
    expected: datetime | None
    is_overdue: bool
    reopenings: int
    satisfaction: int | None

    @property
    def may_rate(self) -> bool:
        """Whether they may say how satisfied they are: once, when it is done."""
        return self.state == "done" and self.satisfaction is None


def link_token(settings: Settings, ticket: str, now: datetime) -> str:
    """The token of a link to a ticket, good for `link_days`; empty where no secret is set."""
    if not settings.link_secret.get_secret_value():
        return ""
    return str(_signer(settings).dumps([ticket, int((now + timedelta(days=settings.link_days)).timestamp())]))


def customer_link(settings: Settings, ticket: str, now: datetime, base: str = "") -> str:
    """The address to give to a customer: at the public address of the console, else at `base`; empty where either half is missing."""
    token, at = link_token(settings, ticket, now), (settings.public_url or base).rstrip("/")
    return f"{at}/t/{token}" if token and at else ""


def ticket_of_token(settings: Settings, token: str, now: datetime) -> str:
    """The ticket that a token leads to. Raises `LinkRefused`."""
    from itsdangerous import BadData

    if not settings.link_secret.get_secret_value() or len(token) > LONGEST_TOKEN:
        raise LinkRefused(is_over=False)
    try:
        said = _signer(settings).loads(token)
    except BadData:
        raise LinkRefused(is_over=False) from None
    if now >= datetime.fromtimestamp(said[1], UTC):
        raise LinkRefused(is_over=True)
    return str(said[0])


def seen_by_customer(store: Store, ticket: str, now: datetime) -> CustomerView:
    """What the customer of a ticket sees. Raises `NotFound`."""
    with store.reading() as session:
        return _view(session, ticket, now)


def rate(store: Store, ticket: str, reopenings: int, score: int, comment: str, now: datetime) -> Answer:
    """Keep how satisfied a customer is with what was done, as the closing of the ticket; a low score opens it again as policy says.

    Raises
    ------
    BadInput
        The score is not 1 to 5, or the comment too long.
    Conflict
        It is not done, was opened again since the page was made, or they have said it already.
    """
    comment = " ".join("".join(char if char.isprintable() else " " for char in comment).split())
    if not 1 <= score <= 5 or len(comment) > LONGEST_COMMENT:
        raise BadInput(f"give a score from 1 to 5 and at most {LONGEST_COMMENT} characters")
    view = seen_by_customer(store, ticket, now)
    if not view.may_rate or view.reopenings != reopenings:
        raise Conflict("this was said already, or the ticket is open again")
    key = f"customer {ticket} {reopenings}"
    told = Closed(kind="ticket_closed", at=now, key=key, by=BY_CUSTOMER, ticket=ticket, satisfaction=score, comment=comment)
    answer = tell(store, [told], now).answers[0]
    if answer.verdict in ("merged", "refused"):
        # Two at once: the first counts.
        raise Conflict("this was said already, or the ticket is open again")
    return answer


def _signer(settings: Settings) -> Any:
    import hashlib

    from itsdangerous import URLSafeSerializer

    secret = settings.link_secret.get_secret_value()
    return URLSafeSerializer(secret, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"})


def _view(session: Session, ticket: str, now: datetime) -> CustomerView:
    row = session.get(tables.Ticket, ticket)
    if row is None:
        raise NotFound(f"Ticket {ticket} does not exist")
    told = ticket_states(session, [ticket]).get(ticket, TicketState())
    state = _state(row.state, told)
    expected = expected_visit(session, ticket, now) if state in ("planned", "on_the_way") else None
    start = None if expected is None else expected.on_site_at
    is_overdue = start is not None and start < now
    return CustomerView(ticket, state, None if is_overdue else start, is_overdue, told.reopenings, told.satisfaction)


def _state(state: str, told: TicketState) -> CustomerState:
    match state:
        case "done" | "cancelled" | "under_way":
            return state
        case _ if told.driving:
            return "on_the_way"
        case "planned":
            return "planned"
        case _:
            return "received"
