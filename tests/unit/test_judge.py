"""The judge of pages: what it says, its file, and training on judgements of one's own."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from curate.document import Document, Rejection
from curate.extract import extract_text
from curate.filters.signals import measure
from curate.models.model_file import read_model_file, write_model_file
from curate.quality.judge import FORMAT, JUDGE, OUTPUTS, judge_page, load_judge, save_judge, worth
from pipelines.steps.quality import Quality
from quality_models.commands import main
from quality_models.train_judge import read_judgements, site_of, train_judge

PROSE = (
    "The river rises in the hills above the town and falls three hundred metres before it meets the plain. For "
    "centuries its floods decided where people built; the oldest houses stand on a terrace that water has not reached "
    "since 1342. When the weir was built, the mill owners complained that their wheels stood still in summer, and the "
    "court, after eleven years, gave them half of the flow."
)
MORE = (
    "The bridge is younger than most visitors think. Its two outer arches belong to the work of 1788, but the middle "
    "one fell in the war and was rebuilt with stone from a quarry twenty miles away, which is why it is paler. Masons "
    "had marked every block with a letter, so that the order could be found again; some marks can still be read.",
    "Today the valley is quiet. The last mill closed in 1961, its turbine was sold, and the canal that once fed it has "
    "become a row of ponds where kingfishers breed. Engineers measure the level every day, because what falls as rain "
    "on the hills needs nine hours to arrive at the bridge, and less since the marshes were drained for pasture.",
)


def article(n: int) -> str:
    body = "".join(f"<p>{text} That was in {1600 + 7 * n + k}.</p>" for k, text in enumerate((PROSE, *MORE)))
    return f"<title>The river {n}</title><body class='single'><article><h1>The river {n}</h1>{body}</article></body>"


def listing(n: int) -> str:
    teaser = "<article><h2><a href='/{0}'>Story {0}</a></h2><p>It was on a day in spring when ...</p>{1}</article>"
    items = "".join(teaser.format(n + k, f"<a href='/{n + k}'>Read more</a>") for k in range(8))
    return f"<title>Stories</title><body class='archive'>{items}<a rel=next href='/page/{n}'>Older</a></body>"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    with gzip.open(folder / "pages.jsonl.gz", "wt") as pages, (folder / "judged.jsonl").open("w") as judged:
        for n in range(120):
            good = n % 2 == 0
            url = f"https://site{n}.example/{'river' if good else 'tag/river'}"
            pages.write(json.dumps({"url": url, "html": article(n) if good else listing(n)}) + "\n")
            row = {
                "url": url.replace("https", "http"),
                "keep": int(good),
                "quality": 4 * good,
                "listing": int(not good),
            }
            judged.write(json.dumps(row) + "\n")
    train_judge([folder / "judged.jsonl"], [folder / "pages.jsonl.gz"], folder / "own.zip")
    return folder / "own.zip"


def judged(html: str, url: str, model: Path | None = None) -> tuple[float, float, float]:
    extracted = extract_text(html, url)
    return tuple(judge_page(extracted.text, extracted.page_features, model=model).values())


def test_an_article_is_worth_more_than_a_listing() -> None:
    good, _, of_article = judged(article(1), "https://a.example/2020/02/the-river.html")
    bad, _, of_listing = judged(listing(1), "https://a.example/tag/river/page/2")
    assert good > 0.5 > bad
    assert of_article < 0.5 < of_listing


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "word " * 100_000, "字" * 1000])
@pytest.mark.parametrize("language", ["en", "ja", "und", "xx"])
def test_any_text_has_a_judgement(text: str, language: str) -> None:
    assert all(0 <= value <= 1 for value in judge_page(text, language=language).values())


def test_given_signals_are_used_and_change_nothing() -> None:
    assert judge_page(PROSE, signals=measure(PROSE)) == judge_page(PROSE)
    assert judge_page(PROSE, signals=measure("")) != judge_page(PROSE)


def test_worth_ranks_by_the_chance_below_the_border_and_by_grade_above() -> None:
    assert worth(0.2, 0.9) < worth(0.4, 0.1) < 0.5 <= worth(0.6, 0.1) < worth(0.5, 0.2) <= 1


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = load_judge(JUDGE)
    save_judge(tmp_path / "again.zip", model)
    assert (tmp_path / "again.zip").read_bytes() == JUDGE.read_bytes()
    assert JUDGE.stat().st_size < 1_500_000


@pytest.mark.parametrize("change", ["unknown", "kind", "part", "facts"])
def test_a_wrong_file_is_refused(tmp_path: Path, change: str) -> None:
    manifest, parts = read_model_file(JUDGE, FORMAT, "x")
    features = {kind: list(names) for kind, names in manifest["features"].items()}
    facts: object = {}
    if change == "unknown":
        features["text"][0] = "no_such_signal"
    elif change == "kind":
        del features["page"]
    elif change == "facts":
        facts = []
    else:
        del parts["page-spam-roots.npy"]
    write_model_file(tmp_path / "wrong.zip", FORMAT, {"features": features, "facts": facts}, parts)
    with pytest.raises(ValueError, match=r"wrong\.zip"):
        load_judge(tmp_path / "wrong.zip")


def test_training_learns_what_was_judged(trained: Path) -> None:
    facts = load_judge(trained).facts
    assert (facts["pages"], facts["sites"]) == (120, 120)
    assert facts["cross_validated"]["all"]["f1"] > 0.95
    good, spam, of_article = judged(article(500), "https://new.example/river", trained)
    bad, _, of_listing = judged(listing(500), "https://new.example/tag/river", trained)
    assert good > 0.5 > bad
    assert of_listing > 0.5 > of_article
    assert spam < 0.1  # nothing was judged spam


def test_training_gives_the_same_file(trained: Path, tmp_path: Path) -> None:
    train_judge([trained.with_name("judged.jsonl")], [trained.with_name("pages.jsonl.gz")], tmp_path / "own.zip")
    assert (tmp_path / "own.zip").read_bytes() == trained.read_bytes()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"url": "x"}, "keep is None"),
        ({"url": "x", "keep": 2}, "keep is 2"),
        ({"url": "x", "keep": True}, "keep is True"),
        ({"url": "x", "keep": 1, "quality": 6}, "quality is 6"),
        ({"url": "x", "keep": 1, "spam": "no"}, "spam is 'no'"),
        ({"keep": 1}, "neither url nor id"),
    ],
)
def test_what_is_no_judgement(tmp_path: Path, row: dict, message: str) -> None:
    (tmp_path / "judged.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(ValueError, match=message):
        list(read_judgements(tmp_path / "judged.jsonl"))


def test_pages_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "judged.jsonl").write_text('{"url": "http://a.example/", "keep": 1}\n')
    (tmp_path / "pages.jsonl").write_text('{"url": "http://b.example/", "text": "x"}\n')
    options = ["--judged", str(tmp_path / "judged.jsonl"), "--pages", str(tmp_path / "pages.jsonl")]
    result = CliRunner().invoke(main, ["judge", *options, "--output", str(tmp_path / "own.zip")])
    assert result.exit_code == 1
    assert "0 of 1 judged pages were found" in result.output


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.a.example.com.br/x", "example.com.br"),
        ("a.example.org", "example.org"),
        ("http://[::1/", ""),
        ("", ""),
    ],
)
def test_sites(url: str, site: str) -> None:
    assert site_of(url) == site


def document(html: str, url: str) -> Document:
    extracted = extract_text(html, url)
    return Document(id="0", url=url, text=extracted.text, language="en", page_features=extracted.page_features)


def test_the_step_writes_what_the_judge_says() -> None:
    page = document(article(3), "https://a.example/2020/02/the-river.html")
    kept = Quality().make()(page)
    assert isinstance(kept, Document)
    said = judge_page(page.text, page.page_features)
    assert (kept.quality, kept.spam_score, kept.listing_score) == (said.worth, said.spam, said.listing)


def test_the_step_says_why() -> None:
    page = document(listing(3), "https://a.example/tag/river/page/2")
    said = judge_page(page.text, page.page_features)
    assert Quality().make()(page) == Rejection("listing", said.listing, 0.5)
    assert Quality(max_listing=1.0).make()(page) == Rejection("low_quality", said.worth, 0.5)
    assert Quality(max_spam=0.0).make()(page) == Rejection("spam", said.spam, 0.0)
    kept = Quality(max_listing=1.0, min_score=0.0).make()(page)
    assert isinstance(kept, Document)
    assert kept.quality == said.worth


def test_the_step_takes_a_judge_of_ones_own(trained: Path) -> None:
    page = document(article(4), "https://a.example/river")
    kept = Quality(model=str(trained)).make()(page)
    assert isinstance(kept, Document)
    assert kept.quality == judge_page(page.text, page.page_features, model=trained).worth


def test_another_model_rejects_nothing_by_default_and_judges_neither_spam_nor_listing() -> None:
    kept = Quality(model=str(JUDGE.with_name("quality-en.zip"))).make()(
        document(listing(5), "https://a.example/tag/river")
    )
    assert isinstance(kept, Document)
    assert math.isnan(kept.spam_score)
    assert math.isnan(kept.listing_score)


def test_a_text_without_its_page_is_judged_by_forests_that_know_none() -> None:
    model = load_judge(JUDGE)
    other = replace(model, of_pages={name: model.of_texts[name] for name in OUTPUTS})
    page = document(article(6), "https://a.example/river")
    signals = measure(page.text)
    assert other.judge(signals, 0.0, page.page_features) == model.judge(signals, 0.0, None)
    assert not np.isnan(model.judge(signals, 0.0, None).worth)
