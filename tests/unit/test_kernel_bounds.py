"""Every buffer of every kernel, filled to its limit and beyond, with a result that is known.

A kernel does not check its indices: a write past the end of an array overwrites other memory. `make test-bounds` runs
these tests, and all others that call kernels, with every index checked.
"""

import functools
import random
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest
import reference_signals
from hypothesis import given, settings, strategies as st
from numba import config
from strange_texts import strange_page, strange_text

from curate.dedup.cluster_kernels import SMALL, assign, label
from curate.dedup.clusters import candidate_pairs, cluster
from curate.dedup.line_kernels import hash_lines
from curate.dedup.minhash import _characters as word_characters, estimate_similarity, minhash_signature
from curate.dedup.minhash_kernels import ALONE, hash_shingles
from curate.extract import block_kernels as html, blocks, columns
from curate.extract.blocks import cut
from curate.extract.extraction import extract_text
from curate.filters.clean import RepetitionCleanConfig, repetition_clean
from curate.filters.measure_kernels import COUNTS, measure_codes
from curate.filters.reference_filters import REFERENCE_FILTERS, measure_reference, nltk, spacy
from curate.filters.reference_filters.token_counts import chunk_spans, count_tokens, uax29_spans
from curate.filters.signals import measure
from curate.language.model_kernels import LONGEST as LONGEST_NGRAM, LONGEST_WORD, ngram_rows
from curate.models.forest import Forest
from curate.text import characters
from curate.text.characters import FIRST_UNSPACED, SCRIPT_NAMES, character_table, code_points
from curate.text.compiled import kernel
from curate.text.hash_kernels import SPLITMIX_SECOND
from curate.text.ngram_kernels import COLUMNS, LONGEST, TOP_TIMES
from curate.text.table_kernels import find_first
from curate.text.words import lower_table, watch_table

TEXT = "<p>" + "A text of a page that is read by people. " * 20


@kernel
def read(array, i):
    return array[i]


@pytest.mark.skipif(not config.BOUNDSCHECK, reason="make test-bounds runs it")
def test_with_bounds_checks_an_index_past_the_end_raises():
    with pytest.raises(IndexError):
        read(np.zeros(4), 4)


# Pages: curate.extract.html_kernels, block_kernels


def name_hash(name):
    """FNV-1a, 32 bits."""
    return functools.reduce(lambda h, byte: (h ^ byte) * 0x01000193 & 0xFFFFFFFF, name, 0x811C9DC5)


def class_words(value):
    """The words of a class that are kept, by the definition."""
    found = [word.lower() for word in re.findall(r"[A-Z]*[a-z]+|[A-Z]+", value) if len(word) > 1]
    return [name_hash(word[: html.MAX_WORD].encode()) for word in found[: html.MAX_TOKENS]]


@settings(deadline=None)
@given(st.lists(st.text("AaBbz -_1é", max_size=120), max_size=4))
def test_class_words_are_the_plain_definition(values):
    page = cut("".join(f"<p class='{value}'>" for value in values))
    assert page.tokens.tolist() == [h for value in values for h in class_words(value)]


@pytest.mark.parametrize("elements", [1, 2, 8, 64, 300, 20_000])
@pytest.mark.parametrize("words", [23, 24, 25, 100])
def test_class_words_fill_their_buffer(elements, words):
    page = cut(f"<p id={'Ab' * words}>" * elements + TEXT)
    assert len(page.tokens) == min(words, html.MAX_TOKENS) * elements
    assert (page.tokens == name_hash(b"ab")).all()
    starts = page.elements[: elements + 1, columns.FIRST_TOKEN]
    assert (np.diff(starts)[1:] == min(words, html.MAX_TOKENS)).all()


