"""One canonical code per language: ISO 639-1 if it has one, else ISO 639-3, whatever code a tool or user gives it.

>>> canonical("fra_Latn"), canonical("pt-BR"), canonical("cmn"), canonical("yue")
('fr', 'pt', 'zh', 'yue')
>>> canonical("jp")
Traceback (most recent call last):
    ...
ValueError: unknown language code 'jp': did you mean 'ja' (Japanese)?
"""

from __future__ import annotations

import functools
import re
from importlib import resources

#: ISO 639-3 code of a text whose language is unknown, or that is not in a language at all.
UNDETERMINED = "und"

# Codes of countries and other names that are not language codes, and what their users mean.
_MEANT = (
    {"cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "pk": "ur", "rs": "sr", "ua": "uk", "us": "en"}
    | {"deutsch": "de", "español": "es", "français": "fr", "italiano": "it", "português": "pt"}
    | {"farsi": "fa", "flemish": "nl", "mandarin": "zh", "norwegian": "nb"}
)


@functools.lru_cache(1024)
def canonical(code: str) -> str:
    """Return the one code that curate uses for a language.

    Args:
        code: an ISO 639 code of any part (``fr``, ``fra``, ``fre``), alone or followed by a script or region
            (``fra_Latn``, ``pt-BR``, ``zh_CN``, ``sr@latin``), in any case, also as fastText writes it
            (``__label__fra_Latn``). The standard member of a macrolanguage maps to that language (``cmn`` to ``zh``,
            ``arb`` to ``ar``), ``no`` to ``nb``, ``fil`` to ``tl``, and a withdrawn code to its successor (``iw`` to
            ``he``).

    Returns:
        The ISO 639-1 code, or the ISO 639-3 code of a language without one.

    Raises:
        ValueError: it is not an ISO 639 code; the message suggests the nearest one.

    Source of the table: ISO 639-3 and 639-2 as in Debian's iso-codes (curate/language/languages.tsv lists curate's own
    additions).

    >>> [canonical(code) for code in ("EN", "fre", "nob", "no", "iw", "__label__rus_Cyrl")]
    ['en', 'fr', 'nb', 'nb', 'he', 'ru']
    """
    language = _codes().get(_primary(code))
    if language is None:
        raise ValueError(f"unknown language code {code!r}: {_advice(code)}")
    return language


@functools.lru_cache(1024)
def resolve(code: str) -> str:
    """Return the canonical code if there is one, else the code unchanged: for texts in any language.

    >>> resolve("fra_Latn"), resolve("xx")
    ('fr', 'xx')
    """
    try:
        return canonical(code)
    except ValueError:
        return code


def name(code: str) -> str:
    """Return the English name of a language.

    Raises:
        ValueError: it is not an ISO 639 code.

    >>> name("fr"), name("yue")
    ('French', 'Yue Chinese')
    """
    return _names()[canonical(code)]


def _primary(code: str) -> str:
    """Return the language part of a code with script or region: everything before the first separator, lower case."""
    return re.split(r"[-_@.]", code.strip().lower().removeprefix("__label__"), maxsplit=1)[0]


@functools.cache
def _table() -> tuple[tuple[str, str, str], ...]:
    """Return rows of code, canonical code, and English name ('' for a code that only points to another)."""
    text = resources.files("curate.language").joinpath("languages.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple((row[0], row[1], row[2] if len(row) > 2 else "") for row in rows)


@functools.cache
def _codes() -> dict[str, str]:
    return {code: target for code, target, _ in _table()}


@functools.cache
def _names() -> dict[str, str]:
    """Return the English names by canonical code."""
    return {code: english for code, target, english in _table() if code == target}


def _advice(code: str) -> str:
    """Return the advice that ends the error about an unknown code."""
    import difflib

    wanted = code.strip().lower()
    # A language of ISO 639-1 is far likelier to be meant than one of the 7,700 others, so those codes come first.
    by_text = {english.lower(): target for target, english in sorted(_names().items(), key=lambda item: -len(item[0]))}
    meant = _MEANT.get(wanted) or _MEANT.get(_primary(code)) or by_text.get(wanted)
    by_text |= _codes()
    for texts in ([t for t in by_text if len(by_text[t]) == 2], list(by_text)) if len(wanted) > 2 else ():
        close = difflib.get_close_matches(wanted, texts, n=5)
        if close and meant is None:
            meant = by_text[next((text for text in close if text[0] == wanted[0]), close[0])]
    if meant is None:
        return "give an ISO 639 code such as 'en', 'deu' or 'zh'"
    return f"did you mean {meant!r} ({_names()[meant]})?"
