"""`twohour notices`: what a publishing puts into the outbox, sending it, and trying again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import free_port, web_server

AT = "2026-03-02T08:00:00+08:00"


@pytest.fixture
def company(installation: Path, filled_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose store holds the small company, with one channel for technicians and coordinators."""
    shutil.copy(filled_store, installation / "store.sqlite")
    for audience in ("TECHNICIAN", "COORDINATOR"):
        monkeypatch.setenv(f"TWOHOUR_NOTICES__CHANNELS__{audience}", '["env:HOOK"]')
    return installation


def test_a_published_plan_is_told_and_the_same_plan_again_is_not(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no notice waits" in twohour("notices").out
    number = json.loads(twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json").out)["plan"]
    assert twohour("approve", number).status == 0
    assert twohour("publish", number).status == 0
    waiting = json.loads(twohour("notices", "--json").out)["notices"]
    plan = json.loads((company / "papers" / f"plan-{number}" / "plan.json").read_text(encoding="utf-8"))
    technicians = {route["technician"] for route in plan["routes"]}
    assert {notice["recipient"] for notice in waiting} == technicians | {""}
    assert "payload" not in waiting[0]
    with web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        answer = twohour("notices", "--send", "--check")
    assert answer.status == 0
    assert f"{len(waiting)} sent" in answer.out
    told = {body["title"]: body["message"] for _, _, body in web.got}
    assert f"计划 {number} 已发布（2026-03-02）" in told
    planned = {stop["ticket"] for route in plan["routes"] for stop in route["stops"]}
    assert f"已安排 {len(planned)} 张工单" in told[f"计划 {number} 已发布（2026-03-02）"]
    assert "厂区" in told["2026-03-02 的行程"]


def test_what_failed_is_shown_with_status_1_and_sent_again_on_demand(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOHOUR_NOTICES__ATTEMPTS", "1")
    monkeypatch.setenv("TWOHOUR_NOTICES__CHANNELS__TECHNICIAN", "[]")
    monkeypatch.setenv("HOOK", f"json://user:sekret@127.0.0.1:{free_port()}/sekret")
    number = json.loads(twohour("plan", "--at", AT, "--iterations", 30, "--seed", 7, "--json").out)["plan"]
    twohour("approve", number)
    failed = twohour("notices", "--send")
    assert failed.status == 1
    assert "json: no answer" in failed.out
    assert "sekret" not in failed.out + failed.err
    with web_server() as web:
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{web.port}/")
        key = f"plan-published:{number}@HOOK"
        again = twohour("notices", "--retry", key, "--send", "--json")
        assert json.loads(again.out)["sent"]["sent"] >= 1
        assert key in [body["key"] for _, _, body in web.got]
    assert "was sent at" in twohour("notices", "--retry", key).err
    assert twohour("notices", "--retry", "other").status == 2


def test_channels_that_cannot_work_are_named(company: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    answer = twohour("notices", "--check")
    assert answer.status == 2
    assert "channel HOOK: the variable is not set; set HOOK" in answer.err


def test_a_check_says_what_it_found_and_who_is_told_nothing(installation: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = twohour("notices", "--check")
    assert silent.status == 0
    assert "technicians, coordinators and customers have no channel" in " ".join(silent.out.split())
    monkeypatch.setenv("TWOHOUR_NOTICES__CHANNELS__TECHNICIAN", '["env:HOOK"]')
    monkeypatch.setenv("HOOK", "json://127.0.0.1:9/")
    answer = " ".join(twohour("notices", "--check").out.split())
    assert "1 channel and all texts are in order" in answer
    assert "coordinators and customers have no channel" in answer
