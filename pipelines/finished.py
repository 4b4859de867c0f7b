"""Reading what a finished run left: anything may have happened to its files since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from pipelines import files
from pipelines.corpus.base import RunError

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
        RunError: the report is damaged.
    """
    path = _path(output, "report.json")
    with intact(path):
        report = files.read_json(path)
        TypeAdapter(_Report).validate_python(report)
    return report


def read_steps(output: str) -> list[dict[str, Any]]:
    """Return the steps of the recipe of a finished run with their settings, from ``manifest.json``.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        RunError: the manifest is damaged.
    """
    path = _path(output, "manifest.json")
    with intact(path):
        steps = files.read_json(path)["recipe"]["steps"]
        return [{"step": str(step["step"]), "name": str(step["name"]), **step} for step in steps]


def _path(output: str, name: str) -> str:
    path = files.join(output, name)
    if not files.is_file(path):
        raise FileNotFoundError(f"{output} holds no finished run: {name} is missing (is it the right folder?)")
    return path
