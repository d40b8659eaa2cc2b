"""`demo`: the whole product on a made-up company, from import files to published maps, on this machine alone."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from config.demo import words
from console.front_door import LARGEST_NUMBER, search_limit
from data_models.errors import BadInput

if TYPE_CHECKING:
    from flows.papers import Paper
    from flows.planning import JudgedPlan

MARK = ".twohour-demo"
"""A folder with this file was made by the demo, and may be made anew by it."""


def demo(
    out: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("out"),
    seconds: Annotated[float, typer.Option(help="How long to search for the plan.")] = 20.0,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Of the company and of the search.")] = 1,
    at: Annotated[str | None, typer.Option(help="The moment to plan for; 08:00 in Shanghai today when absent.")] = None,
) -> None:
    """Plan the demo company's day: import, a year of history, solve, check, explain, approve, publish."""
    from console.company import moment
    from console.printing import print_judged, print_published, terminal

    began = time.monotonic()
    zone = ZoneInfo("Asia/Shanghai")
    now = moment("--at", at) if at else datetime.now(zone).replace(hour=8, minute=0, second=0, microsecond=0)
    home = out / "demo"
    search_limit(seconds, None)
    _fresh_folder(home)
    say = terminal()
    if _use_demo_settings(out, home):
        say.print(
            "[yellow]![/] TWOHOUR_DATABASE_URL is set: the demo neither reads nor changes that store, it has one of its own", soft_wrap=True
        )
    with _server(home / "prefect"):
        _import_company(home / "tables", now, seed)
        with _step("planning the day (flow plan-day)") as tell:
            number = _run_flow(now, seconds, seed, tell)
        papers, judged = _approve_and_publish(number)
    say.print()
    print_judged(judged, interrupted=False)
    say.print()
    print_published(number, papers)
    say.print(f"\nDone in {time.monotonic() - began:.0f} s; everything that was started is stopped. What next:")
    for step, what in _next_steps(number, home, papers[0].path.parent, now):
        say.print(f"  {step}\n      [dim]{what}[/]", soft_wrap=True)


def _next_steps(number: int, home: Path, folder: Path, now: datetime) -> Iterator[tuple[str, str]]:
    """Commands and what they give; those about the day ask as of its moment, since nothing is told of the hours after it."""
    twohour, moment = _command(), now.isoformat(timespec="minutes")
    yield f"export TWOHOUR_DATABASE_URL={os.environ['TWOHOUR_DATABASE_URL']}", "the commands below then look at the demo's store"
    yield f'export TWOHOUR_CONTACT_KEYS="$(cat {home / "contact.key"})"', "and open its contact data, which is sealed with a key of its own"
    yield f"open {folder / 'plan-map.html'}", "the plan on a map, in any browser, without a network"
    yield f"{twohour} show {number}", "the plan with the reasons of what is late or not planned"
    yield f"{twohour} clocks --at {moment}", "the promises at risk and missed at the moment of the plan"
    yield f"{twohour} respond {words.ASKED_FOR} --at {moment}", "who else could take a ticket, when, how surely, at what price"
    yield f"{twohour} readiness", "who is left for the next emergency, hour by hour"
    yield f"{twohour} report --month --from {_last_month(now)} --language en", "how service went last month"
    yield f"{twohour} export --plan {number} --out case.json", "the case, to solve again or to mail"
    yield f"{twohour} import --template --table sites sites.xlsx", "begin with your own company; see docs/running.md"


def _last_month(now: datetime) -> date:
    return (now.replace(day=1) - timedelta(days=1)).date()


def demo_of_today(out: Path) -> Path:
    """The folder of the demo company with today's plan, made now if it is not there; its settings hold for this process from now on."""
    home = out / "demo"
    made = home / "twohour.sqlite"
    zone = ZoneInfo("Asia/Shanghai")
    is_todays = made.exists() and datetime.fromtimestamp(made.stat().st_ctime, zone).date() == datetime.now(zone).date()
    if (home / MARK).exists() and is_todays:
        _use_demo_settings(out, home)
    else:
        demo(out, at=None)
    _tell_the_day(home / "tables", datetime.now(zone))
    return home


def _tell_the_day(folder: Path, now: datetime) -> None:
    """Let the day go by its published plan until now, for whoever looks at it as it is now; told twice it is merged."""
    from config.demo.history import write_day
    from config.settings import load_settings
    from data_models.store import open_store, published_plan
    from flows.dispatch import read_plan
    from flows.events import tell_text

    settings = load_settings()
    with _step("telling what happened since") as tell, open_store(settings.database_url.get_secret_value()) as store:
        with store.reading() as session:
            row = published_plan(session, "")
            number = None if row is None else row.id
        if number is not None:
            kept = read_plan(store, number)
            told = tell_text(store, write_day(folder, kept.judged.plan, kept.snapshot.case.now, now).read_bytes(), "demo", now)
            tell(f"{len(told.answers):,} events")


def _command() -> str:
    """How to call the command line from here: by its name when it is on the path, else from the virtual environment."""
    return "twohour" if shutil.which("twohour") else str(Path(".venv/bin/twohour"))


def _fresh_folder(home: Path) -> None:
    if home.exists() and not (home / MARK).exists():
        raise BadInput(f"{home} exists and was not made by the demo; choose another folder with --out")
    shutil.rmtree(home, ignore_errors=True)
    try:
        home.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{home} cannot be made ({error.strerror}); choose another folder with --out") from error
    (home / MARK).write_text("Made by `twohour demo`, which makes it anew.\n", encoding="utf-8")


