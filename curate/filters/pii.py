"""Replace personal data in text: e-mail addresses, phone numbers, IP addresses, bank and card numbers.

>>> scrub_pii("Write to ann@example.org or call +1 212-555-0142.").text
'Write to <EMAIL> or call <PHONE>.'
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from curate.document import Edit
from curate.text.charset import as_text

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

    E-mail, phone and public IP are what dolma and FineWeb replace; IBAN and card numbers prove themselves by a
    checksum. US social security numbers have none and look like many other numbers: only on request.
    """

    email: bool = True
    phone: bool = True
    ip: bool = True
    iban: bool = True
    credit_card: bool = True
    us_ssn: bool = False


def scrub_pii(text: str | bytes, config: PiiConfig = PiiConfig()) -> Edit:
    """Replace personal data by fixed placeholders.

    Args:
        text: any text.
        config: which kinds.

    Returns:
        The text with ``<EMAIL>``, ``<PHONE>``, ``<IP>``, ``<IBAN>``, ``<CREDIT_CARD>``, ``<SSN>`` where something was
        found, and how many of each kind (``email``, ``phone``, ``ip``, ``iban``, ``credit_card``, ``us_ssn``).

    A phone number is one with a plus and a country code, one written as in North America, Brazil or Russia, one of nine
    to fourteen grouped digits that begins with 0, or any after a word such as "Tel" (in some twenty languages). Private
    addresses, version numbers, file names, dates, ISBNs and prices stay.

    >>> scrub_pii("Version 1.2.3.4.5 of 2021-03-04 at 192.168.0.1, price 1,234,567.00").counts
    {}
    """
    text = as_text(text)
    return scrub_part(text, 0, len(text), config)[0]


#: Characters that one find takes at most, with those that may not follow it: an e-mail address of 64 characters before
#: the at sign, 8 labels of 64 and a last one of 63 behind it. Every other pattern is shorter.
REACH = 650


def scrub_part(text: str, start: int, stop: int, config: PiiConfig = PiiConfig()) -> tuple[Edit, int]:
    """Replace what begins in a part of a text and may end behind it.

    So a part that is cut out of a text shows no half of an address that the cut goes through, and a value is seen with
    the word before it. What follows the part matters for `REACH` characters.

    Args:
        text: the part with what stands around it.
        start: of the part, in characters.
        stop: of the part.
        config: which kinds.

    Returns:
        The part as `scrub_pii` returns a text, and where it ends in ``text``: at ``stop``, or where the find that lies
        across it ends.

    >>> scrub_part("Ask ann@example.org today", 0, 8)
    (Edit(text='Ask <EMAIL>', counts={'email': 1}), 19)
    """
    counts: dict[str, int] = {}
    pieces: list[str] = []
    done = start
    for first, last, kind in sorted(_find(text, config)):
        if first >= stop:
            break
        if first < done:  # an earlier find covers this one
            continue
        pieces += [text[done:first], PLACEHOLDERS[kind]]
        counts[kind] = counts.get(kind, 0) + 1
        done = last
    end = max(stop, done)
    pieces.append(text[done:end])
    return Edit("".join(pieces), counts), end


def _find(text: str, config: PiiConfig) -> Iterator[tuple[int, int, str]]:
    """Everything to replace: start, end, kind.

    Nearly every text has little of it, so the whole text is only searched for what each kind cannot do without (an at
    sign, a pair of colons, a run of digits); the exact patterns are then tried around that place.
    """
    if config.email:
        yield from _emails(text)
    if not text.isascii() and _OTHER_DIGITS.search(text):
        text = text.translate(_TO_ASCII_DIGITS)  # one character for one, so that places stay the same
    if config.ip:
        yield from _ipv6(text)
    for run in _DIGIT_RUN.finditer(text):
        if _count_digits(run.group()) >= 6:
            yield from _in_digit_run(text, run.start(), run.end(), config)
        elif config.ip:
            yield from _ipv4(text, run.start(), run.end())


# Digits of Arabic, Persian, Devanagari, Bengali and fullwidth writing.
_ZEROS = "\u0660\u06f0\u0966\u09e6\uff10"
_OTHER_DIGITS = re.compile("[" + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _ZEROS) + "]")
_TO_ASCII_DIGITS = {ord(zero) + value: str(value) for zero in _ZEROS for value in range(10)}

