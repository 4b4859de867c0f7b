"""Quantities as the filters of other projects measure them, with their words, lines and denominators.

`REFERENCE_FILTERS` has their names, which `filters.signals.measure` accepts; the quantities follow curate's own
signals as ``<filter>_<quantity>``. `docs/presets.md` lists the differences.

>>> measure_reference("dolma", "To be or not to be.")["dolma_word_count"]
6.0
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: By name of the filter: its module, its function, and the constant with the names of its quantities.
REFERENCE_FILTERS = {
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


def quantity_names(reference_filter: str) -> tuple[str, ...]:
    """Return the names of a filter's quantities, each with the filter's name as prefix.

    >>> quantity_names("c4_tfds")
    ('c4_tfds_chars', 'c4_tfds_lorem_ipsum', 'c4_tfds_curly_bracket', 'c4_tfds_sentences')
    """
    module, _, names = REFERENCE_FILTERS[reference_filter]
    return tuple(
        f"{reference_filter}_{name}"
        for name in getattr(importlib.import_module(f"curate.filters.reference_filters.{module}"), names)
    )


def measure_reference(reference_filter: str, text: str, codes: NDArray[np.uint32] | None = None) -> dict[str, float]:
    """Measure a text as one of the filters does.

    Args:
        reference_filter: a name in `REFERENCE_FILTERS`.
        text: any text.
        codes: its code points, if already computed.

    Returns:
        The quantities by the names of `quantity_names`, in that order. A quantity whose denominator is 0 is 0, or 1 if
        the filter defines it so.
    """
    from curate.text.characters import code_points

    module, function, names = REFERENCE_FILTERS[reference_filter]
    home = importlib.import_module(f"curate.filters.reference_filters.{module}")
    quantities = getattr(home, function)(text, code_points(text) if codes is None else codes)
    return {f"{reference_filter}_{name}": quantities[name] for name in getattr(home, names)}
