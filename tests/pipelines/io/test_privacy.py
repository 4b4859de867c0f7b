"""What a recipe scrubs is in no file of its result, wherever its step `pii` stands and whatever became of a page."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

import pipelines.steps.domain as domain_step
from curate.dedup.sketch import Sketch
from curate.filters.pii import PiiConfig, scrub_part
from curate.models.model_file import write_model_file
from curate.text.hashing import document_id
from curate.tokens.tokenizers import load_tokenizer
from pipelines.engine.run import RunError, run_recipe
from pipelines.io import sealed
from pipelines.io.privacy import DETAIL, DETAIL_PIECE, EXCERPT, EXCERPT_PIECE, SUSPECT_BY, Privacy, _is_suspect
from pipelines.recipe.model import Recipe
from pipelines.recipe.recipe import parse_recipe
from pipelines.result.explain import find, try_file
from pipelines.result.sketch import export_run, import_sketches
from tests.pipelines.conftest import curate

#: A person, and what no file may hold of her.
CONTACT = (
    "Write to jane.doe@victim.example or call +1 212-555-0142, card 4111 1111 1111 1111, "
    "IBAN DE89 3704 0044 0532 0130 00, host 81.2.69.142. "
)
NEEDLES = ("jane.doe", "hunter2", "555-0142", "5550142", "4111 1111", "41111111", "DE89", "81.2.69.142", "de89")
QUERY = "email=jane.doe%40victim.example&phone=%2B12125550142&card=4111111111111111&ip=81.2.69.142"
URL = f"http://jane.doe@victim.example:hunter2@host.example/PAGE?{QUERY}"
RAISE = "the page that a step cannot read"


def story(number: int) -> str:
    """A page of its own that rules keep: its words share no five with those of another."""
    names = ["river", "garden", "market", "harbour", "village", "mountain", "library", "station", "orchard", "bridge"]
    rng = np.random.default_rng(number)
    lines = []
    for _ in range(8):
        a, b, c, d = (names[i] for i in rng.permutation(len(names))[:4])
        lines.append(
            f"The {a} of year {rng.integers(9999)} was near the {b}, and people of the {c} had to go by the {d}."
        )
    return "\n".join(lines)


def pages() -> list[dict]:
    """A page for each fate, with the person in its URL, its title and its text."""
    kept = "".join(f"<p>{line}</p>" for line in story(1).splitlines())
    texts = {
        "blocked-porn": story(2),
        "short": CONTACT,
        "unknown": f"zxq {CONTACT} qqv " * 3,
        "same-text": f"{CONTACT}\n{story(3)}",
        "same-text-2": f"{CONTACT}\n{story(3)}",
        "near": f"{CONTACT}\n{story(4)}",
        "near-2": f"{CONTACT}\n{story(4)}\nOne more line stands here.",
        "error": f"{RAISE} {CONTACT}\n{story(5)}",
        "cut": f"{'The man is in a town. ' * 11}{CONTACT}",  # the excerpt ends in the address
    }
    found = [{"url": URL.replace("PAGE", name), "text": text, "date": "2020-01-01"} for name, text in texts.items()]
    for i in range(5):
        text = f"Ask jane.doe@victim.example，\n{CONTACT}\n{story(10 + i)}"
        found.append({"url": URL.replace("PAGE", f"lines{i}"), "text": text})
    for year in ("2001", "2002"):
        found.append({"url": URL.replace("PAGE", "old"), "text": f"{story(6)} {CONTACT}", "date": f"{year}-01-01"})
    page = f"<title>{CONTACT}</title><body><article><p>{CONTACT}</p>{kept}</article>"
    found.append({"url": URL.replace("PAGE", "kept"), "html": page})
    found.append({"url": URL.replace("PAGE", "keys"), "jane.doe@victim.example": 1, "call +1 212-555-0142": 2})
    return found


def write_inputs(folder: Path) -> None:
    lines = "".join(json.dumps(page) + "\n" for page in pages())
    (folder / "pages.jsonl").write_text(f'{lines}{{"text": "{CONTACT}\n')
    head = "WARC/1.0\r\nWARC-Type: {}\r\nWARC-Target-URI: {}\r\nContent-Length: {}\r\n\r\n"
    block = "HTTP/1.1 200 OK\r\nContent-Type: text/jane.doe@victim.example\r\n\r\nx"
    records = [head.format("response", URL, len(block)) + block]
    records += [head.format("jane.doe@victim.example", "http://x/", 1) + "x"]
    records += [head.format("response", URL, "jane.doe@victim.example")]
    records += [head.format("response", URL, 24) + f"{'x' * 12} jane.doe@victim"]  # quoted, and cut off there
    garbage = f"{'x' * 25} jane.doe@victim.example \r\n\r\n"
    (folder / "records.warc.gz").write_bytes(
        b"".join(gzip.compress(f"{record}\r\n\r\n".encode()) for record in [*records[:3], garbage, records[3]])
    )


EARLY = """
  - extract
  - pii: {name: private}