def test_a_word_takes_two_bytes():
    for size in range(60):
        data = np.frombuffer(("Ab" * 30)[:size].encode(), np.uint8)
        tokens, state = np.zeros(size // 2, np.uint32), np.zeros(html.STATES, np.int64)
        html.add_tokens(data, 0, size, np.uint32(0), tokens, state, 0)
        assert state[html.N_TOKENS] == min(size // 2, html.MAX_TOKENS)


def test_the_words_of_four_attributes_share_the_room_of_an_element():
    page = cut(f"<p class={'Ab' * 9} id={'Cd' * 9} role={'Ef' * 9} itemprop={'Gh' * 9}>" * 50)
    assert len(page.tokens) == html.MAX_TOKENS * 50


def test_a_page_of_class_words_ends_no_process():
    code = (
        "from curate import extract_text\n"
        "page = '<html><body>' + ('<p id=' + 'Ab' * 24 + '>') * 20_000 + '<p>' + 'A text that people read. ' * 20\n"
        "for _ in range(5): assert extract_text(page).text.startswith('A text')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("page", ["a", "word " * 99 + "x", "<" * 50, "é" * 50, "\n".join("abc")])
def test_text_fills_its_buffer(page):
    assert cut(page).out.tobytes() == page.replace("\n", " ").encode()


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("1<sup>2<sup>3<sup>-4", "1^2^3^-4"),
        ("<pre> \n\t a \n", " \n\t a"),
        ("a<br>b<br>c<br>", "a\nb\nc"),
        ("<img alt=a> <img alt=b>" * 30, "a b " * 29 + "a b"),
    ],
)
def test_what_markup_becomes_fits(page, text):
    assert cut(page, alt_texts=True).out.tobytes().decode() == text


@pytest.mark.parametrize("paragraphs", [0, 1, 2, 100, html.MAX_BLOCKS - 2, html.MAX_BLOCKS - 1, html.MAX_BLOCKS + 9])
def test_blocks_fill_their_buffer(paragraphs):
    page = cut("a" + "<p>a" * paragraphs)
    assert len(page.blocks) == min(paragraphs + 1, html.MAX_BLOCKS)
    assert page.texts()[-1] == "a"


@pytest.mark.parametrize("most", [-2, -1, 0, 1, 9])
def test_elements_and_the_stack_fill_their_buffers(most):
    divs = html.MAX_ELEMENTS + most
    page = cut("<div>" * divs + "a")
    assert len(page.elements) - 1 == min(divs + 1, html.MAX_ELEMENTS)  # with the root, without the last row
    assert page.elements[-2, columns.DEPTH] == len(page.elements) - 2
    assert len(page.blocks) == (divs + 1 < html.MAX_ELEMENTS)


def test_a_page_that_ends_anywhere_is_read_to_its_end():
    rng = random.Random(1)
    page = TEXT + "".join(strange_page(rng) for _ in range(3)) + "<!-- x --><!--><p title='a' hidden class=\"b\">日。"
    for stop in range(len(page)):
        cut(page[:stop])
        cut(page[stop:], alt_texts=True)


def test_a_page_of_more_bytes_than_positions_is_refused(monkeypatch):
    monkeypatch.setattr(blocks, "MAX_BYTES", 7)
    assert cut("<p>aéi").texts() == ["aéi"]  # seven bytes
    with pytest.raises(ValueError, match="at most 7 fit"):
        cut("<p>aéio")


# Texts: curate.filters.measure_kernels, scan, words, ngrams, lines, minhash


def counts_of(text):
    out, scripts = np.zeros(len(COUNTS), np.int64), np.zeros(len(SCRIPT_NAMES), np.int64)
    measure_codes(code_points(text), character_table(), lower_table(), *watch_table("en"), 20, 0.5, out, scripts)
    return dict(zip(COUNTS, out.tolist(), strict=True)), scripts


FULL_OF_WORDS = ["a", "a b", "a b" * 99, "中", "中a", "a中" * 99, "a中a", "1 2 3", "ก a", "ကa" * 9, "ア中" * 50]


@pytest.mark.parametrize("text", [*FULL_OF_WORDS, "", " ", "a" * 99, "½½½", "a.b 1.5", "a_b", "'a' ", "中\u0301a"])
def test_words_fill_their_buffer(text):
    counts, scripts = counts_of(text)
    room = len(text) - counts["letters"] - counts["digits"] + 1 + 2 * int(scripts[FIRST_UNSPACED:].sum())
    assert counts["words"] == len(reference_signals.words_of(text)) <= room
    assert measure(text).as_dict() == pytest.approx(reference_signals.measure(text), rel=1e-9)


def test_some_texts_need_all_the_room_for_words():
    for text in ("a", "a b", "a b c", "a中a", "a中a中a"):
        counts, scripts = counts_of(text)
        room = len(text) - counts["letters"] - counts["digits"] + 1 + 2 * int(scripts[FIRST_UNSPACED:].sum())
        assert counts["words"] == room


@pytest.mark.parametrize("text", ["a", "a\nb\nc", "\n", "a\n\nb", "\n\n\n", "a\n\nb\n", "x\n" * 99, "a\n \nb"])
def test_lines_fill_their_buffers(text):
    counts, _ = counts_of(text)
    assert counts["lines"] == len([line for line in text.split("\n") if line.strip()])
    codes, spaces = code_points(text), np.zeros(0x110000, np.bool_)
    hashes, starts, lengths = hash_lines(codes, np.arange(0x110000, dtype=np.uint32), spaces, 0, 5)
    lines = text.split("\n")
    assert lengths.tolist() == [len(line) for line in lines]
    assert np.diff(starts).tolist() == [len(line) + 1 for line in lines]
    assert ((hashes != 0) == [line != "" for line in lines]).all()


@pytest.mark.parametrize("lines", [1, 2, 50])
def test_repetitive_lines_fill_their_buffer(lines):
    text = "\n".join(["foo bar baz foo bar baz"] * lines)
    found = repetition_clean(text, RepetitionCleanConfig(min_words=6, max_share=0.4))
    assert (found.text, found.counts) == ("", {"repeated_ngrams": lines})


@pytest.mark.parametrize("min_words", [-1, 0, 1, 4])
def test_any_least_number_of_words_fits(min_words):
    found = repetition_clean("the the the the\n" * 9, RepetitionCleanConfig(min_words=min_words, max_share=0.1))
    assert found.counts.get("repeated_ngrams", 0) in (0, 9)


@pytest.mark.parametrize("words", [0, 1, 2, 9, 10, 11, 500])
def test_ngrams_fill_their_buffers(words):
    text = "a " * words
    ngrams = count_tokens(code_points(text), *chunk_spans(code_points(text))).ngrams
    for n in range(2, LONGEST + 1):
        expected = [0] * len(COLUMNS) if words < n else None
        assert ngrams[n] == expected or ngrams[n][TOP_TIMES] == words - n + 1
    reference = reference_signals.measure(text)
    assert measure(text).as_dict() == pytest.approx(reference, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("a", 1), ("a ", 1), ("a b", 2), ("a " * 50, 50), ("a " * 50 + "b", 51), ("中", 1), ("a中" * 50, 100),
     ("aก", 2), ("é " * 9, 9), ("𠀀a", 2), (" ", 0), ("\ud800", 0), ("a\ud800b", 2)],
)  # fmt: skip
def test_words_of_shingles_fill_their_buffer(text, words):
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    assert len(hash_shingles(data, word_characters(), 1)) == max(words, 1)


