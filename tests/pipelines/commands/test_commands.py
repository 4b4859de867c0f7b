"""The command line on a finished run: plan, explain, recut, filter, report; and what it says of mistakes."""

from __future__ import annotations

import gzip
import random
import sys

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystem import BeamIOError
from click.testing import CliRunner

from curate.dedup.sketch import Sketch
from curate.filters.presets import rules_of
from curate.filters.rules import decide
from curate.filters.signals import signal_names
from pipelines.cli import main
from pipelines.engine.estimate import estimate
from pipelines.engine.layout import RunLayout
from pipelines.io.files import reason
from pipelines.recipe.recipe import load_recipe
from pipelines.result.recut import _first_failed, recut
from tests.pipelines.conftest import CRAWL, ROOT, curate, run


def rows(folder, name):
    return pq.read_table(folder / name).to_pylist()


def test_plan_names_the_passes_and_says_what_is_done(corpus, tmp_path):
    fresh = curate("plan", "llama3", "--input", f"{CRAWL}/*", "--output", tmp_path / "out", "--workers", "3")
    assert fresh.returncode == 0, fresh.stderr
    assert "text is read 4 times in all" in fresh.stdout
    assert "3 workers take up to 3.6 GB of memory" in fresh.stdout
    assert "core hours" in fresh.stdout
    assert not (tmp_path / "out").exists()
    done = curate("plan", "llama3", "--input", f"{CRAWL}/*", "--output", corpus)
    assert " no " not in done.stdout


def test_explain_tells_the_story_of_a_rejected_page(corpus):
    duplicate = next(r for r in rows(corpus, "rejected") if r["step"] == "minhash_dedup")
    told = curate("explain", duplicate["url"], "--output", corpus).stdout
    assert "near_duplicate" in told
    assert duplicate["id"] in told
    assert duplicate["detail"] in told
    heuristic = next(r for r in rows(corpus, "rejected") if r["step"] == "heuristics")
    told = curate("explain", heuristic["id"], "--output", corpus).stdout
    assert heuristic["rule"] in told
    assert "signals, heuristics:" in told


def test_explain_finds_a_kept_page_by_another_spelling_of_its_url(corpus):
    kept = next(r for r in rows(corpus, "documents") if r["url"].startswith("https://"))
    other = kept["url"].replace("https://", "HTTP://www.") + "#top"
    assert f"in the corpus: language {kept['language']}" in curate("explain", other, "--output", corpus).stdout


def test_text_from_the_web_is_printed_as_it_is(tmp_path):
    text = "A [b]bold[/b] claim, [red] and [/] brackets. "
    (tmp_path / "pages.jsonl").write_bytes(orjson.dumps({"text": text, "url": "http://a.org/[/x]"}) + b"\n")
    (tmp_path / "recipe.yaml").write_text("steps:\n  - language: {min_score: 0}\n  - heuristics\n")
    run(tmp_path / "out", recipe=tmp_path / "recipe.yaml", inputs=tmp_path / "pages.jsonl")
    told = curate("explain", "http://a.org/[/x]", "--output", tmp_path / "out")
    assert text.strip() in told.stdout
    assert "Traceback" not in told.stderr


