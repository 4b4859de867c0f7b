"""Bytes to text: which charset a page is in, whatever it says, and its text.

>>> decode("Käse".encode("utf-8"))
('Käse', 'utf-8')
>>> decode('<meta charset="shift_jis">日本'.encode("cp932"))
('<meta charset="shift_jis">日本', 'cp932')
"""

from __future__ import annotations

import codecs
import re

META_BYTES = 8192  # browsers look at 1,024 for a declaration; pages put it behind scripts all the same
# Browsers read these names as larger sets (encoding.spec.whatwg.org) than Python's codecs of the name do.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@B]|\([BJ])")


def known_charset(label: str) -> str:
    """Return Python's codec for a charset's name as browsers understand it, or "" for none.

    >>> known_charset("ISO-8859-1"), known_charset("x-sjis"), known_charset("rot13")
    ('cp1252', 'cp932', '')
    """
    from resiliparse.parse.encoding import map_encoding_to_html5

    label = label.strip().strip("\"'").lower()
    found = map_encoding_to_html5(label, fallback_utf8=False) or map_encoding_to_html5(
        re.sub(r"^(?:cp|win)[-_]?(?=125\d)", "windows-", label.replace("_", "-")), fallback_utf8=False
    )
    if not found:
        return ""
    try:
        name = codecs.lookup(found).name
    except LookupError:
        return ""
    return _WIDER.get(name, name)


def declared_in(content: bytes) -> str:
    """Return the codec of the charset that a page's ``<meta>`` or XML declaration names, or "".

    >>> declared_in(b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">')
    'cp1251'
    """
    for found in _META.finditer(content[:META_BYTES]):
        if name := known_charset(found.group(1).decode("ascii", "replace")):
            return "utf-8" if name.startswith("utf-16") else name  # it could not have been read as UTF-16
    return ""


def decode(content: bytes, declared: str = "") -> tuple[str, str]:
    """Decode a page; never fails.

    A byte order mark decides; else UTF-8 where the bytes are valid UTF-8, whatever was declared; else the declaration
    of the HTTP header, that of the page, and detection, the first that fits the bytes.

    Args:
        content: the bytes of a page or text.
        declared: charset of the HTTP header, "" if it has none.

    Returns:
        The text, bytes that cannot be decoded as U+FFFD, and the name of Python's codec.

    >>> decode("Привет, мир".encode("cp1251"), "windows-1251")
    ('Привет, мир', 'cp1251')
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace"), name
    if _ISO_2022_JP.search(content):
        text = content.decode("iso2022_jp", "replace")
        if text.count("\ufffd") <= len(text) // 100:
            return text, "iso2022_jp"
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    for label in (known_charset(declared), declared_in(content)):
        if label:
            text = content.decode(label, "replace")
            if text.count("\ufffd") <= len(text) // 200:
                return text, label
    return _detected(content)


def _detected(content: bytes) -> tuple[str, str]:
    from resiliparse.parse.encoding import detect_encoding

    name = known_charset(detect_encoding(content) or "") or "cp1252"
    return content.decode(name, "replace"), name
