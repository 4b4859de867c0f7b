"""Results are dataclasses that libraries take as mappings."""

import pickle
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

import curate
from curate.dedup.sketch import Duplicate

ITEM = "Natalia sold clips to 48 of her friends in April and then she sold half as many clips in May"
TEXTS = ["The cat sat on the mat, and the dog saw that it was good. " * 9, "b", ""]
RESULTS = {
    "measure": curate.measure,
    "measure, of others too": lambda text: curate.measure(text, "en", ["dolma", "c4_tfds"]),
    "gopher_quality": curate.gopher_quality,
    "c4_clean": curate.c4_clean,
    "scrub_pii": curate.scrub_pii,
    "extract_text": curate.extract_text,
    "detect_language": curate.detect_language,
    "classify_domain": curate.classify_domain,
}
OTHERS = [
    curate.plan_mixture({"web": 9}, {"web": 1}),
    curate.ContaminationIndex([("a", "b", ITEM)]).find(ITEM)[0],
    curate.near_duplicates(["the same text"] * 2)[0],
    curate.explain("A text.")[0],
    Duplicate("00", 0.9),
]


@pytest.mark.parametrize("result", [*(f(TEXTS[0]) for f in RESULTS.values()), *OTHERS], ids=lambda r: type(r).__name__)
def test_a_result_is_a_mapping_and_stays_what_it_was(result):
    assert isinstance(result, Mapping)
    as_dict = dict(result)
    assert as_dict == {**result} == dict(result.items())
    assert len(result) == len(as_dict) > 0
    assert list(result) == list(result.keys()) == list(as_dict)
    assert all(name in result and result.get(name) == result[name] for name in as_dict)
    assert result.get("nothing", 7) == 7
    with pytest.raises(KeyError, match="nothing"):
        result["nothing"]
    copied = pickle.loads(pickle.dumps(result))
    assert copied == result
    assert copied != as_dict
    assert all(getattr(result, name) == result[name] for name in as_dict if hasattr(result, name))


@pytest.mark.parametrize("name", RESULTS)
def test_datasets_maps_it_to_columns(name):
    function = RESULTS[name]
    rows = Dataset.from_list([{"number": i, "body": text} for i, text in enumerate(TEXTS)])
    mapped = rows.map(lambda row: function(row["body"]))
    expected = dict(function(TEXTS[0]))
    assert set(mapped.column_names) == {"number", "body", *expected}
    row = mapped[0]
    assert all(row[key] == value for key, value in expected.items() if not isinstance(value, Mapping))


def test_signals_are_a_row_of_a_frame():
    frame = pd.DataFrame([curate.measure(text) for text in TEXTS])
    assert tuple(frame.columns) == curate.signal_names()
    assert frame["words"].tolist() == [curate.measure(text).words for text in TEXTS]


def test_decisions_are_conditions_for_any_library():
    decisions = [curate.gopher_quality(text) for text in TEXTS]
    expected = [decision.keep for decision in decisions]
    assert np.array(decisions).tolist() == np.array(decisions, bool).tolist() == expected
    assert Dataset.from_list([{"text": text} for text in TEXTS]).filter(
        lambda row: curate.gopher_quality(row["text"])
    ).num_rows == sum(expected)
