"""The contract between the driver of a run and its workers: the same code, libraries and files, and the same folder.

Workers on other machines may have another version of curate, lack a model, or not see the run's folder; all of these
would give another corpus without any error. The driver writes the contract of a pass into its folder, and sends it
along with every function of a Beam job. Each worker process compares itself with it once, before it runs anything.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from inspect import signature

import apache_beam as beam
import orjson
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from pipelines.engine.code import code_digests, code_version, library_versions
from pipelines.engine.layout import RunLayout, located
from pipelines.engine.plan import Pass, named_files
from pipelines.io import files
from pipelines.recipe.model import RecipeStep
from pipelines.steps.base import RunError

CONTRACT = "contract.json"  # in the folder of a pass
#: A network file system may show a new file late: NFS keeps a listing for some seconds. curate's own values.
TRIES, WAIT_SECONDS = 5, 1.0
SHOWN = 2  # names in a sentence


class ContractBroken(RunError):
    """A worker differs from the driver; the message names the worker's host and the fix."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a worker must have in common with the driver.

    Attributes:
        folder: folder of the pass.
        driver: host name of the driver.
        code: digest of the code of curate.
        recipe: digest of the pass: of its settings, inputs, code and earlier passes.
        libraries: versions of Python and of the libraries that the pass uses, by name.
        files: digests of the models and lists that its steps name, by path.
    """

    folder: str
    driver: str
    code: str
    recipe: str
    libraries: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, layout: RunLayout, pass_: Pass) -> Contract:
        """Return the contract of a pass, of the decisions after it, and of what is written from it."""
        entries: tuple[RecipeStep, ...] = (*pass_.decided, *pass_.steps, *pass_.keys)
        named: dict[str, str] = {}
        for entry in located(entries):
            named |= named_files(layout.plan.recipe, entry)
        return cls(
            layout.folder(pass_),
            socket.gethostname(),
            code_version(),
            pass_.digest,
            tuple(sorted(library_versions(e.step for e in entries).items())),
            tuple(sorted(named.items())),
        )

    def write(self) -> None:
        """Write the contract into the folder of the pass."""
        _KEPT.add(self)  # by this process, which workers of some runners live in
        files.write_json(self.path, {**self._plain(), "code_files": code_digests()})

    @property
    def path(self) -> str:
        """Path of the file that every worker must see."""
        return files.join(self.folder, CONTRACT)

    def _plain(self) -> dict:
        return orjson.loads(orjson.dumps(asdict(self)))

    def check(self) -> None:
        """Compare this process with the contract; only once per process.

        Raises:
            ContractBroken: it differs.
        """
        if self in _KEPT:
            return
        here = f"worker {socket.gethostname()}"
        written = self._read(here)
        if code_version() != self.code:
            differing = _differing(written.get("code_files", {}), code_digests())
            raise ContractBroken(
                f"{here} has another version of curate than {self.driver} ({_some(differing)}); install the same one "
                f"into {sys.prefix} there, restart the workers, and run the same command again"
            )
        own = _own_libraries(self.libraries)
        if differing := [
            f"{name} {own[name]}, not {version}" for name, version in self.libraries if own[name] != version
        ]:
            raise ContractBroken(
                f"{here} has other libraries than {self.driver} ({_some(differing)}); install the same versions into "
                f"{sys.prefix} there, restart the workers, and run the same command again"
            )
        for path, digest in self.files:
            _check_file(here, path, digest)
        _KEPT.add(self)

    def _read(self, here: str) -> dict:
        for attempt in range(TRIES):
            try:
                written = files.read_json(self.path)
                if written.get("recipe") == self.recipe and written.get("driver") == self.driver:
                    return written
            except (OSError, ValueError, AttributeError) as e:
                problem = files.reason(e)
            else:
                problem = f"{self.path} is of another run"
            time.sleep(WAIT_SECONDS * (attempt < TRIES - 1))
        fix = "mount it at the same path on every worker, or give --output as s3:// or gs://"
        if "://" in self.path:
            fix = "give the workers credentials and a network route to it"
        raise ContractBroken(f"{here} does not see {self.folder}, which {self.driver} has written ({problem}); {fix}")


#: The contracts that this process has been compared with.
_KEPT: set[Contract] = set()


def _differing(driver: dict[str, str], worker: dict[str, str]) -> list[str]:
    return sorted(name for name in {*driver, *worker} if driver.get(name) != worker.get(name))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _own_libraries(wanted: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return this process's versions of Python and of some libraries, "none" for those that are not installed."""

    class Needs:
        libraries = tuple(name for name, _ in wanted if name != "python")

    own = library_versions([Needs])  # type: ignore[list-item]
    return {name: own.get(name, "none") for name, _ in wanted}


def _check_file(here: str, path: str, digest: str) -> None:
    fix = "copy it to the same path there, or name it in the recipe by a URL that every worker can read"
    try:
        found = files.digest(files.local_copy(path))
    except OSError as e:
        raise ContractBroken(f"{here} cannot read {path}, which the recipe names ({files.reason(e)}); {fix}") from None
    if found != digest:
        raise ContractBroken(f"{here} has another {os.path.basename(path)} at {path} than the driver; {fix}")


class Pledge:
    """The ``start_bundle`` of a function that travels to a worker: checks the contract before anything is processed.

    It must not be checked earlier, as the function is unpickled or set up: Flink would then wait for minutes for the
    worker to connect, and report that instead.
    """

    def __init__(self, contract: Contract, function: beam.DoFn) -> None:
        self._contract, self._function = contract, function

    def __call__(self) -> None:
        """Check the contract, and do what the function's class does."""
        self._contract.check()
        type(self._function).start_bundle(self._function)


class _Attach(PipelineVisitor):
    """Gives every function of a pipeline a pledge."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def visit_transform(self, node: AppliedPTransform) -> None:
        function = getattr(node.transform, "fn", None)
        if isinstance(function, beam.DoFn) and len(signature(type(function).start_bundle).parameters) == 1:
            function.start_bundle = Pledge(self._contract, function)


def attach(contract: Contract, pipeline: beam.Pipeline) -> None:
    """Let every worker process that runs a function of a pipeline check a contract first."""
    pipeline.visit(_Attach(contract))
