"""Recipes that strangers wrote: whatever is in them, they load or are refused with file, line, key and the fix."""

from __future__ import annotations

import random
import re
import time
from importlib import resources

import pytest

from pipelines.engine.plan import make_plan
from pipelines.recipe.bounded_yaml import MAX_CHARACTERS, read_yaml
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.names import check_name
from pipelines.recipe.recipe import SHIPPED, load_recipe, parse_recipe

STEPS = "name: x\nsteps:\n  - extract\n"
#: A scalar, and what a refusal of it says.
HOSTILE = {
    "2001-01-01": "as a date",
    "2001-99-99": "as a date",
    "2001-01-01T00:00:00Z": "as a date",
    "9" * 5000: "cannot be read as a number",
    "-" + "9" * 19: "exceeds the largest whole number",
    "99999999999999999999999999": "exceeds the largest whole number",
    "0x" + "f" * 17: "exceeds the largest whole number",
    "1:2:3": "in base 60",
    "1:2.5": "in base 60",
    "0b_": "cannot be read as a number",
    ".nan": "is not a number",
    "!!binary 'eA=='": "tag",
    "!!timestamp 2001-01-01": "as a date",
    "!!python/object/apply:os.system ['true']": "tag",
    "!!python/name:os.system": "tag",
    "!!set {a, b}": "tag",
    "!foo bar": "tag",
    r'"\ud800"': r"'\ud800' is not text",
    r'"\0"': r"'\x00' is not text",
    r'"\e[31m"': r"'\x1b' is not text",
    r'"\x9b"': r"'\x9b' is not text",
    r'"\U00110000"': "not YAML",
    "&a [*a]": "would never end",
    "*nowhere": "no &nowhere before it",
    "{? [a] : 1}": "the key of a mapping",
    "{? {a: b} : 1}": "the key of a mapping",
    "{<<: 3}": "merges a mapping",
    "{<<: [1, 2]}": "merges a mapping",
    "[" * 3000 + "]" * 3000: "levels",
    "%TAG": "not YAML",
    "`": "not YAML",
}
#: Names that are not fit for a path.
UNFIT = ["../../x", "a/b", "a\\b", "", ".", "..", ".x", "-rf", "~", " x", "x ", "x.", "*?[", "n" * 101, "é" * 51]
UNFIT += ["a\0b", "a\nb", "a\x1b[31mb", "a\x9bb", "a\u202eb", "a\u200bb", "\ud800", "\udcff"]
#: Values of ``--set``.
UNFIT_SETTINGS = ["", "=", "=1", "a", "steps", "steps.", "steps..=1", "output.=1", "output=3", "output.formats.x=1"]
UNFIT_SETTINGS += ["output.a.b.c=1", "steps.extract=1", "steps.extract.name=../x", "output.shuffle_seed=2001-99-99"]
UNFIT_SETTINGS += ["steps.extract.a=" + "[" * 9999, "steps.\x1b=1", f"output{'.a' * 9999}=1", "x" * 99999]
#: What a mutation puts in.
CHARACTERS = [0, 9, 27, 34, 58, 0x85, 0x202E, 0xD800, 0xFEFF, 0x1F600]
VALUES = ["{}", "[]", "null", "''", "yes", "-1", "1e309", "~", "[[]]", "{a: 1}", "<<"]


def refusal(text: str, *settings: str) -> str:
    started = time.process_time()
    with pytest.raises(RecipeError) as e:
        parse_recipe(text, "my.yaml", settings=settings)
    assert time.process_time() - started < 1
    assert str(e.value).isprintable()
    return str(e.value)


@pytest.mark.parametrize("scalar", HOSTILE, ids=lambda scalar: scalar[:20])
def test_a_hostile_scalar_is_refused_with_its_line_and_key(scalar):
    said = refusal(f"{STEPS}  - language: {{min_score: 0}}\noutput:\n  shuffle_seed: {scalar}\n")
    assert HOSTILE[scalar] in said
    assert re.match("my.yaml:6: (shuffle_seed|<<|not YAML): ", said)
    refusal(f"name: {scalar}\nsteps: [extract]\n")
    refusal(f"{STEPS}  - language: {{keep: [{scalar}]}}\n")
    refusal(f"{STEPS}  - {scalar}\n")
    said = refusal(STEPS + "  - language\n", f"steps.language.min_score={scalar}")
    assert said.startswith("--set steps.language.min_score=")
    assert len(said) < 500


