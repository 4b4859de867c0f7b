import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from curate import extract_text, llama3_heuristics, measure
from curate.text.mojibake import repair_mojibake

SHARED = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
_CP1252 = {i: bytes([i]).decode("cp1252", "ignore") or chr(i) for i in range(0x80, 0xA0)}

TEXTS = {
    "fr": "Le garçon a mangé une crème brûlée à l’hôtel « Étoile » près de la forêt.",
    "de": "„Der Bär“ – so heißt das Gasthaus – öffnet früh und schließt spät. Alle grüßen höflich.",
    "ru": "Самовар стоит на столе, и чай уже готов. Бабушка зовёт детей домой.",
    "el": "Το καΐκι φεύγει το πρωί από το λιμάνι και γυρίζει το βράδυ.",
    "he": "הסירה יוצאת בבוקר מהנמל וחוזרת בערב עם הרבה דגים.",
    "ja": "朝早く港を出た船は、夕方に魚をたくさん積んで帰ってくる。",
    "ko": "파일 관리자에서 연락처의 지인에게 편지를 보낼 수 있습니다.",
    "hi": "नाव सुबह बंदरगाह से निकलती है और शाम को लौट आती है।",
    "emoji": "Happy birthday 🎂 to you 🎉 and to you 🎈 and your café’s cat 🐈",
}


def encoded_again(text: str, times: int = 1) -> str:
    for _ in range(times):
        text = text.encode().decode("latin-1").translate(_CP1252)
    return text


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("language", TEXTS)
def test_text_that_was_encoded_again_is_repaired(language, times):
    text = TEXTS[language]
    assert repair_mojibake(encoded_again(text, times)) == text
    assert repair_mojibake(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "« Un café » et « le thé » : l’été, au marché » de l’« été »…",
        "CAFÉ… MUSÉE… „Spaß“, „Fuß“, „Gruß“ – É… É… É…",
        "Nescafé® und Gelée™, 5 Å², 3 Å³, Ø±0,1; IRMÃ” MANHÃ” AMANHÔ",
        "An é turns into Ã©, an è into Ã¨, a ü into Ã¼ and ’ into â€™ when it is read as Windows-1252.",
        'The bytes show up as "Ã©", "Ã¨" or "â€™".',
        "Only one: cafÃ©.",
        "\ud800 â€",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert repair_mojibake(text) is text


def test_only_the_damaged_lines_of_a_page_change():
    good = "Über uns: das Café öffnet um acht — täglich."
    bad = "Itâ€™s a cafÃ© in the valley, and the peopleâ€™s favourite."
    assert (
        repair_mojibake(f"{good}\n{bad}\n{good}")
        == f"{good}\nIt’s a café in the valley, and the people’s favourite.\n{good}"
    )


def test_bytes_that_programs_lose_are_put_back():
    text = "She said â€œitâ€™s lateâ€ and went voilÃ home.Â\nWeâ€™ll see."
    assert repair_mojibake(text) == "She said “it’s late” and went voilà home.\nWe’ll see."


@given(st.text(alphabet=st.sampled_from("a Ãâ€™©Ââ\x80\x99\xa0“éß»íŒ\n<ðŸ˜€"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_repaired_without_an_error(text):
    repair_mojibake(text).encode("utf-8")


def test_time_is_linear():
    def seconds(size):
        start = time.process_time()
        for piece in ("â€", "Ã", "Ãƒ", "ðŸ˜", "é\xa0»"):
            repair_mojibake(piece * size)
        return time.process_time() - start

    assert seconds(200_000) < 20 * max(seconds(20_000), 0.01)


def test_extracted_text_is_repaired_and_what_is_left_is_dropped():
    lines = "We ate crÃ¨me brÃ»lÃ©e at ZoÃ«â€™s cafÃ©, and itâ€™s good. The garÃ§on isnâ€™t from here, is he?"
    assert "Zoë’s café" in extract_text(f"<p>{lines}</p>").text
    prose = (
        "The owner bakes the bread herself, and people of the valley come for it on every day of the week. In winter, "
        "when the road is closed, she sends her son down with a sledge, and he is back before it is dark. "
    )
    assert llama3_heuristics(prose + lines).reason == "mojibake"
    assert llama3_heuristics(prose + repair_mojibake(lines)).keep
    assert measure("CAFÉ… Nescafé® „Spaß“ « thé »").mojibake_share == 0


@pytest.mark.skipif(not SHARED.exists(), reason="the evaluation data is not here (CURATE_SHARED_DATA names its folder)")
def test_real_multilingual_text_changes_only_where_it_is_damaged():
    import io

    import zstandard

    changed = many = 0
    for name in ("paragraph_debian_docs", "paragraph_udhr", "document_masakhanews", "document_debian_docs"):
        with open(SHARED / "language" / f"{name}.jsonl.zst", "rb") as file:
            stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                text = json.loads(line)["text"]
                many += 1
                changed += repair_mojibake(text) != text
    assert many > 40_000
    assert changed == 0
