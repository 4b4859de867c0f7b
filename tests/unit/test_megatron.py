import numpy as np
import pytest
from hypothesis import given, strategies as st

from curate.tokens.megatron import megatron_index, read_megatron


@pytest.mark.parametrize(("dtype", "code"), [("uint16", 8), ("int32", 4)])
def test_megatron_index_has_the_published_layout(dtype, code):
    size = np.dtype(dtype).itemsize
    expected = b"MMIDIDX\x00\x00" + (1).to_bytes(8, "little") + bytes([code])
    expected += (3).to_bytes(8, "little") + (4).to_bytes(8, "little")
    expected += b"".join(n.to_bytes(4, "little") for n in [2, 0, 3])
    expected += b"".join(n.to_bytes(8, "little") for n in [0, 2 * size, 2 * size])
    expected += b"".join(n.to_bytes(8, "little") for n in [0, 1, 2, 3])
    assert megatron_index([2, 0, 3], dtype) == expected


@given(st.lists(st.lists(st.integers(0, 65_535), max_size=6), max_size=6), st.sampled_from(["uint16", "int32"]))
def test_megatron_files_come_back(documents, dtype):
    arrays = [np.array(document, dtype) for document in documents]
    bin_bytes = b"".join(array.tobytes() for array in arrays)
    read = read_megatron(bin_bytes, megatron_index([len(a) for a in arrays], dtype))
    assert [a.tolist() for a in read] == documents


def test_broken_megatron_files_are_refused():
    index = megatron_index([2], "uint16")
    with pytest.raises(ValueError, match="cut off"):
        read_megatron(b"\x00\x00", index)
    with pytest.raises(ValueError, match="cannot have"):
        read_megatron(b"\x00" * 4, index[:-1])
    with pytest.raises(ValueError, match="does not begin"):
        read_megatron(b"", b"")
    with pytest.raises(ValueError, match="use uint16 or int32"):
        megatron_index([1], "int64")
    with pytest.raises(ValueError, match="Megatron allows"):
        megatron_index([1 << 31], "int32")
