"""Structs of Thrift's compact protocol: what is damaged is a ValueError or an IndexError."""

import random

import pytest

from curate.thrift import read_struct


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
