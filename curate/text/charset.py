"""Decode bytes to text: find the charset of a page, whatever it declares.

>>> decode("Käse".encode("utf-8"))
('Käse', 'utf-8')
>>> decode('<meta charset="shift_jis">日本'.encode("cp932"))
('<meta charset="shift_jis">日本', 'cp932')
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from contextlib import suppress

META_BYTES = 8192  # browsers search 1,024 for a declaration, but many pages put it after their scripts
# Browsers read these names as larger sets (encoding.spec.whatwg.org) than Python's codecs of the same name.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# Codecs of the Encoding Standard with names in Python that the standard does not have but pages use, such as "euckr".
_WEB = {"iso8859-1", "big5", "euc_jp", "euc_kr", "gb2312", "gbk", "shift_jis", "tis-620", "mac-cyrillic"} | {
    "koi8-r", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15", "ascii", "utf-8",
}  # fmt: skip
# Share of undecodable characters of EUC-JP up to which they are looked up one by one, which takes a microsecond each.
# curate's own value: such characters are rare, and a page with more has another charset.
MAX_ADDED = 0.1
EUC_OF_WINDOWS = "curate.euc_of_windows"  # name of the error handler
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes searched for the zeros of UTF-16 without a byte order mark. curate's own value: half the bytes of the markup
# at the start of such a page are zeros.
ZEROS_BYTES = 4096
# Share of undecodable characters. curate's own value: a wrong multi-byte charset gives far more, a page cut short
# only one.
MAX_DAMAGE = 0.005
# Codecs that the detector reports but that pages hardly ever use, or that a larger one contains.
_LIKELIER = {
    "ascii": "cp1252",
    "utf-8": "cp1252",  # bytes that are not UTF-8, and too few to tell what they are
    "koi8-r": "koi8-u",
    "iso8859-3": "cp1252",
    "iso8859-10": "cp1252",
    "iso8859-15": "cp1252",
    "iso8859-13": "cp1257",
    "iso8859-16": "cp1250",
}
_LATIN = {
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1254",
    "cp1257",
    "iso8859-15",
    "iso8859-13",
    "iso8859-16",
    "iso8859-3",
} | {
    "iso8859-4",
    "iso8859-10",
    "iso8859-14",
    "mac-roman",
    "cp1258",
}
_LATIN_LANGUAGES = {
    ("cp1252", "mac-roman"): ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "ca", "af", "id", "ms"),
    ("cp1250", "iso8859-2"): ("pl", "cs", "sk", "sl", "hr", "hu", "ro"),
    ("cp1257", "cp1252"): ("et", "lv", "lt"),
    ("cp1254",): ("tr",),
    ("cp1258",): ("vi",),
}
# Bytes that the language is detected from. curate's own value: some ten thousand words, far more than needed.
LANGUAGE_BYTES = 65536
# curate's own value: fewer can be chance, because "a", "de" and "no" are words of many languages.
MIN_STOP_WORDS = 5
# A page with this many whole multi-byte characters per broken one is damaged UTF-8. curate's own value: in another
# charset, bytes above 127 seldom form a whole one.
WHOLE_PER_BROKEN = 10
_ASCII_WORD = re.compile(rb"[a-z\x80-\xff]+")
_HIGH = bytes(range(128, 256))
_LONG_RUN = re.compile(rb"[\x80-\xff]{4,}")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_META = re.compile(
    rb"<(?:meta|\?xml)\b[^>]{0,500}?(?:charset|encoding)\s*+=\s*+[\"']?\s*+([\w.:-]{2,40})", re.IGNORECASE
)
_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@B]|\([BJ])")


def _euc_of_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode the characters of EUC-JP that Windows added, such as circled digits, as the error handler of a decoder.

    Browsers read EUC-JP with the characters of Shift_JIS (encoding.spec.whatwg.org, index jis0208); Python's codec has
    those of the standard alone. Two bytes are one character in either, by row and cell.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if len(pair) == 2 and min(pair) > 0xA0 and max(pair) < 0xFF:
        row, cell = pair[0] - 0xA1, pair[1] - 0xA1
        lead, trail = row // 2 + (0x81 if row < 62 else 0xC1), cell + (0x9F if row % 2 else 0x40 + (cell > 62))
        with suppress(UnicodeDecodeError):
            return bytes((lead, trail)).decode("cp932"), error.start + 2
    return "\ufffd", error.end


codecs.register_error(EUC_OF_WINDOWS, _euc_of_windows)


def _text(content: bytes, name: str) -> str:
    """Decode bytes by a codec, with U+FFFD for what cannot be decoded."""
    text = content.decode(name, "replace")
    if name == "euc_jp" and 0 < _damage(text) < MAX_ADDED:
        text = content.decode(name, EUC_OF_WINDOWS)
    return text


def known_charset(label: str) -> str:
    """Return Python's codec for a charset's name as browsers understand it, or "" if there is none.

    >>> known_charset("ISO-8859-1"), known_charset("x-sjis"), known_charset("rot13")
    ('cp1252', 'cp932', '')
    """
    from resiliparse.parse.encoding import map_encoding_to_html5

    label = label.strip().strip("\"'").lower()
    hyphens = label.replace("_", "-")  # the standard has names with an underscore, and pages write more of them
    charset = map_encoding_to_html5(label, fallback_utf8=False) or map_encoding_to_html5(hyphens, fallback_utf8=False)
    if not charset and (number := re.fullmatch(r"(?:cp|ms|win|windows)-?(\d{3,4})", hyphens)):
        charset = f"cp{number.group(1)}"
    try:
        name = codecs.lookup(charset or hyphens.removeprefix("x-")).name
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name) if charset or name in _WEB else ""


def declared_in(content: bytes) -> str:
    """Return the codec of the charset that a page's ``<meta>`` or XML declaration names, or "".

    >>> declared_in(b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">')
    'cp1251'
    """
    for declaration in _META.finditer(content[:META_BYTES]):
        if name := known_charset(declaration.group(1).decode("ascii", "replace")):
            return "utf-8" if name.startswith("utf-16") else name  # in UTF-16 the pattern would not have matched
    return ""


def as_text(content: str | bytes) -> str:
    """Return text unchanged and decode bytes: every public function takes both.

    Raises:
        TypeError: the content is neither, such as the None of an empty cell.

    >>> as_text("Käse"), as_text("Käse".encode())
    ('Käse', 'Käse')
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, bytes):
        raise TypeError(f"a text is str or bytes, not {type(content).__name__}")
    return decode(content)[0]


