"""Tokenizers of every kind have the ids of their own library; files that are not whole are refused with a sentence."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import given, settings, strategies as st

from curate.models.probe import TEXTS
from curate.tokens import TokenizerLike, load_tokenizer, tiktoken_ranks
from curate.tokens.tiktoken_ranks import PATTERNS

try:
    import sentencepiece
except ImportError:
    sentencepiece = None

SHIPPED = load_tokenizer()
RANKS = SHIPPED._backend.fast._mergeable_ranks
PATTERN = SHIPPED._backend.fast._pat_str
ANY_TEXT = st.text(max_size=200) | st.text(" \n\ta1.,'é北🙂\u0301<|/s>_▁", max_size=200)
WITHOUT_SURROGATES = ANY_TEXT.map(lambda text: text.encode("utf-8", "replace").decode())

needs_sentencepiece = pytest.mark.skipif(
    sentencepiece is None, reason="sentencepiece is not installed: pip install 'curate-corpus[sentencepiece]'"
)


WORDS = "the old bridge was built of grey stone and it stands to this day über die alte Brücke 12 34"


class Bytes:
    """A tokenizer of one's own."""

    eos_id, vocabulary_size = 256, 257

    def encode(self, text):
        return list(text.encode())

    def decode(self, ids):
        return bytes(ids).decode("utf-8", "replace")


def write_ranks(path, ranks=RANKS):
    lines = (base64.b64encode(token) + b" %d" % rank for token, rank in ranks.items())
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def train_pieces(path, **settings):
    """Train a small SentencePiece model."""
    file = io.BytesIO()
    words = WORDS.split()
    lines = [" ".join(words[i % 7 :: 1 + i % 3]) for i in range(300)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        minloglevel=2,
        hard_vocab_limit=False,
        **{"vocab_size": 90, **settings},
    )
    path.write_bytes(file.getvalue())
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tokenizers")


@pytest.fixture(scope="module")
def rank_file(folder):
    return write_ranks(folder / "own.tiktoken")


@pytest.fixture(scope="module")
def piece_file(folder):
    return train_pieces(folder / "pieces.model")


@pytest.fixture(scope="module", params=["unigram", "bpe", "bytes"])
def model(request, folder):
    kinds = {"unigram": {"model_type": "unigram"}, "bpe": {"model_type": "bpe"}}
    with_bytes = {"model_type": "bpe", "byte_fallback": True, "vocab_size": 350, "user_defined_symbols": ["<x>"]}
    return train_pieces(folder / f"{request.param}.model", **kinds.get(request.param, with_bytes))


def encode_in_another_process(tokenizer):
    return [tokenizer.encode(text).tolist() for text in TEXTS]


def test_every_kind_works_in_other_processes(folder, rank_file, request):
    (folder / "tokenizer.json").write_text(SHIPPED.to_json())
    kinds = [
        load_tokenizer(),
        load_tokenizer(folder),
        load_tokenizer(rank_file, pattern=PATTERN),
        load_tokenizer(Bytes()),
    ]
    if sentencepiece:
        kinds.append(load_tokenizer(request.getfixturevalue("piece_file")))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for tokenizer, ids in zip(kinds, pool.map(encode_in_another_process, kinds), strict=True):
            assert ids == encode_in_another_process(tokenizer)
            assert tokenizer.encode("a\ud800b").tolist() == tokenizer.encode("a\ufffdb").tolist()
            assert tokenizer.encode(TEXTS[1].encode()).dtype == tokenizer.dtype


@pytest.mark.parametrize("eos", ["zz-", "<eot>"])
def test_an_end_that_is_not_there_is_named_with_others_that_are(eos):
    with pytest.raises(ValueError, match=rf"^the vocabulary of curate-32k has no token '{eos}': .* <\|endoftext\|>$"):
        load_tokenizer("curate-32k", eos=eos)


# --- folders


