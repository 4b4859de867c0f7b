"""Whole runs over a few documents, in this process: what happens at the edges of steps, files and file systems."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from contextlib import suppress

import orjson
import pyarrow.parquet as pq
import pytest

import pipelines.steps.language as language_step
from pipelines.engine.run import run_recipe
from pipelines.io import files
from pipelines.recipe.recipe import parse_recipe
from pipelines.result.explain import find
from pipelines.result.recut import recut
from pipelines.result.verify import verify
from pipelines.steps.base import RunError
from tests.pipelines.conftest import CRAWL, ROOT, curate
from tests.pipelines.object_store import object_store
from tests.pipelines.small import ENGLISH, FRENCH, GERMAN, english, small_run, step_of


def test_divergence_behind_a_step_that_takes_a_whole_language(tmp_path):
    """The French page is an older version of an English one: no French is left to compare it with."""
    documents = english(9)
    documents.append({"text": FRENCH * 3, "url": "http://example.org/0", "date": "2001-01-01"})
    documents[0]["date"] = "2024-01-01"
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - url_dedup\n  - kl_divergence: {min_documents: 1}\n"
    report = small_run(tmp_path, steps, documents)
    assert step_of(report, "url_dedup")["rejected"] == {"older_copy": 1}
    assert report["corpus"]["documents"] == 9


def test_a_label_that_no_target_names_is_in_documents_but_not_in_tokens(tmp_path):
    documents = [*english(9), {"text": FRENCH * 3, "url": "http://example.org/f"}]
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - mixture: {by: language, targets: {en: 1}}\n"
    report = small_run(tmp_path, steps, documents)
    assert step_of(report, "mixture") == {"name": "mixture", "read": 10, "kept": 10, "rejected": {}}
    assert any("fr (" in warning and "no target" in warning for warning in report["warnings"])
    rows = pq.read_table(tmp_path / "out" / "documents").to_pylist()
    assert {(row["language"], row["copies"]) for row in rows} == {("en", 1), ("fr", 0)}
    assert pq.read_table(tmp_path / "out" / "tokens")["language"].unique().to_pylist() == ["en"]
    assert verify(str(tmp_path / "out")) == []
    (french,) = find(str(tmp_path / "out"), "http://example.org/f")
    assert french.kept


def test_a_share_that_cannot_be_met_gives_way_and_not_the_corpus(tmp_path):
    documents = [*english(30), {"text": f"{GERMAN * 3}Das war Tag 1.", "url": "http://example.de/1"}]
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - mixture: {by: language, targets: {en: 1, de: 1}}\n"
    report = small_run(tmp_path, steps, documents)
    rows = pq.read_table(tmp_path / "out" / "documents").to_pylist()
    assert sorted((row["language"], row["copies"]) for row in rows) == [("de", 4), *[("en", 1)] * 30]
    assert any(w.startswith("mixture: de: target 50 %, gets ") and "4 epochs" in w for w in report["warnings"])
    assert any("the others get what is missing" in w and "en 50 % -> " in w for w in report["warnings"])


def test_exact_shares_leave_documents_out_of_the_tokens_and_say_how_many(tmp_path):
    documents = [*english(30), {"text": f"{GERMAN * 3}Das war Tag 1.", "url": "http://example.de/1"}]
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n"
    steps += "  - mixture: {by: language, targets: {en: 1, de: 1}, max_epochs: 14, min_epochs: 0}\n"
    report = small_run(tmp_path, steps, documents)
    assert report["corpus"]["documents"] == 31
    rows = pq.read_table(tmp_path / "out" / "documents").to_pylist()
    assert sum(row["copies"] == 0 for row in rows) > 0
    assert any(" % of the tokens are not in tokens/, because de" in warning for warning in report["warnings"])


def test_a_requested_size_leaves_documents_out_of_the_tokens_alone(tmp_path):
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n"
    once = small_run(tmp_path, steps, english(20))
    size = once["corpus"]["tokens"] // 2
    steps += f"  - mixture: {{by: language, targets: {{en: 1}}, total_tokens: {size}}}\n"
    report = small_run(tmp_path, steps, english(20))
    assert report["corpus"]["text_bytes"] == once["corpus"]["text_bytes"]
    copies = pq.read_table(tmp_path / "out" / "documents")["copies"].to_pylist()
    assert len(copies) == 20
    assert set(copies) == {0, 1}
    assert pq.read_table(tmp_path / "out" / "tokens").num_rows == sum(copies)
    assert verify(str(tmp_path / "out")) == []


def test_shards_have_the_size_they_should_with_repeated_documents_too(tmp_path):
    """Of two languages in equal shares one is there four times as often, so the other is repeated four times."""
    documents = english(16)
    documents += [{"text": f"{GERMAN * 3}Das war Tag {i}.", "url": f"http://example.de/{i}"} for i in range(4)]
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - mixture: {by: language, targets: {en: 1, de: 1}}\n"
    report = small_run(tmp_path, steps, documents, more="output: {tokens_per_shard: 400}\n")
    shards = [pq.read_table(path) for path in sorted((tmp_path / "out" / "tokens").glob("*.parquet"))]
    assert sum(table.num_rows for table in shards) > 20
    assert len(shards) == -(-report["corpus"]["tokens"] // 400)


def test_the_input_may_lie_in_the_output_folder(tmp_path):
    once, twice = (small_run(tmp_path, "  - exact_dedup\n", english(n), output=str(tmp_path)) for n in (3, 5))
    assert (once["corpus"]["documents"], twice["corpus"]["documents"]) == (3, 5)
    assert files.read_json(str(tmp_path / "inputs.json"))["files"][0]["path"] == str(tmp_path / "pages.jsonl")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_is_full_ends_the_run_and_costs_no_document(tmp_path, workers):
    """A write that fails is no fault of the document that was written; here no file may be larger than 20 KB."""
    rows = [{"text": f"{ENGLISH} {random.Random(i).randbytes(200).hex()}"} for i in range(400)]
    (tmp_path / "pages.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (tmp_path / "small.yaml").write_text("steps:\n  - pii\n")
    command = ["run", tmp_path / "small.yaml", "--input", tmp_path / "pages.jsonl", "--output", tmp_path / "out"]
    command += ["--workers", workers]
    failed = curate(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    assert failed.returncode == 1
    assert "File too large" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not list((tmp_path / "out").rglob("*.incomplete"))
    done = curate(*command)
    assert done.returncode == 0, done.stderr
    assert "400 documents" in done.stdout


def test_a_mixture_keeps_its_copies_whatever_comes_behind(tmp_path):
    documents = english(12)
    documents += [{"text": f"{GERMAN * 3}Das war Tag {i}.", "url": f"http://example.de/{i}"} for i in range(4)]
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - mixture: {by: language, targets: {en: 1, de: 1}}\n"
    steps += "  - quality: {min_score: 0}\n"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    once = small_run(tmp_path / "one", steps, documents)
    twice = small_run(tmp_path / "two", steps + "  - quality_cut: {keep: 1.0}\n", documents)
    assert once["corpus"] == twice["corpus"]
    copies = pq.read_table(tmp_path / "two" / "out" / "documents")["copies"].to_pylist()
    assert max(copies) > 1


def test_a_mixture_of_nothing_that_is_there_is_an_error(tmp_path):
    steps = "  - language: {min_score: 0.2}\n  - tokenize\n  - mixture: {by: language, targets: {sv: 1}}\n"
    with pytest.raises(RunError, match="targets name sv, but the corpus has en; set a target for a language in the"):
        small_run(tmp_path, steps, english(9))


def test_the_report_has_the_shares_that_were_written(tmp_path):
    steps = "  - language\n  - tokenize\n  - domain\n  - mixture: {targets: {general: 3, maths: 1}}\n"
    report = small_run(tmp_path, steps, english(30))
    ids = pq.read_table(tmp_path / "out" / "tokens")["input_ids"]
    assert report["mixture"]["written"] == {"general": sum(map(len, ids))}
    (general,) = report["labels"]["domain"]
    assert general["written"] == report["mixture"]["written"]["general"]
    assert "rejected" not in general


def test_pages_of_the_same_name_in_two_folders_are_two_pages(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "chapter1.txt").write_text(f"{ENGLISH * 3} That was part {folder}.")
    inputs = [str(tmp_path / "one"), str(tmp_path / "two")]
    report = run_recipe(parse_recipe("steps: [url_dedup]", "small.yaml", inputs), str(tmp_path / "out"))
    assert report["corpus"]["documents"] == 2


def test_what_lies_in_the_output_folder_and_is_not_ours_stays(tmp_path):
    (tmp_path / "out" / "documents").mkdir(parents=True)
    (tmp_path / "out" / "documents" / "thesis.txt").write_text("Years of work")
    with pytest.raises(RunError, match=r"thesis\.txt was not written by curate; choose another --output"):
        small_run(tmp_path, "  - language\n", english(3))
    (tmp_path / "out" / "documents" / "thesis.txt").rename(tmp_path / "out" / "thesis.txt")
    (tmp_path / "out" / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(RunError, match=r"manifest\.json was not written by curate"):
        small_run(tmp_path, "  - language\n", english(3))
    (tmp_path / "out" / "manifest.json").unlink()
    assert small_run(tmp_path, "  - language\n", english(3))["corpus"]["documents"] == 3
    assert (tmp_path / "out" / "thesis.txt").read_text() == "Years of work"


@pytest.mark.parametrize("lost", ["_work", "_work manifest.json", "manifest.json"])
def test_a_result_is_made_again_whatever_of_it_is_there(tmp_path, lost):
    small_run(tmp_path, "  - language\n", english(3))
    before = (tmp_path / "out" / "documents" / "part-00000-of-00001.parquet").read_bytes()
    for name in lost.split():
        files.delete([str(tmp_path / "out" / name)])
    small_run(tmp_path, "  - language\n", english(3))
    assert (tmp_path / "out" / "documents" / "part-00000-of-00001.parquet").read_bytes() == before
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_cut_that_cuts_nothing_is_told(tmp_path):
    steps = "  - language\n  - domain\n  - quality: {min_score: 0}\n  - quality_cut: {keep: 0.5}\n"
    report = small_run(tmp_path, steps, english(40))
    assert [w for w in report["warnings"] if w.startswith("quality_cut: 40 of 40 documents were not cut")]


def test_a_step_that_the_machine_fails_rejects_nothing(tmp_path, monkeypatch):
    """A full disk or memory within a step ends the run; what is mended is tried again."""
    steps = "  - language\n  - tokenize\n"
    identify = language_step.detect_language

    def full(text, config):
        if text.startswith(ENGLISH):
            raise OSError(28, "No space left on device")
        return identify(text, config)

    with monkeypatch.context() as patched:
        patched.setattr(language_step, "detect_language", full)
        with pytest.raises(OSError, match="No space left"):
            small_run(tmp_path, steps, english(3))
    assert small_run(tmp_path, steps, english(3))["corpus"]["documents"] == 3


def test_rejections_show_the_beginning_of_their_text(tmp_path):
    documents = [{"text": ENGLISH * 3, "url": "http://example.org/", "date": f"200{i}-01-01"} for i in range(3)]
    small_run(tmp_path, "  - language\n  - url_dedup\n", documents)
    rejected = pq.read_table(tmp_path / "out" / "rejected").to_pylist()
    assert len(rejected) == 2
    assert all(row["excerpt"].startswith("The ferry to the island") for row in rejected)


def test_a_file_of_the_name_of_a_setting_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = "  - extract: {engine: resiliparse}\n  - c4_clean: {terminal_marks: '" + "." * 300 + "'}\n"
    recipe = parse_recipe(f"steps:\n{steps}", "small.yaml", [f"{CRAWL}/*.warc.gz"])
    before = run_digest(recipe)
    (tmp_path / "resiliparse").write_text("not a model")
    assert run_digest(recipe) == before


def run_digest(recipe) -> str:
    from pipelines.engine.layout import RunLayout

    return RunLayout.of(recipe, "out").plan.passes[-1].digest


def test_a_model_that_is_changed_is_another_model(tmp_path):
    model = tmp_path / "tokenizer.json"
    recipe = parse_recipe(f"steps:\n  - tokenize: {{tokenizer: {model}}}\n", "small.yaml", [f"{CRAWL}/*.warc.gz"])
    model.write_text("one")
    before = run_digest(recipe)
    model.write_text("two")
    assert run_digest(recipe) != before


@pytest.fixture
def store() -> dict[str, bytes]:
    """An empty object store."""
    objects, _ = object_store()
    objects.clear()
    return objects


def test_an_object_store_holds_the_same_bytes_and_nothing_of_an_earlier_run(tmp_path, store):
    steps = "  - language\n  - url_dedup\n  - line_dedup: {max_copies: 99}\n  - tokenize\n"
    small_run(tmp_path, steps, english(40), "store://bucket/out", "output: {bytes_per_shard: 2000}\n")
    many = [path for path in store if path.startswith("store://bucket/out/documents/")]
    assert len(many) > 3
    report = small_run(tmp_path, steps, english(40), "store://bucket/out")
    small_run(tmp_path, steps, english(40))
    local = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    stored = {path.removeprefix("store://bucket/out/"): data for path, data in store.items()}
    results = {path for path in stored if not path.startswith("_work")}
    assert results == {path for path in local if not path.startswith("_work")}
    assert all(stored[path] == local[path] for path in results - {"inputs.json"})
    assert report == orjson.loads(local["report.json"])


def test_a_run_on_an_object_store_leaves_others_alone_whatever_its_name(tmp_path, store):
    small_run(tmp_path, "  - language\n", english(4), "store://bucket/run1")
    before = dict(store)
    for documents in (40, 4):
        more = "output: {bytes_per_shard: 2000}\n"
        small_run(tmp_path, "  - language\n", english(documents), "store://bucket/run[1]", more)
    assert {path: data for path, data in store.items() if path.startswith("store://bucket/run1/")} == before
    assert len([path for path in store if path.startswith("store://bucket/run[1]/documents/")]) == 1


def test_atomic_write_leaves_nothing_of_a_failure(tmp_path):
    with suppress(ZeroDivisionError), files.atomic_write(str(tmp_path / "file")) as f:
        f.write(b"half")
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts `make test &` with it ignored
from pipelines.cli import main
from pipelines.engine.stored import KeyPart

load = KeyPart.load

def interrupt(self, columns=None):
    os.kill(os.getpid(), signal.SIGINT)
    return load(self, columns)

KeyPart.load = interrupt
main()
"""


