import gzip
import unicodedata

import pytest
from hypothesis import given, settings, strategies as st

from curate.mixing.decontamination import ContaminationIndex, read_items

LONG = (
    "A farmer has 12 hens and each of them lays 3 eggs on a Monday how many eggs does he sell if he eats four of them"
)
SHORT = "Why does the moon look larger near the horizon"
INDEX = ContaminationIndex([("long", "b1", LONG), ("short", "b2", SHORT), ("tiny", "b3", "Is it true that")])
PADDING = "Some words that stand around it and say nothing of interest to anybody at all. "


def test_verbatim_is_found_with_its_place():
    text = PADDING + LONG + ". " + PADDING
    (hit,) = INDEX.find(text)
    assert (hit.item_id, hit.benchmark, hit.overlap) == ("long", "b1", 1.0)
    assert text[hit.start : hit.end] == LONG


def test_case_punctuation_and_layout_make_no_difference():
    text = PADDING + "- **" + LONG.upper().replace(" ", " \n* ") + "**"
    assert INDEX.find(text)[0].overlap == 1.0


def test_part_of_an_item_is_a_part_of_its_ngrams():
    words = LONG.split()
    half = " ".join(words[: len(words) - 4])
    (hit,) = INDEX.find(PADDING + half)
    ngrams = len(words) - 12
    assert hit.overlap == pytest.approx((ngrams - 4) / ngrams)


def test_a_short_item_is_found_whole_and_only_whole():
    assert [hit.item_id for hit in INDEX.find(PADDING + SHORT + "?")] == ["short"]
    assert INDEX.find(PADDING + SHORT.rsplit(" ", 1)[0] + " sea") == []


def test_a_very_short_item_is_counted_and_not_searched():
    assert INDEX.too_short == 1
    assert INDEX.find("Is it true that it is") == []


def test_twelve_words_in_a_row_are_no_match():
    assert INDEX.find(" ".join(LONG.split()[:12]) + " and no more") == []


def test_the_words_of_an_instruction_do_not_accuse_every_item():
    instruction = "Choose the answer that fits best of the four that are given here and write its letter: "
    items = [
        (f"q{i}", "b", f"{instruction} question number {i} is about {i * 7} and {i * 13} things") for i in range(20)
    ]
    index = ContaminationIndex(items)
    assert index.find(PADDING + instruction) == []
    assert [hit.item_id for hit in index.find(PADDING + items[3][2])] == ["q3"]


def test_the_place_is_the_longest_stretch():
    words = LONG.split()
    text = " ".join(words[:13]) + ". " + PADDING + LONG
    (hit,) = INDEX.find(text)
    assert text[hit.start : hit.end] == LONG


def test_languages_without_spaces_are_read_by_character():
    item = "小明有五个苹果他给了小红两个后来又买了三个请问他现在有几个苹果"
    index = ContaminationIndex([("zh", "b", item)])
    (hit,) = index.find("今天天气很好。" + item + "？大家都来回答。")
    assert hit.overlap == 1.0


@pytest.mark.parametrize(
    "item",
    [
        "ชาวนามีไก่สิบสองตัวแต่ละตัวออกไข่วันละสามฟองเขาขายไข่ได้กี่ฟองในหนึ่งสัปดาห์",
        "ຊາວນາມີໄກ່ສິບສອງໂຕແຕ່ລະໂຕອອກໄຂ່ມື້ລະສາມໜ່ວຍລາວຂາຍໄດ້ຈັກໜ່ວຍ",
        "កសិករមានមេមាន់ដប់ពីរក្បាលហើយមួយៗពងបីគ្រាប់ក្នុងមួយថ្ងៃ",
        "လယ်သမားတွင်ကြက်မဆယ့်နှစ်ကောင်ရှိပြီးတစ်ကောင်လျှင်ဥသုံးလုံးဥသည်",
    ],
)
def test_other_scripts_without_spaces_are_read_by_character_too(item):
    index = ContaminationIndex([("item", "b", item), ("short", "b", item[:9])])
    assert index.too_short == 1  # nine letters are two words of any text
    (hit,) = index.find(f"{item[20:40]} x {item} y")
    assert hit.overlap == 1.0