# An address as people write it (RFC 5322 dot-atom), with the lengths of RFC 5321, section 4.5.3.1. One in Latin letters
# ends where other letters begin, for Chinese and its like put no space around it; else it may have any (RFC 6531). One
# in small letters also ends where a sentence begins without a space ("ann@example.org.We").
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_LOCAL_PARTS = [
    re.compile(rf"(?<![{letters}.%+\-])[{letters}%+\-](?:[{letters}.%+'\-]{{0,62}}[{letters}%+\-])?\Z")
    for letters in (_LATIN + "_", r"\w")
]
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?=\.[A-Z][a-z])|"
    rf"(?:[{_LATIN}](?:[{_LATIN}_\-]{{0,61}}[{_LATIN}])?\.){{1,8}}(?:xn--[a-z0-9\-]{{1,58}}[a-z0-9]|[A-Za-z]{{2,24}})"
    rf"(?![{_LATIN}_@])"
    r"|(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@])"
)
# Endings of file names ("logo@2x.png", "vue@3.js"); none is a top-level domain.
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|bmp|ico|tiff?|avif|heic|psd|pdf|docx?|xlsx?|csv|txt|log|html?|php|css|m?js|jsx|tsx?"
    r"|json|xml|tgz|gz|tar|rar|jar|exe|dll|ttf|woff|wav|avi|mpe?g)\Z",
    re.IGNORECASE,
)


def _emails(text: str) -> Iterator[tuple[int, int, str]]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        if domain and not _FILE.search(domain.group()):
            first = max(0, at - 65)
            latin, other = _LOCAL_PARTS
            local = latin.search(text[first:at]) or other.search(text[first:at])
            if local:
                yield first + local.start(), domain.end(), "email"
        at = text.find("@", at + 1)


_TWO_COLONS = re.compile(r":(?:[0-9A-Fa-f]{1,4})?:")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)[0-9.]{7,15})?(?![\w:]|\.[0-9])")


def _ipv6(text: str) -> Iterator[tuple[int, int, str]]:
    done = 0
    for colons in _TWO_COLONS.finditer(text):
        if colons.start() < done:
            continue
        # An address starts at most 4 digits before its first colon.
        match = _IPV6.search(text, max(0, colons.start() - 4), colons.end() + 40)
        if match:
            done = match.end()
            if _is_public_ipv6(match.group()):
                yield match.start(), match.end(), "ip"


def _is_public_ipv6(address: str) -> bool:
    """Whether this is the address of a host on the Internet: global unicast, 2000::/3 (RFC 4291), or a mapped IPv4 one.

    What ends in two colons is a network, or the end of a sentence of reStructuredText ("so it will be::"); all eight
    groups written out are no accident.
    """
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return False
    if parsed.ipv4_mapped:
        return parsed.ipv4_mapped.is_global
    known = int(parsed) >> 125 == 1 and not address.endswith("::")
    return parsed.is_global and (known or "::" not in address)


# Digits with what people put between them; every other pattern lies in such a run or begins shortly before it.
_DIGIT_RUN = re.compile(r"[0-9][0-9 .()\-/\u00a0\u2009\u202f\u2010-\u2013]{5,}")


def _in_digit_run(text: str, start: int, end: int, config: PiiConfig) -> Iterator[tuple[int, int, str]]:
    """What is found in one run of digits; where two kinds overlap, the one that is more certain."""
    finds: list[tuple[int, int, str]] = []
    if config.iban:
        finds += _ibans(text, start, end)
    if config.credit_card:
        finds += ((*m.span(), "credit_card") for m in _begin_in(_CARD, text, start, end) if _is_card(m.group()))
    if config.ip:
        finds += _ipv4(text, start, end)
    if config.us_ssn:
        finds += ((*m.span(), "us_ssn") for m in _begin_in(_SSN, text, start, end))
    if config.phone:
        finds += _phones(text, start, end)
    if not finds:
        return
    here = min(first for first, _, _ in finds)
    taken = bytearray(max(last for _, last, _ in finds) - here)  # a mark for each character of a find
    for first, last, kind in finds:
        place = slice(first - here, last - here)
        if not any(taken[place]):
            yield first, last, kind
        taken[place] = b"\1" * (last - first)


_BEYOND = 16  # as far as the longest extension (", ext. 123456") and what may not follow it


