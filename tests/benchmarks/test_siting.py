"""Maximal covering by spopt and by us: the same weight, where spopt is installed (extra `bench`)."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from benchmarks.siting import by_spopt, case_of
from optimizer.siting import locate


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("spopt") is None, reason="spopt is not installed; it is of the extra bench")
@pytest.mark.parametrize(("kind", "minutes", "p"), [("even", 120.0, 5), ("towns", 120.0, 15), ("even", 60.0, 20)])
def test_spopt_covers_no_more_and_no_less(kind: str, minutes: float, p: int) -> None:
    case = case_of(kind, "mclp", 100, 500, minutes, 1, p=p)
    theirs = by_spopt(case, sys.executable, 120)
    assert theirs is not None
    choice = locate(case)
    assert choice.proven
    assert choice.objective == theirs[0]
