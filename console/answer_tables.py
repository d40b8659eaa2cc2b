"""The first answer to a ticket as a coordinator reads it on the phone: who has it, who could come, who knows, and what else would help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.table import Table

from console.printing import few, plain, print_json, terminal
from console.text import duration, time_of_day

if TYPE_CHECKING:
    from config.settings import Settings
    from flows.experts import Expert
    from flows.first_answer import Comer, Delay, FirstAnswer, Offer, RepairOffer

MOST_MOVES = 8
MOST_OTHERS = 5
"""Offers beside that of whoever has the ticket, all of them in time."""
MOST_LATE = 3
"""Offers that are shown where none is in time."""
NEIGHBOUR, ELSEWHERE = "†", "‡"
CLEARLY_LESS = 0.005
"""A delayed visit whose chance falls by less than this keeps it."""


def print_answer(answer: FirstAnswer, settings: Settings, *, as_json: bool = False) -> None:
    """Print a first answer; times in the company's zone."""
    if as_json:
        print_json({**asdict(answer), "in_time": answer.in_time})
        return
    out, zone = terminal(), ZoneInfo(settings.timezone)
    for line in _heading(answer, zone):
        out.print(line, soft_wrap=not out.is_terminal)
    if answer.kind in ("closed", "under_way"):
        return
    if answer.offers:
        out.print(_offers(answer, zone))
    elif answer.kind == "open":
        out.print("[yellow]nobody can take it as the plan stands[/]")
    if answer.repair is not None:
        for line in _repair(answer.repair, zone):
            out.print(line, soft_wrap=not out.is_terminal)
    elif answer.kind == "open" and not answer.in_time and answer.due is not None and answer.due > answer.at:
        out.print("no way to be in time was found by moving others at once; a search may find one: twohour plan")
    for reason in answer.reasons:
        out.print(f"  {plain(reason.text)}", soft_wrap=not out.is_terminal)
    for expert in answer.experts[:1]:
        others = [_named(other.technician, other.name) for other in answer.experts[1:]]
        out.print(_expert(expert, zone) + (f"; else {', '.join(others)}" if others else ""), soft_wrap=not out.is_terminal)
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
        # Nobody may have told what a plan lets expect.
        how = ("it was told that", "") if has is not None and has.told else ("by the plan", "; nobody has told so")
        yield f"{how[0]} work on it has begun: {people or 'by whom is not known'}{until}{how[1]}"
    elif has is not None and has.start is not None:
        chance = f", {_share(has.chance)} sure to be in time" if has.chance is not None else ""
        alone = all(_is_theirs(answer, offer) for offer in answer.offers)
        others = "; nobody else could take it as the plan stands" if alone else ""
        yield f"it is planned: {people} from {has.start.astimezone(zone):%m-%d %H:%M}{chance}{others}"


def _offers(answer: FirstAnswer, zone: ZoneInfo) -> Table:
    """Whoever has it first, then the best few; a line for each person."""
    shown, left_out = offers_to_show(answer)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(("who", "station", "km", "arrives", "in time", "cost", "delays")):
        is_text = number in (0, 1, 6)
        # Names may be folded where the terminal is narrow; a figure that is cut says something else.
        table.add_column(heading, justify="left" if is_text else "right", header_style="dim", overflow="fold", no_wrap=not is_text)
    for offer in shown:
        last = "[bold]has it now[/]" if _is_theirs(answer, offer) else _delays(offer)
        for number, who in enumerate(offer.people):
            arrives = time_of_day(who.arrives, answer.at.astimezone(zone))
            first = number == 0
            table.add_row(
                _named(who.technician, who.name),
                _station(who),
                f"{who.distance_km:,.0f}",
                arrives,
                _in_time(offer) if first else "",
                f"{offer.added_cost:,.0f}" if first else "",
                last if first else "[dim]together[/]",
            )
    table.caption = _caption(answer, shown, left_out)
    table.caption_justify = "left"
    return table


def offers_to_show(answer: FirstAnswer) -> tuple[tuple[Offer, ...], int]:
    """The offers worth a look, and how many others there are.

    Whoever has the ticket comes first, then those who can be in time, the best first; where nobody can, those who come first. The same
    people, in a later shift say, are named once, by their best offer.
    """
    by_people: dict[frozenset[str], Offer] = {}
    for offer in sorted(answer.offers, key=lambda offer: not _is_theirs(answer, offer)):
        by_people.setdefault(frozenset(who.technician for who in offer.people), offer)
    theirs = [offer for offer in by_people.values() if _is_theirs(answer, offer)]
    others = [offer for offer in by_people.values() if not _is_theirs(answer, offer)]
    in_time = [offer for offer in others if offer.late_minutes == 0]
    least_late = sorted(others, key=lambda offer: offer.late_minutes)
    best = in_time[:MOST_OTHERS] or least_late[: MOST_LATE if not theirs else 1]
    return (*theirs, *best), len(others) - len(best) + answer.more


def _is_theirs(answer: FirstAnswer, offer: Offer) -> bool:
    has = answer.assigned
    return has is not None and set(has.technicians) == {who.technician for who in offer.people} and has.start == offer.start


def _caption(answer: FirstAnswer, shown: Sequence[Offer], left_out: int) -> str | None:
    told = []
    if any(who.neighbour for offer in shown for who in offer.people):
        told.append(f"{NEIGHBOUR} of a neighbouring station")
    others = {who.other_region for offer in shown for who in offer.people} - {""}
    if others:
        told.append(f"{ELSEWHERE} of another region: {plain(', '.join(sorted(others)))}")
    if left_out:
        told.append(f"{left_out} more that cost more or come later; --json has the best {len(answer.offers)}")
    return "; ".join(told) or None


def _in_time(offer: Offer) -> str:
    if offer.late_minutes:
        return f"[yellow]{duration(offer.late_minutes)} late[/]"
    return "yes" if offer.chance is None else f"yes, {_share(offer.chance)}"


def _delays(offer: Offer) -> str:
    """The visit that is delayed most, and how many others."""
    if not offer.delays:
        return "nobody"
    most = max(offer.delays, key=lambda each: each.minutes)
    return _delay(most) + (f", {len(offer.delays) - 1} more" if len(offer.delays) > 1 else "")


def _named(who: str, name: str) -> str:
    return plain(name if name == who else f"{name} ({who})")


def _station(who: Comer) -> str:
    return plain(who.station_name) + ("[cyan]" + NEIGHBOUR * who.neighbour + ELSEWHERE * bool(who.other_region) + "[/]")


def _delay(each: Delay) -> str:
    falls = each.chance_now is not None and each.chance_then is not None and each.chance_then < each.chance_now - CLEARLY_LESS
    return f"{plain(each.ticket)} {duration(each.minutes)}" + (f" (then {_share(each.chance_then)} sure)" if falls else "")


def _share(chance: float | None) -> str:
    return "–" if chance is None else f"{chance:.0%}"


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"


def _expert(expert: Expert, zone: ZoneInfo) -> str:
    skills = ", ".join(f"{skill} {level}" for skill, level in expert.skills.items())
    busy = expert.busy
    doing = "free" if busy is None else f"by plan {busy.how} ({busy.ticket}) until {_time(busy.until, zone)}"
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
