"""What the tests of runners need and no Python package has: fetched once into a cache folder of the user.

``CURATE_FETCH=0`` forbids downloads: what is not there is then a reason to skip a test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
FLINK = "1.19.3"  # the minor version of Beam's job server in flink/pom.xml
PRISM = "2.77.0"  # Beam's version
FETCH_SECONDS = 900  # 152 MB for Flink's job server, 299 MB for Spark's; Prism is compiled in 150 s on one core


class RunnerError(RuntimeError):
    """Why a runner does not run."""


class Absent(RunnerError):
    """What a runner needs is not on this machine, and what to do."""


def may_fetch() -> bool:
    """Return whether downloads are allowed."""
    return os.environ.get("CURATE_FETCH", "1") != "0"


def need(*programs: str) -> None:
    """Check that programs are on PATH.

    Raises:
        Absent: one is missing.
    """
    packages = {"java": "default-jdk-headless", "mvn": "maven", "go": "golang", "ip": "iproute2"}
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        install = " ".join(packages.get(name, name) for name in missing)
        raise Absent(f"{' and '.join(missing)} not on PATH (Debian: apt install {install})")


def maven_jars(name: str) -> Path:
    """Return the folder of the jars that ``NAME/pom.xml`` beside this file lists."""
    pom = HERE / name / "pom.xml"
    need("java")

    def copy(folder: Path) -> list[str]:
        need("mvn")
        options = [f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
        return ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", *options]

    return _cached(f"{name}/{sha256(pom.read_bytes()).hexdigest()[:16]}", copy)


def flink_libraries() -> Path:
    """Return the folder with Flink's own ``lib`` and ``bin``, from PyPI."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    package = f"apache-flink-libraries=={FLINK}"
    return _cached(f"pyflink/{FLINK}", lambda folder: [*pip, "--target", str(folder), package]) / "pyflink"


def prism() -> Path:
    """Return the program Prism: of PATH, of Beam's own cache, or compiled by Go."""
    if found := shutil.which("prism"):
        return Path(found)
    downloaded = Path.home() / ".apache_beam" / "cache" / "prism" / "bin"  # `--runner=PrismRunner` puts it there
    if binaries := sorted(downloaded.glob(f"*v{PRISM}*prism*amd64")):
        return binaries[-1]

    def install(folder: Path) -> list[str]:
        need("go")
        module = f"github.com/apache/beam/sdks/v2/go/cmd/prism@v{PRISM}"
        return ["env", f"GOBIN={folder}", "GOFLAGS=-p=1", "go", "install", module]

    return _cached(f"prism/{PRISM}", install) / "prism"


def _cached(name: str, command: Callable[[Path], Sequence[str]]) -> Path:
    """Return a folder of the cache, filled by a command on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curate" / name
    if cache.exists():
        return cache
    if not may_fetch():
        raise Absent(f"{name} is not in the cache folder, and CURATE_FETCH=0 forbids to fetch it")
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as temporary:
        folder = Path(temporary, "new")
        done = subprocess.run(command(folder), capture_output=True, text=True, timeout=FETCH_SECONDS)
        if done.returncode:
            raise Absent(f"{name} could not be fetched:\n{(done.stdout + done.stderr)[-4000:]}")
        folder.rename(cache)
    return cache