def test_plan_looks_at_a_part_of_a_compressed_file(tmp_path):
    texts = (random.Random(i).randbytes(500).hex() for i in range(10_000))
    rows = b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)
    (tmp_path / "pages.jsonl.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "recipe.yaml").write_text("steps:\n  - language\n")
    recipe = load_recipe(str(tmp_path / "recipe.yaml"), [str(tmp_path / "pages.jsonl.gz")])
    found = estimate(RunLayout.of(recipe, str(tmp_path / "out")).plan)
    assert found.share < 0.2
    assert found.steps[0].read == pytest.approx(10_000, rel=0.1)


def test_plan_and_run_pass_over_damaged_tables(tmp_path):
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": ["A page."] * 4000}), tmp_path / "in" / "whole.parquet")
    data = (tmp_path / "in" / "whole.parquet").read_bytes()
    (tmp_path / "in" / "cut.parquet").write_bytes(data[:-9])
    (tmp_path / "in" / "none.arrow").write_bytes(data)
    (tmp_path / "recipe.yaml").write_text("steps:\n  - pii\n")
    where = (tmp_path / "recipe.yaml", "--input", tmp_path / "in", "--output", tmp_path / "out")
    planned = curate("plan", *where)
    assert "core hours" in planned.stdout, planned.stderr
    done = curate("run", *where)
    assert "4,000 documents" in done.stdout, done.stderr
    parts = orjson.loads((tmp_path / "out" / "inputs.json").read_bytes())["files"]
    assert [(p["path"].rpartition("/")[2], p["broken"]) for p in parts] == [
        ("cut.parquet", 1),
        ("none.arrow", 1),
        ("whole.parquet", 0),
    ]


def test_plan_takes_a_folder_with_files_of_any_kind(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "README.rst").write_text("No page.")
    (tmp_path / "in" / "pages.jsonl").write_bytes(orjson.dumps({"text": "A page."}) + b"\n")
    (tmp_path / "in" / "rows.jsonl").write_bytes(orjson.dumps({"other": "x" * 1000}) * 3)
    pq.write_table(pa.table({"text": ["水" * 99] * 4000, "more": ["y" * 99] * 4000}), tmp_path / "in" / "z.parquet")
    (tmp_path / "recipe.yaml").write_text("steps:\n  - language\n")
    recipe = load_recipe(str(tmp_path / "recipe.yaml"), [str(tmp_path / "in")])
    found = estimate(RunLayout.of(recipe, str(tmp_path / "out")).plan)
    assert found.steps[0].read == pytest.approx(4000, rel=0.2)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gs://bucket/x", "gs://bucket/x: gs:// needs more packages: pip install 'curate-corpus[gcp]'"),
        ("s3://bucket/x", "s3://bucket/x: s3:// needs more packages: pip install 'curate-corpus[aws]'"),
        (
            "ftp://a.org/x",
            "ftp://a.org/x: ftp:// is not supported; copy the files to a local path or to one of gs://, s3://",
        ),
    ],
)
def test_a_file_system_that_is_not_there_is_told_with_the_fix(path, said, tmp_path, monkeypatch):
    for library in ("google.cloud.storage", "boto3"):
        monkeypatch.setitem(sys.modules, library, None)  # as where it is not installed
    page = tmp_path / "page.txt"
    page.write_text("A page.")
    commands = [
        ["plan", "llama3", "--input", path],
        ["run", "llama3", "--input", str(page), "--output", path],
        ["explain", "http://a.org/", "--output", path],
        ["filter", "default", path],
    ]
    for command in commands:
        done = CliRunner().invoke(main, command)
        assert isinstance(done.exception, SystemExit)
        assert said in done.exception.code
        assert "\n" not in done.exception.code


def test_the_innermost_error_of_a_file_system_is_told():
    inner = BeamIOError("List failed", {"s3://b/x": ValueError("Unable to locate\ncredentials")})
    assert reason(BeamIOError("Match failed", {"s3://b/x*": inner})) == "s3://b/x: Unable to locate credentials"
    assert reason(OSError(28, "No space left")) == "[Errno 28] No space left"


def test_files_that_are_not_read_are_told_before_and_after_a_run(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "pages.jsonl").write_bytes(orjson.dumps({"text": "A page."}) + b"\n")
    (tmp_path / "in" / "rows.csv").write_text("text\nA page.\n")
    (tmp_path / "recipe.yaml").write_text("steps:\n  - pii\n")
    where = (tmp_path / "recipe.yaml", "--input", tmp_path / "in", "--output", tmp_path / "out")
    for command in ("plan", "run"):
        assert "warning: 1 file has no known ending and is not read: .csv 1" in curate(command, *where).stdout
    (warning,) = orjson.loads((tmp_path / "out" / "report.json").read_bytes())["warnings"]
    assert ".csv 1" in warning