def _begin_in(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[re.Match[str]]:
    """The matches that begin in this run of digits; what begins in the next one is found there."""
    return [match for match in pattern.finditer(text, start, end + _BEYOND) if match.start() < end]


_IPV4 = re.compile(r"(?<![\w.\-])(?<!(?<!/)/)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w\-]|\.[0-9])")
_ADDRESS_WORD = re.compile(
    r"(?i:(?<![^\W_])(?:ip|ipv4|ip address|addr|host|server|dns|ping|gateway|proxy|client)\W{0,4}(?:is |at )?\Z|//\Z)"
)
_VERSION_WORD = re.compile(
    r"(?i:(?:(?<![^\W_])(?:versions?|ver|v|releases?|rel|builds?|revision|rev|firmware|patch|sections?|sect?|chapter|ch|"
    r"clause|article|paragraph|appendix|versi[oó]n|versão|версия|раздел|глава)|版本|バージョン|버전|§)"
    r"(?:[ ](?:no|number|is))?[\s.:#=(\"'：-]{0,4}\Z)"
)


def _ipv4(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    if text.count(".", start, end) < 3:  # as nearly always
        return
    for match in _begin_in(_IPV4, text, start, end):
        if _is_public_ipv4(match.group(), text[max(0, match.start() - 20) : match.start()]):
            yield *match.span(), "ip"


def _is_public_ipv4(address: str, before: str) -> bool:
    """Whether this is a public address and no version or section number.

    A word before it may say that it is a version or a section. Four numbers with six digits or fewer between them need
    one that says address (8.8.8.8 and its like, which nobody gives to a version, do not): of all addresses one in 800
    is so short, and on real pages nearly all that are so short were versions and sections.
    """
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    numbers = address.split(".")
    is_long = len(address) >= 10 or (len(set(numbers)) == 1 and int(numbers[0]) > 4)
    if is_long:
        return parsed.is_global and not _VERSION_WORD.search(before)
    return parsed.is_global and _ADDRESS_WORD.search(before) is not None


# As one number, or in the groups that are printed on a card.
_CARD = re.compile(
    r"(?<![\w.\-+/=#&])(?:[1-6][0-9]{11,18}(?![\w\-/=]|[.,][0-9])|(?<![0-9][ \u00a0])[3-6][0-9]{3}([ \-])"
    r"(?:[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{6}\1[0-9]{4,5})(?!\w|\1[0-9]|[.,/=][0-9]))"
)
# Issuers by first digits, and the lengths of their numbers (ISO/IEC 7812): American Express, Diners Club, Discover and
# UnionPay, JCB, Mastercard, JCB and Maestro of old, Visa.
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


def _is_card(found: str) -> bool:
    number = "".join(c for c in found if c.isdigit())
    if not _CARD_ISSUER.fullmatch(number):
        return False
    # Luhn: with every second digit from the right doubled, the sum of all digits is a multiple of 10.
    plain = sum(int(c) for c in number[::-1][::2])
    doubled = sum(sum(divmod(2 * int(c), 10)) for c in number[::-1][1::2])
    return (plain + doubled) % 10 == 0


_GAP = r"[ .\-/\u00a0\u2009\u202f\u2010-\u2013]"
_EXTENSION = r"(?:[ ,]{0,2}(?i:ext\.?|x)[ ]?[0-9]{1,6})?"
_END = r"(?![\w/=]|[\-.,:][0-9])"
# The country codes of ITU-T E.164, but for 1 and 7.
_COUNTRY = (
    r"(?:2(?:[07]|1[12368]|[2346][0-9]|5[0-8]|9[01789])|3(?:[0-469]|[57][0-9]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|[09][0-9])|6(?:[0-6]|7[02-9]|8[0-9]|9[0-2])|8(?:[1246]|0[08]|5[02356]|7[08]|8[0-368])"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68]))"
)
# A number that says itself that it is a phone number: a plus, a country code. North America and Russia always have ten
# digits after it.
_PHONE_PLUS = re.compile(
    rf"(?<![\w+=/])\+(?:\(?[17]\)?(?:{_GAP}{{0,2}}\(?[0-9]\)?){{10}}"
    rf"|\(?{_COUNTRY}\)?(?:{_GAP}?\([0-9]{{1,5}}\))?(?:{_GAP}{{0,2}}[0-9]){{4,13}}){_EXTENSION}{_END}"
)
# North America as it is nearly always written: area code and exchange, which begin with 2 to 9, and four digits. With
# spaces alone it looks like three numbers, so none may stand beside it and the codes must be ones that are given out.
_PHONE_AMERICA = re.compile(
    r"(?<![\w.\-+/=#])(?:(?:\+|00)?1[ .\-\u2010-\u2013])?"
    r"(?:(?:\([2-9][0-9]{2}\)[ \u00a0.\-]{0,2}|[2-9][0-9]{2}[.\-/\u2010-\u2013])"
    r"[2-9][0-9]{2}[ .\-\u2010-\u2013][0-9]{4}"
    r"|(?<![02-9][ \u00a0])(?<![0-9]1[ \u00a0])[2-9](?!11)[0-8][0-9][ \u00a0][2-9](?!11)[0-9]{2}[ \u00a0][0-9]{4}"
    rf"(?![ \u00a0][0-9])){_EXTENSION}{_END}"
)
# The area code in brackets, or after the 8 that is dialled first in Russia, and digits grouped as in Brazil (but no
# range of pages or years) and in Russia: "(11) 91234-5678", "8 (495) 123-45-67", "8-495-123-45-67".
_PHONE_AREA = re.compile(
    r"(?<![\w.,\-+/=#])(?<![0-9][ \u00a0])"
    r"(?:\([1-9]{2}\)[ \u00a0]?(?:9[0-9]{4}|(?!([0-9]{2})[0-9]{2}-\1)[2-9][0-9]{3})-[0-9]{4}"
    r"|(?:8[ \u00a0\-]?)?(?:\([3489][0-9]{2}\)[ \u00a0\-]?[0-9]{3}|\([3489][0-9]{3}\)[ \u00a0\-]?[0-9]{2})"
    r"([ \-])[0-9]{2}\2[0-9]{2}"
    rf"|8[ \u00a0\-][3489][0-9]{{2}}[ \u00a0\-][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}){_END}(?![ ][0-9])"
)
# The trunk or international prefix 0 and grouped digits: "020 7946 0958", "01 23 45 67 89", "(030) 1234-567".
_PHONE_ZERO = re.compile(
    r"(?<![\w.,\-+/=#])(?<![0-9][ \u00a0])\(?00?[1-9][0-9]{0,3}\)?"
    rf"(?:{_GAP}[0-9]{{2,8}}){{1,5}}{_EXTENSION}{_END}(?![ ][0-9])"
)
_DAY_OR_MONTH = r"(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = r"(?:19|20)[0-9]{2}"
_ISO_DATE = re.compile(rf"{_YEAR}[./\-]{_DAY_OR_MONTH}[./\-]{_DAY_OR_MONTH}(?![0-9])")
# What a number that nothing but its place or grouping makes a phone number may begin with instead: dates, years,
# thousands, decimal fractions, "24/7".
_NO_PHONE = re.compile(
    rf"\(?(?:{_DAY_OR_MONTH}([./\-]){_DAY_OR_MONTH}\1(?:[0-9]{{4}}|[0-9]{{2}})(?!\1?[0-9])"
    rf"|{_DAY_OR_MONTH}([./\- ]){_DAY_OR_MONTH}\2{_YEAR}(?![0-9])"
    rf"|{_ISO_DATE.pattern}|{_YEAR}{_GAP}{{1,3}}{_YEAR}(?![0-9])"
    r"|[0-9]{1,2}\.[0-9]{1,2}[ \-/\u2010-\u2013]{1,3}[0-9]{1,2}\.[0-9]{1,2}(?![0-9])"
    r"|[1-9][0-9]{0,2}(?:[ .\u00a0\u202f]000)+(?![ ./\-]?[0-9])|[0-9]\.[0-9]{4,}(?![ .\-]?[0-9])"
    r"|24/7(?![0-9]))"
)
# Post codes, one with a house number or its own second half, look like an area code and a number; so does the number of
# a social security card.
_POST_CODE_OR_SSN = re.compile(r"[0-9]{5}[ \u00a0\-][0-9]{1,4}|[0-9]{3}([.\-])[0-9]{2}\1[0-9]{4}")
# Any other number where a word before it says that somebody answers there.
_PHONE_WORD = re.compile(
    r"(?i:(?:(?<![^\W_])(?:tel|phones?|telephone|mobile|mob|cell|fax|call|dial|hotline|whatsapp|text|sms|ph|"
    r"t[ée]l[ée]phone|tél|tel[ée]fono|telefone|telefon|telefoon|telp|telepon|tlf|tfn|gsm|faks|celular|m[óo]vil|mobiel|"
    r"mobil|handy|rufnummer|puhelin|điện thoại|đt|sđt|τηλ|τηλέφωνο|κινητό|тел|телефон|факс|моб|мобильный|"
    r"(?:ال)?(?:هاتف|جوال|موبايل|تليفون|تلفون|فاكس)|تلفن|موبایل|טלפון|נייד|फ़ोन|फोन|मोबाइल)"
    r"|電話番号|電話|电话|电话号码|手机|手机号|手機|手機號碼|传真|傳真|携帯|전화|전화번호|휴대폰|핸드폰|연락처|โทร|โทรศัพท์)"
    r"(?:[ ](?:no|number|nr|num|nummer|us|me|him|her|them|toll[ -]free)(?![^\W_]))?(?:[ ](?:at|on|is))?)"
    r"[\s.:：#=–-]{0,4}\(?\Z"
)
_PHONE_ANY = re.compile(rf"\(?[0-9](?:[()]?{_GAP}{{0,2}}[()]?[0-9]){{5,14}}{_EXTENSION}{_END}")


