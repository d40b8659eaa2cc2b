"""The five presets keep what the industry studies promise: every clock and figure of them, one line each."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from config.policies import load_policies, load_policy, preset_names
from data_models.case import SEVERITIES, TIERS
from data_models.conditions import parse_condition
from data_models.policy import ServicePolicy, clock_items, clocks_for, costs_for, extra_clocks_for, needs_for, tier_for, visit_due
from data_models.promises import Promise, due, parse_promise, promise_text

MONDAY = datetime.fromisoformat("2026-03-02T10:00:00+08:00")


@pytest.fixture(scope="module")
def presets() -> dict[str, ServicePolicy]:
    return load_policies()


def test_there_are_five_presets() -> None:
    assert preset_names() == ("e-jiao", "ethanol", "lead-ingot", "liquid-oxygen", "terpinene")


# preset, severity, tiers, type, source, clock, promise as the study states it
CLOCKS = [
    ("ethanol", "emergency", "ABC", "leak", "phone", "contact", "10 min"),
    ("ethanol", "emergency", "ABC", "fire-risk", "sensor", "diagnosis", "30 min"),
    ("ethanol", "emergency", "ABC", "equipment-failure", "web", "on_site", "2 h"),
    ("ethanol", "important", "ABC", "purity", "phone", "contact", "1 h"),
    ("ethanol", "important", "ABC", "equipment-fault", "phone", "diagnosis", "2 h"),
    ("ethanol", "important", "ABC", "purity", "phone", "solution", "4 h"),
    ("ethanol", "general", "ABC", "question", "phone", "contact", "24 h"),
    ("ethanol", "general", "ABC", "question", "phone", "closing", "3 working days"),
    # Tiers: A response 1 h and on site 24 h, B response 2 h and support 48 h, C response 4 h.
    *(("terpinene", severity, "A", "", "", "contact", "1 h") for severity in SEVERITIES),
    *(("terpinene", severity, "A", "", "", "on_site", "24 h") for severity in SEVERITIES),
    *(("terpinene", severity, "B", "", "", "contact", "2 h") for severity in SEVERITIES),
    ("terpinene", "important", "B", "", "", "on_site", "48 h"),
    ("terpinene", "general", "B", "", "", "on_site", "48 h"),
    ("terpinene", "important", "C", "", "", "contact", "4 h"),
    ("terpinene", "general", "C", "", "", "contact", "4 h"),
    # Levels: 1 response 2 h and resolved 24 h, 2 half-way (resolved 48 h), 3 answered 72 h; the stricter of level and tier.
    ("terpinene", "emergency", "C", "", "", "contact", "2 h"),
    ("terpinene", "emergency", "ABC", "", "", "solution", "24 h"),
    ("terpinene", "emergency", "B", "", "", "on_site", "24 h"),
    ("terpinene", "important", "ABC", "", "", "solution", "48 h"),
    ("terpinene", "general", "ABC", "", "", "solution", "72 h"),
    ("liquid-oxygen", "emergency", "ABC", "supply-cut", "phone", "contact", "1 h"),
    ("liquid-oxygen", "important", "ABC", "off-quality", "phone", "contact", "4 h"),
    ("liquid-oxygen", "important", "ABC", "serious-delay", "phone", "contact", "4 h"),
    ("liquid-oxygen", "general", "ABC", "question", "phone", "contact", "24 h"),
    ("liquid-oxygen", "emergency", "ABC", "quality-accident", "phone", "on_site", "2 h"),
    ("liquid-oxygen", "emergency", "ABC", "quality-accident", "phone", "solution", "24 h"),
    *(("lead-ingot", severity, "A", "", "", "contact", "2 h") for severity in SEVERITIES),
    *(("lead-ingot", severity, "B", "", "", "contact", "12 h") for severity in SEVERITIES),
    *(("lead-ingot", severity, "C", "", "", "contact", "8 h") for severity in SEVERITIES),
    *(("lead-ingot", severity, "ABC", "", "", "diagnosis", "1 h") for severity in SEVERITIES),
    ("e-jiao", "important", "ABC", "quality", "chat", "contact", "3 min"),
    ("e-jiao", "general", "ABC", "delivery", "phone", "contact", "10 s"),
    ("e-jiao", "important", "ABC", "quality", "phone", "diagnosis", "48 h"),
    ("e-jiao", "important", "ABC", "quality", "phone", "solution", "72 h"),
    ("e-jiao", "general", "ABC", "delivery", "chat", "diagnosis", "24 h"),
    ("e-jiao", "general", "ABC", "delivery", "chat", "solution", "3 d"),
]


@pytest.mark.parametrize(("preset", "severity", "tiers", "kind", "source", "clock", "promise"), CLOCKS)
def test_a_clock_of_a_preset_is_what_the_study_promises(
    presets: dict[str, ServicePolicy], preset: str, severity: str, tiers: str, kind: str, source: str, clock: str, promise: str
) -> None:
    for tier in tiers:
        clocks = clocks_for(presets[preset], severity, tier, kind, source)  # type: ignore[arg-type]
        assert getattr(clocks, clock) == parse_promise(promise)


@pytest.mark.parametrize(
    ("severity", "clock"),
    [
        ("emergency", "solution"),
        ("emergency", "closing"),
        ("important", "on_site"),
        ("important", "closing"),
        ("general", "diagnosis"),
        ("general", "on_site"),
        ("general", "solution"),
    ],
)
def test_ethanol_promises_nothing_that_its_study_does_not(presets: dict[str, ServicePolicy], severity: str, clock: str) -> None:
    assert getattr(clocks_for(presets["ethanol"], severity, "A"), clock) is None  # type: ignore[arg-type]


# preset, ticket (severity, tier, type), extra clock, promise, counted from; None where the ticket has no such clock
EXTRA = [
    ("ethanol", ("important", "B", "purity"), "follow_up", "24 h", "opened"),
    ("ethanol", ("emergency", "B", "leak"), "follow_up", None, None),
    ("terpinene", ("important", "A", "quality"), "sample_result", "1 h", "on_site"),
    ("terpinene", ("general", "A", "question"), "sample_result", None, None),
    ("liquid-oxygen", ("general", "C", "question"), "numbered", "10 min", "opened"),
    ("liquid-oxygen", ("emergency", "A", "supply-cut"), "numbered", "10 min", "opened"),
    ("liquid-oxygen", ("emergency", "A", "supply-cut"), "backup_source", "30 min", "opened"),
    ("liquid-oxygen", ("emergency", "A", "supply-cut"), "transport", "1 h", "opened"),
    ("liquid-oxygen", ("emergency", "A", "supply-cut"), "customer_told", "2 h", "opened"),
    ("liquid-oxygen", ("emergency", "A", "supply-cut"), "test_report", None, None),
    ("liquid-oxygen", ("emergency", "A", "quality-accident"), "test_report", "4 h", "opened"),
    ("liquid-oxygen", ("emergency", "A", "quality-accident"), "backup_source", None, None),
    ("lead-ingot", ("general", "C", "question"), "technician_call", "2 h", "assigned"),
]


@pytest.mark.parametrize(("preset", "ticket", "name", "promise", "counts_from"), EXTRA)
def test_an_extra_clock_holds_for_the_tickets_of_the_study(
    presets: dict[str, ServicePolicy], preset: str, ticket: tuple[str, str, str], name: str, promise: str | None, counts_from: str | None
) -> None:
    clock = extra_clocks_for(presets[preset], *ticket).get(name)  # type: ignore[arg-type]
    assert (clock.within, clock.counts_from) == (parse_promise(promise), counts_from) if clock else promise is None


SEVERITY_OF = [
    *(("ethanol", kind, "emergency") for kind in ("leak", "fire-risk", "equipment-failure")),
    *(("ethanol", kind, "important") for kind in ("purity", "equipment-fault")),
    ("ethanol", "question", "general"),
    ("liquid-oxygen", "supply-cut", "emergency"),
    ("liquid-oxygen", "quality-accident", "emergency"),
    ("liquid-oxygen", "off-quality", "important"),
    ("liquid-oxygen", "serious-delay", "important"),
    ("liquid-oxygen", "question", "general"),
    ("e-jiao", "allergic-reaction", "emergency"),
    ("e-jiao", "damaged-packing", "general"),
]


@pytest.mark.parametrize(("preset", "kind", "severity"), SEVERITY_OF)
def test_a_type_of_report_is_taken_as_seriously_as_in_the_study(
    presets: dict[str, ServicePolicy], preset: str, kind: str, severity: str
) -> None:
    assert needs_for(presets[preset], kind).severity == severity


# Above 1,000 t is A, 500 to 1,000 t B, below C: 1,000 t is not above, 500 t is not below.
@pytest.mark.parametrize(
    ("tonnes", "tier"), [(1000.001, "A"), (1000, "B"), (999.9, "B"), (500, "B"), (499.999, "C"), (0, "C"), (None, "C"), (1e9, "A")]
)
def test_terpinene_tiers_follow_the_yearly_volume(presets: dict[str, ServicePolicy], tonnes: float | None, tier: str) -> None:
    assert tier_for(presets["terpinene"], tonnes) == tier


FIGURES = [
    ("ethanol", "service_area.km", 300),
    ("ethanol", "service_area.minutes", 120),
    ("ethanol", "remote_expert", ("emergency",)),
    ("ethanol", "facts.specialists_per_centre", [2, 3]),
    ("ethanol", "facts.emergency_kits_per_centre", 1),
    ("ethanol", "facts.tank_sensors", ["temperature", "pressure", "level", "concentration"]),
    ("ethanol", "facts.overload_support", ["neighbouring centres", "expert pool"]),
    ("ethanol", "sensor_rules.water.when", parse_condition("moisture > 0.5 %")),
    ("terpinene", "tiers.A.cover", "round_the_clock"),
    ("terpinene", "facts.relation_years_from", 3),
    ("terpinene", "facts.stable_swing_up_to", 0.10),
    ("terpinene", "facts.stations_open", ["Shanghai", "Guangzhou"]),
    ("terpinene", "facts.stations_planned", ["Wuhan", "Chengdu", "Xi'an"]),
    ("terpinene", "facts.circle_hours", 4),
    ("terpinene", "facts.circle_coverage", 0.8),
    ("terpinene", "facts.station_budget_cny", 2_500_000),
    ("terpinene", "facts.health_score", {"lowest": 1, "highest": 10, "at_risk_below": 5, "healthy_from": 8}),
    ("terpinene", "facts.records_encrypted_at_rest", "AES-256"),
    ("terpinene", "facts.views_limited_by_role", True),
    ("liquid-oxygen", "after_closing.call_back", parse_promise("24 h")),
    ("liquid-oxygen", "after_closing.reopen_below", 3),
    ("liquid-oxygen", "after_closing.handled_again", parse_promise("3 working days")),
    ("liquid-oxygen", "targets.in_time", 0.95),
    ("liquid-oxygen", "targets.satisfaction", 4.5),
    ("liquid-oxygen", "facts.mix", {"quality": 0.38, "delivery": 0.32, "service": 0.22, "price": 0.08}),
    ("liquid-oxygen", "facts.backup_suppliers", [3, 5]),
    ("liquid-oxygen", "facts.tanker_radius_km", [150, 200]),
    ("liquid-oxygen", "sensor_rules.tank_pressure.when", parse_condition("pressure < 1.5 MPa")),
    ("lead-ingot", "tiers.A.cover", "round_the_clock"),
    ("lead-ingot", "patrols.large.tonnes_above", 1000),
    ("lead-ingot", "patrols.large.per_year", 4),
    ("lead-ingot", "patrols.tier-b.tiers", ("B",)),
    ("lead-ingot", "targets.response", parse_promise("2 h")),
    ("lead-ingot", "targets.resolved", 0.95),
    ("lead-ingot", "targets.satisfied", 0.90),
    ("lead-ingot", "costs.price_share_per_hour_late", 0.05),
    ("lead-ingot", "costs.downtime_per_hour", 50_000),
    ("lead-ingot", "facts.satisfaction_lost_per_hour_late", 0.12),
    ("lead-ingot", "facts.skill_levels", ["junior", "middle", "senior"]),
    ("lead-ingot", "facts.steps", ["report", "assessment", "plan", "solving", "feedback", "satisfaction", "improvement"]),
    ("lead-ingot", "facts.regional_rules", {"north": "cold-storage guidance", "coast": "damp protection"}),
    ("e-jiao", "after_closing.call_back", parse_promise("24 h")),
    ("e-jiao", "tiers.A.title", "VIP"),
    ("e-jiao", "tiers.B.title", "advanced"),
    ("e-jiao", "tiers.C.title", "basic"),
    ("e-jiao", "facts.evening_share", 0.30),
    ("e-jiao", "facts.evening_hours", "20:00-23:00"),
    ("e-jiao", "facts.evening_cover", "on-call shifts"),
]


@pytest.mark.parametrize(("preset", "key", "value"), FIGURES)
def test_a_figure_of_a_preset_is_that_of_the_study(presets: dict[str, ServicePolicy], preset: str, key: str, value: object) -> None:
    held: object = presets[preset]
    for step in key.split("."):
        held = held[step] if isinstance(held, dict) else getattr(held, step)
    assert held == value


def test_ethanol_kits_and_skills_are_those_of_the_study(presets: dict[str, ServicePolicy]) -> None:
    kinds = [needs_for(presets["ethanol"], kind, product) for kind in presets["ethanol"].ticket_types for product in ("", "anhydrous")]
    assert {kit for needs in kinds for kit in needs.kits} == {"purity-analyser", "moisture-meter", "static-tester", "leak-kit"}
    assert {skill for needs in kinds for skill in needs.skills} == {"process", "safety", "equipment"}


def test_an_hour_late_at_a_stopped_line_costs_its_downtime_and_the_share_of_the_price(presets: dict[str, ServicePolicy]) -> None:
    costs = costs_for(presets["lead-ingot"], "emergency", "A")
    # 3,000 of the table + 5 % of 100,000 + the whole of 50,000 an hour
    assert costs.late_cost_per_hour == pytest.approx(3000 + 5000 + 50_000)


@pytest.mark.parametrize("preset", ["e-jiao", "ethanol", "lead-ingot", "liquid-oxygen", "terpinene"])
def test_every_cell_of_a_preset_gives_a_due_moment_and_costs_in_order_of_severity(presets: dict[str, ServicePolicy], preset: str) -> None:
    policy = presets[preset]
    for tier in TIERS:
        clocks = {severity: clocks_for(policy, severity, tier) for severity in SEVERITIES}
        moments = [visit_due(policy, clocks[severity], MONDAY, 60) for severity in SEVERITIES]
        assert MONDAY < moments[0] <= moments[1] <= moments[2]
        prices = [costs_for(policy, severity, tier) for severity in SEVERITIES]
        for heavy, light in pairwise(prices):
            assert heavy.miss_cost > light.miss_cost
            assert heavy.late_cost_per_hour > light.late_cost_per_hour
            assert heavy.skip_cost > light.skip_cost
        for costs in prices:
            assert costs.skip_cost >= costs.miss_cost + 24 * costs.late_cost_per_hour


def test_three_working_days_of_ethanol_end_at_closing_time(presets: dict[str, ServicePolicy]) -> None:
    closing = clocks_for(presets["ethanol"], "general", "C").closing
    assert closing is not None
    assert due(closing, MONDAY, presets["ethanol"].calendar) == datetime.fromisoformat("2026-03-05T17:30:00+08:00")


def test_every_promise_of_the_presets_can_be_written_and_read_again(presets: dict[str, ServicePolicy]) -> None:
    promises = {
        promise
        for policy in presets.values()
        for severity in SEVERITIES
        for tier in TIERS
        for _, promise in clock_items(clocks_for(policy, severity, tier))
        if promise is not None
    }
    assert Promise(timedelta(hours=2)) in promises
    assert {parse_promise(promise_text(promise)) for promise in promises} == promises


def test_a_preset_is_loaded_by_name_or_by_path(presets: dict[str, ServicePolicy]) -> None:
    assert load_policy("ethanol") == presets["ethanol"]
