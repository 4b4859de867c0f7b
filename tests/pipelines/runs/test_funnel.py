"""Nothing disappears: the funnel of the sample run, held against its tables."""

from __future__ import annotations

from collections import Counter

import numpy as np
import orjson
import pyarrow.parquet as pq

from curate.tokens.megatron import read_megatron
from curate.tokens.tokenizers import load_tokenizer


def table(corpus, name):
    return pq.read_table(corpus / name)


def test_every_step_reads_what_the_one_before_kept(report):
    kept = None
    for step in report["steps"]:
        assert step["read"] == step["kept"] + sum(step["rejected"].values())
        assert kept in (None, step["read"])
        kept = step["kept"]
    assert kept == report["corpus"]["documents"]


def test_the_tables_hold_what_the_funnel_counts(corpus, report):
    rejected = Counter(
        (row["step"], row["rule"]) for row in table(corpus, "rejected").select(["step", "rule"]).to_pylist()
    )
    counted = Counter({(s["name"], rule): n for s in report["steps"] for rule, n in s["rejected"].items()})
    assert rejected == counted
    documents = table(corpus, "documents")
    assert documents.num_rows == report["corpus"]["documents"]
    assert documents.num_rows + sum(counted.values()) == report["steps"][0]["read"]
    ids = documents["id"].to_pylist() + table(corpus, "rejected")["id"].to_pylist()
    assert len(set(documents["id"].to_pylist())) == documents.num_rows
    assert len(ids) == report["steps"][0]["read"]


def test_no_step_failed_on_a_document(report):
    assert not [step["name"] for step in report["steps"] if "error" in step["rejected"]]


def test_rejections_by_a_measure_say_value_and_limit(corpus):
    for row in table(corpus, "rejected").to_pylist():
        if row["step"] in ("heuristics", "quality_cut", "minhash_dedup"):
            assert np.isfinite(row["value"]), row
            assert np.isfinite(row["limit"]), row


def test_kept_documents_say_how_many_copies_they_stand_for(corpus):
    rejected = [row for row in table(corpus, "rejected").to_pylist() if row["step"] in ("exact_dedup", "minhash_dedup")]
    gone_for = Counter(row["detail"].split()[0] for row in rejected)
    documents = table(corpus, "documents").to_pylist()
    assert any(row["cluster_size"] > 2 for row in documents)
    for row in documents:
        assert row["cluster_size"] >= 1 + gone_for[row["id"]]
        assert (row["cluster"] != "") == (row["cluster_size"] > 1)


def test_the_report_shows_the_lines_that_were_removed(corpus, report):
    lines = report["repeated_lines"]
    assert lines == sorted(lines, key=lambda row: -row["documents"])
    assert all(row["documents"] > 6 for row in lines)
    assert "accept all" in {row["line"] for row in lines}
    assert "accept all" in (corpus / "report.html").read_text()


def test_tokens_are_the_documents_as_often_as_the_mixture_says(corpus):
    documents = {row["id"]: row for row in table(corpus, "documents").to_pylist()}
    tokenizer = load_tokenizer()
    seen = Counter()
    for row in table(corpus, "tokens").to_pylist():
        seen[row["id"]] += 1
        assert row["input_ids"][-1] == tokenizer.eos_id
        assert len(row["input_ids"]) == documents[row["id"]]["token_count"]
    assert seen == Counter({id_: row["copies"] for id_, row in documents.items()})
    some = next(iter(documents.values()))
    ids = next(r["input_ids"] for r in table(corpus, "tokens").to_pylist() if r["id"] == some["id"])
    assert tokenizer.decode(ids[:-1]) == some["text"]


def test_megatron_files_hold_the_same_tokens_in_the_same_order(corpus):
    parquet = [row["input_ids"] for row in table(corpus, "tokens").to_pylist()]
    (bin_path,) = (corpus / "megatron").glob("*.bin")
    sequences = read_megatron(bin_path.read_bytes(), bin_path.with_suffix(".idx").read_bytes())
    assert [s.tolist() for s in sequences] == parquet


def test_the_tokens_open_with_datasets(corpus, tmp_path):
    from datasets import load_dataset

    loaded = load_dataset("parquet", data_files=f"{corpus}/tokens/*.parquet", split="train", cache_dir=str(tmp_path))
    assert loaded.num_rows == table(corpus, "tokens").num_rows
    assert len(loaded[0]["input_ids"]) > 0


def test_the_manifest_names_every_file_with_its_digest(corpus):
    import hashlib

    manifest = orjson.loads((corpus / "manifest.json").read_bytes())
    assert {f["path"].split("/")[0] for f in manifest["files"]} >= {"documents", "tokens", "rejected", "signals"}
    for file in manifest["files"]:
        data = (corpus / file["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