def _phones(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    before = text[max(0, start - 28) : start]
    limit = end + _BEYOND
    if "+" in before[-2:]:
        match = _PHONE_PLUS.match(text, start - len(before) + before.rindex("+"), limit)
        if match and _is_international(match.group()):
            return [(*match.span(), "phone")]
    first = start - 1 if before.endswith("(") else start
    grouped = _PHONE_AREA if _PHONE_AREA.match(text, first, limit) else _PHONE_AMERICA
    matches = _begin_in(grouped, text, first, end)
    if not matches:
        matches = [match for match in _begin_in(_PHONE_ZERO, text, first, end) if _is_zero_phone(match.group())]
    if not matches and _PHONE_WORD.search(before):
        match = _PHONE_ANY.match(text, first, limit)
        matches = [match] if match and not _NO_PHONE.match(match.group()) else []
    return [(*match.span(), "phone") for match in matches]


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _is_zero_phone(found: str) -> bool:
    digits = _count_digits(found)
    least = 11 if found.lstrip("(").startswith("00") else 9  # 00 begins an international number
    groups = re.findall("[0-9]+", found)
    # Numbers of a lottery, times, a list: all of one length, ever greater.
    is_list = len(groups) >= 4 and len({*map(len, groups)}) == 1 and groups == sorted({*groups}) and groups[-1] < "6"
    is_other = is_list or _NO_PHONE.match(found) or _POST_CODE_OR_SSN.fullmatch(found)
    return least <= digits <= 14 and not is_other


def _is_international(found: str) -> bool:
    digits = _count_digits(re.split(r"[x,e]", found, maxsplit=1)[0])
    return 7 <= digits <= 15 and not _ISO_DATE.match(found, 1)  # the shortest numbers have seven in all (Niue)


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
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2}|[a-z]{2})[0-9]{2}(?=[ \u00a0\-]?[A-Za-z0-9])")


def _ibans(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    # Letters of the bank may stand before the digits of the account: GB29 NWBK 6016 ...
    for match in _IBAN_START.finditer(text, max(0, start - 20), end):
        iban_end = _iban_end(text, match.start())
        if iban_end:
            yield match.start(), iban_end, "iban"


def _iban_end(text: str, start: int) -> int:
    """The end of the IBAN that starts here, or 0 if none does."""
    length = _IBAN_LENGTH.get(text[start : start + 2].upper(), 0)
    compact = ""
    at = start
    while len(compact) < length and at < len(text):
        character = text[at]
        if character.isascii() and character.isalnum():
            compact += character
        elif character not in " \u00a0-" or text[at - 1] in " \u00a0-":
            return 0
        at += 1
    if not length or len(compact) < length or (at < len(text) and text[at].isalnum()):
        return 0
    # In groups it is written in capitals; two words and a number are not it.
    if not (compact.isupper() or (compact.islower() and at - start == length)):
        return 0
    # ISO 7064: the first four characters go to the end, letters count as 10 to 35, and the number is 1 modulo 97.
    return at if int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1 else 0
