"""Evaluate other limits from stored signals: the documents they would gain and lose, without reading texts again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.filters.presets import rules_of
from curate.filters.rules import Rule
from pipelines.io import files
from pipelines.result.finished import intact, read_report, read_steps, steps_with

EXAMPLES = 5  # ids per label


@dataclass(slots=True)
class Change:
    """Documents gained or lost: their number, their tokens, and the ids of some."""

    documents: int = 0
    tokens: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Recut:
    """What other limits would change, by language, source and rule.

    Attributes:
        gained: documents that the old limits reject and the new ones keep, although later steps may reject them. The
            rule is the one that rejected them; tokens are estimated from bytes. By ("language", code), ("source",
            name), ("rule", name) and ("all", "").
        lost: documents of the corpus that the new limits reject, likewise. The rule is the one that rejects them.
        documents: documents in the corpus.
        tokens: tokens in the corpus.
    """

    gained: dict[tuple[str, str], Change] = field(default_factory=dict)
    lost: dict[tuple[str, str], Change] = field(default_factory=dict)
    documents: int = 0
    tokens: int = 0


def recut(
    output: str, presets: Sequence[str] = (), limits: Mapping[str, float | None] | None = None, step: str = ""
) -> Recut:
    """Compare the limits of a finished run with others.

    Args:
        output: folder of the run.
        presets: other presets; by default, those of the run.
        limits: changed limits by rule name; None removes the rule.
        step: name of the step whose limits are changed; by default, the first ``heuristics`` step.

    Raises:
        FileNotFoundError: the folder holds no finished run, or the run measured no signals.
        ValueError: a preset or rule is unknown, or the run did not store its signals.
    """
    step, old_presets, old_limits = _used(output, step)
    old = rules_of(old_presets, old_limits)
    new = rules_of(presets or old_presets, {**({} if presets else old_limits), **(limits or {})})
    result = Recut()
    rate = _tokens_per_byte(output)
    places = list(_places(output))
    for table in _shards(output, "signals", lambda schema: _check_stored(new, schema)):
        measured = table.filter(pc.equal(table["step"], step))
        _compare(result, measured, *_corpus(places, measured), old, new, rate)
    return result


def _used(output: str, name: str) -> tuple[str, list[str], dict[str, float | None]]:
    read_steps(output)  # raises an error if there is no run
    known = steps_with(output, "all_rules")
    if not known:
        raise FileNotFoundError(f"the run in {output} has no step heuristics, so it stored no signals")
    step = known.get(name or next(iter(known)))
    if not step:
        raise ValueError(f"the run in {output} has no step {name!r} with rules; it has {', '.join(known)}")
    name = next(n for n, s in known.items() if s is step)
    return name, list(step.presets), dict(step.limits)  # type: ignore[attr-defined]


def _shards(output: str, table: str, check: Callable[[pa.Schema], None]) -> Iterator[pa.Table]:
    for meta in files.within(files.join(output, table), "*.parquet"):
        with files.open_read(meta.path) as stream:
            with intact(meta.path):
                schema = pq.read_schema(stream)
                if missing := {"id", "step", "source", "language", "text_bytes"}.difference(schema.names):
                    raise KeyError(*missing)
            check(schema)  # before reading any column
            with intact(meta.path):
                stream.seek(0)
                rows = pq.read_table(stream)
        yield rows


def _tokens_per_byte(output: str) -> float:
    report = read_report(output)
    once = sum(row["tokens"] for row in report["labels"].get("source", []))
    return once / max(report["corpus"]["text_bytes"], 1)


def _places(output: str) -> Iterator[tuple[str, str, str]]:
    """Yield each file of documents with its first and last id."""
    for file in files.within(files.join(output, "documents"), "*.parquet"):
        with intact(file.path), files.open_read(file.path) as stream:
            meta = pq.read_metadata(stream)
            if not meta.num_rows:
                continue
            first, last = (meta.row_group(i).column(0).statistics for i in (0, meta.num_row_groups - 1))
            place = file.path, first.min, last.max
        yield place


def _corpus(places: Sequence[tuple[str, str, str]], signals: pa.Table) -> tuple[dict[str, int], Counter[str]]:
    """Return the tokens of those documents of the corpus that are among some signals, and how often each occurs.

    Both tables are sorted by id. A record that was read twice has two rows of signals with one id; the corpus has it
    once, or twice if the recipe removes no duplicates.
    """
    if not len(signals):
        return {}, Counter()
    first, last = pc.min_max(signals["id"]).as_py().values()
    tokens: dict[str, int] = {}
    times: Counter[str] = Counter()
    for path, least, greatest in places:
        if greatest < first or last < least:
            continue
        with intact(path), files.open_read(path) as stream:
            ranges = [("id", ">=", first), ("id", "<=", last)]
            rows = pq.read_table(stream, columns=["id", "token_count"], filters=ranges)
            ids = rows["id"].to_pylist()
            tokens.update(zip(ids, rows["token_count"].to_pylist(), strict=True))
            times.update(ids)
    return tokens, times


def _check_stored(rules: Sequence[Rule], schema: pa.Schema) -> None:
    for rule in rules:
        if rule.signal not in schema.names:
            raise ValueError(
                f"rule {rule.name} needs {rule.signal}, which the run did not measure; a run stores curate's own "
                "signals, and those of the reference filters whose presets its recipe names"
            )


def _compare(
    result: Recut,
    table: pa.Table,
    corpus: dict[str, int],
    times: Counter[str],
    old: Sequence[Rule],
    new: Sequence[Rule],
    rate: float,
) -> None:
    before, after = _first_failed(table, old), _first_failed(table, new)
    result.documents += times.total()
    result.tokens += sum(corpus[i] * n for i, n in times.items())
    labels = {name: table[name].to_pylist() for name in ("id", "language", "source", "text_bytes")}
    rates = _rates(labels, corpus)
    for row in np.flatnonzero((before >= 0) & (after < 0)):
        tokens = round(labels["text_bytes"][row] * rates.get(labels["language"][row], rate))
        _note(result.gained, labels, int(row), old[before[row]].name, tokens)
    for row in np.flatnonzero((before < 0) & (after >= 0)):
        i = labels["id"][row]
        if times[i] > 0:
            times[i] -= 1
            _note(result.lost, labels, int(row), new[after[row]].name, corpus[i])


def _rates(labels: dict[str, list], corpus: dict[str, int]) -> dict[str, float]:
    """Return the tokens per byte of text, by language, of the documents in the corpus."""
    tokens: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for i, language, text_bytes in zip(labels["id"], labels["language"], labels["text_bytes"], strict=True):
        if i in corpus:
            tokens[language] += corpus[i]
            size[language] += text_bytes
    return {language: tokens[language] / size[language] for language in tokens if size[language]}


def _note(changes: dict[tuple[str, str], Change], labels: dict[str, list], row: int, rule: str, tokens: int) -> None:
    names = ("language", labels["language"][row]), ("source", labels["source"][row]), ("rule", rule), ("all", "")
    for key in names:
        change = changes.setdefault(key, Change())
        change.documents += 1
        change.tokens += tokens
        if len(change.ids) < EXAMPLES:
            change.ids.append(labels["id"][row])


def _first_failed(table: pa.Table, rules: Sequence[Rule]) -> np.ndarray:
    """Return the position of the first rule that fails for each row, or -1, like ``curate.filters.rules.decide``."""
    failed = np.full(len(table), -1)
    languages = np.array(table["language"].to_pylist(), dtype=object)
    known = Counter(languages)
    for position, rule in reversed(list(enumerate(rules))):
        values = table[rule.signal].to_numpy()
        above = values > rule.limit if rule.minimum is not None else values < rule.limit
        passes = np.where(values == rule.limit, not rule.strict, above)
        applies = np.isin(languages, [language for language in known if rule.applies(language)])
        failed[applies & ~passes] = position
    return failed
