import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from curate.extract.blocks import cut
from curate.extract.choice_kernels import choose, context, drop_frame
from curate.extract.columns import CONTEXT_FEATURES, FEATURES, WORDS
from curate.extract.main_text import (
    FORMAT,
    LEAST_KNOWN,
    MODEL,
    chances,
    confidence,
    describe,
    load_model,
    main_blocks,
    main_text,
)
from curate.models.model_file import read_model_file, write_model_file

SENTENCE = "The river rose in the night, and the bridge stayed closed until the morning because of it. "
MENU = "<ul class=menu><li><a href=/>Home</a><li><a href=/news>News</a><li><a href=/about>About us</a></ul>"
COOKIES = "<div class=cookie-banner>We use cookies to improve your experience. <button>Accept all</button></div>"
FOOTER = "<footer><p>© 2021 Example Ltd. All rights reserved.</p><a href=/privacy>Privacy</a></footer>"


def site(content):
    return f"<title>x</title><body><div id=top>{MENU}{COOKIES}</div><div id=main>{content}</div>{FOOTER}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"<h1>The river</h1><p>{SENTENCE * 3}</p><p>{SENTENCE * 2}</p>", ["The river", SENTENCE * 3, SENTENCE * 2]),
        (f"<p>{SENTENCE * 3}</p><ul><li>{SENTENCE}</li><li>{SENTENCE * 2}</li></ul>", [SENTENCE * 3, SENTENCE]),
        (f"<p>{SENTENCE * 3}</p><pre>for x in y:\n    print(x)</pre><p>{SENTENCE}</p>", ["for x in y:\n    print(x)"]),
        (
            f"<p>{'川の水が増えて、橋は朝まで通れませんでした。' * 9}</p>",
            ["川の水が増えて、橋は朝まで通れませんでした。"],
        ),
        (f"<p>{'Вода в реке поднялась, и мост закрыли до утра. ' * 9}</p>", ["Вода в реке поднялась"]),
    ],
)
def test_the_content_is_kept_and_what_is_around_it_is_not(content, expected):
    text = main_text(cut(site(content)))
    for piece in expected:
        assert piece.strip() in text
    for other in ("Home", "About us", "cookies", "Accept", "rights reserved", "Privacy"):
        assert other not in text


