"""What a result depends on besides recipe and input: curate's source, model weights, libraries, user modules."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

import xxhash

from pipelines.recipe.functions import FunctionStep
from pipelines.recipe.plugins import source_digests
from pipelines.steps.base import Step

#: Libraries that every run depends on.
ALWAYS = ("numpy", "pyarrow")
PACKAGES = ("curate", "pipelines", "quality_models")
#: Files and folders in them that no result depends on: the command line, and the training of models.
NOT_IN_RESULTS = ("pipelines/commands", "quality_models")
WEIGHTS = "quality_models/models"


@functools.cache
def code_digests() -> dict[str, str]:
    """Return a digest of every file of curate that affects results, by file name."""
    digests = {}
    for package in PACKAGES:
        for name, file in sorted(_files(resources.files(package), package), key=lambda entry: entry[0]):
            if name.startswith(WEIGHTS) or not name.startswith(NOT_IN_RESULTS):
                digests[name] = xxhash.xxh3_64_hexdigest(file.read_bytes())
    return digests


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, name)
        elif not entry.name.endswith((".pyc", ".pyi")):
            yield name, entry


def code_version() -> str:
    """Return one digest of all code, for the manifest of a run."""
    return xxhash.xxh3_64_hexdigest(repr(code_digests()).encode())


def library_versions(steps: Iterable[Step]) -> dict[str, str]:
    """Return the versions of Python and of the libraries that the steps use."""
    versions = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in sorted({*ALWAYS, *(library for step in steps for library in step.libraries)}):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def own_sources(step: Step) -> dict[str, str]:
    """Return the digests of the source files of a user-defined step; none for a built-in one."""
    thing: Any = step.function if isinstance(step, FunctionStep) else type(step)
    return {} if thing.__module__.split(".")[0] in PACKAGES else source_digests(thing)
