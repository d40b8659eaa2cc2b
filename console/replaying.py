"""`replay`: a day over again, in which tickets appear when they were opened; one policy for its plan, several for a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.front_door import LARGEST_NUMBER, AsJson, CaseFile, must_be_a_new_plan, search_limit
from data_models.errors import BadInput

if TYPE_CHECKING:
    from flows.replaying import Comparison
    from optimizer.chance_draws import Spread
    from optimizer.replay_policies import Policy

_HEADINGS = ("policy", "cost", "to\n{base}", "costs\nmore", "emergencies\nin time, %", "points\nmore", "not\nplanned", "rules\nbroken")
_FIGURES = (("cost", ",.0f"), ("cost_difference", "+,.0f"), ("emergencies_in_time", ".1f"), ("emergencies_difference", "+.1f"))
_POLICIES: tuple[Policy, ...] = ("nearest", "triage", "insert", "optimize")


def replay(
    case_file: CaseFile,
    policy: Annotated[
        str,
        typer.Option(
            help="Who decides: nearest (each ticket as it appears to the nearest crew that is free soonest), triage (the same, but what "
            "is not begun is dealt anew), insert (each where it costs least), optimize "
            "(everything not begun is searched anew). Several with commas between them are compared."
        ),
    ] = "optimize",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN.json", help="Where what happened goes; of a comparison, its picture (SVG).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=1000, help="Days to compare on, with the seeds from --seed on.")] = 1,
    seconds: Annotated[float | None, typer.Option(help="How long optimize searches for each decision.")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Steps that optimize searches for each decision; 3000 when neither this nor --seconds is given.")
    ] = None,
    draws: Annotated[bool, typer.Option("--draws", help="Drives and work take what chance makes of them, by the seed.")] = False,
    spread: Annotated[
        float | None, typer.Option(min=0, max=2, help="How far they stray, for both; else as the settings' uncertainty says.")
    ] = None,
    true_case: Annotated[
        Path | None, typer.Option("--true-case", metavar="CASE.json", help="With --draws: where the day as it was goes, to judge by.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a day: decisions are made with what is known at each moment, and what really happened is the plan."""
    from console.printing import say_compiling
    from data_models.case_files import read_case
    from flows.planning import SearchLimit
    from flows.replaying import DEFAULT_ITERATIONS
    from optimizer.compiling import make_ready

    chosen = _policies(policy)
    limit = search_limit(seconds, iterations) or SearchLimit(None, DEFAULT_ITERATIONS)
    case = read_case(case_file)
    for path in (out, true_case):
        if path is not None:
            must_be_a_new_plan(path, case_file)
    if out is None and len(chosen) == 1 and days == 1:
        raise BadInput("--out is missing; name the file that the plan goes to")
    if true_case is not None and (not draws or len(chosen) > 1 or days > 1):
        raise BadInput(f"--true-case {true_case}: there is such a day only with --draws, one policy and one day")
    make_ready(say_compiling)
    strays = _spread(draws, spread)
    if len(chosen) > 1 or days > 1:
        from flows.replaying import compare, write_picture

        comparison = compare(case, chosen, range(seed, seed + days), limit, spread=strays)
        if out is not None:
            write_picture(comparison, out)
        _print_comparison(comparison, as_json=as_json, written=out, drawn=draws)
        broken = any(day.judged.violations for day in comparison.days)
    else:
        from console.printing import print_judged, progress
        from data_models.case_files import case_json, plan_json, write_file
        from flows.replaying import replay_day

        with progress(f"replaying {case.name}", None, quiet=as_json):
            day = replay_day(case, chosen[0], limit, seed, spread=strays)
        if out is not None:
            write_file(out, plan_json(day.judged.plan))
        if true_case is not None:
            write_file(true_case, case_json(day.judged.case))
        print_judged(day.judged, as_json=as_json, written=out)
        broken = bool(day.judged.violations)
    if broken:
        raise typer.Exit(1)


def _policies(text: str) -> tuple[Policy, ...]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in _POLICIES]
    if unknown or len(set(names)) != len(names):
        what = f"{unknown[0]!r} is not a policy" if unknown else "one is named twice"
        raise BadInput(f"--policy {text}: {what}; give {', '.join(_POLICIES)}, or several of them with commas")
    return tuple(name for name in _POLICIES if name in names)


def _spread(draws: bool, spread: float | None) -> Spread | None:
    from config.settings import load_settings
    from flows.planning import spread_of
    from optimizer.chance_draws import Spread

    if not draws:
        if spread is not None:
            raise BadInput(f"--spread {spread:g}: nothing strays without --draws; add it")
        return None
    return spread_of(load_settings().uncertainty) if spread is None else Spread(spread, spread, 0.0)


def _print_comparison(comparison: Comparison, *, as_json: bool, written: Path | None, drawn: bool) -> None:
    from console.printing import _table, plain, print_json, terminal
    from flows.replaying import comparison_rows, comparison_summary

    if as_json:
        print_json({**comparison_summary(comparison), "written": str(written) if written else None})
        return
    days = len(comparison.of(comparison.base))
    many = days > 1
    what = f"{days} days, means with 95 % intervals" if many else "one day"
    table = _table(f"{plain(comparison.case.name)}: {what}", *(heading.format(base=comparison.base) for heading in _HEADINGS))
    for row in comparison_rows(comparison):
        cost, dearer, share, points = (_interval(row[key], form) for key, form in _FIGURES)
        is_base = row["policy"] == comparison.base
        table.add_row(
            row["policy"], cost, f"{row['cost_ratio']:.2f}", "–" if is_base else dearer, share, "–" if is_base else points,
            f"{row['not_planned']:.1f}" if many else f"{row['not_planned']:.0f}", str(row["violations"]),
        )  # fmt: skip
    out = terminal()
    out.print(table)
    if not many:
        out.print(
            "[yellow]![/] do not judge by one day: one emergency that nobody reaches outweighs the rest; --draws --days 10 tells more"
        )
    elif not drawn:
        out.print("[yellow]![/] without --draws every day is the same day: only the searches differ, and the intervals say nothing else")
    if written:
        out.print(f"picture written to {plain(written)}")


def _interval(value: dict[str, float | None], form: str) -> str:
    """The mean, and below it how far the true one may be away, where several days tell."""
    mean, half = value["mean"], value["half_width"]
    return f"{mean:{form}}" + ("" if half is None else f"\n± {half:{form.replace('+', '')}}")
