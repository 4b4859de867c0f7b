"""The `default` preset drops what is broken, and keeps every form of sound text."""

from pathlib import Path

import pytest

from curate import RuleConfig, llama3_heuristics, measure
from curate.filters import error_pages
from curate.filters.error_pages import LONGEST_MESSAGE, error_score
from curate.text.characters import code_points

PROSE = (
    "The ferry leaves the old harbour at six in the morning, and it comes back late in the evening with fish, mail and "
    "a few tired people. Nobody on the island has a car, so that the boxes are carried up to the village by hand. In "
    "winter the sea is often too rough for the boat, and then there is no bread for days; my aunt keeps a bag of flour "
    "under her bed for this reason."
)


def decision(text, language="en"):
    found = llama3_heuristics(text, RuleConfig(language=language))
    return found.keep, found.reason


VOCALISED = {
    "ar": "خَرَجَ الصَّيَّادُ مِنْ بَيْتِهِ فِي الصَّبَاحِ إِلَى الْبَحْرِ، وَلَمْ يَكُنْ عَلَى الشَّاطِئِ أَحَدٌ. "
    * 2
    + "قَالَ لَهُ صَاحِبُهُ إِنَّ الرِّيحَ شَدِيدَةٌ وَإِنَّ الْقَارِبَ صَغِيرٌ. ثُمَّ عَادَ مَعَ السَّمَكِ قَبْلَ غُرُوبِ الشَّمْسِ. وَفِي اللَّيْلِ جَلَسَ عَلَى الْبَابِ "
    "يُصْلِحُ شِبَاكَهُ وَيُغَنِّي أُغْنِيَةً قَدِيمَةً عَنِ الْبَحْرِ الَّذِي لَا يَنَامُ أَبَدًا.",
    "he": "הַדַּיָּג יָצָא מִן הַבַּיִת אֶל הַיָּם בַּבֹּקֶר, וְלֹא הָיָה אִישׁ עַל הַחוֹף. חֲבֵרוֹ אָמַר לוֹ כִּי הָרוּחַ חֲזָקָה וְהַסִּירָה קְטַנָּה. "
    "אַחַר כָּךְ הוּא שָׁב עִם הַדָּגִים לִפְנֵי הָעֶרֶב. בַּלַּיְלָה יָשַׁב עַל הַסַּף וְתִקֵּן אֶת הָרֶשֶׁת, וְשָׁר שִׁיר יָשָׁן עַל הַיָּם אֲשֶׁר אֵינוֹ יָשֵׁן. "
    "כָּל יְלָדָיו שָׁמְעוּ אֶת הַשִּׁיר הַזֶּה, וְגַם הֵם יָדְעוּ אוֹתוֹ בְּעַל פֶּה, כִּי הוּא הָיָה שִׁיר שֶׁל אֲבִיהֶם.",
}


@pytest.mark.parametrize("language", VOCALISED)
def test_vowel_signs_do_not_change_a_decision(language):
    text = VOCALISED[language]
    assert decision(text, language) == (True, "")
    bare = "".join(c for c in text if not ("\u0591" <= c <= "\u05c7" or "\u064b" <= c <= "\u0652"))
    assert measure(text, language).distinct_stop_words == measure(bare, language).distinct_stop_words


# Debatable: the rules of line ends are curate's own, and are there for menus. Verse without marks is language at its
# best, and has what menus lack, function words; so they tell the two apart.
VERSE = {
    "en": (
        "the night is over and the sea is still\n"
        "I hear the boats come in behind the hill\n"
        "and all the names that I have ever known\n"
        "are written on the water and are gone\n"
        "my father had a lamp beside the door\n"
        "he lit it when the wind was on the shore\n"
        "and now the lamp is mine and so the wind\n"
        "and so the door that nobody will find"
    ),
    "de": (
        "die Nacht ist um und still das Meer\n"
        "ich hör die Boote von den Hügeln her\n"
        "und alle Namen die ich je gekannt\n"
        "sind auf das Wasser hingeschrieben und verbrannt\n"
        "mein Vater hatte eine Lampe an der Tür\n"
        "die brannte für den Wind und nicht für mich\n"
        "und nun gehört die Lampe mir\n"
        "und auch die Tür und auch der Wind und auch das Licht"
    ),
    "es": (
        "la noche se acaba y el mar se ha callado\n"
        "oigo las barcas que vuelven del lado\n"
        "y todos los nombres que yo conocí\n"
        "escritos en agua se van para ti\n"
        "mi padre tenía una luz en la puerta\n"
        "que siempre al viento estaba abierta\n"
        "y ahora la luz es mía y el viento también\n"
        "y no hay en la casa ni puerta ni quien"
    ),
}


