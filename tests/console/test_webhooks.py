"""Subscriptions at the command line: made, shown without their secrets, ended, and each noted in the trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_a_subscription_from_making_to_ending(installation: Path, filled_store: Path, twohour: Any) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    made = twohour("webhooks", "add", "https://erp.example.com/hooks", "--kind", "ticket.changed", "--kind", "plan.published")
    secret = made.out.strip()
    assert (made.status, secret.startswith("whsec_"), "Webhook 1" in made.err) == (0, True, True)
    shown = twohour("webhooks", "list").out
    assert "plan.published, ticket.changed" in shown.replace("\n", " ") or "erp.example.com" in shown
    assert secret not in shown
    for word in ("disable", "enable"):
        assert twohour("webhooks", word, 1).status == 0
    assert twohour("webhooks", "send").out.startswith("0 delivered")
    assert twohour("webhooks", "remove", 1).status == 0
    assert "nobody is told yet" in twohour("webhooks", "list").out
    trail = twohour("audit", "list").out
    assert all(word in trail for word in ("added", "disabled", "enabled", "removed"))
    assert secret not in trail


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "http://erp.example.com/", "--kind", "ticket.changed"), "https"),
        (("add", "https://10.0.0.1/", "--kind", "ticket.changed"), "webhooks.hosts"),
        (("add", "https://erp.example.com/", "--kind", "ticket.melted"), "ticket.melted"),
        (("enable", "7"), "webhook 7"),
        (("remove", "7"), "webhook 7"),
    ],
)
def test_what_cannot_be_is_said(installation: Path, filled_store: Path, twohour: Any, words: tuple[str, ...], says: str) -> None:
    (installation / "store.sqlite").write_bytes(filled_store.read_bytes())
    told = twohour("webhooks", *words)
    assert told.status == 2
    assert says in told.err
