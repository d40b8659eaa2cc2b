"""The command line: `twohour COMMAND`. Commands live beside their kind; this module only gathers them and guards the edge."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from console import (
    answering,
    company,
    demonstration,
    doctor,
    front_door,
    happenings,
    keys,
    overrides,
    people,
    readings,
    reoptimizing,
    replanning,
    replaying,
    reporting,
    serving,
    siting,
    studio,
    watching,
    webhooks,
)
from console import notices as outbox
from console import readiness as ready
from console.text import printable
from data_models.errors import BadInput, Conflict, Infeasible, NotFound, TwohourError

EXIT_RULE_BROKEN = 1
EXIT_BAD_INPUT = 2
EXIT_FAILED = 3
EXIT_READER_GONE = 141
"""As a program that SIGPIPE ended: neither done nor failed."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: what was begun is undone, what was started is stopped."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM, with the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class ReaderGone(Exception):
    """The reader of our output went away, as in `twohour show | head`."""


class _Commands(TyperGroup):
    """Lets `main` decide how these two end; Typer ends them with statuses that mean something else here."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted(_signal_of(error)) from error
        except BrokenPipeError as error:
            raise ReaderGone from error


app = typer.Typer(
    name="twohour",
    cls=_Commands,
    help="Plan who drives where, against promises such as “on site within 2 hours”.",
    epilog="Exit status: 0 done, 1 a rule is broken, rows were set aside or somebody was first, 2 bad input, "
    "3 something failed, 130 interrupted (143 by SIGTERM; a search then keeps its best plan so far).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"twohour {version('twohour')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")] = False,
) -> None:
    """Plan who drives where, against promises such as “on site within 2 hours”."""


for name, command, panel in (
    ("demo", demonstration.demo, "Start here"),
    ("doctor", doctor.doctor, "Start here"),
    ("import", company.import_, "The company's day"),
    ("plan", company.plan, "The company's day"),
    ("show", company.show, "The company's day"),
    ("approve", company.approve, "The company's day"),
    ("publish", company.publish, "The company's day"),
    ("tell", happenings.tell, "The company's day"),
    ("events", happenings.events, "The company's day"),
    ("clocks", watching.clocks, "The company's day"),
    ("serve", serving.serve, "The company's day"),
    ("notices", outbox.notices, "The company's day"),
    ("readings", readings.readings, "The company's day"),
    ("respond", answering.respond, "The company's day"),
    ("reoptimize", reoptimizing.reoptimize, "The company's day"),
    ("readiness", ready.readiness, "The company's day"),
    ("report", reporting.report, "The company's day"),
    ("up", serving.up, "The company's day"),
    ("overrides", overrides.overrides, "The company's day"),
    ("solve", front_door.solve, "Files"),
    ("check", front_door.check, "Files"),
    ("prove", front_door.prove, "Files"),
    ("candidates", front_door.candidates, "Files"),
    ("replay", replaying.replay, "Files"),
    ("difference", replanning.difference, "Files"),
    ("replan", replanning.replan, "Files"),
    ("locate", siting.locate, "Files"),
    ("export", company.export, "Files"),
):
    app.command(name, rich_help_panel=panel)(command)


for name, group, panel in (
    ("study", studio.study, "Planning stations"),
    ("people", people.people, "People"),
    ("tokens", people.tokens, "People"),
    ("audit", people.audit, "People"),
    ("keys", keys.keys, "People"),
    ("webhooks", webhooks.webhooks, "People"),
):
    app.add_typer(group, name=name, rich_help_panel=panel)


def main() -> None:
    """Run the command line; every error becomes one message and an exit status, never a traceback."""
    try:
        try:
            with _ended_by_sigterm():
                app(prog_name="twohour")
        finally:
            sys.stdout.flush()  # here, where a reader that is gone can still be told from a failure
    except (BadInput, NotFound) as error:
        _fail(str(error), EXIT_BAD_INPUT)
    except (Infeasible, Conflict) as error:
        _fail(str(error), EXIT_RULE_BROKEN)
    except TwohourError as error:
        _fail(str(error), EXIT_FAILED)
    except (Interrupted, KeyboardInterrupt) as error:
        number = error.number if isinstance(error, Interrupted) else _signal_of(error)
        _fail("interrupted; nothing unfinished was written", front_door.status_of_signal(number))
    except (ReaderGone, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_READER_GONE)
    except Exception as error:
        if os.environ.get("TWOHOUR_DEBUG"):
            raise
        _fail(f"{type(error).__name__}: {error}\nThis is a fault of twohour; TWOHOUR_DEBUG=1 shows where.", EXIT_FAILED)


def _signal_of(interrupt: BaseException) -> int:
    return signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Raises `Terminated` upon SIGTERM, unless whoever started us chose something else."""

    def end(_number: int, _frame: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _fail(message: str, status: int) -> None:
    for line in message.splitlines():
        print(f"twohour: {printable(line)}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
