"""Texts of our own that carry each rule of each preset across its limit, from just below to just above.

A family is a text with a number in it: with ten repeated lines, with eleven. `make_golden.py` finds, for each rule, a
family and a number at which the rule begins to drop the text, and keeps both neighbours. `CURIOSITIES` are single
texts with what trips tokenisers and line splitters.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from itertools import product

PROSE = (
    "The ferry to the northern islands leaves at dawn, when the harbour is still grey and quiet.",
    "Old nets hang from every railing, and gulls argue over whatever the crews have left behind.",
    "My grandmother sold smoked herring here for thirty years with nothing but a cart and a loud voice.",
    "She taught us to read the weather by watching how low the swallows flew above the breakwater.",
    "If they skimmed the water, rain would follow before supper; nobody in town ever bet against her.",
    "Tourists began to come after the railway opened, asking for lemonade and views of the lighthouse.",
    "Most of them stayed a week, bought a painted shell, and promised to be back next summer.",
    "A few kept that promise, which is why our street has three bakeries and no blacksmith.",
    "The keeper of the light, a patient man called Osric, wrote down each passing ship in a ledger.",
    "His handwriting grew smaller as paper became expensive, until only a lens could reveal the names.",
    "Historians from the university have copied those pages and found a trade in oranges no one suspected.",
    "Captains hid the fruit under coal to avoid paying duty, then sold it along the canal by night.",
    "You can still smell citrus in the cellar of the customs house, or so the guides like to claim.",
    "Winter storms took the old pier in a single evening, leaving six posts standing like broken teeth.",
    "Children dared each other to jump between them at low tide while parents pretended not to notice.",
    "When the council voted on a replacement, half the room wanted stone and the other half wanted nothing.",
    "They settled for timber, painted green, and quarrelled about that colour for another decade.",
    "Every May the boats are dressed with flags and a brass band plays badly from the fish market roof.",
    "Visitors clap anyway because the sun is out and the beer costs less than it does inland.",
    "Later the mayor reads a list of people who never returned from sea, pausing after each family.",
    "It is a short ceremony, yet shops close for it and even dogs seem to understand.",
    "Above the cliffs runs a footpath that joins seven villages with one very long stone wall.",
    "Shepherds built it without mortar, choosing flat slabs that lock together under their own weight.",
    "Walk there in autumn and you will meet more rabbits than hikers, especially towards evening.",
    "Somewhere near the fourth stile stands an iron bench with a brass plate nobody can explain.",
    "It says only that Beatrix was right, and gives a date which falls on a Tuesday in 1911.",
    "Local theories involve a lawsuit, a lost goat, and an argument about how deep the well goes.",
    "I prefer to think she simply predicted the weather better than everyone else around.",
    "Evenings end in the reading room, where a coal fire burns and the clock runs four minutes slow.",
    "Nobody repairs it, for the last ferry waits exactly that long and always has.",
)
WORDS = " ".join(PROSE).split()

# Without any of Gopher's stop words.
PLAIN = (
    "Green lamps glow under wooden stairs while quiet singers rehearse songs about distant summers.",
    "Small engines rattle past frozen ponds, carrying letters nobody expects this late in winter.",
    "Our baker kneads rye dough before sunrise; his apprentice polishes copper pans until they shine.",
    "Seven painters share one attic room, each guarding their brushes, pigments, old rags, secrets.",
    "Rain fills every barrel along the lane, so gardeners rest beside glowing stoves all afternoon.",
)

SYLLABLES = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]


def invented(i: int, syllables: int = 3) -> str:
    """The i-th of a long series of different words."""
    out = []
    for _ in range(syllables):
        i, rest = divmod(i, len(SYLLABLES))
        out.append(SYLLABLES[rest])
    return "".join(out)


def inventions(count: int, start: int = 0, syllables: int = 3) -> list[str]:
    return [invented(start + 37 * i, syllables) for i in range(count)]


def prose(sentences: int, start: int = 0) -> str:
    return " ".join(PROSE[start : start + sentences])


def lines(*parts: str) -> str:
    return "\n".join(parts)


def spread(extra: list[str], sentences: int = 12) -> str:
    """Prose with the extra words put between its words, evenly, on one line."""
    words = prose(sentences).split()
    step = max(len(words) // (len(extra) + 1), 1)
    for i, word in enumerate(extra):
        words.insert(min((i + 1) * step + i, len(words)), word)
    return " ".join(words)


def marked_lines(mark: str, count: int, of: int = 20) -> str:
    return lines(*[(f"{mark} " if i < count else "") + PROSE[i] for i in range(of)])


def ending_lines(mark: str, count: int, of: int = 20) -> str:
    return lines(*[PROSE[i][:-1] + (mark if i < count else ".") for i in range(of)])


def repeated_parts(part: str, count: int, between: str, of: int = 10) -> str:
    return between.join([*PROSE[:of], *[part] * count])


def scattered_phrase(phrase: str, count: int, filler: int = 140) -> str:
    """A phrase that stands `count` times among words that are all different."""
    words = inventions(filler)
    step = filler // (count + 1)
    out: list[str] = []
    for i, word in enumerate(words):
        out.append(word)
        if (i + 1) % step == 0 and (i + 1) // step <= count:
            out.append(phrase)
    return "It is to be the case that " + " ".join(out) + "."


def twice(length: int, filler: int, times: int = 2, chunks: int = 2) -> str:
    """Runs of `length` words, each standing there `times` times, and other words, all different."""
    runs = [" ".join(inventions(length, 5000 + 997 * i)) for i in range(chunks)]
    rest = iter(inventions(filler + 400, 11))
    out = ["It is to be the case that"]
    for _ in range(times):
        for run in runs:
            out += [run, next(rest), next(rest)]
    out += [next(rest) for _ in range(filler)]
    return " ".join(out) + "."


def long_text(words: int) -> str:
    """All words different but for two stop words at its start."""
    return "the the of and " + " ".join(inventions(words - 4))


def long_page(chars: int) -> str:
    """Lines of fifteen words that end in a full stop."""
    text = lines(*[" ".join(inventions(15, i * 557)) + " ." for i in range(chars // 110)])
    return text + "\n" + "x" * (chars - len(text) - 3) + " ."


def few_long_paragraphs(count: int) -> str:
    """Paragraphs of three lines, and two equal ones of one line."""
    paragraphs = [lines(*PROSE[3 * i : 3 * i + 3]) for i in range(count)]
    return "\n\n".join(["Come back here soon.", *paragraphs, "Come back here soon."])


def narrow_paragraph_twice(count: int) -> str:
    """A paragraph of eight very short lines that stands there twice, and `count` paragraphs of one short line."""
    narrow = lines(*[f"{invented(3 * i)} {invented(600 + i, 2)}." for i in range(8)])
    short = [f"{invented(40 + 37 * i)} {invented(900 + 41 * i)}." for i in range(count)]
    return "\n\n".join([narrow, "It is to be the end of it.", *short, narrow])


def three_letter_lines(two_letter: int) -> str:
    """Sixty words of three characters, a line each, some of them a character shorter."""
    words = ["the", "and", *[f"{SYLLABLES[i]}." for i in range(12)], *[f"{SYLLABLES[i]}x" for i in range(12, 58)]]
    return lines(*[word[:2] if 20 <= i < 20 + two_letter else word for i, word in enumerate(words)])


ONE_LETTER = "xyzqwvutsrponmlkjhgfedcb"
LONG_WORDS = [f"{invented(i, 6)}{invented(900 + i, 6)}" for i in range(200)]

# Name, text with a number in it, numbers to try.
FAMILIES: list[tuple[str, Callable[[int], str], range]] = [
    ("words", lambda k: " ".join(WORDS[:k]), range(40, 62)),
    ("words in lines", lambda k: lines(" ".join(WORDS[:20]) + ".", " ".join(WORDS[20:k]) + "."), range(40, 62)),
    ("many words", long_text, range(99_998, 100_003)),
    ("short words", lambda k: spread([ONE_LETTER[i % 24] + "aeiou"[i // 24 % 5] for i in range(k)], 8), range(60, 400)),
    ("shorter words", lambda k: spread([ONE_LETTER[i % 24] for i in range(k)], 8), range(20, 400)),
    ("long words", lambda k: spread(LONG_WORDS[:k], 8), range(10, 120)),
    ("long words, few others", lambda k: spread(LONG_WORDS[:k], 4), range(40, 100)),
    ("very long words", lambda k: spread([w * 3 for w in LONG_WORDS[:k]], 8), range(2, 80)),
    ("hash signs", lambda k: spread(["#"] * k), range(4, 60)),
    ("hashtags", lambda k: spread([f"#{invented(i)}" for i in range(k)]), range(4, 60)),
    ("dots", lambda k: spread([f"{invented(i)}..." for i in range(k)]), range(4, 60)),
    ("ellipsis signs", lambda k: spread([f"{invented(i)}…" for i in range(k)]), range(4, 60)),
    ("spaced dots", lambda k: spread([f"{invented(i)} . . ." for i in range(k)]), range(4, 40)),
    ("lonely dots", lambda k: spread(["..."] * k), range(4, 60)),
    ("hyphen bullets", lambda k: marked_lines("-", k), range(12, 21)),
    ("round bullets", lambda k: marked_lines("•", k), range(12, 21)),
    ("star bullets", lambda k: marked_lines("*", k), range(12, 21)),
    ("black bullets", lambda k: marked_lines("●", k), range(12, 21)),
    ("triangle bullets", lambda k: marked_lines("‣", k), range(12, 21)),
    ("lines ending in dots", lambda k: ending_lines("...", k), range(2, 12)),
    ("lines ending in ellipsis signs", lambda k: ending_lines("…", k), range(2, 12)),
    ("lines ending in spaced dots", lambda k: ending_lines(" . . .", k), range(2, 12)),
    ("lines ending in read more", lambda k: ending_lines(" read more", k), range(2, 12)),
    ("lines ending in nothing", lambda k: ending_lines("", k), range(10, 21)),
    ("lines ending in quotes", lambda k: ending_lines(' "so"', k), range(12, 21)),
    ("lines ending in apostrophes", lambda k: ending_lines(" 'so'", k), range(12, 21)),
    ("lines ending in a space", lambda k: ending_lines(". ", k), range(12, 21)),
    ("numbers", lambda k: spread([str(100 + 7 * i) for i in range(k)]), range(4, 120)),
    ("digits", lambda k: spread([str(10**9 + 7 * i) for i in range(k)]), range(4, 60)),
    ("stop words, one", lambda k: " ".join(PLAIN) + " the" * k, range(0, 4)),
    ("stop words, several", lambda k: " ".join(PLAIN) + " " + " ".join(["of", "and", "with"][:k]), range(0, 4)),
    ("stop words, capitals", lambda k: " ".join(PLAIN) + " " + " ".join(["Of", "AND", "With"][:k]), range(0, 4)),
    ("repeated short lines", lambda k: repeated_parts("Read on", k, "\n"), range(1, 12)),
    ("repeated lines", lambda k: repeated_parts(prose(1, 12), k, "\n", 12), range(1, 12)),
    ("repeated long lines", lambda k: repeated_parts(prose(3, 12), k, "\n", 12), range(1, 8)),
    ("repeated short paragraphs", lambda k: repeated_parts("Read on", k, "\n\n"), range(1, 12)),
    ("repeated paragraphs", lambda k: repeated_parts(lines(PROSE[12], PROSE[13]), k, "\n\n"), range(1, 12)),
    ("repeated long paragraphs", lambda k: repeated_parts(prose(4, 12), k, "\n\n"), range(1, 8)),
    ("blank lines", lambda k: lines(*PROSE[:10]) + "\n" * k + prose(2, 10), range(1, 60)),
    ("blank lines between", lambda k: ("\n" * k).join(PROSE[:14]), range(1, 9)),
    ("lines of spaces", lambda k: lines(*PROSE[:10], *["  "] * k, PROSE[10]), range(1, 12)),
    ("many blank lines", lambda k: lines(*PROSE[:10]) + "\n" * k + prose(2, 10), range(60, 300)),
    ("few long paragraphs", few_long_paragraphs, range(2, 9)),
    ("a narrow paragraph twice", narrow_paragraph_twice, range(15, 70)),
    ("two words repeated", lambda k: scattered_phrase("golden lantern", k), range(2, 60)),
    ("three words repeated", lambda k: scattered_phrase("golden paper lantern", k), range(2, 40)),
    ("four words repeated", lambda k: scattered_phrase("golden paper lantern festival", k), range(2, 30)),
    *[
        (f"runs of {n} words, {times} times", lambda k, n=n, times=times: twice(n, k, times), range(10, 330, 1))
        for n in range(4, 13)
        for times in (2, 3)
    ],
    *[(f"a run of {n} words, twice", lambda k, n=n: twice(n, k, 2, 1), range(100, 700)) for n in (20, 30, 40)],
    ("short lines", lambda k: lines(*PROSE[:8], *[f"{invented(i)} and {invented(90 + i)}." for i in range(k)]), range(4, 30)),
    ("lines without a stop", lambda k: lines(*PROSE[:3], *[s[:-1] for s in PROSE[3 : 3 + k]]), range(10, 27)),
    ("lines of 29 to 31 characters", lambda k: lines(*[s[:k] + "." for s in PROSE[:20]]), range(27, 34)),
    ("one line again", lambda k: lines(*PROSE[:k], "Go on.", "Go on."), range(2, 24)),
    ("half a line again", lambda k: lines(*PROSE[:k], PROSE[0]), range(4, 28)),
    ("words per line", lambda k: lines(*[" ".join(s.split()[:k]) + "." for s in PROSE[:14]]), range(1, 9)),
    ("words per line, citations", lambda k: lines(*[" ".join(s.split()[:k]) + " [1] [edit]." for s in PROSE[:14]]), range(1, 9)),
    ("lines of two long words", lambda k: lines(*PROSE[:2], *[f"{w} {w[::-1]}." for w in LONG_WORDS[:k]]), range(1, 120)),
    ("sentences", lambda k: prose(k), range(1, 8)),
    ("sentences in lines", lambda k: lines(*PROSE[:k]), range(1, 8)),
    ("a long word", lambda k: lines(prose(2), "A " + "x" * k + " in a line of it.", *PROSE[2:]), range(998, 1003)),
    ("a long page", long_page, range(189_998, 190_003)),
    ("symbols", lambda k: spread(["=>+<="[: 1 + i % 5] for i in range(k)]), range(20, 200)),
    ("letters with accents", lambda k: spread(["éèê" + "àáâ" * (i % 4) for i in range(k)]), range(4, 90)),
    ("addresses", lambda k: spread([f"https://{invented(i)}.example/{invented(i)}" for i in range(k)]), range(2, 60)),
    ("spaces", lambda k: prose(6).replace(" ", " " * k, 70) + " " + prose(4, 6), range(1, 7)),
    ("more spaces", lambda k: prose(10) + " " * k + "end.", range(40, 200)),
    ("brackets", lambda k: spread([f"({invented(i)}) [b]" for i in range(k)]), range(10, 80)),
    ("brackets, a word a line", lambda k: lines(*[f"({w})" if i < k else w for i, w in enumerate(WORDS[:120])]), range(4, 60)),
    ("three-letter lines", three_letter_lines, range(0, 4)),
    ("boilerplate", lambda k: "\n\n".join([*PROSE[:10], *[f"Our {invented(i)} privacy policy is here to read." for i in range(k)]]), range(2, 16)),
    ("boilerplate, cookies", lambda k: "\n\n".join([*PROSE[:5], *[f"The site {invented(i)} uses cookies to be of help." for i in range(k)]]), range(1, 9)),
    ("capital lines", lambda k: lines(*PROSE[:24], *[f"{invented(i).upper()} TO {invented(80 + i).upper()} NOW" for i in range(k)]), range(1, 14)),
    ("counter lines", lambda k: lines(*PROSE[:24], *[f"{3 * i + 1},204 views" for i in range(k)]), range(1, 20)),
    ("digit lines", lambda k: lines(*PROSE[:24], *[str(1900 + i) for i in range(k)]), range(1, 40)),
    ("one-word lines", lambda k: lines(*PROSE[:24], *[invented(i) for i in range(k)]), range(1, 40)),
    ("read more lines", lambda k: lines(*PROSE[:24], *[f"{invented(i)} or so read more..." for i in range(k)]), range(1, 40)),
    ("cart lines", lambda k: lines(*PROSE[:24], *[f"sign-in {invented(i)} {i} items in cart" for i in range(k)]), range(1, 40)),
]  # fmt: skip

BODY = lines(*PROSE[:6])
CURIOSITIES: dict[str, str] = {
    "empty": "",
    "a space": " ",
    "a newline": "\n",
    "newlines": "\n\n\n\n",
    "spaces and newlines": " \n \n\t\n ",
    "one word": "harbour",
    "only punctuation": "?! ... -- (;) \"\" ''",
    "only digits": " ".join(str(7 * i) for i in range(60)),
    "prose": BODY,
    "all prose": lines(*PROSE),
    "carriage returns and newlines": BODY.replace("\n", "\r\n") + "\r\n",
    "carriage returns": BODY.replace("\n", "\r"),
    "line separators": BODY.replace("\n", "\u2028"),
    "paragraph separators": BODY.replace("\n", "\u2029"),
    "next-line characters": BODY.replace("\n", "\x85"),
    "form feeds and vertical tabs": BODY.replace("\n", "\x0c", 3).replace("\n", "\x0b"),
    "file and group separators": BODY.replace("\n", "\x1c", 2).replace("\n", "\x1d", 2).replace("\n", "\x1e"),
    "no-break spaces": BODY.replace(" ", "\xa0"),
    "ideographic spaces": BODY.replace(" ", "\u3000"),
    "zero-width spaces": BODY.replace(" ", "\u200b"),
    "thin spaces": BODY.replace(" ", "\u2009"),
    "tabs": BODY.replace(" ", "\t"),
    "byte order mark": "\ufeff" + BODY,
    "NUL": BODY.replace(" ", "\0 ", 30),
    "control characters": BODY.replace(" ", " \x01\x02 ", 30),
    "blank lines at both ends": "\n\n\n" + BODY + "\n\n\n",
    "indented bullets": lines(*["   - " + s for s in PROSE[:10]]),
    "bullets without a space": lines(*["•" + s for s in PROSE[:10]]),
    "quotation marks": lines(*[f'"{s}"' for s in PROSE[:8]]),
    "curly quotation marks": lines(*[f"“{s}” it’s ‘so’." for s in PROSE[:8]]),
    "guillemets": lines(*[f"« {s} »" for s in PROSE[:8]]),
    "ends in quotes": lines(*[s[:-1] + '."' for s in PROSE[:8]]),
    "ends in apostrophes": lines(*[s[:-1] + "'" for s in PROSE[:8]]),
    "ends in four dots": lines(*[s + "..." for s in PROSE[:8]]),
    "ends in citations": lines(*[s + "[12]" for s in PROSE[:8]]),
    "citations": BODY.replace(", ", " [3][edit], ").replace(".", "[citation needed]."),
    "lorem ipsum": lines(*PROSE[:4], "It begins with Lorem Ipsum and goes on for a while.", *PROSE[4:8]),
    "lorem ipsum in a removed line": lines(*PROSE[:5], "lorem ipsum dolor", *PROSE[5:8]),
    "javascript": lines(*PROSE[:5], "You must enable JavaScript in order to see this page.", *PROSE[5:8]),
    "javascript everywhere": lines(*[s[:-1] + " with javascript." for s in PROSE[:8]]),
    "curly bracket": lines(*PROSE[:5], "Write the value as {name} in the second field.", *PROSE[5:8]),
    "curly bracket in a removed line": lines(*PROSE[:5], "if (x) { return y }", *PROSE[5:8]),
    "policy phrases": lines(*PROSE[:5], "By staying here you accept our Terms of Use and the rest.",
                            "Read the Privacy Policy before you go on to order.",
                            "This is our cookie policy, and it is short.", "This site uses cookies for that.",
                            "We make use of cookies on all of the pages.", "We use cookies to be of service."),
    "contractions": "They don't and won't, can't and shouldn't've; it's John's, isn't it? I'd've gone, y'all. "
                    "He'll say 'tis cannot gonna wanna gimme lemme. " + prose(5),
    "abbreviations": "Dr. Smith and Mrs. Jones of Acme Inc. met at 5 p.m. on Jan. 3rd, i.e. in the U.S. e.g. at No. 9. " + prose(5),
    "addresses and mail": "Write to a.person@example.org or see https://example.com/a/b?c=d&e=f#g and www.example.net/x. " + prose(5),
    "numbers and units": "It costs $1,234.56 or 10km, 5kg, 3.5%, 12:30pm, 1990s, 50/50, 7th, -3, +44 20 7946 0000, 1e-5. " + prose(5),
    "hyphens and dashes": "A well-known mother-in-law -- or not---is here — truly – at the end-of-line, and/or so. " + prose(5),
    "emoticons and emoji": "So glad :) and :-D or <3 and 👍🏽 with 👨‍👩‍👧 and 🇬🇧 flags ¯\\_(ツ)_/¯ to be. " + prose(5),
    "code": "def f(x):\n    return {k: v for k, v in x.items() if v != 0}\n\nprint(f({'a': 1}))  # the end\n" + prose(4),
    "table": lines("| name | value |", "|------|-------|", *[f"| {invented(i)} | {i} |" for i in range(20)]),
    "menu": lines(*[invented(i).title() for i in range(40)]),
    "accents": BODY.replace("e", "é").replace("a", "ä"),
    "combining marks": BODY.replace("e", "e\u0301").replace("a", "a\u0308"),
    "many marks on one letter": "z" + "\u0301\u0302\u0303" * 40 + " " + BODY,
    "soft hyphens": BODY.replace("ar", "a\xadr"),
    "capitals": BODY.upper(),
    "titles": BODY.title(),
    "full-width": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in BODY),
    "ligatures and roman numerals": "The ﬁrst oﬃce of Henry Ⅷ and chapter Ⅻ with Ⓐ Ⓑ to be. " + prose(5),
    "Greek": lines(*["Το πλοίο φεύγει την αυγή και το λιμάνι είναι ακόμη ήσυχο, γράφει ο φύλακας του φάρου."] * 2, BODY),
    "Russian": lines("Паром уходит на рассвете, когда гавань ещё серая и тихая.", "Чайки спорят из-за рыбы!", "Кто её продал?") * 5,
    "German": "Die Fähre fährt im Morgengrauen ab, wenn der Hafen noch still ist. Straßenbahnführer grüßen z. B. Herrn Müller. " * 2,
    "French": "Le ferry part à l'aube, quand le port est encore gris. « C'est loin ? » demande l'enfant qu'on aime. " * 2,
    "Chinese": lines("渡轮在黎明时分离开港口。", "海鸥为了鱼争吵!", "灯塔看守人写下了每一艘船的名字,然后睡着了。") * 4,
    "Japanese": lines("夜明けにフェリーが港を出ます。", "カモメが魚をめぐって騒ぐ!", "灯台守は船の名前を書き留めた。") * 4,
    "Korean": lines("새벽에 배가 항구를 떠난다.", "갈매기들이 물고기를 두고 다툰다!", "등대지기는 배의 이름을 적었다.") * 4,
    "Thai": lines("เรือข้ามฟากออกจากท่าตอนรุ่งสาง", "นกนางนวลแย่งปลากัน", "คนเฝ้าประภาคารจดชื่อเรือทุกลำ") * 4,
    "Hindi": lines("नाव भोर में बंदरगाह से निकलती है।", "समुद्री पक्षी मछली के लिए लड़ते हैं!", "प्रहरी हर जहाज़ का नाम लिखता है।") * 4,
    "Arabic": lines("تغادر العبّارة الميناء عند الفجر.", "تتشاجر النوارس على السمك!", "هل كتب حارس المنارة اسم كل سفينة؟") * 4,
    "Hebrew": lines("המעבורת יוצאת מהנמל עם שחר.", "השחפים רבים על הדגים!", "השומר רשם כל ספינה.") * 4,
    "Amharic": lines("ጀልባው ጎህ ሲቀድ ወደቡን ይለቃል።", "ወፎቹ ስለ ዓሣ ይጣላሉ!", "ጠባቂው ስም ጻፈ፧") * 4,
    "mixed scripts": lines("The word гавань means harbour, and 港 does too.", "In Thai it is ท่าเรือ, in Greek λιμάνι.", BODY),
    "words joined differently": " ".join(["ab cd ef gh ij a bcde fgh i j"] * 3 + WORDS[:60]),
    "n-grams that tie": "red fox red fox blue owl blue owl " + prose(6),
    "n-grams that tie, other order": "blue owl red fox blue owl red fox " + prose(6),
    "n-grams over lines": "\n".join(["of the sea and of the land"] * 1 + [*PROSE[:5], "of the sea and of", "the land"]),
    "replaced n-gram inside words": "art is art is start is artistic. " + prose(6),
    "paragraphs of spaces": "\n\n".join([*PROSE[:5], "   ", "   ", "   ", PROSE[5]]),
    "three newlines": "\n\n\n".join(PROSE[:6]),
    "trailing spaces": lines(*[s + "   " for s in PROSE[:8]]),
    "same line in two cases": lines(*PROSE[:6], PROSE[0].upper(), PROSE[0].lower()),
    "same line with spaces": lines(*PROSE[:6], " " + PROSE[0], PROSE[0] + " "),
    "curly start of a sentence": "She said: “Come.” Then (later) she left... and he—well—stayed?! Yes. No. 'Fine.' " + prose(4),
    "sentence marks in a row": "What?!! Really... No!!! e.g. this. i.e. that. Mr. X. v. Y. 3.14 is pi. " + prose(4),
    "initials": "J. R. R. Tolkien and C. S. Lewis met the U.K. and U.S.A. teams vs. others at St. Ives. " + prose(4),
    "IS_ALPHA": "The flag IS_ALPHA is set with IS_PUNCT to be sure. " + prose(5),
    "cookie banner": "Necessary cookies are absolutely essential for the website to function properly. This category only "
                     "includes cookies that ensures basic functionalities and security features of the website. These "
                     "cookies do not store any personal information.\n\n" + prose(6),
}  # fmt: skip
