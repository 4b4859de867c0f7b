"""Texts that a web page should not be, for the tests of what looks at every character."""

from __future__ import annotations

import random

#: Pieces that strange texts are put together from; whole words and lines come back, so that there is repetition.
_WORDS = """
the of and to be with Cat cat DOG x9 don't U.S. e.g. 3.14 1,000 well-known naïve Straße İstanbul ŒUVRE Ǆ
{ } # ... … !! ?! . , ; : ' " “ ” ’ ( ) [12] <b> & % @ _ __init__ a_b - – — * • ● / \\ ~ = + ^ ` |
http://a.b/c?d=e www.x.org me@x.org 10km $5 C++ :) ^_^ can't I'm they're gonna 'tis cannot and/or
porn fuck Porno titten lorem ipsum javascript JavaScript privacy policy terms use cookies uses
日本語 の は を これはペンです
カタカナ ー 漢字かな混じり 中文 的 了 一。 、 「 」 東京都 無修正 한국어 그 있는
ภาษาไทย ที่ และ เป็นการ ຄົນລາວ ແລະ ភាសាខ្មែរ និង មាន မြန်မာဘာသာ သည် ကို ཀ་ཁ་
привет и не на που και Ελλάδα अहम है की বাংলা ਪੰਜਾਬੀ தமிழ் עברית של العربية من في ՀայԵրեն ქართული አማርኛ።
pаypal ＦＵＬＬ ｈａｌｆ ﾊﾝｶｸ ① ½ Ⅷ ² ٣٤ ⁇ ‼ 😀 👨‍👩‍👧 🇫🇷
é e\u0301\u0302\u0303\u0304\u0323 \u202eabc\u202c
"""
PIECES = (
    *_WORDS.split(),
    "terms of use", "we use cookies", "lorem ipsum dolor", "ERROR at line 7: cannot open file ", "free sex", "www.",
    "\n", "\n\n", "\n \n", "\r\n", "\r", "\t", "  ", " ", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029",
    "\xa0", "\u200b", "\u200d", "\xad", "\ufeff", "\u3000", "\u202f", "\x00", "\x01", "\x7f", "\ufffd", "\ue000",
    "\ud800", "\udfff", "\ud83d", "\U0010ffff", "\U000e0041", "\U00020000", "\u0301", "\u0e33", "\u17d2", "\u1039",
)  # fmt: skip
LANGUAGES = ("en", "de", "fr", "ru", "ar", "ja", "zh", "th", "lo", "km", "my", "ko", "hi", "xx", "")


def strange_text(rng: random.Random, longest: int = 60) -> str:
    """A text of up to ``longest`` pieces, out of a few that come back or out of all, with or without spaces."""
    pieces = rng.choices(PIECES, k=rng.choice((1, 2, 3, 5, 20))) if rng.random() < 0.6 else PIECES
    n = rng.randrange(longest)
    kind = rng.randrange(5)
    if kind == 0:
        return "".join(
            chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000)))) for _ in range(n)
        )
    if kind == 1:
        lines = [" ".join(rng.choices(pieces, k=rng.randrange(12))) for _ in range(rng.choice((1, 2, 4)))]
        return rng.choice(("\n", "\n\n", "\r\n")).join(rng.choices(lines, k=rng.randrange(1, 12)))
    if kind == 2:
        return rng.choice(("", " ", "\n")).join([" ".join(rng.choices(pieces, k=3))] * rng.randrange(1, 15))
    return rng.choice((" ", "", "\n")).join(rng.choices(pieces, k=n))
