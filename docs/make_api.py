"""Make docs/api.md from the stubs that say which names are public: ``python docs/make_api.py > docs/api.md``."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.steps import Step

ROOT = Path(__file__).parents[1]
HEAD = """# API

The public names, each with its signature and a sentence. `help(NAME)` says more: units, errors, sources, an example.
Import a name from the package that is printed with it (`from curate import measure`). Nothing in `curate` imports Beam;
`pipelines` does ([beam.md](beam.md)).

`python docs/make_api.py > docs/api.md` makes this page.
"""
#: Packages of curate, in the order of the data; names that `curate` exports too are shown as `curate.NAME`.
PACKAGES = ("input", "extract", "language", "filters", "dedup", "quality", "mixing", "tokens")
OF_BEAM = ("expand", "display_data")  # methods that Beam calls
MAX_PARAMETERS = 30  # of a signature that is shown, and characters of a default
MAX_DEFAULT = 60


def main() -> None:
    """Print the page."""
    print(page(), end="")


def page() -> str:
    """Return the page as Markdown."""
    exported = dict(_names("curate"))
    sections = [("curate", [name for name, module in exported.items() if module == "curate.document"], {})]
    for package in PACKAGES:
        names = dict(_names(f"curate.{package}"))
        sections.append((f"curate.{package}", list(names), names))
    for package in ("pipelines", "pipelines.steps"):
        names = dict(_names(package))
        sections.append((package, list(names), names))
    lines = [HEAD]
    listed: set[tuple[str, str]] = set()
    for package, names, modules in sections:
        lines.append(f"## {package}\n")
        for name in names:
            module = modules.get(name) or exported[name]
            if (module, name) not in listed:
                listed.add((module, name))
                lines += _entry(f"{'curate' if exported.get(name) == module else package}.{name}", module, name)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _names(package: str) -> Iterator[tuple[str, str]]:
    """Yield the public names of a package, each with the module that it is from, in the order of the stub."""
    stub = ast.parse((ROOT / package.replace(".", "/") / "__init__.pyi").read_text("utf-8"))
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, f"{package}.{node.module}") for alias in node.names)


def _entry(shown: str, module: str, name: str) -> Iterator[str]:
    source = importlib.import_module(module)
    thing = getattr(source, name)
    if not callable(thing):
        yield f"- `{shown}`: {_comment(source, name)}"
        return
    yield f"- `{shown}{_signature(thing)}`: {_summary(thing)}"
    if inspect.isclass(thing) and not _is_shipped_step(thing):
        for method, member in vars(thing).items():
            if method.startswith("_") or method in OF_BEAM or not (_is_method(member) or isinstance(member, property)):
                continue
            called = _signature(getattr(thing, method)) if _is_method(member) else ""
            yield f"  - `.{method}{called}`: {_summary(member)}"


def _is_shipped_step(thing: type) -> bool:
    """Say whether a class is a step with a word; it has the methods of `MapStep` or `CorpusStep`."""
    return issubclass(thing, Step) and not inspect.isabstract(thing) and thing is not Step


def _is_method(member: Any) -> bool:
    return inspect.isfunction(member) or isinstance(member, classmethod | staticmethod)


def _signature(thing: Any) -> str:
    """Return the parameters as their source has them, without ``self``, and settings without their long types."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return ""
    given = [_parameter(p, thing) for p in signature.parameters.values() if p.name != "self" and p.name[0] != "_"]
    if getattr(thing, "_is_protocol", False) or inspect.isabstract(thing):
        return ""
    if len(given) > MAX_PARAMETERS:
        given = ["..."]
    returned = "" if inspect.isclass(thing) else _annotation(signature.return_annotation, " -> ")
    return f"({', '.join(given)}){returned}"


def _parameter(parameter: inspect.Parameter, thing: Any) -> str:
    kind = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = f"{kind}{parameter.name}{_annotation(parameter.annotation, ': ')}"
    if parameter.default is parameter.empty:
        return text
    default = parameter.default
    if is_dataclass(thing):
        made = {f.name: f.default_factory for f in fields(thing) if f.default_factory is not MISSING}
        default = made[parameter.name]() if parameter.name in made else default
    is_plain = default is None or isinstance(default, str | bytes | int | float | bool | tuple | list | dict)
    shown = repr(default) if is_plain else f"{type(default).__name__}()" if is_dataclass(default) else "..."
    return f"{text} = {shown if len(shown) <= MAX_DEFAULT else '...'}"


def _annotation(annotation: Any, before: str) -> str:
    if annotation in (inspect.Parameter.empty, inspect.Signature.empty):
        return ""
    return f"{before}{annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)}"


def _summary(thing: Any) -> str:
    """Return the first sentence of a docstring, "" if there is none of its own."""
    text = (thing.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(text.split()).replace("``", "`")


def _comment(module: ModuleType, name: str) -> str:
    """Return the comment above an assignment, as ``#: ...``."""
    lines = inspect.getsource(module).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith((f"{name} ", f"{name}:")))
    found: list[str] = []
    while lines[at - 1].startswith("#:"):
        at -= 1
        found.insert(0, lines[at].removeprefix("#:").strip())
    return " ".join(found)


if __name__ == "__main__":
    main()