"""
LATE = """
  - pii: {name: last}
"""
TWICE = """
  - pii: {name: mail, phone: false, ip: false, iban: false, credit_card: false}
"""
STEPS = """
  - language: {min_score: 0.3}
  - domain
  - heuristics: {presets: [c4@datatrove]}
  - url_dedup
  - exact_dedup
  - minhash_dedup
  - line_dedup: {max_copies: 3}
"""
RECIPES = {
    "first": f"{EARLY}{STEPS}",
    "last": f"\n  - extract{STEPS}{LATE}",
    "none": f"\n  - extract{STEPS}",
    "two": f"\n  - extract{TWICE}{STEPS}  - pii: {{name: rest, email: false}}\n",
}


def recipe_of(folder: Path, steps: str) -> Recipe:
    sources = [str(folder / "pages.jsonl"), str(folder / "records.warc.gz")]
    return parse_recipe(f"steps:\n  - url_filter{steps}  - tokenize\n", "private.yaml", sources)


def run(folder: Path, steps: str) -> Path:
    """Run steps, one of which fails on a page; returns the output."""
    classify = domain_step.classify_domain

    def fragile(text: str, *more: str) -> object:
        if RAISE in text:
            raise ValueError(f"{'cannot read ' * 37}{text}")
        return classify(text, *more)

    write_inputs(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(domain_step, "classify_domain", fragile)
        run_recipe(recipe_of(folder, steps), str(folder / "out"))
    return folder / "out"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results of all recipes, made when they are asked for."""

    class Outputs(dict[str, Path]):
        def __missing__(self, name: str) -> Path:
            self[name] = run(tmp_path_factory.mktemp(name), RECIPES[name])
            return self[name]

    return Outputs()


