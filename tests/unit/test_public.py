"""The public names are a contract: they are there, they need no Beam, and each shows an example."""

from __future__ import annotations

import inspect
import subprocess
import sys

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
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = curate.nothing


@pytest.mark.parametrize("name", [n for n in CONTRACT if n not in ("plan_mixture", "ContaminationIndex")])
def test_bytes_are_as_good_as_a_string(name):
    text = "https://example.org/über?utm_source=x Der Käse ist alt, und niemand will ihn essen. Ann: ann@example.org"
    function = getattr(curate, name)
    if name == "near_duplicates":
        assert function([text.encode(), text]) == function([text, text])
    elif name == "minhash_signature":
        assert (function(text.encode()) == function(text)).all()
    else:
        assert function(text.encode()) == function(text)