def test_aliases_are_counted_as_often_as_they_are_used():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "my.yaml:5: a4: more than 20,000 values" in refusal("\n".join(lines))
    merges = ["a0: &a0 {x0: 1, y0: 1}"]
    merges += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 30)}], x{i}: 1}}" for i in range(1, 9)]
    assert "more than 20,000 values" in refusal("\n".join(merges))
    deep = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [[[*a{i - 1}]]]\n" for i in range(1, 200))
    assert "levels" in refusal(deep)


def test_aliases_and_merges_within_the_limits_are_taken():
    steps = "  - language: &a {keep: &k [en], min_score: 0.5}\n  - language: {name: b, <<: *a, min_score: 0.7}\n"
    recipe = parse_recipe(STEPS + steps, "my.yaml", settings=["steps.language.keep=[de]"])
    assert [(s.step.keep, s.step.min_score) for s in recipe.steps[1:]] == [(("de",), 0.5), (("en",), 0.7)]
    assert read_yaml("- &x {a: [1]}\n- *x\n- <<: [*x, {a: 2, b: 3}]\n")[0] == [
        {"a": [1]},
        {"a": [1]},
        {"a": [1], "b": 3},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "my.yaml:1: the file is empty: a recipe is a mapping"),
        ("# nothing\n", "my.yaml:1: the file is empty"),
        ("[a, b]", "my.yaml:1: a recipe is a mapping"),
        ("word", "my.yaml:1: a recipe is a mapping"),
        (f"{STEPS}---\n{STEPS}", "my.yaml:4: a second document begins"),
        ("null: x\nsteps: [extract]", "my.yaml:1: None: unknown key"),
        ("steps: [extract]\n1: y", "my.yaml:2: 1: unknown key"),
        ("null: x\n1: a\nnull: y", "my.yaml:3: None: given twice, first in line 1"),
        ("a: 1\r\nb: 2\r\na: 3\r\n", "my.yaml:3: a: given twice, first in line 1"),
        ("name: no\nsteps: [extract]", "my.yaml:1: name: expected a word, but YAML reads False"),
        (f"{STEPS}sources: [{{input: ' '}}]", "my.yaml:4: input: it is empty"),
        (f"{STEPS}sources: [{{input: x, name: '../../x'}}]", "my.yaml:4: name: '../../x': a name must begin with"),
        (f"{STEPS}output: {{tokens_per_shard: 'nan'}}", "my.yaml:4: tokens_per_shard: "),
        (f"{STEPS}  - repetition_clean: {{max_share: 'nan'}}", "my.yaml:4: max_share: nan is not a number"),
        (f"{STEPS}output: {{shuffle_seed: '{'9' * 30}'}}", "my.yaml:4: shuffle_seed: exceeds the largest whole number"),
        (
            f"{STEPS}  - minhash_dedup: {{minhash: {{bands: 100000000}}}}",
            "my.yaml:4: minhash: MinHash: bands is 100000000; it must be at most 65,536",
        ),
        (f"{STEPS}  - url_filter: {{domains: [{'x' * 5000}]}}", "my.yaml:4: url_filter: "),
        ("x" * (MAX_CHARACTERS + 1), f"my.yaml:1: more than {MAX_CHARACTERS:,} characters"),
    ],
)
def test_what_is_not_a_recipe_is_refused(text, said):
    assert refusal(text).startswith(said)


