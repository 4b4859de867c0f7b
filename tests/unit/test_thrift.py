"""Structs of Thrift's compact protocol: what is damaged is a ValueError or an IndexError."""

import random

import pytest

from curate.input.thrift import find_fields, read_struct


@pytest.mark.parametrize("nested", [b"\x1c", b"\x19\x19", b"\x19\x1c", b"\x1a\x19"])
def test_what_is_nested_too_deep_is_refused(nested):
    with pytest.raises(ValueError, match="too deep"):
        read_struct(nested * 100_000)


def test_any_bytes_are_a_struct_or_refused():
    rng = random.Random(1)
    for _ in range(20_000):
        data = bytes(rng.choices((rng.randrange(256), 0x15, 0x1C, 0x19, 0), k=rng.randrange(60)))
        try:
            fields, end = read_struct(data)
        except (IndexError, ValueError):
            continue
        assert 0 < end <= len(data)
        assert all(isinstance(value, int | dict | None) for value in fields.values())


def test_fields_are_found_in_structs_of_lists():
    data = b"\x49\x2c\x19\x1c\x85\x02\x00\x00\x00\x00"  # field 4, of 2 structs; the first has field 1, of 1 struct
    assert find_fields(data, [(4, 1, 8), (4, 1, 9), (1,)], {}, {(4, 1): (12,)}).keys() == {(4, 1, 8)}
    with pytest.raises(ValueError, match="another type"):
        find_fields(data, [], {}, {(4, 1): (8,)})


def test_numbers_of_fields_beyond_16_bits_are_refused():
    with pytest.raises(ValueError, match="number that does not exist"):
        read_struct(b"\x05\x90\x80\x08\x00\x00")  # 65,544, which 16 bits take for 8
