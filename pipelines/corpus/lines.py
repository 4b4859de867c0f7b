"""Line deduplication: lines that stand in more than six documents of a bucket, within a language, are removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from curate.hashing import stable_u64
from curate.lines import LineDedupConfig, line_hashes, remove_lines
from pipelines import files
from pipelines.corpus.base import PARTITIONS, CorpusStep, KeySlice

COUNT = np.dtype([("hash", "u8"), ("count", "u8")])


class LineDedup(CorpusStep):
    """Counts each line once per document, and removes every copy of a line that is too common."""

    config = LineDedupConfig
    changes = frozenset({"text"})
    shuffles = "16 bytes per line"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("language", pa.string()), ("bucket", pa.uint64()), ("lines", pa.list_(pa.uint64()))]
    )

    def key_function(self, config: LineDedupConfig) -> Callable[[Document], tuple]:
        """Take the language, a hash of the id that names the bucket, and the hashes of the lines."""
        return lambda d: (d.language, stable_u64(d.id, "line-bucket"), line_hashes(d.text, config))

    def decide(self, config: LineDedupConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle 16 bytes per distinct line of a slice."""
        sizes = (
            keys
            | "Languages" >> beam.FlatMap(_languages).with_output_types(tuple[str, int])
            | "Documents" >> beam.CombinePerKey(sum)
        )
        _ = (
            keys
            | "Lines" >> beam.FlatMap(_lines, config, beam.pvalue.AsDict(sizes)).with_output_types(tuple[str, bytes])
            | "GroupLines" >> beam.GroupByKey()
            | "Hot" >> beam.Map(_hot, config).with_output_types(tuple[str, bytes])
            | "ByBucket" >> beam.GroupByKey()
            | "WriteHot" >> beam.Map(_write_hot, folder)
        )
        _ = (
            sizes
            | "OneTable" >> beam.combiners.ToList()
            | "WriteSizes"
            >> beam.Map(lambda s, path: files.write_json(path, dict(sorted(s))), files.join(folder, "sizes.json"))
        )

    def edit(self, config: LineDedupConfig, folder: str) -> Callable[[Document], Document | Rejection]:
        """Return the function that removes the hot lines of the document's language and bucket."""
        sizes = files.read_json(files.join(folder, "sizes.json"))
        tables: dict[str, np.ndarray] = {}

        def hot_lines(document: Document) -> np.ndarray:
            bucket = stable_u64(document.id, "line-bucket") % _buckets(sizes.get(document.language, 0), config)
            name = f"hot-{document.language}-{bucket}.bin"
            if name not in tables:
                path = files.join(folder, name)
                rows = b""
                if files.exists(path):
                    with files.open_read(path) as f:
                        rows = f.read()
                tables[name] = np.frombuffer(rows, COUNT)["hash"].copy()
            return tables[name]

        def step(document: Document) -> Document | Rejection:
            hot = hot_lines(document)
            if not len(hot):
                return document
            edit = remove_lines(document.text, hot, config)
            if not edit.text.strip():
                return Rejection("only_repeated_lines", float(sum(edit.counts.values())))
            return replace(document, text=edit.text) if edit.counts else document

        return step


def _buckets(documents: int, config: LineDedupConfig) -> int:
    return max(1, -(-documents // config.bucket_documents))


def _languages(keys: KeySlice) -> Iterator[tuple[str, int]]:
    _, table = keys.load()
    for row in table["language"].value_counts().to_pylist():
        yield row["values"], row["counts"]


def _lines(keys: KeySlice, config: LineDedupConfig, sizes: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    lines = table["lines"].combine_chunks()
    lengths = lines.value_lengths().to_numpy(zero_copy_only=False)
    flat = lines.flatten().to_numpy()
    languages = np.array(table["language"].to_pylist(), dtype=object)
    bucket = table["bucket"].to_numpy()
    for language in sorted(set(languages)):
        mine = languages == language
        buckets = np.where(mine, bucket % np.uint64(_buckets(sizes[language], config)), np.uint64(2**63))
        for b in np.unique(buckets[mine]):
            hashes = flat[np.repeat(buckets == b, lengths)]
            part = hashes % np.uint64(PARTITIONS)
            for p in np.unique(part):
                values, counts = np.unique(hashes[part == p], return_counts=True)
                block = np.empty(len(values), COUNT)
                block["hash"], block["count"] = values, counts
                yield f"{language}-{b}/{p}", block.tobytes()


def _hot(blocks_of: tuple[str, Iterable[bytes]], config: LineDedupConfig) -> tuple[str, bytes]:
    key, blocks = blocks_of
    rows = np.frombuffer(b"".join(blocks), COUNT)
    values, place = np.unique(rows["hash"], return_inverse=True)
    counts = np.zeros(len(values), np.uint64)
    np.add.at(counts, place, rows["count"])
    hot = counts > config.max_copies
    block = np.empty(int(hot.sum()), COUNT)
    block["hash"], block["count"] = values[hot], counts[hot]
    return key.split("/")[0], block.tobytes()


def _write_hot(blocks_of: tuple[str, Iterable[bytes]], folder: str) -> None:
    bucket, blocks = blocks_of
    rows = np.sort(np.frombuffer(b"".join(blocks), COUNT), order="hash")
    with files.atomic_write(files.join(folder, f"hot-{bucket}.bin")) as f:
        f.write(rows.tobytes())
