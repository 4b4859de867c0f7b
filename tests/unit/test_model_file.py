"""The zip of a model: bombs, names, members and arrays that are not what they say."""

from __future__ import annotations

import io
import json
import resource
import time
import zipfile

import numpy as np
import pytest

from curate.extract.main_text import load_model
from curate.models.forest import Forest
from curate.models.model_file import MAX_MEMBERS, read_array, read_members, read_model_file, write_model_file
from curate.models.shipped import SHIPPED
from curate.quality.model import FORMAT, load_quality_model
from curate.quality.scoring import ENGLISH, quality_score


def write(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("manifest.json", "w") as file:
        for _ in range(600):
            file.write(b" " * 1_000_000)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ValueError, match=r"bomb\.zip is not a model .*: its part manifest\.json is compressed"):
        quality_score("text", str(path))
    assert time.process_time() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("manifest.json", b"{}"), ("../../evil", b"x")], r"part with the invalid name '\.\./\.\./evil'"),
        ([("manifest.json", b"{}"), ("/etc/passwd", b"x")], "part with the invalid name"),
        ([("manifest.json", b"{}"), ("a", b"x"), ("a", b"y")], "part twice"),
        ([("manifest.json", b"{}")] + [(f"p{i}", b"") for i in range(MAX_MEMBERS)], f"more than {MAX_MEMBERS}"),
        ([("manifest.json", b"{}")] + [(f"p{i}", b"") for i in range(5000)], f"more than {MAX_MEMBERS} parts"),
        ([("manifest.json", b"[" * 100_000)], "nested too deeply"),
        ([("manifest.json", b'{"x": ' + b"9" * 5000 + b"}")], "not JSON"),
        ([("manifest.json", b"{\xff}")], "not UTF-8"),
        ([("manifest.json", b"[]")], "has the format None"),
        ([("manifest.json", json.dumps({"format": "x" * 5000}))], "has the format 'x{99}"),
        ([("other", b"")], "not JSON"),
        ([], "not JSON"),
    ],
)
def test_a_zip_that_no_model_is(tmp_path, members, said):
    path = write(tmp_path / "m.zip", members)
    with pytest.raises(ValueError, match=rf"m\.zip .*{said}"):
        read_model_file(path, FORMAT, "curate train quality")


def test_members_that_lie_in_one_another_are_refused(tmp_path):
    path = write(tmp_path / "m.zip", [("a", b"x" * 1000), ("b", b"x" * 1000)])
    data = path.read_bytes()
    first, second = data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02")
    # The second entry of the directory points to the first member, and so may a thousand.
    lying = data[: second + 42] + data[first + 42 : first + 46] + data[second + 46 :]
    with pytest.raises(ValueError, match=r"differ|Overlapped|larger"):
        read_members(io.BytesIO(lying))


def test_what_lies_about_its_directory_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"x")
    data = buffer.getvalue()
    for lie in (data[:-2] + b"\1\0x", data[:-10] + b"\xff\xff\xff\x7f" + data[-6:], b"", b"PK\x05\x06", data[:-5]):
        with pytest.raises(ValueError, match=r"does not end|more than|zip|directory"):
            read_members(io.BytesIO(lie))


def array(value):
    np.save(buffer := io.BytesIO(), value, allow_pickle=True)
    return buffer.getvalue()


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("a pickle ran",))