def decode(content: bytes, declared: str = "") -> tuple[str, str]:
    """Decode a page; never fails.

    A byte order mark decides. Otherwise the charset is UTF-8 if the bytes are, whatever was declared, and otherwise the
    first of these that fits the bytes: the charset in the HTTP header, the one in the page, and the detected one. A
    Latin charset in the header, often a default that nobody chose, comes after that of the page. A Latin declaration is
    ignored if most bytes above 127 are in long runs, which Latin text does not have.

    Args:
        content: the bytes of a page or text.
        declared: charset of the HTTP header, "" if it has none.

    Returns:
        The text, with U+FFFD for bytes that cannot be decoded, and the name of Python's codec.

    >>> decode("Привет, мир".encode("cp1251"), "ISO-8859-1")
    ('Привет, мир', 'cp1251')
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace"), name
    zeros = content[:ZEROS_BYTES].count(0)
    if zeros * 4 > len(content[:ZEROS_BYTES]):
        name = "utf-16-le" if content[1:ZEROS_BYTES:2].count(0) * 2 > zeros else "utf-16-be"
        return content.decode(name, "replace"), name
    if _ISO_2022_JP.search(content):
        text = content.decode("iso2022_jp", "replace")
        if _damage(text) < MAX_DAMAGE:
            return text, "iso2022_jp"
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd") - content.count(b"\xef\xbf\xbd")
    if bad == 0 or _multibyte(content) >= WHOLE_PER_BROKEN * bad:
        return text, "utf-8"
    first, second = known_charset(declared), declared_in(content)
    if first in _LATIN and second:
        first, second = second, first
    latin = _is_latin(content)
    for name in (first, second):
        if name and (latin or name not in _LATIN):
            text = _text(content, name)
            if _damage(text) < MAX_DAMAGE:
                return text, name
    name = _detect(content)
    if name in _LATIN and not latin and (first or second):
        name = first or second
    return _text(content, name), name


def _damage(text: str) -> float:
    """Return the share of characters that could not be decoded."""
    return text.count("\ufffd") / max(len(text), 1)


def _multibyte(content: bytes) -> int:
    """Count the well-formed UTF-8 characters of more than one byte."""
    return len(_MULTIBYTE.findall(content))


def _is_latin(content: bytes) -> bool:
    """Say whether most bytes above 127 are alone or in short runs, as letters with accents are."""
    long_runs = sum(map(len, _LONG_RUN.findall(content)))
    return 2 * long_runs <= len(content) - len(content.translate(None, _HIGH))


def _detect(content: bytes) -> str:
    """Guess the charset from the bytes with resiliparse's detector, then choose the likeliest of its family."""
    from resiliparse.parse.encoding import detect_encoding

    detected = detect_encoding(content, html5_compatible=False) or ""
    try:
        name = codecs.lookup(detected).name
    except LookupError:
        return "cp1252"
    name = _LIKELIER.get(name, _WIDER.get(name, name))
    return _latin_charset(content, name) if name in _LATIN else name


def _latin_charset(content: bytes, detected: str) -> str:
    """Choose among the Latin charsets by the language, whose most frequent words mostly have no accents."""
    from curate.text.words import stop_words

    if content.decode(detected, "replace") == content.decode("cp1252", "replace"):
        return "cp1252"
    words = Counter(_ASCII_WORD.findall(content[:LANGUAGE_BYTES].lower()))
    hits = {
        language: sum(words[word.encode()] for word in stop_words(language) if word.isascii())
        for languages in _LATIN_LANGUAGES.values()
        for language in languages
    }
    language = max(sorted(hits), key=hits.__getitem__)
    fits = next(names for names, languages in _LATIN_LANGUAGES.items() if language in languages)
    if detected in fits or hits[language] < MIN_STOP_WORDS:
        return detected
    own = next((languages for names, languages in _LATIN_LANGUAGES.items() if detected in names), ())
    return detected if 2 * max((hits[language] for language in own), default=0) > hits[language] else fits[0]
