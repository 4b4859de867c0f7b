"""Real archives: nothing crashes, and every record is accounted for."""

from __future__ import annotations

import subprocess
import sys

import orjson

from tests.pipelines.conftest import outputs, run


def load(folder, name):
    return orjson.loads((folder / name).read_bytes())


def check_funnel(report):
    for step, following in zip(report["steps"], report["steps"][1:], strict=False):
        assert step["kept"] == following["read"]
        assert step["read"] == step["kept"] + sum(step["rejected"].values())
        assert "error" not in step["rejected"]


def test_every_record_of_the_odd_archives_is_accounted_for(shared_data, tmp_path):
    output = run(tmp_path / "out", inputs=f"{shared_data}/warc/*.*arc*")
    report, inputs = load(output, "report.json"), load(output, "inputs.json")
    check_funnel(report)
    files = inputs["files"]
    assert len({f["path"] for f in files}) == len(list((shared_data / "warc").glob("*.*arc*")))
    assert sum(f["documents"] + f["rejected"] for f in files) == report["steps"][0]["read"]
    assert sum(n for f in files for n in f["skipped"].values()) == sum(report["skipped"].values())
    assert report["broken_records"] == sum(f["broken"] for f in files)


def test_a_crawl_of_real_pages(shared_data, tmp_path):
    crawl = tmp_path / "crawl.warc.gz"
    subprocess.run([sys.executable, shared_data / "make_warc.py", crawl, "--pages", "400"], check=True)
    output = run(tmp_path / "out", "--workers", "2", inputs=str(crawl))
    report = load(output, "report.json")
    check_funnel(report)
    assert report["steps"][0]["read"] == 400
    assert report["corpus"]["documents"] > 200
    assert outputs(run(tmp_path / "again", inputs=str(crawl))) == outputs(output)
