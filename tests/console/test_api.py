"""The API as a ticket system calls it: a real server, a real store, and callers who should not be let in."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from rich.cells import cell_len

from config.settings import Settings
from console.api import MOST_BYTES, make_api
from data_models.events import KINDS
from data_models.store import open_store

TOKEN = "0123456789abcdef"  # noqa: S105
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
CONTACTED = {"kind": "ticket_contacted", "at": "2026-03-02T08:00:00+08:00", "key": "a"}


@pytest.fixture
def api(tmp_path: Path, filled_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a server over a copy of the small company."""
    (tmp_path / "store.sqlite").write_bytes(filled_store.read_bytes())
    monkeypatch.setenv("TWOHOUR_API_TOKEN", TOKEN)
    with socket.socket() as listening, open_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(make_api(store, Settings()), log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", headers=SHOWN) as client:
            yield client
        server.should_exit = True
        thread.join()


def test_events_are_told_and_looked_up(api: httpx.Client, first_ticket: str) -> None:
    told = api.post("/events", json=[CONTACTED | {"ticket": first_ticket}, {"kind": "nonsense"}]).json()
    assert told["counts"] == {"counts": 1, "unreadable": 1}
    assert (told["answers"][0]["key"], told["answers"][0]["verdict"]) == ("a", "counts")
    again = api.post("/events", json=CONTACTED | {"ticket": first_ticket}).json()
    assert again["counts"] == {"merged": 1}
    [shown] = api.get("/events", params={"ticket": first_ticket}).json()["items"]
    everything = api.get("/events", params={"ticket": first_ticket, "all": True}).json()["items"]
    assert sorted(row["kind"] for row in everything) == ["ticket_contacted", "ticket_known"]
    assert (shown["kind"], shown["by"], shown["at"]) == ("ticket_contacted", "api", "2026-03-02T00:00:00Z")


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN + "0"}])
def test_nobody_comes_in_without_the_token(api: httpx.Client, headers: dict[str, str]) -> None:
    for answer in (api.get("/events", headers=headers), api.post("/events", headers=headers, json=[])):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert api.get("/openapi.json", headers=headers).status_code in (401, 404)


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"", 400), (b"\xff\xfe", 400), (b'{"kind": NaN}', 200), (b"[" * 5000, 400)])
def test_bad_bodies_are_answered_as_problems(api: httpx.Client, body: bytes, status: int) -> None:
    answer = api.post("/events", content=body, headers=JSON)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_request_that_is_too_large_is_refused(api: httpx.Client) -> None:
    assert api.post("/events", content=b" " * (MOST_BYTES + 1), headers=JSON).status_code == 413


