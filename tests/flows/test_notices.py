"""Notices over real servers: delivered, doubles with the same key, late rather than lost, loud when given up, logged without data."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from config.notice_settings import NoticeSettings
from config.settings import Settings
from data_models.errors import BadInput
from data_models.store import Store
from data_models.store.notices import LEASE, KeptNotice, list_notices
from flows import notices as sending
from flows.notices import NewNotice, SendReport, announce, check_channels, notice_key, send_due
from flows.telling import (
    FirstAnswer,
    approval_waiting,
    clock_at_risk,
    clock_missed,
    emergency_opened,
    fallback_happened,
    satisfaction_asked,
    ticket_state,
)
from tests.receivers import free_port, mail_server, web_server

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECRET = "sekrettoken"  # noqa: S105 - what logs are searched for
SITE = "太湖制药厂区"


def configured(**said: Any) -> Settings:
    channels = {"coordinator": ["env:HOOK"], "customer": ["env:MAIL"], "technician": ["env:HOOK"]}
    return Settings(notices=NoticeSettings.model_validate({"channels": channels, "timeout_seconds": 5, **said}))


def put(store: Store, settings: Settings, *notices: NewNotice, at: datetime = NOW) -> int:
    with store.session() as session:
        return announce(session, settings, notices, at)


def kept(store: Store, *states: Any) -> list[KeptNotice]:
    with store.reading() as session:
        return list_notices(session, states or ("waiting", "sent", "failed", "dropped"))


def risk(ticket: str = "TK-1", *, emergency: bool = False) -> NewNotice:
    return clock_at_risk(ticket, SITE, "on_site", NOW, NOW + timedelta(minutes=40), emergency=emergency)


@pytest.fixture
def contact(store: Store) -> str:
    with store.session() as session:
        session.execute(text("INSERT INTO customer (id, name, tier, segment) VALUES ('C', 'c', 'A', '')"))
        session.execute(
            text("INSERT INTO contact (id, customer_id, name, role, phone, email) VALUES ('K-1', 'C', 'k', '', '', 'kunde@example.com')")
        )
    return "K-1"


def test_notices_are_delivered_once_to_mail_and_hook_and_nothing_is_logged(
    store: Store, contact: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "twohour")
    for name in ("apprise", "httpx", "urllib3", "smtplib"):
        caplog.set_level(logging.DEBUG, name)
    settings = configured(recipient_languages={"K-1": "en"})
    with mail_server() as mail, web_server() as web:
        monkeypatch.setenv("HOOK", f"json://user:{SECRET}@127.0.0.1:{web.port}/{SECRET}")
        monkeypatch.setenv("MAIL", f"mailto://127.0.0.1:{mail.port}?from=plan@example.com&to={{email}}&mode=insecure")
        told = ticket_state(contact, "TK-1", SITE, "planned", NOW, expected=NOW + timedelta(hours=1))
        assert put(store, settings, told, risk()) == 2
        assert put(store, settings, told, risk()) == 0
        assert send_due(store, settings, NOW) == SendReport(sent=2)
        assert send_due(store, settings, NOW + timedelta(days=1)) == SendReport()
    (to, letter), (_, headers, body) = mail.mails[0], web.got[0]
    assert (len(mail.mails), len(web.got)) == (1, 1)
    assert to == ["kunde@example.com"]
    assert f"Ticket TK-1 at {SITE}: planned." in letter.get_content()
    assert "03-02 10:00" in letter.get_content()
    assert SITE in body["message"]
    assert headers["Idempotency-Key"] == body["key"] == f"{risk().key}@HOOK"
    assert caplog.text.count(": sent") == 2
    assert not [word for word in (SECRET, SITE, "kunde", "plan@example", "到达") if word in caplog.text]


def test_a_server_that_is_down_gets_its_notices_when_it_is_back(store: Store, contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured()
    mail_port, web_port = free_port(), free_port()
    monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web_port}/{SECRET}")
    monkeypatch.setenv("MAIL", f"mailto://127.0.0.1:{mail_port}?from=p@example.com&to={{email}}&mode=insecure")
    put(store, settings, risk(), satisfaction_asked(contact, "TK-1", SITE, NOW))
    assert send_due(store, settings, NOW) == SendReport(waiting=2)
    assert {notice.last_error for notice in kept(store)} == {
        "json: no answer",
        "mailto: no answer of the mail server (ConnectionRefusedError)",
    }
    with mail_server(mail_port) as mail, web_server(web_port) as web:
        assert send_due(store, settings, NOW + timedelta(seconds=25)) == SendReport()
        assert send_due(store, settings, NOW + timedelta(seconds=60)) == SendReport(sent=2)
        assert (len(mail.mails), len(web.got)) == (1, 1)


KILLED = """
import os, signal, sys
from datetime import datetime
from config.settings import load_settings
from data_models.store import open_store
from flows import notices
sent = []
notices.mark_sent = lambda _, notice, __: os.kill(os.getpid(), signal.SIGKILL) if sent else sent.append(notice)
with open_store(sys.argv[1]) as store:
    notices.send_due(store, load_settings(), datetime.fromisoformat(sys.argv[2]))
