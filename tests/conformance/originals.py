"""Run the original filters over texts: ``python originals.py PEER TEXTS.jsonl OUT.jsonl [--nltk-data DIR]``.

PEER names what is run, each in the environment of `build_peers.sh` that has it:

    datatrove        gopher@datatrove, c4@datatrove, fineweb@datatrove   environment datatrove
    tfds, nemo       c4@tfds; nemo@english                               environment datatrove
    definitions      every preset by definitions.py over the live tokenisers   environment datatrove
    datatrove-2024   gopher@fineweb-2024, c4@fineweb-2024, fineweb@2024, fineweb@paper   environment datatrove-2024
    dolma            gopher@dolma (and its own two C4 taggers, values only)   environment dolma

A line of TEXTS has "id" and "text"; a line of OUT has "id", "preset", "keep", "reason", "quantities". What an original
raises is a drop with the reason "undefined" and the quantity "raised" = 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import types
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from definitions import DOLMA_GOPHER_RULES, DUPLICATE_N_GRAM_LIMITS, TOP_N_GRAM_LIMITS, decide

Result = tuple[bool, str, dict[str, float]]


class Probe(float):
    """A limit that no value breaks and that notes each value it is compared with, so that a filter tells them all."""

    # NumPy leaves the comparison to this class.
    __array_ufunc__ = None

    def __new__(cls, limit: float, name: str, into: dict[str, float]) -> Probe:
        probe = super().__new__(cls, limit)
        probe.name, probe.into = name, into  # type: ignore[attr-defined]
        return probe

    def _note(self, value: Any) -> bool:
        self.into.setdefault(self.name, float(value))  # type: ignore[attr-defined]
        return False

    # `value > limit` asks the limit first, because its class derives from float.
    __gt__ = __lt__ = __ge__ = __le__ = _note  # type: ignore[assignment]
    __hash__ = float.__hash__


def call_filter(quality_filter: Any, text: str, document: Callable[..., Any]) -> tuple[bool, str]:
    result = quality_filter.filter(document(text=text, id="0"))
    return result if isinstance(result, tuple) else (bool(result), "")


def run_filters(filters: list[Any], probes: list[Any], values: dict[str, float], document: Any, text: str) -> Result:
    """Decision and reason of the filters as they come; values from the same filters with limits that only note."""
    keep, reason = True, ""
    try:
        for quality_filter in filters:
            keep, reason = call_filter(quality_filter, text, document)
            if not keep:
                break
    except ZeroDivisionError:
        keep, reason = False, "undefined"
    values.clear()
    try:
        for quality_filter in probes:
            call_filter(quality_filter, text, document)
    except ZeroDivisionError:
        values["raised"] = 1
    return keep, reason, dict(values)


def gopher_filters(filters: Any, values: dict[str, float]) -> tuple[list[Any], list[Any]]:
    """GopherRepetitionFilter and GopherQualityFilter with their defaults, and with probes for limits."""

    def probe(name: str, limit: float = 1.0) -> Probe:
        return Probe(limit, name, values)

    repetition = filters.GopherRepetitionFilter(
        **{
            name: probe(name) for name in ("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac")
        },
        top_n_grams=tuple((n, probe(f"top_{n}_gram")) for n in TOP_N_GRAM_LIMITS),
        dup_n_grams=tuple((n, probe(f"dup_{n}_gram")) for n in DUPLICATE_N_GRAM_LIMITS),
    )
    quality = filters.GopherQualityFilter(
        min_doc_words=probe("words"),
        max_doc_words=probe("words"),
        min_avg_word_length=probe("mean_word_length"),
        max_avg_word_length=probe("mean_word_length"),
        max_symbol_word_ratio=SymbolProbe(values),
        max_bullet_lines_ratio=probe("bullet_line_ratio"),
        max_ellipsis_lines_ratio=probe("ellipsis_line_ratio"),
        max_non_alpha_words_ratio=probe("alpha_word_ratio"),
        min_stop_words=probe("stop_words"),
    )
    return [filters.GopherRepetitionFilter(), filters.GopherQualityFilter()], [repetition, quality]


class SymbolProbe(Probe):
    """One limit for two values: "#", then ellipses."""

    def __new__(cls, values: dict[str, float]) -> SymbolProbe:
        return super().__new__(cls, 1.0, "hash_ratio", values)  # type: ignore[return-value]

    def _note(self, value: Any) -> bool:
        name = "ellipsis_ratio" if "hash_ratio" in self.into else "hash_ratio"  # type: ignore[attr-defined]
        self.into[name] = float(value)  # type: ignore[attr-defined]
        return False

    __gt__ = __lt__ = __ge__ = __le__ = _note  # type: ignore[assignment]
    __hash__ = float.__hash__


def fineweb_filter(filters: Any, values: dict[str, float], **limits: float) -> tuple[list[Any], list[Any]]:
    names = {
        "line_punct_thr": "line_punct_ratio",
        "short_line_thr": "short_line_ratio",
        "char_duplicates_ratio": "char_dup_ratio",
        "new_line_ratio": "list_ratio",
    }
    probes = {argument: Probe(1.0, name, values) for argument, name in names.items()}
    make = filters.FineWebQualityFilter
    return [make(exclusion_writer=None, **limits)], [make(exclusion_writer=None, **probes)]


def datatrove_c4(filters: Any, values: dict[str, float], **options: Any) -> tuple[list[Any], list[Any]]:
    probe = filters.C4QualityFilter(min_num_sentences=Probe(5, "sentences", values), **options)
    names = {
        "line-total": "lines",
        "line-filter-too_long_word": "too_long_word",
        "line-filter-no_terminal_punc": "no_terminal_punct",
        "line-filter-too_few_words": "too_few_words",
        "line-filter-javascript": "javascript",
        "line-filter-policy": "policy",
        "line-kept": "kept_lines",
    }

    def stat_update(*stats: str, **_: Any) -> None:
        for stat in stats:
            values[names[stat]] = values.get(names[stat], 0.0) + 1

    probe.stat_update = stat_update
    return [filters.C4QualityFilter(**options)], [probe]


def datatrove(_: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """datatrove as installed: 0.10.1."""
    from datatrove.data import Document
    from datatrove.pipeline import filters

    def preset(make: Callable[..., tuple[list[Any], list[Any]]], **limits: float) -> Callable[[str], Result]:
        values: dict[str, float] = {}
        real, probes = make(filters, values, **limits)
        return lambda text: run_filters(real, probes, values, Document, text)

    return {
        "gopher@datatrove": preset(gopher_filters),
        "c4@datatrove": preset(datatrove_c4),
        "fineweb@datatrove": preset(fineweb_filter),
    }


def datatrove_2024(options: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """datatrove 0.2.0."""
    import nltk
    from datatrove.data import Document
    from datatrove.pipeline import filters
    from datatrove.pipeline.filters.fineweb_quality_filter import FineWebQualityFilter

    nltk.data.path.insert(0, options.nltk_data)
    names = types.SimpleNamespace(
        GopherRepetitionFilter=filters.GopherRepetitionFilter,
        GopherQualityFilter=filters.GopherQualityFilter,
        FineWebQualityFilter=FineWebQualityFilter,
        C4QualityFilter=filters.C4QualityFilter,
    )

    def preset(make: Callable[..., tuple[list[Any], list[Any]]], **limits: float) -> Callable[[str], Result]:
        values: dict[str, float] = {}
        real, probes = make(names, values, **limits)
        return lambda text: run_filters(real, probes, values, Document, text)

    return {
        "gopher@fineweb-2024": preset(gopher_filters),
        "c4@fineweb-2024": preset(datatrove_c4, filter_no_terminal_punct=False),
        "fineweb@2024": preset(fineweb_filter),
        "fineweb@paper": preset(fineweb_filter, char_duplicates_ratio=0.1, new_line_ratio=float("inf")),
    }


def dolma(_: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """dolma 1.2.1. Its taggers only give values; the rules on them are those of `definitions.py`."""
    from dolma.core.data_types import Document
    from dolma.taggers.c4 import C4Tagger, FasterC4Tagger
    from dolma.taggers.gopher import GopherTagger

    taggers = {"c4@dolma-v1": C4Tagger(), "c4@dolma-v2": FasterC4Tagger()}

    def spans(tagger: Any, text: str) -> list[Any]:
        return tagger.predict(Document(id="0", source="", text=text)).spans

    def gopher(text: str) -> Result:
        values = {span.type: float(span.score) for span in spans(GopherTagger(), text)}
        for n in TOP_N_GRAM_LIMITS:  # left out by the tagger where there is no such n-gram
            values.setdefault(f"fraction_of_characters_in_most_common_{n}grams", 0.0)
        for n in DUPLICATE_N_GRAM_LIMITS:
            values.setdefault(f"fraction_of_characters_in_duplicate_{n}grams", 0.0)
        return decide(values, DOLMA_GOPHER_RULES)

    def c4(tagger: Any, text: str) -> Result:
        values: dict[str, float] = {}
        for span in spans(tagger, text):
            values[span.type] = float(span.score) if span.type == "line_count" else values.get(span.type, 0.0) + 1
        return True, "", values

    return {
        "gopher@dolma": gopher,
        **{name: (lambda text, tagger=tagger: c4(tagger, text)) for name, tagger in taggers.items()},
    }


def bare_packages(distribution: str, *names: str) -> None:
    """Packages of an installed distribution without what their ``__init__`` files import."""
    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(metadata.distribution(distribution).locate_file(name.replace(".", "/")))]
        sys.modules[name] = package


def tfds(options: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """clean_page and is_valid_length of TFDS 4.9.10 as they are; what they need of TensorFlow is put in by hand."""
    import nltk

    nltk.data.path.insert(0, options.nltk_data)
    bare_packages("tensorflow-datasets", "tensorflow_datasets", "tensorflow_datasets.text")
    bare_packages("tensorflow-datasets", "tensorflow_datasets.core", "tensorflow_datasets.core.utils")
    lazy = types.ModuleType("tensorflow_datasets.core.utils.lazy_imports_utils")
    lazy.tensorflow = types.SimpleNamespace(compat=types.SimpleNamespace(as_text=str))  # type: ignore[attr-defined]
    sys.modules[lazy.__name__] = lazy
    sys.modules["tensorflow_datasets.public_api"] = types.ModuleType("tensorflow_datasets.public_api")
    absl = types.ModuleType("absl")
    absl.logging = None  # type: ignore[attr-defined]
    sys.modules["absl"] = absl
    c4_utils = importlib.import_module("tensorflow_datasets.text.c4_utils")
    c4_utils._SENTENCE_TOKENIZER = nltk.PunktTokenizer("english")
    c4_utils.get_counter_inc_fn = lambda _: lambda *_: None
    clean_page = c4_utils.get_clean_page_fn()
    get_sentences = c4_utils._get_sentences
    names = {
        "line-filtered:too_long_word": "too_long_word",
        "line-filtered:no_endmark": "no_terminal_punct",
        "line-filtered:too_short": "too_few_words",
        "line-filtered:javascript": "javascript",
        "line-filtered:policy": "policy",
        "line-passed": "kept_lines",
        "filtered:loremipsum": "lorem_ipsum",
        "filtered:squigglybracket": "curly_bracket",
    }

    def preset(text: str) -> Result:
        page = c4_utils.PageFeatures(text=text)
        values = {"chars": float(len(text)), "sentences": 0.0}
        reason = ""

        def counted_sentences(line: str) -> list[str]:
            found = get_sentences(line)
            values["sentences"] += len(found)
            return found

        def count(name: str, amount: int = 1) -> None:
            nonlocal reason
            if name.startswith("filtered:"):
                reason = name.removeprefix("filtered:")
            if name in names:
                values[names[name]] = values.get(names[name], 0.0) + amount

        c4_utils._get_sentences = counted_sentences
        kept = list(clean_page(page, counter_inc_fn=count))
        if not c4_utils.is_valid_length(page):
            return False, "too_long", values
        return bool(kept), reason, values

    return {"c4@tfds": preset}


def nemo(_: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """The filters of NeMo Curator 1.4.0's English cascade, in the order and with the limits of its YAML file."""
    import yaml

    text_package = "nemo_curator.stages.text"
    bare_packages("nemo-curator", "nemo_curator", "nemo_curator.stages", text_package, f"{text_package}.utils")
    bare_packages("nemo-curator", f"{text_package}.filters", f"{text_package}.filters.heuristic")
    bare_packages("nemo-curator", f"{text_package}.filters.heuristic.repetition")
    config = Path(str(metadata.distribution("nemo-curator").locate_file("nemo_curator/config/text")))
    stages = yaml.safe_load((config / "heuristic_filter_english_pipeline.yaml").read_text())["stages"]
    filters = []
    for stage in stages:
        arguments = dict(stage.get("filter_obj", {}))
        if arguments:
            module, _, name = arguments.pop("_target_").rpartition(".")
            if module.endswith(".repetition"):
                module += ".repetition"
            filters.append(getattr(importlib.import_module(module), name)(**arguments))

    def preset(text: str) -> Result:
        reason = ""
        values: dict[str, float] = {}
        for quality_filter in filters:
            name = quality_filter.name
            try:
                score = quality_filter.score_document(text)
                keep = quality_filter.keep_document(score)
            except (ZeroDivisionError, ValueError):  # max() of nothing is the second
                reason = reason or "undefined"
                continue
            values[name] = float(score)
            if not keep and not reason:
                middle = {"word_count": 50, "mean_word_length": 3}
                reason = f"{name}_{'min' if score < middle[name] else 'max'}" if name in middle else name
        return not reason, reason, values

    return {"nemo@english": preset}


def definitions(options: argparse.Namespace) -> dict[str, Callable[[str], Result]]:
    """`definitions.py` over the originals' tokenisers."""
    from definitions import with_tokenizers
    from live_tokenizers import live_tokenizers

    return with_tokenizers(live_tokenizers(options.nltk_data))


PEERS = {
    "datatrove": datatrove,
    "datatrove-2024": datatrove_2024,
    "dolma": dolma,
    "tfds": tfds,
    "nemo": nemo,
    "definitions": definitions,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("texts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--nltk-data", default="", help="the folder nltk_data that build_peers.sh made")
    options = parser.parse_args()
    presets = PEERS[options.peer](options)
    with options.texts.open(encoding="utf-8") as texts, options.out.open("w", encoding="utf-8") as out:
        for line in texts:
            row = json.loads(line)
            for preset, run in presets.items():
                keep, reason, quantities = run(row["text"])
                result = {"id": row["id"], "preset": preset, "keep": keep, "reason": reason, "quantities": quantities}
                out.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