@pytest.mark.parametrize("language", VERSE)
def test_verse_without_marks_is_kept(language):
    assert decision(VERSE[language], language) == (True, "")


def test_menus_are_dropped():
    things = ["jackets for you", "shirts and hats", "scarves", "boots", "the new ones"]
    menu = "\n".join(f"{size} {colour} {thing}" for size in ("Small", "Large") for colour in ("red", "blue", "green")
                     for thing in things)  # fmt: skip
    assert measure(menu).distinct_stop_words > 1
    assert decision(menu) == (False, "no_sentences")
    assert decision(f"{menu}\nAll prices are in euros.") == (False, "loose_lines")


def test_invisible_lines_and_lines_of_code_are_not_copies():
    invisible = "\n\u200b\n\u200d\u2060\n\ufeff\n\u200b\n".join(f"{n}. {PROSE[n:]}" for n in range(0, 80, 40))
    assert measure(invisible + "\n\u200b" * 40).duplicate_text_line_character_share == 0
    assert decision(invisible + "\n\u200b" * 40)[1] != "gopher_duplicate_line_characters"
    loop = "for (int i = 0; i < n; i++) {\n    total += values[i];\n}\n"
    code = f"{PROSE}\n" + "\n".join(f"Method number {n} sums what array {n * 7} holds.\n{loop}" for n in range(4))
    signals = measure(code)
    assert signals.duplicate_line_character_share > 0.2
    assert signals.duplicate_text_line_character_share == 0
    assert decision(code) == (True, "")


def test_a_text_of_repeated_sentences_is_dropped():
    lines = "\n".join([PROSE, *["This offer ends at midnight, so buy your ticket to the island right now!"] * 3])
    assert decision(lines)[0] is False


def test_a_long_name_may_occur_twice():
    name = "Internationale Wissenschaftsgesellschaft Donaudampfschifffahrtsgeschichte Niederösterreich"
    text = f"{name} was founded in 1911. {PROSE[:230]}. {name} has closed."
    signals = measure(text)
    assert signals.top_4gram_share > 0.16
    assert signals.frequent_4gram_share == 0
    assert decision(text) == (True, "")


MESSAGES = [
    "Sorry! The page you are looking for doesn't exist. It may have been removed, or you followed an old link.",
    "Checking your browser before you go on. This takes a few seconds; then the shop opens by itself.",
    "Diese Seite konnte leider nicht gefunden werden. Vielleicht haben Sie sich vertippt.",
    "Cette page n'existe plus. Vous pouvez retourner à l'accueil ou utiliser la recherche.",
    "La página que buscas ya no está aquí. Vuelve al inicio.",
    "Страница не найдена. Возможно, она была удалена. Вернитесь на главную.",
    "抱歉，您访问的页面不存在，请返回首页。",
    "お探しのページは見つかりませんでした。トップページへお戻りください。",
    "요청하신 페이지를 찾을 수 없습니다. 주소를 확인해 주세요.",
    "عذرا، الصفحة التي تبحث عنها لم تعد هنا.",
    "Aradığınız sayfa bulunamadı. Ana sayfaya dönebilirsiniz.",
    "We and our 1,204 partners set cookies on your device. Choose Accept all or open the cookie settings.",
    "This domain is for sale. Make an offer to its owner today.",
]


@pytest.mark.parametrize("text", MESSAGES)
def test_messages_of_servers_are_recognized(text):
    assert error_score(code_points(text)) > 1


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        *VERSE.values(),
        *VOCALISED.values(),
        "A web server answers with the number 404 when it has no page at an address.",
        "A robot that carries cookies through our office was built by students.",
        "Leave a comment\nYou must be logged in to post a comment.",
    ],
)
def test_other_short_texts_are_no_messages(text):
    assert error_score(code_points(text)) < 2


def test_a_long_text_may_quote_a_message():
    text = f"{MESSAGES[0]} {PROSE} "
    assert decision(text) == (False, "error_page")
    assert error_score(code_points(text + PROSE * (LONGEST_MESSAGE // len(PROSE)))) == 0


def test_phrases_are_written_as_texts_are_searched():
    import numpy as np

    from curate.filters.error_kernels import ANCHOR, normalize
    from curate.text.characters import character_table
    from curate.text.words import lower_table

    path = Path(error_pages.__file__).with_name("error_phrases.tsv")
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            _, weight, phrase = line.split("\t")
            codes = code_points(phrase)
            plain = np.empty(len(codes), np.uint32)
            size = normalize(codes, character_table(), lower_table(), plain)
            assert weight in ("1", "2")
            assert size >= ANCHOR
            assert plain[:size].tolist() == codes.tolist(), phrase
