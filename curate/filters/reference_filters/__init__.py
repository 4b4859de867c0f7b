"""Quantities as the filters of others measure them: their words, their lines, their denominators.

`ORIGINALS` names each; `filters.signals.measure` takes those names, and the quantities stand beside our own signals as
``<original>_<quantity>``. `docs/presets.md` says where they differ.

>>> measure_original("dolma", "To be or not to be.")["dolma_word_count"]
6.0
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The module, function and names of each original.
ORIGINALS = {
    "datatrove": ("datatrove", "measure", "NAMES"),
    "fineweb2024": ("datatrove", "measure_2024", "NAMES"),
    "dclm": ("dclm", "measure", "NAMES"),
    "dclm_baseline": ("dclm", "measure_baseline", "BASELINE_NAMES"),
    "dolma": ("dolma", "measure", "NAMES"),
    "nemo": ("nemo", "measure", "NAMES"),
    "c4_tfds": ("c4", "measure_tfds", "NAMES"),
    "c4_datatrove": ("c4", "measure_datatrove", "NAMES"),
    "c4_fineweb2024": ("c4", "measure_fineweb", "NAMES"),
}


def original_names(original: str) -> tuple[str, ...]:
    """Return the names of an original's quantities, with the original's name before each.

    >>> original_names("c4_tfds")
    ('c4_tfds_chars', 'c4_tfds_lorem_ipsum', 'c4_tfds_curly_bracket', 'c4_tfds_sentences')
    """
    module, _, names = ORIGINALS[original]
    return tuple(
        f"{original}_{name}"
        for name in getattr(importlib.import_module(f"curate.filters.reference_filters.{module}"), names)
    )


def measure_original(original: str, text: str, codes: NDArray[np.uint32] | None = None) -> dict[str, float]:
    """Measure a text as an original does.

    Args:
        original: a name in `ORIGINALS`.
        text: any text.
        codes: its code points, if they are at hand.

    Returns:
        The quantities by the names of `original_names`, in that order. What the original would divide by zero for is 0,
        or 1 where it says so.
    """
    from curate.text.characters import code_points

    module, function, names = ORIGINALS[original]
    home = importlib.import_module(f"curate.filters.reference_filters.{module}")
    found = getattr(home, function)(text, code_points(text) if codes is None else codes)
    return {f"{original}_{name}": found[name] for name in getattr(home, names)}
