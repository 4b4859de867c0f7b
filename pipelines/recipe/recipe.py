"""Loading of recipes: YAML in, frozen typed values out.

Anything unknown is an error that names the file, line and key, and the most similar known word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from curate.text.printable import storable
from pipelines.recipe.bounded_yaml import MAX_CHARACTERS, YamlError, read_yaml
from pipelines.recipe.changes import apply_changes
from pipelines.recipe.errors import RecipeError, short, shown
from pipelines.recipe.model import Output, Recipe, Source
from pipelines.recipe.names import as_name
from pipelines.recipe.parsing import RecipeParser
from pipelines.recipe.plugins import Plugins

SHIPPED = ("llama3", "fineweb")


def load_recipe(
    name_or_path: str,
    inputs: Sequence[str] = (),
    settings: Sequence[str] = (),
    plugins: Sequence[str] = (),
    prefix: str = "",
) -> Recipe:
    """Load a recipe by name or path.

    Args:
        name_or_path: ``llama3``, ``fineweb``, or the path of a YAML file.
        inputs: patterns that replace the recipe's sources.
        settings: changes ``path.to.key=value``, with the value in YAML; a step is addressed by its name
            (``steps.minhash_dedup.threshold=0.8``).
        plugins: files, folders or packages with modules that the recipe may name, besides those in its own folder.
        prefix: put before each line of the inputs that are lists.

    Raises:
        RecipeError: the recipe is invalid; the message has the file, line, key and the fix.
    """
    if name_or_path in SHIPPED:
        return parse_recipe(shipped_text(name_or_path), f"{name_or_path}.yaml", inputs, settings, plugins, prefix)
    return parse_recipe(_read_file(name_or_path), name_or_path, inputs, settings, plugins, prefix)


def shipped_text(name: str) -> str:
    """Return the YAML of a recipe that comes with curate."""
    return resources.files("pipelines.recipe").joinpath(f"{name}.yaml").read_text("utf-8")


def _read_file(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise RecipeError(f"{path} is not a file; give the path of a YAML file or one of {', '.join(SHIPPED)}")
    try:
        with open(path, "rb") as f:
            data = f.read(MAX_CHARACTERS + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: the path has a null character
        raise RecipeError(
            f"no recipe {shown(path)}; give the path of a YAML file or one of {', '.join(SHIPPED)}"
        ) from None
    except OSError as e:
        raise RecipeError(f"{short(path)}: {e.strerror}; give the path of a YAML file that can be read") from None
    if len(data) > MAX_CHARACTERS:
        raise RecipeError(f"{path}:1: more than {MAX_CHARACTERS:,} bytes; name inputs by globs rather than one by one")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise RecipeError(f"{path}:{line}: not UTF-8 ({e.reason} at byte {e.start}); save it as UTF-8") from None


def parse_recipe(
    text: str,
    where: str,
    inputs: Sequence[str] = (),
    settings: Sequence[str] = (),
    plugins: Sequence[str] = (),
    prefix: str = "",
) -> Recipe:
    """Build a recipe from YAML text; ``where`` is the file name for errors, the rest is as in `load_recipe`.

    Raises:
        RecipeError: the recipe is invalid; the message has the file, line, key and the fix.
    """
    try:
        raw, lines = read_yaml(text)
    except YamlError as e:
        raise RecipeError(f"{where}:{e.line}: {e.problem}") from None
    if not isinstance(raw, dict):
        is_empty = "the file is empty: " if raw is None else ""
        raise RecipeError(f"{where}:1: {is_empty}a recipe is a mapping with the keys name, sources, steps, output")
    try:
        modules = Plugins.at(plugins, where)
    except ValueError as e:
        raise RecipeError(str(e)) from None
    parser = RecipeParser(where, lines, modules)
    parser.known(raw, ("name", "sources", "steps", "output"), ())
    for key in ("sources", "steps"):
        if not isinstance(raw.get(key) or [], list):
            raise parser.error((key,), key, "expected a list, one '- ' line per entry")
    name = parser.name(raw, ("name",), as_name(Path(storable(where)).stem) or "recipe")
    raw_steps = [parser.step(i, entry) for i, entry in enumerate(raw.get("steps") or [])]
    apply_changes(settings, raw, raw_steps, parser.changed)
    steps, places = parser.steps(raw_steps)
    sources = [parser.source(i, source) for i, source in enumerate(raw.get("sources") or [])]
    if prefix and not any(pattern.startswith("@") for pattern in inputs):
        raise RecipeError("--input-prefix is for a list: give one as --input @LIST")
    if not all(pattern.strip() for pattern in inputs):
        raise RecipeError("--input is empty; give a path, folder or glob")
    if inputs:
        sources = [Source(input=pattern, prefix=prefix) for pattern in inputs]
    output = parser.build(Output, raw.get("output") or {}, ("output",))
    parser.check_formats(output)
    return Recipe(name, steps, tuple(sources), output, places, modules)
