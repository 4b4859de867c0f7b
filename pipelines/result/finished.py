"""Reading what a finished run left: anything may have happened to its files since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from pipelines.io import files
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
    """Make one sentence of whatever fails on content that no run has written.

    Raises:
        RunError: naming the file.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, pa.ArrowException) as e:
        raise RunError(f"{path} is damaged: run the recipe into this folder again") from e
    except OSError as e:
        if e.errno is None:  # Arrow's, of bytes that are not what the file says
            raise RunError(f"{path} is damaged: run the recipe into this folder again") from e
        raise


def read_report(output: str) -> dict[str, Any]:
    """Return ``report.json`` of a finished run.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the report or the manifest is not what the run wrote.
        RunError: the report is that of another version.
    """
    report = result.read_report(output)
    with intact(files.join(output, "report.json")):
        TypeAdapter(_Report).validate_python(report)
    return report


def steps_with(output: str, attribute: str) -> dict[str, Step]:
    """Return the steps of a finished run whose class has an attribute that is not None, rebuilt, by name.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the manifest is not what the run wrote.
        RunError: the manifest is that of another version.
    """
    found: dict[str, Step] = {}
    for entry in read_steps(output):
        if "." in entry["step"]:
            continue  # a module of the user's own, which need not be here
        try:
            step = step_type(entry["step"])
        except (LookupError, ImportError, TypeError):
            continue  # a step of a package that is no longer installed
        if isinstance(step, type) and getattr(step, attribute, None) is not None:
            with intact(files.join(output, "manifest.json")):
                settings = {f.name: entry[f.name] for f in fields(step) if f.name in entry}
                found[entry["name"]] = TypeAdapter(step).validate_python(settings)
    return found


def read_steps(output: str) -> list[dict[str, Any]]:
    """Return the steps of the recipe of a finished run with their settings, from ``manifest.json``.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        DamagedError: the manifest is not what the run wrote.
        RunError: the manifest is that of another version.
    """
    manifest = result.read_manifest(output)
    with intact(files.join(output, "manifest.json")):
        return [{"step": str(step["step"]), "name": str(step["name"]), **step} for step in manifest["recipe"]["steps"]]
