import codecs
import time

import pytest
from hypothesis import given, strategies as st

from curate.text.charset import declared_in, decode, known_charset

TEXTS = {
    "cp1251": "Вода в реке поднялась, и мост закрыли до утра; жители ждали, пока она уйдёт.",
    "koi8-r": "Вода в реке поднялась, и мост закрыли до утра; жители ждали, пока она уйдет.",
    "iso8859-5": "Вода в реке поднялась, и мост закрыли до утра; жители ждали, пока она уйдёт.",
    "cp1252": "Die Brücke über den Fluß blieb bis zum Morgen gesperrt, und für die Züge galt das auch.",
    "cp1250": "Most přes řeku zůstal až do rána zavřený, protože voda stoupla a nikdo nevěděl, kdy klesne.",
    "iso8859-2": "Most na rzece był zamknięty aż do rana, ponieważ woda się podniosła i nie było wiadomo, co dalej.",
    "iso8859-7": "Το νερό στο ποτάμι ανέβηκε και η γέφυρα έμεινε κλειστή μέχρι το πρωί.",
    "cp1254": "Nehirdeki su yükseldi ve köprü sabaha kadar kapalı kaldı; çünkü şehirde başka yol yoktu.",
    "cp1255": "המים בנהר עלו והגשר נשאר סגור עד הבוקר, והתושבים חיכו בסבלנות.",
    "cp1256": "ارتفع الماء في النهر وبقي الجسر مغلقا حتى الصباح، وانتظر السكان بصبر.",
    "cp932": "川の水が増えて、橋は朝まで通れませんでした。住民は静かに待っていました。",
    "euc_jp": "川の水が増えて、橋は朝まで通れませんでした。住民は静かに待っていました。",
    "iso2022_jp": "川の水が増えて、橋は朝まで通れませんでした。",
    "gb18030": "河水上涨了，桥一直关闭到早晨。居民们耐心地等待着，谁也不知道水什么时候退。",
    "big5": "河水上漲了，橋一直關閉到早晨。居民們耐心地等待著，誰也不知道水什麼時候退。",
    "cp949": "강물이 불어나서 다리는 아침까지 닫혀 있었고 주민들은 조용히 기다렸다.",
    "cp874": "น้ำในแม่น้ำสูงขึ้นและสะพานถูกปิดจนถึงเช้า ชาวบ้านรออย่างอดทน",
    "utf-16-le": "<p>The bridge stayed closed until the morning.</p>",
    "utf-16-be": "<p>The bridge stayed closed until the morning.</p>",
}


def page(text, head=""):
    return f"<html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize("codec", TEXTS)
def test_undeclared_charsets_are_detected(codec):
    text = page(TEXTS[codec] + " " + TEXTS[codec])
    assert decode(text.encode(codec))[0] == text


@pytest.mark.parametrize("codec", [c for c in TEXTS if "utf-16" not in c])
def test_declared_charsets_are_believed(codec):
    short = page(TEXTS[codec][:12])
    assert decode(short.encode(codec), codec)[0] == short
    in_page = page(TEXTS[codec][:12], f'<meta http-equiv="Content-Type" content="text/html; charset={codec}">')
    assert decode(in_page.encode(codec))[0] == in_page


@pytest.mark.parametrize("codec", [c for c in TEXTS if "utf-16" not in c and "2022" not in c and c != "cp1250"])
def test_a_latin_default_of_the_server_is_not_believed(codec):
    text = page(TEXTS[codec], f"<meta charset={codec}>")
    assert decode(text.encode(codec), "ISO-8859-1")[0] == text


@pytest.mark.parametrize("codec", ["cp1251", "euc_jp", "gb18030", "cp949", "iso8859-7", "cp874"])
def test_what_is_clearly_not_latin_is_detected_against_a_latin_declaration(codec):
    text = page(TEXTS[codec])
    assert decode(text.encode(codec), "latin1")[0] == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(["", "latin1", "gbk", "koi8-r"]))
def test_utf_8_is_utf_8_whatever_is_declared(text, declared):
    text = "Straße – 橋 – мост " * 3 + text.replace("\0", "").replace("\x1b", "")
    assert decode(text.encode(), declared) == (text, "utf-8")