def test_a_title_of_many_words_takes_no_longer():
    """Each block's first words are looked up in the title, which a page can fill with as many as it likes."""
    words = ["".join(chr(97 + i // 26**k % 26) for k in range(4)) for i in range(60_000)]
    blocks = f"<p>{'not one of them ' * 10}" * 15_000
    main_text(cut(site(SENTENCE)))
    started = time.process_time()
    describe(cut(f"<title>{' '.join(words)}</title>{blocks}"), load_model().evidence)
    assert time.process_time() - started < 3


def test_the_pieces_are_apart_as_on_the_page():
    content = (
        f"<h1>The river</h1><p>{SENTENCE * 3}</p><p>It rose:</p>"
        "<ul><li>in the night<ul><li>by a metre</ul><li>in the day</ul>"
        "<table><tr><th>Day<th>Height<tr><td>Monday<td>2.1 m</table>"
        f"<pre>a\n  b</pre><p>{SENTENCE * 3}<br><br>{SENTENCE * 3}</p>"
    )
    text = main_text(cut(f"<title>The river</title><body>{content}"))
    sentences = (SENTENCE * 3).strip()
    assert text == (
        f"The river\n\n{sentences}\n\nIt rose:\n\nin the night\nby a metre\nin the day\n\nDay\tHeight\nMonday\t2.1 m"
        f"\n\na\n  b\n\n{sentences}\n\n{sentences}"
    )


def test_a_page_of_nothing_but_navigation_has_no_text():
    assert main_text(cut(f"<nav>{MENU}</nav>")) == ""
    assert main_text(cut("")) == ""


def test_known_words_are_evidence_only_where_most_are_known():
    english = site(f"<h1>The river</h1><p>{SENTENCE * 9}</p>")
    foreign = site(f"<h1>Вода</h1><p>{'Вода в реке поднялась, и мост закрыли до утра. ' * 9}</p>" * 4)
    model = load_model()
    silent = model.evidence._replace(word_weights=np.zeros(len(model.evidence.word_weights)))
    share = FEATURES.index("said_known_share")
    for page, known in ((cut(english), True), (cut(foreign), False)):
        assert (describe(page, model.evidence)[0, share] >= LEAST_KNOWN) == known
        same = np.array_equal(chances(page, model), chances(page, replace(model, evidence=silent)))
        assert same != known


def test_confidence_is_the_expected_f1_of_what_is_kept():
    page = cut("".join(f"<p>{'word ' * n}</p>" for n in (10, 20, 30)))
    chance, kept = np.array([0.9, 0.5, 0.1]), np.array([True, True, False])
    assert confidence(page, chance, kept) == pytest.approx(2 * (9 + 10) / (30 + 9 + 10 + 3))
    assert confidence(page, chance, kept & False) == 0
    sure, unsure = main_blocks(cut(site(f"<h1>The river</h1><p>{SENTENCE * 20}</p>"))), main_blocks(cut(MENU + COOKIES))
    assert 0 <= unsure.confidence < 0.8 < 0.9 < sure.confidence <= 1


PAGES = st.lists(
    st.sampled_from(["<p>", "<div class='post body'>", "</div>", "<nav>", "</nav>", "<li>", "<a href=x>", "</a>",
                     "<h1>", SENTENCE, "Home ", "日本。", "<table><tr><td>", "</table>", "<br>", "<article>"]),
    max_size=60,
).map("".join)  # fmt: skip


@given(PAGES)
def test_chances_are_chances_and_numbers_are_numbers(page):
    blocks, model = cut(page), load_model()
    if not len(blocks.blocks):
        return
    rows = describe(blocks, model.evidence)
    assert rows.shape == (len(blocks.blocks), len(FEATURES))
    assert np.isfinite(rows).all()
    around = context(blocks.blocks, blocks.elements, np.full(len(rows), 0.5))
    assert around.shape == (len(rows), len(CONTEXT_FEATURES))
    assert np.isfinite(around).all()
    found = chances(blocks, model)
    assert ((found >= 0) & (found <= 1)).all()
    assert set(main_text(blocks).split()) <= {word for text in blocks.texts() for word in text.split()}


def test_features_are_what_their_names_say():
    page = cut(
        f"<title>River news</title><nav><a href=/>Home</a></nav><h1>River news</h1><p class=body>{SENTENCE * 9}</p>"
    )
    model = load_model()
    nav, heading, prose = (dict(zip(FEATURES, row, strict=True)) for row in describe(page, model.evidence).tolist())
    assert (nav["link_share"], heading["link_share"], heading["before_link_share"]) == (1, 0, 1)
    assert (nav["in_nav"], nav["in_paragraph"], prose["in_nav"], prose["in_paragraph"]) == (1, 0, 0, 1)
    assert (nav["two_after_log_words"], prose["after_log_words"]) == (prose["log_words"], -1)
    assert (nav["since_title"], heading["since_title"], heading["title_overlap"]) == (-1, 0, 1)
    assert (nav["until_prose"], prose["until_prose"], prose["since_h1"]) == (2, 999, 1)
    assert nav["page_heading_share"] == prose["page_heading_share"] == 1 / 3
    assert prose["class_weight_total"] == prose["class_weight_own"]
    assert len(set(FEATURES)) == len(FEATURES)


def test_a_model_of_other_features_is_refused(tmp_path):
    manifest, parts = read_model_file(MODEL, FORMAT, "")
    del manifest["format"]
    for features in (["0", *FEATURES[1:]], 5, None):
        write_model_file(tmp_path / "m.zip", FORMAT, {**manifest, "first": features}, parts)
        with pytest.raises(ValueError, match=r"m\.zip .* first forest reads other features: train it again"):
            load_model(tmp_path / "m.zip")


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 50)), min_size=1, max_size=9))
def test_the_choice_has_the_greatest_expected_f1(drawn):
    chance = np.array([p for p, _ in drawn])
    blocks = cut("".join(f"<p>{'word ' * n}</p>" for _, n in drawn)).blocks
    words = np.array([n for _, n in drawn])

    def expected_f1(keep):
        return 2 * (chance * words)[keep].sum() / max(words[keep].sum() + (chance * words).sum(), 1e-9)

    every = [np.array([bool(bits >> i & 1) for i in range(len(drawn))]) for bits in range(1, 2 ** len(drawn))]
    assert expected_f1(choose(blocks, chance, 0.0)) >= max(map(expected_f1, every)) - 1e-9
    assert (chance[choose(blocks, chance, 0.3)] >= 0.3).all()


def test_a_page_of_hardly_any_text_is_not_filled_up_with_its_frame():
    menu = "".join(f"<li><a href=/{i}>Topic {i}</a></li>" for i in range(8))
    page = f"<div><ul>{menu}</ul></div><div><h1>Page not found</h1><p>The page that you asked for is gone.</p></div>"
    found = main_text(cut(f"<body>{page}<div><ul>{menu}</ul><h3>Newsletter</h3><p>Sign up here</p></div></body>"))
    assert "Page not found" in found
    assert found.count("Topic") < 8


@pytest.mark.parametrize(
    ("chance", "kept"),
    [
        ([0.7, 0.3, 0.3], [True, False, False]),  # hardly any text
        ([0.45, 0.3, 0.3], [True, False, False]),  # none at all: the likeliest
        ([0.45, 0.4, 0.3], [True, True, False]),  # and what is about as likely
        ([0.75, 0.68, 0.6], [True, True, False]),
        ([0.9, 0.3, 0.3], [True, True, True]),  # a text that is there
    ],
)
def test_what_is_only_likelier_than_the_rest_goes_from_a_page_without_text(chance, kept):
    words = " one two three four" * 15
    page = cut(f"<p>{words}</p><p>a b</p><p>c d</p><p>{words * 2}</p>")
    blocks = page.blocks.copy()
    if chance[0] != 0.9:
        blocks[0, WORDS] = 40
    keep = np.array([True, True, True, False])
    drop_frame(blocks, np.array([*chance, 0.05]), keep)
    assert keep.tolist() == [*kept, False]


@pytest.mark.parametrize(("rest", "kept"), [(9, [True, True]), (10, [True, False])])
def test_a_page_without_a_frame_keeps_all_that_was_chosen(rest, kept):
    blocks = cut(f"<p>one two three</p><p><a href=/>four</a></p><p>{'word ' * (rest - 1)}</p>").blocks
    keep = np.array([True, True, False])
    drop_frame(blocks, np.array([0.6, 0.3, 0.05]), keep)
    assert keep.tolist() == [*kept, False]