def make_folder(path, **files):
    path.mkdir()
    spec = json.loads(SHIPPED.to_json())
    spec["added_tokens"].append({**spec["added_tokens"][0], "id": 32_000, "content": "<|eot|>"})
    (path / "tokenizer.json").write_text(json.dumps(spec))
    for name, value in files.items():
        (path / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize(
    ("files", "eos"),
    [
        ({}, "<|endoftext|>"),
        ({"tokenizer_config": {"eos_token": "<|eot|>"}}, "<|eot|>"),
        ({"tokenizer_config": {}, "special_tokens_map": {"eos_token": {"content": "<|eot|>"}}}, "<|eot|>"),
        ({"tokenizer_config": [], "special_tokens_map": {"eos_token": 7}}, "<|endoftext|>"),
    ],
)  # fmt: skip
def test_the_settings_of_a_folder_name_the_end(tmp_path, files, eos):
    tokenizer = load_tokenizer(make_folder(tmp_path / "model", **files))
    assert tokenizer.decode([tokenizer.eos_id]) == eos
    assert tokenizer.encode("One recipe.").tolist() == SHIPPED.encode("One recipe.").tolist()
    assert load_tokenizer(tmp_path / "model", eos="The").eos_id == SHIPPED.encode("The")[0]


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(ValueError, match=r"has no token '</s>': set eos to .* <\|endoftext\|>, <\|eot\|>"):
        load_tokenizer(make_folder(tmp_path / "absent", tokenizer_config={"eos_token": "</s>"}))
    with pytest.raises(ValueError, match=r"broken/tokenizer_config\.json cannot be read \(not JSON: .*or give eos"):
        load_tokenizer(make_folder(tmp_path / "broken", tokenizer_config="{"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty has no tokenizer\.json: save one"):
        load_tokenizer(tmp_path / "empty")
    (tmp_path / "empty" / "tokenizer.model").touch()
    with pytest.raises(FileNotFoundError, match=r"has no tokenizer\.json: give the path of its tokenizer\.model"):
        load_tokenizer(tmp_path / "empty")


# --- SentencePiece


@needs_sentencepiece
class TestSentencePiece:
    @settings(max_examples=150, deadline=None)
    @given(text=WITHOUT_SURROGATES)
    def test_the_ids_and_texts_are_those_of_the_library(self, model, text):
        tokenizer, library = loaded(model, None), sentencepiece.SentencePieceProcessor(model_file=model)
        ids = library.encode(text)
        assert tokenizer.encode(text).tolist() == ids
        assert tokenizer.decode(ids) == library.decode(ids)
        assert (tokenizer.vocabulary_size, tokenizer.eos_id) == (library.vocab_size(), library.eos_id())

    def test_the_end_of_a_document(self, tmp_path, piece_file):
        assert load_tokenizer(piece_file, eos="<s>").eos_id == 1
        with pytest.raises(ValueError, match=r"pieces\.model has no token 'zz': .* such as </s>, <s>$"):
            load_tokenizer(piece_file, eos="zz")
        without = train_pieces(tmp_path / "without.model", eos_id=-1, control_symbols=["<end>"])
        with pytest.raises(ValueError, match=r"has none of <\|endoftext\|>, .*: set eos to .* such as <s>, <end>$"):
            load_tokenizer(without)
        assert load_tokenizer(without, eos="<end>").eos_id > 0

    def test_many_pieces_are_stored_in_four_bytes(self, tmp_path):
        symbols = [f"<{i}>" for i in range(66_000)]
        path = train_pieces(tmp_path / "many.model", model_type="bpe", vocab_size=66_090, user_defined_symbols=symbols)
        tokenizer = load_tokenizer(path)
        assert tokenizer.encode("<65999>").max() > 65_535
        assert tokenizer.dtype == np.int32

    @pytest.mark.parametrize("rule", ["identity", "nmt_nfkc"])
    def test_a_model_that_is_cut_off_anywhere(self, tmp_path, rule):
        data = Path(train_pieces(tmp_path / "whole.model", normalization_rule_name=rule)).read_bytes()
        cut = tmp_path / "cut.model"
        # the library takes what is there wherever the cut is between two pieces, as at 58 and 71
        for size in (0, 1, 58, 71, len(data) // 2, len(data) - 14, len(data) - 1):
            cut.write_bytes(data[:size])
            with pytest.raises(ValueError, match=r"cut\.model is not a complete SentencePiece model"):
                load_tokenizer(cut)

    @pytest.mark.parametrize("data", [b"\x0a\x01x\x12\x00\x1a\x00", b"\xff" * 100, b"{}", b"\0" * 50])
    def test_other_files(self, tmp_path, data):
        (tmp_path / "theirs.model").write_bytes(data)
        with pytest.raises(ValueError, match=r"theirs\.model (is not a complete|cannot be used)"):
            load_tokenizer(tmp_path / "theirs.model")

    def test_it_has_no_form_as_json(self, piece_file):
        with pytest.raises(
            ValueError, match=r"pieces\.model is a SentencePiece model, which cannot become a tokenizer\.json"
        ):
            load_tokenizer(piece_file).to_json()


def test_a_sentencepiece_model_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    (tmp_path / "x.model").touch()
    with pytest.raises(ImportError, match=r"x\.model needs .* pip install 'curate-corpus\[sentencepiece\]'"):
        load_tokenizer(tmp_path / "x.model")


# --- tiktoken


class TestRanks:
    @settings(max_examples=150, deadline=None)
    @given(text=WITHOUT_SURROGATES)
    @pytest.mark.parametrize("pattern", [PATTERN, *PATTERNS], ids=["own", *PATTERNS])
    def test_the_ids_and_texts_are_those_of_the_library(self, rank_file, pattern, text):
        library, tokenizer = encoding(PATTERNS.get(pattern, pattern)), loaded(rank_file, pattern)
        assert tokenizer.encode(text).tolist() == library.encode_ordinary(text)
        assert tokenizer.decode(tokenizer.encode(text)) == text
        if pattern == PATTERN:
            assert tokenizer.encode(text).tolist() == SHIPPED.encode(text).tolist()

    def test_the_end_follows_the_ranks_or_has_one(self, rank_file):
        largest = max(RANKS.values())
        tokenizer = load_tokenizer(rank_file, pattern="gpt2")
        assert (tokenizer.eos_id, tokenizer.vocabulary_size) == (largest + 1, largest + 2)
        assert tokenizer.decode([tokenizer.eos_id]) == "<|endoftext|>"
        assert tokenizer.eos_id not in tokenizer.encode("<|endoftext|>")
        assert load_tokenizer(rank_file, eos="The", pattern="gpt2").eos_id == RANKS[b"The"]

    def test_a_published_file_needs_no_pattern(self, tmp_path, rank_file, monkeypatch):
        data = Path(rank_file).read_bytes()
        known = {hashlib.sha256(data).hexdigest(): ("llama3", {"<|end_of_text|>": 70_000})}
        monkeypatch.setattr(tiktoken_ranks, "PUBLISHED", known)
        (tmp_path / "tokenizer.model").write_bytes(data)  # as Llama 3's is called
        tokenizer = load_tokenizer(tmp_path / "tokenizer.model")
        assert (tokenizer.eos_id, tokenizer.vocabulary_size, tokenizer.dtype) == (70_000, 70_001, np.int32)
        assert tokenizer.encode(TEXTS[1]).tolist() == encoding(PATTERNS["llama3"]).encode_ordinary(TEXTS[1])
        with pytest.raises(ValueError, match=r"has no token '<eot>': .* such as <\|end_of_text\|>$"):
            load_tokenizer(tmp_path / "tokenizer.model", eos="<eot>")

    @settings(max_examples=100, deadline=None)
    @given(text=WITHOUT_SURROGATES)
    @pytest.mark.parametrize("name", ["gpt2", "cl100k_base", "o200k_base"])
    def test_patterns_cut_as_those_of_the_installed_library(self, name, text):
        ours, theirs = encoding(PATTERNS[name]), encoding(library_pattern(name))
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (b"YWI=256", "'YWI=256' is not a token in base64, a space and a rank"),
            (b"YWI 300", "'YWI 300' is not a token"),
            (b"YW*= 300", ".* is not a token"),
            (b"YWI= -1", ".* is not a token"),
            (b"YWI= \xff", ".* is not a token"),
            (b"YWI= 9", "its rank 9 is that of line 10"),
            (b"AA== 300", "its token occurs twice"),
            (b"YWI= 2147483647", "its rank 2147483647 is above 2,147,483,646"),
        ],
    )
    def test_a_broken_line_is_named(self, tmp_path, line, said):
        path = write_ranks(tmp_path / "theirs.tiktoken", {bytes([byte]): byte for byte in range(256)})
        with open(path, "ab") as file:
            file.write(b"\n" + line + b"\nYWJj 301\n")
        with pytest.raises(ValueError, match=rf"^{re.escape(path)}, line 258: {said}"):
            load_tokenizer(path, pattern="gpt2")

    def test_a_file_that_is_cut_off(self, tmp_path):
        path = write_ranks(tmp_path / "cut.tiktoken", {bytes([byte]): byte for byte in range(200)})
        with pytest.raises(ValueError, match=r"cut\.tiktoken has no rank for 56 of the 256 single bytes, such as 0xc8"):
            load_tokenizer(path, pattern="gpt2")

    @pytest.mark.parametrize(
        ("pattern", "said"),
        [
            (None, "its pattern is unknown: set pattern to one of gpt2, cl100k_base, o200k_base, llama3, or"),
            ("((", r"the pattern '\(\(' does not work: .*; get the file again, or give another pattern"),
            ("cl100k", "the pattern 'cl100k' leaves out characters"),
            (r"(?:\w{1000}){1000}{1000}|\s+", r"own\.tiktoken cannot be used with tiktoken"),
        ],
    )
    def test_a_pattern_that_is_absent_or_wrong(self, rank_file, pattern, said):
        with pytest.raises(ValueError, match=rf"own\.tiktoken.*{said}|{said}"):
            load_tokenizer(rank_file, pattern=pattern)

    def test_a_pattern_for_another_kind(self):
        with pytest.raises(ValueError, match="only a tiktoken rank file needs a pattern: curate-32k has"):
            load_tokenizer("curate-32k", pattern="gpt2")


@functools.cache
def loaded(path, pattern):
    return load_tokenizer(path, pattern=pattern)


@functools.cache
def encoding(pattern):
    return tiktoken.Encoding("", pat_str=pattern, mergeable_ranks=RANKS, special_tokens={})


@functools.cache
def library_pattern(name):
    """The pattern of an encoding as the installed library has it, without its ranks."""
    import tiktoken_ext.openai_public as public

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public, "load_tiktoken_bpe", lambda *_, **__: {})
        patch.setattr(public, "data_gym_to_mergeable_bpe_ranks", lambda *_, **__: {})
        return public.ENCODING_CONSTRUCTORS[name]()["pat_str"]


def python(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})


