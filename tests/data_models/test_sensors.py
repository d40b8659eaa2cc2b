"""Sensor rules: limits, time, hysteresis, quiet; readings out of order, twice, broken, in floods; and over a restart."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policies import load_policy
from data_models.conditions import Condition, condition_text, parse_condition, parse_length
from data_models.policy import SensorLimits, SensorRule, ServicePolicy
from data_models.readings import Opening, Reading, Taken
from data_models.sensor_rules import SensorRules, sensor_rules
from data_models.sensor_state import SensorState, note_closed, note_reopened, state_from, state_json
from data_models.sensors import MOST_KEPT, silent_sensors, take

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ETHANOL = load_policy("ethanol")


def rules(*, limits: SensorLimits = SensorLimits(), **named: SensorRule) -> dict[str, SensorRules]:  # noqa: B008 - frozen
    policy: ServicePolicy = replace(ETHANOL, sensor_rules=named, sensors=limits)
    made = sensor_rules(policy)
    return {"S-1": made, "S-2": made}


def rule(when: str, clears: str | None = None, **more: object) -> SensorRule:
    return SensorRule(parse_condition(when), "purity", clears and parse_condition(clears), **more)  # type: ignore[arg-type]


def water(value: float, minutes: float = 0, unit: str = "%", **more: object) -> Reading:
    return replace(Reading("S-1", "K-1", "moisture", value, unit, NOW + minutes * MINUTE), **more)  # type: ignore[arg-type]


class Plant:
    """A state with its rules: readings are taken as they come, ten hours ahead of which nothing is from the future."""

    def __init__(self, known: dict[str, SensorRules], state: SensorState | None = None, now: datetime = NOW + 10 * HOUR) -> None:
        self.rules, self.state, self.now = known, state or SensorState(), now

    def take(self, *readings: Reading) -> Taken:
        return take(self.state, readings, self.rules, self.now)

    def opened(self, *readings: Reading) -> list[Opening]:
        return self.take(*readings).openings

    def close(self, minutes: float, name: str = "x") -> None:
        note_closed(self.state, "S-1", name, NOW + minutes * MINUTE)


# --- limits and units ---


@pytest.mark.parametrize(
    ("when", "value", "unit", "opens"),
    [
        ("moisture > 0.5 %", 0.5, "%", False),
        ("moisture > 0.5 %", 0.5000001, "%", True),
        ("moisture >= 0.5 %", 0.5, "%", True),
        ("moisture >= 0.5 %", 0.4999999, "%", False),
        ("moisture < 0.5 %", 0.5, "%", False),
        ("moisture <= 0.5 %", 0.5, "%", True),
        ("moisture > 0.5 %", 5000, "ppm", False),
        ("moisture > 0.5 %", 5001, "ppm", True),
        ("moisture >= 4100 ppm", 0.41, "%", True),
        ("moisture > 0.5%", 6, "‰", True),
    ],
)
def test_a_limit_is_met_exactly_or_one_beyond_in_any_unit(when: str, value: float, unit: str, opens: bool) -> None:
    assert bool(Plant(rules(x=rule(when))).opened(water(value, unit=unit))) == opens


@pytest.mark.parametrize(
    ("value", "unit", "opens"),
    [(1.5, "MPa", False), (1.499, "MPa", True), (1500, "kPa", False), (1499, "kPa", True), (15, "bar", False), (14.99, "bar", True)],
)
def test_oxygen_below_its_pressure_is_a_supply_cut(value: float, unit: str, opens: bool) -> None:
    plant = Plant({"S-1": sensor_rules(load_policy("liquid-oxygen"))})
    assert [it.rule for it in plant.opened(Reading("S-1", "K-1", "pressure", value, unit, NOW))] == ["tank_pressure"] * opens


def test_the_ethanol_preset_opens_a_ticket_at_more_than_half_a_percent_of_water() -> None:
    plant = Plant({"S-1": sensor_rules(ETHANOL)})
    assert plant.opened(water(0.5)) == []
    assert [it.rule for it in plant.opened(water(0.51, 1))] == ["water"]


@pytest.mark.parametrize(
    ("quantity", "unit", "says"),
    [
        ("moisture", "MPa", 'moisture is not measured in "MPa"; use one of %, ‰, ppm'),
        ("moisture", "", "moisture is not measured in"),
        ("level", "m", "does not convert to the unit of rule low"),
        ("vibration", "m", "does not convert to the unit of rule shaking"),
    ],
)
def test_a_unit_that_does_not_convert_is_refused_with_the_reason(quantity: str, unit: str, says: str) -> None:
    plant = Plant(rules(low=rule("level < 10 %"), shaking=rule("vibration > 4 mm/s")))
    taken = plant.take(Reading("S-1", "K-1", quantity, 1.0, unit, NOW))
    assert (taken.kept, len(taken.refused)) == ([], 1)
    assert says in taken.refused[0].says


def test_a_quantity_of_ones_own_is_judged_in_its_own_unit() -> None:
    assert Plant(rules(x=rule("vibration > 4 mm/s"))).opened(Reading("S-1", "K-1", "vibration", 5.0, "mm/s", NOW))
    assert Plant(rules(x=rule("pH < 4"))).opened(Reading("S-1", "K-1", "pH", 3.9, "", NOW))


def test_an_unknown_site_is_refused_by_its_place_in_what_was_sent() -> None:
    taken = Plant(rules(x=rule("moisture > 0.5 %"))).take(water(0.6), water(0.6, site="S-9"))
    assert [(it.position, "site S-9 is not known" in it.says) for it in taken.refused] == [(1, True)]


def test_a_rule_holds_for_its_sites_and_products_only() -> None:
    plant = Plant(rules(here=rule("moisture > 0.5 %", sites=("S-2",)), for_it=rule("moisture > 0.6 %", products=("anhydrous",))))
    assert plant.opened(water(0.9)) == []
    assert [it.rule for it in plant.opened(water(0.9, 1, product="anhydrous"), water(0.9, 2, site="S-2"))] == ["for_it", "here"]


# --- time ---


def test_ten_minutes_are_ten_minutes_and_not_one_second_less() -> None:
    known = rules(x=rule("moisture > 0.5 % for 10 min"))
    assert Plant(known).opened(water(0.6), water(0.6, 5), water(0.6, 10 - 1 / 60)) == []
    opened = Plant(known).opened(water(0.6), water(0.6, 5), water(0.6, 10))
    assert [(it.since, it.at) for it in opened] == [(NOW, NOW + 10 * MINUTE)]


def test_a_reading_that_clears_begins_the_time_anew() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 10 min")))
    assert plant.opened(water(0.6), water(0.5, 5), water(0.6, 6), water(0.6, 15)) == []
    assert len(plant.opened(water(0.6, 16))) == 1


def test_a_reading_between_clearing_and_limit_lets_the_time_go_on() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 10 min", "moisture < 0.4 %")))
    assert plant.opened(water(0.6), water(0.4, 5), water(0.45, 10)) == []
    assert len(plant.opened(water(0.6, 11))) == 1


def test_a_gap_as_long_as_allowed_is_bridged_and_one_second_more_is_not() -> None:
    known = rules(x=rule("moisture > 0.5 % for 10 min"))
    assert len(Plant(known).opened(water(0.6), water(0.6, 15))) == 1
    plant = Plant(known)
    assert plant.opened(water(0.6), water(0.6, 15 + 1 / 60)) == []
    assert len(plant.opened(water(0.6, 25 + 1 / 60))) == 1


def test_a_gap_breaks_a_spell_that_only_hovers_afterwards() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 10 min", "moisture < 0.4 %")))
    assert plant.opened(water(0.6), water(0.45, 20), water(0.6, 21), water(0.6, 31 - 1 / 60)) == []
    assert len(plant.opened(water(0.6, 31))) == 1


# --- one ticket, hysteresis, quiet time ---


def test_a_site_has_one_open_ticket_for_a_rule_whatever_its_sensors_say() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    assert len(plant.opened(*(water(0.6, n, sensor=f"K-{n % 3}") for n in range(30)))) == 1
    assert [it.site for it in plant.opened(water(0.6, 31, site="S-2"))] == ["S-2"]


def test_after_closing_a_value_that_never_cleared_opens_no_other_ticket() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %", "moisture < 0.4 %")))
    assert len(plant.opened(water(0.6))) == 1
    plant.close(5)
    assert plant.opened(water(0.6, 6), water(0.4, 7), water(0.6, 8)) == []
    assert len(plant.opened(water(0.39, 9), water(0.6, 10))) == 1


def test_without_a_limit_of_its_own_a_rule_clears_at_the_limit() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    plant.opened(water(0.6))
    plant.close(5)
    assert len(plant.opened(water(0.5, 6), water(0.6, 7))) == 1


def test_a_matter_that_goes_on_after_closing_is_told_again_in_the_end() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %", again_after=HOUR)))
    plant.opened(water(0.6))
    plant.close(5)
    assert plant.opened(water(0.7, 20), water(0.6, 65 - 1 / 60)) == []
    assert len(plant.opened(water(0.6, 65))) == 1


def test_quiet_time_counts_from_opening_and_from_closing_to_the_second() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %", quiet=30 * MINUTE)))
    plant.opened(water(0.6))
    plant.close(1)
    assert plant.opened(water(0.1, 2), water(0.6, 31 - 1 / 60)) == []
    # The alarm began in the quiet time and still stands at its end: it is not lost.
    assert len(plant.opened(water(0.6, 31))) == 1
    early = Plant(rules(x=rule("moisture > 0.5 %", quiet=30 * MINUTE)))
    early.opened(water(0.6))
    early.close(-20)
    assert early.opened(water(0.1, 2), water(0.6, 30 - 1 / 60)) == []
    assert len(early.opened(water(0.6, 30))) == 1


def test_a_reopened_ticket_stands_for_its_alarm() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    plant.opened(water(0.6))
    plant.close(1)
    note_reopened(plant.state, "S-1", "x")
    assert plant.opened(water(0.1, 2), water(0.6, 3)) == []


def test_what_is_older_than_a_day_on_arrival_opens_nothing() -> None:
    known = rules(x=rule("moisture > 0.5 %"))
    assert Plant(known, now=NOW + 24 * HOUR + SECOND).opened(water(0.6)) == []
    assert len(Plant(known, now=NOW + 24 * HOUR).opened(water(0.6))) == 1


# --- order and doubles ---


def test_a_double_is_merged_by_key_or_without_one_by_time_and_value() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    taken = plant.take(water(0.3), water(0.3), water(0.3, 1, key="a"), water(0.9, 2, key="a"))
    assert (len(taken.kept), taken.doubles, taken.openings) == (2, 2, [])


def test_a_reading_within_the_horizon_is_put_in_its_place_and_one_second_older_is_late() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    taken = plant.take(water(0.3, 10))
    assert len(plant.opened(water(0.6, 5))) == 1
    taken = plant.take(water(0.6, 5 - 1 / 60))
    assert [flag.flaw for flag in taken.flags] == ["late"]
    assert len(taken.kept) == 1


@pytest.mark.parametrize(("middle", "opens"), [(0.6, True), (0.3, False)])
def test_a_spell_longer_than_the_horizon_survives_a_reading_out_of_order(middle: float, opens: bool) -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 20 min")))
    for minutes in (*range(18), 19):
        assert plant.opened(water(0.6, minutes)) == []
    assert plant.opened(water(middle, 18)) == []
    assert [it.since for it in plant.opened(water(0.6, 20))] == [NOW] * opens


def test_a_ticket_that_a_late_reading_contradicts_is_doubted_once_and_backed_again_by_a_true_alarm() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 4 min")))
    assert len(plant.opened(water(0.6), water(0.6, 4))) == 1
    taken = plant.take(water(0.2, 2))
    assert [(it.site, it.rule) for it in taken.doubts] == [("S-1", "x")]
    taken = plant.take(water(0.6, 5), water(0.6, 8))
    assert (taken.openings, taken.doubts) == ([], [])
    assert plant.state.gates["S-1", "x"].backers == {("K-1", "moisture"): int((NOW + 8 * MINUTE).timestamp()) * 1_000_000}


def backed(state: SensorState) -> set[tuple[str, str]]:
    """The tickets that what is known asks for."""
    return {who for who, gate in state.gates.items() if gate.backers}


VALUES = st.sampled_from([0.2, 0.42, 0.45, 0.55, 0.6, 0.9, math.nan, -3.0])
# Readings within the horizon of each other, four seconds apart, of two sensors at two sites.
SHORT = st.lists(
    st.tuples(st.integers(0, 74), VALUES, st.sampled_from(["K-1", "K-2"]), st.sampled_from(["S-1", "S-2"])),
    max_size=40,
    unique_by=lambda it: (it[0], it[2], it[3]),
)
KNOWN = rules(
    now=rule("moisture > 0.5 %", "moisture < 0.4 %"),
    after=rule("moisture > 0.5 % for 1 min", "moisture < 0.43 %"),
    low=rule("moisture <= 0.42 % for 30 s", quiet=MINUTE),
    limits=SensorLimits(longest_gap=timedelta(seconds=40)),
)


def made(drawn: Sequence[tuple[int, float, str, str]]) -> list[Reading]:
    return [water(value, tick * 4 / 60, sensor=sensor, site=site) for tick, value, sensor, site in drawn]


def settled(state: SensorState) -> dict[tuple[str, str, str], object]:
    """All that is remembered of the series but which sensors were told of."""
    return {who: (repr(series.base), series.recent, repr(series.end)) for who, series in state.series.items()}


@given(SHORT, st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_and_any_division_ends_in_the_alarms_of_the_right_order(
    drawn: list[tuple[int, float, str, str]], random: object, size: int
) -> None:
    readings = made(drawn)
    right, mixed = Plant(KNOWN), Plant(KNOWN)
    for reading in sorted(readings, key=lambda it: it.at):
        right.take(reading)
    shuffled = [*readings, *readings]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    opened: set[tuple[str, str]] = set()
    for start in range(0, len(shuffled), size):
        opened |= {(it.site, it.rule) for it in mixed.opened(*shuffled[start : start + size])}
    assert settled(mixed.state) == settled(right.state)
    assert backed(mixed.state) == set(right.state.gates)
    assert opened >= backed(mixed.state)


@given(SHORT)
def test_readings_in_order_never_lead_to_a_doubt(drawn: list[tuple[int, float, str, str]]) -> None:
    plant = Plant(KNOWN)
    for reading in sorted(made(drawn), key=lambda it: it.at):
        assert plant.take(reading).doubts == []
    assert backed(plant.state) == set(plant.state.gates)


@given(SHORT, st.integers(0, 40), st.booleans())
def test_a_restart_in_the_middle_changes_nothing(drawn: list[tuple[int, float, str, str]], at: int, closing: bool) -> None:
    readings = made(drawn)
    through, first = Plant(KNOWN), Plant(KNOWN)
    before = [through.take(*readings[:at]), first.take(*readings[:at])]
    assert repr(before[0]) == repr(before[1])
    for plant in (through, first) if closing else ():
        plant.close(2, "now")
    second = Plant(KNOWN, state_from(json.loads(json.dumps(state_json(first.state)))))
    assert repr(second.take(*readings[at:])) == repr(through.take(*readings[at:]))
    assert settled(second.state) == settled(through.state)
    assert state_json(second.state)["gates"] == state_json(through.state)["gates"]


# --- broken sensors ---


@pytest.mark.parametrize(
    ("reading", "flaw"),
    [
        (water(math.nan), "not a number"),
        (water(math.inf), "not a number"),
        (water(-math.inf), "not a number"),
        (water(100.1), "absurd"),
        (water(-0.1), "absurd"),
        (water(0.9, 606), "future"),
    ],
)
def test_what_cannot_be_is_kept_and_flagged_and_opens_nothing(reading: Reading, flaw: str) -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %"), y=rule("moisture <= 0.5 %")))
    taken = plant.take(reading)
    assert (len(taken.kept), [flag.flaw for flag in taken.flags], taken.openings) == (1, [flaw], [])
    assert plant.state.series == {}


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_the_ends_of_what_can_be_are_believed(value: float) -> None:
    assert Plant(rules()).take(water(value)).flags == []


def test_a_value_that_repeats_too_often_is_a_stuck_sensor_told_once_and_opens_nothing() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 % for 10 min"), limits=SensorLimits(stuck_readings=5)))
    taken = plant.take(*(water(0.6, n) for n in range(30)))
    assert taken.openings == []
    assert [flag.flaw for flag in taken.flags] == ["stuck"] * 25
    assert [(it.kind, it.since) for it in taken.troubles] == [("stuck", NOW)]
    moved = plant.take(water(0.61, 30), water(0.61, 40))
    assert (len(moved.openings), moved.flags, moved.troubles) == (1, [], [])


def test_a_sensor_that_stands_still_for_long_is_stuck_only_when_another_of_its_site_moves() -> None:
    limits = SensorLimits(stuck_after=HOUR)
    alone = Plant(rules(limits=limits))
    assert alone.take(water(0.3), water(0.3, 61)).troubles == []
    plant = Plant(rules(x=rule("moisture > 0.5 %"), limits=limits))
    heat = Reading("S-1", "K-2", "temperature", 20.0, "°C", NOW + 5 * MINUTE)
    assert plant.take(water(0.3), heat, water(0.3, 60)).troubles == []
    assert [it.sensor for it in plant.take(water(0.3, 60 + 1 / 60)).troubles] == ["K-1"]


def test_a_silent_sensor_is_told_once_until_it_speaks_again() -> None:
    plant = Plant(rules())
    plant.take(water(0.3))
    assert silent_sensors(plant.state, plant.rules, NOW + HOUR) == []
    assert [it.since for it in silent_sensors(plant.state, plant.rules, NOW + HOUR + SECOND)] == [NOW]
    assert silent_sensors(plant.state, plant.rules, NOW + 2 * HOUR) == []
    plant.take(water(0.3, 121))
    assert len(silent_sensors(plant.state, plant.rules, NOW + 4 * HOUR)) == 1


def test_a_flood_from_one_sensor_opens_one_ticket_and_is_remembered_in_little_space() -> None:
    plant = Plant(rules(x=rule("moisture > 0.5 %")))
    taken = plant.take(*(water(0.5 + n % 7 / 10, n / 600) for n in range(20_000)))
    assert (len(taken.kept), len(taken.openings), taken.refused) == (20_000, 1, [])
    assert [len(series.recent) for series in plant.state.series.values()] == [MOST_KEPT]


# --- conditions as text ---


@given(
    st.builds(
        Condition,
        st.sampled_from(["moisture", "concentration", "vibration", "水分"]),
        st.sampled_from([">", ">=", "<", "<="]),
        st.decimals(-999, 999, places=3).map(float),
        st.sampled_from(["%", "ppm"]),
        st.integers(0, 86400).map(lambda seconds: timedelta(seconds=seconds)),
    )
)
def test_a_condition_can_be_written_and_read_again(condition: Condition) -> None:
    assert parse_condition(condition_text(condition)) == condition


@pytest.mark.parametrize("text", ["", "moisture", "> 5", "moisture > ", "moisture = 5 %", "moisture > 5 % for", "a b > 5", 5, "x > 1e5"])
def test_what_is_no_condition_is_told_so(text: object) -> None:
    with pytest.raises(ValueError, match="is like"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["", "10", "min", "-1 min", "10 months", 10, "400 d"])
def test_what_is_no_length_of_time_is_told_so(text: object) -> None:
    with pytest.raises(ValueError, match="a length of time is"):
        parse_length(text)
