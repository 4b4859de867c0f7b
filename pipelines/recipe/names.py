"""Checks of the names of steps, sources and recipes, which become parts of paths."""

from __future__ import annotations

#: Most bytes of a name. curate's own value: a file system allows 255 bytes per file name, and the rest of the name of a
#: temporary file, with the host and the process that writes it, takes up to 150.
MAX_NAME_BYTES = 100
#: Path separators, and characters with a meaning in globs.
FORBIDDEN = frozenset("/\\*?[]")


def check_name(name: str) -> str:
    r"""Return the name if it can be part of a path on any file system.

    Raises:
        ValueError: it cannot; the message says why and what to write.

    >>> check_name("strict-2")
    'strict-2'
    >>> check_name("../x")
    Traceback (most recent call last):
    ValueError: a name must begin with a letter or digit, not with '.'
    """
    if not name:
        raise ValueError("the name is empty; write a word")
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise ValueError(f"a name of {len(name):,} characters is too long; write at most {MAX_NAME_BYTES} bytes")
    if name[0] in ".-~ ":
        raise ValueError(f"a name must begin with a letter or digit, not with {name[0]!r}")
    if name[-1] in ". ":
        raise ValueError(f"a name must end with a letter or digit, not with {name[-1]!r}")
    if wrong := next((c for c in name if c in FORBIDDEN or not c.isprintable()), None):
        raise ValueError(f"a name cannot contain {wrong!a}; write letters, digits, '-' and '_'")
    return name


def as_name(text: str) -> str:
    """Convert a text to a name that can be part of a path; "" if no character can.

    >>> as_name("web [v2]"), as_name(".draft"), as_name("...")
    ('web -v2', 'draft', '')
    """
    allowed = "".join("-" if c in FORBIDDEN or not c.isprintable() else c for c in text)
    cut = allowed.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    return cut.lstrip(".-~ ").rstrip(". -")
