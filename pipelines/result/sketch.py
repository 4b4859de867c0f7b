"""Export and import of sketches, by which a later crawl or another party can deduplicate against a finished run."""

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
    """Write the sketch of all documents that reached ``minhash_dedup`` in a run, after those of the run's indexes.

    Args:
        recipe: the recipe of the run, with its sources.
        output: folder of the run.
        folder: folder for the sketch.

    Returns:
        The number of documents in the sketch.

    Raises:
        RecipeError: the recipe has no ``minhash_dedup``, or the folder holds no run of it.
        FileExistsError: the folder already holds a sketch.
    """
    _check_free(folder)
    layout = RunLayout.of(recipe, output)
    for pass_ in layout.plan.passes:
        cut = layout.cut(pass_)
        for i, data in enumerate(cut):
            if isinstance(data.step, MinHashDedup):
                if not data.decision.is_whole():
                    raise RecipeError(f"{output} holds no run of this recipe over these inputs; run it first")
                keys = [KeyPart(slice_.index, data, cut[:i]) for slice_ in layout.plan.slices]
                return export_sketch([*data.step.index_parts(), *keys], data.step.hashing, folder)
    raise RecipeError(f"recipe {recipe.name} has no step minhash_dedup, which makes sketches; add it")


def import_sketches(paths: Sequence[str], folder: str) -> int:
    """Check sketches and append them to the sketch in a folder, which is created if it does not exist.

    Args:
        paths: folders of sketches, or their ``sketch.json``, in the order of their documents.
        folder: folder of the sketch that a recipe names as ``index``.

    Returns:
        The number of documents in the sketch afterwards.

    Raises:
        ValueError: a sketch cannot be read, is damaged or was made with other settings.
    """
    if "://" in folder:
        raise ValueError(f"--into {folder}: sketches can only be combined in a local folder; name one")
    target = Path(folder)
    present = [folder] if (target / MANIFEST).exists() else []
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as merged:
        documents = merge_sketches([*present, *paths], merged)
        target.mkdir(exist_ok=True)
        old = {path.name for path in target.iterdir()}
        new = sorted(Path(merged).iterdir(), key=lambda path: path.name == MANIFEST)
        for path in new:  # the manifest last, so that an interruption leaves a sketch that is recognised as damaged
            path.replace(target / path.name)
        for name in old - {path.name for path in new}:
            (target / name).unlink()
    return documents


def _check_free(folder: str) -> None:
    if files.exists(files.join(folder, MANIFEST)):
        raise FileExistsError(f"{folder} already holds a sketch; choose another folder, or delete it")


def export_sketch(blocks: Sequence[KeySource], config: MinHashConfig, folder: str) -> int:
    """Write the sketch of all documents of some blocks of keys.

    Args:
        blocks: parts of sketches, followed by the keys of ``minhash_dedup`` in a run. A document that occurs several
            times is written once, at its first position.
        config: settings with which the keys were made.
        folder: folder for the sketch.

    Returns:
        The number of documents in the sketch.
    """
    files.make_folder(folder)
    parts: list[Part] = []
    rows = part_rows(config)
    for block, positions in zip(blocks, _positions(blocks), strict=True):
        _, table = block.load(["bands", "sketch", "rank", "date"])
        table, positions = table.filter(pa.array(positions >= 0)), positions[positions >= 0].astype(np.uint64)
        if not len(table):
            continue
        sketch = Sketch(
            config,
            key_ids(fixed(table["rank"], np.uint8)),
            table["date"].fill_null(NO_DATE).to_numpy(),
            fixed(table["bands"], np.uint64),
            fixed(table["sketch"], np.uint8).reshape(-1, SKETCH_BINS),
        )
        for start in range(0, len(table), rows):
            part = slice(start, start + rows)
            columns = (sketch.ids, sketch.dates, sketch.bands, sketch.sketches)
            data = part_bytes(positions[part], Sketch(config, *(c[part] for c in columns)))
            name = part_name(len(parts))
            with files.atomic_write(files.join(folder, name)) as f:
                f.write(data)
            parts.append(describe_part(name, len(positions[part]), data))
    described = manifest(config, parts)
    files.write_json(files.join(folder, MANIFEST), described)
    return int(described["documents"])


def _positions(blocks: Sequence[KeySource]) -> list[np.ndarray]:
    """Return the position of each document among all, int64; -1 if its id occurs earlier."""
    ranks = rank_documents(blocks)
    keys = [fixed(block.load(["rank"])[1]["rank"], np.uint8) for block in blocks]
    ids = np.concatenate([key_ids(k).view(">u8").reshape(-1, 2) for k in keys if len(k)] or [np.empty((0, 2), ">u8")])
    order = np.lexsort((rank := np.concatenate(ranks), ids[:, 1], ids[:, 0]))
    first = np.ones(len(ids), bool)
    first[order[1:]] = (ids[order[1:]] != ids[order[:-1]]).any(axis=1)
    by_rank = np.argsort(rank)
    place = np.empty(len(ids), np.int64)
    place[by_rank] = np.cumsum(first[by_rank]) - 1
    return np.split(np.where(first, place, -1), np.cumsum([len(r) for r in ranks])[:-1])


def merge_sketches(paths: Sequence[str], folder: str) -> int:
    """Combine several sketches into one, with the documents of the first sketch first; return their number.

    Raises:
        ValueError: a sketch cannot be read, or they were made with different settings.
    """
    config = read_manifest(paths[0]).config
    return export_sketch(index_parts(paths, config, 32), config, folder)