def test_a_few_broken_bytes_do_not_make_utf_8_anything_else():
    text = TEXTS["cp932"] * 5
    cut = text.encode()[:-1]
    assert decode(cut) == (text[:-1] + "�", "utf-8")
    assert decode(cut[:100] + b"\xff" + cut[100:], "utf-8")[1] == "utf-8"


def test_an_accent_alone_is_latin():
    assert decode("<p>The café is closed.</p>".encode("cp1252")) == ("<p>The café is closed.</p>", "cp1252")
    assert decode("“Yes” — she said it’s 5 £".encode("cp1252"), "iso-8859-1")[0] == "“Yes” — she said it’s 5 £"


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
     (codecs.BOM_UTF32_LE, "utf-32-le")],
)  # fmt: skip
def test_a_byte_order_mark_decides(mark, codec):
    assert decode(mark + "Öl".encode(codec), "koi8-r") == ("Öl", codec)


@pytest.mark.parametrize(
    ("html", "codec"),
    [
        (b"<meta charset='GB2312'>", "gb18030"),
        (b'<META content="text/html;charset=EUC-JP" http-equiv=Content-Type>', "euc_jp"),
        (b'<?xml version="1.0" encoding="windows-1250"?>', "cp1250"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<meta charset=nonsense><meta charset=cp1253>", "cp1253"),
        (b"<p>charset=koi8-r</p>", ""),
    ],
)
def test_declarations_in_the_page(html, codec):
    assert declared_in(html) == codec


def test_a_declaration_full_of_spaces_is_not_slow():
    start = time.process_time()
    assert declared_in(b"<meta " * 60 + b"charset=" + b" " * 7000 + b">") == ""
    assert time.process_time() - start < 1


@pytest.mark.parametrize("label", ["rot13", "base64", "utf-7", "idna", "unicode_escape", "x-user-defined", "", "😀"])
def test_what_is_no_charset_of_the_web_is_none(label):
    assert known_charset(label) == ""


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("KS_C_5601-1987", "cp949"), ("ksc_5601", "cp949"), ("euckr", "cp949"), ("ms949", "cp949"),
        ("windows-949", "cp949"),
        ("GB_2312-80", "gb18030"), ("x-gbk", "gb18030"), ("gb_2312", "gb18030"), ("MS_Kanji", "cp932"),
        ("shift_jis", "cp932"),
        ("ISO_8859-1:1987", "cp1252"), ("iso_8859-7:1987", "iso8859-7"), ("ISO_8859_2", "iso8859-2"),
        ("latin_1", "cp1252"),
        ("big5_hkscs", "big5hkscs"), ("TIS620", "cp874"), ("x-mac-cyrillic", "mac-cyrillic"),
        ("eucjp", "euc_jp"), ("utf_8", "utf-8"),
    ],
)  # fmt: skip
def test_labels_of_the_standard_and_of_pages(label, codec):
    assert known_charset(label) == known_charset(f' "{label.lower()}"') == codec


def test_a_short_page_is_read_by_a_label_with_underscores():
    text = "찦차를 타고 온 펲시맨"
    assert decode(b"<meta charset=KS_C_5601-1987>" + text.encode("cp949"))[0].endswith(text)


def test_euc_jp_has_the_characters_of_windows():
    page = "日本語の文。".encode("euc_jp") * 50
    added = b"\xad\xa1\xad\xb5\xad\xe2\xfc\xe2\xf9\xa1"
    assert decode(page + added + page, "euc-jp") == ("日本語の文。" * 50 + "①Ⅰ№髙纊" + "日本語の文。" * 50, "euc_jp")
    assert decode(b"<meta charset=x-euc-jp>" + page + added)[0].endswith("文。①Ⅰ№髙纊")
    assert decode(page + b"\xad\xa1\xff", "euc-jp")[0].endswith("文。①\ufffd")


def test_damaged_euc_jp_is_not_slow():
    content = (b"\xa4\xa2" * 12 + b"\xff") * 200_000
    start = time.process_time()
    decode(content, "euc-jp")
    assert time.process_time() - start < 5


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "utf-16", "big5", "nope", "iso-2022-jp"]))
def test_any_bytes_become_text(content, declared):
    text, codec = decode(content, declared)
    assert isinstance(text, str)
    assert codecs.lookup(codec)
    text.encode("utf-8")
