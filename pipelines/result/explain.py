"""Explain why a page is in the corpus or not, from a finished run or by running a recipe's steps on a file."""

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
from curate.text.charset import decode
from curate.text.hashing import document_id
from pipelines.io import files
from pipelines.io.shards import shard_of_id
from pipelines.io.sources import format_of
from pipelines.io.tables import DOCUMENTS, REJECTED, signals_schema
from pipelines.recipe.model import Recipe
from pipelines.result.finished import intact, privacy_of, read_steps
from pipelines.steps.base import MapStep, apply, with_local_files

#: The columns to show, by table.
SHOWN = {"documents": DOCUMENTS, "rejected": REJECTED, "signals": signals_schema()}
ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happened to a document: its row in ``documents`` or ``rejected``, and its signals, a row per measurement."""

    kept: bool
    row: dict[str, Any]
    signals: list[dict[str, Any]]


def find(output: str, id_or_url: str) -> list[Fate]:
    """Look up a document in a finished run, by its id or by any spelling of its URL.

    In a run that scrubs personal data, the URL can be the original one or the scrubbed one of the tables. A URL that
    was crawled more than once has a fate for each copy, the newest first.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        RunError: a file of the run is damaged.
    """
    read_steps(output)  # raises an error if there is no run
    if _is_url(id_or_url):
        id_or_url = privacy_of(output).url(id_or_url)
    rows = [(True, row) for row in _rows(output, "documents", id_or_url)]
    rows += [(False, row) for row in _rows(output, "rejected", id_or_url)]
    rows.sort(key=lambda entry: (entry[1]["date"], entry[1]["id"]), reverse=True)
    return [Fate(kept, row, list(_rows(output, "signals", row["id"]))) for kept, row in rows]


def _is_url(wanted: str) -> bool:
    return any(mark in wanted for mark in ":/.")  # a URL such as file:page has only the first


def _rows(output: str, table: str, wanted: str) -> Iterator[dict[str, Any]]:
    is_url = _is_url(wanted)
    same = normalize_url(wanted)
    shards = files.within(files.join(output, table), "*.parquet")
    if not is_url and ID.fullmatch(wanted):  # each shard has a range of ids
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
            rows = parquet.read().filter(hits).to_pylist() if pc.any(hits).as_py() else []
            for field in SHOWN[table]:
                if parquet.schema_arrow.field(field.name).type != field.type:
                    raise TypeError(f"{field.name} is not {field.type}")
                if field.type == pa.string() and any(row[field.name] is None for row in rows):
                    raise ValueError(f"{field.name} is missing")
        yield from rows


def try_file(path: str, recipe: Recipe, url: str = "") -> Iterator[tuple[str, Document | Rejection]]:
    """Run the map steps of a recipe on one text or HTML file, plain or compressed.

    Args:
        path: the file.
        recipe: the recipe; its corpus steps are left out, because they need all documents.
        url: URL to give to the document.

    Yields:
        The name and result of each step.

    Raises:
        OSError: the file cannot be read or decompressed.
    """
    with files.open_read(path) as stream:
        try:
            content = decompressed(stream, path).read()
        except Damaged as e:
            raise OSError(f"{path}: truncated or damaged compression: {e}") from e
    is_html = format_of(path) == "html" or content.lstrip()[:1] == b"<"
    document = Document(id=document_id(url, "", content), url=url)
    document = replace(document, html=content) if is_html else replace(document, text=decode(content)[0])
    for entry in recipe.steps:
        if not isinstance(entry.step, MapStep):
            continue
        result = apply(with_local_files(entry.step).make(), document)
        if isinstance(result, Rejection):
            yield entry.name, replace(result, detail=recipe.privacy.detail(result.detail))
            return
        yield entry.name, result
        document = result
