"""Which names of steps, sources and recipes are fit to be part of a path."""

from __future__ import annotations

#: Bytes of a name. Ours: a file system takes 255 of a file's name, and the run's own words around a step's name, with
#: the host and the process that are writing it, take up to 150.
MAX_NAME_BYTES = 100
#: What separates folders, and what a glob reads.
FORBIDDEN = frozenset("/\\*?[]")


def check_name(name: str) -> str:
    r"""Return a name that is fit to be part of a path on any file system.

    Raises:
        ValueError: why it is not fit, and what to write.

    >>> check_name("strict-2")
    'strict-2'
    >>> check_name("../x")
    Traceback (most recent call last):
    ValueError: a name begins with a letter or digit, not with '.'
    """
    if not name:
        raise ValueError("the name is empty: write a word")
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise ValueError(f"a name of {len(name):,} characters is too long: write at most {MAX_NAME_BYTES} bytes")
    if name[0] in ".-~ ":
        raise ValueError(f"a name begins with a letter or digit, not with {name[0]!r}")
    if name[-1] in ". ":
        raise ValueError(f"a name ends with a letter or digit, not with {name[-1]!r}")
    if wrong := next((c for c in name if c in FORBIDDEN or not c.isprintable()), None):
        raise ValueError(f"a name cannot have {wrong!a} in it: write letters, digits, '-' and '_'")
    return name


def as_name(text: str) -> str:
    """Return a name that is like a text, and fit to be part of a path; empty if nothing of the text is.

    >>> as_name("web [v2]"), as_name(".draft"), as_name("...")
    ('web -v2', 'draft', '')
    """
    fit = "".join("-" if c in FORBIDDEN or not c.isprintable() else c for c in text)
    cut = fit.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    return cut.lstrip(".-~ ").rstrip(". -")
