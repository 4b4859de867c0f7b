"""Perplexity under small ARPA models written here, beside the definition worked out by hand."""

import math
import time

import pytest

from curate.document import Document, Rejection
from curate.quality.perplexity import PerplexityConfig, line_for_model, perplexity
from pipelines.steps.perplexity import Perplexity

ARPA = r"""\data\
ngram 1=5
ngram 2=3

\1-grams:
-1.0	<unk>
-99	<s>	-0.5
-0.7	</s>
-0.4	tea	-0.2
-0.9	hot	-0.3

\2-grams:
-0.1	<s> hot
-0.2	hot tea
-0.3	tea </s>

\end\
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tea.arpa"
    path.write_text(ARPA)
    return str(path)


def test_the_library_is_named_where_it_is_missing(model, monkeypatch):
    import sys

    import curate.quality.perplexity as module

    module._model.cache_clear()
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(ImportError, match=r"pip install 'curate-corpus\[perplexity\]'"):
        perplexity("hot tea", PerplexityConfig(model))


def test_it_is_the_mean_of_the_model(model):
    pytest.importorskip("kenlm")
    config = PerplexityConfig(model)
    assert perplexity("Hot  TEA", config) == pytest.approx(10 ** ((0.1 + 0.2 + 0.3) / 3), rel=1e-5)
    # "tea" alone backs off from <s>: -.5 - .4, then its end -.3; the lines are independent
    both = (0.1 + 0.2 + 0.3) + (0.5 + 0.4 + 0.3)
    assert perplexity("hot tea\n\ntea", config) == pytest.approx(10 ** (both / 5), rel=1e-5)
    assert perplexity("", config) == math.inf
    assert perplexity("\ud800", config) > 1


def test_a_step_rejects_above_its_limit(model):
    pytest.importorskip("kenlm")
    step = Perplexity(model, max_perplexity=3.0).make()
    good = Document(id="0", text="hot tea")
    assert step(good) is good
    rejected = step(Document(id="1", text="quantum llamas"))
    assert isinstance(rejected, Rejection)
    assert (rejected.rule, rejected.limit) == ("high_perplexity", 3.0)
    assert rejected.value > 3


def test_what_is_no_model_is_refused(tmp_path):
    pytest.importorskip("kenlm")
    with pytest.raises(ValueError, match="needs a model"):
        perplexity("hot tea", PerplexityConfig())
    path = tmp_path / "no.arpa"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="not a language model that kenlm can read"):
        perplexity("hot tea", PerplexityConfig(str(path)))


def test_lines_are_folded():
    assert line_for_model("  Ünïted\t2024 ") == "united 0000"
    assert line_for_model("\ud800") == "?"


def test_marks_in_any_number_and_order_go():
    start = time.process_time()
    assert line_for_model("a" + "\u0301\u0316" * 50_000) == "a"
    assert time.process_time() - start < 1


def test_a_model_over_pieces(tmp_path):
    pytest.importorskip("kenlm")
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    texts = ["hot tea and cold tea", "tea is hot", "ice is cold"]
    trainer.train(sentence_iterator=iter(texts * 20), model_prefix=str(tmp_path / "sp"), vocab_size=18, minloglevel=2)
    pieces = str(tmp_path / "sp.model")
    words = tmp_path / "pieces.arpa"
    words.write_text(ARPA.replace("hot", "▁hot").replace("tea", "▁tea"))
    found = perplexity("hot tea", PerplexityConfig(str(words), pieces))
    assert found != perplexity("hot tea", PerplexityConfig(str(words)))
    assert 1 < found < 100
    (tmp_path / "no.model").write_text("nothing")
    with pytest.raises(ValueError, match="not a SentencePiece model"):
        perplexity("hot tea", PerplexityConfig(str(words), str(tmp_path / "no.model")))