"""


def test_a_sender_killed_between_sending_and_noting_sends_again_with_the_same_key(
    store: Store, database_url: str, contact: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = configured()
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TWOHOUR_")]:
        monkeypatch.delenv(name)
    with mail_server() as mail, web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        monkeypatch.setenv("MAIL", f"mailto://127.0.0.1:{mail.port}?from=p@example.com&to={{email}}&mode=insecure")
        put(store, settings, risk(), satisfaction_asked(contact, "TK-1", SITE, NOW))
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        died = subprocess.run([sys.executable, "-c", KILLED, database_url, NOW.isoformat()], env=environment, check=False)
        assert died.returncode == -signal.SIGKILL
        assert len(web.got) == len(mail.mails) == 1
        assert {notice.state for notice in kept(store)} == {"waiting"}
        assert send_due(store, settings, NOW + LEASE - timedelta(seconds=60)) == SendReport()
        assert send_due(store, settings, NOW + LEASE + timedelta(seconds=30)) == SendReport(sent=2)
    assert len(web.got) == len(mail.mails) == 2
    assert len({headers["Idempotency-Key"] for _, headers, _ in web.got}) == 1
    assert len({letter["Message-ID"] for _, letter in mail.mails}) == 1


def test_what_is_given_up_is_told_to_coordinators_and_loudly_logged(
    store: Store, contact: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configured(attempts=2, retry_seconds=1)
    with web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        monkeypatch.delenv("MAIL", raising=False)
        asked = satisfaction_asked(contact, "TK-1", SITE, NOW)
        put(store, settings, asked)
        assert send_due(store, settings, NOW) == SendReport(waiting=1)
        assert send_due(store, settings, NOW + timedelta(seconds=30)) == SendReport(sent=1, failed=1)
    assert "channel MAIL: the variable is not set" in web.got[0][2]["message"]
    assert f"{asked.key}@MAIL" in web.got[0][2]["message"]
    loud = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage().endswith("failed for good after 2 attempts") for record in loud] == [True]


def test_a_failing_channel_rests_and_does_not_hold_up_the_others(store: Store, contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured()
    monkeypatch.setenv("HOOK", f"json://127.0.0.1:{free_port()}/")
    with mail_server() as mail:
        monkeypatch.setenv("MAIL", f"mailto://127.0.0.1:{mail.port}?from=p@example.com&to={{email}}&mode=insecure")
        put(store, settings, *(risk(f"TK-{number}") for number in range(6)), satisfaction_asked(contact, "TK-9", SITE, NOW))
        assert send_due(store, settings, NOW) == SendReport(sent=1, waiting=sending.PATIENCE)
        assert len(mail.mails) == 1
    assert sorted(notice.attempts for notice in kept(store, "waiting")) == [0, 0, 0, 1, 1, 1]


def test_who_cannot_be_reached_is_dropped_and_can_be_told_later(store: Store, contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured()
    monkeypatch.setenv("MAIL", "mailto://127.0.0.1:9?from=p@example.com&to={email}&mode=insecure")
    put(store, settings, satisfaction_asked("K-9", "TK-1", SITE, NOW), satisfaction_asked(contact, "TK-1", SITE, NOW))
    with store.session() as session:
        session.execute(text("UPDATE contact SET email = ''"))
    assert send_due(store, settings, NOW) == SendReport(dropped=2)
    assert {notice.last_error for notice in kept(store, "dropped")} == {
        "the recipient is not there any more",
        "the recipient has no e-mail address that can be used; enter it",
    }


def test_quiet_hours_hold_notices_but_not_emergencies(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured(quiet={"coordinator": {"begins": "08:00", "ends": "10:00"}})  # NOW is 09:00 in Shanghai
    with web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        put(store, settings, risk("TK-1"), risk("TK-2", emergency=True))
        assert send_due(store, settings, NOW) == SendReport(sent=1)
        assert "TK-2" in web.got[0][2]["message"]
        assert send_due(store, settings, NOW + timedelta(minutes=59)) == SendReport()
        assert send_due(store, settings, NOW + timedelta(minutes=60)) == SendReport(sent=1)


def test_a_kept_notice_that_cannot_be_shown_fails_alone_and_says_nothing_of_its_content(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configured()
    with web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        put(store, settings, risk("TK-1"), risk("TK-2"))
        with store.session() as session:
            session.execute(text("UPDATE notice SET payload = :payload WHERE id = 1"), {"payload": json.dumps({"due": SITE})})
        assert send_due(store, settings, NOW) == SendReport(sent=1, waiting=1)
    assert kept(store, "waiting")[0].last_error == "json: KeyError while it was sent"
    assert SITE not in caplog.text


def test_a_run_goes_on_with_the_clock_so_that_leases_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([100.0, 190.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    assert sending.running_from(NOW)() == NOW + timedelta(seconds=90)


def test_each_occasion_has_what_its_template_shows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured()
    later = NOW + timedelta(hours=1)
    notices = [
        emergency_opened("TK-1", SITE, "泄漏", later, [FirstAnswer("王", later, 0.914)]),
        risk(),
        clock_missed("TK-1", SITE, "solution", NOW, 1, emergency=True),
        clock_missed("TK-1", SITE, "solution", NOW, 1, emergency=True, audience="technician", recipient="T-1"),
        approval_waiting(7, NOW, later, 2),
        fallback_happened(7, NOW, "emergencies_sent"),
        ticket_state("K-1", "TK-1", SITE, "done", NOW),
        satisfaction_asked("K-1", "TK-1", SITE, NOW),
    ]
    assert put(store, settings, *notices) == len(notices)
    with pytest.raises(ValueError, match="field outcome is no word"):
        put(store, settings, fallback_happened(7, NOW, "else"))  # type: ignore[arg-type]


def test_keys_are_plain_short_and_tell_their_parts_apart() -> None:
    assert notice_key("a", 7, "T-1") == "a:7:T-1"
    assert notice_key("a:b") != notice_key("a", "b")
    long = notice_key("a", "票" * 64)
    assert len(long) <= 180
    assert long.isascii()
    assert long != notice_key("a", "票" * 63 + "单")


def test_channels_are_checked_before_they_are_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOOK", f"slack://{SECRET}")
    monkeypatch.delenv("MAIL", raising=False)
    told = check_channels(configured(template_dir=str(tmp_path / "absent")))
    assert [sentence.partition(";")[0] for sentence in told] == [
        "channel HOOK: its scheme is not carried",
        "channel MAIL: the variable is not set",
        f"notices.template_dir {tmp_path / 'absent'} is not a folder",
    ]
    with pytest.raises(BadInput):
        send_due(Store(None), configured(template_dir=str(tmp_path / "absent")), NOW)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to this machine go to no proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