def test_an_encoding_that_cannot_be_fetched_says_which_file_to_put_where(tmp_path):
    # a real failure: nothing listens at that port
    offline = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    code = "from curate.tokens import load_tokenizer; load_tokenizer('cl100k_base')"
    ended = python(code, TIKTOKEN_CACHE_DIR=str(tmp_path), NO_PROXY="", no_proxy="", **offline)
    url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
    place = tmp_path / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
    assert "FileNotFoundError: the encoding cl100k_base of tiktoken is not in its cache" in ended.stderr
    assert f"save {url} as {place}, or give the path of a .tiktoken file" in ended.stderr


def test_an_encoding_by_its_name_and_that_of_a_plugin(tmp_path):
    (tmp_path / "tiktoken_ext").mkdir()
    made = "dict(name='mine', pat_str=r'\\s+|\\S+', special_tokens={'</s>': 256}, "
    made += "mergeable_ranks={bytes([b]): b for b in range(256)})"
    (tmp_path / "tiktoken_ext" / "mine.py").write_text(f"ENCODING_CONSTRUCTORS = {{'mine': lambda: {made}}}\n")
    code = "import pickle; from curate.tokens import load_tokenizer; t = load_tokenizer('mine')\n"
    code += (
        "t = pickle.loads(pickle.dumps(t)); print(t.encode('a </s>'), t.eos_id, t.vocabulary_size, t.decode([97, 256]))"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    ended = python(code, PYTHONPATH=path)
    assert ended.stdout.strip() == "[ 97  32  60  47 115  62] 256 257 a</s>", ended.stderr


# --- one's own


class Wide(Bytes):
    eos_id, vocabulary_size = 0, 100_000

    def encode(self, text):
        return np.array([ord(c) for c in text], np.uint32) % 100_000


def changed(**attributes):
    return type("Changed", (Bytes,), attributes)()


def test_a_tokenizer_of_ones_own():
    mine: TokenizerLike = Bytes()
    tokenizer = load_tokenizer(mine)
    assert (tokenizer.name, tokenizer.eos_id, tokenizer.dtype) == (f"{__name__}.Bytes", 256, np.uint16)
    assert tokenizer.encode("é").tolist() == [0xC3, 0xA9]
    assert tokenizer.decode([0xC3, 0xA9]) == "é"
    assert load_tokenizer(Wide()).encode("\U00012345").tolist() == [0x12345]
    assert load_tokenizer(Wide()).dtype == np.int32
    assert load_tokenizer(changed(encode=lambda self, text: text.encode())).encode("ab").tolist() == [97, 98]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (object(), r"builtins\.object is not a tokenizer: it has no encode and no eos_id and no vocabulary_size"),
        (changed(eos_id="</s>"), "has the eos_id '</s>' and the vocabulary_size 257"),
        (changed(eos_id=257), "has the eos_id 257 and the vocabulary_size 257"),
        (changed(vocabulary_size=2**31 + 1), "vocabulary_size 2147483649"),
        (changed(vocabulary_size=200, eos_id=0), r"returned ids from 0 to \d+: with the vocabulary_size 200"),
        (changed(encode=lambda self, text: [-1]), "returned ids from -1"),
        (changed(encode=lambda self, text: [0.5]), r"returned \[0\.5\]: it must return a sequence of integers"),
        (changed(encode=lambda self, text: None), "returned None"),
        (changed(encode=lambda self, text: [[1]]), r"returned \[\[1\]\]"),
    ],
)
def test_one_that_is_wrong_is_refused_before_the_first_document(made, said):
    with pytest.raises(ValueError, match=said):
        load_tokenizer(made)


def test_what_a_tokenizer_of_ones_own_cannot_do():
    with pytest.raises(ValueError, match="says which token ends a document: remove eos"):
        load_tokenizer(Bytes(), eos="</s>")
    with pytest.raises(ValueError, match="has no method to_json"):
        load_tokenizer(Bytes()).to_json()