def test_an_item_is_found_in_any_disguise():
    other = "Vögel über müden Häusern können schöne Töne für späte Gäste öfter üben während frühe Boten zögern"
    index = ContaminationIndex([("long", "b", LONG), ("other", "b", other)])
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in LONG)
    for text in (wide, LONG.replace("farmer", "far\u00admer"), LONG.replace(" ", "\u200b "),
                 LONG.replace("many", "ma-\nny"), LONG.replace("many", "ma\u00ad\nny"),
                 unicodedata.normalize("NFD", other)):  # fmt: skip
        page = f"{PADDING}«{text}» {PADDING}"
        (hit,) = index.find(page)
        assert hit.overlap == 1.0
        assert page[hit.start : hit.end] == text


def test_a_compound_at_the_end_of_a_line_keeps_its_hyphen():
    item = LONG.replace("eats four", "eats well-cooked and half-done four")
    index = ContaminationIndex([("item", "b", item)])
    (hit,) = index.find(PADDING + item.replace("half-done", "half-\ndone"))
    assert hit.overlap == 1.0


@given(
    st.lists(st.sampled_from(["aa", "Bb", "ß", "İx", "dd", "ee", "北"]), min_size=8, max_size=40), st.text(max_size=30)
)
@settings(max_examples=200)
def test_an_item_is_always_found_in_itself(words, around):
    item = " ".join(words)
    index = ContaminationIndex([("item", "b", item)])
    text = f"{around} {item} {around}"
    (hit,) = index.find(text)
    assert hit.overlap == 1.0
    assert item in text[hit.start : hit.end] or words[0] in text[hit.start : hit.end]


@given(st.text())
def test_any_text_can_be_searched(text):
    INDEX.find(text)


def test_an_id_given_twice_is_refused():
    with pytest.raises(ValueError, match="two items have the id 'x'"):
        ContaminationIndex([("x", "b", LONG), ("x", "b", SHORT)])


def test_items_are_read_from_json_lines_and_from_lines(tmp_path):
    (tmp_path / "mmlu.jsonl").write_text('{"text": "one"}\n\n{"id": "q7", "text": "two"}\n')
    (tmp_path / "own.txt").write_text("three\nfour\n")
    (tmp_path / "mmlu.jsonl.gz").write_bytes(gzip.compress((tmp_path / "mmlu.jsonl").read_bytes()))

    def read(name):
        return [(i.removeprefix(f"{tmp_path}/"), *rest) for i, *rest in read_items(str(tmp_path / name))]

    assert read("mmlu.jsonl") == [("mmlu.jsonl:1", "mmlu", "one"), ("mmlu.jsonl:q7", "mmlu", "two")]
    assert [rest for _, *rest in read("mmlu.jsonl.gz")] == [["mmlu", "one"], ["mmlu", "two"]]
    assert read("own.txt") == [("own.txt:1", "own", "three"), ("own.txt:2", "own", "four")]


@pytest.mark.parametrize("line", ["{", "[1]", '{"question": "one"}', '{"text": 1}'])
def test_a_line_that_is_no_item_is_named(tmp_path, line):
    (tmp_path / "bad.jsonl").write_text(f'{{"text": "one"}}\n{line}\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl:2: no"):
        list(read_items(str(tmp_path / "bad.jsonl")))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.jsonl", b"[" * 100_000, "x.jsonl:1: nested too deeply"),
        ("x.txt", b"one\n" + b"a" * (5 << 20), "x.txt:2: a line of more than 4,194,304 bytes"),
        ("x.txt.gz", gzip.compress(b" " * (50 << 20)), "x.txt.gz:1: a line of more than"),
        ("x.jsonl.gz", gzip.compress(b'{"text": "one"}\n' * 9000)[:-20], "x.jsonl.gz: damaged after line"),
    ],
)
def test_a_file_that_is_no_list_of_items_is_refused(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=said):
        list(read_items(str(tmp_path / name)))


def test_a_device_is_not_read():
    with pytest.raises(ValueError, match="/dev/zero is not a regular file"):
        list(read_items("/dev/zero"))
