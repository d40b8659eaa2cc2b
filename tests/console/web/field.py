"""What tests of technicians' and customers' pages share: a technician who can log in, whom to call, and secrets of links."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta

from PIL import Image
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient

from data_models import tables
from data_models.store import published_plan
from data_models.store.people import add_person
from tests.console.web.conftest import NOW, PASSWORD, Site, csrf_of

SECRET = "a-secret-of-links-that-is-long-enough"  # noqa: S105  of tests alone
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def visits_of(site: Site) -> dict[str, list[str]]:
    """The tickets of the published plan by technician, in the order of their starts."""
    with site.store.reading() as session:
        plan = published_plan(session)
        assert plan is not None
        visits = [(route.technician_id, visit.starts_at, visit.ticket_id) for route in plan.routes for visit in route.visits]
    found: dict[str, list[str]] = {}
    for who, _, ticket in sorted(visits, key=lambda item: (item[1], item[2])):
        found.setdefault(who, []).append(ticket)
    return found


def with_technicians(site: Site, *, secret: str = SECRET) -> Site:
    """The site with an account for each technician, named as they are in small letters, a contact to call, and a secret of links."""
    with site.store.session() as session:
        for who in session.scalars(select(tables.Technician)):
            add_person(session, who.id.lower(), who.name, "technician", NOW, password=PASSWORD, technician=who.id)
        session.add(tables.Contact(id="K-1", customer_id="C-1", name="赵敏", phone="+86 (021) 5566-7788", role="", email=""))
    settings = site.settings.model_copy(update={"link_secret": SecretStr(secret), "public_url": "https://service.example"})
    return replace(site, settings=settings)


class Phone:
    """A technician's phone as a client: its session, its token, and a clock that may be wrong."""

    def __init__(self, site: Site, technician: str, *, language: str = "en") -> None:
        self.site, self.technician = site, technician
        self.client: TestClient = site.browser(technician.lower(), language)
        self.ahead = timedelta()

    @property
    def csrf(self) -> str:
        """The token that its page carries."""
        return csrf_of(self.client.get("/my").text)

    def tell(self, kind: str, ticket: str = "", key: str = "key-00000001", *, ago: timedelta = timedelta(), **facts: object):
        """Tell something that happened a while ago by a clock that is `ahead`."""
        clock = self.site.now + self.ahead
        said = {"kind": kind, "key": key, "ticket": ticket, "at": (clock - ago).isoformat(), "sent_at": clock.isoformat(), **facts}
        headers = {"x-csrf-token": self.csrf, "accept": "application/json", "content-type": "application/json"}
        return self.client.post("/my/events", content=json.dumps(said), headers=headers)

    def photo(self, ticket: str, content: bytes, key: str = "photo-0000001", event: str = ""):
        """Send a photo."""
        headers = {"x-csrf-token": self.csrf, "accept": "application/json", "content-type": "image/jpeg"}
        return self.client.post("/my/photos", params={"ticket": ticket, "key": key, "event": event}, content=content, headers=headers)


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A picture of a gauge, as bytes."""
    made = io.BytesIO()
    Image.new("RGB", size, (20, 120, 200)).save(made, kind, **options)
    return made.getvalue()
