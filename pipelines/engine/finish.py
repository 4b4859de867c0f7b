"""The end of a run: choose the number of shards, write those that are missing, and write the reports."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from pipelines.engine.layout import RunLayout
from pipelines.engine.plan import Pass
from pipelines.engine.runners import Then, then_each
from pipelines.engine.sums import added, kept_path
from pipelines.io import files, sealed
from pipelines.io.columns import merge_types
from pipelines.io.shards import (
    MOST_BATCHES,
    ROWS_PER_SHARD,
    MergeTask,
    Shards,
    ShardTask,
    merge_runs,
    merge_tasks,
    shard_count,
    shard_tasks,
    write_shard,
)
from pipelines.io.tables import TABLES
from pipelines.result.report import build_report, write_reports


class RunAll(Protocol):
    """Calls a function on everything that another one returns, until that returns nothing.

    A title says what it does; ``then`` adds what follows to the same Beam job.
    """

    def __call__(
        self, title: str, todo: Callable[[], list[Any]], function: partial[None], then: Then | None = None
    ) -> None:
        """Call the function on the elements."""


BUNDLE = 64  # shards whose facts workers put into one file for the driver; curate's own value


def count_shards(layout: RunLayout, pass_: Pass) -> Shards:
    """Choose the number of shards from what is kept, so that it does not depend on how the input was split.

    Args:
        layout: files of the run.
        pass_: the pass before the last, with the decisions after it, and what they leave of each group of slices.
    """
    recipe = layout.plan.recipe
    counts = [layout.counts(p) for p in layout.plan.passes[:-1]]
    cut, kept = layout.cut(pass_), counts[-1]["totals"]
    if cut:
        kept = added([sealed.read_json(kept_path(cut, group)) for group in range(layout.groups.count)], tuple(kept))
    tables = shard_count(counts[0]["steps"]["read"]["read"], ROWS_PER_SHARD)
    tokenizer = next((e.step for e in recipe.steps if "tokens" in e.step.writes), None)
    out = recipe.output
    numbers = {
        "documents": shard_count(kept["text_bytes"], out.bytes_per_shard),
        "tokens": shard_count(kept["tokens"], out.tokens_per_shard) if tokenizer else 0,
        "rejected": tables,
        "signals": tables,
    }
    return Shards(
        **numbers,
        measures=recipe.measures,
        seed=out.shuffle_seed,
        formats=out.formats,
        token_type=tokenizer.token_type if tokenizer else "",
        privacy=recipe.privacy,
        columns=merge_types(count["columns"] for count in counts),
        groups=layout.groups.count,
        merged=len(layout.plan.slices) * max(numbers.values()) > MOST_BATCHES,
    )


def write_result(layout: RunLayout, shards: Shards, run_all: RunAll) -> dict:
    """Write the shards that are missing, and the reports; return the report."""
    last = layout.plan.passes[-1]
    done = files.join(layout.work, "finished.json")
    files.delete([done, files.join(layout.output, "manifest.json")])
    facts = layout.folder(last)
    for table in (*TABLES, *shards.own_formats()):
        if table != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(files.join(layout.output, table))
    entries: list[dict] = []

    def summaries() -> Iterator[dict]:
        for path in write_shards(layout.output, facts, shards, run_all):
            bundle = sealed.read_json(path)
            entries.extend(bundle["files"])
            yield from bundle["summaries"]

    report = build_report(layout, summaries())
    write_reports(layout, report, entries)
    sealed.write_json(done, {"digest": last.digest, "passes": [p.folder for p in layout.plan.passes]})
    files.delete([layout.folder(last)])  # its sorted runs are as large as the result
    return report


def write_shards(output: str, facts: str, shards: Shards, run_all: RunAll) -> list[str]:
    """Write the shards that are missing, and delete those of other results.

    Args:
        output: folder of the result.
        facts: folder of the sorted runs with their places, and of the JSON file about each shard.
        shards: how shards are written.
        run_all: writes the shards.

    Returns:
        Paths of JSON files about some shards each, with ``files`` and ``summaries``.
    """
    tasks = shard_tasks(shards)
    files.delete([files.join(facts, name) for name in files.names(facts, "bundle-")])
    for table in (*TABLES, *shards.own_formats()):
        folder = files.join(output, table)
        old = [name for name in files.names(folder) if not _is_wanted(name, table, shards)]
        files.delete([files.join(folder, name) for name in old])

    def written(exist: bool) -> list[ShardTask]:
        names = set(files.names(facts, "shard-"))
        return [task for task in tasks if (f"{task.name}.json" in names) == exist]

    if before := written(True):  # by a run that was stopped; their files may have changed since
        run_all("check shards", lambda: before, partial(check_shard, output=output, facts=facts))
    merges = merge_tasks(shards)

    def to_merge() -> list[MergeTask]:
        names = set(files.names(facts, "merge-"))
        return [merge for merge in merges if f"{merge.name}.json" not in names]

    if merges and written(False):
        run_all("merge", to_merge, partial(merge_runs, folder=facts, shards=shards))
    bundles = range(-(-len(tasks) // BUNDLE))
    bundle = partial(bundle_facts, facts=facts, shards=shards)
    write = partial(write_shard, output=output, facts=facts, shards=shards)
    run_all("shards", lambda: written(False), write, then_each("bundle", bundles, bundle))

    def to_bundle() -> list[int]:
        names = set(files.names(facts, "bundle-"))
        return [number for number in bundles if f"bundle-{number:05d}.json" not in names]

    run_all("reports", to_bundle, bundle)
    return [_bundle_path(facts, number) for number in bundles]


def _bundle_path(facts: str, number: int) -> str:
    return files.join(facts, f"bundle-{number:05d}.json")


def bundle_facts(number: int, facts: str, shards: Shards) -> None:
    """Put the facts of some shards into one file.

    Args:
        number: number of the file.
        facts: folder of the JSON file about each shard.
        shards: the shards.
    """
    tasks = shard_tasks(shards)[number * BUNDLE : (number + 1) * BUNDLE]
    of_shards = [sealed.read_json(task.facts(facts)) for task in tasks]
    bundle = {
        "files": [entry for of_shard in of_shards for entry in of_shard["files"]],
        "summaries": [of_shard["summary"] for of_shard in of_shards],
    }
    sealed.write_json(_bundle_path(facts, number), bundle)


#: Name of a file of a result, with its number and the number of shards.
PART_NUMBERS = re.compile(r"part-(\d{5,})-of-(\d{5,})\.(\w+)")


def _is_wanted(name: str, table: str, shards: Shards) -> bool:
    """Return whether a file in the folder of a table is one that the shards have."""
    part = PART_NUMBERS.fullmatch(name)
    count, endings = shards.documents, {table}
    if table == "megatron":
        count, endings = shards.tokens if "megatron" in shards.formats else 0, {"bin", "idx"}
    elif table in TABLES:
        is_left_out = table == "tokens" and "parquet" not in shards.formats
        count, endings = 0 if is_left_out else shards.count(table), {"parquet"}
    return part is not None and int(part[1]) < count == int(part[2]) and part[3] in endings


def check_shard(task: ShardTask, output: str, facts: str) -> None:
    """Mark a shard that an earlier run has written as missing, if one of its files has changed since.

    Args:
        task: the shard.
        output: folder of the result.
        facts: folder of the JSON file about the shard.
    """
    path = task.facts(facts)
    if not all(_is_unchanged(fact, output) for fact in sealed.read_json(path)["files"]):
        files.delete([path])


def _is_unchanged(fact: dict, output: str) -> bool:
    path = files.join(output, *fact["path"].split("/"))
    if files.size(path) != fact["bytes"]:
        return False
    digest = hashlib.sha256()
    with files.open_read(path) as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == fact["sha256"]
