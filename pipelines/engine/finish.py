"""The end of a run: how many shards there are, writing those that are missing, and the reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from curate.document import Document
from pipelines.engine.layout import Workspace
from pipelines.engine.plan import Pass
from pipelines.engine.stored import StepData
from pipelines.io import files, sealed
from pipelines.io.columns import merge_kinds, unpack_columns
from pipelines.io.shards import ROWS_PER_SHARD, Shards, ShardTask, shard_tasks, write_shard
from pipelines.io.tables import FACTS, TABLES, iter_rows, read_table
from pipelines.result.report import build_report, write_reports

#: Runs a function on all elements that a function returns, until it returns none.
RunAll = Callable[[Callable[[], list[ShardTask]], partial[None]], None]


def count_shards(space: Workspace, pass_: Pass) -> Shards:
    """Choose numbers of shards from what is alive: they depend on the corpus alone, not on how it was cut."""
    recipe = space.plan.recipe
    cut = space.cut(pass_)
    text_bytes = tokens = 0
    for part in space.plan.slices:
        size, count = _alive(space, pass_, cut, part.index)
        text_bytes, tokens = text_bytes + size, tokens + count
    read = sum(m["steps"]["read"]["read"] for m in space.manifests(space.plan.passes[0]))
    tables = max(1, -(-read // ROWS_PER_SHARD))
    tokenizer = next((e.step for e in recipe.steps if "tokens" in e.step.writes), None)
    out = recipe.output
    before = [m for p in space.plan.passes[:-1] for m in space.manifests(p)]
    return Shards(
        documents=max(1, -(-text_bytes // out.bytes_per_shard)),
        tokens=max(1, -(-tokens // out.tokens_per_shard)) if tokenizer else 0,
        rejected=tables,
        signals=tables,
        measures=recipe.measures,
        seed=out.shuffle_seed,
        formats=out.formats,
        token_type=tokenizer.token_type if tokenizer else "",
        privacy=recipe.privacy,
        columns=merge_kinds(m["columns"] for m in before),
    )


def _alive(space: Workspace, pass_: Pass, cut: Sequence[StepData], index: int) -> tuple[int, int]:
    """Return the bytes of text and the tokens, as often as they are seen, of the documents of a slice that stay."""
    path = files.join(space.folder(pass_), f"state-{index:05d}.parquet")
    state = read_table(path, ["text_bytes", "token_count", "copies"])
    copies = state["copies"].to_numpy().copy()
    stays = np.ones(len(copies), bool)
    for data in cut:
        applied = data.apply(index)
        if "copies" in data.step.writes and applied.edit:
            for row, facts in enumerate(iter_rows(path)):
                document = Document(**{name: facts[name] for name in FACTS}, extra=unpack_columns(facts["extra"]))
                seen = applied.edit(row, document)
                copies[row] = seen.copies if isinstance(seen, Document) else 0
        stays[applied.rejected] = False
    copies[~stays] = 0
    return int(state["text_bytes"].to_numpy()[copies > 0].sum()), int(state["token_count"].to_numpy() @ copies)


def write_result(space: Workspace, shards: Shards, run_all: RunAll) -> dict:
    """Write the shards that are missing, and the reports; returns the report."""
    last = space.plan.passes[-1]
    done = files.join(space.work, "finished.json")
    files.delete([done, files.join(space.output, "manifest.json")])
    tasks = shard_tasks(shards, space.folder(last), space.manifests(last))
    facts = space.folder(last)
    finished = {task: _written(task, facts, space.output) for task in tasks}
    wanted = {fact["path"] for found in finished.values() if found for fact in found["files"]}
    for table in (*TABLES, *shards.own_formats()):
        folder = files.join(space.output, table)
        old = [name for name in files.names(folder) if f"{table}/{name}" not in wanted]
        files.delete([files.join(folder, name) for name in old])
        if table != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(folder)
    files.delete([task.facts(facts) for task, found in finished.items() if not found])
    write = partial(write_shard, output=space.output, facts=facts, shards=shards)

    def todo() -> list[ShardTask]:
        return [task for task in tasks if not files.exists(task.facts(facts))]

    run_all(todo, write)
    written = [sealed.read_json(task.facts(facts)) for task in tasks]
    report = build_report(space, written)
    write_reports(space, report, written)
    sealed.write_json(done, {"digest": last.digest})
    files.delete([space.folder(last)])  # the sorted runs are as large as the result
    return report


def _written(task: ShardTask, facts: str, output: str) -> dict | None:
    """Return the facts of a shard that an earlier run has written, if its files are as it wrote them."""
    path = task.facts(facts)
    if not files.exists(path):
        return None
    found = sealed.read_json(path)
    return found if all(_is_as_written(fact, output) for fact in found["files"]) else None


def _is_as_written(fact: dict, output: str) -> bool:
    path = files.join(output, *fact["path"].split("/"))
    if files.size(path) != fact["bytes"]:
        return False
    digest = hashlib.sha256()
    with files.open_read(path) as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == fact["sha256"]
