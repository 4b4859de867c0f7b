"""The decorator of every compiled loop: numba, cached on disk under a name that changes with the sources.

A kernel is compiled on its first call (seconds) and kept on disk, where later processes load it from (tenths of a
second). Numba's own cache looks only at the file that a function is in, so a kernel that calls one from another file
would keep running the old code after that file changes. Here the cache folder is named after the contents of the file
and of every module of its own package that it imports, and after the mode of compilation: ``NUMBA_BOUNDSCHECK=1``
checks every index (`make test-bounds`), and the code of one mode must never run in the other.

The cache goes to the first folder that can be written: ``NUMBA_CACHE_DIR`` if that is set, ``__pycache__`` beside the
source, the user's cache (``XDG_CACHE_HOME``, by default ``~/.cache``). Files are written under a temporary name and
renamed, so that many processes may start at once: at worst each of them compiles. If no folder can be written (a
read-only install and a user without a home), every process compiles again.

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

    Integer arithmetic wraps at 64 bits, and indexes are not checked: a kernel that writes past the end of an array
    overwrites whatever is there. State the bound of each array where it is allocated, and test it at that bound
    (tests/unit/test_kernel_bounds.py).
    """
    return _cached(njit(nogil=True)(function), function)


def inlined_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function into each kernel that calls it, for a step of a loop that is slower as a call.

    Measured: finding the n-grams of a text takes 1.19 times as long if each step of FNV-1a is a call.
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
    """Return the files that the kernels of a file are compiled from: itself and the modules of its package it needs."""
    return imported_files(file, _root_of(file)) | {Path(__file__)}


def _root_of(file: Path) -> Path:
    """Return the folder that contains the outermost package of a file."""
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
    """Remove all but the last few caches of earlier contents; a process that still uses one compiles again."""
    folders = sorted(place.glob(f"{stem}-" + "[0-9a-f]" * 16), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


class _Locator(caching._CacheLocator):
    """Tells numba where to keep the machine code of a function, and when that code is out of date."""

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
        """Return the folder, or "" if none can be written."""
        return self._path

    def get_source_stamp(self) -> str:
        """Return the stamp that must match for a file in the cache to be used."""
        return self._stamp

    def get_disambiguator(self) -> str:
        """Return what distinguishes functions of the same name."""
        return str(self._line)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _Locator:
        """Make the locator of a function."""
        return cls(function, file)


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _Cache(caching.FunctionCache):
    _impl_class = _Impl
