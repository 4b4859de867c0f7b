"""Types of settings: numbers with bounds, which a recipe may not leave, and names of fields and files."""

from __future__ import annotations

from enum import Enum
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


class Names(Enum):
    """What a text among the settings is the name of."""

    FIELD = "a field of a document, or a column"
    FILE = "a file or folder"


#: A setting that names a field of a document or a column of the input, such as ``language`` or ``licence``.
Field = Annotated[str, Names.FIELD]
#: A setting that names a file or folder: the result depends on what is in it.
File = Annotated[str, Names.FILE]