def test_characters_that_are_words_have_three_bytes():
    assert np.flatnonzero(word_characters() & ALONE)[0] >= 0x800


def test_a_text_of_more_characters_than_positions_is_refused(monkeypatch):
    monkeypatch.setattr(characters, "MAX_CODE_POINTS", 5)
    assert len(code_points("five!")) == 5
    with pytest.raises(ValueError, match="over 5"):
        measure("sixsix")


# Tokens of others: curate.filters.reference_filters.spacy_kernels, treebank, uax29, tokens


@pytest.mark.parametrize("text", ["(", "((((", "a" + ")" * 300, "$" * 64, "…" * 65, "。" * 9, "''", "*" * 99, "`", "#"])
@pytest.mark.parametrize("tokens", [spacy.tokens, nltk.tokens])
def test_tokens_are_the_text_piece_by_piece(text, tokens):
    assert "".join(tokens(text)) == text
    assert all(tokens(text))


def test_a_token_for_each_character():
    assert spacy.tokens("a" + ")" * 300) == list("a" + ")" * 300)
    assert nltk.tokens("(" * 99) == list("(" * 99)
    codes = code_points("中" * 99)
    assert len(uax29_spans(codes)[0]) == 99
    assert len(chunk_spans(code_points("a b c"))[0]) == 3
    assert [len(chunk_spans(code_points(text))[0]) for text in ("", " ", "a", " a ", "a ", "a b")] == [0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    "piece",
    [
        "\U00040f2d\uc542\U000f44cf",  # the hash of "Couldn't've"
        "\U00036e5d\U0007b60a\U000448cf",  # of "somethin'"
        "\U000ce449\U000ec9ca\U00105102",  # of "cannot"
    ],
)
@pytest.mark.parametrize("text", ["{}", "a {}", "({}", "({})", "{} a"])
def test_a_piece_with_the_hash_of_an_exception_keeps_its_length(piece, text):
    text = text.format(piece)
    for tokens in (spacy.tokens, nltk.tokens):
        found = tokens(text)
        assert "".join(found) == text.replace(" ", "")
        assert all(found)
    for name in REFERENCE_FILTERS:
        measure_reference(name, text)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), max_size=30), st.sampled_from([1, 2]))
