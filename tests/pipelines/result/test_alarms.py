"""Alarms about sites and languages: what is said, what is not, and that bounded counts never accuse wrongly."""

from __future__ import annotations

import random
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.result import alarms
from pipelines.result.alarms import SiteCounts, count_sites, language_alarms, site_alarms
from tests.pipelines.small import ENGLISH, FRENCH, english, small_run

STEPS = [{"name": n, "read": 10_000, "kept": 9_000} for n in ("language", "exact_dedup", "heuristics", "mixture")]
NAMES = [step["name"] for step in STEPS]


def table(*groups):
    """Return rows of (site, step, number); a table without steps is one of documents that were kept."""
    rows = [(site, step) for site, step, n in groups for _ in range(n)]
    columns = {"url": pa.array([f"https://{site}/{i}" for i, (site, _) in enumerate(rows)], pa.string())}
    return pa.table(columns if all(step == "" for _, step in rows) else columns | {"step": [s for _, s in rows]})


def summed(*tables):
    counts = SiteCounts()
    for rows in tables:
        counts.add(count_sites(rows))
    return counts


def test_a_site_is_its_host_in_any_spelling_of_a_url():
    urls = ["https://www.a.org", "HTTP://A.org:8080/x", "http://ann:x@a.org?q=http://b.org/", "http://a.org#t@b.org"]
    none = ["", "a.org/page", "mailto:ann@a.org", "file:page", "/x://y"]
    assert count_sites(pa.table({"url": urls + none}))["rows"] == [("a.org", "", 4)]


def test_a_site_that_loses_nearly_everything_to_any_step_is_named():
    rejected = table(("a.org", "language", 5), ("a.org", "heuristics", 190), ("b.org", "exact_dedup", 120))
    sentences = site_alarms(summed(table(("a.org", "", 10), ("b.org", "", 60)), rejected), STEPS, ())
    assert sentences == ["heuristics rejected 190 of 200 documents of a.org (95.0%); look at some of them in rejected/"]


@pytest.mark.parametrize(
    ("kept", "rejected"),
    [
        ((), [("a.org", "heuristics", 99)]),  # too few
        ([("a.org", "", 10)], [("a.org", "heuristics", 90)]),  # nine tenths, and not more
        ((), [("a.org", "heuristics", 100), ("a.org", "exact_dedup", 100)]),  # exact_dedup rejects half, before
        ((), [("a.org", "mixture", 1000)]),  # on purpose
    ],
)
def test_what_is_no_alarm(kept, rejected):
    found = site_alarms(summed(table(*kept), table(*rejected)), STEPS, {"mixture"})
    assert [sentence for sentence in found if "exact_dedup" in sentence or "mixture" in sentence] == []
    assert len(found) <= (len(rejected) == 2)


def test_a_step_that_rejects_nearly_everything_says_nothing_about_a_site():
    steps = [{"name": "heuristics", "read": 1000, "kept": 20}]
    assert site_alarms(summed(table(("a.org", "heuristics", 500))), steps, ()) == []


def test_the_largest_losses_are_named_and_the_rest_are_counted():
    groups = [(f"site{i}.org", "heuristics", 100 + i) for i in range(15)]
    sentences = site_alarms(summed(table(*groups)), STEPS, ())
    assert len(sentences) == 11
    assert "site14.org" in sentences[0]
    assert sentences[-1] == "5 more sites lose over 90% to one step"


