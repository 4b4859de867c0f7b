"""The end of a run: choose the number of shards, write those that are missing, and write the reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from curate.document import Document
from pipelines.engine.layout import RunLayout
from pipelines.engine.plan import Pass
from pipelines.engine.stored import StepData
from pipelines.io import files, sealed
from pipelines.io.columns import merge_types, unpack_columns
from pipelines.io.shards import ROWS_PER_SHARD, Shards, ShardTask, shard_count, shard_tasks, write_shard
from pipelines.io.tables import FACTS, TABLES, iter_rows, read_table
from pipelines.result.report import build_report, write_reports

#: Calls the second function on everything that the first one returns, until that returns nothing.
RunAll = Callable[[Callable[[], list[ShardTask]], partial[None]], None]


def count_shards(layout: RunLayout, pass_: Pass) -> Shards:
    """Choose the number of shards from what is kept, so that it does not depend on how the input was split.

    Args:
        layout: files of the run.
        pass_: the pass before the last.
    """
    recipe = layout.plan.recipe
    cut = layout.cut(pass_)
    text_bytes = tokens = 0
    for slice_ in layout.plan.slices:
        size, count = _kept(layout, pass_, cut, slice_.index)
        text_bytes, tokens = text_bytes + size, tokens + count
    read = sum(m["steps"]["read"]["read"] for m in layout.manifests(layout.plan.passes[0]))
    tables = shard_count(read, ROWS_PER_SHARD)
    tokenizer = next((e.step for e in recipe.steps if "tokens" in e.step.writes), None)
    out = recipe.output
    before = [m for p in layout.plan.passes[:-1] for m in layout.manifests(p)]
    return Shards(
        documents=shard_count(text_bytes, out.bytes_per_shard),
        tokens=shard_count(tokens, out.tokens_per_shard) if tokenizer else 0,
        rejected=tables,
        signals=tables,
        measures=recipe.measures,
        seed=out.shuffle_seed,
        formats=out.formats,
        token_type=tokenizer.token_type if tokenizer else "",
        privacy=recipe.privacy,
        columns=merge_types(m["columns"] for m in before),
    )


def _kept(layout: RunLayout, pass_: Pass, cut: Sequence[StepData], index: int) -> tuple[int, int]:
    """Return the bytes of text and the tokens, counted once per copy, of the documents of a slice that are kept."""
    path = files.join(layout.folder(pass_), f"state-{index:05d}.parquet")
    state = read_table(path, ["text_bytes", "token_count", "copies"])
    copies = state["copies"].to_numpy().copy()
    stays = np.ones(len(copies), bool)
    for data in cut:
        applied = data.apply(index)
        if "copies" in data.step.writes and applied.edit:
            for row, facts in enumerate(iter_rows(path)):
                document = Document(**{name: facts[name] for name in FACTS}, extra=unpack_columns(facts["extra"]))
                edited = applied.edit(row, document)
                if isinstance(edited, Document):
                    copies[row] = edited.copies
                else:
                    stays[row] = False
        stays[applied.rejected] = False
    copies[~stays] = 0  # a document that stays may have no copies too
    return int(state["text_bytes"].to_numpy()[stays].sum()), int(state["token_count"].to_numpy() @ copies)


def write_result(layout: RunLayout, shards: Shards, run_all: RunAll) -> dict:
    """Write the shards that are missing, and the reports; return the report."""
    last = layout.plan.passes[-1]
    done = files.join(layout.work, "finished.json")
    files.delete([done, files.join(layout.output, "manifest.json")])
    facts = layout.folder(last)
    for table in (*TABLES, *shards.own_formats()):
        if table != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(files.join(layout.output, table))
    written = write_shards(layout.output, facts, shards, layout.manifests(last), run_all)
    report = build_report(layout, (sealed.read_json(path)["summary"] for path in written))
    write_reports(layout, report, [entry for path in written for entry in sealed.read_json(path)["files"]])
    sealed.write_json(done, {"digest": last.digest, "passes": [p.folder for p in layout.plan.passes]})
    files.delete([layout.folder(last)])  # its sorted runs are as large as the result
    return report


def write_shards(output: str, facts: str, shards: Shards, manifests: Sequence[dict], run_all: RunAll) -> list[str]:
    """Write the shards that are missing, and delete those of other results.

    Args:
        output: folder of the result.
        facts: folder of the sorted runs, and of the JSON file about each shard.
        shards: how shards are written.
        manifests: manifest of each slice, with its sorted runs.
        run_all: writes the shards.

    Returns:
        Paths of the JSON files about the shards, each with ``files`` and ``summary``.
    """
    tasks = shard_tasks(shards, facts, manifests)
    finished = {task: _written(task, facts, output) for task in tasks}
    wanted = {fact["path"] for written in finished.values() for fact in written or ()}
    for table in (*TABLES, *shards.own_formats()):
        folder = files.join(output, table)
        old = [name for name in files.names(folder) if f"{table}/{name}" not in wanted]
        files.delete([files.join(folder, name) for name in old])
    files.delete([task.facts(facts) for task, written in finished.items() if written is None])
    write = partial(write_shard, output=output, facts=facts, shards=shards)

    def todo() -> list[ShardTask]:
        return [task for task in tasks if not files.exists(task.facts(facts))]

    run_all(todo, write)
    return [task.facts(facts) for task in tasks]


def _written(task: ShardTask, facts: str, output: str) -> list[dict] | None:
    """Return the files of a shard that an earlier run has written; None if it has not, or they have changed since."""
    path = task.facts(facts)
    if not files.exists(path):
        return None
    written = sealed.read_json(path)["files"]
    return written if all(_is_unchanged(fact, output) for fact in written) else None


def _is_unchanged(fact: dict, output: str) -> bool:
    path = files.join(output, *fact["path"].split("/"))
    if files.size(path) != fact["bytes"]:
        return False
    digest = hashlib.sha256()
    with files.open_read(path) as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == fact["sha256"]
