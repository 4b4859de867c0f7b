"""Archives of several parts and damaged ones: what is good in them is found, wherever it is."""

from __future__ import annotations

import gzip
import io
import random
import struct
import time

import pytest
import zstandard
from hypothesis import given, settings, strategies as st

from curate.input.members import DICTIONARY, first_member
from curate.input.warc import Broken, Page, read_records

CHANCE = random.Random(1)
WORDS = [b"house", b"river", b"man", b"tree", b"walks"]


def record(number, size=60):
    body = b"<html><p>" + b" ".join(CHANCE.choice(WORDS) for _ in range(size))
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\nContent-Length: %d\r\n\r\n"
    return head % (number, len(http)) + http + b"\r\n\r\n"


def with_dictionary(first, packed=False, count=20):
    """Return an archive of frames that need the dictionary at its start."""
    records = [record(first + i) for i in range(count)]
    dictionary = zstandard.train_dictionary(1500 + first, records * 20)
    content = dictionary.as_bytes()
    content = zstandard.compress(content) if packed else content
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    return frame(content, DICTIONARY) + b"".join(map(compressor.compress, records))


def frame(content, magic=b"\x50\x2a\x4d\x18", size=None):
    return magic + struct.pack("<I", len(content) if size is None else size) + content


def read(data, name="x.warc.zst"):
    return list(read_records(io.BytesIO(data), name))


def numbers(found):
    return [int(r.url.rpartition("/")[2]) for r in found if isinstance(r, Page)]


A, B, C = with_dictionary(0), with_dictionary(100, packed=True), with_dictionary(200)
NUMBERS = [*range(20), *range(100, 120), *range(200, 220)]


def test_archives_with_a_dictionary_each_can_be_joined():
    assert numbers(read(A + B)) == NUMBERS[:40]
    found = read(A + B + C)
    assert numbers(found) == NUMBERS
    assert len(found) == 60


@pytest.mark.parametrize("number", range(16))
def test_skippable_frames_stand_anywhere(number):
    skipped = [frame(b"x" * size, bytes([0x50 + number]) + b"\x2a\x4d\x18") for size in (0, 4, 70_000)]
    parts = [zstandard.compress(record(i)) for i in range(5)]
    if number == DICTIONARY[0] - 0x50:  # what is no dictionary would be taken for one
        skipped = [frame(b"") for _ in skipped]
    data = b"".join(part + b"".join(skipped) for part in parts)
    assert numbers(read(skipped[1] + data)) == [*range(5)]
    assert len(read(data)) == 5


@pytest.mark.parametrize("size", [0, 3, 100, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("magic", [b"\x50\x2a\x4d\x18", DICTIONARY])
def test_the_size_of_a_skippable_frame_may_be_wrong(size, magic):
    parts = [zstandard.compress(record(i)) for i in range(6)]
    found = read(b"".join([*parts[:3], frame(b"abcdefg", magic, size), *parts[3:]]))
    assert numbers(found) == [*range(6)]
    assert len(found) == 7  # and one of the damage


def test_damage_does_not_hide_the_next_dictionary():
    damaged = bytearray(A)
    for place in range(len(A) - 400, len(A), 7):
        damaged[place] ^= 0xFF
    assert numbers(read(bytes(damaged) + B))[-20:] == NUMBERS[20:40]
    assert numbers(read(A[:-100] + B))[-20:] == NUMBERS[20:40]


def test_a_large_frame_is_found_after_damage():
    parts = [zstandard.compress(record(i, 20_000)) for i in range(3)]
    assert len(parts[1]) > 10_000  # far more than the start of a record
    found = read(parts[0] + b"damage" + parts[1] + parts[2])
    assert numbers(found) == [0, 1, 2]


def test_a_dictionary_that_is_too_large_costs_its_records():
    zeros = zstandard.compress(bytes(1 << 25))
    found = read(frame(zeros, DICTIONARY) + zstandard.compress(record(1)) + B)
    assert numbers(found) == NUMBERS[20:40]
    assert [r.detail for r in found if isinstance(r, Broken)] == [
        "damaged dictionary: unpacks to more than 16,777,216 bytes"
    ]


def test_members_that_are_not_whole_are_passed_over_in_linear_time():
    tiny = b"".join(gzip.compress(b"WARC/1.0\n%d" % i, 1) for i in range(4000))
    good = [gzip.compress(record(i, 200_000)) for i in range(2)]
    data = good[0] + tiny + b"X" + good[1] + good[1]
    started = time.process_time()
    assert first_member(io.BytesIO(data), len(good[0])) == len(data) - 2 * len(good[1])
    assert time.process_time() - started < 3


MEMBERS = {
    "x.warc.gz": [gzip.compress(record(i, 300), mtime=0) for i in range(12)],
    "x.warc.zst": [zstandard.ZstdCompressor(write_checksum=True).compress(record(i, 300)) for i in range(12)],
}


@pytest.mark.parametrize("name", MEMBERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_costs_the_members_it_is_in(name, data):
    """Bytes change, vanish and come in: each whole member that follows others is found, and no page is made up."""
    members = [bytearray(m) for m in MEMBERS[name]]
    damaged = data.draw(st.sets(st.integers(1, 10), min_size=1, max_size=4))
    for i in sorted(damaged):
        member = members[i]
        place = data.draw(st.integers(0, len(member) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "zeros"])):
            case "flip":
                member[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del member[place : place + data.draw(st.integers(1, 200))]
            case "insert":
                member[place:place] = data.draw(st.binary(min_size=1, max_size=50))
            case "zeros":
                member[place : place + 20] = bytes(20)
    whole = {i: bytes(m) for i, m in enumerate(MEMBERS[name])}
    started = time.process_time()
    found = read(b"".join(members), name)
    assert time.process_time() - started < 5
    seen = numbers(found)
    assert set(seen) >= set(whole) - damaged
    assert seen == sorted(set(seen))
    contents = {int(r.url.rpartition("/")[2]): r.content for r in found if isinstance(r, Page)}
    expected = {i: numbers_content(whole[i], name) for i in contents}
    assert contents == expected


def numbers_content(member, name):
    (page,) = read(member, name)
    return page.content


def large_record(size):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/large\r\nContent-Length: %d\r\n\r\n"
    compressor = zstandard.ZstdCompressor().compressobj()
    out = compressor.compress(head % (len(http) + size) + http)
    return out + b"".join(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)) + compressor.flush()


@pytest.mark.parametrize("size", [500, 640])
def test_pages_behind_records_that_unpack_to_much_are_read(size):
    pages = b"".join(zstandard.compress(record(i)) for i in range(30))
    large = large_record(size << 20)
    found = read(large + pages + large + pages)
    assert numbers(found) == [*range(30), *range(30)]
    assert len([r for r in found if isinstance(r, Broken)]) == 2


def test_tiny_records_by_the_million_end_their_file():
    records = b"WARC/1.0\r\nWARC-Type: metadata\r\nContent-Length: 0\r\n\r\n\r\n\r\n" * 145_000
    found = read(zstandard.compress(record(1)) + zstandard.compress(records) + zstandard.compress(record(2)))
    assert numbers(found) == [1]
    assert found[-1].reason == "too_many_records"
    assert found[-1].detail == "more than 131,072 records, and 8 for each compressed byte"
    assert 131_072 < len(found) < 145_000
