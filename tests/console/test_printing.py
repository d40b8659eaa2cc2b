"""What the terminal is told to be: as wide as COLUMNS says when it is not one."""

from __future__ import annotations

import pytest

from console.printing import terminal


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("200", 200), ("", 120), ("0", 120), ("wide", 120)])
def test_piped_output_is_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal().width == width
