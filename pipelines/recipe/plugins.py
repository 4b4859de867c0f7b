"""Modules of a user's own: found beside the recipe or on the path, hashed into the plan, taken along to the workers.

A recipe names what it uses by its import path, ``my_filters.no_casino``. The module is a ``.py`` file or a package
beside the recipe, in a folder or file given with ``--plugin``, or anywhere on Python's path.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from curate.text.imports import imported_files


@dataclass(frozen=True, slots=True)
class Plugins:
    """Folders that a recipe's own modules are in; what lies there comes last on the path, so that it hides nothing."""

    folders: tuple[str, ...] = ()

    @classmethod
    def at(cls, paths: Iterable[str], recipe: str) -> Plugins:
        """Return the folders of some files or folders, and that of a recipe's file.

        Raises:
            ValueError: a path that is neither a folder nor a Python file.
        """
        folders = []
        for path in paths:
            if os.path.isdir(path):
                folders.append(os.path.abspath(path))
            elif path.endswith(".py") and os.path.isfile(path):
                folders.append(os.path.dirname(os.path.abspath(path)))
            else:
                raise ValueError(f"--plugin {path}: give a .py file or a folder of modules")
        if os.path.isfile(recipe):
            folders.append(os.path.dirname(os.path.abspath(recipe)))
        return cls(tuple(dict.fromkeys(folders)))

    def load(self, name: str) -> Any:
        """Return what an import path names, as its source is now.

        Raises:
            ImportError: what cannot be found or imported, and why.
        """
        self._install()
        module, _, attribute = name.rpartition(".")
        self._forget_changed(module)
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError as e:
            if e.name and module.startswith(e.name):
                places = ", ".join(self.folders) or "beside the recipe"
                raise ImportError(
                    f"no module {e.name!r} in {places} or on Python's path: name its folder with --plugin"
                ) from None
            raise ImportError(f"{module} cannot be imported: {e}") from e
        except Exception as e:
            raise ImportError(f"{module} cannot be imported: {type(e).__name__}: {e}") from e
        if not hasattr(loaded, attribute):
            public = [n for n in vars(loaded) if not n.startswith("_") and callable(getattr(loaded, n))]
            raise ImportError(f"{module} has no {attribute!r}; it has {', '.join(public) or 'nothing'}")
        return getattr(loaded, attribute)

    def find(self, name: str) -> Any | None:
        """Return what a setting names if it is an import path; None for the path of a file and anything else."""
        try:
            return self.load(name) if _is_import_path(name) else None
        except ImportError:
            return None

    def _install(self) -> None:
        for folder in self.folders:
            if folder not in sys.path:
                sys.path.append(folder)
        importlib.invalidate_caches()

    def _forget_changed(self, module: str) -> None:
        """Drop modules whose sources were edited since they were imported: a notebook or a test runs twice."""
        for loaded in list(sys.modules.values()):
            file = getattr(loaded, "__file__", None) or ""
            if any(file.startswith(f"{folder}{os.sep}") for folder in self.folders):
                stamp = xxhash.xxh3_64_hexdigest(Path(file).read_bytes()) if os.path.isfile(file) else ""
                if _STAMPS.setdefault(file, stamp) != stamp:
                    _STAMPS.clear()
                    for name in [n for n, m in sys.modules.items() if self._is_own(m)]:
                        del sys.modules[name]
                    _DIGESTS.clear()
                    return

    def _is_own(self, module: Any) -> bool:
        file = getattr(module, "__file__", None) or ""
        return any(file.startswith(f"{folder}{os.sep}") for folder in self.folders)

    def pack(self, things: Sequence[Any]) -> PackedPlugins:
        """Return the sources of some objects, of those in the folders, for workers that may not have them."""
        sources: dict[str, bytes] = {}
        for thing in things:
            for file, root in _files_of(thing).items():
                if str(root) in self.folders:
                    sources[file.relative_to(root).as_posix()] = file.read_bytes()
        return PackedPlugins(self.folders, tuple(sorted(sources.items())))


def find_object(name: str | None) -> Any | None:
    """Return what a setting names if it is an import path, on a worker too; None for anything else."""
    if not name or not _is_import_path(name):
        return None
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as e:
        if e.name and module.startswith(e.name):
            return None
        raise


def _is_import_path(name: str) -> bool:
    return "." in name and all(part.isidentifier() for part in name.split(".")) and not os.path.exists(name)


#: Digest of each file of a user's own when it was imported.
_STAMPS: dict[str, str] = {}
_DIGESTS: dict[Path, str] = {}


@dataclass(frozen=True, slots=True)
class PackedPlugins:
    """Sources of a user's own modules on their way to a worker; unpickling it makes them importable there."""

    folders: tuple[str, ...] = ()
    sources: tuple[tuple[str, bytes], ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, (self.folders, self.sources)


def _unpack(folders: tuple[str, ...], sources: tuple[tuple[str, bytes], ...]) -> PackedPlugins:
    packed = PackedPlugins(folders, sources)
    for name, data in sources:
        if not any(_same(Path(folder, name), data) for folder in folders):
            folders = (_write(sources),)
            break
    for folder in folders:
        if sources and folder not in sys.path:
            sys.path.append(folder)
    return packed


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _write(sources: tuple[tuple[str, bytes], ...]) -> str:
    hasher = xxhash.xxh3_64()
    for name, data in sources:
        hasher.update(name.encode() + b"\0" + data)
    folder = Path(tempfile.gettempdir()) / f"curate-plugins-{os.getuid()}-{hasher.hexdigest()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} is somebody else's: delete it")
    for name, data in sources:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _same(path, data):
            incomplete = path.with_name(f"{path.name}.{os.getpid()}.incomplete")
            incomplete.write_bytes(data)
            incomplete.replace(path)
    return str(folder)


def source_digests(thing: Any) -> dict[str, str]:
    """Return the digest of each file of an object's own package that its module depends on, by module-like name."""
    digests = {}
    for file, root in _files_of(thing).items():
        if file not in _DIGESTS:
            _DIGESTS[file] = xxhash.xxh3_64_hexdigest(file.read_bytes())
        digests[file.relative_to(root).with_suffix("").as_posix().replace("/", ".")] = _DIGESTS[file]
    return digests


def _files_of(thing: Any) -> dict[Path, Path]:
    """Return the source files that an object depends on, each with the folder that its imports start from."""
    try:
        file = Path(inspect.getfile(inspect.unwrap(thing))).resolve()
    except (TypeError, OSError):
        return {}
    root = file.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return dict.fromkeys(imported_files(file, root), root)