def test_ctrl_c_within_a_corpus_step_is_told_in_one_line(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "A page of words."}\n' * 3)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("steps:\n  - exact_dedup\n")
    command = ["run", str(recipe), "--input", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out")]
    stopped = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert stopped.returncode == 1
    assert "stopped; finished work is kept" in stopped.stderr.splitlines()[-1]
    assert "Traceback" not in stopped.stderr


def test_documents_that_hold_an_item_of_a_benchmark_go(tmp_path):
    item = "If a ferry leaves at seven and sails for three hours and a half, when is it at the other shore?"
    (tmp_path / "own.jsonl").write_text(json.dumps({"id": "q1", "text": item}) + "\n")
    documents = english(3)
    documents[1]["text"] += " " + item.upper()
    report = small_run(tmp_path, f"  - decontaminate: {{benchmarks: ['{tmp_path}/own.jsonl']}}\n", documents)
    assert step_of(report, "decontaminate")["rejected"] == {"contaminated": 1}
    (row,) = pq.read_table(tmp_path / "out" / "rejected").to_pylist()
    assert (row["url"], row["value"]) == ("http://example.org/1", 1.0)
    assert row["detail"].endswith("own.jsonl:q1")
    (tmp_path / "own.jsonl").write_text(json.dumps({"text": documents[2]["text"]}) + "\n")
    report = small_run(tmp_path, f"  - decontaminate: {{benchmarks: ['{tmp_path}/own.jsonl']}}\n", documents)
    assert step_of(report, "decontaminate")["rejected"] == {"contaminated": 3}  # they differ in a number


def test_recut_counts_a_record_that_was_read_twice_once(tmp_path):
    documents = [d for d in english(10) for _ in range(3)]
    small_run(tmp_path, "  - language\n  - heuristics: {presets: [c4@tfds]}\n  - exact_dedup\n", documents)
    found = recut(str(tmp_path / "out"), presets=["default"], limits={"gopher_too_few_words": 10_000})
    assert found.documents == 10
    assert found.lost[("all", "")].documents == 10


def test_the_order_of_sources_does_not_show_in_rejections(tmp_path):
    """The same pages from two sources, with the same ids: which file comes first decides nothing."""
    lines = "".join(json.dumps(d) + "\n" for d in english(20))
    written = []
    for first, second in (("web", "books"), ("books", "web")):
        folder = tmp_path / first
        folder.mkdir()
        sources = []
        for name, source in (("a", first), ("b", second)):
            (folder / f"{name}.jsonl").write_text(lines)
            sources.append(f"{{input: '{folder}/{name}.jsonl', name: {source}}}")
        text = f"sources: [{', '.join(sources)}]\nsteps: [{{language: {{keep: [de]}}}}]\n"
        run_recipe(parse_recipe(text, "small.yaml"), str(folder / "out"))
        (part,) = (folder / "out" / "rejected").iterdir()
        written.append(part.read_bytes())
    assert written[0] == written[1]


def test_a_slice_without_survivors_on_an_object_store(tmp_path, store):
    """Such a store takes no empty file: what says nothing of a slice is not written."""
    for i, host in enumerate(("a.org", "casino.org", "b.org")):
        pages = [{"text": f"{ENGLISH * 700} That was {host} {n}.", "url": f"http://{host}/{n}"} for n in range(9)]
        (tmp_path / f"{i}.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    steps = "[{url_filter: {words: [casino]}}, language, tokenize, {kl_divergence: {min_documents: 1}}]"
    recipe = parse_recipe(f"steps: {steps}", "small.yaml", [str(tmp_path / "*.jsonl")])
    assert run_recipe(recipe, "store://bucket/out")["corpus"]["documents"] == 18
    decided = [name for name in store if "/decide-kl_divergence" in name and "/block-" in name]
    assert len(decided) == 4  # two of the six slices have no survivors