@pytest.mark.parametrize("lines", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_ends_are_taken(lines, tmp_path):
    (tmp_path / "my.yaml").write_bytes(b"\xef\xbb\xbf" + STEPS.replace("\n", lines).encode())
    assert load_recipe(str(tmp_path / "my.yaml")).name == "x"


def test_a_file_that_is_not_a_recipe_is_refused(tmp_path):
    (tmp_path / "large.yaml").write_bytes(b"#" * 10_000_000)
    (tmp_path / "binary.yaml").write_bytes(b"name: x\n\x00\xff")
    (tmp_path / "utf16.yaml").write_text(STEPS, "utf-16")
    for path, said in (
        (tmp_path, "is not a file"),
        ("/dev/zero", "is not a file"),
        ("x" * 5000, "File name too long"),
        ("a\0b", "no recipe 'a\\\\x00b'"),
        (tmp_path / "large.yaml", ":1: more than 200,000 bytes"),
        (tmp_path / "binary.yaml", ":2: not UTF-8"),
        (tmp_path / "utf16.yaml", ":1: not UTF-8"),
    ):
        with pytest.raises(RecipeError, match=re.escape(said).replace("\\\\\\\\", ".")) as e:
            load_recipe(str(path))
        assert len(str(e.value)) < 500


@pytest.mark.parametrize("name", UNFIT)
def test_a_name_that_is_not_fit_for_a_path_is_refused_where_it_is(name):
    with pytest.raises(ValueError, match="name"):
        check_name(name)
    quoted = '"' + "".join(f"\\U{ord(c):08x}" for c in name) + '"'
    assert refusal(f"{STEPS}  - exact_dedup:\n      name: {quoted}\n").startswith("my.yaml:5: name: ")
    assert refusal(f"name: {quoted}\nsteps: [extract]").startswith("my.yaml:1: name: ")


@pytest.mark.parametrize("name", ["strict", "fineweb_quality", "v1.2", "größe", "水", "two words", "3", "n" * 100])
def test_other_names_are_taken(name):
    assert parse_recipe(f"{STEPS}  - exact_dedup: {{name: {name}}}\n", "my.yaml").steps[1].name == name


def test_two_names_that_a_file_system_may_not_tell_apart_are_refused():
    said = refusal(f"{STEPS}  - exact_dedup: {{name: Same}}\n  - url_dedup: {{name: same}}\n")
    assert said.startswith("my.yaml:5: same: a second step 'same', which differs from 'Same' only in case")
    accents = '  - exact_dedup: {name: "e\\u0301"}\n  - url_dedup: {name: "\\u00e9"}\n'
    assert "a second step" in refusal(STEPS + accents)
    assert "'read' means the input" in refusal(f"{STEPS}  - exact_dedup: {{name: READ}}\n")


def test_an_error_of_the_plan_says_where_the_step_is():
    for steps, said in (
        (
            "[url_dedup, exact_dedup, extract]",
            "my.yaml:1: exact_dedup reads text, which extract writes",
        ),
        (
            "\n  - extract\n  - quality_cut",
            "my.yaml:3: quality_cut reads quality, which the step quality writes",
        ),
        ("\n  - heuristics: {presets: [none]}", "my.yaml:2: heuristics: unknown preset 'none'"),
        ("\n  - decontaminate: {benchmarks: [/dev/zero]}", "my.yaml:2: decontaminate: /dev/zero is a device"),
    ):
        with pytest.raises(RecipeError) as e:
            make_plan(parse_recipe(f"steps: {steps}\n", "my.yaml"), [])
        assert str(e.value).startswith(said)


@pytest.mark.parametrize("setting", UNFIT_SETTINGS, ids=lambda setting: setting[:20])
def test_a_setting_that_cannot_be_made_is_refused(setting):
    said = refusal(STEPS, setting)
    assert said.startswith("--set ")
    assert len(said) < 500


def _mutants(text: str, rng: random.Random) -> list[str]:
    """One change of each kind: lines, tokens, characters and nodes."""
    lines, tokens = text.splitlines(keepends=True), re.findall(r"\w+|\s+|[^\w\s]", text)
    i, j = sorted(rng.sample(range(len(lines)), 2))
    at, other = rng.randrange(len(tokens)), rng.choice(tokens)
    character = rng.randrange(len(text))
    hostile = rng.choice(list(HOSTILE))[:300]
    values = list(re.finditer(r"(?<=[:\[,] )[\w.@-]+|(?<=\[)[\w.@-]+", text))
    value = rng.choice(values)
    return [
        "".join(lines[:i] + lines[j:]),
        "".join([*lines[: i + 1], *lines[i:j], *lines[i:]]),
        "".join([*lines[:i], lines[j], *lines[i:]]),
        "".join(tokens[:at] + tokens[at + 1 :]),
        "".join([*tokens[:at], other, *tokens[at + 1 :]]),
        "".join([*tokens[:at], tokens[at], *tokens[at:]]),
        text[:character] + chr(rng.choice(CHARACTERS)) + text[character:],
        text[: value.start()] + hostile + text[value.end() :],
        text[: value.start()] + rng.choice(VALUES) + text[value.end() :],
    ]


def test_a_mutated_recipe_loads_or_is_refused():
    rng = random.Random(12)
    texts = [resources.files("pipelines.recipe").joinpath(f"{name}.yaml").read_text("utf-8") for name in SHIPPED]
    texts += [STEPS + "output: {formats: [parquet], tokens_per_shard: 5}\nsources:\n  - {input: a, name: b, text: c}\n"]
    loaded = planned = 0
    refused: list[str] = []
    for _ in range(30):
        for mutant in _mutants(rng.choice(texts), rng):
            try:
                recipe = parse_recipe(mutant, "my.yaml")
                loaded += 1
                if loaded % 10 == 0:  # a plan reads the whole source code for its digest
                    make_plan(recipe, [])
                    planned += 1
            except RecipeError as e:
                refused.append(str(e))
    assert min(loaded, len(refused)) > 50
    assert planned > 3
    assert [said for said in refused if not re.match(r"my\.yaml:\d+: ", said) or not said.isprintable()] == []
