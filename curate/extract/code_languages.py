r"""Read the language of code from the markup around it, as highlighters write it.

>>> code_language(b"", [b'<pre class="brush: js; toolbar: false">'])
'js'
>>> code_language(b'<code class="hljs language-c++">', [b"<pre>", b'<div class="lang-en">'])
'c++'
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Attributes and classes that name the language: HTML's own advice (``language-``), GitHub (``highlight-source-``,
# ``lang``), Sphinx (``highlight-``), Org (``src-``), Hugo and Prism (``data-lang``, ``data-language``),
# SyntaxHighlighter (``brush:``).
_ATTRIBUTE = re.compile(r"\s(?:data-(?:code-)?lang(?:uage)?|lang)\s*=\s*[\"']?([^\s\"'<>{}`,;:]{1,30})", re.IGNORECASE)
_CLASS = re.compile(r"\sclass\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_PREFIXED = re.compile(
    r"(?:^|\s)(?:language-|lang-|lang:|highlight-source-|highlight-text-|highlight-|src-|sourceCode-|brush:\s*)"
    r"([^\s\"'<>{}`,;:]{1,30})",
    re.IGNORECASE,
)
_CODE = re.compile(rb"<(?:code|samp|pre)\b[^<>]*", re.IGNORECASE)  # not the `span` of a token, whose class is a letter
# A name of its own counts if it is one of a language, beside a class of highlighters or as the only class of ``pre``
# or ``code``.
_HIGHLIGHTERS = frozenset(
    ("sourcecode", "highlight", "hljs", "src", "codehilite", "chroma", "prettyprint", "rouge", "listing", "code")
)
_NAMES = frozenset("""
    abap ada agda apache applescript arduino asm assembly awk bash bat batch bibtex c c# c++ cc clojure cmake cobol
    coffee coffeescript commonlisp console cpp cr crystal cs csharp csh css csv cuda cxx cython d dart diff docker
    dockerfile dot elisp elixir elm emacs-lisp erl erlang f# f90 fish fortran fsharp gherkin glsl gnuplot go golang
    gradle graphql groovy haml handlebars haskell hcl hlsl hs html http idl idris ini ipython ipython3 j java
    javascript jinja js json jsonc json5 jsx julia kotlin kt latex lean less lisp lua make makefile markdown
    mathematica matlab md mermaid mips ml mysql nasm nginx nim nix objc objectivec objective-c ocaml octave pascal
    patch perl pgsql php pl plsql postgresql postscript powershell proto protobuf ps1 pug puppet purescript py pycon
    pygments python python2 python3 python-repl qml r rb reason regex rest rkt rs rst ruby rust sas sass scala
    scheme scm scss sed sh shell shell-session smalltalk solidity spark sql stan stata svelte swift systemverilog
    tcl terraform tex toml ts tsql tsx turtle typescript vb vba verilog vhdl vim vue wasm wat xml xslt yaml yml zig
    zsh
""".split())  # fmt: skip  # noqa: SIM905
_NONE = frozenset("""
    none no nohighlight auto default plain plaintext plain-text text txt output unknown undefined null notranslate
    lines numbers line-numbers wrapper inline block
""".split())  # fmt: skip  # noqa: SIM905


def code_language(inside: bytes, around: Sequence[bytes]) -> str:
    """Return the language of code in lower case, as the page names it; "" if it does not.

    Args:
        inside: what stands between the start tag of the ``pre`` and its text.
        around: the start tags of the ``pre`` and of what is around it, the innermost first.
    """
    own = [*_CODE.findall(inside), *around[:1]]
    for i, tag in enumerate([*own, *around[1:]]):
        if found := _named(tag.decode("utf-8", "replace"), i < len(own)):
            return found
    return ""


def _named(tag: str, own: bool) -> str:
    """Return the language that a start tag names; what is around code must name one that is known."""
    found = _CLASS.search(tag)
    classes = (found[1] or found[2] or found[3] or "").strip().lower() if found else ""
    names = [name.lower() for name in _ATTRIBUTE.findall(tag)] + _PREFIXED.findall(classes)
    for name in names:
        if name not in _NONE and (name in _NAMES or (own and len(name) > 2)):
            return name
    words = classes.split()
    if (own and len(words) == 1) or not _HIGHLIGHTERS.isdisjoint(words):
        return next((word for word in words if word in _NAMES), "")
    return ""
