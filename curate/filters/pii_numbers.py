"""Find bank account, bank card and social security numbers in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.filters.pii_digits import TOUCHING, begin_in

# As one number, or in groups as printed on a card.
_CARD = re.compile(
    rf"(?<!{TOUCHING})(?<![.\-+/])(?:[1-6][0-9]{{11,18}}(?!{TOUCHING}|[\-/=]|[.,][0-9])"
    rf"|(?<![0-9][ ])[3-6][0-9]{{3}}([ \-])"
    rf"(?:[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}|[0-9]{{6}}\1[0-9]{{4,5}})(?!{TOUCHING}|\1[0-9]|[.,/=][0-9]))"
)
# After "=", "#" and "&" a number is an id of something, unless the name before says that it is a card's.
_CARD_NAME = re.compile(
    r"(?:card|cc|pan|visa|amex|mastercard|karte|tarjeta|carte|cart[aã]o|carta|number|num|no|nr)[\"']?\s?[=#]{1,2}\s?\Z",
    re.IGNORECASE,
)
# Issuers by first digits, and the lengths of their numbers (ISO/IEC 7812): American Express, Diners Club, Discover and
# UnionPay, JCB, Mastercard, old JCB and Maestro, Visa.
_CARD_ISSUER = re.compile(
    r"3[47][0-9]{13}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2}|62[0-9]{2})[0-9]{12,15}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|(?:2131|1800)[0-9]{11}|(?:50[123]8|5020|6304|6759|676[1-3])[0-9]{8,15}"
    r"|4[0-9]{12}(?:[0-9]{3}){0,2}"
)
_SSN = re.compile(r"(?<![\w.\-+/=#&])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w\-/]|[. ][0-9])")


def _is_card(text: str) -> bool:
    number = "".join(c for c in text if c.isdigit())
    if not _CARD_ISSUER.fullmatch(number):
        return False
    # Luhn: with every second digit from the right doubled, the sum of all digits is a multiple of 10.
    plain = sum(int(c) for c in number[::-1][::2])
    doubled = sum(sum(divmod(2 * int(c), 10)) for c in number[::-1][1::2])
    return (plain + doubled) % 10 == 0


def find_cards(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each number of a bank card that begins in a run of digits."""
    for match in begin_in(_CARD, text, start, end):
        before = text[max(0, match.start() - 16) : match.start()]
        if before.endswith(("=", "#", "&")) and not _CARD_NAME.search(before):
            continue
        if _is_card(match.group()):
            yield *match.span(), "credit_card"


def find_ssns(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each US social security number that begins in a run of digits."""
    for match in begin_in(_SSN, text, start, end):
        yield *match.span(), "us_ssn"


# Length by country: the IBAN registry of SWIFT, release 98.
_IBAN_LENGTH = {
    country: int(length)
    for country, length in re.findall(
        r"(..)(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
        "GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
        "MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28"
        "TL23TN24TR26UA29VA22VG24XK20YE30",
    )
}
_TOUCHING = re.compile(TOUCHING)
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2}|[a-z]{2})[0-9]{2}(?=[ \-]?[A-Za-z0-9])")


def find_ibans(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each IBAN that begins in a run of digits or shortly before it."""
    # Letters of the bank may precede the digits of the account: GB29 NWBK 6016 ...
    for match in _IBAN_START.finditer(text, max(0, start - 20), end):
        iban_end = _iban_end(text, match.start())
        if iban_end:
            yield match.start(), iban_end, "iban"


def _iban_end(text: str, start: int) -> int:
    """Return the end of the IBAN that starts here, or 0 if none does."""
    length = _IBAN_LENGTH.get(text[start : start + 2].upper(), 0)
    compact = ""
    at = start
    while len(compact) < length and at < len(text):
        character = text[at]
        if character.isascii() and character.isalnum():
            compact += character
        elif character not in " -" or text[at - 1] in " -":
            return 0
        at += 1
    if not length or len(compact) < length or _TOUCHING.match(text, at):
        return 0
    # An IBAN in groups is written in capitals; two words and a number are not one.
    if not (compact.isupper() or (compact.islower() and at - start == length)):
        return 0
    # ISO 7064: with the first four characters moved to the end and letters as 10 to 35, the number is 1 modulo 97.
    return at if int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1 else 0
