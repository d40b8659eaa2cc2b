"""Expected emergencies: the arithmetic of smoothing, and what a history file may not say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from data_models import tables
from data_models.errors import BadInput
from data_models.expected import Area, History, PastTicket, expected_emergencies, read_history
from data_models.store import Store
from data_models.store.past import past_emergencies

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
A, B = Area("a", "A", 31.0, 120.0, "east"), Area("b", "B", 32.0, 121.0, "west")


def history(*tickets: PastTicket, days: float = 10, areas: tuple[Area, ...] = (A, B)) -> History:
    return History(NOW - timedelta(days=days), NOW, areas, tickets)


def seen(site: str, times: int, hour: int = 9) -> list[PastTicket]:
    return [PastTicket(site, NOW - timedelta(days=1 + k % 9) + timedelta(hours=hour)) for k in range(times)]


def test_areas_that_differ_no_more_than_chance_share_one_rate() -> None:
    # 2 and 3 in 10 days: variance of the counts 1/2, mean 5/2, so nothing beyond chance. Rate (5 + 1/2) / 20 each.
    found = expected_emergencies(history(*seen("a", 2), *seen("b", 3)), NOW, UTC)
    assert [sum(each.per_hour) for each in found.areas] == pytest.approx([0.275, 0.275])
    assert [each.seen for each in found.areas] == [2, 3]
    assert [sum(each.spread_per_hour) for each in found.areas] == pytest.approx([5.5**0.5 / 20] * 2)
    assert found.per_day == pytest.approx(0.55)


def test_areas_that_differ_keep_their_own_rate_but_for_the_pull_of_the_company() -> None:
    # 40 and 0 in 10 days: mean count 20, variance 800, v = (800 - 20) / 100 = 7.8, m = 40.5 / 20 = 2.025.
    # α = m²/v = 0.5257, β = m/v = 0.2596: a (40.5257) / 10.2596 = 3.950, b 0.5257 / 10.2596 = 0.0512.
    found = expected_emergencies(history(*seen("a", 40)), NOW, UTC)
    assert [sum(each.per_hour) for each in found.areas] == pytest.approx([3.950, 0.0512], rel=1e-3)


def test_hours_are_those_of_the_zone_and_smoothed() -> None:
    # 6 at 09:00 UTC, 17:00 in Shanghai: share of that hour (6 + 1) / (6 + 24), of each other 1 / 30.
    found = expected_emergencies(history(*seen("a", 3), *seen("b", 3)), NOW, ZoneInfo("Asia/Shanghai"))
    rates = found.areas[0].per_hour
    assert rates[17] / sum(rates) == pytest.approx(7 / 30)
    assert rates[9] / sum(rates) == pytest.approx(1 / 30)


def test_an_empty_history_expects_little_everywhere_alike_and_says_so() -> None:
    found = expected_emergencies(history(), NOW, UTC)
    assert found.per_day == pytest.approx(0.05)  # half an emergency in ten days
    assert found.spread_per_day == pytest.approx(0.5**0.5 / 10)
    assert len({each.per_hour for each in found.areas}) == 1
    assert expected_emergencies(history(areas=()), NOW, UTC).areas == ()


def test_only_emergencies_of_known_areas_within_the_history_count() -> None:
    others = (
        PastTicket("a", NOW - timedelta(days=1), "important"),
        PastTicket("elsewhere", NOW - timedelta(days=1)),
        PastTicket("a", NOW),
        PastTicket("a", NOW - timedelta(days=11)),
        PastTicket("b", NOW - timedelta(days=1)),
    )
    assert expected_emergencies(history(*others), NOW, UTC).seen == 1
    assert [each.area.id for each in expected_emergencies(history(*others), NOW, UTC, "east").areas] == ["a"]
    assert expected_emergencies(history(*others), NOW - timedelta(days=2), UTC).days == 8
    with pytest.raises(BadInput, match="holds no time"):
        expected_emergencies(history(), NOW - timedelta(days=10), UTC)


def test_a_history_file_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    good = {
        "format": "ticket-history/1", "begins_at": "2026-02-01T00:00:00+08:00", "ends_at": "2026-03-01T00:00:00+08:00",
        "areas": [{"id": "a", "name": "A", "lat": 31.0, "lon": 120.0, "kits": ["leak"]}],
        "tickets": [{"site": "a", "opened_at": "2026-02-03T09:00:00+08:00"}],
    }  # fmt: skip
    path.write_text(json.dumps(good))
    assert read_history(path).areas[0].kits == ("leak",)
    for change, words in (
        ({"format": "x"}, 'format is "x"'),
        ({"ends_at": good["begins_at"]}, "not after begins_at"),
        ({"areas": [*good["areas"], *good["areas"]]}, "stands in it 2 times"),  # type: ignore[misc]
        ({"areas": []}, 'site is "a", which is no area'),
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(BadInput, match=words):
            read_history(path)


def test_the_store_gives_the_emergencies_of_the_last_days(store: Store) -> None:
    with store.session() as session:
        session.add(tables.Customer(id="C", name="C", tier="A"))
        session.flush()
        session.add_all(
            tables.Site(id=s, customer_id="C", name=s, lat=31.0, lon=120.0, region=r) for s, r in (("a", "east"), ("b", "west"))
        )
        session.flush()
        rows = (
            ("1", "a", "emergency", "done", 1, {"leak": 2}, ["k"]),
            ("2", "a", "emergency", "done", 2, {"leak": 2}, ["k"]),
            ("3", "a", "emergency", "done", 3, None, None),
            ("4", "a", "emergency", "cancelled", 3, None, None),
            ("5", "a", "important", "done", 3, None, None),
            ("6", "b", "emergency", "open", 3, None, None),
            ("7", "b", "emergency", "done", 40, None, None),
        )
        for name, site, severity, state, ago, skills, kits in rows:
            session.add(
                tables.Ticket(
                    id=name, site_id=site, severity=severity, type="leak", state=state, opened_at=NOW - timedelta(days=ago),
                    closed_at=NOW if state in ("done", "cancelled") else None, skills=skills, kits=kits,
                )
            )  # fmt: skip
    with store.reading() as session:
        found = past_emergencies(session, NOW, 30)
        east = past_emergencies(session, NOW, 30, "east")
    assert [ticket.site for ticket in found.tickets] == ["a", "b", "a", "a"]
    assert (found.areas[0].skills, found.areas[0].kits, found.areas[1].kits) == ({"leak": 2}, ("k",), ())
    assert ([area.id for area in east.areas], len(east.tickets)) == (["a"], 3)
