"""Explanations as JSON text, as a plan keeps them."""

from __future__ import annotations

from pydantic import TypeAdapter

from optimizer.explanation import Explanation

_adapter: TypeAdapter[Explanation] = TypeAdapter(Explanation)


def explanation_json(explanation: Explanation) -> str:
    """The explanation as JSON text; `read_explanation` gives it back."""
    return _adapter.dump_json(explanation, exclude_defaults=True).decode()


def read_explanation(text: str) -> Explanation:
    """The explanation that a kept plan has."""
    return _adapter.validate_json(text)
