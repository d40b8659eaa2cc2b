"""The first answer to a ticket as a coordinator reads it on the phone: who has it, who could come, who knows, and what else would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.table import Table

from console.printing import few, plain, print_json, terminal
from console.text import duration

if TYPE_CHECKING:
    from config.settings import Settings
    from flows.experts import Expert
    from flows.first_answer import Comer, Delay, FirstAnswer, Offer, RepairOffer

MOST_MOVES = 8
CLEARLY_LESS = 0.005
"""A delayed visit whose chance falls by less than this keeps it."""


def print_answer(answer: FirstAnswer, settings: Settings, *, as_json: bool = False) -> None:
    """Print a first answer; times in the company's zone."""
    if as_json:
        print_json({**asdict(answer), "in_time": answer.in_time})
        return
    out, zone = terminal(), ZoneInfo(settings.timezone)
    for line in _heading(answer, zone):
        out.print(line, soft_wrap=True)
    if answer.kind in ("closed", "under_way"):
        return
    if answer.offers:
        out.print(_offers(answer, zone))
    elif answer.kind == "open":
        out.print("[yellow]nobody can take it as the plan stands[/]")
    if answer.repair is not None:
        for line in _repair(answer.repair, zone):
            out.print(line, soft_wrap=True)
    elif answer.kind == "open" and not answer.in_time and answer.due is not None and answer.due > answer.at:
        out.print("no way to be in time was found by moving others at once; a search may find one: twohour plan")
    for reason in answer.reasons:
        out.print(f"  {plain(reason.text)}", soft_wrap=True)
    for expert in answer.experts:
        out.print(_expert(expert, zone), soft_wrap=True)
    if answer.given_up:
        out.print(f"[yellow]![/] as things stand nobody gets to {plain(few(answer.given_up, 6))}, which the plan promises: plan again")
    basis = f"plan {answer.plan}" if answer.plan is not None else "no published plan: people idle at their stations"
    out.print(f"[dim]by {basis}, as of {answer.at.astimezone(zone):%m-%d %H:%M}[/]")


def _heading(answer: FirstAnswer, zone: ZoneInfo) -> Iterator[str]:
    where = f", {plain(answer.where)}" if answer.where else ""
    due = f", due on site {answer.due.astimezone(zone):%m-%d %H:%M}" if answer.due is not None else ""
    yield f"[bold]{plain(answer.ticket)}[/] ({answer.severity}{where}){due}"
    has = answer.assigned
    people = ", ".join(_named(who, name) for who, name in zip(has.technicians, has.names, strict=True)) if has else ""
    if answer.kind == "closed":
        when = f" at {answer.closed_at.astimezone(zone):%m-%d %H:%M}" if answer.closed_at else ""
        yield f"it is closed ({answer.state}{when}): nobody has to come; report it again if it is not over"
    elif answer.kind == "under_way":
        until = f", until {has.finish.astimezone(zone):%m-%d %H:%M}" if has and has.finish else ""
        yield f"work on it has begun: {people or 'by whom is not known'}{until}"
    elif has is not None and has.start is not None:
        chance = f", {_share(has.chance)} sure to be in time" if has.chance is not None else ""
        yield f"it is planned: {people} from {has.start.astimezone(zone):%m-%d %H:%M}{chance}; others could take it:"


def _offers(answer: FirstAnswer, zone: ZoneInfo) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(("who", "from station", "km", "arrives", "in time", "chance", "added cost", "delays")):
        table.add_column(heading, justify="left" if number in (0, 1, 7) else "right", header_style="dim", overflow="fold")
    for offer in answer.offers:
        has = answer.assigned
        as_planned = has is not None and set(has.technicians) == {who.technician for who in offer.people} and has.start == offer.start
        table.add_row(
            *_row(offer, zone), "[dim]as planned[/]" if as_planned else few([_delay(each) for each in offer.delays], 2) or "nobody"
        )
    if answer.more:
        table.add_row("…", f"and {answer.more} more")
    return table


def _row(offer: Offer, zone: ZoneInfo) -> tuple[str, ...]:
    people = offer.people
    late = "yes" if offer.late_minutes == 0 else f"[yellow]{duration(offer.late_minutes)} late[/]"
    return (
        "\n".join(_named(who.technician, who.name) for who in people),
        "\n".join(_station(who) for who in people),
        "\n".join(f"{who.distance_km:,.0f}" for who in people),
        "\n".join(_time(who.arrives, zone) for who in people),
        late,
        _share(offer.chance),
        f"{offer.added_cost:,.0f}",
    )


def _named(who: str, name: str) -> str:
    return plain(name if name == who else f"{name} ({who})")


def _station(who: Comer) -> str:
    marks = (["neighbour"] if who.neighbour else []) + ([f"region {plain(who.other_region)}"] if who.other_region else [])
    return plain(who.station_name) + (f" [cyan]{', '.join(marks)}[/]" if marks else "")


def _delay(each: Delay) -> str:
    falls = each.chance_now is not None and each.chance_then is not None and each.chance_then < each.chance_now - CLEARLY_LESS
    return f"{plain(each.ticket)} by {duration(each.minutes)}" + (
        f" ({_share(each.chance_now)} → {_share(each.chance_then)})" if falls else ""
    )


def _share(chance: float | None) -> str:
    return "–" if chance is None else f"{chance:.0%}"


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"


def _expert(expert: Expert, zone: ZoneInfo) -> str:
    skills = ", ".join(f"{skill} {level}" for skill, level in expert.skills.items())
    busy = expert.busy
    doing = "free" if busy is None else f"{busy.how} ({busy.ticket}) until {_time(busy.until, zone)}"
    phone = f", {expert.phone}" if expert.phone else ""
    what = "expert from afar" if expert.is_expert else "knows most, from afar"
    on_call = ", on call" if expert.shift == "on_call" else ""
    return plain(f"{what}: ") + _named(expert.technician, expert.name) + plain(f"{phone}, {expert.station}, {skills}; {doing}{on_call}")


def _repair(repair: RepairOffer, zone: ZoneInfo) -> Iterator[str]:
    late = "in time" if repair.late_minutes == 0 else f"{duration(repair.late_minutes)} late"
    sure = f", {_share(repair.chance)} sure to be in time" if repair.chance is not None else ""
    yield f"[bold]by moving others[/] it begins {_time(repair.start, zone)}, {late}{sure}; the plan then costs {repair.cost_change:+,.0f}:"
    for move in repair.moves[:MOST_MOVES]:
        before = f"{', '.join(move.before)} {_time(move.start_before, zone)}" if move.start_before else "not planned"
        after = f"{', '.join(move.after)} {_time(move.start_after, zone)}" if move.start_after else "[yellow]not planned[/]"
        yield f"  {plain(move.ticket)}: {plain(before) if move.start_before else before} → {plain(after) if move.start_after else after}"
    if len(repair.moves) > MOST_MOVES:
        yield f"  and {len(repair.moves) - MOST_MOVES} more"
