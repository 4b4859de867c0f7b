"""The files of a run below its output folder: passes, decisions and results, and which of them are complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.engine.passes import PassJob
from pipelines.engine.plan import Pass, Plan, extracts, make_plan, measures_signals, named_files
from pipelines.engine.stored import StepData, StoredDecision
from pipelines.engine.sums import Groups, inputs_path, sum_path
from pipelines.io import files, sealed
from pipelines.io.sealed import WORK
from pipelines.io.shards import Shards
from pipelines.io.sources import list_inputs
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Recipe, RecipeStep, digest
from pipelines.result.output import sizes_agree
from pipelines.steps.base import StepT, with_absolute_paths


def absolute(path: str) -> str:
    """Make a local path absolute; return a path with a scheme (gs://...) unchanged."""
    return path if "://" in path else str(Path(path).resolve())


@dataclass(frozen=True, slots=True)
class RunLayout:
    """The files of a plan's passes and decisions below the output folder."""

    plan: Plan
    output: str

    @classmethod
    def of(cls, recipe: Recipe, output: str) -> RunLayout:
        """Plan a recipe over the current files of its sources, with the result in a folder.

        Raises:
            RecipeError: sources cannot be read, steps are in the wrong order, or the output is a file.
        """
        if not output.strip() or files.is_file(output):
            raise RecipeError(f"--output {output!r} is not a folder; choose another")
        output = absolute(output)
        return cls(make_plan(recipe, list_inputs(recipe.sources, output)), output)

    @property
    def work(self) -> str:
        """Folder of everything other than the result."""
        return files.join(self.output, WORK)

    def folder(self, pass_: Pass) -> str:
        """Folder of a pass."""
        return files.join(self.work, pass_.folder)

    def cut(self, pass_: Pass) -> tuple[StepData, ...]:
        """Return the locations of the keys and decisions of the corpus steps after a pass."""
        cut: list[StepData] = []
        for i, entry in enumerate(pass_.keys):
            before = [(e.word, e.name, e.settings(), named_files(self.plan.recipe, e)) for e in pass_.keys[: i + 1]]
            folder = files.join(self.folder(pass_), f"decide-{entry.name}-{digest([pass_.digest, before])}")
            step = with_absolute_paths(entry.step)
            cut.append(StepData(step, entry.name, self.folder(pass_), StoredDecision(folder)))
        return tuple(cut)

    def cuts(self) -> Iterator[tuple[Pass, StepData]]:
        """Yield the locations of the keys and decisions of all corpus steps, each with the pass before it."""
        for pass_ in self.plan.passes:
            for data in self.cut(pass_):
                yield pass_, data

    def job(self, pass_: Pass, shards: Shards | None = None) -> PassJob:
        """Return everything that a pass needs to run."""
        before = self.plan.passes[: pass_.index]
        large = {name: self.folder(p) for p in before for name in p.writes}
        return PassJob(
            pass_=replace(pass_, steps=located(pass_.steps), keys=located(pass_.keys), facts={}),
            folder=self.folder(pass_),
            before=self.folder(before[-1]) if before else "",
            large=large,
            decided=self.cut(before[-1]) if before else (),
            shards=shards,
            measures=self.plan.recipe.measures if measures_signals(pass_.steps) else (),
            extracts=extracts(self.plan.recipe),
            earlier=tuple(self.folder(p) for p in before),
            plugins=self.plan.recipe.pack(),
        )

    @property
    def groups(self) -> Groups:
        """The groups of slices whose facts workers add up."""
        return Groups(len(self.plan.slices))

    def counts(self, pass_: Pass) -> dict[str, Any]:
        """Return the sum of the manifests of all slices of a finished pass."""
        return sealed.read_json(files.join(self.folder(pass_), "manifest.json"))["counts"]

    def inputs(self) -> Iterator[dict[str, Any]]:
        """Yield what the first pass read of each part of each input file."""
        for group in range(self.groups.count):
            yield from sealed.read_json(inputs_path(self.folder(self.plan.passes[0]), group))["inputs"]

    def slices_done(self, pass_: Pass) -> set[int]:
        """Return the numbers of the slices that a pass is done with, by one listing."""
        return numbers_of(files.names(self.folder(pass_), "slice-"))

    def pass_done(self, pass_: Pass) -> bool:
        """Return whether a pass is complete."""
        return files.exists(self._manifest(pass_))

    def progress(self, pass_: Pass) -> str:
        """Describe how much of a pass is done."""
        if self.pass_done(pass_) or (pass_.last and self.finished()):
            return "yes"
        slices = len(self.slices_done(pass_))
        return f"{slices} of {len(self.plan.slices)} slices" if slices else "no"

    def written(self) -> bool:
        """Return whether the last run that finished in the output folder had this plan; its files may have changed."""
        path = files.join(self.work, "finished.json")
        try:
            return files.exists(path) and sealed.peek_json(path)["digest"] == self.plan.passes[-1].digest
        except (ValueError, LookupError, TypeError):  # damaged
            return False

    def finished(self) -> bool:
        """Return whether the output files are those of this plan, as far as their sizes show."""
        return self.written() and sizes_agree(self.output)

    def forget(self, path: str) -> None:
        """Mark whatever wrote a damaged file of the work folder as not done, so that the run writes it again."""
        if not path.startswith(f"{self.work}/") or ".." in path.split("/"):
            return  # no run writes such a note
        folder, _, below = path.removeprefix(f"{self.work}/").partition("/")
        index = next((p.index for p in self.plan.passes if p.folder == folder), None)
        if index is None:
            files.delete([path])
        elif "/" in below:  # a file of a decision, which the next pass has applied
            files.delete([files.join(self.work, folder, below.partition("/")[0])])
            self.forget_slices(self.plan.passes[index + 1], range(len(self.plan.slices)))
        else:
            self._forget_file(self.plan.passes[index], below)
            files.delete([path])

    def _forget_file(self, pass_: Pass, name: str) -> None:
        """Mark whatever wrote a file in the folder of a pass as not done."""
        if of_group := GROUP_FILE.fullmatch(name):
            paths = [sum_path(self.folder(pass_), int(of_group["group"])), self._manifest(pass_)]
            files.delete(paths)
        elif name.startswith(("shard-", "bundle-")):
            return
        elif merged := MERGED_FILE.fullmatch(name):
            files.delete([files.join(self.folder(pass_), f"{merged['merge']}.json")])
        else:
            of_slice = SLICE_FILE.fullmatch(name)
            self.forget_slices(pass_, [int(of_slice["run"] or of_slice["slice"])] if of_slice else [])

    def forget_slices(self, pass_: Pass, slices: Iterable[int]) -> None:
        """Mark slices of a pass as not done, and the pass itself."""
        folder, slices = self.folder(pass_), list(slices)
        paths = [files.join(folder, f"slice-{index:05d}.json") for index in slices]
        sums = [sum_path(folder, group) for group in sorted({self.groups.of(index) for index in slices})]
        files.delete([self._manifest(pass_), *sums, *paths])

    def _manifest(self, pass_: Pass) -> str:
        return files.join(self.folder(pass_), "manifest.json")


def located(steps: Iterable[RecipeStep[StepT]]) -> tuple[RecipeStep[StepT], ...]:
    """Return steps whose settings name files by absolute path."""
    return tuple(replace(entry, step=with_absolute_paths(entry.step)) for entry in steps)


def numbers_of(names: Iterable[str]) -> set[int]:
    """Return the numbers in names such as slice-00007.json."""
    return {int(name.rpartition("-")[2].removesuffix(".json")) for name in names if name.endswith(".json")}


#: Names of the files of a group of slices, with its number.
GROUP_FILE = re.compile(r"(?:sum|inputs|places-\w+)-(?P<group>\d{5,})\.\w+")
#: Names of merged runs, and of the files with their places.
MERGED_FILE = re.compile(r"(?P<merge>merge-\w+-\d{5,}-\d{5,})(?:-\d{5,})?\.\w+")
#: Names of the files of a slice, with the number of the slice.
SLICE_FILE = re.compile(r"(?:run-\w+-(?P<run>\d{5,})-\d{5,}|.+-(?P<slice>\d{5,}))\.\w+")
