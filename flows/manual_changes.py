"""Manual changes as JSON: what pages and the API send, and what the store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from data_models.errors import BadInput
from optimizer.editing import ManualChange

_adapter: TypeAdapter[ManualChange] = TypeAdapter(Annotated[ManualChange, Field(discriminator="kind")])


def change_facts(change: ManualChange) -> dict[str, Any]:
    """A change as JSON has it, `kind` first of all; what is not said is left out."""
    facts: dict[str, Any] = _adapter.dump_python(change, mode="json", exclude_defaults=True)
    return {"kind": change.kind, **facts}


def read_change(facts: Mapping[str, Any]) -> ManualChange:
    """The change that JSON facts describe. Raises `BadInput`, a sentence for each problem."""
    try:
        return _adapter.validate_python(dict(facts))
    except ValidationError as error:
        raise BadInput(*(f"change, {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())) from None
