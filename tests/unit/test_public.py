"""The public names are a contract: they are there, they need no Beam, and each shows an example."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import curate

#: DESIGN, section 3: what other people's code calls.
CONTRACT = ["extract_text", "detect_language", "measure", "gopher_quality", "gopher_repetition", "c4_quality"]
CONTRACT += ["fineweb_quality", "llama3_heuristics", "c4_clean", "minhash_signature", "near_duplicates", "scrub_pii"]
CONTRACT += ["quality_score", "classify_domain", "normalize_url", "plan_mixture", "ContaminationIndex"]


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_curate_loads_nothing_heavy():
    heavy = [
        "apache_beam",
        "numba",
        "numpy",
        "pyarrow",
        "fasttext",
        "resiliparse",
        "trafilatura",
        "tokenizers",
        "scipy",
    ]
    assert python(f"import curate, sys; print([m for m in {heavy} if m in sys.modules])").strip() == "[]"


def test_no_public_name_needs_beam():
    code = "import curate, sys; [getattr(curate, n) for n in curate.__all__]; print('apache_beam' in sys.modules)"
    assert python(code).strip() == "False"


def test_the_contract_is_there():
    assert set(CONTRACT) <= set(curate.__all__)


@pytest.mark.parametrize("name", [n for n in curate.__all__ if callable(getattr(curate, n))])
def test_every_public_name_is_documented_with_an_example(name):
    thing = getattr(curate, name)
    module = sys.modules[thing.__module__]
    assert thing.__doc__
    if inspect.isfunction(thing):
        assert ">>> " in thing.__doc__, f"{name} has no example of its own"
    else:
        assert ">>> " in thing.__doc__ + (module.__doc__ or "")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = curate.nothing


#: Public functions of something else than texts.
NO_TEXT = {"kl_divergence", "load_tokenizer", "plan_mixture", "rules_of", "signal_names"}
FUNCTIONS = {name for name in curate.__all__ if inspect.isfunction(getattr(curate, name))}
TEXT = "https://example.org/über?utm_source=x Der Käse ist alt, und niemand will ihn essen. Ann: ann@example.org"
HOT = np.sort(curate.line_hashes(TEXT))
CALLS = {name: getattr(curate, name) for name in FUNCTIONS - NO_TEXT} | {
    "near_duplicates": lambda text: curate.near_duplicates([text, TEXT]),
    "remove_lines": lambda text: curate.remove_lines(text, HOT),
    "decide_preset": lambda text: curate.decide_preset(text, "c4@tfds"),
    "ContaminationIndex": lambda text: curate.ContaminationIndex([("a", "b", text)]).find(TEXT),
    "ContaminationIndex.find": lambda text: curate.ContaminationIndex([("a", "b", TEXT)]).find(text),
    "Sketch.of": lambda text: curate.Sketch.of([text], ["0" * 32], [None]).bands,
    "load_tokenizer": lambda text: curate.load_tokenizer().encode(text),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_bytes_are_as_good_as_a_string(name):
    function = CALLS[name]
    of_text, of_bytes = function(TEXT), function(TEXT.encode())
    assert type(of_text) is type(of_bytes)
    assert np.array_equal(of_text, of_bytes) if isinstance(of_text, np.ndarray) else of_text == of_bytes


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_config_of_a_public_function_is_public(name):
    config = inspect.signature(getattr(curate, name)).parameters.get("config")
    assert config is None or type(config.default).__name__ in curate.__all__