def test_the_median_of_lengths(lengths, quote_length):
    codes = code_points(" ".join("x" * length for length in lengths))
    found = count_tokens(codes, *chunk_spans(codes), quote_length=quote_length)
    assert found.median_length == (statistics.median(lengths) if lengths else 0)


# Hashes of words, and clusters


def plain_find_first(keys):
    first = {}
    for i, key in enumerate(keys.tolist()):
        first.setdefault(key, []).append(i)
    return [first[key][0] for key in keys.tolist()], {places[0]: len(places) for places in first.values()}


def colliding(n):
    """Different keys that all want the same place in a table of up to 2^40."""
    h = np.arange(n, dtype=np.uint64) << np.uint64(40)
    with np.errstate(over="ignore"):  # the steps of `curate.text.hash_kernels.spread` backwards
        h ^= (h >> np.uint64(29)) ^ (h >> np.uint64(58))
        h *= np.uint64(pow(int(SPLITMIX_SECOND), -1, 1 << 64))
    return h ^ (h >> np.uint64(32))


@pytest.mark.parametrize("n", [0, 1, 2, 8, 9, 16, 17, 1000])
def test_the_table_of_hashes_is_never_full(n):
    rng = np.random.default_rng(n)
    for keys in (
        np.zeros(n, np.uint64),
        np.arange(n, dtype=np.uint64),
        rng.integers(0, n // 2 + 1, n).astype(np.uint64),
        colliding(n),
        np.tile(colliding(n // 2 + 1), 2)[:n],
    ):
        first, counts = np.full(n, -1, np.int32), np.zeros(n, np.int32)
        expected, times = plain_find_first(keys)
        assert find_first(keys, n, first, counts) == len(times)
        assert first.tolist() == expected
        assert {i: int(counts[i]) for i in times} == times


def test_words_made_to_collide_take_no_longer():
    n = 300_000
    first, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    keys = colliding(n)
    find_first(keys[:2], 2, first, counts)
    start = time.process_time()
    assert find_first(keys, n, first, counts) == n
    assert time.process_time() - start < 2


def plain_pairs(hashes, rank):
    """Of each bucket, every document with the first; that no other pair is made, where buckets are this small."""
    buckets = {}
    for h, r in zip(hashes.tolist(), rank.tolist(), strict=True):
        buckets.setdefault(h, []).append(r)
    largest = max((len(b) for b in buckets.values()), default=0)
    return {(r, min(b)) for b in buckets.values() for r in b if r != min(b)}, largest


@pytest.mark.parametrize("documents", [0, 1, 2, 3, SMALL - 1, SMALL, SMALL + 1, 500])
@pytest.mark.parametrize("kind", ["all alike", "none alike", "one high half", "some"])
def test_buckets_fill_their_buffers(documents, kind):
    rng = np.random.default_rng(3)
    high = np.uint64(7 << 32)
    hashes = {
        "all alike": np.full(documents, high),
        "none alike": np.arange(documents, dtype=np.uint64) << np.uint64(32),
        "one high half": high | np.arange(documents, dtype=np.uint64),
        "some": high | rng.integers(0, 5, documents).astype(np.uint64),
    }[kind]
    rank = rng.permutation(documents).astype(np.uint32)
    pairs, largest = candidate_pairs(hashes, rank)
    found = {(int(p) >> 32, int(p) & 0xFFFFFFFF) for p in pairs}
    expected, expected_largest = plain_pairs(hashes, rank)
    assert found >= expected
    assert len(pairs) == len(found)
    assert largest == expected_largest
    for later, earlier in found:  # only of one bucket, and in order
        assert later > earlier
        assert hashes[rank == later] == hashes[rank == earlier]


def test_hashes_with_one_high_half_take_no_longer():
    hashes = np.uint64(7 << 32) | np.arange(300_000, dtype=np.uint64)
    rank = np.arange(len(hashes), dtype=np.uint32)
    candidate_pairs(hashes[:2], rank[:2])
    start = time.process_time()
    assert len(candidate_pairs(hashes, rank)[0]) == 0
    assert time.process_time() - start < 3


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_links_and_the_stack_of_a_cluster_fill_their_buffers(n):
    sketches = np.ones((n, 16), np.uint8)
    later = np.repeat(np.arange(1, n), 2).astype(np.uint32)
    earlier = np.tile([0, 0], max(n - 1, 0)).astype(np.uint32)
    anchor, similarity, links = assign(sketches, later, earlier, 0.5)
    assert (anchor == 0).all()
    assert (similarity == 1).all()
    assert len(links) == max(n - 1, 0)  # the anchor of both neighbours is the same
    star = np.array([[0, i] for i in range(1, n)], np.uint32).reshape(-1, 2)
    assert (label(sketches, star, 0.5) == 0).all()


def test_every_neighbour_may_have_another_anchor():
    n = 50
    sketches = np.eye(n, 64, dtype=np.uint8) + 1  # anchors, alike, but not neighbours of each other
    sketches = np.vstack([sketches, np.ones((1, 64), np.uint8)])
    later, earlier = np.full(n, n, np.uint32), np.arange(n, dtype=np.uint32)
    anchor, _, links = assign(sketches, later, earlier, 0.5)
    assert anchor.tolist() == [*range(n), 0]
    assert links.tolist() == [[0, i] for i in range(n)]
    assert label(sketches, links, 0.5).tolist() == [0] * n + [n]


def test_arrays_of_different_documents_are_refused():
    hashes, sketches, rank = np.zeros((3, 2), np.uint64), np.ones((3, 8), np.uint8), np.arange(3)
    for arguments in ((hashes[:2], sketches, rank), (hashes, sketches[:2], rank), (hashes, sketches, rank[:2])):
        with pytest.raises(ValueError, match="give all of each"):
            cluster(*arguments)
    with pytest.raises(ValueError, match="3 hashes, but 2 ranks"):
        candidate_pairs(hashes[:, 0], rank[:2].astype(np.uint32))
    signature = minhash_signature("a text")
    for other in (signature[:-1], signature.astype(np.uint8), signature.reshape(1, -1)):
        with pytest.raises(ValueError, match="cannot be compared"):
            estimate_similarity(signature, other)


# Models


def test_rows_of_another_width_are_refused():
    forest = Forest(("a", "b"), np.array([0], "i4"), np.array([-1], "i2"), np.array([0.5]), np.array([0], "i4"))
    assert forest.predict(np.zeros((2, 2))).tolist() == [0.5, 0.5]
    for width in (0, 1, 3):
        with pytest.raises(ValueError, match=f"rows have {width} features, and the forest has 2"):
            forest.predict(np.zeros((2, width)))


@pytest.mark.parametrize("length", [1, 4, LONGEST_NGRAM, LONGEST_WORD, LONGEST_WORD + 1])
def test_ngrams_of_letters_stop_where_their_rows_are_full(length):
    classes = np.zeros(0x110000, np.uint8)
    classes[ord("a")] = 1
    codes = code_points("a" * length + " " + "a" * length)
    needed = (length + 1) * LONGEST_NGRAM + 1  # the bound of one run
    enough = ngram_rows(codes, classes, 255, np.empty(2 * needed, np.int32), 0)[0]
    for room, expected in ((needed - 1, 0), (needed, enough // 2), (2 * needed, enough)):
        assert ngram_rows(codes, classes, 255, np.empty(room, np.int32), 0)[0] == expected
    assert enough <= (len(codes) + 1) * (LONGEST_NGRAM + 1)  # what a whole text is given


# All of it, on what nobody would write


@pytest.mark.parametrize("seed", range(4))
def test_strange_pages_and_texts_stay_in_bounds(seed):
    rng = random.Random(seed)
    for _ in range(60):
        page, text = strange_page(rng), strange_text(rng)
        extract_text(page)
        measure(text, "ja")
        minhash_signature(text)
        repetition_clean(text, RepetitionCleanConfig(min_words=rng.randrange(-1, 4), max_share=0.1))
        for name in REFERENCE_FILTERS:
            measure_reference(name, text)
