"""Mutated recipes, as text and as trees, and mutated --set options: ``curate plan`` refuses or accepts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import yaml
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.engine.layout import RunLayout
from pipelines.recipe.recipe import SHIPPED, load_recipe
from pipelines.recipe.registry import step_type, words
from tests.fuzz import raw
from tests.fuzz.checks import CONTROLS

INPUTS = 400
SECONDS = 1.0
SENTENCE = 3000  # characters that an error may have, beside a --set option that it repeats

Good = list[str]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**63, -(2**63), 10**400, float("nan"), float("inf"), "", "x", "../../x",
    "/etc/passwd",
    "a\0b", "a\x1b[31mb", "\u202e", "a" * 5000, "ﬁ" * 300, ".", "..", "read", [], {}, [[]], {"a": {"b": {}}},
    ["x"] * 300,
    [None], {None: None}, {1: 2}, {"name": "x"}, b"bytes", "2001-99-99", {"x": [1, 2, {"y": None}]}, "nan", "1e999",
    "\n",
    "none", "~", "s3://x/y", "http://x.example/y", "-", "name: x", "datasets", [[[[[[]]]]]],
)  # fmt: skip
SNIPPETS = (
    "  - &a [*a, *a]\n", "&r\n- *r\n", "  - !!python/object/apply:os.system [\"true\"]\n", "? [a, b]\n: c\n",
    "--- \n", "...\n", "%YAML 9.9\n",
    "%TAG ! tag:x,2000:\n", "  - <<: {a: 1}\n", "  <<: *nothing\n", "steps: []\n", "name: |\n  x\n",
    "  - !!binary x\n", "!!set {a, b}\n",
    "  - 2001-99-99\n", "  - 0o7777777777777777777777\n", "  - 1:60:60\n", "\t- x\n", "\ufeff", "  - \"\\ud800\"\n",
    "  - \"\\x00\"\n",
    "  - extract: &e {engine: *e}\n", "- " * 2000 + "x\n", "[" * 3000, "{a: " * 2000, "  - " + "9" * 6000 + "\n",
    "  - '" + "a" * 100_000 + "'\n",
    "  - !!float x\n", "  - !!int x\n", "  - !!timestamp x\n", "  - !!null x\n", "  - !!bool x\n",
    "  - " + "1_" * 3000 + "1\n", "  - =\n",
)  # fmt: skip


def good(folder: Path) -> Good:
    """Write an input to plan for, and return the shipped recipes; one is planned, which imports all that this takes."""
    (folder / "in.jsonl").write_text(json.dumps({"text": "One line."}) + "\n")
    recipes = [resources.files("pipelines.recipe").joinpath(f"{name}.yaml").read_text("utf-8") for name in SHIPPED]
    (folder / "recipe.yaml").write_text(recipes[0], "utf-8")
    (folder / "settings.json").write_text("[]")
    wrong = check(folder)
    assert not wrong, wrong
    return recipes


def mutate(rng: Random, good: Good, folder: Path) -> tuple[str, str]:
    """Write a recipe and the settings to change in it."""
    text, settings = rng.choice(good), []
    kind = rng.choice(("text", "text", "lines", "snippets", "aliases", "tree", "tree", "tree", "set"))
    mutation, data = kind, text.encode()
    match kind:
        case "text":
            name, data = raw.mutate(rng, data)
            mutation = f"text:{name}"
        case "lines":
            lines = text.splitlines(True)
            for _ in range(rng.choice((1, 3))):
                i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[i : i + rng.choice((0, 1))] = [lines[j]] * rng.choice((0, 1, 2, 300))
            data = "".join(lines).encode()
        case "snippets":
            lines = text.splitlines(True)
            for _ in range(rng.choice((1, 2))):
                lines.insert(rng.randrange(len(lines) + 1), rng.choice(SNIPPETS))
            data = "".join(lines).encode("utf-8", "surrogatepass")
        case "aliases":
            data = _aliases(rng, text).encode()
        case "tree":
            tree = yaml.safe_load(text)
            names = [_mutate_tree(rng, tree) for _ in range(rng.choice((1, 1, 3)))]
            mutation = f"tree:{names[0]}"
            data = yaml.dump(tree, sort_keys=False, allow_unicode=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        case "set":
            settings = [_setting(rng, text) for _ in range(rng.choice((1, 2)))]
    (folder / "recipe.yaml").write_bytes(data)
    (folder / "settings.json").write_text(json.dumps(settings))
    return "recipe", f"recipe:{mutation}"


def check(folder: Path) -> str:
    """Plan the recipe as a user does: it is refused in one printable sentence, or its folders lie within the output."""
    source, recipe, out = folder.parent / "good" / "in.jsonl", folder / "recipe.yaml", folder / "out"
    settings = json.loads((folder / "settings.json").read_text())
    options = [word for setting in settings for word in ("--set", setting)]
    command = ["plan", str(recipe), "--input", str(source), "--output", str(out), "--no-estimate", *options]
    result = CliRunner().invoke(main, command)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    if found := CONTROLS.search(result.output):
        return f"{found[0]!r} is printed: {result.output!r:.600}"
    if result.exit_code:
        return _of_error(result.output, SENTENCE + 2 * sum(map(len, settings)))
    layout = RunLayout.of(load_recipe(str(recipe), [str(source)], settings), str(out))
    for pass_ in layout.plan.passes:
        for path in (layout.folder(pass_), *(data.decision.folder for data in layout.cut(pass_))):
            if "\0" in path or not Path(path).resolve().is_relative_to(out.resolve()):
                return f"a folder that is not within the output: {path!r:.300}"
            if any(len(part.encode("utf-8", "replace")) > 255 for part in Path(path).parts):
                return f"a folder whose name no file system takes: {path!r:.300}"
    return ""


def _of_error(message: str, limit: int) -> str:
    if len(message) > limit:
        return f"an error of {len(message):,} characters: {message!r:.300}"
    if not message.strip() or "Error(" in message or "Traceback" in message:
        return f"not a sentence: {message!r:.300}"
    return ""


def _aliases(rng: Random, text: str) -> str:
    """Add a tree of aliases that stands for more values than there is memory, at the top or in a step."""
    width, depth = rng.choice(((9, 9), (2, 30), (100, 5)))
    levels = ["a0: &a0 [x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    bomb = "\n".join(levels)
    if rng.random() < 0.5:
        return f"{bomb}\n{text}\n"
    key = rng.choice(("presets", "limits", "name", "x"))
    flow = "{" + ", ".join(levels) + "}"
    return text + f"\n  - heuristics: {{name: second, x: {flow}, {key}: *a{depth - 1}}}\n"


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a tree with each of its keys or positions."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from _places(value)


def _mutate_tree(rng: Random, tree: dict) -> str:
    """Change one thing in a recipe; return what."""
    container, key = rng.choice(list(_places(tree)) or [(tree, "steps")])
    name = rng.choice(sorted(TREE))
    TREE[name](rng, tree, container, key)
    return name


def _replace(rng: Random, tree: dict, container: Any, key: Any) -> None:
    container[key] = rng.choice(VALUES)


def _delete(rng: Random, tree: dict, container: Any, key: Any) -> None:
    del container[key]


def _rename(rng: Random, tree: dict, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        new = rng.choice((None, 1, True, "", "nmae", "x\0", "a" * 3000, f"{key}s", str(key).upper(), (1, 2)))
        container[new] = container.pop(key)


def _wrap(rng: Random, tree: dict, container: Any, key: Any) -> None:
    value = container[key]
    for _ in range(rng.choice((1, 2, 60))):
        value = rng.choice(([value], {"x": value}))
    container[key] = value


def _add_key(rng: Random, tree: dict, container: Any, key: Any) -> None:
    where = container if isinstance(container, dict) else tree
    where[rng.choice(("name", "sources", "output", "steps", "x", "presets", "keep", "limits"))] = rng.choice(VALUES)


def _add_step(rng: Random, tree: dict, container: Any, key: Any) -> None:
    steps = tree["steps"] if isinstance(tree.get("steps"), list) else []
    kind = rng.choice(words())
    fields = list(step_type(kind).__dataclass_fields__)
    settings = {rng.choice([*fields, "name"]): rng.choice(VALUES) for _ in range(rng.randint(0, 3))}
    steps.insert(rng.randrange(len(steps) + 1), rng.choice((kind, {kind: settings}, {kind: None})))


def _shuffle(rng: Random, tree: dict, container: Any, key: Any) -> None:
    if isinstance(tree.get("steps"), list):
        rng.shuffle(tree["steps"])


def _output(rng: Random, tree: dict, container: Any, key: Any) -> None:
    field = rng.choice(("formats", "tokens_per_shard", "bytes_per_shard", "shuffle_seed"))
    tree["output"] = {field: rng.choice((*VALUES, ["megatron", "megatron"], 10**18, 1e300))}


def _source(rng: Random, tree: dict, container: Any, key: Any) -> None:
    field = rng.choice(("input", "name", "format", "text", "columns", "id", "title"))
    tree["sources"] = [{"input": "x.jsonl", field: rng.choice(VALUES)}] * rng.choice((1, 2))


TREE: dict[str, Callable[[Random, dict, Any, Any], None]] = {
    "replace": _replace, "delete": _delete, "rename": _rename, "wrap": _wrap, "add_key": _add_key,
    "add_step": _add_step,
    "shuffle": _shuffle, "output": _output, "source": _source,
}  # fmt: skip


def _setting(rng: Random, text: str) -> str:
    """Return a --set option; a few are good."""
    steps = [entry if isinstance(entry, str) else next(iter(entry)) for entry in yaml.safe_load(text)["steps"]]
    path = rng.choice((f"steps.{rng.choice(steps)}", "output", "steps", "name", "", "steps..", "x" * 300))
    key = rng.choice(
        ("", ".name", ".keep", ".threshold", ".x.y.z", ".presets", "." * 50, ".limits.a.b", ".minhash.bands")
    )
    value = rng.choice(
        (
            *map(str, VALUES),
            "&a [*a]",
            "[" * 2000,
            "!!python/name:os",
            "{a: {b: 1}}",
            "2001-99-99",
            "[1, 2",
            "9" * 6000,
            "none",
        )
    )
    setting = f"{path}{key}={value}" if rng.random() < 0.9 else value
    return setting.replace("\0", "")  # which no command line can hold
