"""``--set``: changes of single settings on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.recipe.bounded_yaml import MAX_DEPTH, NotYaml, YamlError, read_yaml
from pipelines.recipe.errors import RecipeError, did_you_mean, short, shown

RawStep = tuple[str, str, dict[str, Any] | None]  # word, name, settings; None where --set leaves the step out


def apply_changes(settings: Sequence[str], raw: dict, steps: list[RawStep], changed: dict[tuple, str]) -> None:
    """Change the raw recipe as ``--set`` says, and note which path was changed by which setting."""
    for setting in settings:
        path, equals, written = setting.partition("=")
        keys = path.strip().split(".")
        said = f"--set {short(setting)}"
        if not equals or not 2 <= len(keys) <= MAX_DEPTH:
            raise RecipeError(f"{said}: expected path.to.key=value, as steps.minhash_dedup.threshold=0.8")
        value = _value(said, written)
        if keys[0] == "steps":
            at = {name: i for i, (_, name, options) in enumerate(steps) if options is not None}
            if keys[1] not in at:
                raise RecipeError(f"{said}: no step {shown(keys[1])}{did_you_mean(keys[1], at)}")
            i = at[keys[1]]
            kind, name, options = steps[i]
            if len(keys) == 2:
                if value is not None:
                    raise RecipeError(
                        f"{said}: which setting of {name}? Write steps.{name}.KEY=VALUE; none leaves it out"
                    )
                steps[i] = kind, name, None
                continue
            assert options is not None
            target: Any = options
            at_path: tuple = ("steps", i, kind)
            keys = keys[2:]
        elif keys[0] == "output":
            target = raw["output"] = raw.get("output") or {}
            at_path, keys = ("output",), keys[1:]
        else:
            raise RecipeError(f"{said}: the path begins with steps or output")
        for depth, key in enumerate(keys):
            if not isinstance(target, dict):
                raise RecipeError(f"{said}: {key!r} is to be set in a value that is not a mapping")
            if depth == len(keys) - 1 or key not in target:
                changed[(*at_path, *keys[: depth + 1])] = setting
            if depth < len(keys) - 1:
                target = target.setdefault(key, {})
        target[keys[-1]] = value


def _value(said: str, written: str) -> Any:
    """Return what ``--set`` gives, written in YAML."""
    if written.strip() == "none":
        return None
    try:
        return read_yaml(written)[0]
    except NotYaml:
        raise RecipeError(f"{said}: {shown(written)} is no number, word, or list as [a, b]") from None
    except YamlError as e:
        raise RecipeError(f"{said}: {e.problem}") from None
