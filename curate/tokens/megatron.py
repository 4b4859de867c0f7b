"""The Megatron files of a tokenized corpus: the ids in ``.bin``, and the position of each document in ``.idx``.

>>> import numpy as np
>>> [ids.tolist() for ids in read_megatron(np.array([7, 8], "<u2").tobytes(), megatron_index([2], "uint16"))]
[[7, 8]]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Megatron's indexed dataset, version 1 (NVIDIA/Megatron-LM, megatron/core/datasets/indexed_dataset.py): the .bin file
# has only the ids, little-endian; the .idx file has this magic, then u64 version, u8 dtype code, u64 sequences, u64
# length of the document table, int32 lengths, int64 byte offsets, int64 document table (0..n, one sequence each).
_MEGATRON_MAGIC = b"MMIDIDX\x00\x00"
_MEGATRON_CODES = {"int32": 4, "uint16": 8}


def megatron_index(lengths: Sequence[int] | NDArray[Any], dtype: np.dtype[Any] | str) -> bytes:
    """Return the bytes of the ``.idx`` file for a ``.bin`` file of documents one after the other.

    Args:
        lengths: tokens of each document, in the order of the ``.bin`` file.
        dtype: of the ids, uint16 or int32; both files are little-endian.

    Raises:
        ValueError: the dtype is another one, or a document has 2**31 tokens or more.

    >>> len(megatron_index([3, 5], "uint16"))
    82
    """
    import numpy as np

    name = np.dtype(dtype).name
    if name not in _MEGATRON_CODES:
        raise ValueError(f"Megatron files of {name} are not supported: use uint16 or int32")
    sizes = np.asarray(lengths, dtype=np.int64)
    if sizes.size and (sizes.min() < 0 or sizes.max() >= 1 << 31):
        raise ValueError(f"document lengths are from {sizes.min()} to {sizes.max()}; Megatron allows 0 to 2**31 - 1")
    offsets = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes * np.dtype(dtype).itemsize, out=offsets[1:])
    return b"".join(
        [
            _MEGATRON_MAGIC,
            np.array([1], "<u8").tobytes(),
            np.array([_MEGATRON_CODES[name]], "<u1").tobytes(),
            np.array([sizes.size, sizes.size + 1], "<u8").tobytes(),
            sizes.astype("<i4").tobytes(),
            offsets[:-1].astype("<i8").tobytes(),
            np.arange(sizes.size + 1, dtype="<i8").tobytes(),
        ]
    )


def index_lengths(idx_bytes: bytes) -> tuple[NDArray[np.int32], np.dtype[Any]]:
    """Return the lengths in tokens of the documents in an ``.idx`` file, and the type of the ids in its ``.bin``.

    Raises:
        ValueError: the bytes are not a complete Megatron index of version 1.

    >>> lengths, dtype = index_lengths(megatron_index([3, 5], "uint16"))
    >>> lengths.tolist(), dtype.name
    ([3, 5], 'uint16')
    """
    import numpy as np

    if idx_bytes[:9] != _MEGATRON_MAGIC or len(idx_bytes) < 34:
        raise ValueError("the .idx file does not begin like a Megatron index (MMIDIDX)")
    version = int(np.frombuffer(idx_bytes, "<u8", 1, 9)[0])
    dtypes = {code: np.dtype(name).newbyteorder("<") for name, code in _MEGATRON_CODES.items()}
    code, (sequences, documents) = idx_bytes[17], np.frombuffer(idx_bytes, "<u8", 2, 18).tolist()
    if version != 1 or code not in dtypes:
        raise ValueError(
            f"a Megatron index of version {version} with dtype code {code} is not supported: only version 1 with 4 or 8"
        )
    if len(idx_bytes) != 34 + 12 * sequences + 8 * documents:
        raise ValueError(
            f"a Megatron index of {sequences} sequences and {documents} entries cannot have {len(idx_bytes)} bytes"
        )
    return np.frombuffer(idx_bytes, "<i4", sequences, 34), dtypes[code]


def read_megatron(bin_bytes: bytes, idx_bytes: bytes) -> list[NDArray[Any]]:
    """Return the documents of a Megatron ``.bin`` and ``.idx`` pair, as arrays of ids.

    Args:
        bin_bytes: the content of the ``.bin`` file, or a memory map of it.
        idx_bytes: the content of the ``.idx`` file.

    Raises:
        ValueError: the two are not a complete Megatron pair of version 1.

    >>> import numpy as np
    >>> read_megatron(np.array([7, 8, 9], "<u2").tobytes(), megatron_index([1, 2], "uint16"))
    [array([7], dtype=uint16), array([8, 9], dtype=uint16)]
    """
    import numpy as np

    lengths, dtype = index_lengths(idx_bytes)
    sequences = lengths.size
    offsets = np.frombuffer(idx_bytes, "<i8", sequences, 34 + 4 * sequences)
    needed = int((offsets + lengths.astype(np.int64) * dtype.itemsize).max(initial=0))
    if needed > len(bin_bytes):
        raise ValueError(f"the .bin file has {len(bin_bytes)} bytes, but its index needs {needed}: it was cut off")
    return [np.frombuffer(bin_bytes, dtype, n, o) for n, o in zip(lengths.tolist(), offsets.tolist(), strict=True)]
