"""Replace personal data in text: e-mail addresses, phone numbers, IP addresses, bank and card numbers.

>>> scrub_pii("Write to ann@example.org or call +1 212-555-0142.").text
'Write to <EMAIL> or call <PHONE>.'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curate.document import Edit
from curate.filters.pii_addresses import find_emails, find_ipv4, find_ipv6, find_written_emails
from curate.filters.pii_digits import DIGIT_RUN, count_digits
from curate.filters.pii_numbers import find_cards, find_ibans, find_ssns
from curate.filters.pii_phones import find_phones
from curate.text.charset import as_text
from curate.text.folding import plain_characters, without_invisible

PLACEHOLDERS = {
    "email": "<EMAIL>",
    "phone": "<PHONE>",
    "ip": "<IP>",
    "iban": "<IBAN>",
    "credit_card": "<CREDIT_CARD>",
    "us_ssn": "<SSN>",
}


@dataclass(frozen=True, slots=True)
class PiiConfig:
    """Which kinds of personal data are replaced.

    dolma and FineWeb replace e-mail addresses, phone numbers and public IP addresses; IBANs and card numbers have a
    checksum. US social security numbers have none and look like many other numbers, so they are replaced on request
    only.
    """

    email: bool = True
    phone: bool = True
    ip: bool = True
    iban: bool = True
    credit_card: bool = True
    us_ssn: bool = False


def scrub_pii(text: str | bytes, config: PiiConfig = PiiConfig()) -> Edit:
    """Replace personal data with fixed placeholders.

    A phone number is a number with a plus and a country code, one written as in North America, Brazil or Russia, one of
    nine to fourteen grouped digits that begins with 0, or any number after a word such as "Tel" (in some twenty
    languages). E-mail addresses may be written out ("ann [at] example [dot] org"). Private addresses, those of public
    resolvers, version numbers, file names, times, dates, ISBNs and prices stay, and so do ``git@host:path`` and user
    and password in the URL of a service. Invisible characters, full-width forms, other spaces and hyphens are read as
    what they look like, and letters of scripts without spaces may stand right beside a number.

    Args:
        text: any text.
        config: the kinds to replace.

    Returns:
        The text with ``<EMAIL>``, ``<PHONE>``, ``<IP>``, ``<IBAN>``, ``<CREDIT_CARD>``, ``<SSN>`` in place of personal
        data, and the number of replacements by kind (``email``, ``phone``, ``ip``, ``iban``, ``credit_card``,
        ``us_ssn``).

    >>> scrub_pii("Version 1.2.3.4.5 of 2021-03-04 at 192.168.0.1, price 1,234,567.00").counts
    {}
    """
    text = as_text(text)
    return scrub_part(text, 0, len(text), config)[0]


#: Most characters that one match looks at: an e-mail address of 64 characters before the at sign, and 8 labels of 64
#: and a last one of 63 after it, with the characters that may not follow. Every other pattern is shorter.
REACH = 650


def scrub_part(text: str, start: int, stop: int, config: PiiConfig = PiiConfig()) -> tuple[Edit, int]:
    """Replace personal data that begins in a part of a text and may end after it.

    A part that is cut out of a text thus never shows half of an address at the cut, and a value is judged with the word
    before it. Only the `REACH` characters after the part matter.

    Args:
        text: the part with its surroundings.
        start: of the part, in characters.
        stop: of the part.
        config: the kinds to replace.

    Returns:
        The part as `scrub_pii` returns a text, and where it ends in ``text``: at ``stop``, or at the end of the match
        that crosses it.

    >>> scrub_part("Ask ann@example.org today", 0, 8)
    (Edit(text='Ask <EMAIL>', counts={'email': 1}), 19)
    """
    counts: dict[str, int] = {}
    pieces: list[str] = []
    done = start
    # the longer of two that begin alike
    for first, last, kind in sorted(_find(text, config), key=lambda found: (found[0], -found[1])):
        if first >= stop:
            break
        if first < done:  # an earlier match covers this one
            continue
        pieces += [text[done:first], PLACEHOLDERS[kind]]
        counts[kind] = counts.get(kind, 0) + 1
        done = last
    end = max(stop, done)
    pieces.append(text[done:end])
    return Edit("".join(pieces), counts), end


def _find(text: str, config: PiiConfig) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of everything to replace.

    Characters that no reader sees are searched both as they are and without: one may stand within an address, so that
    it can wrap, or be all that separates it from the next word.
    """
    text, has_invisible = plain_characters(text)
    yield from _find_plain(text, config)
    if has_invisible:
        visible, places = without_invisible(text)
        for first, last, kind in _find_plain(visible, config):
            yield places[first], places[last - 1] + 1, kind


def _find_plain(text: str, config: PiiConfig) -> Iterator[tuple[int, int, str]]:
    """Yield what is found in a text of plain characters.

    Most texts have little of it, so the whole text is only searched for what each kind must contain (an at sign, a pair
    of colons, a run of digits); the exact patterns are then tried around that place.
    """
    if config.email:
        yield from find_emails(text)
        yield from find_written_emails(text)
    if config.ip:
        yield from find_ipv6(text)
    for run in DIGIT_RUN.finditer(text):
        if count_digits(run.group()) >= 6:
            yield from _in_digit_run(text, run.start(), run.end(), config)
        elif config.ip:
            yield from find_ipv4(text, run.start(), run.end())


def _in_digit_run(text: str, start: int, end: int, config: PiiConfig) -> Iterator[tuple[int, int, str]]:
    """Yield the matches in one run of digits; where two kinds overlap, the more certain one."""
    matches: list[tuple[int, int, str]] = []
    if config.iban:
        matches += find_ibans(text, start, end)
    if config.credit_card:
        matches += find_cards(text, start, end)
    if config.ip:
        matches += find_ipv4(text, start, end)
    if config.us_ssn:
        matches += find_ssns(text, start, end)
    if config.phone:
        matches += find_phones(text, start, end)
    if not matches:
        return
    here = min(first for first, _, _ in matches)
    taken = bytearray(max(last for _, last, _ in matches) - here)  # a mark for each character of a match
    for first, last, kind in matches:
        place = slice(first - here, last - here)
        if not any(taken[place]):
            yield first, last, kind
        taken[place] = b"\1" * (last - first)
