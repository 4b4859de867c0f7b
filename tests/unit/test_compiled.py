import os
import subprocess
import sys
from pathlib import Path

import pytest

from curate.text.compiled import sources_digest, sources_of

ROOT = Path(__file__).parents[2]
MODULE = """
from curate.text.compiled import kernel

@kernel
def double(x):
    return 2 * x

print(double(21), double._cache.cache_path)
"""


PAST_THE_END = """
import numpy as np

@kernel
def after(a):
    return a[len(a)]

after(np.zeros(2)[:1])
"""


@pytest.fixture
def module(tmp_path):
    """A module with a kernel, in a folder of its own."""
    path = tmp_path / "install" / "doubling.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    return path


def start(module, **environment):
    ours = ("NUMBA_CACHE_DIR", "NUMBA_BOUNDSCHECK", "XDG_CACHE_HOME")
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.Popen(
        [sys.executable, "-B", module],
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, _ = process.communicate()
    assert process.returncode == 0
    value, _, place = out.strip().partition(" ")
    assert value == "42"
    return Path(place) if place != "None" else None


def unwritable(folder):
    """What a read-only folder is even to root: there is a file in its place."""
    folder.write_text("")


def test_compiled_code_is_kept_beside_the_source(module):
    place = answer(start(module))
    assert place.parent == module.parent / "__pycache__"
    assert list(place.glob("*.nbc"))


def test_a_read_only_install_uses_the_users_cache(module, tmp_path):
    unwritable(module.parent / "__pycache__")
    place = answer(start(module, XDG_CACHE_HOME=str(tmp_path / "cache")))
    assert place.parent == tmp_path / "cache" / "curate"
    assert list(place.glob("*.nbc"))


def test_without_any_place_it_still_works(module, tmp_path):
    unwritable(module.parent / "__pycache__")
    unwritable(tmp_path / "home")
    assert answer(start(module, HOME=str(tmp_path / "home"))) is None


def test_a_given_place_comes_first(module, tmp_path):
    assert answer(start(module, NUMBA_CACHE_DIR=str(tmp_path / "given"))).parent == tmp_path / "given"


def test_code_with_bounds_checks_is_kept_apart(module, tmp_path):
    module.write_text(MODULE + PAST_THE_END)
    places = []
    for checked in ("", "1", "0", "1", ""):  # first compiled, then loaded
        mode = {"NUMBA_BOUNDSCHECK": checked} if checked else {}
        process = start(module, NUMBA_CACHE_DIR=str(tmp_path / "given"), **mode)
        out, _ = process.communicate()
        assert process.returncode == (checked == "1")
        places.append(out.split()[1])
    plain, bounds, *others = places
    assert plain != bounds
    assert others == [plain, bounds, plain]


def test_many_processes_may_start_at_once(module):
    places = {answer(process) for process in [start(module) for _ in range(4)]}
    assert len(places) == 1


def test_the_cache_of_a_kernel_depends_on_all_that_it_is_compiled_from():
    names = {path.name for path in sources_of(ROOT / "curate" / "filters" / "measure_kernels.py")}
    assert {"measure_kernels.py", "hash_kernels.py", "ngram_kernels.py", "word_kernels.py", "compiled.py"} <= names
    assert "spacy_kernels.py" not in names


def test_a_kernel_of_training_depends_on_the_constants_that_it_freezes():
    names = {path.name for path in sources_of(ROOT / "quality_models" / "grow.py")}
    assert "bins.py" in names


def test_another_content_is_another_place(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("x = 1")
    b.write_text("x = 2")
    assert sources_digest(a) != sources_digest(b)
