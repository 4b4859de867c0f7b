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
_EPOCH = 10**11  # seconds (year 5138); a larger number counts in a smaller unit


def iso_date(value: object) -> str:
    """Return a date in ISO 8601, UTC, to the second; "" for a value that is not a date.

    Args:
        value: a date or datetime; seconds, milliseconds, microseconds or nanoseconds since 1970, distinguished by their
            size; text in ISO 8601 (also with slashes, or followed by "UTC"), of 8 or 14 digits as Common Crawl and the
            Wayback Machine write it, or as in HTTP and mail (RFC 9110, RFC 5322). Without a zone it is UTC.

    >>> iso_date("2020/01/01"), iso_date("2020-01-01 00:00:00+01:00"), iso_date("soon"), iso_date(None)
    ('2020-01-01T00:00:00Z', '2019-12-31T23:00:00Z', '', '')
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
        if isinstance(value, str) and text.isdigit() and len(text) in (8, 14):
            return datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        number = float(text)
        unit = next((unit for unit in _UNITS if abs(number) < _EPOCH * unit), None)
        return datetime.fromtimestamp(number / unit, UTC) if unit else None
    plain = text.removesuffix("UTC").rstrip().replace("/", "-")
    try:
        return _in_zone(datetime.fromisoformat(plain))
    except ValueError:
        from email.utils import parsedate_to_datetime

        return _in_zone(parsedate_to_datetime(text))


def _in_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
