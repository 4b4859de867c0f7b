"""Apply presets of rules to files of documents: what a preset keeps, and where two disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from curate.document import Decision, Document
from curate.extract.extraction import extract_text
from curate.filters.presets import reference_filters_of, rules_of
from curate.filters.rules import decide
from curate.filters.signals import measure
from curate.language.codes import canonical
from curate.language.detection import detect_language
from pipelines.io.readers import Dropped, NotAPage, read_part
from pipelines.io.sources import Part, list_inputs
from pipelines.recipe.model import Source

EXAMPLES = 3  # per pair of outcomes


@dataclass(slots=True)
class Comparison:
    """How often each combination of outcomes occurred; an outcome is "kept" or the rule that failed."""

    pairs: Counter[tuple[str, ...]] = field(default_factory=Counter)
    examples: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)  # records that gave no text, by reason

    @property
    def documents(self) -> int:
        """Number of documents."""
        return self.pairs.total()

    @property
    def agreed(self) -> int:
        """Number of documents that all presets keep, or all reject, for whatever reason."""
        return sum(n for outcomes, n in self.pairs.items() if len({outcome == "kept" for outcome in outcomes}) == 1)


def compare(path: str, presets: list[str], language: str | None = None) -> Comparison:
    """Apply presets to every document of a file, folder or glob.

    Args:
        path: the file, folder or glob.
        presets: names of presets.
        language: language of all documents; if None, it is identified for each.

    Raises:
        ValueError: a preset or language is unknown.
    """
    rules = [rules_of([preset]) for preset in presets]
    filters = reference_filters_of(rules_of(presets))
    language = canonical(language) if language else None
    result = Comparison()
    for document in texts(path, result.unread):
        spoken = language or detect_language(document.text).language
        signals = measure(document.text, spoken, filters)
        outcomes = tuple(_outcome(decide(signals, each, spoken)) for each in rules)
        result.pairs[outcomes] += 1
        if len(shown := result.examples.setdefault(outcomes, [])) < EXAMPLES:
            shown.append(document.url or " ".join(document.text[:80].split()))
    return result


def _outcome(decision: Decision) -> str:
    return "kept" if decision.keep else decision.reason


def texts(path: str, unread: Counter[str]) -> Iterator[Document]:
    """Yield the documents of a file, folder or glob in any format that a run reads; for HTML, with its main text.

    Args:
        path: the file, folder or glob.
        unread: receives the number of records without a document, by reason.
    """
    for file in list_inputs([Source(path)]):
        for record in read_part(Part(file, 0, file.size)):
            if isinstance(record, Dropped | NotAPage):
                unread[record.rejection.rule if isinstance(record, Dropped) else record.kind] += 1
                continue
            if not record.html:
                yield record
                continue
            text = extract_text(record.html, record.url or None, charset=record.charset).text
            yield Document(id=record.id, text=text, url=record.url)
