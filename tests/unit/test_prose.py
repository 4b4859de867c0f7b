"""The prose of a text, in which script it is, and Japanese that looks like Chinese."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings, strategies as st
from strange_texts import strange_text

from curate.language.detection import detect_language, language_shares
from curate.language.han import is_japanese
from curate.language.prose import Prose, find_prose, in_main_script

GERMAN = (
    "Der Bäcker im Nachbardorf steht jeden Morgen um drei Uhr auf und heizt den alten Ofen an.",
    "Seine Tochter trägt die Brötchen aus, bevor sie in die Schule geht.",
    "Sonntags bleibt der Laden geschlossen, weil dann alle lange schlafen wollen.",
    "Das Mehl kommt aus einer Mühle, die es schon seit vier Generationen gibt.",
)
RUSSIAN = "Каждое утро пекарь встаёт в три часа и топит старую печь, а его дочь разносит булочки по домам."
JAPANESE = "この関数は値の一覧を受け取り、条件に合う要素だけを新しい一覧に入れて返します。"
CODE = """
public static void main(String[] args) {
    for (int i = 0; i < args.length; i++) {
        System.out.println("Number of files that were found: " + args[i]);
        list.add(new Entry<String>(key, value));  // remember where it was found
    }
    return;
}
"""


def words(text: str) -> list[str]:
    return find_prose(text).text.split()


@pytest.mark.parametrize(
    "noise",
    [
        "https://www.example.org/the/history-of-bread.html?page=2&sort=new#top",
        "www.example.org/about-us",
        "someone.else@example.org",
        "@the_old_baker",
        '<a href="/the-shop">',
        "</div>",
        "get_all_values(the_list)",
        "getElementByTagName",
        "std::vector<int>",
        "a3f5c9e17b2d4e6f",
        "C:\\Users\\all\\files",
        "${HOME}",
        "&nbsp;",
        "x=1",
    ],
)
def test_what_is_no_word_is_left_out(noise):
    assert words(f"Seine Tochter trägt die {noise} Brötchen aus") == [
        "Seine",
        "Tochter",
        "trägt",
        "die",
        "Brötchen",
        "aus",
    ]


@pytest.mark.parametrize(
    "text",
    [
        *GERMAN,
        RUSSIAN,
        JAPANESE,
        "He said (or so I heard), that it's 5% more; we paid $20, i.e. a lot -- e.g. for O'Neil's well-known #bread.",
        "* one thing that we like\n* another thing [12]\n> what somebody else wrote\n# What is a heading",
        "INzila kaZwelonke ingaphaya kweMthatha, reHarare neGqeberha.",
        "Home > Blog",
    ],
)
def test_prose_stays_as_it_is(text):
    assert find_prose(text) == Prose(text, find_prose(text).letters, 1.0)


@pytest.mark.parametrize(
    "line",
    [
        "return x;",
        "\treturn result",
        "for (int i = 0; i < n; i++) {",
        '"name": "mill",',
        "// remember where it was found",
        "$ sudo apt-get install bread",
        ">>> print the answer",
        "this.name = name",
        "<!-- the end of the page -->",
    ],
)
def test_a_line_of_code_is_left_out(line):
    prose = find_prose("\n".join([*GERMAN, line]))
    assert prose.text.startswith("\n".join(GERMAN))
    assert not any(map(str.isalpha, prose.text.split("\n")[-1]))


def test_comments_in_other_letters_stay():
    assert "найдено" in words("int n = 0; // сколько найдено файлов")
    assert "初期化する" in words("int n = 0; // 初期化する")


@pytest.mark.parametrize("text", [CODE, "https://www.example.org/the-old-mill", "", "12 34", "a=b"])
def test_a_text_without_prose_is_judged_by_all_of_it(text):
    assert find_prose(text).text == text


def test_where_nothing_is_cut_every_character_keeps_its_place():
    text = f"{GERMAN[0]}\n{CODE}\n{GERMAN[1]}"
    found = find_prose(text).text
    assert len(found) == len(text)
    assert [i for i, c in enumerate(found) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("aZé7漢カ한д \t\n/:.@_=<>{}()[];#$&*+|\\\"'`~^%-"), max_size=60))
def test_any_text_keeps_its_length_and_gains_no_letters(text):
    prose = find_prose(text)
    assert len(prose.text) == len(text)
    assert all(new in (old, " ") for new, old in zip(prose.text, text, strict=True))
    written, share = in_main_script(prose.text)
    assert len(written) == len(text)
    assert 0 <= share <= 1
    assert in_main_script(written)[0] == written


@pytest.mark.parametrize("seed", range(20))
def test_strange_texts(seed):
    text = strange_text(random.Random(seed))
    assert len(in_main_script(find_prose(text).text)[0]) == len(text)


def test_the_main_script_is_that_which_says_most():
    assert in_main_script("Der Ofen ист heiß") == ("Der Ofen     heiß", 11 / 14)
    assert in_main_script("Bäcker")[1] == 1
    # Signs of East Asia say more than letters, and Latin letters stand in texts of all languages.
    assert in_main_script("bakeries パン屋")[0] == "         パン屋"
    assert in_main_script("bread and butter パン屋")[0] == "bread and butter    "
    assert in_main_script("пекарь baker's")[0] == "пекарь      ' "
    assert in_main_script("한국어 漢字 かな")[1] == 1
    assert in_main_script("ɓaŋ ƙɛ")[1] == 1
    assert in_main_script("")[1] == 1


@pytest.mark.parametrize("count", [2, 6, 12, 40])
def test_a_list_of_sources_changes_no_language(count):
    sources = "\n".join(
        f"({i}) https://www.example.org/news/the-baker-of-the-village-and-his-daughter-{i}" for i in range(count)
    )
    for text, language in (("\n".join(GERMAN), "de"), (RUSSIAN * 4, "ru"), (JAPANESE * 4, "ja")):
        found = detect_language(f"{text}\n\n{sources}")
        assert found.language == language
        assert found.score > 0.8


@pytest.mark.parametrize("copies", [1, 4, 20])
def test_a_page_full_of_code_is_in_the_language_of_its_prose(copies):
    for text, language in (("\n".join(GERMAN), "de"), (RUSSIAN * 3, "ru"), (JAPANESE * 5, "ja")):
        half = len(text) // 2
        page = text[:half] + "\n" + CODE * copies + "\n" + text[half:]
        found = detect_language(page)
        assert found.language == language, (language, found)
        assert found.score > 0.5
        assert next(iter(language_shares(page))) == language


def test_the_language_is_one_of_the_script_that_most_is_written_in():
    terms = "GET request, HTTP response, thread pool, garbage collector, design pattern. "
    for text, language in (
        (RUSSIAN * 2, "ru"),
        (JAPANESE * 2, "ja"),
        ("이 함수는 값의 목록을 받아서 조건에 맞는 것만 새 목록에 넣어 돌려줍니다. " * 3, "ko"),
    ):
        assert detect_language(terms + text).language == language
    assert detect_language(terms * 3 + "関数 函数").language == "en"


@pytest.mark.parametrize(
    "text",
    [
        "Hello, this is another test.",
        "this is the message of a test",
        "the name of this file is too long",
        "This value is not a valid number",
        "Your ticket QF-22BZ-91XK is ready, see you on Monday",
    ],
)
def test_english_words_that_code_is_written_with_are_english(text):
    found = detect_language(text)
    assert found.language == "en"
    assert found.score > 0.5


def test_greek_in_capitals_is_greek():
    assert detect_language("Η ΠΑΛΙΑ ΓΕΦΥΡΑ ΕΙΝΑΙ ΚΟΝΤΑ ΣΤΟ ΠΟΤΑΜΙ").language == "el"


JAPANESE_IN_KANJI = (
    "大阪市営地下鉄御堂筋線運転再開",
    "厚生労働省職業安定局雇用開発課",
    "民事訴訟法改正案、本会議で可決",
    "冷蔵庫専用製氷皿交換部品",
    "駅前再開発事業説明会開催決定",
)
CHINESE = (
    "上海市人民政府办公厅关于加强公园管理的通知",
    "臺北市政府教育局公告學校開學日期",
    "我们明天去图书馆看书",
    "請問最近的車站在哪裡",
    "中国",
    "大小上下",
)


@pytest.mark.parametrize("text", JAPANESE_IN_KANJI)
def test_japanese_without_kana_is_told_by_its_characters(text):
    assert is_japanese(text)
    assert detect_language(text).language == "ja"


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_is_not_japanese(text):
    assert not is_japanese(text)
    assert detect_language(text).language in {"zh", "yue", "wuu", "lzh"}


def test_a_chinese_text_may_quote_a_kana_and_a_korean_one_some_characters():
    assert not is_japanese("优の良品是一家在很多城市开了分店的零食连锁店，价格不贵，味道也不错")
    assert not is_japanese("대한민국(大韓民國)의 수도는 서울特別市이며 한강을 끼고 있다")
    assert not is_japanese("no such characters")
