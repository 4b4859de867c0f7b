"""Line deduplication: remove lines that occur in too many documents of a bucket, within a language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import orjson
import pyarrow as pa

from curate.dedup.addresses import address_rank
from curate.dedup.lines import LineDedupConfig, find_lines, is_content, line_hashes, remove_lines
from curate.document import Document, Rejection
from curate.text.hashing import stable_u64
from pipelines.dedup.key_ranges import key_ranges, split_rows
from pipelines.steps.base import Applied, CorpusStep, DecisionTable, KeySource, rows_at, table_at, table_part

#: A row per line that is too common: its hash, its number of documents, and the last document order that keeps it.
HOT = np.dtype([("hash", "u8"), ("count", "u8"), ("kept_until", "u8")])
NOBODY = 2**64 - 1  # comes after every document in the order
LINES_OF_A_DOCUMENT = 20  # on average, to choose the number of key ranges
SHOWN = 100  # most common lines whose text is looked up for the report
#: Addresses: the documents by language, the most common lines, and the number of removed lines by kind.
SIZES, MOST_COMMON, REMOVED = "sizes", "most_common", "removed"
KINDS = "line", "paragraph"  # of a removed line: short, or content
Bucket = tuple[str, int]  # a language, and a number within it
Sizes = Mapping[str, int]
#: A common line: its number of documents, the hex digits of 2**64 - 1 minus its hash, and the language and number of
#: its bucket. Inverting the hash sorts the smallest one first among equals; hex digits, because Beam's integers are
#: signed.
Common = tuple[int, str, str, int]
#: A document that has a line: its order as hex digits, the index of its block, and its row.
Holder = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class LineDedup(LineDedupConfig, CorpusStep):
    """Remove lines that many documents share, but neither code nor headings, nor the last copy of content.

    The limits are the paper's, what is spared is curate's own: in a crawl of blogs and documentation the paper's rule
    took braces and headings from code and manuals, and every copy of paragraphs that stand in a post and in its tag,
    month and category pages. The settings are those of `curate.LineDedupConfig`; with protect_code and
    protect_structure false and content_characters 0 the rule is the paper's.
    """

    protect_code: bool = True
    protect_structure: bool = True
    content_characters: int = 150

    reads: ClassVar = frozenset({"text"})
    assumes: ClassVar = {
        "language": "lines are counted over all languages together",
    }
    writes: ClassVar = frozenset({"text"})
    key_settings: ClassVar = ("min_characters", "protect_code", "protect_structure", "content_characters")
    shuffles: ClassVar = "16 bytes per line"
    key_schema: ClassVar = pa.schema(
        [("language", pa.string()), ("order", pa.uint64()), ("lines", pa.list_(pa.uint64()))]
    )

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the language, the document's order, and the hashes of the lines.

        The order is that of addresses, the best first, and within it that of a hash of the id, which also chooses the
        bucket.
        """
        return lambda d: (d.language, order_of(d), line_hashes(d.text, self, d.text_format == "markdown"))

    def key_bytes(self, keys: Sequence[KeySource]) -> int:
        """Return 16 bytes for every line of every document, plus 8 for each copy that is kept."""
        return sum(block.count()[1] for block in keys) * _row(_most_kept(self)).itemsize

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle the distinct lines of each slice with their counts; then find a document of each most common line."""
        # These side inputs depend on the main input. What waits for them is names of key files, a few bytes each.
        sizes = (
            keys
            | "Languages" >> beam.FlatMap(_languages).with_output_types(tuple[str, int])
            | "Documents" >> beam.CombinePerKey(sum)
        )
        by_language = beam.pvalue.AsDict(sizes)
        line_bytes = LINES_OF_A_DOCUMENT * _row(_most_kept(self)).itemsize
        ranges = key_ranges(keys, line_bytes, self.bucket_documents)
        hot = (
            keys
            | "Lines"
            >> beam.FlatMap(_lines, self, ranges, by_language).with_output_types(tuple[tuple[Bucket, int], bytes])
            | "GroupLines" >> beam.GroupByKey()
            | "Hot" >> beam.FlatMap(_hot, self).with_output_types(tuple[Bucket, bytes])
        )
        common = (
            hot
            | "Candidates" >> beam.FlatMap(_most_common_of).with_output_types(Common)
            | "MostCommon" >> beam.combiners.Top.Of(SHOWN)
        )
        shown = (
            keys
            | "Holders"
            >> beam.FlatMap(_holders, self, by_language, beam.pvalue.AsSingleton(common)).with_output_types(
                tuple[int, Holder]
            )
            | "FirstHolder" >> beam.CombinePerKey(min)
            | "Shown" >> beam.Map(_shown, beam.pvalue.AsSingleton(common)).with_output_types(tuple[str, bytes])
        )
        parts = (
            hot | "Address" >> beam.MapTuple(_at_bucket).with_output_types(tuple[str, bytes]),
            sizes
            | "OneTable" >> beam.combiners.ToList()
            | "Sizes" >> beam.Map(lambda s: table_part(SIZES, dict(sorted(s)))).with_output_types(tuple[str, bytes]),
            shown,
            hot
            | "Removed" >> beam.FlatMap(_removed, self).with_output_types(tuple[str, int])
            | "SumRemoved" >> beam.CombinePerKey(sum)
            | "ListRemoved" >> beam.combiners.ToList()
            | "RemovedTable"
            >> beam.Map(lambda n: table_part(REMOVED, dict(sorted(n)))).with_output_types(tuple[str, bytes]),
        )
        return parts | beam.Flatten()

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Remove the hot lines of each document's language and bucket."""
        hot_of = _hot_lines(decision, keys, self)

        def edit(row: int, document: Document) -> Document | Rejection:
            if row not in hot_of:
                return document
            hot, order = hot_of[row]
            edited = remove_lines(
                document.text, hot["hash"], self, hot["kept_until"], order, document.text_format == "markdown"
            )
            if not edited.counts:
                return document
            if not edited.text.strip():
                return Rejection("only_repeated_lines", float(sum(edited.counts.values())))
            return replace(document, text=edited.text)

        return Applied(edit=edit)

    def report(self, decision: DecisionTable, text: Callable[[int, int], str]) -> dict[str, Any]:
        """Count the removed lines by kind, and show the most common: normalised text, kind, language, documents."""
        rows: list[dict[str, Any]] = []
        common = [orjson.loads(line) for part in decision.read(MOST_COMMON) for line in part.splitlines()]
        for line in sorted(common, key=lambda line: (-line["documents"], line["hash"], line["language"]))[:SHOWN]:
            lines = find_lines(text(line["block"], line["row"]), {line["hash"]}, self)
            rows += [
                {
                    "line": shown,
                    "kind": KINDS[line["hash"] & 1],
                    "language": line["language"],
                    "documents": line["documents"],
                }
                for shown in lines.values()
            ]
        removed = [orjson.loads(part) for part in decision.read(REMOVED)]  # a table for each part of the keys
        return {
            "removed_lines": {kind: sum(table.get(kind, 0) for table in removed) for kind in KINDS},
            "repeated_lines": sorted(rows, key=lambda row: (-row["documents"], row["line"])),
        }


