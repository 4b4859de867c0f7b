"""User modules: found next to the recipe or on Python's path, part of the plan's digest, and sent to workers.

A recipe names an object by its import path, ``my_filters.no_casino``. The module is a ``.py`` file or a package in the
recipe's folder, in a file or folder given with ``--plugin``, or elsewhere on Python's path. A recipe may come from a
stranger, so it cannot name everything that is installed: nothing in the standard library, and an installed package only
if ``--plugin`` names it or it has an entry point for curate.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import xxhash

import curate
from curate.text.imports import forget_files, imported_files

OWN = ("curate", "pipelines", "quality_models")
GROUPS = ("curate.steps", "curate.readers")  # of entry points


@dataclass(frozen=True, slots=True)
class Plugins:
    """Where a recipe's modules are: folders, which are appended to Python's path, and installed packages."""

    folders: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @classmethod
    def at(cls, named: Iterable[str], recipe: str) -> Plugins:
        """Return the files, folders and packages that ``--plugin`` names, and the recipe's folder.

        Raises:
            ValueError: a name is not a folder, a Python file or a package.
        """
        folders, packages = [], []
        for name in named:
            if os.path.isdir(name):
                folders.append(os.path.abspath(name))
            elif name.endswith(".py") and os.path.isfile(name):
                folders.append(os.path.dirname(os.path.abspath(name)))
            elif name.isidentifier() and importlib.util.find_spec(name):
                packages.append(name)
            else:
                raise ValueError(f"--plugin {name}: give a .py file, a folder of modules, or an installed package")
        if os.path.isfile(recipe):
            folders.append(os.path.dirname(os.path.abspath(recipe)))
        return cls(tuple(dict.fromkeys(folders)), tuple(packages))

    def load(self, name: str) -> Any:
        """Return the object that an import path names, from the current source of its module.

        Raises:
            ImportError: the object cannot be found or imported, or a recipe may not name it.
        """
        module, _, attribute = name.rpartition(".")
        self._install()
        self._check(module, attribute)
        try:
            loaded = importlib.import_module(module)
        except Exception as e:
            raise ImportError(f"{module} cannot be imported: {type(e).__name__}: {e}") from e
        self._note()
        if not hasattr(loaded, attribute):
            public = [n for n in vars(loaded) if not n.startswith("_") and callable(getattr(loaded, n))]
            raise ImportError(f"{module} has no {attribute!r}; it has {', '.join(public) or 'nothing'}")
        return getattr(loaded, attribute)

    def find(self, name: str) -> Any | None:
        """Return the object that a setting names; None if the setting is not an import path.

        Raises:
            ImportError: the object cannot be imported, or a recipe may not name it.
        """
        if not _is_import_path(name):
            return None
        self._install()
        return self.load(name) if importlib.util.find_spec(name.partition(".")[0]) else None

    def _check(self, module: str, attribute: str) -> None:
        """Check that a package exists, and that a recipe may name it."""
        package = module.partition(".")[0]
        if package in OWN:
            if module == "curate" and attribute in dir(curate):
                return
            raise ImportError("name curate's steps by their words, and its public functions as curate.NAME")
        spec = importlib.util.find_spec(package)
        if not spec:
            places = ", ".join(self.folders) or "the folder of the recipe"
            raise ImportError(f"no module {package!r} in {places} or on Python's path; name its folder with --plugin")
        if package in self.packages or self._file_of(package) or package in _with_entry_points():
            return
        place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
        if package in sys.stdlib_module_names or not os.path.exists(place):
            raise ImportError(f"{package} is part of Python, which a recipe may not name")
        if any(place.startswith(f"{folder}{os.sep}") for folder in _installed()):
            raise ImportError(f"{package} is an installed package; add --plugin {package} to let the recipe name it")

    def _file_of(self, package: str) -> str:
        """Return the file or folder of a package in the folders; "" if it is not there."""
        for folder in self.folders:
            for path in (os.path.join(folder, package), os.path.join(folder, f"{package}.py")):
                if package not in OWN and os.path.exists(path):
                    return path
        return ""

    def _install(self) -> None:
        """Add the folders to Python's path, and unload modules of other folders or that were edited since."""
        for folder in _INSTALLED.difference(self.folders):
            _INSTALLED.remove(folder)
            if folder in sys.path:
                sys.path.remove(folder)
        for folder in self.folders:
            if folder not in sys.path:
                sys.path.append(folder)
                _INSTALLED.add(folder)
        importlib.invalidate_caches()
        if any(self._is_stale(name, file, stamp) for name, (file, stamp) in _LOADED.items()):
            for name in _LOADED:
                sys.modules.pop(name, None)
            _LOADED.clear()
            _DIGESTS.clear()
            forget_files()

    def _is_stale(self, module: str, file: str, stamp: str) -> bool:
        return stamp != _stamp(file) or not file.startswith(self._file_of(module.partition(".")[0]) or "\0")

    def _note(self) -> None:
        """Note the modules that were imported from the folders, with digests of their files."""
        for name, module in list(sys.modules.items()):
            place = self._file_of(name.partition(".")[0])
            file = getattr(module, "__file__", None) or ""
            if name not in _LOADED and place and (file == place or file.startswith(f"{place}{os.sep}")):
                _LOADED[name] = file, _stamp(file)

    def words(self) -> list[str]:
        """Return the import paths of the public functions and classes that the modules in the folders define."""
        return [
            f"{file.stem}.{node.name}"
            for file in sorted(path for folder in self.folders for path in Path(folder).glob("*.py"))
            for node in ast.parse(file.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]

    def pack(self, things: Sequence[Any]) -> PackedPlugins:
        """Return the source files in the folders that some objects depend on, for workers that may not have them."""
        sources: dict[str, bytes] = {}
        for thing in things if self.folders else ():
            for file, root in _files_of(thing).items():
                if str(root) in self.folders:
                    sources[file.relative_to(root).as_posix()] = file.read_bytes()
        return PackedPlugins(self.folders, tuple(sorted(sources.items())))


#: Folders that a recipe has added to Python's path, and the modules imported from them: the file and its digest.
_INSTALLED: set[str] = set()
_LOADED: dict[str, tuple[str, str]] = {}


def _stamp(file: str) -> str:
    return xxhash.xxh3_64_hexdigest(Path(file).read_bytes()) if os.path.isfile(file) else ""


def _installed() -> set[str]:
    """Return the folders of installed packages."""
    paths = sysconfig.get_paths()
    return {paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages()}


def _with_entry_points() -> set[str]:
    """Return the packages that have entry points for curate."""
    return {entry.value.partition(".")[0].partition(":")[0] for g in GROUPS for entry in metadata.entry_points(group=g)}


def find_object(name: str | None) -> Any | None:
    """Return the object that a setting names, if it is an import path, on a worker too; None for anything else."""
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


#: Digests of the files of user modules.
_DIGESTS: dict[Path, str] = {}


@dataclass(frozen=True, slots=True)
class PackedPlugins:
    """Source files of user modules on their way to a worker; unpickling this makes them importable there."""

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
        raise PermissionError(f"{folder} belongs to another user; delete it")
    for name, data in sources:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _same(path, data):
            incomplete = path.with_name(f"{path.name}.{os.getpid()}.incomplete")
            incomplete.write_bytes(data)
            incomplete.replace(path)
    return str(folder)


def source_digests(thing: Any) -> dict[str, str]:
    """Return digests of the files in an object's package that its module depends on, by the name of the module."""
    digests = {}
    for file, root in _files_of(thing).items():
        if file not in _DIGESTS:
            _DIGESTS[file] = xxhash.xxh3_64_hexdigest(file.read_bytes())
        digests[file.relative_to(root).with_suffix("").as_posix().replace("/", ".")] = _DIGESTS[file]
    return digests


def _files_of(thing: Any) -> dict[Path, Path]:
    """Return the source files that an object depends on, each with the folder that its imports are relative to."""
    try:
        file = Path(inspect.getfile(inspect.unwrap(thing))).resolve()
    except (TypeError, OSError):
        return {}
    root = file.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return dict.fromkeys(imported_files(file, root), root)
