"""Line deduplication: lines that stand in more than six documents of a bucket, within a language, are removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.dedup.lines import LineDedupConfig, find_lines, line_hashes, remove_lines
from curate.document import Document, Rejection
from curate.text.hashing import stable_u64
from pipelines.io import files, sealed
from pipelines.steps.base import PARTITIONS, CorpusStep, KeySlice

#: A line that is too common: its hash, its documents, and the last place in their order that keeps it.
HOT = np.dtype([("hash", "u8"), ("count", "u8"), ("kept_until", "u8")])
NOBODY = 2**64 - 1
TOP = 100  # most common lines whose text is kept for people
Bucket = tuple[str, int]  # a language, and a number within it


class LineDedup(CorpusStep):
    """Counts each line once per document, and removes the copies of a line that is too common."""

    config = LineDedupConfig
    key_settings = ("min_characters", "protect_code")
    changes = frozenset({"text"})
    shuffles = "16 bytes per line"
    losers_from_keys = False
    schema: ClassVar[pa.Schema] = pa.schema(
        [("language", pa.string()), ("order", pa.uint64()), ("lines", pa.list_(pa.uint64()))]
    )

    def key_function(self, config: LineDedupConfig) -> Callable[[Document], tuple]:
        """Take the language, a hash of the id (it names the bucket, and orders documents), and the lines' hashes."""
        return lambda d: (d.language, _order(d), line_hashes(d.text, config))

    def shuffled_bytes(self, slices: Sequence[KeySlice]) -> int:
        """Return 16 bytes, and 8 for each copy that is kept, for every line of every document."""
        return sum(s.count()[1] for s in slices) * _row(slices[0].taken.config.keep_first).itemsize if slices else 0

    def decide(self, config: LineDedupConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle the distinct lines of each slice with their counts."""
        # a side input made of the main one: what waits for it is names of key files, a few bytes each
        sizes = (
            keys
            | "Languages" >> beam.FlatMap(_languages).with_output_types(tuple[str, int])
            | "Documents" >> beam.CombinePerKey(sum)
        )
        _ = (
            keys
            | "Lines"
            >> beam.FlatMap(_lines, config, beam.pvalue.AsDict(sizes)).with_output_types(
                tuple[tuple[Bucket, int, int], bytes]
            )
            | "GroupLines" >> beam.GroupByKey()
            | "Hot" >> beam.Map(_hot, config).with_output_types(tuple[tuple[Bucket, int], bytes])
            | "ByBucket" >> beam.GroupByKey()
            | "WriteHot" >> beam.Map(_write_hot, folder)
        )
        _ = (
            sizes
            | "OneTable" >> beam.combiners.ToList()
            | "WriteSizes"
            >> beam.Map(lambda s, path: sealed.write_json(path, dict(sorted(s))), files.join(folder, "sizes.json"))
        )

    def edit(self, config: LineDedupConfig, folder: str) -> Callable[[Document], Document | Rejection]:
        """Return the function that removes the hot lines of the document's language and bucket."""
        sizes = sealed.read_json(files.join(folder, "sizes.json"))
        tables: dict[Bucket, np.ndarray] = {}
        unseen = {bucket: set(top) for bucket, top in _top(folder, config).items()}

        def step(document: Document) -> Document | Rejection:
            order = _order(document)
            bucket = document.language, order % _buckets(sizes.get(document.language, 0), config)
            if bucket not in tables:
                tables[bucket] = _read_hot(folder, bucket)
            hot = tables[bucket]
            edit = remove_lines(document.text, hot["hash"], config, hot["kept_until"], order)
            if not edit.counts:
                return document
            if unseen.get(bucket):
                for line, text in find_lines(document.text, unseen[bucket], config).items():
                    unseen[bucket].discard(line)
                    _write_text(folder, bucket, line, text)
            if not edit.text.strip():
                return Rejection("only_repeated_lines", float(edit.counts["repeated_line"]))
            return replace(document, text=edit.text)

        return step


def top_lines(folder: str, config: LineDedupConfig) -> list[dict[str, object]]:
    """Return the most common lines that were removed: normalised text, language, documents; the most common first.

    Args:
        folder: of the decision, after the pass that applied it.
        config: the step's settings.
    """
    found: list[dict[str, object]] = []
    for bucket, lines in _top(folder, config).items():
        for line, count in lines.items():
            path = _text_path(folder, bucket, line)
            if files.exists(path):
                with sealed.open_read(path) as f:
                    text = f.read().decode("utf-8", "replace")
                found.append({"line": text, "language": bucket[0], "documents": count})
    return sorted(found, key=lambda row: (-int(str(row["documents"])), str(row["line"])))


def _order(document: Document) -> int:
    return stable_u64(document.id, "line-bucket")


def _row(keep_first: int) -> np.dtype:
    """A line of a slice: its hash, its documents, and the first of them in their order."""
    return np.dtype([("hash", "u8"), ("count", "u8"), *([("first", "u8", (keep_first,))] if keep_first else [])])


def _buckets(documents: int, config: LineDedupConfig) -> int:
    return max(1, -(-documents // config.bucket_documents))


def _languages(keys: KeySlice) -> Iterator[tuple[str, int]]:
    _, table = keys.load(["language"])
    for row in table["language"].value_counts().to_pylist():
        yield row["values"], row["counts"]


def _lines(
    keys: KeySlice, config: LineDedupConfig, sizes: dict[str, int]
) -> Iterator[tuple[tuple[Bucket, int, int], bytes]]:
    _, table = keys.load()
    lines = table["lines"].combine_chunks()
    lengths = lines.value_lengths().to_numpy(zero_copy_only=False)
    flat = lines.flatten().to_numpy()
    order = table["order"].to_numpy()
    languages = table["language"].combine_chunks().dictionary_encode()
    codes = languages.indices.to_numpy()
    in_part = flat // PARTITIONS % keys.parts == keys.part
    for code, language in enumerate(languages.dictionary.to_pylist()):
        buckets = np.where(codes == code, order % np.uint64(_buckets(sizes[language], config)), np.uint64(2**64 - 1))
        for b in np.unique(buckets[codes == code]):
            mine = np.repeat(buckets == b, lengths) & in_part
            rows = _count(flat[mine], np.repeat(order, lengths)[mine], config.keep_first)
            partition = rows["hash"] % PARTITIONS
            for p in np.unique(partition):
                yield ((language, int(b)), keys.part, int(p)), rows[partition == p].tobytes()


def _count(hashes: np.ndarray, order: np.ndarray, keep_first: int) -> np.ndarray:
    """Count lines, and find the first documents that have each."""
    rows = np.empty(len(hashes), _row(keep_first))
    rows["hash"], rows["count"] = hashes, 1
    if keep_first:
        rows["first"] = NOBODY
        rows["first"][:, 0] = order
    return _merge(rows, keep_first)


def _merge(rows: np.ndarray, keep_first: int) -> np.ndarray:
    """Add up the rows of each line; returns a row per line, sorted."""
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
    blocks_of: tuple[tuple[Bucket, int, int], Iterable[bytes]], config: LineDedupConfig
) -> tuple[tuple[Bucket, int], bytes]:
    (bucket, part, _), blocks = blocks_of
    rows = _merge(np.frombuffer(b"".join(blocks), _row(config.keep_first)), config.keep_first)
    rows = rows[rows["count"] > config.max_copies]
    hot = np.zeros(len(rows), HOT)
    hot["hash"], hot["count"] = rows["hash"], rows["count"]
    if config.keep_first:
        hot["kept_until"] = rows["first"][:, -1]
    return (bucket, part), hot.tobytes()


def _write_hot(blocks_of: tuple[tuple[Bucket, int], Iterable[bytes]], folder: str) -> None:
    (bucket, part), blocks = blocks_of
    rows = np.sort(np.frombuffer(b"".join(blocks), HOT), order="hash")
    if not rows.size:  # Beam cannot write an empty object to S3
        return
    with sealed.write(_hot_path(folder, bucket, part)) as f:
        f.write(rows.tobytes())


def _hot_path(folder: str, bucket: Bucket, part: int) -> str:
    return files.join(folder, f"hot-{_name(bucket)}-{part:03d}.bin")


def _name(bucket: Bucket) -> str:
    return f"{quote(bucket[0], safe='') or 'und'}-{bucket[1]}"


def _read_hot(folder: str, bucket: Bucket) -> np.ndarray:
    made = files.join(folder, "parts.json")
    parts = sealed.read_json(made)["parts"] if files.exists(made) else 1
    blocks = [np.empty(0, HOT)]
    for path in filter(files.exists, (_hot_path(folder, bucket, part) for part in range(parts))):
        with sealed.open_read(path) as f:
            blocks.append(np.frombuffer(f.read(), HOT))
    return np.sort(np.concatenate(blocks), order="hash")


def _top(folder: str, config: LineDedupConfig) -> dict[Bucket, dict[int, int]]:
    """Return the most common lines of all buckets: hash and documents."""
    rows: list[tuple[int, int, Bucket]] = []
    for language, documents in sealed.read_json(files.join(folder, "sizes.json")).items():
        for number in range(_buckets(documents, config)):
            hot = _read_hot(folder, (language, number))
            best = hot[np.lexsort((hot["hash"], -hot["count"].astype(np.int64)))[:TOP]]
            rows += [(-int(r["count"]), int(r["hash"]), (language, number)) for r in best]
    top: dict[Bucket, dict[int, int]] = {}
    for negative, line, bucket in sorted(rows)[:TOP]:
        top.setdefault(bucket, {})[line] = -negative
    return top


def _text_path(folder: str, bucket: Bucket, line: int) -> str:
    return files.join(folder, f"line-{_name(bucket)}-{line:016x}.txt")


def _write_text(folder: str, bucket: Bucket, line: int, text: str) -> None:
    path = _text_path(folder, bucket, line)
    if not files.exists(path):  # normalised, so the same from whichever document it is seen in first
        with sealed.write(path) as f:
            f.write(text.encode("utf-8", "replace"))
