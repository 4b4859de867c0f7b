"""Find phone numbers in a text."""

from __future__ import annotations

import re

from curate.filters.pii_digits import BEYOND, TOUCHING, begin_in, count_digits

_GAP = r"[ .\-/\u2013]"
_EXTENSION = r"(?:[ ,]{0,2}(?i:ext\.?|x)[ ]?[0-9]{1,6})?"
_END = rf"(?!{TOUCHING}|[/=]|[\-.,:][0-9])"
# The country codes of ITU-T E.164, except for 1 and 7.
_COUNTRY = (
    r"(?:2(?:[07]|1[12368]|[2346][0-9]|5[0-8]|9[01789])|3(?:[0-469]|[57][0-9]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|[09][0-9])|6(?:[0-6]|7[02-9]|8[0-9]|9[0-2])|8(?:[1246]|0[08]|5[02356]|7[08]|8[0-368])"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68]))"
)
# A plus and a country code mark a phone number. North America and Russia always have ten digits after it.
_PHONE_PLUS = re.compile(
    rf"(?<!{TOUCHING})(?<![+/])\+(?:\(?[17]\)?(?:{_GAP}{{0,2}}\(?[0-9]\)?){{10}}"
    rf"|\(?{_COUNTRY}\)?(?:{_GAP}?\([0-9]{{1,5}}\))?(?:{_GAP}{{0,2}}[0-9]){{4,13}}){_EXTENSION}{_END}"
)
# The usual form in North America: area code and exchange, which begin with 2 to 9, and four digits. With spaces alone
# it looks like three numbers, so no number may be next to it and the codes must be valid.
_PHONE_AMERICA = re.compile(
    rf"(?<!{TOUCHING})(?<![.\-+/=#])"
    r"(?:(?:\+|00)?1[ .\-\u2013])?"
    r"(?:(?:\([2-9][0-9]{2}\)[ .\-]{0,2}|[2-9][0-9]{2}[.\-/\u2013])"
    r"[2-9][0-9]{2}[ .\-\u2013][0-9]{4}"
    r"|(?<![02-9][ ])(?<![0-9]1[ ])[2-9](?!11)[0-8][0-9][ ][2-9](?!11)[0-9]{2}[ ][0-9]{4}"
    rf"(?![ ][0-9])){_EXTENSION}{_END}"
)
# The area code in parentheses, or after Russia's trunk prefix 8, and digits grouped as in Brazil (but not a range of
# pages or years) and in Russia: "(11) 91234-5678", "8 (495) 123-45-67", "8-495-123-45-67"; and
# the service numbers of China, "400-123-4567".
_PHONE_AREA = re.compile(
    rf"(?<!{TOUCHING})(?<![.,\-+/=#])(?<![0-9][ ])"
    r"(?:\([1-9]{2}\)[ ]?(?:9[0-9]{4}|(?!([0-9]{2})[0-9]{2}-\1)[2-9][0-9]{3})-[0-9]{4}"
    r"|(?:8[ \-]?)?(?:\([3489][0-9]{2}\)[ \-]?[0-9]{3}|\([3489][0-9]{3}\)[ \-]?[0-9]{2})"
    r"([ \-])[0-9]{2}\2[0-9]{2}"
    r"|[48]00-[0-9]{3,4}-[0-9]{3,4}"
    rf"|8[ \-][3489][0-9]{{2}}[ \-][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}){_END}(?![ ][0-9])"
)
# The trunk or international prefix 0 and grouped digits: "020 7946 0958", "01 23 45 67 89", "(030) 1234-567".
_PHONE_ZERO = re.compile(
    rf"(?<!{TOUCHING})(?<![.,\-+/=#])(?<![0-9][ ])(?<![0-9]:)"
    r"\(?00?[1-9][0-9]{0,3}\)?"
    rf"(?:{_GAP}[0-9]{{2,8}}){{1,5}}{_EXTENSION}{_END}(?![ ][0-9])"
)
# The international prefix 00, a country code and grouped digits: "0033 1 23 45 67 89", "0044 (0)20 7946 0958".
_PHONE_DOUBLE_ZERO = re.compile(
    rf"(?<!{TOUCHING})(?<![.,\-+/=#])(?<![0-9][ ])(?<![0-9]:)\(?00{_COUNTRY}\)?(?:{_GAP}?\([0-9]{{1,5}}\))?"
    rf"(?:{_GAP}{{0,2}}[0-9]{{1,9}}){{1,6}}{_EXTENSION}{_END}(?![ ][0-9])"
)
_DAY_OR_MONTH = r"(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = r"(?:19|20)[0-9]{2}"
_ISO_DATE = re.compile(rf"{_YEAR}[./\-]{_DAY_OR_MONTH}[./\-]{_DAY_OR_MONTH}(?![0-9])")
# Other meanings of a number that only its place or grouping makes a phone number: dates, years, thousands, decimal
# fractions, "24/7".
_NO_PHONE = re.compile(
    rf"\(?(?:{_DAY_OR_MONTH}([./\-]){_DAY_OR_MONTH}\1(?:[0-9]{{4}}|[0-9]{{2}})(?!\1?[0-9])"
    rf"|{_DAY_OR_MONTH}([./\- ]){_DAY_OR_MONTH}\2{_YEAR}(?![0-9])"
    rf"|{_ISO_DATE.pattern}|{_YEAR}{_GAP}{{1,3}}{_YEAR}(?![0-9])"
    r"|[0-9]{1,2}\.[0-9]{1,2}[ \-/\u2013]{1,3}\(?[0-9]{1,2}\.[0-9]{1,2}(?![0-9])"
    r"|[1-9][0-9]{0,2}(?:[ .]000)+(?![ ./\-]?[0-9])|[0-9]\.[0-9]{4,}(?![ .\-]?[0-9])"
    r"|24/7(?![0-9]))"
)
# A post code with a house number or a second half looks like an area code and a number, and so does a social security
# number.
_POST_CODE_OR_SSN = re.compile(r"[0-9]{5}[ \-][0-9]{1,4}|[0-9]{3}([.\-])[0-9]{2}\1[0-9]{4}")
# Words that announce a phone number in any other form.
_PHONE_WORD = re.compile(
    r"(?i:(?:(?<![^\W_])(?:tel|phones?|telephone|mobile|mob|cell|fax|call|dial|hotline|whatsapp|text|sms|ph|"
    r"t[ée]l[ée]phone|tél|tel[ée]fono|telefone|telefon|telefoon|telp|telepon|tlf|tfn|gsm|faks|celular|m[óo]vil|mobiel|"
    r"mobil|handy|rufnummer|puhelin|điện thoại|đt|sđt|τηλ|τηλέφωνο|κινητό|тел|телефон|факс|моб|мобильный|"
    r"(?:ال)?(?:هاتف|جوال|موبايل|تليفون|تلفون|فاكس)|تلفن|موبایل|טלפון|נייד|फ़ोन|फोन|मोबाइल)"
    r"|電話番号|電話|电话|电话号码|手机|手机号|手機|手機號碼|传真|傳真|热线|熱線|拨打|撥打|致电|致電|携帯|전화|전화번호|휴대폰|핸드폰|연락처|โทร|โทรศัพท์)"
    r"(?:[ ](?:no|number|nr|num|nummer|us|me|him|her|them|toll[ -]free)(?![^\W_]))?(?:[ ](?:at|on|is))?"
    r"(?:[号號]码|號碼|番号|번호)?(?:是|为|為|は|는|은)?)"
    r"[\s.:：#=–-]{0,4}\(?\Z"
)
_PHONE_ANY = re.compile(rf"\(?[0-9](?:[()]?{_GAP}{{0,2}}[()]?[0-9]){{5,14}}{_EXTENSION}{_END}")


