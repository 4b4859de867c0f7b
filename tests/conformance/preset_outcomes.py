"""What `curate.filters.presets` says of a text, in the form of `definitions.py`."""

from __future__ import annotations

from curate.filters.heuristics import decide_preset
from curate.filters.presets import PRESETS
from curate.filters.reference_filters import REFERENCE_FILTERS


def preset_names() -> set[str]:
    return set(PRESETS)


def preset_outcome(preset: str, text: str) -> tuple[bool, str, dict[str, float]]:
    """Whether it is kept, the first rule that drops it, and the quantities under the names of `definitions.py`."""
    decision = decide_preset(text, preset)
    quantities = {bare_name(name): value for name, value in decision.values.items()}
    return decision.keep, decision.reason or "", quantities


def bare_name(signal: str) -> str:
    """``dolma_word_count`` is "word_count": the longest name of an original is cut off."""
    owners = [name for name in REFERENCE_FILTERS if signal.startswith(f"{name}_")]
    return signal.removeprefix(f"{max(owners, key=len)}_") if owners else signal
