"""The compiled search is made ready once for a process."""

from __future__ import annotations

import gc

import pytest

from optimizer.compiling import make_ready


@pytest.mark.usefixtures("compiled_search")
def test_what_is_loaded_is_kept_from_the_garbage_collector_and_what_comes_later_is_not() -> None:
    make_ready()
    kept = gc.get_freeze_count()
    assert kept > 0
    later = [[number] for number in range(100_000)]
    make_ready()
    assert gc.get_freeze_count() <= kept
    assert len(later) == 100_000