def test_an_event_told_again_with_its_key_and_no_time_is_merged(
    tmp_path: Path, filled_store: Path, first_ticket: str, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store.sqlite").write_bytes(filled_store.read_bytes())
    monkeypatch.setenv("TWOHOUR_DATABASE_URL", f"sqlite:///{tmp_path / 'store.sqlite'}")
    words = ("tell", "ticket_contacted", "--ticket", first_ticket, "--key", "k", "--by", "王敏", "--json")
    assert json.loads(twohour(*words).out)["counts"] == {"counts": 1}
    again = twohour(*words)
    assert (again.status, json.loads(again.out)["counts"]) == (0, {"merged": 1})


def test_events_at_the_command_line(installation: Path, filled_store: Path, twohour: Any, first_ticket: str) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    with sqlite3.connect(filled_store) as database:
        sites_of = dict(database.execute("select id, site_id from ticket"))
    told = twohour("tell", "ticket_contacted", "--ticket", first_ticket, "--at", "2026-03-02T08:00:00+08:00", "--key", "k", "--by", "王敏")
    assert told.status == 0
    assert told.out.splitlines() == [
        "✓ kept: ticket contacted, 03-02 08:00",
        f"  ticket {first_ticket} (厂区{sites_of[first_ticket]})",
        "  told by 王敏; told again with --key k it is the same event",
    ]
    lines = [json.dumps(CONTACTED | {"ticket": first_ticket, "key": key}) for key in ("x", "k", "x")]
    lines[1] = lines[1].replace("T08", "T07")
    (installation / "events.jsonl").write_text("\n".join([*lines, "{oops"]), encoding="utf-8")
    told = twohour("tell", "--file", "events.jsonl", "--json")
    assert told.status == 1
    assert json.loads(told.out)["counts"] == {"counts": 1, "refused": 1, "merged": 1, "unreadable": 1}
    shown = twohour("events", "--ticket", first_ticket).out
    assert "王敏" in shown
    assert "ticket known" not in shown
    assert "ticket known" in twohour("events", "--ticket", first_ticket, "--all").out
    assert "ticket contacted" in shown
    assert twohour("events", "--rebuild").out.strip() == "everything was as the log says"


def test_what_was_told_reads_in_words_and_company_time_at_80_columns(
    installation: Path, filled_store: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    monkeypatch.setenv("COLUMNS", "80")
    with sqlite3.connect(filled_store) as database:
        [(who, name), *_] = database.execute("select id, name from technician order by id")
        [(site,)] = database.execute("select site_id from ticket where id = 'TK-1'")
    at = ("--at", "2026-03-02T01:00:00+00:00", "--by", "desk")
    arrived = twohour("tell", "technician_arrived", "--ticket", "TK-1", "--technician", who, "--fact", "service_minutes=150", *at).out
    assert arrived.splitlines()[:3] == [
        "! kept, but odd: technician arrived, 03-02 09:00",
        f"  ticket TK-1 (厂区{site}), technician {who} ({name}); 2 h 30 min of work",
        f"  {who} arrived without having set out",
    ]
    twohour("tell", "technician_driving", "--ticket", "TK-2", "--technician", who, "--fact", 'kits=["leak-kit", "x"]', *at)
    twohour("tell", "technician_sick", "--technician", who, "--fact", "until=2026-03-02T10:00:00Z", *at)
    shown = twohour("events").out
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert not [mark for mark in "[]{}'_" if mark in shown]
    words = " ".join(shown.split())
    for said in ("with leak-kit, x", "until 03-02 18:00", "without kits, 2 h 30 min", f"! {who} arrived without", "desk"):
        assert said in words


def test_more_kits_than_a_station_owns_are_refused_with_what_it_owns(installation: Path, filled_store: Path, twohour: Any) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    with sqlite3.connect(filled_store) as database:
        [(station, kit, owned), *_] = database.execute("select station_id, kit, owned from station_kit where owned > 0")
    words = ("tell", "kit_broken", "--station", station, "--fact", f"kit={kit}", "--fact")
    refused = twohour(*words, "count=99")
    assert refused.status == 1
    assert f"station {station} owns {owned} of kit {kit}, not 99; give a count of at most {owned}" in " ".join(refused.out.split())
    assert twohour("events").out.strip() == "nothing was told; `twohour tell` tells what happens"
    assert twohour(*words, f"count={owned}").status == 0


def test_the_kinds_are_listed_with_whom_they_are_about_and_their_facts(twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = twohour("tell", "--kinds")
    assert listed.status == 0
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in listed.out.splitlines()}
    assert set(KINDS) <= lines.keys()
    assert lines["kit_broken"] == "kit_broken station kit, [count]"
    assert lines["technician_delayed"] == "technician_delayed technician until, [reason], [phone_at]"
    assert max(map(len, listed.out.splitlines())) <= 80


def test_a_file_counts_lines_not_complaints(installation: Path, filled_store: Path, twohour: Any) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    lines = ['{"kind": "ticket_opened", "site": 3, "severity": "bad"}', "nonsense", json.dumps(CONTACTED | {"ticket": "TK-1"})]
    (installation / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    told = twohour("tell", "--file", "events.jsonl")
    assert told.out.splitlines()[0] == "1 kept, 2 unreadable"
    assert "line 1: " in told.out
    assert "site is 3" in told.out
    assert "line 2: it is not JSON" in told.out
    assert "write one JSON object on each line" in " ".join(told.out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give the kind"),
        (("ticket_melted",), "`twohour tell --kinds` lists"),
        (("technician_arived",), "such as technician_arrived"),
        (("ticket_begun", "--ticket", "TK-1"), "the store tells that itself"),
        (("ticket_contacted", "--ticket", "TK-1", "--at", "yesterday"), "--at yesterday: not an ISO 8601 time; write it as 2026-03-02T08"),
        (("technician_delayed", "--technician", "T-1", "--fact", "until"), "NAME=VALUE"),
        (("technician_delayed", "--technician", "T-1", "--fact", "until=soon"), "until"),
        (("--file", "absent.jsonl"), "cannot be read"),
        (("ticket_contacted",), "ticket"),
    ],
)
def test_what_cannot_be_told_is_said(installation: Path, filled_store: Path, twohour: Any, words: tuple[str, ...], message: str) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    told = twohour("tell", *words)
    assert told.status == 2
    assert message in told.err


def test_serving_needs_a_token(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_API_TOKEN", "short")
    told = twohour("serve")
    assert told.status == 2
    assert "TWOHOUR_API_TOKEN" in told.err
    assert "short" not in told.err.split("characters")[1]
