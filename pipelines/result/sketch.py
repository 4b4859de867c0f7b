"""Sketches of finished runs: written for the next crawl or for another party, and brought together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from curate.dedup.minhash import SKETCH_BINS, MinHashConfig
from curate.dedup.sketch import Sketch
from curate.dedup.sketch_file import (
    MANIFEST,
    NO_DATE,
    Part,
    describe_part,
    manifest,
    part_bytes,
    part_name,
    part_rows,
)
from pipelines.dedup.index import index_parts, read_manifest
from pipelines.dedup.members import fixed
from pipelines.dedup.one_process import rank_documents
from pipelines.dedup.order import key_ids
from pipelines.engine.layout import RunLayout
from pipelines.engine.stored import KeyPart
from pipelines.io import files
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Recipe
from pipelines.steps.base import KeySource
from pipelines.steps.minhash_dedup import MinHashDedup


def export_run(recipe: Recipe, output: str, folder: str) -> int:
    """Write the sketch of all documents that MinHash deduplication saw in a run, after those of its own indexes.

    Args:
        recipe: the run's, with its sources.
        output: folder of the run.
        folder: for the sketch.

    Returns:
        The number of documents in it.

    Raises:
        RecipeError: a recipe without ``minhash_dedup``, or no run of it in the folder.
        FileExistsError: the folder holds a sketch already.
    """
    _check_free(folder)
    layout = RunLayout.of(recipe, output)
    for pass_ in layout.plan.passes:
        cut = layout.cut(pass_)
        for i, data in enumerate(cut):
            if isinstance(data.step, MinHashDedup):
                if not data.decision.is_whole():
                    raise RecipeError(f"{output} holds no run of this recipe over these inputs: run it first")
                keys = [KeyPart(part.index, data, cut[:i]) for part in layout.plan.slices]
                return export_sketch([*data.step.index_parts(), *keys], data.step.hashing, folder)
    raise RecipeError(f"recipe {recipe.name} has no step minhash_dedup, which makes sketches")


def import_sketches(paths: Sequence[str], folder: str) -> int:
    """Add sketches behind the one in a folder, or begin it with them; each is checked first.

    Args:
        paths: folders of sketches, or their ``sketch.json``, in the order in which their documents come.
        folder: of the sketch that a recipe names as ``index``.

    Returns:
        The number of documents that it has now.

    Raises:
        ValueError: a sketch that cannot be read, is damaged or was made in another way.
    """
    if "://" in folder:
        raise ValueError(f"{folder}: sketches are brought together in a local folder")
    target = Path(folder)
    present = [folder] if (target / MANIFEST).exists() else []
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as made:
        documents = merge_sketches([*present, *paths], made)
        target.mkdir(exist_ok=True)
        old = {path.name for path in target.iterdir()}
        new = sorted(Path(made).iterdir(), key=lambda path: path.name == MANIFEST)
        for path in new:  # the manifest last: whoever stops this half-way finds a sketch that says it is damaged
            path.replace(target / path.name)
        for name in old - {path.name for path in new}:
            (target / name).unlink()
    return documents


def _check_free(folder: str) -> None:
    if files.exists(files.join(folder, MANIFEST)):
        raise FileExistsError(f"{folder} holds a sketch already: choose another folder, or delete it")


def export_sketch(pieces: Sequence[KeySource], config: MinHashConfig, folder: str) -> int:
    """Write the sketch of all documents of some slices, those of sketches first.

    Args:
        pieces: of the step ``minhash_dedup`` of a run, and of sketches that they come after. A document that is in
            several is taken once, where it comes first.
        config: how their keys were made.
        folder: for the sketch.

    Returns:
        The number of documents.
    """
    files.make_folder(folder)
    parts: list[Part] = []
    step = part_rows(config)
    for piece, positions in zip(pieces, _positions(pieces), strict=True):
        _, table = piece.load(["bands", "sketch", "rank", "date"])
        table, positions = table.filter(pa.array(positions >= 0)), positions[positions >= 0].astype(np.uint64)
        if not len(table):
            continue
        found = Sketch(
            config,
            key_ids(fixed(table["rank"], np.uint8)),
            table["date"].fill_null(NO_DATE).to_numpy(),
            fixed(table["bands"], np.uint64),
            fixed(table["sketch"], np.uint8).reshape(-1, SKETCH_BINS),
        )
        for start in range(0, len(table), step):
            block = slice(start, start + step)
            columns = (found.ids, found.dates, found.bands, found.sketches)
            data = part_bytes(positions[block], Sketch(config, *(c[block] for c in columns)))
            name = part_name(len(parts))
            with files.atomic_write(files.join(folder, name)) as f:
                f.write(data)
            parts.append(describe_part(name, len(positions[block]), data))
    described = manifest(config, parts)
    files.write_json(files.join(folder, MANIFEST), described)
    return int(described["documents"])


def _positions(pieces: Sequence[KeySource]) -> list[np.ndarray]:
    """Return the place of each document among all, int64; -1 where its id has come before."""
    ranks = rank_documents(pieces)
    keys = [fixed(piece.load(["rank"])[1]["rank"], np.uint8) for piece in pieces]
    ids = np.concatenate([key_ids(k).view(">u8").reshape(-1, 2) for k in keys if len(k)] or [np.empty((0, 2), ">u8")])
    order = np.lexsort((rank := np.concatenate(ranks), ids[:, 1], ids[:, 0]))
    first = np.ones(len(ids), bool)
    first[order[1:]] = (ids[order[1:]] != ids[order[:-1]]).any(axis=1)
    by_rank = np.argsort(rank)
    place = np.empty(len(ids), np.int64)
    place[by_rank] = np.cumsum(first[by_rank]) - 1
    return np.split(np.where(first, place, -1), np.cumsum([len(r) for r in ranks])[:-1])


def merge_sketches(paths: Sequence[str], folder: str) -> int:
    """Write one sketch of several: the documents of the first come first. Returns the number of documents.

    Raises:
        ValueError: sketches that cannot be read or were not made alike.
    """
    config = read_manifest(paths[0]).config
    return export_sketch(index_parts(paths, config, 32), config, folder)
