"""Documents for training and evaluation: read from JSON lines, deduplicated, in the order of a hash.

>>> import numpy as np
>>> examples = Examples(["One text.", "one TEXT", "Another."], np.array([1.0, 1.0, 0.0]), ["a", "b", "c"])
>>> cleaned, counts = clean(examples)
>>> sorted(cleaned.texts), counts
(['Another.', 'One text.'], {'copies': 1})
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import xxhash
from numpy.typing import NDArray

from curate.input.compression import Damaged, decompressed

#: Documents with the same beginning of this many letters and digits count as copies of one another.
SAME_BEGINNING = 500
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts, their targets in [0, 1] (classes: 1 positive, 0 negative), and the source of each."""

    texts: list[str]
    targets: NDArray[np.float64]
    sources: list[str]

    def take(self, places: NDArray[np.int64]) -> Examples:
        """Return the examples at these indexes, in this order."""
        return Examples([self.texts[i] for i in places], self.targets[places], [self.sources[i] for i in places])


def read_rows(path: str | Path) -> Iterator[dict[str, object]]:
    """Read the objects of a JSON lines file, plain or compressed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not UTF-8, not JSON, or not an object; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}: give JSON lines (.jsonl, .jsonl.gz, .jsonl.zst) with a text per line")
    with path.open("rb") as file:
        for number, line in enumerate(_lines(path, file), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))  # unlike orjson, accepts the "\\ud83d" of crawls
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}, line {number}: not UTF-8 (byte {line[error.start]:#04x} at {error.start}): convert the "
                    "file first, for example with `iconv -f latin1 -t utf-8`"
                ) from error
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise ValueError(f"{path}, line {number}: a {type(row).__name__}, not an object with a text")
            yield row


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    try:
        yield from decompressed(file, str(path))
    except Damaged as error:
        raise ValueError(f"{path} cannot be decompressed, it is damaged or cut off: {error}") from error


def read_texts(
    paths: Sequence[str | Path], text_field: str = "text", score_field: str = ""
) -> tuple[list[str], list[str], list[float]]:
    """Read texts, their sources (a row's ``source``, else the name of its file), and scores if a field is named.

    Raises:
        FileNotFoundError, ValueError: as `read_rows`; ValueError also for a row without a text or a score.
    """
    texts: list[str] = []
    sources: list[str] = []
    scores: list[float] = []
    for path in paths:
        name = Path(path).name.split(".")[0]
        for number, row in enumerate(read_rows(path), 1):
            text, score = row.get(text_field), row.get(score_field)
            if not isinstance(text, str):
                fields = ", ".join(sorted(row))
                raise ValueError(f"{path}, row {number}: no text in the field {text_field!r} (its fields: {fields})")
            if score_field:
                if not isinstance(score, (int, float)) or isinstance(score, bool) or not math.isfinite(score):
                    raise ValueError(f"{path}, row {number}: {score_field!r} is {score!r}, not a number")
                scores.append(float(score))
            texts.append(text)
            sources.append(str(row.get("source") or name))
    return texts, sources, scores


def clean(examples: Examples) -> tuple[Examples, dict[str, int]]:
    """Drop empty texts, copies, and texts that are on both sides, and put the rest in the order of a hash.

    The result does not depend on the order of the input, nor on how it was split into files.

    Returns:
        The examples, and how many were dropped: ``empty``, ``copies``, ``contradictions`` (one text with targets that
        differ by more than half of the range).
    """
    counts: Counter[str] = Counter()
    groups: dict[int, list[int]] = {}
    for i, text in enumerate(examples.texts):
        key = " ".join(_WORDS.findall(text[: 4 * SAME_BEGINNING].lower()))[:SAME_BEGINNING]
        if key:
            groups.setdefault(xxhash.xxh3_64_intdigest(key.encode("utf-8", "replace")), []).append(i)
        else:
            counts["empty"] += 1
    chosen: list[int] = []
    for _, places in sorted(groups.items()):
        targets = examples.targets[places]
        if targets.max() - targets.min() > 0.5:
            counts["contradictions"] += len(places)
            continue
        counts["copies"] += len(places) - 1
        chosen.append(min(places, key=lambda i: (examples.texts[i], examples.sources[i])))
    return examples.take(np.array(chosen, np.int64)), {name: n for name, n in sorted(counts.items()) if n}


def length_weights(
    lengths: NDArray[np.float64], targets: NDArray[np.float64], most: float = 5.0
) -> NDArray[np.float64]:
    """Return weights under which a document's length is independent of its side.

    Documents are binned by the power of two of their length; in each bin the positives and the negatives have the same
    total weight, and together that of the bin's number of documents.

    Args:
        lengths: of the texts, > 0.
        targets: in [0, 1]; a score in between counts for both sides, in proportion.
        most: largest factor for a side, so that a bin in which it is rarer stays unbalanced. curate's own value.

    >>> length_weights(np.array([100.0, 100, 100, 900]), np.array([1.0, 1, 0, 1])).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    bins = np.log2(np.maximum(lengths, 1)).astype(np.int64)
    weights = np.zeros(len(targets))
    for b in np.unique(bins):
        here = bins == b
        for side in (targets[here], 1 - targets[here]):
            if side.sum() > 0:
                weights[here] += side * (min(here.sum() / 2, most * side.sum()) / side.sum())
    return weights