def test_explain_says_so_where_there_is_no_such_page(corpus, tmp_path):
    assert "so no input of that run had it" in curate("explain", "https://nowhere.example/", "--output", corpus).stderr
    assert "holds no finished run" in curate("explain", "https://nowhere.example/", "--output", tmp_path).stderr


def test_explain_leads_a_file_through_the_map_steps(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html><body><p>Nothing much.</p></body></html>")
    told = curate("explain", page).stdout
    assert "rejected by language" in told or "rejected by heuristics" in told


def test_explain_decompresses_a_file(tmp_path):
    html = f"<html><body><p>{'The ferry to the island leaves at seven. ' * 9}</p></body></html>".encode()
    (tmp_path / "page.html").write_bytes(html)
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(html))
    (tmp_path / "cut.html.gz").write_bytes(gzip.compress(html)[:-20])
    plain, packed, cut = (curate("explain", tmp_path / name) for name in ("page.html", "page.html.gz", "cut.html.gz"))
    assert "kept by language" in plain.stdout
    assert packed.stdout == plain.stdout
    assert cut.stderr.startswith(f"curate: {tmp_path}/cut.html.gz: truncated or damaged compression")
    assert "Traceback" not in cut.stderr


def test_explain_finds_a_file_by_its_plain_name(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "plainname").write_text("A page.")
    (tmp_path / "recipe.yaml").write_text(
        f"sources:\n  - {{input: {tmp_path}/in, format: text}}\nsteps:\n  - pii\n", encoding="utf-8"
    )
    assert curate("run", tmp_path / "recipe.yaml", "--output", tmp_path / "out").returncode == 0
    assert "in the corpus" in curate("explain", "file:plainname", "--output", tmp_path / "out").stdout


def test_rules_over_stored_signals_decide_as_they_did_in_the_run(corpus):
    table = pq.read_table(corpus / "signals")
    rules = rules_of(["default"])
    stored = _first_failed(table, rules)
    for row, failed in zip(table.to_pylist(), stored, strict=True):
        decision = decide({name: row[name] for name in signal_names()}, rules, row["language"])
        assert decision.reason == (rules[failed].name if failed >= 0 else "")
    rejected = {r["id"] for r in rows(corpus, "rejected") if r["step"] == "heuristics"}
    assert rejected == {row["id"] for row, failed in zip(table.to_pylist(), stored, strict=True) if failed >= 0}


def test_recut_gains_what_the_run_rejected_by_the_rule_alone(corpus):
    few = [r for r in rows(corpus, "rejected") if r["rule"] == "gopher_too_few_words"]
    assert few
    found = recut(str(corpus), limits={"gopher_too_few_words": 0})
    gained = found.gained.get(("rule", "gopher_too_few_words"))
    assert gained
    assert 0 < gained.documents <= len(few)
    assert set(gained.ids) <= {r["id"] for r in few}
    assert not found.lost


def test_recut_loses_every_document_to_an_impossible_limit(corpus):
    found = recut(str(corpus), limits={"gopher_too_few_words": 1e9})
    documents = rows(corpus, "documents")
    assert found.lost["all", ""].documents == len(documents) == found.documents
    assert found.lost["all", ""].tokens == sum(d["token_count"] for d in documents)


def test_recut_on_the_command_line(corpus):
    told = curate("recut", corpus, "--set", "gopher_too_few_words=200", "--set", "gopher_bullets=none")
    assert told.returncode == 0, told.stderr
    assert "gopher_too_few_words" in told.stdout
    assert "did you mean 'gopher_bullets'" in curate("recut", corpus, "--set", "gopher_bulets=1").stderr


