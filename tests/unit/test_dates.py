from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from curate.input.dates import iso_date

# Digits that can be a year, a month or a day are read as that, in text and as a number: as seconds since 1970 they
# would all be dates of 1970, when there was no web. `url_dedup` keeps the newest copy, so a wrong old date loses the
# right copy; a year stands for its first second, because it is all that is known.
CALENDAR = {
    "1999": "1999-01-01T00:00:00Z",
    "201912": "2019-12-01T00:00:00Z",
    "20191231": "2019-12-31T00:00:00Z",
    "201912312359": "2019-12-31T23:59:00Z",
    "20191231235958": "2019-12-31T23:59:58Z",
}
NONE = ["0", "-1", "7", "12345", "201913", "20190230", "43830", "1234567", "86400", "-86400", "0000", "0.5", "2019.5"]


@pytest.mark.parametrize("digits", CALENDAR)
def test_digits_of_the_calendar_are_its_dates(digits):
    assert iso_date(digits) == iso_date(int(digits)) == iso_date(float(digits)) == CALENDAR[digits]
    assert iso_date(f" {digits}.0 ") == CALENDAR[digits]


@pytest.mark.parametrize("value", NONE)
def test_other_small_numbers_are_no_dates(value):
    assert iso_date(value) == iso_date(float(value)) == ""


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)), st.sampled_from([1, 1000, 10**6, 10**9]))
def test_times_of_the_web_since_1970_are_read_in_every_unit(moment, unit):
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    seconds = int(moment.timestamp())
    assert iso_date(seconds * unit) == iso_date(str(seconds * unit)) == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@given(st.one_of(st.integers(), st.floats(), st.from_regex(r"[-+]?\d{1,20}(\.\d*)?", fullmatch=True)))
def test_any_number_is_survived(value):
    assert len(iso_date(value)) in (0, 20)