def _use_demo_settings(out: Path, home: Path) -> bool:
    """Put the demo's own settings in place of all others: those of the real company must neither be read nor changed by it.

    Gives whether the environment named another store.
    """
    key = _own_key(home)
    own = f"sqlite:///{(home / 'twohour.sqlite').absolute()}"
    names_another = os.environ.get("TWOHOUR_DATABASE_URL", own) != own
    for name in [name for name in os.environ if name.startswith("TWOHOUR_") and name != "TWOHOUR_DEBUG"]:
        del os.environ[name]
    os.environ |= {
        "TWOHOUR_DATABASE_URL": own,
        "TWOHOUR_OUTPUT_DIR": str(out.absolute()),
        "TWOHOUR_POLICY": "ethanol",
        "TWOHOUR_TRAVEL_PROVIDER": "great_circle",
        "TWOHOUR_REGION": "",
        "TWOHOUR_TIMEZONE": "Asia/Shanghai",
        "TWOHOUR_LINK_SECRET": secrets.token_hex(32),
        "TWOHOUR_CONTACT_KEYS": key.read_text(encoding="ascii").strip(),
    }
    return names_another


def _own_key(home: Path) -> Path:
    """The file with the demo's own key of contact data, made when it is not there. Beside its data is no place for the key of a company."""
    from data_models.sealing import new_key

    file = home / "contact.key"
    if not file.exists():
        file.touch(0o600)
        file.write_text(new_key(datetime.now(UTC).date()) + "\n", encoding="ascii")
    return file


@contextmanager
def _server(home: Path) -> Iterator[None]:
    from flows.stack import prefect_server, server_environment

    with ExitStack() as running:
        with _step("starting a Prefect server"):
            server = running.enter_context(prefect_server(home))
        # The runs below log for the progress line and the server, which needs more than warnings.
        logs = {"PREFECT_LOGGING_LEVEL": "INFO", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
        with _environment(server_environment(home.absolute(), server.api_url) | logs):
            try:
                yield
            finally:
                _send_what_is_left()


@contextmanager
def _environment(names: Mapping[str, str]) -> Iterator[None]:
    """These variables for the length of the block: whoever comes after must not take this server for one that runs."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _send_what_is_left() -> None:
    """Give the server the last logs and events of our runs while it lives: Prefect would seek it for a minute when the program ends."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


def _import_company(folder: Path, now: datetime, seed: int) -> None:
    from config.demo.company import write_company
    from config.demo.history import write_history
    from config.settings import load_settings
    from data_models.store import open_store
    from flows.events import tell_text
    from flows.intake import import_table

    settings = load_settings()
    with _step("importing the demo company") as tell, open_store(settings.database_url.get_secret_value()) as store:
        rows = 0
        for table, path in write_company(folder, now, seed):
            report = import_table(store, settings, table, path, now=datetime.now(UTC))
            if report.rejected:
                raise BadInput(*(str(problem) for problem in report.problems))
            rows += report.rows
        # Where the day is still to come, what was told before it arrives with it.
        told = tell_text(store, write_history(folder, now, seed).read_bytes(), "demo", max(now, datetime.now(UTC)))
        if told.unreadable or set(told.counts) != {"counts"}:
            raise BadInput(f"the demo's history was not taken as it is: {told.counts}")
        tell(f"{rows:,} rows, {len(told.answers):,} events of a year")


def _run_flow(now: datetime, seconds: float, seed: int, tell: Callable[[str], None]) -> int:
    """Run `plan-day` in this process against the server, showing its log lines as they come."""
    from flows.plan_day import plan_day

    handler, logger = _Telling(tell), logging.getLogger("prefect.task_runs")
    logger.addHandler(handler)
    try:
        number = plan_day(at=now, seconds=seconds, seed=seed)
    finally:
        logger.removeHandler(handler)
    assert isinstance(number, int)  # noqa: S101  (a flow called in the foreground gives its result)
    return number


class _Telling(logging.Handler):
    """Passes what a run logs on to a progress line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("Finished in state"):
            self.tell(record.getMessage())


def _approve_and_publish(number: int) -> tuple[tuple[Paper, ...], JudgedPlan]:
    from config.settings import load_settings
    from data_models.store import open_store
    from flows import dispatch
    from flows.planning import with_chances

    settings = load_settings()
    with _step("approving and publishing") as tell, open_store(settings.database_url.get_secret_value()) as store:
        papers = dispatch.approve_and_publish(
            store, settings, number, by="demo", at=datetime.now(UTC), reason="the demo approves its own plan"
        )
        tell(f"{len(papers)} papers")
        return papers, with_chances(dispatch.read_plan(store, number).judged, settings.uncertainty)


@contextmanager
def _step(what: str) -> Iterator[Callable[[str], None]]:
    """A line for one step: while it lasts a spinner with what it tells, then how long it took."""
    from rich.console import Console
    from rich.markup import escape

    from console.printing import terminal

    began, last = time.monotonic(), [""]
    with Console(stderr=True).status(f"{what} …") as status:

        def tell(line: str) -> None:
            last[0] = line
            status.update(f"{what} … [dim]{escape(line)}[/]")

        yield tell
    terminal().print(f"[green]✓[/] {what} [dim]{time.monotonic() - began:.1f} s  {escape(last[0])}[/]")
