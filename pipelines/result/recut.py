"""New limits over stored signals: what a changed rule would give and take, without reading a text again."""

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

EXAMPLES = 5  # ids shown of each rule


@dataclass(slots=True)
class Change:
    """Documents that a change gains or loses: how many, their tokens, and ids to look at."""

    documents: int = 0
    tokens: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Recut:
    """What new limits would change, per language, source and rule.

    Gained are documents that the old limits reject and the new ones keep (the steps behind may still reject them), by
    the rule that let them go; their tokens are estimated from their bytes. Lost are documents of the corpus that the
    new limits reject, by the rule that rejects them, with their tokens as they are.
    """

    gained: dict[tuple[str, str], Change] = field(default_factory=dict)  # by (kind of label, label)
    lost: dict[tuple[str, str], Change] = field(default_factory=dict)
    documents: int = 0  # in the corpus now
    tokens: int = 0


def recut(
    output: str, presets: Sequence[str] = (), limits: Mapping[str, float | None] | None = None, step: str = ""
) -> Recut:
    """Compare the limits that a finished run used with others.

    Args:
        output: folder of the run.
        presets: the new presets; none given means the run's own.
        limits: changed limits by rule name, None removes the rule.
        step: name of the run's step whose limits are changed; the first ``heuristics`` by default.

    Raises:
        FileNotFoundError: no finished run, or one that measured no signals.
        ValueError: an unknown preset or rule, or one whose signals the run did not store.
    """
    step, old_presets, old_limits = _used(output, step)
    old = rules_of(old_presets, old_limits)
    new = rules_of(presets or old_presets, {**({} if presets else old_limits), **(limits or {})})
    result = Recut()
    rate = _tokens_per_byte(output)
    places = list(_places(output))
    for table in _shards(output, "signals", lambda schema: _check_stored(new, schema)):
        mine = table.filter(pc.equal(table["step"], step))
        _compare(result, mine, *_corpus(places, mine), old, new, rate)
    return result


def _used(output: str, name: str) -> tuple[str, list[str], dict[str, float | None]]:
    read_steps(output)  # that there is a run
    known = steps_with(output, "all_rules")
    if not known:
        raise FileNotFoundError(f"the run in {output} has no step heuristics: it stored no signals")
    step = known.get(name or next(iter(known)))
    if not step:
        raise ValueError(f"the run in {output} has no step {name!r} with rules; it has {', '.join(known)}")
    name = next(n for n, s in known.items() if s is step)
    return name, list(step.presets), dict(step.limits)  # type: ignore[attr-defined]


def _shards(output: str, kind: str, check: Callable[[pa.Schema], None]) -> Iterator[pa.Table]:
    for meta in files.within(files.join(output, kind), "*.parquet"):
        with files.open_read(meta.path) as stream:
            with intact(meta.path):
                schema = pq.read_schema(stream)
                if missing := {"id", "step", "source", "language", "text_bytes"}.difference(schema.names):
                    raise KeyError(*missing)
            check(schema)  # before any column is read
            with intact(meta.path):
                stream.seek(0)
                table = pq.read_table(stream)
        yield table


def _tokens_per_byte(output: str) -> float:
    report = read_report(output)
    once = sum(row["tokens"] for row in report["labels"].get("source", []))
    return once / max(report["corpus"]["text_bytes"], 1)


def _places(output: str) -> Iterator[tuple[str, str, str]]:
    """Yield each file of documents with its first and its last id."""
    for found in files.within(files.join(output, "documents"), "*.parquet"):
        with intact(found.path), files.open_read(found.path) as stream:
            meta = pq.read_metadata(stream)
            if not meta.num_rows:
                continue
            first, last = (meta.row_group(i).column(0).statistics for i in (0, meta.num_row_groups - 1))
            place = found.path, first.min, last.max
        yield place


def _corpus(places: Sequence[tuple[str, str, str]], signals: pa.Table) -> tuple[dict[str, int], Counter[str]]:
    """Return the tokens of those documents of the corpus that are among the rows, and how often each is there.

    Both tables are in order of id. A record that was read twice has two rows of signals and one id; the corpus has it
    once, or twice where the recipe removes no duplicates.
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
                f"rule {rule.name} needs {rule.signal}, which the run did not measure: a run stores our signals, and "
                "those of others whose presets its recipe names"
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
    """Tokens per byte of text by language, of the documents that are in the corpus."""
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
    """Return, per row, the position of the first rule that fails, or -1; the same as ``filters.rules.decide``."""
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