def order_of(document: Document) -> int:
    """Return a document's place in the order in which documents keep the content that they share."""
    rank = address_rank(document.url, document.canonical)
    return rank << 61 | stable_u64(document.id, "line-bucket") >> 3


def hot_address(language: str, bucket: int) -> str:
    """Return the address of the hot lines of a bucket."""
    return f"hot-{language or 'und'}-{bucket}"


def buckets_of(documents: int, config: LineDedupConfig) -> int:
    """Return the number of buckets of a language with this many documents."""
    return max(1, -(-documents // config.bucket_documents))


def _hot_lines(decision: DecisionTable, keys: KeySource, config: LineDedupConfig) -> dict[int, tuple[np.ndarray, int]]:
    """Return, for each document that has any, the hot lines of its bucket, and the document's order.

    Buckets are loaded one at a time and reduced to the lines of the block, so memory does not grow with the corpus.
    """
    sizes = table_at(decision, SIZES)
    hot_of: dict[int, tuple[np.ndarray, int]] = {}
    for bucket, rows, numbers, order, lines, lengths in _buckets_in(keys, sizes, config):
        hot = np.sort(rows_at(decision, hot_address(*bucket), HOT), order="hash")
        is_hot = np.isin(lines, hot["hash"])
        hot = hot[np.isin(hot["hash"], lines[is_hot])]
        has = np.unique(np.repeat(rows, lengths)[is_hot])
        hot_of |= {int(numbers[row]): (hot, int(order[row])) for row in has}
    return hot_of


def _buckets_in(
    keys: KeySource, sizes: Sizes, config: LineDedupConfig
) -> Iterator[tuple[Bucket, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the documents of a block bucket by bucket.

    Yields:
        The bucket, the positions of its documents, the row numbers and orders of all documents, the hashes of the lines
        of the bucket's documents, and the number of lines of each of them.
    """
    numbers, table = keys.load()
    column = table["lines"].combine_chunks()
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    flat = column.flatten().to_numpy()
    order = table["order"].to_numpy()
    languages = table["language"].combine_chunks().dictionary_encode()
    codes = languages.indices.to_numpy()
    for code, language in enumerate(languages.dictionary.to_pylist()):
        in_language = codes == code
        number = order % np.uint64(buckets_of(sizes.get(language, 0), config))
        for b in np.unique(number[in_language]):
            mine = in_language & (number == b)
            bucket = language, int(b)
            yield bucket, np.flatnonzero(mine), numbers, order, flat[np.repeat(mine, lengths)], lengths[mine]


def _most_kept(config: LineDedupConfig) -> int:
    """Return how many copies of any line stay, at most."""
    return config.copies_kept(config.content_characters > 0)


def _row(keep_first: int) -> np.dtype:
    """Return the dtype of a row per line: its hash, its number of documents, and the orders of the first of them."""
    return np.dtype([("hash", "u8"), ("count", "u8"), *([("first", "u8", (keep_first,))] if keep_first else [])])


def _languages(keys: KeySource) -> Iterator[tuple[str, int]]:
    _, table = keys.load(["language"])
    for row in table["language"].value_counts().to_pylist():
        yield row["values"], row["counts"]


def _lines(
    keys: KeySource, config: LineDedupConfig, ranges: int, sizes: Sizes
) -> Iterator[tuple[tuple[Bucket, int], bytes]]:
    for bucket, rows, _, order, lines, lengths in _buckets_in(keys, sizes, config):
        in_part = lines // ranges % keys.parts == keys.part
        counted = _count(lines[in_part], np.repeat(order[rows], lengths)[in_part], _most_kept(config))
        for number, rows_of in split_rows(counted, counted["hash"] % np.uint64(ranges)):
            yield (bucket, number), rows_of.tobytes()


def _count(hashes: np.ndarray, order: np.ndarray, keep_first: int) -> np.ndarray:
    """Count lines, and find the first documents that have each line."""
    rows = np.empty(len(hashes), _row(keep_first))
    rows["hash"], rows["count"] = hashes, 1
    if keep_first:
        rows["first"] = NOBODY
        rows["first"][:, 0] = order
    return _merge(rows, keep_first)


def _merge(rows: np.ndarray, keep_first: int) -> np.ndarray:
    """Combine the rows of each line; return a row per line, sorted by hash."""
    rows = rows[np.argsort(rows["hash"], kind="stable")]
    if not len(rows):
        return rows
    starts = np.flatnonzero(np.append(True, rows["hash"][1:] != rows["hash"][:-1]))
    out = rows[starts]
    out["count"] = np.add.reduceat(rows["count"], starts)
    if keep_first:
        sizes = np.diff(np.append(starts, len(rows))) * keep_first
        line = np.repeat(np.arange(len(starts)), sizes)
        first = rows["first"].ravel()
        first = first[np.lexsort((first, line))]
        place = np.arange(len(first)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        out["first"] = first[place < keep_first].reshape(-1, keep_first)
    return out


def _hot(
    blocks_of: tuple[tuple[Bucket, int], Iterable[bytes]], config: LineDedupConfig
) -> Iterator[tuple[Bucket, bytes]]:
    (bucket, _), blocks = blocks_of
    most = _most_kept(config)
    rows = _merge(np.frombuffer(b"".join(blocks), _row(most)), most)
    rows = rows[rows["count"] > config.max_copies]
    hot = np.zeros(len(rows), HOT)
    hot["hash"], hot["count"] = rows["hash"], rows["count"]
    for content in (False, True):
        if kept := config.copies_kept(content):
            these = is_content(rows["hash"]) == content
            hot["kept_until"][these] = rows["first"][these, kept - 1]
    if len(hot):
        yield bucket, hot.tobytes()


def _at_bucket(bucket: Bucket, rows: bytes) -> tuple[str, bytes]:
    return hot_address(*bucket), rows


def _removed(hot: tuple[Bucket, bytes], config: LineDedupConfig) -> Iterator[tuple[str, int]]:
    """Yield, by kind of line, how many documents lose a line of the bucket."""
    rows = np.frombuffer(hot[1], HOT)
    for content, kind in enumerate(KINDS):
        counts = rows["count"][is_content(rows["hash"]) == content].astype(np.int64)
        yield kind, int((counts - config.copies_kept(bool(content))).sum())


def _most_common_of(hot: tuple[Bucket, bytes]) -> Iterator[Common]:
    (language, number), data = hot
    rows = np.frombuffer(data, HOT)
    for row in rows[np.lexsort((rows["hash"], -rows["count"].astype(np.int64)))[:SHOWN]]:
        yield int(row["count"]), f"{NOBODY - int(row['hash']):016x}", language, number


def _holders(
    keys: KeySource, config: LineDedupConfig, sizes: Sizes, common: Sequence[Common]
) -> Iterator[tuple[int, Holder]]:
    """Yield the first document of the block that has a line, for each of the most common lines, by its position."""
    places = {(language, number, NOBODY - int(digits, 16)): i for i, (_, digits, language, number) in enumerate(common)}
    for bucket, rows, numbers, order, lines, lengths in _buckets_in(keys, sizes, config):
        wanted = [(line, i) for (*of, line), i in places.items() if tuple(of) == bucket]
        holder = np.repeat(rows, lengths)
        for line, i in wanted:
            has = holder[lines == np.uint64(line)]
            if len(has):
                first = has[np.argmin(order[has])]
                yield i, (f"{int(order[first]):016x}", keys.index, int(numbers[first]))


def _shown(held: tuple[int, Holder], common: Sequence[Common]) -> tuple[str, bytes]:
    """Return one of the most common lines as a line of JSON, with a document that has it."""
    place, (_, block, row) = held
    documents, digits, language, _ = common[place]
    line = {"hash": NOBODY - int(digits, 16), "language": language, "documents": documents, "block": block, "row": row}
    return MOST_COMMON, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
