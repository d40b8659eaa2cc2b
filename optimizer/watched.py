"""CP-SAT under a clock of ours: in a thread of its own, so that whoever waits can end it at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ortools.sat.python import cp_model

_LOOK_S = 0.02  # how often it is asked whether time is over


def solve_watched(
    solver: cp_model.CpSolver,
    model: cp_model.CpModel,
    over: Callable[[], bool],
    listener: cp_model.CpSolverSolutionCallback | None = None,
) -> tuple[Any, bool]:
    """CP-SAT's status, and whether it was ended because `over` said so.

    Raises
    ------
    KeyboardInterrupt
        What interrupts the waiting ends the solver too.
    """
    answer: list[Any] = []
    thread = threading.Thread(target=lambda: answer.append(solver.solve(model, listener)), daemon=True)
    thread.start()
    ended = False
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
            if over():
                ended = True
                solver.stop_search()
    finally:
        # A stop that comes before the search has begun is lost: it is asked for until it is heard.
        while thread.is_alive():
            solver.stop_search()
            thread.join(_LOOK_S)
    return (answer[0] if answer else cp_model.UNKNOWN), ended
