import dataclasses
import json
import random

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings, strategies as st

from curate.document import Document, Rejection
from curate.tokens.huggingface import FAST_LENGTH, read_tokenizer
from curate.tokens.tokenizers import load_tokenizer
from pipelines.steps.base import apply
from pipelines.steps.tokenize import Tokenize

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
    with pytest.raises(ValueError, match=r"has no token '<eot>': .*, such as </s>$"):
        load_tokenizer(str(tmp_path / "tokenizer.json"), eos="<eot>")


@given(st.text(max_size=300) | st.text(" \n\ta1.,'é北🙂\u0301\ud800", max_size=300))
@settings(max_examples=500)
def test_both_libraries_give_the_same_ids(text):
    assert TOKENIZER._backend.fast is not None
    slow = dataclasses.replace(TOKENIZER, _backend=dataclasses.replace(TOKENIZER._backend, fast=None))
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


# --- files that others made


def shipped(change):
    """The shipped tokenizer with something changed, as a file."""
    spec = json.loads(TOKENIZER.to_json())
    change(spec)
    return json.dumps(spec)


def split(pattern):
    parts = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}, BYTE_LEVEL]
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": parts}}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
CHARSMAP = "precompiled_charsmap"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda spec: spec.update(split("((")), "end pattern with unmatched parenthesis"),
        (lambda spec: spec.update(pre_tokenizer={"type": "FixedLength", "length": 0}), "no ids for some texts"),
        (lambda spec: spec.update(normalizer={"type": "Precompiled", CHARSMAP: "AAAA"}), "charsmap"),
        (lambda spec: spec.update(normalizer={"type": "Precompiled", CHARSMAP: "//////////8="}), "kills the process"),
        (lambda spec: spec["model"]["vocab"].update(zzz=2**32 - 1), "ids above 2,147,483,647"),
        (lambda spec: spec.update(split("(?:(a+)+)+$(?!x)")), "retry-limit"),
        (lambda spec: spec["model"].update(vocab={}, merges=[]), "no ids for any text"),
    ],
)
def test_a_tokenizer_that_panics_or_kills_is_an_error_that_names_it(tmp_path, change, said):
    path = tmp_path / "theirs.json"
    path.write_text(shipped(change))
    with pytest.raises(ValueError, match=rf"theirs\.json.*({said})"):
        load_tokenizer(str(path)).encode("a" * 60 + "b")


@pytest.mark.parametrize("name", ["theirs.json", "theirs.json.zst"])
def test_files_that_are_not_tokenizers_or_too_large(tmp_path, name, monkeypatch):
    monkeypatch.setattr("curate.tokens.huggingface.MAX_BYTES", 1 << 20)
    path = tmp_path / name
    for data in (b"", b"\0" * 100, b"[]", b'{"a":' * 100_000, b"\xff\xfe{", b"\x28\xb5\x2f\xfdxxxx", b" " * (2 << 20),
                 zstandard.compress(b" " * (300 << 20))):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"theirs\.json\S* is not a tokenizer\.json"):
            read_tokenizer(path)


def test_a_pattern_that_leaves_text_out_is_not_given_to_tiktoken(tmp_path):
    # tiktoken drops what a pattern does not match: the first gave no ids at all for a text without an x.
    for pattern in ("x+", "(?:a{1000}){1000}{100}"):
        (tmp_path / "x.json").write_text(shipped(lambda spec, pattern=pattern: spec.update(split(pattern))))
        tokenizer = load_tokenizer(str(tmp_path / "x.json"))
        assert tokenizer.decode(tokenizer.encode("A text with none.")) == "A text with none."
    (tmp_path / "x.json").write_text(shipped(lambda spec: None))
    assert load_tokenizer(str(tmp_path / "x.json"))._backend.fast is not None


def test_a_panic_at_a_document_costs_that_document(tmp_path):
    (tmp_path / "x.json").write_text(shipped(lambda spec: spec.update(split("(q+)+$"))))
    step = Tokenize(tokenizer=str(tmp_path / "x.json")).make()
    rejected = apply(step, Document(id="0", text="q" * 40 + "b"))
    assert isinstance(rejected, Rejection)
    assert rejected.rule == "error"
    assert "retry-limit" in rejected.detail
    assert isinstance(apply(step, Document(id="1", text="a text")), Document)


@pytest.mark.parametrize(
    "words", [["a", "the man", "of\n", "\n\n", "  x"], ["北", "京。", "東"], ["ab", "\u0301", "🙂", " 12", "'s"]]
)
def test_a_long_text_has_the_ids_of_the_whole(words):
    """It is encoded in pieces, because the library takes hundreds of bytes for each token."""
    tokenizer = load_tokenizer()
    text = "".join(random.Random(0).choices(words, k=400_000))
    assert len(text) > FAST_LENGTH
    whole = tokenizer._backend.tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.encode(text).tolist() == whole
    assert tokenizer.encode(text).dtype == tokenizer.dtype


def test_a_word_longer_than_a_piece_comes_back():
    tokenizer = load_tokenizer()
    for text in ("x" * 700_000, " " * 700_000 + "x", "\ud800" + "word " * 200_000):
        assert tokenizer.decode(tokenizer.encode(text)) == text.replace("\ud800", "\ufffd")
