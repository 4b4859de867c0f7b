"""Reading of finished runs, whose files may have been changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from pipelines.io import files
from pipelines.io.privacy import Privacy
from pipelines.recipe.registry import step_type
from pipelines.result import output as result
from pipelines.steps.base import RunError, Step

STRICT = ConfigDict(strict=True)


@with_config(STRICT)
class _Step(TypedDict):
    name: str
    read: int
    kept: int
    rejected: dict[str, int]


@with_config(STRICT)
class _Corpus(TypedDict):
    documents: int
    text_bytes: int
    tokens: int


@with_config(STRICT)
class _Label(TypedDict):
    tokens: int


@with_config(STRICT)
class _Report(TypedDict):
    recipe: str
    steps: list[_Step]
    corpus: _Corpus
    labels: dict[str, list[_Label]]
    warnings: list[str]


@contextmanager
def intact(path: str) -> Iterator[None]:
    """Turn any error about the content of a file into one sentence.

    Raises:
        RunError: the file is damaged; the message names it.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, pa.ArrowException) as e:
        raise RunError(f"{path} is damaged; run the recipe into this folder again") from e
    except OSError as e:
        if e.errno is None:  # raised by Arrow for damaged content
            raise RunError(f"{path} is damaged; run the recipe into this folder again") from e
        raise


def read_report(output: str) -> dict[str, Any]:
    """Return ``report.json`` of a finished run.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the report or the manifest has changed since the run wrote it.
        RunError: the report is from an incompatible version.
    """
    report = result.read_report(output)
    with intact(files.join(output, "report.json")):
        TypeAdapter(_Report).validate_python(report)
    return report


def steps_with(output: str, attribute: str) -> dict[str, Step]:
    """Rebuild those steps of a finished run whose class has an attribute that is not None.

    Returns:
        The steps, by name.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the manifest has changed since the run wrote it.
        RunError: the manifest is from an incompatible version.
    """
    steps: dict[str, Step] = {}
    for entry, type_ in _types(output):
        if getattr(type_, attribute, None) is not None:
            with intact(files.join(output, "manifest.json")):
                settings = {f.name: entry[f.name] for f in fields(type_) if f.name in entry}  # type: ignore[arg-type]
                steps[entry["name"]] = TypeAdapter(type_).validate_python(settings)
    return steps


def not_judging(output: str) -> set[str]:
    """Return the names of those steps of a finished run that remove copies, or documents in excess of a share.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the manifest has changed since the run wrote it.
        RunError: the manifest is from an incompatible version.
    """
    return {entry["name"] for entry, type_ in _types(output) if not type_.judges}


def privacy_of(output: str) -> Privacy:
    """Return what the ``pii`` steps of a finished run replace, for finding a page by its original URL.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the manifest has changed since the run wrote it.
        RunError: the manifest is from an incompatible version.
    """
    configs = (step.privacy for step in steps_with(output, "privacy").values())
    return Privacy.of(config for config in configs if config)


def _types(output: str) -> Iterator[tuple[dict[str, Any], type[Step]]]:
    """Yield the steps of a finished run whose class is available here, each with its class."""
    for entry in read_steps(output):
        if "." in entry["step"]:
            continue  # a user module, which need not be available here
        try:
            type_ = step_type(entry["step"])
        except (LookupError, ImportError, TypeError):
            continue  # a step of a package that is no longer installed
        if isinstance(type_, type):
            yield entry, type_


def read_steps(output: str) -> list[dict[str, Any]]:
    """Return the steps of a finished run with their settings, from ``manifest.json``.

    Raises:
        FileNotFoundError: ``output`` holds no finished run, or only tokens that `curate recut` wrote.
        DamagedError: the manifest has changed since the run wrote it.
        RunError: the manifest is from an incompatible version.
    """
    manifest = result.read_manifest(output)
    if result.RECUT in manifest:
        raise FileNotFoundError(f"{output} has only the tokens of another mixture; name the run that it was made from")
    with intact(files.join(output, "manifest.json")):
        return [{"step": str(step["step"]), "name": str(step["name"]), **step} for step in manifest["recipe"]["steps"]]
