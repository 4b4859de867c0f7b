"""The real documents with known pairs, where they are: not part of the project, and no test needs them."""

from __future__ import annotations

import gzip
import io
import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np


def near_duplicates_folder() -> Path | None:
    """The folder with the documents, or None."""
    shared = os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")
    folder = Path(shared) / "near_duplicates"
    return folder if folder.is_dir() else None


@lru_cache(maxsize=1)
def _documents() -> list[dict]:
    import zstandard

    folder = near_duplicates_folder()
    assert folder
    with (folder / "documents.jsonl.zst").open("rb") as f:
        stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(f)
        return [json.loads(line) for line in io.TextIOWrapper(stream, "utf-8")]


def real_texts() -> list[str]:
    """The texts."""
    return [d["text"] for d in _documents()]


def real_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair with a Jaccard similarity of word 5-grams of .5 or more: two positions, and the similarity."""
    folder = near_duplicates_folder()
    assert folder
    place = {d["id"]: i for i, d in enumerate(_documents())}
    with gzip.open(folder / "pairs.tsv.gz", "rt") as f:
        rows = [line.split("\t") for line in f][1:]
    return (
        np.array([place[r[0]] for r in rows]),
        np.array([place[r[1]] for r in rows]),
        np.array([float(r[2]) for r in rows]),
    )
