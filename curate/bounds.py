"""Types of settings that have bounds; a recipe that breaks one is refused where it stands."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval

#: A part of a whole that is not nothing.
Share = Annotated[float, Interval(gt=0, le=1)]
#: A probability or a quality.
Score = Annotated[float, Interval(ge=0, le=1)]
#: How many of something, or none.
Count = Annotated[int, Interval(ge=0)]
#: How many of something, one at least.
Positive = Annotated[int, Interval(ge=1)]
