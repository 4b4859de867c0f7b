"""What a text is about: the label that the mixture balances, and a finer topic.

>>> code = "def add(a, b):\\n    return a + b\\n\\nclass Stack:\\n    def push(self, x):\\n        self.x = x"
>>> classify_domain(code).label
'code'
>>> classify_domain("Der Hund schläft im Garten.", language="de").label
'multilingual'
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.text_classifier import prepare

if TYPE_CHECKING:
    from curate.text_classifier import TextClassifier

#: The labels of the Llama 3 mixture (arXiv 2407.21783, section 3.1.2).
LABELS = ("general", "maths", "code", "multilingual")

_MODEL = Path(__file__).parent.parent / "quality_models" / "models" / "domain-en.ftz"
TOPICS = (
    "Adult", "Arts_&_Entertainment", "Code", "Education_&_Careers", "Fashion_&_Beauty", "Finance_&_Business",
    "Food_&_Cooking", "Games", "History", "Home,_DIY_&_Hobbies", "Industry", "Law_&_Crime", "Literature_&_Writing",
    "Mathematics_&_Reasoning", "Medicine_&_Health", "Politics_&_Society", "Religion_&_Philosophy", "Science",
    "Social_Life", "Software_&_Hardware", "Sport", "Transport_&_Vehicles", "Travel_&_Places",
)  # fmt: skip
_MIXTURE = {"Code": "code", "Mathematics_&_Reasoning": "maths"}


@dataclass(frozen=True, slots=True)
class DomainLabel:
    """The mixture's label, the probability (0 to 1) that it is right, and the likeliest of 23 topics, "" if unknown."""

    label: str
    score: float
    topic: str = ""


def classify_domain(text: str, url: str | None = None, language: str = "en") -> DomainLabel:
    """Say to which part of the mixture a text belongs: general, maths, code or multilingual.

    Args:
        text: any string.
        url: of the page, if known.
        language: ISO 639-1 code of the text, else 639-3. All that is not English is multilingual, for certain.

    >>> classify_domain("Der Hund schläft im Garten.", language="de").label
    'multilingual'
    """
    if language != "en":
        return DomainLabel("multilingual", 1.0)
    found = _classifier().probabilities(prepare(text))
    topic = max(found, key=lambda name: (found[name], name))
    # The likeliest topic decides, not the sum over 21 topics of one label against the one topic of another.
    label = _MIXTURE.get(topic, "general")
    score = sum(p for name, p in found.items() if _MIXTURE.get(name, "general") == label)
    return DomainLabel(label, min(score, 1.0), topic.replace("_", " "))


@functools.cache
def _classifier() -> TextClassifier:
    from curate.text_classifier import load_classifier

    data = _MODEL.read_bytes()
    expected = _MODEL.with_name(_MODEL.name + ".sha256").read_text().split()[0]
    if hashlib.sha256(data).hexdigest() != expected:
        raise ValueError(f"{_MODEL} does not have the sha256 in {_MODEL.name}.sha256: install curate again")
    return load_classifier(data, str(_MODEL), TOPICS)
