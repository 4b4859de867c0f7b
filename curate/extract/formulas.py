r"""Convert formulas in HTML to plain text: TeX between dollar signs if the page has it, otherwise symbols in a line.

>>> formulas_to_text('<p>Area <img class="tex" alt="\\pi r^2">, <script type="math/tex">a &lt; b</script></p>')
'<p>Area  $\\pi r^2$ ,  $a &lt; b$ </p>'
>>> formulas_to_text("<math><msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><mfrac><mi>a</mi><mi>b</mi></mfrac></math>")
' x^2 + a/b '

Pages show formulas in four ways: as MathML, often with the TeX in an annotation or in ``alttext`` (Wikipedia, KaTeX,
LaTeXML); as scripts of type ``math/tex`` (MathJax 2); as pictures with the TeX as alternative text; and as TeX in the
text, which needs no conversion. OpenWebMath (Paster et al. 2023, arXiv 2310.06786) lists the same four.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

_MATH = re.compile(r"<math\b", re.IGNORECASE), re.compile(r"</math\s*>", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE), re.compile(r"</script\s*>", re.IGNORECASE)
_LONGEST = 200_000  # characters of one formula; a longer one stays as it is
# Nested elements of one formula; a deeper one stays as it is. curate's own value: the deepest of 1,509 pages has 11.
_DEEPEST = 100
# Possessive "++" and "*+" never backtrack, so that repetition in a page does not cost quadratic time.
_TAG = re.compile(r"<(/?)([a-zA-Z:]++)([^<>]*+)>|([^<]++)")
_ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++))")
_ANNOTATION = re.compile(r"<annotation\b([^<>]*+)>", re.IGNORECASE)
_ANNOTATION_END = re.compile(r"</annotation>", re.IGNORECASE)
_TEX_NAME = re.compile(r"\btex\b", re.IGNORECASE)
_IMAGE = re.compile(r"<(?:img|IMG|Img)\b"), re.compile(r">")
_NAMES = ("tex", "math", "formula", "equation", "codecogs")
# A formula that KaTeX drew without its source beside it, whose symbols are then all that the page has of it.
_DRAWN_ALONE = re.compile(r"(<span\s+class=[\"']?katex[\"']?\s*>\s*<span\s[^<>]{0,200}?)katex-html(?=[\"'\s>])")
_CDATA = re.compile(r"%?\s*<!\[CDATA\[(.*?)%?\s*\]\]>", re.DOTALL)  # as kramdown writes scripts
_STYLE = re.compile(r"\{\\(?:displaystyle|textstyle|scriptstyle)\s*(.*)\}", re.DOTALL)
# A picture is a formula if its class or address says so, or its alternative text cannot be anything else.
_FORMULA_CLASS = re.compile(r"\b(?:tex|latex|math|equation|formula)\b", re.IGNORECASE)
_FORMULA_SOURCE = re.compile(r"\b(?:la)?tex\b|mathtex|mimetex|codecogs|/math/render/", re.IGNORECASE)
_FORMULA_TEXT = re.compile(
    r"\\(?:frac|dfrac|tfrac|sqrt|sum|int|prod|lim|infty|cdot|times|leq?|geq?|neq?|pm|left|right|partial|nabla|equiv|approx"
    r"|alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|sigma|phi|omega|vec|hat|bar|overline|log|ln|sin|cos|tan|l?c?dots"
    r"|in|to|mathbb|mathcal|mathrm|mathbf|mathit|operatorname|text|begin|displaystyle|textstyle|binom|quad|circ)(?![a-z])"
    r"|[A-Za-z0-9)}]\^[A-Za-z0-9{(+-]|\b[A-Za-z]_(?:[A-Za-z0-9]\b|\{)|^\s*(?:\$.*\$|\\[(\[].*\\[)\]])\s*$"
)
_OPERATOR = re.compile(r"[=<>≤≥≠≈≡∼±+−×÷·∈⊂⊆∪∩→⇒⇔↦∝∧∨-]|&[lg]t;")


def formulas_to_text(page: str) -> str:
    """Replace the formulas in a page with plain text, and leave everything else unchanged.

    Args:
        page: HTML. Character references (``&lt;``) stay references.
    """
    if "</math" in page or "</MATH" in page:
        page = _replace(page, _MATH, _mathml)
    if "math/tex" in page:
        page = _replace(page, _SCRIPT, _script)
    if "katex-html" in page:
        page = _DRAWN_ALONE.sub(r"\1katex-alone", page)
    return _replace(page, _IMAGE, _image)


def _replace(page: str, ends: tuple[re.Pattern[str], re.Pattern[str]], change: Callable[[str, str], str | None]) -> str:
    """Replace each element with the result of ``change(element, text before it)``; None leaves it unchanged."""
    parts: list[str] = []
    at = 0
    while start := ends[0].search(page, at):
        stop = ends[1].search(page, start.end())
        if not stop:
            break
        element = page[start.start() : stop.end()]
        before = page[max(start.start() - 40, 0) : start.start()]
        text = change(element, before) if len(element) <= _LONGEST else None
        parts += [page[at : start.start()], element if text is None else f" {text} "]
        at = stop.end()
    return "".join(parts) + page[at:] if parts else page


def _tex(source: str, display: bool = False) -> str:
    """Put TeX between dollar signs, unless it has its own delimiters."""
    source = " ".join(source.split())
    if styled := _STYLE.fullmatch(source):
        source = styled.group(1).strip()
    if not source or source.startswith(("$", "\\(", "\\[")):
        return source
    return f"$${source}$$" if display else f"${source}$"


def _script(element: str, before: str) -> str | None:
    head, _, body = element.partition(">")
    if "math/tex" not in head:
        return None
    source = _CDATA.sub(r"\1", body.rpartition("</")[0])
    return _tex(source.replace("<", "&lt;"), "display" in head)


def _attributes(tag: str) -> dict[str, str]:
    return {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag)}


def _image(tag: str, before: str) -> str | None:
    alt = _alternative_text(tag)
    if not alt:
        return None
    if "mwe-math-fallback" in tag and "$" in before:
        return ""  # Wikipedia's picture of the formula beside it
    return _tex(alt) if _FORMULA_TEXT.search(alt) or _named_formula(tag) else None


def _alternative_text(tag: str) -> str:
    at = tag.find("alt=")
    if at < 0:
        at = tag.find("ALT=")
    if at < 0:
        return ""
    quote = tag[at + 4]
    if quote in "\"'":
        return tag[at + 5 : max(tag.find(quote, at + 5), at + 5)]
    return tag[at + 4 :].split(maxsplit=1)[0].rstrip(">/")


def _named_formula(tag: str) -> bool:
    """Say whether the class or the address of a picture marks it as a formula."""
    folded = tag.lower()
    if not any(name in folded for name in _NAMES):
        return False
    values = _attributes(tag)
    return bool(_FORMULA_CLASS.search(values.get("class", "")) or _FORMULA_SOURCE.search(values.get("src", "")))


def _mathml(element: str, before: str) -> str | None:
    head = element.partition(">")[0]
    display = "block" in _attributes(head).get("display", "")
    if (annotation := _annotation(element)) is not None:
        return _tex(annotation, display)
    if alternative := _attributes(head).get("alttext"):
        return _tex(alternative, display)
    return _symbols(element)


def _annotation(element: str) -> str | None:
    """Return the content of the first TeX annotation; None if there is none."""
    for tag in _ANNOTATION.finditer(element):
        if _TEX_NAME.search(tag.group(1)):
            end = _ANNOTATION_END.search(element, tag.end())
            return element[tag.end() : end.start()] if end else None
    return None


def _symbols(element: str) -> str | None:
    """Write MathML in a line: x^2, x_i, (a + b)/c, sqrt(x); None if it is nested too deeply."""
    stack: list[tuple[str, list[str]]] = [("", [])]
    is_open: Counter[str] = Counter()
    for closing, name, rest, text in _TAG.findall(element):
        name = name.lower().rpartition(":")[2]
        if text.strip():
            word = text.strip()
            stack[-1][1].append(f" {word} " if stack[-1][0] == "mo" and _OPERATOR.fullmatch(word) else word)
        elif name and not closing and not rest.endswith("/"):
            if len(stack) > _DEEPEST:
                return None
            stack.append((name, []))
            is_open[name] += 1
        elif closing and is_open[name]:
            while _close(stack, is_open) != name:
                pass
    while len(stack) > 1:
        _close(stack, is_open)
    return " ".join("".join(stack[0][1]).split())


def _close(stack: list[tuple[str, list[str]]], is_open: Counter[str]) -> str:
    name, parts = stack.pop()
    is_open[name] -= 1
    stack[-1][1].append(_layout(name, parts))
    return name


def _layout(name: str, parts: list[str]) -> str:
    first, second, third = (*map(_grouped, parts[:3]), "", "", "")[:3]
    if name == "mfrac" and second:
        return f"{first}/{second}"
    space = " " if "over" in name or "under" in name else ""
    if name in ("msup", "mover") and second:
        return f"{parts[0]}^{second}{space}"
    if name in ("msub", "munder") and second:
        return f"{parts[0]}_{second}{space}"
    if name in ("msubsup", "munderover") and third:
        return f"{parts[0]}_{second}^{third}{space}"
    if name == "msqrt":
        return f"sqrt({''.join(parts).strip()})"
    if name == "mroot" and second:
        return f"root({parts[0].strip()}, {parts[1].strip()})"
    if name in ("annotation", "annotation-xml"):
        return ""
    return "".join(parts) + {"mtd": "  ", "mtr": "; "}.get(name, "")


def _grouped(part: str) -> str:
    part = part.strip()
    return part if len(part) <= 1 or part.isalnum() or part.startswith("&") else f"({part})"
