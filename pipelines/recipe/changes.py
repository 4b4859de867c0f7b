"""``--set``: changes to single settings on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.recipe.bounded_yaml import MAX_DEPTH, NotYaml, YamlError, read_yaml
from pipelines.recipe.errors import RecipeError, did_you_mean, short, shown

RawStep = tuple[str, str, dict[str, Any] | None]  # word, name, settings; None if --set removes the step


def apply_changes(settings: Sequence[str], raw: dict, steps: list[RawStep], changed: dict[tuple, str]) -> None:
    """Apply ``--set`` options to a raw recipe, in place.

    Args:
        settings: the options, each ``path.to.key=value``.
        raw: the recipe as YAML values.
        steps: its steps.
        changed: receives the option that changed a value, by the path of the value.

    Raises:
        RecipeError: an option is invalid.
    """
    for setting in settings:
        path, equals, written = setting.partition("=")
        keys = path.strip().split(".")
        option = f"--set {short(setting)}"
        if not equals or not 2 <= len(keys) <= MAX_DEPTH:
            raise RecipeError(f"{option}: expected path.to.key=value, as steps.minhash_dedup.threshold=0.8")
        value = _value(option, written)
        if keys[0] == "steps":
            at = {name: i for i, (_, name, options) in enumerate(steps) if options is not None}
            if keys[1] not in at:
                raise RecipeError(f"{option}: no step {shown(keys[1])}{did_you_mean(keys[1], at)}")
            i = at[keys[1]]
            word, name, options = steps[i]
            if len(keys) == 2:
                if value is not None:
                    raise RecipeError(
                        f"{option}: which setting of {name}? Write steps.{name}.KEY=VALUE, or "
                        f"steps.{name}=none to remove the step"
                    )
                steps[i] = word, name, None
                continue
            target: Any = options
            at_path: tuple = ("steps", i, word)
            keys = keys[2:]
        elif keys[0] == "output":
            target = raw["output"] = raw.get("output") or {}
            at_path, keys = ("output",), keys[1:]
        else:
            raise RecipeError(f"{option}: the path must begin with steps or output")
        for depth, key in enumerate(keys):
            if not isinstance(target, dict):
                raise RecipeError(f"{option}: cannot set {key!r} in a value that is not a mapping")
            if depth == len(keys) - 1 or key not in target:
                changed[(*at_path, *keys[: depth + 1])] = setting
            if depth < len(keys) - 1:
                target = target.setdefault(key, {})
        target[keys[-1]] = value


def _value(option: str, written: str) -> Any:
    """Return the value of an option, written in YAML."""
    if written.strip() == "none":
        return None
    try:
        return read_yaml(written)[0]
    except NotYaml:
        raise RecipeError(f"{option}: {shown(written)} is not a number, a word, or a list such as [a, b]") from None
    except YamlError as e:
        raise RecipeError(f"{option}: {e.problem}") from None