def test_filter_shows_where_two_presets_disagree():
    told = curate("filter", "gopher@datatrove", CRAWL / "crawl-00.warc.gz", "--against", "gopher@dolma")
    assert told.returncode == 0, told.stderr
    assert "agree on" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "lama3", "--input", "x"], "no recipe 'lama3'"),
        (["run", "llama3", "--input", "no/such/file*"], "matches no file"),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.langauge.min_score=1"], "did you mean 'language'"),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.language.keep=[xx]"], "xx"),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--set", "output.formats=[parket]"],
            "unknown format 'parket'; did you mean 'parquet'",
        ),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.language.keep=[tlh]"], "does not know Klingon"),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.language.min_scores={fr: .7, fra: .9}"], "twice"),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.heuristics.limits={gopher_hash_signs: .nan}"],
            "is not a number",
        ),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--set", "output.formats=[a"],
            "is not a number, a word, or a list",
        ),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.kl_divergence.keep=40"], "less than or equal to 1"),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.minhash_dedup=3"],
            "which setting of minhash_dedup",
        ),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.mixture.targets={generl: 1}"],
            "'generl' is not a domain",
        ),
        (["run", "llama3"], "nothing to read: give --input"),
        (["run", "llama3", f"{CRAWL}/*"], "give inputs as --input"),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--", "--runner=DaskRunner"], "silently"),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--", "--runner=FlnkRunner"], "FlnkRunner"),
        (
            ["run", "llama3", "--input", f"{CRAWL}/*", "--", "--runner=PortableRunner", "--job_endpoint=localhost:1"],
            "no job server answers",
        ),
        (["run", "llama3", "--input", f"{CRAWL}/*", "--set", "steps.quality.model=no.zip"], "no.zip"),
        (["filter", "gopher@datatrov", f"{CRAWL}/*"], "did you mean 'gopher@datatrove'"),
    ],
)
def test_mistakes_are_told_in_one_line_before_any_work(arguments, said, tmp_path):
    done = curate(*arguments, *([] if "--" in arguments or arguments[0] == "filter" else ["--output", tmp_path]))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("_work/*/slice-*"))


def test_filter_counts_what_it_cannot_read(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "One page."}\n{"no": "text"}\nK\xe4se\n')
    told = curate("filter", "default", tmp_path).stdout
    assert "2 records have no text: broken 2" in told


def test_a_sketch_of_a_run_meets_another_crawl(corpus, tmp_path):
    crawl = ("llama3", "--input", f"{CRAWL}/*", "--output", corpus)
    done = curate("sketch", "export", *crawl, "--to", tmp_path / "ours")
    assert done.returncode == 0, done.stderr
    assert "already holds a sketch" in curate("sketch", "export", *crawl, "--to", tmp_path / "ours").stderr
    assert "holds no run" in curate("sketch", "export", *crawl[:-1], tmp_path, "--to", tmp_path / "none").stderr
    done = curate("sketch", "import", tmp_path / "ours", "--into", tmp_path / "all")
    assert done.returncode == 0, done.stderr
    assert Sketch.load(tmp_path / "all").ids.tolist() == Sketch.load(tmp_path / "ours").ids.tolist()
    settings = ("--set", f"steps.minhash_dedup.index=[{tmp_path}/all]")
    run(tmp_path / "again", *settings, inputs=f"{CRAWL}/export-00.jsonl.gz")
    assert any(r["step"] == "minhash_dedup" for r in rows(tmp_path / "again", "rejected"))
    assert not rows(tmp_path / "again", "documents")  # all of it was in the first run
    (tmp_path / "all" / "sketch.json").write_text("{}")
    refused = curate("run", "llama3", "--input", f"{CRAWL}/*", "--output", tmp_path / "damaged", *settings)
    assert refused.returncode == 1
    assert "is not a sketch" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "command", ["run", "plan", "steps", "explain", "recut", "filter", "report", "verify", "sketch export"]
)
def test_every_command_has_help_and_stands_in_the_readme(command):
    assert "Usage:" in curate(*command.split(), "--help").stdout
    if command != "report":
        assert f"curate {command} " in (ROOT / "README.md").read_text()
