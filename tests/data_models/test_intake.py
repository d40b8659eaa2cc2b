"""Importing files: what goes in, what is set aside and why, and that nothing is guessed or lost."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data_models.errors import BadInput
from data_models.geocoding import offline_geocoder
from data_models.intake.load import ImportReport, import_file
from data_models.intake.specs import TABLES, spec_of
from data_models.intake.templates import write_template
from data_models.store import Store, make_engine
from data_models.tables import Base, Contract, Customer, Position, Shift, Site, Station, StationKit, Technician, TechnicianSkill, Ticket

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
Import = Callable[..., ImportReport]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(make_engine(f"sqlite:///{tmp_path / 'twohour.sqlite'}")) as store:
        Base.metadata.create_all(store.engine)
        with store.session() as session:
            session.add(Customer(id="C-1", name="太湖制药", tier="A"))
            session.add(Station(id="ST-1", name="无锡", lat=31.5, lon=120.3))
            session.flush()
            session.add(Site(id="S-1", customer_id="C-1", name="厂", lat=31.6, lon=120.2))
            session.add_all(Technician(id=name, name=name, station_id="ST-1") for name in ("T-1", "T-2"))
        yield store


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Import:
    """Imports a text (or bytes) as a file of a table."""

    def put(table: str, content: str | bytes, name: str = "in.csv", **options: Any) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_file(store, table, path, **({"now": NOW} | options))

    return put


def kept(store: Store, model: type[Any], key: Any) -> Any:
    """The row that the store keeps under a key."""
    with store.reading() as session:
        return session.get_one(model, key)


def customers(store: Store) -> int:
    """How many customers the store holds; one was there before."""
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(Customer)) or 0


def the_problem(report: ImportReport) -> str:
    """The only problem of a report."""
    assert len(report.problems) == 1, [str(problem) for problem in report.problems]
    return str(report.problems[0])


EVERY_TABLE = {
    "customers": "id,name,tier,segment,downtime_cost_per_hour,yearly_tonnes,customer_since\n"
    "C-7,Lake Pharma,b,pharma,50000,1200.5,2019/5/1\n",
    "sites": "id,customer,name,address,region,lat,lon\nS-7,C-1,North,Road 1,east,31.1,120.1\n",
    "contacts": "id,customer,site,name,role,phone,email\nP-7,C-1,S-1,王敏,lead,+86 1,w@example.com\n",
    "contracts": "id,customer,policy,starts_on,ends_on,on_site_minutes\nK-7,C-1,ethanol,2026-01-01,2026-12-31,120\n",
    "stations": "id,name,lat,lon,capacity\nST-7,Suzhou,31.3,120.6,6\n",
    "kits": "station,kit,owned,broken\nST-1,leak-kit,2,1\n",
    "technicians": "id,name,station,capacity\nT-7,李强,ST-1,10\n",
    "skills": "technician,skill,level,expires_on\nT-1,leak,3,2027-06-30\n",
    "shifts": "technician,starts_at,ends_at,overtime_minutes,kind,break_earliest,break_latest,break_minutes\n"
    "T-1,2026-03-02 08:00,2026-03-02 17:00,120,白班,2026-03-02 11:30,2026-03-02 13:00,30\n",
    "tickets": "id,site,severity,type,opened_at,skills,kits,only\n"
    "E-7,S-1,紧急,leak,2026-03-02T08:15+08:00,leak:2; gas:1,leak-kit;gc-ms,T-1\n",
    "positions": "technician,lat,lon,free_at,kits\nT-1,31.2,120.2,2026-03-02 10:30,leak-kit\n",
}


@pytest.mark.parametrize("table", [spec.name for spec in TABLES])
def test_each_table_takes_a_row_and_a_second_import_changes_nothing(put: Import, table: str) -> None:
    first, second = put(table, EVERY_TABLE[table]), put(table, EVERY_TABLE[table])
    assert (first.inserted, first.rejected) == (1, 0), first.problems
    assert (second.inserted, second.updated, second.unchanged, second.rejected) == (0, 0, 1, 0)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("table", [spec.name for spec in TABLES])
def test_an_unchanged_template_imports_as_no_rows(store: Store, tmp_path: Path, table: str, suffix: str) -> None:
    path = tmp_path / f"template{suffix}"
    write_template(table, path)
    report = import_file(store, table, path, now=NOW)
    assert (report.rows, report.problems) == (0, [])


@pytest.mark.parametrize("table", [spec.name for spec in TABLES])
def test_every_chinese_alias_stands_for_one_column(table: str) -> None:
    words = [word.casefold() for column in spec_of(table).columns for word in {*column.aliases, column.name}]
    assert len(words) == len(set(words))


def test_values_arrive_typed(put: Import, store: Store) -> None:
    for table, text in EVERY_TABLE.items():
        put(table, text)
    customer = kept(store, Customer, "C-7")
    assert (customer.tier, customer.customer_since, customer.yearly_tonnes) == ("B", date(2019, 5, 1), 1200.5)
    ticket = kept(store, Ticket, "E-7")
    assert ticket.opened_at == datetime(2026, 3, 2, 0, 15, tzinfo=UTC)
    assert (ticket.severity, ticket.skills, ticket.kits, ticket.only, ticket.crew) == (
        "emergency",
        {"leak": 2, "gas": 1},
        ["leak-kit", "gc-ms"],
        ["T-1"],
        None,
    )
    shift = kept(store, Shift, 1)
    assert shift.starts_at == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    assert shift.kind == "regular"
    assert kept(store, Position, "T-1").kits == ["leak-kit"]
    assert kept(store, StationKit, ("ST-1", "leak-kit")).broken == 1
    assert kept(store, TechnicianSkill, ("T-1", "leak")).expires_on == date(2027, 6, 30)
    assert kept(store, Contract, "K-7").ends_on == date(2026, 12, 31)


def test_times_without_an_offset_are_the_companys_and_the_report_says_so(put: Import) -> None:
    assert "taken as Asia/Shanghai" in put("shifts", EVERY_TABLE["shifts"]).notices[0]
    assert put("tickets", EVERY_TABLE["tickets"]).notices == []


@pytest.mark.parametrize(
    ("table", "line", "column", "words"),
    [
        ("customers", "C-7,Lake,D", "tier", "write one of A, B, C"),
        ("customers", ",Lake,A", "id", "is empty"),
        ("customers", "C-7,  ,A", "name", "is empty"),
        ("customers", f"{'x' * 65},Lake,A", "id", "has 65 characters, 64 are allowed"),
        ("customers", "C-7,La\x00ke,A", "name", "control character U+0000"),
        ("customers", "C-7,La\x1b[31mke,A", "name", "control character U+001B"),
        ("customers", 'C-7,"La\nke",A', "name", "control character U+000A"),
        ("customers", "C-7,Lake,A,extra", "after the last column", "4 cells under 3 headers"),
        ("sites", "S-7,C-1,North,1e308,120", "lat", "outside -90 to 90"),
        ("sites", "S-7,C-1,North,1e999,120", "lat", "outside -90 to 90"),
        ("sites", "S-7,C-1,North,NaN,120", "lat", "not a number"),
        ("sites", "S-7,C-1,North,120.3,31.5", "lat", "are lat and lon swapped?"),
        ("sites", "S-7,C-1,North,90.0000001,31.5", "lat", "outside"),
        ("sites", "S-7,C-1,North,31.5,180.0000001", "lon", "outside"),
        ("sites", "S-7,C-1,North,0,0", "lat", "in the sea"),
        ("sites", "S-7,C-1,North,31.5,", "lon", "fill in both"),
        ("sites", "S-7,C-1,North,,", "lat", "all empty"),
        ("sites", "S-7,C-99,North,31.5,120", "customer", "no such id among customers"),
        ("sites", 'S-7,C-1,North,"1,234",120', "lat", "thousands separators"),
        ("skills", "T-1,leak,4,", "level", "outside 1 to 3"),
        ("skills", "T-1,leak,2.5,", "level", "not a whole number"),
        ("skills", "T-9,leak,2,", "technician", "no such id"),
        ("skills", "T-1,leak,2,3/2/2026", "expires_on", "year first"),
        ("skills", "T-1,leak,2,2026-02-30", "expires_on", "does not exist in the calendar"),
        ("skills", "T-1,leak,2,0001-01-01", "expires_on", "between the years"),
        ("skills", "T-1,leak,2,20", "expires_on", "neither a date nor the day number"),
        ("kits", "ST-1,leak-kit,2,3", "broken", "more than the 2 owned"),
        ("kits", "ST-1,leak-kit,-1,0", "owned", "outside"),
    ],
)
def test_a_bad_row_is_named_and_left_out(put: Import, store: Store, table: str, line: str, column: str, words: str) -> None:
    headers = {"customers": "id,name,tier", "sites": "id,customer,name,lat,lon", "skills": "technician,skill,level,expires_on"}
    report = put(table, f"{headers.get(table, 'station,kit,owned,broken')}\n{line}\n")
    assert words in the_problem(report)
    assert (report.problems[0].file, report.problems[0].row, report.problems[0].column) == ("in.csv", 2, column)
    assert (report.rows, report.inserted, report.rejected) == (1, 0, 1)
    assert customers(store) == 1


SHIFT = "technician,starts_at,ends_at,break_earliest,break_latest,break_minutes\nT-1,2026-03-02 08:00,2026-03-02 17:00,"


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("2026-03-02 08:00,2026-03-02 16:30,30", ""),
        ("2026-03-02 07:59:59,2026-03-02 16:30,30", "must not be before"),
        ("2026-03-02 08:00,2026-03-02 16:30:01,30", "leaves no 30 minutes"),
        ("2026-03-02 12:00,2026-03-02 11:59:59,30", "must not be before"),
        ("2026-03-02 12:00,,30", "is empty"),
        (",,", ""),
    ],
)
def test_a_break_lies_within_its_shift(put: Import, rest: str, words: str) -> None:
    report = put("shifts", SHIFT + rest)
    assert (report.inserted == 1) == (words == "")
    assert not words or words in the_problem(report)


@pytest.mark.parametrize(("ends", "sound"), [("08:00:01", True), ("08:00", False), ("07:59", False)])
def test_a_shift_ends_after_it_starts(put: Import, ends: str, sound: bool) -> None:
    report = put("shifts", f"technician,starts_at,ends_at\nT-1,2026-03-02 08:00,2026-03-02 {ends}\n")
    assert report.inserted == sound
    assert sound or "is not after starts_at" in the_problem(report)


@pytest.mark.parametrize(("starts", "sound"), [("17:00", True), ("16:59:59", False)])
def test_shifts_of_a_technician_do_not_overlap_stored_or_new_ones(put: Import, starts: str, sound: bool) -> None:
    head = "technician,starts_at,ends_at\n"
    first, second = "T-1,2026-03-02 08:00,2026-03-02 17:00\n", f"T-1,2026-03-02 {starts},2026-03-02 20:00\n"
    other = f"T-2,2026-03-02 {starts},2026-03-02 20:00\n"
    assert put("shifts", head + first + second + other, dry_run=True).inserted == 2 + sound
    put("shifts", head + first)
    report = put("shifts", head + second + other)
    assert report.inserted == 1 + sound
    assert sound or "overlaps the shift of the same technician that starts 2026-03-02 00:00 UTC" in the_problem(report)


TICKET = (
    "id,site,severity,type,opened_at,closed_at,due_at,not_before,window_start,window_end,only,banned\n"
    + "E-1,S-1,general,leak,2026-03-02 08:00,"
)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("2026-03-02 08:00,2026-03-02 08:00,2026-03-02 09:00,2026-03-02 09:00,2026-03-02 09:00,T-1,T-2", ""),
        ("2026-03-02 07:59:59,,,,,,", "before opened_at"),
        (",2026-03-02 07:59:59,,,,,", "before opened_at"),
        (",,,2026-03-02 09:00,,,", "both ends"),
        (",,,,2026-03-02 09:00,,", "both ends"),
        (",,,2026-03-02 09:00,2026-03-02 08:59:59,,", "before window_start"),
        (",,2026-03-02 09:00:01,2026-03-02 09:00,2026-03-02 09:00,,", "work could never begin"),
        (",,,,,T-1; T-2,T-2", "names T-2, whom only names too"),
        (",,,,,T-1; T-9,", "no such id among technicians"),
        (",,,,,T-1; T-1,", "names T-1 twice"),
    ],
)
def test_the_cells_of_a_ticket_agree(put: Import, rest: str, words: str) -> None:
    report = put("tickets", TICKET + rest)
    assert (report.inserted == 1) == (words == "")
    assert not words or words in the_problem(report)


@pytest.mark.parametrize(("ends", "sound"), [("2026-01-01", True), ("2025-12-31", False)])
def test_a_contract_does_not_end_before_it_starts(put: Import, ends: str, sound: bool) -> None:
    text = f"id,customer,policy,starts_on,ends_on\nK-1,C-1,ethanol,2026-01-01,{ends}\n"
    report = put("contracts", text)
    assert report.inserted == sound
    assert sound or "is before starts_on" in the_problem(report)


def test_a_contract_names_a_policy_that_exists(put: Import) -> None:
    assert "allowed are ethanol, terpinene" in the_problem(
        put("contracts", EVERY_TABLE["contracts"].replace("ethanol", "etanol"), policies={"terpinene", "ethanol"})
    )


def test_a_contacts_site_is_one_of_its_customer(put: Import) -> None:
    put("customers", "id,name,tier\nC-2,Other,B\n")
    assert "belongs to customer 'C-1', not 'C-2'" in the_problem(put("contacts", "id,customer,site,name\nP-1,C-2,S-1,王敏\n"))


def test_an_update_says_what_changed_and_leaves_other_rows_alone(put: Import, store: Store) -> None:
    put("customers", "id,name,tier,segment\nC-2,Other,B,steel\nC-3,Third,C,\n")
    report = put("customers", "id,name,tier\nC-2,Another,B\n")
    assert (report.inserted, report.updated, report.unchanged) == (0, 1, 0)
    assert [(change.row, change.key, change.column, change.old, change.new) for change in report.changes] == [
        (2, "C-2", "name", "Other", "Another")
    ]
    assert kept(store, Customer, "C-2").segment == "steel"
    assert kept(store, Customer, "C-3").name == "Third"


def test_an_update_is_checked_together_with_what_is_stored(put: Import) -> None:
    put("kits", "station,kit,owned,broken\nST-1,leak-kit,3,2\n")
    assert "more than the 1 owned" in str(put("kits", "station,kit,owned\nST-1,leak-kit,1\n").problems[0])


def test_taking_out_of_use_and_bringing_back_are_asked_for_by_name(put: Import, store: Store) -> None:
    put("customers", "id,name,tier,retired\nC-2,Other,B,yes\n")
    assert kept(store, Customer, "C-2").retired_at == NOW
    silent = put("customers", "id,name,tier,retired\nC-2,Other,B,\n")
    assert silent.unchanged == 1
    assert "stay so" in silent.notices[0]
    put("customers", "id,name,tier,retired\nC-2,Other,B,no\n")
    assert kept(store, Customer, "C-2").retired_at is None


def test_an_old_file_does_not_reopen_a_ticket(put: Import, store: Store) -> None:
    text = EVERY_TABLE["tickets"].replace("only\n", "only,state,closed_at\n").replace("T-1\n", "T-1,open,\n")
    put("tickets", text)
    with store.session() as session:
        ticket = session.get_one(Ticket, "E-7")
        ticket.state, ticket.closed_at = "done", ticket.opened_at
    assert put("tickets", text).unchanged == 1
    assert kept(store, Ticket, "E-7").state == "done"


def test_of_exact_copies_one_goes_in_and_of_rows_that_differ_none(put: Import) -> None:
    report = put("customers", "id,name,tier\nC-2,Same,B\nC-2,Same,B\nC-3,One,B\nC-3,Two,B\nC-4,Alone,B\n")
    assert (report.inserted, report.rejected) == (2, 3)
    messages = [str(problem) for problem in report.problems]
    assert "row 3, id 'C-2': repeats row 2" in messages[0]
    assert "row 4, id 'C-3': also in row 5" in messages[1]


def test_a_dry_run_writes_nothing_and_says_the_same(put: Import, store: Store, tmp_path: Path) -> None:
    text, rejects = "id,name,tier\nC-2,Other,B\nC-1,新名,A\nC-3,Bad,X\n", tmp_path / "rejects.csv"
    dry = put("customers", text, dry_run=True, rejects_path=rejects)
    assert customers(store) == 1
    assert not rejects.exists()
    wet = put("customers", text, rejects_path=rejects)
    counts = [(report.inserted, report.updated, report.unchanged, report.rejected, report.changes) for report in (dry, wet)]
    assert counts[0] == counts[1] == (1, 1, 0, 1, wet.changes)
    assert rejects.exists()


def test_nothing_goes_in_when_the_import_fails_at_the_end(put: Import, store: Store, tmp_path: Path) -> None:
    (tmp_path / "rejects").mkdir()
    with pytest.raises(BadInput, match="rejects file cannot be written"):
        put("customers", "id,name,tier\nC-2,Other,B\nC-3,Bad,X\n", rejects_path=tmp_path / "rejects")
    assert customers(store) == 1


def test_a_mended_rejects_file_goes_in_as_it_was_meant(put: Import, store: Store, tmp_path: Path) -> None:
    names = ["=1+1", "+86", "-5", "@x", "'quoted", "''", "＝x", "<b>bold</b>", 'with "quotes", commas']
    lines = [[f"N-{number}", name, "X"] for number, name in enumerate(names)]
    path, rejects = tmp_path / "in.csv", tmp_path / "rejects.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["ID", "客户名称", "tier"], *lines])
    import_file(store, "customers", path, now=NOW, rejects_path=rejects)
    raw = rejects.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with rejects.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["ID", "客户名称", "tier", "problem"]
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert "tier 'X': is not allowed; write one of A, B, C" in rows[1][3]
    for row in rows[1:]:
        row[2] = "A"
    with rejects.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(rows)
    report = import_file(store, "customers", rejects, now=NOW)
    assert (report.inserted, report.rejected) == (len(names), 0)
    assert [kept(store, Customer, f"N-{number}").name for number in range(len(names))] == names


def test_a_rejects_file_rejected_again_keeps_its_cells(put: Import, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    put("customers", "id,name,tier\n-1,'=x,X\n", rejects_path=first)
    put("customers", first.read_bytes(), name="again.csv", rejects_path=second)
    assert second.read_bytes() == first.read_bytes()


def test_the_rejects_file_never_replaces_the_file_read(put: Import, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="would replace the file"):
        put("customers", "id,name,tier\n", rejects_path=tmp_path / "in.csv")


def test_a_ten_megabyte_cell_is_one_bad_row_with_a_short_message(put: Import) -> None:
    report = put("customers", f"id,name,tier\nC-2,{'长' * 10_000_000},A\nC-3,Other,B\n")
    assert (report.inserted, report.rejected) == (1, 1)
    assert "has 10000000 characters, 200 are allowed" in the_problem(report)
    assert len(the_problem(report)) < 300


def test_gcj02_coordinates_are_brought_to_wgs84_and_the_same_file_changes_nothing(put: Import, store: Store) -> None:
    text = "id,customer,name,lat,lon\nS-2,C-1,North,31.5689,120.2886\n"
    put("sites", text, datum="gcj02")
    site = kept(store, Site, "S-2")
    assert 0.001 < abs(site.lat - 31.5689) + abs(site.lon - 120.2886) < 0.02
    assert put("sites", text, datum="GCJ-02").unchanged == 1
    with pytest.raises(BadInput, match="allowed are WGS-84, GCJ-02, BD-09"):
        put("sites", text, datum="mars")


def test_an_address_is_geocoded_and_a_doubtful_one_left_to_a_person(put: Import, store: Store, tmp_path: Path) -> None:
    addresses = ["江苏省无锡市滨湖区蠡湖大道1号", "通州区新华大街", "江苏省", "某某村3组"]
    text = "\n".join(["id,customer,name,address", *(f"S-{number},C-1,A,{address}" for number, address in enumerate(addresses, start=2))])
    report = put("sites", text, geocoder=offline_geocoder(), rejects_path=tmp_path / "rejects.csv")
    assert (report.inserted, report.rejected) == (1, 3)
    assert kept(store, Site, "S-2").lat == pytest.approx(31.569, abs=0.01)
    assert [(placed.key, placed.label) for placed in report.placed] == [("S-2", "江苏省无锡市 (Wuxi)")]
    assert [(doubt.key, doubt.why) for doubt in report.doubtful] == [
        ("S-3", "several places have this name"),
        ("S-4", "only the province is recognised"),
        ("S-5", "not found"),
    ]
    assert any("Tongzhou" in candidate for candidate in report.doubtful[0].candidates)
    assert "Jinsha" in (tmp_path / "rejects.csv").read_text("utf-8-sig")


def test_a_place_a_person_corrected_stays_until_the_address_changes(put: Import, store: Store) -> None:
    text = "id,customer,name,address,lat,lon\nS-2,C-1,A,江苏省无锡市,,\n"
    put("sites", text, geocoder=offline_geocoder())
    with store.session() as session:
        session.get_one(Site, "S-2").lat = 31.5
    assert put("sites", text, geocoder=offline_geocoder()).unchanged == 1
    moved = put("sites", text.replace("无锡", "苏州"), geocoder=offline_geocoder())
    assert [change.column for change in moved.changes] == ["address", "lat", "lon"]


def test_a_file_with_its_own_headers_goes_in_by_mapping(put: Import, store: Store) -> None:
    text = "plant,y,x,fuel\n塔,31.5,120.5,Hydro\nB,31.6,120.6,Coal\n"
    report = put("sites", text, mapping={"plant": "name", "y": "lat", "x": "lon"}, constants={"customer": "C-1", "id": "P-{row}-{fuel}"})
    assert report.inserted == 2
    assert report.notices == ["columns left out: fuel"]
    assert kept(store, Site, "P-2-Hydro").name == "塔"
    with pytest.raises(BadInput, match="no column 'yy' to map"):
        put("sites", text, mapping={"yy": "lat"})
    with pytest.raises(BadInput, match="the file has no column 'colour'"):
        put("sites", text, constants={"id": "{colour}"})


POWER_PLANTS = Path(__file__).parents[2].parent / "shared" / "data" / "gppd_china" / "gppd_chn_rows.csv"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "power-plants"


@pytest.mark.skipif(not POWER_PLANTS.exists(), reason=f"../shared/data/gppd_china/{POWER_PLANTS.name} is not there")
def test_the_walkthrough_over_the_power_plants_of_china_goes_in(store: Store) -> None:
    import_file(store, "customers", EXAMPLES / "customers.csv", now=NOW)
    own_headers: dict[str, Any] = {"mapping": {"latitude": "lat", "longitude": "lon"}}
    named = import_file(store, "sites", POWER_PLANTS, now=NOW, constants={"customer": "GPPD", "id": "{name}"}, dry_run=True, **own_headers)
    assert (named.inserted, named.rejected) == (3028, 13)
    numbered: dict[str, Any] = {"constants": {"customer": "GPPD", "id": "CHN-{row}"}}
    plants = [import_file(store, "sites", POWER_PLANTS, now=NOW, **own_headers, **numbered) for _ in range(2)]
    assert [(report.inserted, report.unchanged, report.rejected) for report in plants] == [(3041, 0, 0), (0, 3041, 0)]
    for table in ("stations", "kits", "technicians", "skills", "shifts", "tickets"):
        report = import_file(store, table, EXAMPLES / f"{table}.csv", now=NOW, geocoder=offline_geocoder())
        assert report.inserted == report.rows > 0


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from data_models.intake import load
from data_models.store import Store, make_engine
load.write_rejects = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
now = datetime(2026, 3, 2, tzinfo=UTC)
load.import_file(Store(make_engine(sys.argv[1])), "customers", Path(sys.argv[2]), now=now, rejects_path=Path("r.csv"))
"""


def test_an_import_killed_before_its_end_leaves_nothing_and_can_be_repeated(store: Store, put: Import, tmp_path: Path) -> None:
    text = "id,name,tier\n" + "".join(f"N-{number},Name,A\n" for number in range(3000)) + "N-X,Bad,X\n"
    (tmp_path / "in.csv").write_text(text)
    url = store.engine.url.render_as_string()
    killed = subprocess.run([sys.executable, "-c", KILLED, url, str(tmp_path / "in.csv")], cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL, "it died after its rows were written and before they were committed"
    assert customers(store) == 1
    assert put("customers", text).inserted == 3000


def test_five_thousand_rows_go_in_and_change_in_bulk(put: Import, store: Store) -> None:
    rows = [f"S{number},C-1,Site {number},{20 + number / 500},{100 + number / 500}" for number in range(5000)]
    text = "\n".join(["id,customer,name,lat,lon", *rows])
    assert put("sites", text).inserted == 5000
    report = put("sites", text.replace("Site 1", "Place 1"))
    assert (report.updated, report.unchanged) == (1111, 3889)
    with store.reading() as session:
        assert session.scalar(select(func.count()).where(Site.name.startswith("Place"))) == 1111
