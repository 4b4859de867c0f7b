"""Identify languages with a fastText model (lid.176, GlotLID, OpenLID, your own), its labels mapped to codes.

>>> codes_of(["__label__eng_Latn", "__label__nice", "__label__spam"], {"__label__nice": "fr", "spam": ""}, "x.bin")
{'__label__eng_Latn': 'en', '__label__nice': 'fr', '__label__spam': 'und'}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.language.codes import UNDETERMINED, canonical
from curate.models.fasttext_model import load_fasttext, predict
from curate.models.model_file import check_sha256

# Labels of lid.176 that are not ISO 639 codes of a language, or that mean something else in it (Wikipedia's codes): bh
# and nah are groups of languages, and no member of nah can represent it.
_WIKIPEDIA = {"als": "gsw", "bh": "bho", "eml": "egl", "nah": ""}
# ISO 639-3 codes that are not a single language: undetermined, no linguistic content, several, one without a code.
_NO_LANGUAGE = {UNDETERMINED, "zxx", "mul", "mis"}
# Smallest probability of a label that counts toward its language. curate's own value: a model of 2,100 labels, such as
# GlotLID, takes 0.4 ms for the likeliest label of 1,200 characters and 1.0 ms for all; most labels are below it, and no
# score depends on them.
_LEAST = 1e-6
# Labels that an error lists. curate's own value: more would not fit a sentence.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class FastTextLanguages:
    """A fastText model, and the language of each of its labels; ``und`` for labels that are not languages."""

    model: Any
    codes: Mapping[str, str]

    def detect(self, line: str) -> tuple[str, float]:
        """Return the likeliest language of a line and its probability, summed over its labels.

        ``und``, with the probability of the likeliest language, if "not a language" is likelier than that.
        """
        # Two labels, in case the first is not a language; all of them only if several labels share a language.
        most, least = (-1, _LEAST) if len(set(self.codes.values())) < len(self.codes) else (2, 0.0)
        totals = {UNDETERMINED: 0.0}
        for label, probability in predict(self.model, line, most, least):
            code = self.codes[label]
            totals[code] = totals.get(code, 0.0) + probability
        undetermined = totals.pop(UNDETERMINED)
        likeliest = max(totals, key=totals.__getitem__, default=UNDETERMINED)
        score = min(totals.get(likeliest, 0.0), 1.0)
        return (UNDETERMINED if undetermined > score else likeliest), score


def load_languages(path: Path, labels: Mapping[str, str]) -> FastTextLanguages:
    """Load a fastText model of languages; a ``.sha256`` beside it is checked.

    Args:
        path: of the ``.bin`` or ``.ftz`` file.
        labels: as `codes_of`.

    Raises:
        ValueError: the file is not a complete classifier or does not match its ``.sha256``; or as `codes_of`.
    """
    check_sha256(path)
    model = load_fasttext(path)
    return FastTextLanguages(model, codes_of(model.get_labels(), labels, str(path)))


def codes_of(labels: Iterable[str], mapped: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the language of each label of a model.

    Args:
        labels: of the model.
        mapped: the code of a label, or "" if it is not a language, by label, with or without ``__label__``;
            `curate.language.codes.canonical` maps all others.
        name: of the model, for errors.

    Raises:
        ValueError: a label is neither mapped nor a code, a mapped label does not exist, or a code is wrong.
    """
    mapped = {label.removeprefix("__label__"): code for label, code in mapped.items()}
    labels = sorted(labels)
    codes: dict[str, str] = {}
    unknown = []
    for label in labels:
        bare = label.removeprefix("__label__")
        code = mapped.get(bare, _WIKIPEDIA.get(bare, bare))
        try:
            language = canonical(code) if code else UNDETERMINED
        except ValueError as error:
            if bare in mapped:
                raise ValueError(f"labels maps {label} to an {error}") from None
            unknown.append(label)
        else:
            codes[label] = UNDETERMINED if language in _NO_LANGUAGE else language
    if missing := mapped.keys() - {label.removeprefix("__label__") for label in labels}:
        raise ValueError(f"labels maps {_listed(sorted(missing))}, but {name} has only the labels {_listed(labels)}")
    if unknown:
        raise ValueError(
            f"{name} has labels that are not codes of languages: {_listed(unknown)}; map each of them with labels, as "
            f"in {{{unknown[0]}: en}}, or to '' if it is not a language"
        )
    return codes


def _listed(labels: Sequence[str]) -> str:
    """Return a list of the first labels, and how many more there are."""
    return ", ".join(labels[:_LISTED]) + (f" and {len(labels) - _LISTED:,} more" if len(labels) > _LISTED else "")
