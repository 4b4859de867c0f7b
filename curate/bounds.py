"""Types of settings: numbers with bounds that a recipe must respect, and names of fields and files."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from annotated_types import Interval

#: A part of a whole, more than nothing.
Share = Annotated[float, Interval(gt=0, le=1)]
#: A probability or a quality.
Score = Annotated[float, Interval(ge=0, le=1)]
#: A number of things, which may be zero.
Count = Annotated[int, Interval(ge=0)]
#: A number of things, at least one.
Positive = Annotated[int, Interval(ge=1)]


class Names(Enum):
    """What a string among the settings names."""

    FIELD = "a field of a document, or a column"
    FILE = "a file or folder"


#: A setting that names a field of a document or a column of the input, such as ``language`` or ``licence``.
Field = Annotated[str, Names.FIELD]
#: A setting that names a file or folder, whose content the result depends on.
File = Annotated[str, Names.FILE]
