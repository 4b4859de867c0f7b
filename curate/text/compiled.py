"""The decorator of every compiled loop: numba, cached on disk under a name that changes with the sources.

A kernel is compiled on its first call (seconds) and kept on disk, from where later processes load it (tenths of a
second). Numba's own cache looks only at the file that a function is in: where a kernel calls one from another file, and
that one changes, it would go on running the old code. Here the folder of the cache is named after the contents of
the file and of all that it imports from us, and after how it is compiled: with ``NUMBA_BOUNDSCHECK=1`` every index is
checked (`make test-bounds`), and the code of one mode must never run in the other.

The first folder that can be written is taken: below ``NUMBA_CACHE_DIR`` if that is set, ``__pycache__`` beside the
source, the user's cache (``XDG_CACHE_HOME``, by default ``~/.cache``). Files are written under a temporary name and
renamed, so that many processes may start at once: at worst each compiles for itself. Where nothing can be written (a
read-only install and a user without a home), every process compiles anew.

>>> @kernel
... def add(a, b):
...     return a + b
>>> add(1, 2)
3
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core import caching

from curate.text.imports import imported_files


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on first use, without Python's lock, cached on disk if any folder can be written.

    Integer arithmetic wraps at 64 bits, and an index out of range is not checked: a kernel that writes past the end of
    an array overwrites what is there. State the bound of each array where it is made, and test it full
    (tests/unit/test_kernel_bounds.py).
    """
    return _cached(njit(nogil=True)(function), function)


def inlined_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function into each kernel that calls it: for a step of a loop that is slower as a call.

    Measured: finding the n-grams of a text takes 1.19 times as long with calls of a step of FNV-1a.
    """
    return _cached(njit(nogil=True, inline="always")(function), function)


def _cached(dispatcher: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a compiled function keep its machine code on disk."""
    if Path(function.__code__.co_filename).is_file():  # not one typed at a prompt
        cache = _Cache(function)
        if cache.cache_path:
            dispatcher._cache = cache
    return dispatcher


@functools.cache
def sources_of(file: Path) -> frozenset[Path]:
    """Return the files that the kernels of a file are compiled from: it, and the modules of ours that it imports."""
    return imported_files(file, _root_of(file)) | {Path(__file__)}


def _root_of(file: Path) -> Path:
    """Return the folder above the outermost package that a file is in."""
    folder = file.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


@functools.cache
def sources_digest(file: Path) -> str:
    """Return a hash of the contents of `sources_of` a file, and of whether numba checks the bounds of arrays."""
    contents = sorted((path.name, path.read_bytes()) for path in sources_of(file))
    return hashlib.sha256(repr((contents, bool(config.BOUNDSCHECK))).encode()).hexdigest()


def _remove_old(place: Path, stem: str, keep: int = 3) -> None:
    """Remove the caches of earlier contents but for the last few; who still uses one compiles again."""
    folders = sorted(place.glob(f"{stem}-" + "[0-9a-f]" * 16), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


class _Locator(caching._CacheLocator):
    """Where numba keeps the machine code of a function, and what tells it that this is out of date."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._stamp = sources_digest(Path(file))
        self._path = ""
        for place in self._places(Path(file)):
            folder = place / f"{Path(file).stem}-{self._stamp[:16]}"
            is_new = not folder.exists()
            self._path = str(folder)
            try:
                self.ensure_cache_path()
            except OSError:  # not writable
                self._path = ""
                continue
            if is_new:
                _remove_old(place, Path(file).stem)
            break

    def _places(self, file: Path) -> Iterator[Path]:
        if config.CACHE_DIR:
            yield Path(config.CACHE_DIR)
        yield file.parent / "__pycache__"
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path("~").expanduser() / ".cache") / "curate"

    def get_cache_path(self) -> str:
        """Return the folder; empty: there is none to write to."""
        return self._path

    def get_source_stamp(self) -> str:
        """Return what must be the same for a file in the cache to be used."""
        return self._stamp

    def get_disambiguator(self) -> str:
        """Return what sets functions of one name apart."""
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _Locator:
        """Make the locator of a function."""
        return cls(function, file)


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _Cache(caching.FunctionCache):
    _impl_class = _Impl
