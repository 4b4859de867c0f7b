"""Convert dates as data sets write them to one form.

>>> iso_date("Wed, 01 Jan 2020 12:00:00 GMT"), iso_date(1577880000), iso_date("20200101120000")
('2020-01-01T12:00:00Z', '2020-01-01T12:00:00Z', '2020-01-01T12:00:00Z')
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
_UNITS = 1, 1_000, 1_000_000, 1_000_000_000  # of a second: s, ms, us, ns
LONGEST = 200  # characters of a date; curate's own value: RFC 5322 needs 31, and comments may follow
# The digits of a date by their number: a year, a month, a day, a minute, a second. As seconds or milliseconds since
# 1970 they would be dates of the 1970s or of the year 2600.
_CALENDAR = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# Seconds since 1970 (March 1973); a smaller number is another count, or no date (0). curate's own value: there are no
# pages of these years, and no date is better than a wrong one, because `url_dedup` keeps the newest copy.
_EARLIEST = 10**8
_EPOCH = 10**11  # seconds (year 5138); a larger number counts in a smaller unit


def iso_date(value: object) -> str:
    """Return a date in ISO 8601, UTC, to the second; "" for a value that is not a date.

    Args:
        value: a date or datetime; seconds, milliseconds, microseconds or nanoseconds since 1970, distinguished by their
            size; a number or text whose digits are a year, a month (``202001``), a day, a minute or a second, as Common
            Crawl and the Wayback Machine write it; text in ISO 8601 (also with slashes, or followed by "UTC"), or as in
            HTTP and mail (RFC 9110, RFC 5322). Without a zone it is UTC; a year is its first second.

    >>> iso_date("2020/01/01"), iso_date("2020-01-01 00:00:00+01:00"), iso_date("soon"), iso_date(None)
    ('2020-01-01T00:00:00Z', '2019-12-31T23:00:00Z', '', '')
    >>> iso_date(2020), iso_date("202003"), iso_date(20200102), iso_date(43832)
    ('2020-01-01T00:00:00Z', '2020-03-01T00:00:00Z', '2020-01-02T00:00:00Z', '')
    """
    try:
        moment = _parse(value)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0") if moment else ""
    except (ValueError, TypeError, OverflowError, OSError):
        return ""


def _parse(value: object) -> datetime | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, datetime):
        return _in_zone(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    text = str(value).strip()
    if not text or len(text) > LONGEST:
        return None
    if _NUMBER.fullmatch(text):
        number = float(text)
        if form := _calendar_form(text.partition(".")[0] if number.is_integer() else text):
            return datetime.strptime(text.partition(".")[0], form).replace(tzinfo=UTC)
        if abs(number) < _EARLIEST:
            return None
        unit = next((unit for unit in _UNITS if abs(number) < _EPOCH * unit), None)
        return datetime.fromtimestamp(number / unit, UTC) if unit else None
    plain = text.removesuffix("UTC").rstrip().replace("/", "-")
    try:
        return _in_zone(datetime.fromisoformat(plain))
    except ValueError:
        from email.utils import parsedate_to_datetime

        return _in_zone(parsedate_to_datetime(text))


def _calendar_form(digits: str) -> str:
    """Return the form of digits that are a date of the calendar rather than a number of seconds, "" if they are not."""
    if not (digits.isascii() and digits.isdigit()):
        return ""
    if len(digits) == 12 and digits[:2] not in ("19", "20"):
        return ""  # milliseconds
    return _CALENDAR.get(len(digits), "")


def _in_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
