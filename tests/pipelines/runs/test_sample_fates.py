"""Every page of the sample crawl meets its fate, for the reason that its label gives."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.recipe.recipe import shipped_text
from tests.pipelines.conftest import CRAWL, run

#: Steps that keep a share of the corpus: who is left out depends on all the others.
SHARES = ("kl_divergence", "mixture")
#: What the judge says of a page that it takes for worthless; it may come before a step that removes copies.
JUDGED = ("quality", "low_quality")
COPIES = ("url_dedup", "exact_dedup", "minhash_dedup")
#: Text in no language: whether the language model or a count notices it first depends on how sure the model is.
NO_LANGUAGE = {"table", "links", "log", "minified", "word_salad", "symbols", "lorem_ipsum", "replacement", "mojibake"}

#: Pages of hardly any text: what notices that first depends on which of their few words are taken for text.
HARDLY_ANY = {"error_page", "spam", "short"}
NOTICED = {("extract", "no_main_text"), ("heuristics", "gopher_too_few_words"), JUDGED}


@pytest.fixture(scope="module")
def labels() -> list[dict]:
    lines = (CRAWL.parent / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def uncut(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run without the judge and the steps that keep a share."""
    left_out = (*SHARES, JUDGED[0])
    recipe = yaml.safe_load(shipped_text("llama3"))
    recipe["steps"] = [s for s in recipe["steps"] if (s if isinstance(s, str) else next(iter(s))) not in left_out]
    folder = tmp_path_factory.mktemp("uncut")
    (folder / "uncut.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    shutil.copytree(corpus, folder / "out")
    return run(folder / "out", recipe=str(folder / "uncut.yaml"))


def rows(folder: Path, table: str) -> list[dict]:
    return pq.read_table(folder / table).to_pylist()


def key(row: dict) -> tuple[str, str]:
    """What a page is known by; of a broken record a reader may know less than its label."""
    return (row["url"], "") if row.get("rule") == "broken" else (row["url"], row["date"])


def fates(folder: Path) -> dict[tuple[str, str], Counter]:
    """What became of each page: ("kept",) or step and rule, with how often."""
    found: dict[tuple[str, str], Counter] = {}
    for row in rows(folder, "documents"):
        found.setdefault(key(row), Counter())["kept",] += 1
    for row in rows(folder, "rejected"):
        found.setdefault(key(row), Counter())[row["step"], row["rule"]] += 1
    return found


def is_right(label: dict, fate: tuple[str, ...]) -> bool:
    if label["category"] in NO_LANGUAGE and label["step"] in ("language", "heuristics"):
        return fate in (("language", "language_unknown"), JUDGED, (label["step"], label["rule"]))
    if label["fate"] == "rejected" and label["step"] in COPIES:
        return fate[0] in COPIES or fate in (JUDGED, ("kept",))
    if label["fate"] == "rejected" and label["category"] in HARDLY_ANY and fate in NOTICED:
        return True
    if label["fate"] == "rejected":
        return fate == (label["step"], label["rule"])
    return fate == ("kept",) or (bool(label.get("may_be_cut")) and (fate[0] in SHARES or fate == JUDGED))


def test_every_page_meets_its_fate(corpus, labels):
    found, expected = fates(corpus), Counter(key(label) for label in labels if label["fate"] != "skipped")
    assert {page: sum(fate.values()) for page, fate in found.items()} == expected
    wrong = [
        f"{label['category']}, {label['file']}, {unquote(label['url'])}: "
        f"{label['fate']} {label.get('step', '')} {label.get('rule', '')} expected, {' '.join(fate)} found"
        for label in labels
        if label["fate"] != "skipped"
        for fate in found[key(label)]
        if not is_right(label, fate)
    ]
    assert not wrong, "\n".join(wrong)


def test_a_copy_stays_only_if_the_page_that_it_copies_was_judged_worthless(corpus, labels):
    found = fates(corpus)
    copies = [label for label in labels if label.get("step") in COPIES]
    assert len(copies) > 100
    assert sum(("kept",) in found[key(label)] for label in copies) <= 2
    texts = [row["text"] for row in rows(corpus, "documents")]
    assert len(texts) == len(set(texts))


def test_the_judge_keeps_what_is_good(corpus, labels):
    found = fates(corpus)
    good = [label for label in labels if label["category"] in ("article", "code", "maths", "pii")]
    assert sum(JUDGED in found[key(label)] for label in good) <= 0.01 * len(good)


def test_records_that_are_no_pages_are_counted(report, labels):
    assert report["skipped"] == Counter(label["rule"] for label in labels if label["fate"] == "skipped")


def test_without_shares_every_good_page_is_kept(uncut, labels):
    kept = {key(row) for row in rows(uncut, "documents")}
    missing = [key(label) for label in labels if label["fate"] == "kept" and key(label) not in kept]
    # One has a newer copy among the pages of a broken encoding, which is repaired.
    assert len(missing) <= 1
    assert all(step in COPIES for page in missing for step, _ in fates(uncut)[page])


def test_kept_text_has_what_it_must_have_and_nothing_else(uncut, labels):
    texts = {key(row): row["text"] for row in rows(uncut, "documents")}
    wrong = []
    for label in labels:
        text = texts.get(key(label), "")
        if label["fate"] == "kept" and text:
            url = unquote(label["url"])
            wrong += [f"{url} lacks {part[:60]!r}" for part in label.get("contains", ()) if part not in text]
            wrong += [f"{url} still has {part[:60]!r}" for part in label.get("lacks", ()) if part in text]
    assert not wrong, "\n".join(wrong)


def test_kept_pages_have_the_language_of_their_label(uncut, labels):
    found = {key(row): row["language"] for row in rows(uncut, "documents")}
    wrong = [
        (label["url"], label["language"], found[key(label)])
        for label in labels
        if label["fate"] == "kept" and key(label) in found and found[key(label)] != label["language"]
    ]
    assert not wrong


def test_code_and_maths_pages_get_their_share_of_the_mix(uncut, labels):
    found = {key(row): row["domain"] for row in rows(uncut, "documents")}
    for category in ("code", "maths"):
        pages = [key(label) for label in labels if label["category"] == category and key(label) in found]
        # The label says what a page holds: a tutorial of prose with three lines of code may count as general.
        assert sum(found[page] == category for page in pages) > 0.4 * len(pages)