def find_phones(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Return start, end and kind of each phone number that begins in a run of digits or shortly before it."""
    before = text[max(0, start - 28) : start]
    limit = end + BEYOND
    if "+" in before[-2:]:
        plus = before.rindex("+")
        match = _PHONE_PLUS.match(text, start - len(before) + plus, limit)
        if before[:plus].endswith("=") and not _PHONE_WORD.search(before[:plus]):
            match = None  # a sum, or a part of a URL
        if match and _is_international(match.group()):
            return [(*match.span(), "phone")]
    first = start - 1 if before.endswith("(") else start
    grouped = _PHONE_AREA if _PHONE_AREA.match(text, first, limit) else _PHONE_AMERICA
    matches = begin_in(grouped, text, first, end)
    if not matches:
        matches = [m for m in begin_in(_PHONE_DOUBLE_ZERO, text, first, end) if _is_double_zero_phone(m.group())]
    if not matches:
        matches = [match for match in begin_in(_PHONE_ZERO, text, first, end) if _is_zero_phone(match.group())]
    if not matches and _PHONE_WORD.search(before):
        match = _PHONE_ANY.match(text, first, limit)
        matches = [match] if match and not _NO_PHONE.match(match.group()) else []
    return [(*match.span(), "phone") for match in matches]


def _is_zero_phone(number: str) -> bool:
    digits = count_digits(number)
    least = 11 if number.lstrip("(").startswith("00") else 9  # 00 begins an international number
    groups = re.findall("[0-9]+", number)
    # Lottery numbers, times, a list: groups of the same length, in increasing order.
    is_list = len(groups) >= 4 and len({*map(len, groups)}) == 1 and groups == sorted({*groups}) and groups[-1] < "6"
    is_other = is_list or _NO_PHONE.match(number) or _POST_CODE_OR_SSN.fullmatch(number)
    return least <= digits <= 14 and not is_other


def _is_double_zero_phone(number: str) -> bool:
    groups = re.findall("[0-9]+", re.split(r"[x,e]", number, maxsplit=1)[0])
    # Without groups it may be any number with zeros before it; groups of one length are the words of a memory dump.
    return len({*map(len, groups)}) > 1 and 9 <= sum(map(len, groups)) - 2 <= 15


def _is_international(number: str) -> bool:
    digits = count_digits(re.split(r"[x,e]", number, maxsplit=1)[0])
    return 7 <= digits <= 15 and not _ISO_DATE.match(number, 1)  # the shortest numbers have seven in all (Niue)
