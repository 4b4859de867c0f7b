"""What kind of page a page is."""

import numpy as np
import pytest

from curate.extract.extraction import extract_text
from curate.extract.page_type import FORMAT, MODEL, PAGE_TYPES, load_model
from curate.models.model_file import read_model_file, write_model_file
from quality_models.train_page_type import MIN_SITES, Typed, evaluate, fit, predict, weigh_words

SENTENCE = "The river rises in the hills above the town and falls three hundred metres before it meets the plain. "


def article() -> str:
    body = f"<p>{SENTENCE * 4}</p>" * 12
    return (
        "<html><head><title>The river</title><meta property='og:type' content='article'></head><body class='single'>"
        f"<article class='post entry'><h1 class='entry-title'>The river</h1><time>2 May</time>{body}</article></body>"
    )


def forum() -> str:
    post = (
        "<div class='post postbody'><p class='author'><a href='/user/{0}'>user{0}</a></p><div class='content'>{1}</div>"
        "<a class='quote' href='/reply/{0}'>Reply</a></div>"
    )
    posts = "".join(post.format(n, "Has anybody tried it with cold water? " * (1 + n % 3)) for n in range(14))
    return f"<title>Cold - Forum</title><body class='viewtopic'><div id='topic' class='forum'>{posts}</div></body>"


def listing() -> str:
    teaser = "<article class='post'><h2><a href='/{0}'>Story {0}</a></h2><p>It was on a day in ...</p></article>"
    items = "".join(teaser.format(k) for k in range(12))
    return f"<title>Stories</title><body class='archive category'>{items}<a rel=next href='/page/2'>Older</a></body>"


def manual() -> str:
    part = "<section id='s{0}'><h2>open({0})</h2><p>Opens the file.</p><pre>f = open('{0}')\nf.read()</pre></section>"
    parts = "".join(part.format(k) for k in range(12))
    return (
        "<title>Files - Manual 2.1 documentation</title><body><div class='sphinxsidebar'><ul><li><a href='/a'>Files</a>"
        f"</ul></div><div class='document'><div class='body' role='main'>{parts}</div></div></body>"
    )


@pytest.mark.parametrize(
    ("page", "url", "expected"),
    [
        (article(), "https://a.example/2020/05/the-river.html", {"article"}),
        (forum(), "https://a.example/viewtopic.php?t=7", {"forum"}),
        (listing(), "https://a.example/category/stories", {"listing", "collection"}),
        (manual(), "https://a.example/docs/files.html", {"documentation"}),
    ],
)
def test_the_type_of_plain_cases_is_found(page: str, url: str, expected: set[str]) -> None:
    assert extract_text(page, url).page_type in expected


def test_any_page_has_a_type() -> None:
    for page in ("", "<", "<p>", "<div class='" + " a" * 10_000 + "'>"):
        assert extract_text(page).page_type in PAGE_TYPES


def typed(site: int, kind: int) -> Typed:
    """Return a page whose class words, not its features, say its type."""
    features = extract_text("<p>Tea").page_features
    return Typed("built", f"site{site}.example", kind, features, np.array([kind + 1, 100, 1000 + site], np.uint32))


def test_class_words_say_the_type() -> None:
    examples = [typed(site, site % len(PAGE_TYPES)) for site in range(350)]
    keys, weights = weigh_words(examples)
    assert keys.tolist() == [1, 2, 3, 4, 5, 6, 7, 100], f"each on {MIN_SITES} sites or more"
    assert (weights[:7].argmax(axis=1) == np.arange(7)).all()
    assert np.abs(weights[7]).max() < 0.1
    assert (predict(fit(examples), examples) == [e.kind for e in examples]).mean() > 0.95
    assert evaluate(examples)["built"]["accuracy"] > 0.95


def test_a_model_of_other_features_is_refused(tmp_path) -> None:
    manifest, parts = read_model_file(MODEL, FORMAT, "")
    del manifest["format"]
    write_model_file(tmp_path / "m.zip", FORMAT, {**manifest, "features": ["0"]}, parts)
    with pytest.raises(ValueError, match=r"m\.zip .* read other features: train it again"):
        load_model(tmp_path / "m.zip")
    write_model_file(tmp_path / "n.zip", FORMAT, manifest, {**parts, "keys.npy": b"no array"})
    with pytest.raises(ValueError, match=r"n\.zip is not a complete model of page types"):
        load_model(tmp_path / "n.zip")