@pytest.mark.parametrize(
    "data",
    [
        array(np.array([Evil()], object)),
        array(np.zeros(3, "<i8")),
        array(np.zeros((3, 1))),
        array(np.zeros(3))[:-1],
        array(np.zeros(3)) + b"x",
        array(np.zeros(3)).replace(b"(3,)", b"(99999999999,)"),
        array(np.zeros(3)).replace(b"(3,)", b"(-3,)"),
        array(np.zeros(3)).replace(b"(3,), }", b"(3,), 'x"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1" * 60_000,
        b"\x93NUMPY\x02\x00",
        b"",
    ],
)
def test_what_is_no_array_of_its_kind_is_refused(data):
    with pytest.raises(ValueError, match=r"^a\.npy"):
        read_array({"a.npy": data}, "a.npy", "<f8", (None,))


def test_arrays_come_back_as_they_were():
    for value in (np.arange(3.0), np.zeros((2, 3), order="F"), np.array("text"), np.zeros(0, "i4")):
        types = "<f8 <i4 <U"
        found = read_array({"a": array(value)}, "a", types, (None,) * value.ndim)
        np.testing.assert_array_equal(found, value)
        assert found.flags.writeable
        assert found.flags.c_contiguous


LEFT, LEAF = np.array([1, 0, 0], "<i4"), np.array([0, -1, -1], "<i2")


@pytest.mark.parametrize(
    "change",
    [
        {"left": np.array([0, 0, 0], "<i4")},  # a cycle
        {"left": np.array([2**31 - 1, 0, 0], "<i4")},
        {"left": np.array([-7, 0, 0], "<i4")},
        {"left": np.array([2, 0, 0], "<i4")},  # the second child lies outside
        {"left": LEFT.astype("<i8") + 2**40},
        {"feature": np.array([5, -1, -1], "<i2")},
        {"feature": LEAF.astype("<i4")},
        {"roots": np.array([-5], "<i4")},
        {"roots": np.array([3], "<i4")},
        {"roots": np.zeros(0, "<i4")},
        {"roots": np.zeros(1)},
        {"roots": np.array([0] * 1000, "<i4")},  # the same tree a thousand times, which takes time and no bytes
        {"roots": np.array([0, 1], "<i4")},  # a node of another tree
        {"value": np.full(3, np.nan)},
        {"value": np.zeros((3, 3))},
        {"value": np.zeros(2)},
        {"value": np.zeros(3, "<f4")},
    ],
)
def test_a_forest_that_is_none_is_refused(change):
    whole = {"roots": np.array([0], "<i4"), "feature": LEAF, "value": np.array([1.0, 0.1, 0.9]), "left": LEFT}
    Forest(("words",), **whole).check()
    with pytest.raises(ValueError, match="do not fit together"):
        Forest(("words",), **{**whole, **change}).check()


@pytest.mark.parametrize(
    "change",
    [
        {"calibration": None},
        {"calibration": {"scale": "x", "offset": 0}},
        {"calibration": {"scale": float("nan"), "offset": 0}},
        {"calibration": {"scale": 1e308, "offset": 1e308}},
        {"calibration": {"scale": -1e6, "offset": 10**400}},
        {"calibration": {"scale": True, "offset": 0}},
        {"signals": 5},
        {"signals": [{}]},
        {"signals": ["words"]},
        {"signals": []},
        {"language": ["en"]},
        {"facts": "x"},
    ],
)
def test_a_manifest_of_other_types_is_refused(tmp_path, change):
    manifest, parts = read_model_file(ENGLISH, FORMAT, "")
    del parts["classifier.ftz"]
    format_ = manifest.pop("format")
    write_model_file(tmp_path / "m.zip", format_, {**manifest, **change}, parts)
    with pytest.raises(ValueError, match=r"m\.zip"):
        load_quality_model(tmp_path / "m.zip")


def test_a_part_that_is_absent_is_named(tmp_path):
    for path, name, load in (
        (ENGLISH, "left.npy", load_quality_model),
        (SHIPPED / "main-text.zip", "class-keys.npy", load_model),
    ):
        format_ = json.loads(read_members(path.open("rb"))["manifest.json"])["format"]
        manifest, parts = read_model_file(path, format_, "")
        del parts[name], manifest["format"]
        write_model_file(tmp_path / "m.zip", format_, manifest, parts)
        with pytest.raises(ValueError, match=rf"m\.zip is not a complete .*: it lacks {name}"):
            load(tmp_path / "m.zip")
