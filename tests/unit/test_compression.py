"""Compressed files: what can be unpacked before damage is given, and the damage is raised."""

import bz2
import gzip
import io
import lzma
import random
import struct

import pytest
import zstandard

from curate.input.compression import Damaged, decompressed

COMPRESS = {
    ".gz": gzip.compress,
    ".bz2": lambda d: bz2.compress(d, 1),
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
LINES = b"".join(b"%d %s\n" % (i, random.Random(i).randbytes(9).hex().encode()) for i in range(15_000))


def read(data: bytes, ending: str) -> tuple[bytes, bool]:
    """Return the whole lines that come out of a file, and whether it is damaged."""
    stream, out = decompressed(io.BytesIO(data), f"x{ending}"), b""
    try:
        while line := stream.readline():
            out += line
    except Damaged:
        return out, True
    return out, False


@pytest.mark.parametrize("ending", COMPRESS)
def test_streams_one_after_the_other(ending):
    pack = COMPRESS[ending]
    assert read(pack(LINES[:500]) + pack(b"") + pack(LINES[500:]), ending) == (LINES, False)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_zeros_are_padding(ending):
    pack, zeros = COMPRESS[ending], bytes(70_000)
    assert read(pack(LINES[:500]) + zeros + pack(LINES[500:]) + zeros, ending) == (LINES, False)
    assert ending == ".xz" or read(zeros, ending) == (b"", True)  # zeros are LZMA without a header of xz


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_comes_before_a_damaged_stream_is_given(ending):
    pack = COMPRESS[ending]
    ignored = ending in (".bz2", ".xz")  # by the standard library, too
    assert read(pack(LINES) + b"no stream at all", ending) == (LINES, not ignored)
    assert read(pack(LINES) + b"\n", ending) == (LINES, not ignored)
    assert read(pack(LINES) + pack(LINES[:99])[:12] + b"\xff" * 40, ending) == (LINES, True)


@pytest.mark.parametrize("log", [28, 31])
def test_frames_with_the_longest_windows_are_read(log):
    parameters = zstandard.ZstdCompressionParameters(window_log=log, hash_log=12, chain_log=12, strategy=1)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    first = compressor.compress(LINES) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert zstandard.get_frame_parameters(first).window_size == 1 << log
    assert read(first + compressor.flush(), ".zst") == (LINES, False)


def test_a_long_window_is_not_filled_for_a_small_file():
    block = struct.pack("<I", 1 << 1 | 128 << 13)[:3] + b"\n"
    stream = decompressed(io.BytesIO(b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + block * 9000), "x.zst")
    lengths = map(len, iter(lambda: stream.read(1 << 20), b""))
    with pytest.raises(Damaged, match=r"a window of 2,147,483,648 bytes for a small file"):
        list(lengths)


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("size", [900, len(LINES)])
def test_what_comes_before_damage_in_a_stream_is_given(ending, size):
    packed = COMPRESS[ending](LINES[:size])
    for at in (len(packed) // 3, len(packed) // 2, len(packed) - 9):
        cut, damaged = (read(packed[:at] + rest, ending) for rest in (b"", b"\xff" * 40 + packed[at + 40 :]))
        assert cut[1]
        assert damaged[0].startswith(cut[0])
        assert LINES.startswith(cut[0])


def test_what_comes_before_a_damaged_block_of_zstandard_is_given():
    compressor = zstandard.ZstdCompressor().compressobj()
    flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    blocks = [compressor.compress(LINES[i : i + 24]) + compressor.flush(flush) for i in range(0, 2400, 24)]
    for count in range(1, 90):
        assert read(b"".join(blocks[:count]) + b"\xff" * 300, ".zst") == read(b"".join(blocks[:count]), ".zst")


def test_a_large_block_before_the_end_of_a_cut_file_is_given():
    line = b"a" * 5_000_000 + b"\n"
    packed = bz2.compress(line + random.Random(1).randbytes(2_000_000), 9)
    assert read(packed[: len(packed) // 2], ".bz2")[0].startswith(line)


def test_an_error_of_the_machine_is_no_damage():
    class Lost(io.BytesIO):
        def read(self, size=-1, /):
            raise OSError("the disk is gone")

    for ending in COMPRESS:
        with pytest.raises(OSError, match="the disk is gone"):
            decompressed(Lost(b"x"), f"x{ending}").read()
