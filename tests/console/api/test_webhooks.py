"""Other systems are told: signed, at least once, in the transaction of what is told, by real HTTP on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from config.api_settings import WebhookSettings
from config.notice_settings import ChannelSettings, NoticeSettings
from console.web.application import make_console
from data_models import tables
from data_models.errors import BadInput
from data_models.store.audit import list_audit
from data_models.store.webhooks import WEBHOOK_KINDS, put_message
from flows import webhooks
from flows.dispatch import approve_and_tell
from flows.watching import watch
from flows.webhooks import check_url, deliver_due, forget_delivered, signature
from tests.receivers import Calls, web_server

HOUR = timedelta(hours=1)


def subscribed(company: Any, calls: Calls, *kinds: str, **more: Any) -> tuple[Any, Any, dict[str, Any]]:
    """A company that may tell this machine, an administrator of it, and a new subscription."""
    company = company.with_settings(webhooks=WebhookSettings(hosts=("127.0.0.1",), **more))
    admin = company.client()
    asked = {"url": f"http://127.0.0.1:{calls.port}/hook?x=1", "kinds": list(kinds or WEBHOOK_KINDS)}
    made = admin.post("/webhooks", json=asked)
    assert made.status_code == 201, made.text
    return company, admin, made.json()


def states(company: Any) -> list[str]:
    with company.store.reading() as session:
        return list(session.scalars(select(tables.WebhookDelivery.state).order_by(tables.WebhookDelivery.id)))


def test_a_plan_that_goes_out_and_its_tickets_are_told_and_signed(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls)
        assert admin.post(f"/plans/{company.draft}/approve", json={"reason": "looks right"}).status_code == 200
        told = {body["type"]: (path, headers, body) for path, headers, body in calls.got}
        path, headers, body = told["plan.published"]
        assert (path, body["data"]["plan"], body["data"]["supersedes"]) == ("/hook?x=1", company.draft, company.published)
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["host"] == f"127.0.0.1:{calls.port}"
        # As the specification has it: HMAC-SHA256 with the decoded secret over "id.timestamp.body".
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        key = base64.b64decode(made["secret"].removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{raw}".encode()
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert int(headers["webhook-timestamp"]) == pytest.approx(company.now.timestamp(), abs=60)
        assert set(states(company)) == {"sent"}
        shown = admin.get(f"/webhooks/{made['id']}").json()
        assert (shown["waiting"], shown["failing_since"], "secret" in shown) == (0, None, False)


def test_the_signature_of_the_specifications_own_example() -> None:
    # https://github.com/standard-webhooks/standard-webhooks: the vector of its libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_changed_ticket_is_told_once_and_not_when_nothing_changes(company: Any) -> None:
    with web_server() as calls:
        company, admin, _ = subscribed(company, calls, "ticket.changed")
        ticket = company.ids(tables.Ticket.id, tables.Ticket.state == "open")[:1] or company.ids(tables.Ticket.id)[:1]
        for _ in range(2):
            admin.patch(f"/tickets/{ticket[0]}", json={"title": "other"})
        admin.post("/events", json={"kind": "ticket_contacted", "at": company.now.isoformat(), "key": "c", "ticket": ticket[0]})
        [(_, _, body)] = calls.got
        assert (body["data"]["ticket"], body["data"]["changed"]) == (ticket[0], ["title"])


def test_a_clock_at_risk_is_told_once_for_each_due_moment(company: Any) -> None:
    with web_server() as calls:
        company, _, _ = subscribed(company, calls, "ticket.at_risk", "ticket.missed")
        company.now += 12 * HOUR
        for _ in range(2):
            watch(company.store, company.settings, company.now)
            deliver_due(company.store, company.settings, company.now)
        told = [(body["type"], body["data"]["ticket"], body["data"]["clock"]) for _, _, body in calls.got]
        assert told
        assert len(told) == len(set(told))


def test_what_is_rolled_back_is_not_told(company: Any) -> None:
    with web_server() as calls:
        company, _, _ = subscribed(company, calls)

        def put_and_fail() -> None:
            with company.store.session() as session:
                put_message(session, "plan.published", "msg_1", "", {}, company.now)
                raise RuntimeError("in between")

        with pytest.raises(RuntimeError, match="in between"):
            put_and_fail()
        assert deliver_due(company.store, company.settings, company.now).sent == 0
        assert calls.got == []


def test_a_running_console_tells_what_another_process_changed(company: Any) -> None:
    with web_server() as calls:
        company, _, _ = subscribed(company, calls, "plan.published")
        with TestClient(make_console(company.store, company.settings, now=lambda: company.now)):
            approve_and_tell(company.store, company.settings, company.draft, by="王敏", at=company.now)
            assert calls.arrived.wait(60)
        [(_, _, body)] = calls.got
        assert (body["data"]["plan"], body["data"]["by"]) == (company.draft, "王敏")


def test_a_receiver_that_fails_is_tried_again_with_growing_pauses(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls, "ticket.changed", first_wait_seconds=10)
        calls.status = 503
        admin.post(f"/webhooks/{made['id']}/ping")
        [first] = calls.got
        # Waits of 10, 20 and 40 seconds; a second before nothing is sent.
        for wait in (10, 20, 40):
            deliver_due(company.store, company.settings, company.now + timedelta(seconds=wait - 1))
            before = len(calls.got)
            company.now += timedelta(seconds=wait + 1)
            deliver_due(company.store, company.settings, company.now)
            assert len(calls.got) == before + 1
        assert {call[1]["webhook-id"] for call in calls.got} == {first[1]["webhook-id"]}
        shown = admin.get(f"/webhooks/{made['id']}").json()
        assert (shown["waiting"], shown["failing_since"] is not None) == (1, True)
        calls.status = 200
        company.now += HOUR
        assert deliver_due(company.store, company.settings, company.now).sent == 1
        assert admin.get(f"/webhooks/{made['id']}").json()["failing_since"] is None


def test_one_that_fails_for_long_is_disabled_and_said_so_and_goes_on_when_enabled(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_CHANNEL_TEST", "json://127.0.0.1:1")
    company = company.with_settings(notices=NoticeSettings(channels=ChannelSettings(coordinator=("env:TWOHOUR_CHANNEL_TEST",))))
    with web_server() as calls:
        company, admin, made = subscribed(company, calls, "ticket.changed", disable_hours=2)
        calls.status = 500
        admin.post(f"/webhooks/{made['id']}/ping")
        company.now += 2 * HOUR - timedelta(minutes=1)
        assert deliver_due(company.store, company.settings, company.now).waiting == 1
        company.now += timedelta(minutes=6)
        assert deliver_due(company.store, company.settings, company.now).disabled == 1
        shown = admin.get(f"/webhooks/{made['id']}").json()
        assert (shown["disabled_for"], shown["waiting"]) == ("answered 500", 1)
        with company.store.reading() as session:
            assert list_audit(session, 1)[0].action == "webhook disabled"
            assert "webhook_disabled" in set(session.scalars(select(tables.Notice.template)))
        refused = admin.post(f"/webhooks/{made['id']}/ping")
        assert (refused.status_code, "enable" in refused.json()["detail"]) == (409, True)
        calls.status = 200
        assert admin.patch(f"/webhooks/{made['id']}", json={"enabled": True}).json()["disabled_at"] is None
        assert states(company) == ["sent"]


def test_a_receiver_that_is_gone_is_disabled_at_once(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls)
        calls.status = 410
        admin.post(f"/webhooks/{made['id']}/ping")
        assert admin.get(f"/webhooks/{made['id']}").json()["disabled_for"] == "answered 410"


def test_a_redirect_is_not_followed(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls)
        calls.status = 307
        admin.post(f"/webhooks/{made['id']}/ping")
        assert len(calls.got) == 1
        assert states(company) == ["waiting"]


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://169.254.169.254/latest",
        "https://0.0.0.0/",
        "https://user:secret@erp.example.com/",
        "ftp://own.example.com/",
        "https:///hook",
        "https://erp.example.com/#x",
    ],
)
def test_addresses_that_are_never_told(url: str) -> None:
    with pytest.raises(BadInput):
        check_url(url, WebhookSettings(hosts=("own.example.com",)))


def test_addresses_that_are_told() -> None:
    for url in ("https://erp.example.com:8443/a?b=c", "http://own.example.com/", "https://OWN.example.com/", "https://8.8.8.8/"):
        check_url(url, WebhookSettings(hosts=("Own.example.com",)))


def test_a_name_that_leads_to_a_private_address_is_not_told(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls)
        with company.store.session() as session:
            # localhost is a name that leads to a private address on any machine.
            session.get_one(tables.Webhook, made["id"]).url = f"https://localhost:{calls.port}/"
        admin.post(f"/webhooks/{made['id']}/ping")
        with company.store.reading() as session:
            assert "private address" in session.scalars(select(tables.WebhookDelivery.last_error)).one()
        assert calls.got == []


def test_only_what_happens_in_its_regions_is_told(company: Any) -> None:
    company.split()
    with web_server() as calls:
        company, admin, made = subscribed(company, calls, "ticket.changed")
        with company.store.session() as session:
            session.get_one(tables.Webhook, made["id"]).regions = ["east"]
        sites = {region: company.ids(tables.Site.id, tables.Site.region == region)[0] for region in ("east", "west")}
        for region, site in sites.items():
            admin.put(f"/tickets/SR-{region}", json={"site": site, "severity": "general", "type": "quality"})
        assert [body["data"]["ticket"] for _, _, body in calls.got] == ["SR-east"]


def test_what_was_delivered_is_forgotten_after_a_while_and_what_waits_is_not(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls, keep_days=1)
        admin.post(f"/webhooks/{made['id']}/ping")
        calls.status = 500
        company.now += timedelta(seconds=1)
        admin.post(f"/webhooks/{made['id']}/ping")
        later = company.now + timedelta(days=1)
        assert forget_delivered(company.store, company.settings, later - timedelta(seconds=2)) == 0
        assert forget_delivered(company.store, company.settings, later + timedelta(seconds=1)) == 1
        assert states(company) == ["waiting"]


def test_logs_name_neither_address_nor_secret(company: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="twohour")
    with web_server() as calls:
        _, admin, made = subscribed(company, calls)
        for status in (200, 500):
            calls.status = status
            admin.post(f"/webhooks/{made['id']}/ping")
    ours = " ".join(record.getMessage() for record in caplog.records if record.name == "twohour.webhooks")
    assert "delivered" in ours
    assert "/hook" not in ours
    assert made["secret"] not in ours


def test_an_ended_subscription_is_told_nothing_more(company: Any) -> None:
    with web_server() as calls:
        company, admin, made = subscribed(company, calls)
        calls.status = 500
        admin.post(f"/webhooks/{made['id']}/ping")
        assert admin.delete(f"/webhooks/{made['id']}").status_code == 204
        assert (states(company), admin.get(f"/webhooks/{made['id']}").status_code) == ([], 404)
        assert webhooks.deliver_due(company.store, company.settings, company.now + HOUR).waiting == 0
