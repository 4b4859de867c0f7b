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


_TAGS = """
html head body title p div section article main nav ul ol li dl dt dd table thead tbody tfoot tr td th caption
form button pre h1 h6 blockquote details br hr script style textarea noscript iframe template svg select math a
img sup b em code span meta input font x-y unknown
"""
_ATTRIBUTES = "class id role itemprop style hidden aria-hidden alt href lang type x"
_VALUES = (
    "Ab" * 24, "aB" * 30, "AbAb cd e " * 5, "A" * 60, "ab " * 30, "true", "display:none", "visibility : hidden",
    "de-AT", "katex-html", "content main", "$x$", "", " ",
)  # fmt: skip
_MARKUP = (
    "<", "</", "<>", "<!", "<!--", "-->", "<!-->", "<?x", "<![CDATA[", "&amp;", "&#", "&#x41;", "&#99999999999;",
    "10<sup>6</sup>", "x<sup>2", "\0", " ", "\n", "text ", "Two words, ", "日本語。", "é",
)  # fmt: skip


def _strange_tag(rng: random.Random) -> str:
    name = rng.choice(_TAGS.split())
    if rng.random() < 0.35:
        return f"</{name}{rng.choice(('>', '>', ' >', '/>', ''))}"
    tag = "<" + name
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        value = rng.choice(_VALUES)
        form = rng.choice(("={}", "='{}'", '="{}"', " = {}", "", "='{}", '="{}'))
        tag += rng.choice((" ", "\n", "/")) + rng.choice(_ATTRIBUTES.split()) + form.format(value)
    return tag + rng.choice((">", ">", ">", "/>", "", "<"))


def strange_page(rng: random.Random, longest: int = 80) -> str:
    """HTML of up to ``longest`` pieces, out of a few that come back or out of all, often broken, perhaps cut off."""
    few = [_strange_tag(rng) for _ in range(rng.randrange(1, 4))]
    n = rng.randrange(longest)
    if rng.random() < 0.3:
        return "".join(rng.choice(few) for _ in range(n))
    parts = [_strange_tag(rng) if rng.random() < 0.6 else rng.choice((*_MARKUP, *PIECES, *few)) for _ in range(n)]
    page = "".join(parts)
    return page[: rng.randrange(len(page) + 1)] if rng.random() < 0.3 else page
