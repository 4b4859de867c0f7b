import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.tokens import load_tokenizer

TOKENIZER = load_tokenizer()
KNOWN_IDS = [
    768,
    4463,
    14652,
    283,
    940,
    12,
    221,
    3095,
    20,
    26,
    551,
    10086,
    338,
    221,
    29529,
    1175,
    106,
    221,
    26513,
    248,
    225,
]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\n  \t\r\n",
        "a\x00b",
        "नमस्ते दुनिया",
        "你好，世界",
        "👩‍👩‍👧‍👦",
        "e\u0301 \u00e9",
        "x" * 5000,
        " " * 5000,
    ],
)
def test_awkward_texts_come_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_a_special_token_on_a_page_is_only_its_characters():
    text = "before <|endoftext|> after"
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.eos_id not in ids
    assert TOKENIZER.decode(ids) == text


def test_lone_surrogates_become_replacement_characters():
    assert TOKENIZER.decode(TOKENIZER.encode("a\ud800b")) == "a\ufffdb"


def test_the_shipped_tokenizer_has_what_its_name_says():
    assert (TOKENIZER.name, TOKENIZER.vocabulary_size, TOKENIZER.dtype) == ("curate-32k", 32_000, np.uint16)
    assert TOKENIZER.decode([TOKENIZER.eos_id]) == "<|endoftext|>"


def test_the_ids_of_a_known_sentence_stay_the_same():
    # The tokenizer is a contract with whoever has trained on its ids.
    assert TOKENIZER.encode("The quick brown fox, 2024: naïve 北京 🙂").tolist() == KNOWN_IDS


def test_a_path_works_and_cuts_nothing(tmp_path):
    import tokenizers

    other = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "</s>": 1, "b": 70_000}, unk_token="a"))
    other.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    other.enable_truncation(2)
    other.enable_padding(length=4)
    other.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(str(tmp_path / "tokenizer.json"))
    assert tokenizer.encode("a b a").tolist() == [0, 70_000, 0]
    assert (tokenizer.vocabulary_size, tokenizer.eos_id, tokenizer.dtype) == (70_001, 1, np.int32)
    assert load_tokenizer(str(tmp_path / "tokenizer.json"), eos="b").eos_id == 70_000
    with pytest.raises(ValueError, match="none of <eot>"):
        load_tokenizer(str(tmp_path / "tokenizer.json"), eos="<eot>")


@given(st.text(max_size=300) | st.text(" \n\ta1.,'é北🙂\u0301\ud800", max_size=300))
@settings(max_examples=500)
def test_both_libraries_give_the_same_ids(text):
    assert TOKENIZER._fast is not None
    slow = dataclasses.replace(TOKENIZER, _fast=None)
    assert TOKENIZER.encode(text).tolist() == slow.encode(text).tolist()


def test_a_very_long_run_of_spaces_does_no_harm():
    assert TOKENIZER.decode(TOKENIZER.encode(" " * 1_100_000)) == " " * 1_100_000


def test_the_shipped_tokenizer_can_be_handed_on(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(TOKENIZER.to_json(), encoding="utf-8")
    assert load_tokenizer(str(path)).encode("Ça va? 123456").tolist() == TOKENIZER.encode("Ça va? 123456").tolist()


def test_what_is_no_tokenizer_is_said_to_be_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="no tokenizer 'gpt-7'"):
        load_tokenizer("gpt-7")
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="not a tokenizer"):
        load_tokenizer(str(path))
