"""What all parts of a dataset have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Place = tuple[int | str, ...]
"""Where something stands in a dataset: `("cases", 3, "assert", 0, "type")`."""
Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Part(BaseModel):
    """A part of a dataset; unknown fields and values of another kind are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
