"""Why is this page in the corpus, or not: looked up in a finished run, or tried out on a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.document import Document, Rejection
from curate.filters.urls import normalize_url
from curate.input.compression import Damaged, decompressed
from curate.text.hashing import document_id
from pipelines.io import files
from pipelines.io.privacy import Privacy
from pipelines.io.shards import shard_of_id
from pipelines.io.sources import format_of
from pipelines.io.tables import DOCUMENTS, REJECTED, signals_schema
from pipelines.recipe.model import Recipe
from pipelines.result.finished import intact, read_steps, steps_with
from pipelines.steps.base import MapStep, apply

#: The columns that are shown of each table.
SHOWN = {"documents": DOCUMENTS, "rejected": REJECTED, "signals": signals_schema()}


ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one document: its row in ``documents`` or ``rejected``, and its signals, a row per measurement."""

    kept: bool
    row: dict[str, Any]
    signals: list[dict[str, Any]]


def find(output: str, id_or_url: str) -> list[Fate]:
    """Look a document up in a finished run, by its id or by any spelling of its URL.

    In a run that scrubs personal data the URL may be the page's own, or as the tables have it.

    A URL that was crawled more than once has a fate for each copy, the newest first.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        RunError: a file of it is damaged.
    """
    read_steps(output)  # that there is a run
    if _is_url(id_or_url):
        scrubbing = (step.privacy for step in steps_with(output, "privacy").values())
        id_or_url = Privacy.of(found for found in scrubbing if found).url(id_or_url)
    found = [(True, row) for row in _rows(output, "documents", id_or_url)]
    found += [(False, row) for row in _rows(output, "rejected", id_or_url)]
    found.sort(key=lambda f: (f[1]["date"], f[1]["id"]), reverse=True)
    return [Fate(kept, row, list(_rows(output, "signals", row["id"]))) for kept, row in found]


def _is_url(wanted: str) -> bool:
    return any(mark in wanted for mark in ":/.")  # file:page has no more than the first


def _rows(output: str, table: str, wanted: str) -> Iterator[dict[str, Any]]:
    is_url = _is_url(wanted)
    same = normalize_url(wanted)
    shards = files.within(files.join(output, table), "*.parquet")
    if not is_url and ID.fullmatch(wanted):  # a shard has the ids of a range
        shards = [shards[shard_of_id(wanted, len(shards))]] if shards else []
    for meta in shards:
        with intact(meta.path), files.open_read(meta.path) as stream:
            parquet = pq.ParquetFile(stream)
            column = "url" if is_url else "id"
            values = parquet.read(columns=[column])[column]
            if is_url:
                hits = pa.array([normalize_url(url) == same for url in values.to_pylist()], pa.bool_())
            else:
                hits = pc.equal(values, wanted)
            found = parquet.read().filter(hits).to_pylist() if pc.any(hits).as_py() else []
            for column in SHOWN[table]:
                if parquet.schema_arrow.field(column.name).type != column.type:
                    raise TypeError(f"{column.name} is not {column.type}")
                if column.type == pa.string() and any(row[column.name] is None for row in found):
                    raise ValueError(f"{column.name} is missing")
        yield from found


def try_file(path: str, recipe: Recipe, url: str = "") -> Iterator[tuple[str, Document | Rejection]]:
    """Lead one text or HTML file, plain or compressed, through the map steps of a recipe.

    Yields each step's name and result. Corpus steps need all documents, and are left out.

    Raises:
        OSError: the file cannot be decompressed.
    """
    with files.open_read(path) as stream:
        try:
            content = decompressed(stream, path).read()
        except Damaged as e:
            raise OSError(f"{path}: truncated or damaged compression: {e}") from e
    is_html = format_of(path) == "html" or content.lstrip()[:1] == b"<"
    id_ = document_id(url, "", content)
    document = Document(id=id_, url=url, html=content) if is_html else Document(id=id_, url=url, text=_text(content))
    for entry in recipe.steps:
        if not isinstance(entry.step, MapStep):
            continue
        result = apply(entry.step.make(), document)
        if isinstance(result, Rejection):
            yield entry.name, replace(result, detail=recipe.privacy.detail(result.detail))
            return
        yield entry.name, result
        document = result


def _text(content: bytes) -> str:
    from curate.text.charset import decode

    return decode(content)[0]
