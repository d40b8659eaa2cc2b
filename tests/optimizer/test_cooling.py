"""Over how many iterations a search cools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from optimizer.cooling import HELD, digits_for, length_of, next_with


@pytest.mark.parametrize("iterations", [100, 4200, 1_000_000])
def test_a_round_number_of_iterations_cools_over_all_of_them(iterations):
    assert length_of(iterations) == iterations


@given(some.floats(24.0, 1e9), some.integers(0, 10**6))
def test_a_run_that_the_clock_ends_is_told_by_its_number(fitting, done):
    digits = digits_for(fitting, 0)
    assert length_of(digits) <= fitting < 1.21 * length_of(digits)
    assert length_of(next_with(digits, done)) == length_of(digits)
    assert done <= next_with(digits, done) < done + 100


@given(some.floats(0.0, 1e6), some.integers(1, 10**6))
def test_what_is_done_already_was_done_at_the_held_temperature(fitting, done):
    assert length_of(digits_for(fitting, done)) >= HELD * done


def test_numbers_beyond_the_scale_take_its_ends():
    assert length_of(digits_for(0.0, 0)) == 24
    assert length_of(digits_for(1e30, 0)) == length_of(99)
