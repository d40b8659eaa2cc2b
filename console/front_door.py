"""`solve`, `check`, `prove` and `candidates`: cases and plans as files, as `formats.md` fixes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data_models.errors import BadInput
from data_models.json_files import must_take_files

if TYPE_CHECKING:
    from flows.planning import SearchLimit

CaseFile = Annotated[Path, typer.Argument(metavar="CASE.json", help="A dispatch-case/1 file.")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN.json", help="A dispatch-plan/1 file.")]
LARGEST_NUMBER = 2**31 - 1
Solver = Annotated[
    Literal["search", "routing"],
    typer.Option(help="search: compiled search, which compiles for half a minute on its first run; routing: OR-Tools, the reference."),
]
Sure = Annotated[
    float | None,
    typer.Option(min=0.5, max=0.99, help="Plan such that visits are likely in time: the chance to aim at, such as 0.8."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def solve(
    case_file: CaseFile,
    out: Annotated[Path, typer.Option("--out", metavar="PLAN.json", help="Where the plan goes.")],
    seconds: Annotated[float | None, typer.Option(help="How long to search; 30 when neither this nor --iterations is given.")] = None,
    iterations: Annotated[int | None, typer.Option(help="Search this many steps instead: repeats exactly with the same seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts.")] = 1,
    solver: Solver = "search",
    sure: Sure = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Searches side by side; part of what repeats a plan exactly.")] = 2,
    explain: Annotated[bool, typer.Option(help="Give the reasons of unplanned tickets.")] = True,
    as_json: AsJson = False,
) -> None:
    """Plan a case that is known in full, and write the plan; upon Ctrl-C or SIGTERM, the best plan so far."""
    from config.settings import load_settings
    from console.printing import print_judged, progress, say_compiling
    from data_models.case_files import plan_json, read_case, write_file
    from flows.planning import SearchLimit, judge, margin_of, solve_until_signal, with_chances, with_unplanned_reasons

    uncertainty = load_settings().uncertainty
    margin = None if sure is None else margin_of(uncertainty, sure)
    limit = (search_limit(seconds, iterations) or SearchLimit()).or_default()
    case = read_case(case_file)
    must_be_a_new_plan(out, case_file)
    with progress(f"solving {case.name}", limit.seconds, quiet=as_json) as on_progress:
        solved = solve_until_signal(
            case, limit, seed, solver=solver, margin=margin, workers=workers, on_progress=on_progress, on_compile=say_compiling
        )
    write_file(out, plan_json(solved.plan))
    judged = judge(case, solved.plan)
    if explain and judged.plan.unassigned:
        judged = with_unplanned_reasons(judged)
        write_file(out, plan_json(judged.plan))
    print_judged(with_chances(judged, uncertainty), as_json=as_json, written=out, interrupted=solved.interrupted is not None)
    if judged.violations:
        raise typer.Exit(1)
    if solved.interrupted is not None:
        raise typer.Exit(status_of_signal(solved.interrupted))


def check(
    case_file: CaseFile,
    plan_file: PlanFile,
    replay: Annotated[bool, typer.Option(help="Also forbid setting out before a ticket opens.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a plan against its case: every broken rule, the cost, the service it gives and how sure that is."""
    from config.settings import load_settings
    from console.printing import print_judged
    from data_models.case_files import read_case, read_plan
    from flows.planning import judge, with_chances

    uncertainty = load_settings().uncertainty
    judged = with_chances(judge(read_case(case_file), read_plan(plan_file), replay=replay), uncertainty)
    print_judged(judged, as_json=as_json)
    if judged.violations:
        raise typer.Exit(1)


def prove(
    case_file: CaseFile,
    plan_file: PlanFile,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN.json", help="Where the plan goes with its bound, or a cheaper one.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to prove, and to build plans from what the proof saw.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_NUMBER, help="Where randomness starts.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Say how much cheaper any plan of a case could be at the most, whoever made this one; and find a cheaper one on the way."""
    from config.settings import load_settings
    from console.printing import print_judged, progress, say_compiling
    from data_models.case_files import plan_json, read_case, read_plan, write_file
    from flows.planning import judge, with_chances, with_unplanned_reasons
    from flows.proving import prove_until_signal

    _must_not_be_negative("--seconds", seconds)
    case, plan = read_case(case_file), read_plan(plan_file)
    if out is not None:
        must_be_a_new_plan(out, case_file)
    with progress(f"proving {plan.case}", seconds, quiet=as_json):
        proven = prove_until_signal(case, plan, seconds, seed, on_compile=say_compiling)
    judged = judge(case, proven.plan)
    before = judge(case, plan)
    if judged.plan.unassigned and judged.plan.routes != plan.routes:
        judged = with_unplanned_reasons(judged)
    if out is not None:
        write_file(out, plan_json(judged.plan))
    print_judged(
        with_chances(judged, load_settings().uncertainty),
        as_json=as_json,
        written=out,
        interrupted=proven.interrupted is not None,
        proof_of=before,
    )
    if proven.interrupted is not None:
        raise typer.Exit(status_of_signal(proven.interrupted))


def candidates(
    case_file: CaseFile,
    plan_file: PlanFile,
    ticket: Annotated[str, typer.Option("--ticket", metavar="ID", help="The ticket to find somebody for, planned or not.")],
    as_json: AsJson = False,
) -> None:
    """Say who could take one more ticket: when they would be there, what it adds to the cost and whom it delays, best first."""
    from console.printing import print_options, say_compiling
    from data_models.case_files import read_case, read_plan
    from flows.options import options_for
    from optimizer.compiling import make_ready

    case, plan = read_case(case_file), read_plan(plan_file)
    make_ready(say_compiling)
    found = options_for(case, plan, ticket)
    print_options(case, plan, ticket, found, as_json=as_json)
    if not found:
        raise typer.Exit(1)


def status_of_signal(number: int) -> int:
    """The exit status that tells of a signal, as shells count: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + number


def search_limit(seconds: float | None, iterations: int | None) -> SearchLimit | None:
    """The limit that `--seconds` and `--iterations` name; None when neither is given. Raises `BadInput`."""
    from flows.planning import SearchLimit

    _must_not_be_negative("--seconds", seconds)
    _must_not_be_negative("--iterations", iterations)
    return None if seconds is None and iterations is None else SearchLimit(seconds, iterations)


def _must_not_be_negative(option: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= LARGEST_NUMBER:
        raise BadInput(f"{option} is {value}; give a number from 0 to {LARGEST_NUMBER}")


def must_be_a_new_plan(out: Path, case_file: Path) -> None:
    """Raise `BadInput` unless `out` can be written to and is not the case itself."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise BadInput(f"--out {out}: not a file in an existing folder; make the folder first or choose another name")
    if out.resolve() == case_file.resolve():
        raise BadInput(f"--out {out}: is the case itself, which the plan would replace; name another file")
    if not out.exists():  # else it is a file, which `write_file` replaces, or a device
        must_take_files(out.absolute().parent)
