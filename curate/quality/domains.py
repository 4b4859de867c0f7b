"""Classify a text by domain: the label that the mixture balances, and a finer topic.

>>> code = "def add(a, b):\\n    return a + b\\n\\nclass Stack:\\n    def push(self, x):\\n        self.x = x"
>>> classify_domain(code).label
'code'
>>> classify_domain("Der Hund schläft im Garten.", language="de").label
'multilingual'

Three kinds of evidence are weighed: a fastText classifier of 23 topics, how much of the text is written as code or
formulas, and the site. quality_models/cards/domain.md describes how the weights were fitted, and the accuracy.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from curate.language.codes import resolve
from curate.models.shipped import SHIPPED
from curate.models.text_classifier import HEAD, logit, prepare
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curate.models.text_classifier import TextClassifier

#: The labels of the Llama 3 mixture (arXiv 2407.21783, section 3.1.2).
LABELS = ("general", "maths", "code", "multilingual")

FORMAT = "curate domain model 1"
_MODEL = SHIPPED / "domain-en.zip"

# Topics of the classifier that are labels of the mixture; all others are general knowledge.
TOPIC_OF = {"code": "Code", "maths": "Mathematics & Reasoning"}

# A line of source code, in most line-based languages. White space before the end is possessive ("*+"), because the
# regex engine would try every split of two adjacent runs.
_CODE_LINE = re.compile(
    r"""^(?:
      .*[;{}]\s*$
    | \s*(?:def|class|if|for|while|else|elif|try|except|with|switch|case|fn|func|function)\b.*[:{(]\s*$
    | \s*(?:import\s+[\w.{*"'][\w.,\ {}*"'/@-]*+|from\s+\S+\s+import\b.*|\#include\b.*|package\s+[\w.]++)\s*+;?\s*+$
    | \s*(?://|/\*|\*/|\#!|>>>\s|\$\s|<!--|-->).*
    | \s*[\w.\[\]>*&"']+\s*(?:=|\+=|-=|:=|=>|->)\s*\S.*$
    | .*\w\([^()\s]*+\)\s*+[;{:,]?\s*+$
    | \s*</?[a-zA-Z][^<>]*>.*
    | \s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER)\s.*
    | \s*return\b.*
    | \s*@\w+(?:\(.*\))?\s*$
    )""",
    re.VERBOSE,
)
# A formula, or a part of one: a LaTeX command, a mathematical sign, something between dollar signs, a power, a
# subscript, f(x), an equation of a letter. Every branch begins with its rare character and looks back from there, which
# is three times as fast as beginning with a letter.
_FORMULA = re.compile(
    r"""\\(?!n|t|r|u|x)[a-zA-Z]{2,}
    | [∀-⋿∂√ℝℂℕℤℚ]
    | \$[^$\n\ ][^$\n]{0,80}\$
    | \^(?<=[a-zA-Z)]\^)[\d{(a-z]
    | _(?<=[a-zA-Z]_)\{
    | \((?<=\b[a-z]\()[a-z]\)
    | [=<>≤≥](?:(?<=\b[a-zA-Z].)|(?<=\b[a-zA-Z]\s.))\s?[\d.a-z-]+\b""",
    re.VERBOSE,
)

#: Sites whose pages are nearly always about code, or about mathematics. curate's own list.
SITES = {
    "code": frozenset({
        "cppreference.com", "crates.io", "developer.mozilla.org", "doc.rust-lang.org", "docs.python.org", "docs.rs",
        "docs.oracle.com", "geeksforgeeks.org", "github.com", "gitlab.com", "npmjs.com", "pkg.go.dev", "pypi.org",
        "readthedocs.io", "readthedocs.org", "stackoverflow.com", "superuser.com", "w3schools.com",
    }),
    "maths": frozenset({
        "artofproblemsolving.com", "math.stackexchange.com", "mathoverflow.net", "mathworld.wolfram.com",
        "planetmath.org", "proofwiki.org",
    }),
}  # fmt: skip
# What such a site adds to the log-odds of its label. curate's own value: it makes an uncertain text likely (e^3 = 20
# to 1).
_SITE_EVIDENCE = 3.0


@dataclass(frozen=True, slots=True)
class DomainLabel(Result):
    """The mixture's label, the probability (0 to 1) that it is right, and the likeliest of 23 topics.

    The topic is "" for a text that is not English.
    """

    label: str
    score: float
    topic: str = ""


def classify_domain(text: str | bytes, url: str | None = None, language: str = "en") -> DomainLabel:
    """Classify a text as general, maths, code or multilingual, the parts of the mixture.

    Args:
        text: any string; the first ``curate.models.text_classifier.HEAD`` characters count.
        url: of the page, if known, because a few sites are evidence.
        language: ISO 639-1 code of the text, else 639-3. Any other language than English is multilingual, with score 1.

    >>> classify_domain("How do I do this?", "https://stackoverflow.com/questions/1").label
    'code'
    """
    text, language = as_text(text), resolve(language)
    if language != "en":
        return DomainLabel("multilingual", 1.0)
    classifier, weights = _model()
    topics = classifier.probabilities(prepare(text))
    evidence = witnesses(text, topics)
    odds = {"general": 1.0}
    for label, weight in sorted(weights.items()):
        odds[label] = math.exp(sum(w * x for w, x in zip(weight, evidence, strict=True)) + _site_evidence(url, label))
    label = max(odds, key=lambda name: (odds[name], name))
    topic = max(topics, key=lambda name: (topics[name], name))
    return DomainLabel(label, odds[label] / sum(odds.values()), topic.replace("_", " "))


def notation(text: str) -> tuple[float, float]:
    """Return the share of characters in lines of source code, and the parts of formulas in other lines per word.

    Words are chunks between white space, in all lines.

    >>> notation("We add them:\\nx = a + b;\\nLet y = 3.")
    (0.3125, 0.08333333333333333)
    """
    characters = code = formulas = 0
    for line in map(str.strip, text.split("\n")):
        characters += len(line)
        if _CODE_LINE.match(line):
            code += len(line)
        else:
            formulas += sum(1 for _ in _FORMULA.finditer(line))
    return code / max(characters, 1), formulas / max(len(text.split()), 1)


def witnesses(text: str, topics: Mapping[str, float]) -> tuple[float, ...]:
    """Return the evidence for labels: log-odds of code and of maths, code lines, formulas, and 1 for the offset.

    Args:
        text: of the page.
        topics: the classifier's probabilities.
    """
    odds = [logit(topics[TOPIC_OF[label].replace(" ", "_")]) for label in ("code", "maths")]
    # The first few per cent are the strongest evidence, and a share above a half adds none.
    code, formulas = (math.sqrt(min(share, 0.5)) for share in notation(text[:HEAD]))
    return (*odds, code, formulas, 1.0)


def _site_evidence(url: str | None, label: str) -> float:
    host = _host(url) if url else ""
    return _SITE_EVIDENCE if any(host == site or host.endswith("." + site) for site in SITES[label]) else 0.0


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else "//" + url).hostname or ""
    except ValueError:  # "Invalid IPv6 URL"
        return ""


@functools.cache
def _model() -> tuple[TextClassifier, dict[str, list[float]]]:
    from curate.models.model_file import read_model_file
    from curate.models.text_classifier import load_classifier

    manifest, parts = read_model_file(_MODEL, FORMAT, "python -m quality_models.train_domain")
    name = f"classifier.ftz in {_MODEL}"
    classifier = load_classifier(parts["classifier.ftz"], name, tuple(manifest["topics"]), trusted=True)
    return classifier, manifest["weights"]
