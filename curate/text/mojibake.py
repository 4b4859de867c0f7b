"""Repair text that was encoded twice: UTF-8 whose bytes were read as Windows-1252 and encoded again.

>>> repair_mojibake("The cafÃ© isnâ€™t open â€“ itâ€™s late.")
'The café isn’t open – it’s late.'
>>> repair_mojibake("The café isn’t open – it’s late. «Où ?» «Là-bas…»")
'The café isn’t open – it’s late. «Où ?» «Là-bas…»'
"""

from __future__ import annotations

import re

# curate's own values. A text that was encoded twice has no other characters of Windows-1252 than those of its
# sequences; pages are put together from pieces, so a line decides, but only in a text that has this many sequences.
MIN_SEQUENCES = 3
#: Most other characters above 127 in a line that is repaired, as a share of those in sequences: white space and marks
#: that a program added or lost after the damage was done.
MAX_OTHERS = 0.1
#: How often a text may have been encoded.
MAX_ROUNDS = 3

# Windows-1252's characters of 0x80 to 0x9F; the five bytes without one stay control characters, as browsers read them.
_BYTES = {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0xA0)}
_LOW = "\x80-\x9f" + "".join(_BYTES)
_CONTINUATION = f"[{_LOW}\xa0-\xbf]"
_SEQUENCE = (
    f"[\xc2-\xdf]{_CONTINUATION}|[\xe1-\xec\xee\xef]{_CONTINUATION}{{2}}|\xe0[\xa0-\xbf]{_CONTINUATION}"
    f"|\xed[{_LOW}]{_CONTINUATION}|[\xf0-\xf4]{_CONTINUATION}{{3}}"
)
# Sequences whose last byte programs lose: Windows-1252 has no character for that of ” (the only usual mark of its
# block), and that of "à" and of the no-break space is itself a no-break space, which becomes a space or goes.
_CUT = {"\xe2\u20ac": "”", "\xc3": "à", "\xc2": ""}
_LOST = f"\xe2\u20ac(?!{_CONTINUATION})|(?<![A-Z])[\xc2\xc3](?![^ \n])"
_RUN = re.compile(f"(?:{_SEQUENCE}|{_LOST})+")
_PART = re.compile(f"({_SEQUENCE})|{_LOST}")
_HIGH = re.compile("[\x80-\xff" + "".join(_BYTES) + "]")
# What people write themselves: "É…", "ß“", "é »" (with a no-break space).
_NATURAL = re.compile("[\xc2\xc3]|[\xc2-\xf4][\xa0\xab\xb7\xbb‘’‚“”„…–—‹›]{1,2}|\xdf.|.\xa0\xbb")
_LINE = re.compile(r"[^\n<>]+")
_LEADS = re.compile(f"[\xc2-\xf4]{_CONTINUATION}")


def repair_mojibake(text: str) -> str:
    """Return a text with double-encoded UTF-8 decoded, or unchanged if it is not surely such a text.

    A line (or the text between two tags) is repaired if its characters above 127 are nearly all in sequences that are
    the bytes of UTF-8 characters read as Windows-1252. The text must have `MIN_SEQUENCES` that people do not write
    themselves, and most must touch a letter or another sequence or be of four bytes (emoji), which those that an
    article about such damage quotes hardly are. Text that was encoded more often is repaired in turns.

    Args:
        text: any text or HTML.

    Returns:
        The repaired text, or the same object. Takes time linear in the length.

    >>> repair_mojibake(repair_mojibake("Ð¡Ð°Ð¼Ð¾Ð²Ð°Ñ€ Ð¸ Ñ‡Ð°Ð¹"))
    'Самовар и чай'
    >>> repair_mojibake("An é becomes Ã©, an è becomes Ã¨ and a ’ becomes â€™ in such a file.")
    'An é becomes Ã©, an è becomes Ã¨ and a ’ becomes â€™ in such a file.'
    """
    least = MIN_SEQUENCES
    for _ in range(MAX_ROUNDS):
        repaired = _repair_once(text, least)
        if repaired == text:
            break
        text, least = repaired, 1
    return text


def _repair_once(text: str, least: int) -> str:
    """Repair one level; ``least`` is 1 for a text that has been repaired before, which is not one about such damage."""
    if text.isascii() or not _LEADS.search(text):
        return text
    sequences = attached = all_inside = all_others = 0
    lines, sure = [], []
    for line in _LINE.finditer(text):
        if line[0].isascii():
            continue
        inside = unnatural = 0
        for run in _RUN.finditer(line[0]):
            inside += len(run[0])
            parts = [part[0] for part in _PART.finditer(run[0]) if not _NATURAL.fullmatch(part[0])]
            unnatural += len(parts)
            touches = len(run[0]) > 3 or _touches_letter(line[0], run.start(), run.end())
            attached += len(parts) * touches
        sequences += unnatural
        others = len(_HIGH.findall(line[0])) - inside
        all_inside += inside
        all_others += others
        if inside and others <= MAX_OTHERS * inside:
            lines.append(line.span())
            if unnatural:
                sure.append(line.span())
    if all_others > MAX_OTHERS * all_inside:  # only parts of the text were encoded twice
        lines = sure
    if not sure or sequences < least or (least > 1 and 2 * attached < sequences):
        return text
    pieces, done = [], 0
    for start, stop in lines:
        pieces += [text[done:start], _PART.sub(_decoded, text[start:stop])]
        done = stop
    return "".join([*pieces, text[done:]])


def _touches_letter(line: str, start: int, stop: int) -> bool:
    return (start > 0 and line[start - 1].isalnum()) or line[stop : stop + 1].isalnum()


def _decoded(part: re.Match[str]) -> str:
    if not part[1]:
        return _CUT[part[0]]
    try:
        return bytes(_BYTES.get(c, ord(c)) for c in part[1]).decode()
    except UnicodeDecodeError:  # an overlong form of four bytes, or beyond Unicode
        return part[0]
