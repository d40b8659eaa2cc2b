"""The figures of a service report, worked by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from data_models.clock_rules import CompensationRule
from data_models.clocks import Milestones, Reopened
from data_models.report_figures import Period, ServiceReport, Share
from data_models.service_facts import KitOut, OwnedKits, PlannedSpell, ReportShift, ReportTicket, ServiceFacts
from data_models.service_report import report_dict, service_report
from tests.data_models.clock_tickets import AFTER, at, changed, ticket

ZONE = ZoneInfo("Asia/Shanghai")
POLICY = changed(after_closing=AFTER, compensation=CompensationRule(clocks=("on_site",), per_hour=100.0))


def period(first: int = 2, days: int = 1, seen: str = "09 00:00") -> Period:
    start = datetime(2026, 3, first, tzinfo=ZONE)
    return Period(start, start + timedelta(days=days), at(seen))


def emergency(opened: str, on_site: str | None, station: str = "ST-1", **said: object) -> ReportTicket:
    """Of the five clocks contact is due after 10 min, on site after 2 h, solution after 8 h, closing after 24 h."""
    reached = Milestones(on_site_at=None if on_site is None else at(on_site))
    return ReportTicket(ticket(policy=POLICY, opened_at=at(opened), milestones=reached), station=station, **said)  # type: ignore[arg-type]


def made(*tickets: ReportTicket, seen: str = "09 00:00", **facts: object) -> ServiceReport:
    stations = (("ST-1", "无锡"), ("ST-2", "扬州"))
    return service_report(ServiceFacts(tickets, stations=stations, **facts), period(seen=seen))  # type: ignore[arg-type]


def test_an_empty_company_has_a_figure_for_everything() -> None:
    report = service_report(ServiceFacts(), period())
    assert report.clocks == {}
    assert report.first_visit == Share(0, 0)
    assert report.first_visit.share is None
    assert (report.response.median_s, report.satisfaction.mean, report.everybody.busy) == (None, None, None)
    assert report.worst == ()
    assert json.loads(json.dumps(report_dict(report), allow_nan=False))["first_visit"] == {"n": 0, "of": 0, "share": None}


@pytest.mark.parametrize(("arrived", "kept"), [("02 11:59:59", 1), ("02 12:00", 1), ("02 12:00:01", 0)])
def test_a_promise_is_kept_until_its_very_second(arrived: str, kept: int) -> None:
    assert made(emergency("02 10:00", arrived)).clocks["on_site"] == Share(kept, 1)


def test_a_clock_counts_on_the_day_on_which_it_fell_due() -> None:
    # Opened on Monday at 23:00, due on site on Tuesday at 01:00; contact was due at 23:10 of Monday.
    late = emergency("02 23:00", None)
    monday = service_report(ServiceFacts((late,)), period(2))
    tuesday = service_report(ServiceFacts((late,)), period(3))
    assert dict(monday.clocks) == {"contact": Share(0, 1)}
    assert tuesday.clocks["on_site"] == Share(0, 1)
    assert (monday.opened, tuesday.opened) == (1, 0)
    assert (monday.open_at_end, tuesday.open_at_end) == (1, 1)


def test_what_is_not_due_yet_is_in_no_share_even_when_kept() -> None:
    # At 11:00 somebody is there already, but the promise is for 12:00: counting only early successes would flatter.
    report = made(emergency("02 10:00", "02 10:05"), seen="02 11:00")
    assert dict(report.clocks) == {"contact": Share(1, 1)}


def test_median_and_nine_of_ten() -> None:
    # On site after 10, 20, … 100 minutes: median (50 + 60) / 2 = 55 min; nine of ten within the 9th, 90 min.
    report = made(*(emergency("02 08:00", f"02 {8 + n // 6:02}:{n % 6}0") for n in range(1, 11)))
    assert (report.on_site.count, report.on_site.median_s, report.on_site.p90_s) == (10, 55 * 60, 90 * 60)


def test_compensation_is_owed_for_clocks_that_fell_due_in_the_period() -> None:
    # One hour and a half late at 100 an hour is 150; the other is in time.
    report = made(emergency("02 10:00", "02 13:30"), emergency("02 10:00", "02 11:00"))
    assert (dict(report.owed.total), report.owed.count, report.owed.growing) == ({"CNY": 150.0}, 1, 0)


def test_the_worst_is_where_more_was_missed_than_by_the_share_of_the_company() -> None:
    good = [emergency("02 08:00", "02 08:05", "ST-1") for _ in range(6)]
    bad = [emergency("02 08:00", "02 11:00", "ST-2") for _ in range(3)]
    first, *_ = made(*good, *bad).worst
    # Of 9 promises on site 3 were missed, all 3 by the second station: 3 - 3 × 3/9 = 2 beyond its share; so for contact, due 08:10.
    assert (first.dimension, first.name, first.missed, first.excess) == ("station", "扬州", Share(3, 3), 2.0)
    assert {one.clock for one in made(*good, *bad).worst} >= {"contact", "on_site"}


def test_first_visits_reopenings_and_satisfaction() -> None:
    settled = emergency("02 08:00", "02 09:00", first_visit_at=at("02 10:00"), first_visit_resolved=True, done_at=(at("02 10:00"),))
    again = ReportTicket(
        ticket(policy=POLICY, opened_at=at("02 08:00"), milestones=Milestones(reopened=(Reopened(at("02 12:00")),))),
        first_visit_at=at("02 10:00"),
        first_visit_resolved=False,
        reopened_at=(at("02 12:00"),),
        scores=((at("02 11:00"), 1),),
        done_at=(at("02 11:00"),),
    )
    scored = emergency("02 08:00", "02 09:00", scores=((at("02 11:00"), 4),), cancelled_at=(at("02 11:00"),))
    report = made(settled, again, scored)
    assert (report.first_visit, report.reopenings, report.reopened) == (Share(1, 2), 1, Share(1, 2))
    assert (report.done, report.cancelled, report.open_at_end) == (2, 1, 1)
    assert (report.satisfaction.mean, dict(report.satisfaction.scores)) == (2.5, {1: 1, 2: 0, 3: 0, 4: 1, 5: 0})


def test_use_of_people_and_kits() -> None:
    # On shift 08:00 to 17:00 less half an hour of break: 8.5 h. Drives of 1 h and 2 h, work of 6 h and 1 h; back at 18:00: 1 h of overtime.
    spells = [("drive", 8, 9), ("work", 9, 15), ("work", 15, 16), ("drive", 16, 18)]
    report = made(
        spells=tuple(PlannedSpell("T-1", kind, at(f"02 {a:02}:00"), at(f"02 {b:02}:00")) for kind, a, b in spells),  # type: ignore[arg-type]
        shifts=(ReportShift("T-1", at("02 08:00"), at("02 17:00"), 30),),
        technicians=(("T-1", "ST-1"),),
        kits=(OwnedKits("ST-1", "leak", 2, 1),),
        kits_out=(KitOut("ST-1", "leak", at("02 08:00"), at("02 20:00")),),
    )
    everybody = report.everybody
    assert (everybody.shift_s, everybody.drive_s, everybody.work_s, everybody.overtime_s) == (30600, 3 * 3600, 7 * 3600, 3600)
    assert everybody.busy == pytest.approx(10 / 8.5)
    # 12 h out of twice 24 h.
    assert (report.kits[0].uses, report.kits[0].used) == (1, 0.25)