DIGEST = re.compile("[0-9a-f]{64}")  # holds any four digits now and then


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Every text that the files of a folder hold, decoded, with its file and column."""
    tokenizer = load_tokenizer()
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            with sealed.open_read(str(path)) if "_work" in path.parts else path.open("rb") as file:
                table = pq.read_table(file)
            for name in table.column_names:
                for value in table[name].to_pylist():
                    yield f"{path}:{name}", tokenizer.decode(value) if name == "input_ids" else str(value)
        elif path.suffix == ".bin" and path.parent.name == "megatron":
            yield str(path), tokenizer.decode(np.fromfile(path, tokenizer.dtype))
        elif path.is_file():
            text = DIGEST.sub("", path.read_bytes().decode("utf-8", "replace"))
            yield str(path), html.unescape(text) if path.suffix == ".html" else text


def leaks(folder: Path) -> list[tuple[str, str, str]]:
    """Every needle in the result, the folder of work aside."""
    parts = [path for path in folder.iterdir() if path.name != "_work"]
    found = [t for path in parts if path.is_dir() for t in texts_of(path)]
    flat = [p for p in parts if p.is_file()]
    found += [(str(p), DIGEST.sub("", html.unescape(p.read_text("utf-8")))) for p in flat]
    return [
        (where, n, text[:300]) for where, text in found for n in NEEDLES if n in text or n in unquote(unquote(text))
    ]


@pytest.mark.parametrize("name", ["first", "last", "two"])
def test_no_file_of_a_result_has_what_the_recipe_scrubs(name, outputs):
    out = outputs[name]
    report = orjson.loads((out / "report.json").read_bytes())
    fates = {(s["name"], rule) for s in report["steps"] for rule in s["rejected"]}
    assert fates >= {
        ("read", "broken"),
        ("read", "content_type"),
        ("url_filter", "blocked_word"),
        ("domain", "error"),
        ("heuristics", "too_few_sentences"),
        ("url_dedup", "older_copy"),
        ("exact_dedup", "exact_duplicate"),
        ("minhash_dedup", "near_duplicate"),
    }
    assert report["corpus"]["documents"] >= 5
    assert report["repeated_lines"]
    assert leaks(out) == []
    kept = pq.read_table(out / "documents").to_pylist()
    assert "Write to <EMAIL> or call <PHONE>, card <CREDIT_CARD>, IBAN <IBAN>, host <IP>." in {d["title"] for d in kept}
    urls = {row["url"] for table in ("documents", "rejected") for row in pq.read_table(out / table).to_pylist()}
    assert "http://host.example/kept?email=<EMAIL>&phone=<PHONE>&card=<CREDIT_CARD>&ip=<IP>" in urls


def test_the_folder_of_work_holds_pages_as_they_were_read(outputs):
    """As the documentation says: and so the needles of the test above do come through every step."""
    out = outputs["last"]
    held = " ".join(text for _, text in texts_of(out / "_work") if "jane" in text)
    assert all(needle in held for needle in ("jane.doe@victim.example", "hunter2", "212-555-0142", "81.2.69.142"))


def test_repeated_lines_are_scrubbed_after_they_were_normalised(tmp_path):
    """Normalising takes the full-width comma away that ended the address."""
    lines = [{"url": f"http://h/{i}", "text": f"Ask jane.doe@victim.example，john@x.org\n{story(i)}"} for i in range(9)]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    steps = "steps:\n  - language: {min_score: 0.2}\n  - line_dedup\n  - pii\n"
    report = run_recipe(parse_recipe(steps, "r.yaml", [str(tmp_path / "pages.jsonl")]), str(tmp_path / "out"))
    assert [row["line"] for row in report["repeated_lines"]] == ["ask <EMAIL>"]


def test_ids_are_those_of_the_pages_and_a_page_is_found_by_its_own_url(outputs):
    out = outputs["last"]
    url = URL.replace("PAGE", "kept")
    page = next(p for p in pages() if p["url"] == url)
    shown = "http://host.example/kept?email=<EMAIL>&phone=<PHONE>&card=<CREDIT_CARD>&ip=<IP>"
    for asked in (url, url.replace("http:", "HTTPS:").replace("%40", "@"), shown):
        (fate,) = find(str(out), asked)
        assert fate.kept
        assert fate.row["id"] == document_id(url, "", page["html"].encode())
        assert fate.row["url"] == shown
    done = curate("explain", url.replace("kept", "short"), "--output", out)
    assert "too_few_sentences" in done.stdout
    assert not [needle for needle in NEEDLES if needle in done.stdout]


def refuse(text: str, *more: str) -> None:
    raise ValueError(f"cannot read {text}")


def test_explain_scrubs_what_an_error_quotes(tmp_path, monkeypatch):
    monkeypatch.setattr(domain_step, "classify_domain", refuse)
    write_inputs(tmp_path)
    (tmp_path / "page.txt").write_text(f"{RAISE} {CONTACT}\n{story(5)}")
    *_, (_, rejection) = try_file(str(tmp_path / "page.txt"), recipe_of(tmp_path, RECIPES["last"]))
    assert rejection.detail.startswith("ValueError: cannot read")
    assert not [needle for needle in NEEDLES if needle in rejection.detail]


def test_a_step_that_always_fails_is_reported_without_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(domain_step, "classify_domain", refuse)
    lines = [{"url": f"http://h/{i}", "text": CONTACT} for i in range(20)]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    recipe = parse_recipe("steps:\n  - domain\n  - pii\n", "r.yaml", [str(tmp_path / "pages.jsonl")])
    with pytest.raises(RunError, match="cannot read Write to <EMAIL> or call <PHONE>"):
        run_recipe(recipe, str(tmp_path / "out"))


#: Of what `test_without_the_step_everything_is_as_it_was` reads, written by the code that scrubbed texts alone.
AS_IT_WAS = "6a98b66b6d2da0df336ea9df678dab7740597d0211b7fdd65f95c933541b6f33"


def test_without_the_step_everything_is_as_it_was(outputs):
    rejected, kept = (pq.read_table(outputs["none"] / table).to_pylist() for table in ("rejected", "documents"))
    rows = [[row[name] for name in ("id", "url", "date", "excerpt")] for row in rejected]
    rows += [[row[name] for name in ("id", "url", "title", "text")] for row in kept]
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == AS_IT_WAS
    (error,) = (row["detail"] for row in rejected if row["rule"] == "error")
    assert error == f"ValueError: {'cannot read ' * 37}{RAISE} {CONTACT}"[:DETAIL]
    inputs = orjson.loads((outputs["none"] / "inputs.json").read_bytes())["files"]
    assert "jane.doe@victim.example" in inputs[0]["problems"][0]["detail"]


SETTINGS = Privacy(PiiConfig(us_ssn=True))


@pytest.mark.parametrize(
    ("needle", "half"),
    [
        ("jane.doe@victim.example", "jane"),
        (f"{'j' * 64}@{'.'.join(['d' * 60] * 8)}.example", "jj"),
        ("+1 212-555-0142", "212"),
        ("(212) 555-0142, ext. 123456", "212"),
        ("4111 1111 1111 1111", "4111"),
        ("DE89 3704 0044 0532 0130 00", "DE8"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "MT8"),
        ("81.2.69.142", "81."),
        ("2001:4860:4860::1234", "2001"),
        ("joe [at] mail [dot] example", "joe"),
        ("jo\u00ade@mail.example", "jo"),
        ("２１２－５５５－０１４２", "２１２"),
        ("0049 (30) 901820", "0049"),
        ("078-05-1120", "078"),
    ],
)
def test_no_half_is_left_where_a_text_is_cut(needle, half):
    for before in range(EXCERPT - 40, EXCERPT + 3):
        text = f"{'w ' * 200}"[:before] + f" {needle} and so on, " + "z " * 400
        for break_ in (" ", "\n", " \n\n "):
            piece = text.replace(" ", break_) if break_ != " " and "(" not in needle else text
            assert half not in SETTINGS.excerpt(piece[:EXCERPT_PIECE]), (before, break_)
    for before in range(DETAIL - 40, DETAIL + 3):
        text = f"{'w ' * 300}"[:before] + f" {needle} and so on"
        assert half not in SETTINGS.detail(text[:DETAIL_PIECE])


_PIECES = st.sampled_from(
    ["joe", "@", "＠", " at ", "(at)", "[ät]", " dot ", ".", "mail", "example", "com", "+49", "0049 ", "٠١٢", "２１２",
     "-", "−", "\u00a0", " ", "\u00ad", "\u200b", "555", "0142", ":", "2001", "db8:", "81.2", "4111", "DE89",
     "\n", "卡", "a", "=", "tel "]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join), st.integers(1, 60))
def test_the_quick_check_misses_nothing_that_is_scrubbed(text, cut):
    """Of whatever begins before the cut, the check sees the mark in the characters that it is given."""
    if scrub_part(text, 0, cut, SETTINGS.config)[0].counts:
        assert _is_suspect(text[: cut + SUSPECT_BY])


def test_a_quote_that_was_cut_off_ends_before_what_goes_on():
    assert SETTINGS.detail("no record starts with b'xx ann@mail'") == "no record starts with b'xx …'"
    assert SETTINGS.detail("Content-Length is '4111 1111 11'") == "Content-Length is '…'"
    assert SETTINGS.detail("no HTTP status line but b'GIF89a, 12'") == "no HTTP status line but b'GIF89a, 12'"


def test_steps_together_scrub_what_one_of_them_scrubs():
    mail = PiiConfig(phone=False, ip=False, iban=False, credit_card=False)
    number = PiiConfig(email=False, ip=False, iban=False, credit_card=False)
    both = Privacy.of([mail, number])
    assert both.text("ann@mail.example, +1 212-555-0142, 81.2.69.142") == "<EMAIL>, <PHONE>, 81.2.69.142"
    assert Privacy.of([]).url("http://ann:pw@h/") == "http://ann:pw@h/"


def test_what_begins_after_many_finds_is_cut_where_the_text_is():
    text = "jane.doe@victim.example " * 60
    shown = SETTINGS.excerpt(text[:EXCERPT_PIECE])
    assert set(shown.split()) == {"<EMAIL>"}
    assert len(shown.split()) == 10  # as many as begin in the first 240 characters


def test_excerpts_without_finds_are_cut_as_ever():
    for text in (story(1), story(2).replace(" ", "\n\t "), "", " \n", "x" * 1000, "é 12 : 34 " * 90):
        assert SETTINGS.excerpt(text[:EXCERPT_PIECE]) == " ".join(text[:EXCERPT].split())


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_honour_the_umask(mask, tmp_path):
    steps = f"\n  - extract{STEPS}{LATE}"
    made = tmp_path / "made"
    write_inputs(tmp_path)
    before = os.umask(mask)
    try:
        recipe = recipe_of(tmp_path, steps)
        run_recipe(recipe, str(made / "out"))
        export_run(recipe, str(made / "out"), str(made / "sketch"))
        import_sketches([str(made / "sketch")], str(made / "both"))
        Sketch.load(made / "sketch").save(made / "copy")
        write_model_file(made / "model.zip", "some", {}, {"part": b"data"})
    finally:
        os.umask(before)
    for path in (made, *made.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o777 if path.is_dir() else 0o666) & ~mask, (path, oct(mode))
