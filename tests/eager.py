"""Beam in tests: a transform applied to a list gives a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

_RESULTS: list[Any] = []


def pipeline(*options: str) -> beam.Pipeline:
    """Return an empty pipeline on the runner that local runs use."""
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(list(options)))


def eager(
    elements: Iterable[Any], *transforms: beam.PTransform | Callable, output: str = "", options: Iterable[str] = ()
) -> list[Any]:
    """Return what a chain of transforms makes of some elements, or an attribute of it, such as ``rejected``."""
    _RESULTS.clear()
    with pipeline(*options) as p:
        collection = p | beam.Create(list(elements), reshuffle=False)
        for transform in transforms:
            collection = collection | transform if isinstance(transform, beam.PTransform) else transform(collection)
        _ = (getattr(collection, output) if output else collection) | "Collect" >> beam.Map(_collect)
    return list(_RESULTS)


def _collect(element: Any) -> None:
    _RESULTS.append(element)  # this module is imported by the runner's threads, not pickled
