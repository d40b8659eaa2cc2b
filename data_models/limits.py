"""Numbers and names as a policy file may hold them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Minutes = Annotated[float, Field(ge=0, le=14400, allow_inf_nan=False)]
Level = Annotated[int, Field(ge=1, le=3)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