@pytest.mark.parametrize("seed", range(4))
def test_bounded_counts_never_accuse_a_site_that_exact_counts_do_not(seed, monkeypatch):
    """Whatever is left out of the lists; and a site that is far larger than what they leave out is found."""
    random.seed(seed)
    sizes = {f"s{i}.org": random.randrange(1, 40) for i in range(300)} | {"large.org": 9000, "half.org": 6000}
    rows = []
    for site, n in sizes.items():
        kept = {"large.org": 0.02, "half.org": 0.5}.get(site, random.choice([0, 0.05, 0.5, 1]))
        rows += [(site, "" if random.random() < kept else "heuristics") for _ in range(n * (5 if n < 40 else 1))]
    random.shuffle(rows)
    shards = [rows[i::10] for i in range(10)]
    tables = [table(*((site, step, 1) for site, step in s if bool(step) == bad)) for s in shards for bad in (0, 1)]
    exact = site_alarms(summed(*tables), STEPS, ())
    true = Counter(site for site, step in rows if step), Counter(site for site, _ in rows)
    monkeypatch.setattr(alarms, "LISTED", 20)
    monkeypatch.setattr(alarms, "SUMMED", 15)
    counts = summed(*tables)
    assert len(counts.counts) <= 30
    for site, of_site in counts.counts.items():
        assert of_site["heuristics"] <= true[0][site]
        assert of_site.total() <= true[1][site] <= of_site.total() + counts.missing(site)
    assert all(n <= counts.unlisted for site, n in true[1].items() if site not in counts.counts)
    found = site_alarms(counts, STEPS, ())
    named = {sentence.partition(" of ")[2].partition(" of ")[2].split()[0] for sentence in found}
    assert "large.org" in named
    assert all(true[0][site] > 0.9 * true[1][site] for site in named)
    assert any("large.org" in sentence for sentence in exact)


def test_a_language_that_a_step_treats_otherwise_is_named():
    lost = {"de": {"heuristics": 50, "exact_dedup": 200}, "en": {"heuristics": 100}, "": {"language": 5000}}
    sentences = list(language_alarms({"de": 100, "en": 900}, lost, NAMES, ()))
    assert sentences == [
        "exact_dedup rejected 200 of 350 documents in language 'de' (57%), but 0.0% of those in other languages",
        "heuristics rejected 50 of 150 documents in language 'de' (33%), but 10.0% of those in other languages",
    ]
    assert list(language_alarms({"de": 100, "en": 900}, lost, NAMES, {"exact_dedup", "heuristics"})) == []


@pytest.mark.parametrize(
    ("kept", "lost"),
    [
        ({"de": 20, "en": 900}, {"de": {"heuristics": 70}}),  # too few
        ({"de": 800, "en": 20}, {"de": {"heuristics": 800}}),  # too few others
        ({"de": 800, "en": 900}, {"de": {"heuristics": 300}}),  # 27 %
        ({"de": 100, "en": 700}, {"de": {"heuristics": 100}, "en": {"heuristics": 200}}),  # 50 % against 22 %
        ({"en": 700}, {"en": {"heuristics": 700}}),  # no other language
    ],
)
def test_what_is_no_alarm_about_a_language(kept, lost):
    assert list(language_alarms(kept, lost, NAMES, ())) == []


def test_a_run_warns_of_sites_and_languages_however_its_input_is_split(tmp_path, monkeypatch):
    pages = [page | {"url": f"https://www.good.example/{i}"} for i, page in enumerate(english(400))]
    pages += [{"text": f"{ENGLISH}No. {i}", "url": f"https://short.example/{i}"} for i in range(120)]
    pages += [{"text": f"{FRENCH}Page {i}.", "url": f"https://m{i % 9}.example/{i}"} for i in range(110)]
    rules = "presets: [], rules: [{name: short, signal: words, min: 45}]"
    steps = f"  - language\n  - heuristics: {{{rules}}}\n"
    reports = []
    for name, size in (("one", 64_000_000), ("many", 9_000)):
        monkeypatch.setattr("pipelines.io.sources.MIN_SLICE_BYTES", size)
        (tmp_path / name).mkdir()
        reports.append(small_run(tmp_path / name, steps, pages))
    assert reports[0]["warnings"] == reports[1]["warnings"]
    said = "\n".join(reports[0]["warnings"])
    assert "heuristics rejected 120 of 120 documents of short.example (100.0%)" in said
    assert "heuristics rejected 110 of 110 documents in language 'fr' (100%), but 23.1% of those in other" in said
    assert pq.read_table(tmp_path / "one" / "out" / "documents").num_rows == 400
