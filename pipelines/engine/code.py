"""What a result depends on beside recipe and input: the source of curate, weights, libraries, the user's modules."""

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
#: Parts of them that no result depends on: what is printed, and how models are trained.
NOT_IN_RESULTS = ("pipelines/commands", "quality_models")
WEIGHTS = "quality_models/models"


@functools.cache
def code_digests() -> dict[str, str]:
    """Return a digest of every file of curate that shapes results, by its name."""
    digests = {}
    for package in PACKAGES:
        for name, file in sorted(_files(resources.files(package), package), key=lambda found: found[0]):
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
    """Return one digest of the code, for the manifest of a run."""
    return xxhash.xxh3_64_hexdigest(repr(code_digests()).encode())


def library_versions(steps: Iterable[Step]) -> dict[str, str]:
    """Return the versions of Python and of the libraries that some steps use."""
    versions = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in sorted({*ALWAYS, *(library for step in steps for library in step.libraries)}):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def own_sources(step: Step) -> dict[str, str]:
    """Return the digests of the sources of a step that is not curate's own: its package, or the files beside it."""
    thing: Any = step.function if isinstance(step, FunctionStep) else type(step)
    return {} if thing.__module__.split(".")[0] in PACKAGES else source_digests(thing)
