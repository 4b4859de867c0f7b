import hashlib
import json
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.language.codes import canonical
from curate.language.detection import LanguageConfig, LanguageScore, detect_language, known_languages, language_shares

SHARED = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
LANGDETECT = LanguageConfig("langdetect")

# Written for this test.
SENTENCES = {
    "ar": "ذهبنا أمس إلى السوق لشراء الخبز والزيتون، وكان الطقس جميلا في المدينة.",
    "bg": "Вчера отидохме на пазара, за да купим хляб и маслини, а времето в града беше хубаво.",
    "cs": "Včera jsme šli na trh koupit chléb a olivy a počasí ve městě bylo krásné.",
    "da": "I går gik vi på markedet for at købe brød og oliven, og vejret i byen var dejligt.",
    "de": "Gestern gingen wir auf den Markt, um Brot und Oliven zu kaufen, und das Wetter in der Stadt war schön.",
    "el": "Χθες πήγαμε στην αγορά για να αγοράσουμε ψωμί και ελιές και ο καιρός στην πόλη ήταν ωραίος.",
    "en": "Yesterday we went to the market to buy bread and olives, and the weather in the town was fine.",
    "es": "Ayer fuimos al mercado a comprar pan y aceitunas, y hacía muy buen tiempo en la ciudad.",
    "fa": "دیروز برای خریدن نان و زیتون به بازار رفتیم و هوای شهر بسیار خوب بود.",
    "fi": "Eilen menimme torille ostamaan leipää ja oliiveja, ja kaupungissa oli kaunis sää.",
    "fr": "Hier nous sommes allés au marché pour acheter du pain et des olives, et il faisait beau en ville.",
    "he": "אתמול הלכנו לשוק לקנות לחם וזיתים, ומזג האוויר בעיר היה נעים מאוד.",
    "hi": "कल हम रोटी और जैतून खरीदने बाज़ार गए थे और शहर का मौसम बहुत अच्छा था।",
    "hu": "Tegnap elmentünk a piacra kenyeret és olajbogyót venni, és szép idő volt a városban.",
    "id": "Kemarin kami pergi ke pasar untuk membeli roti dan zaitun, dan cuaca di kota sangat bagus.",
    "it": "Ieri siamo andati al mercato a comprare il pane e le olive, e in città faceva bel tempo.",
    "ja": "昨日はパンとオリーブを買いに市場へ行きました。町の天気はとても良かったです。",
    "ko": "어제 우리는 빵과 올리브를 사러 시장에 갔는데 도시의 날씨가 아주 좋았습니다.",
    "nl": "Gisteren gingen we naar de markt om brood en olijven te kopen, en het weer in de stad was mooi.",
    "pl": "Wczoraj poszliśmy na targ kupić chleb i oliwki, a pogoda w mieście była piękna.",
    "pt": "Ontem fomos ao mercado comprar pão e azeitonas, e o tempo na cidade estava muito bom.",
    "ro": "Ieri am fost la piață să cumpărăm pâine și măsline, iar vremea în oraș era frumoasă.",
    "ru": "Вчера мы ходили на рынок, чтобы купить хлеб и оливки, и погода в городе была хорошая.",
    "sr": "Јуче смо ишли на пијацу да купимо хлеб и маслине, а време у граду је било лепо.",
    "sv": "I går gick vi till torget för att köpa bröd och oliver, och vädret i staden var vackert.",
    "sw": "Jana tulikwenda sokoni kununua mkate na zeituni, na hali ya hewa mjini ilikuwa nzuri.",
    "ta": "நேற்று நாங்கள் ரொட்டி வாங்க சந்தைக்குச் சென்றோம், ஊரில் வானிலை நன்றாக இருந்தது.",
    "th": "เมื่อวานเราไปตลาดเพื่อซื้อขนมปังและมะกอก อากาศในเมืองดีมาก",
    "tr": "Dün ekmek ve zeytin almak için pazara gittik ve şehirde hava çok güzeldi.",
    "uk": "Учора ми ходили на ринок, щоб купити хліб і оливки, і погода в місті була гарна.",
    "vi": "Hôm qua chúng tôi đi chợ mua bánh mì và ô liu, thời tiết trong thành phố rất đẹp.",
    "zh": "昨天我们去市场买面包和橄榄，城里的天气非常好。",
    "zu": "Izolo siye emakethe ukuyothenga isinkwa neminqumo, futhi isimo sezulu edolobheni besisihle.",
}
LATIN_SERBIAN = "Juče smo išli na pijacu da kupimo hleb i masline, a vreme u gradu je bilo lepo, rekao je predsednik."
CODE = """
def step(state, value):
    state ^= (state << 13) & 0xFFFF; return [x for x in range(value) if x % 2 == 0]
for (let i = 0; i < n; i++) { if (a[i] !== null) { out.push(fn(a[i], {key: "id", ttl: 30})); } }
int main(int argc, char **argv) { std::vector<int> v; for (auto &x : v) { printf("%d\\n", x); } return 0; }
"""


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_a_sentence_is_recognized_in_any_case_and_normal_form(language):
    import unicodedata

    text = SENTENCES[language]
    for form in (text, text.upper(), unicodedata.normalize("NFD", text)):
        found = detect_language(form)
        assert found.language == language
        assert found.score >= 0.5


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Hello world"),
        ("en", "This is a test."),
        ("de", "Guten Tag"),
        ("fr", "bonjour tout le monde"),
        ("es", "Buenos días"),
        ("pt", "Olá mundo"),
        ("nl", "Tot morgen"),
        ("tr", "Merhaba dünya"),
        ("ru", "Доброе утро"),
        ("uk", "Це тест."),
        ("ja", "こんにちは"),
        ("zh", "谢谢"),
        ("hi", "बहुत धन्यवाद"),
        ("el", "Καλημέρα"),
    ],
)
def test_a_few_words_are_in_a_common_language(language, text):
    assert detect_language(text).language == language


def test_a_word_of_many_languages_has_a_low_score():
    for word in ("hello", "test", "taxi"):
        assert detect_language(word).score < 0.5


def test_serbian_is_serbian_in_both_its_alphabets():
    assert detect_language(LATIN_SERBIAN).language == "sr"


@pytest.mark.parametrize(
    "text",
    [
        "xkq vbnwj zzrtp qlfhd wpmxc jgkvb qzxwt hbnfl dkpqr vxzjw mtqlp gfhbn cxkzv wqjrt plmnb ghdfk zxcvq wrtyp",
        "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlzIHNpbmd1bGFyIHBhc3Npb24",
        "d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709",
        CODE,
    ],
)
def test_what_is_no_language_gets_a_low_score(text):
    found = detect_language(text)
    assert found.score < 0.5
    assert found.language == "und"


def test_a_page_of_code_is_in_the_language_of_its_prose():
    for language in ("en", "de", "ru"):
        page = "\n".join((*[SENTENCES[language]] * 2, CODE, *[SENTENCES[language]] * 2))
        assert detect_language(page).language == language
        assert detect_language(page).score >= 0.5


@pytest.mark.parametrize("text", ["", " \n\t", "0123 456.78 %%% ---", "\ud800\udfff", "🎉🎉", "\0\0"])
def test_a_text_without_letters_is_undetermined(text):
    for config in (LanguageConfig(), LANGDETECT):
        assert detect_language(text, config) == LanguageScore("und", 0.0)
    assert language_shares(text) == {}


def test_a_script_of_no_known_language_is_undetermined():
    assert detect_language("ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺᚾᛁᛃ").language == "und"
    assert detect_language("ꉢꆏꃅꐥꌠꊿ").language == "ii"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_a_known_language_and_a_probability(text):
    found = detect_language(text)
    assert found.language in known_languages() | {"und", "ii"}
    assert 0 <= found.score <= 1
    assert found == detect_language(text)
    assert sum(language_shares(text).values()) == pytest.approx(1 if language_shares(text) else 0, abs=0.06)


@pytest.mark.parametrize("noise", ["\ud800", "\0", "\u200b", "1234 ", "\U0001f600"])
def test_noise_between_words_changes_nothing(noise):
    text = SENTENCES["de"].replace(" ", f" {noise} ")
    assert detect_language(text).language == "de"


def test_a_long_text_is_judged_by_all_of_it():
    english, german = SENTENCES["en"] + "\n", SENTENCES["de"] + "\n"
    assert detect_language(english * 20 + german * 200).language == "de"
    assert detect_language("1 2 3 4 5\n" * 2000 + german * 30).language == "de"
    assert detect_language("x\n" + german * 100_000).language == "de"  # 10 MB


def test_a_mixed_page_has_a_middling_score_and_its_shares():
    page = "\n".join([*[SENTENCES["en"]] * 10, *[SENTENCES["ru"]] * 10])
    assert detect_language(page).score < detect_language(SENTENCES["en"]).score
    shares = language_shares(page)
    assert shares["en"] == pytest.approx(0.5, abs=0.1)
    assert shares["ru"] == pytest.approx(0.5, abs=0.1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize("config", [LanguageConfig(), LANGDETECT], ids=["curate", "langdetect"])
def test_threads_give_the_same_answers(config):
    texts = [text for pair in zip(SENTENCES.values(), reversed(SENTENCES.values()), strict=True) for text in pair]
    alone = [detect_language(text, config) for text in texts]
    together = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda out=out: out.extend(detect_language(t, config) for t in texts))
        for out in together
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [alone] * 4


def test_langdetect_gives_codes_of_this_project():
    assert detect_language(SENTENCES["zh"], LANGDETECT).language == "zh"
    assert {"en", "nb", "tl"} <= known_languages(LANGDETECT)
    assert not {"no", "zh-cn"} & known_languages(LANGDETECT)


def test_known_languages_are_canonical_and_many():
    known = known_languages()
    assert all(canonical(code) == code for code in known)
    assert set(SENTENCES) <= known
    assert sum(len(code) == 2 for code in known) >= 160
    assert not {"und", "zxx"} & known


def test_import_is_light():
    code = (
        "import sys, curate.language.detection; print({'numba', 'fasttext', 'langdetect', 'numpy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_an_engine_that_does_not_exist():
    with pytest.raises(ValueError, match="unknown language engine 'cld2': use curate, fasttext or langdetect"):
        detect_language("x", LanguageConfig("cld2"))  # type: ignore[arg-type]


def train_languages(path, labels, epoch=20):
    """Train a small fastText model: a label for each language of a sentence."""
    import fasttext

    lines = [f"__label__{label} {SENTENCES[language]}\n" for language, label in labels.items()] * 50
    path.with_suffix(".txt").write_text("".join(lines))
    trained = fasttext.train_supervised(
        str(path.with_suffix(".txt")), minn=2, maxn=3, bucket=1000, dim=8, epoch=epoch, thread=1, verbose=0
    )
    trained.save_model(str(path))
    return str(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    labels = {"en": "eng_Latn", "de": "deu_Latn", "ru": "rus_Cyrl", "da": "no"}
    return Path(train_languages(tmp_path_factory.mktemp("fasttext") / "model.bin", labels))


class TestFastText:
    def test_labels_become_codes(self, model):
        config = LanguageConfig("fasttext", str(model))
        assert detect_language(SENTENCES["de"] + "\n" + SENTENCES["de"], config).language == "de"
        assert detect_language(SENTENCES["da"], config).language == "nb"
        assert known_languages(config) == {"en", "de", "ru", "nb"}
        for text in ("", "\n", "\ud800", "\0"):
            assert 0 <= detect_language(text, config).score <= 1

    def test_labels_that_are_not_codes_are_mapped(self, tmp_path):
        path = train_languages(tmp_path / "own.bin", {"en": "english", "de": "not_german", "ru": "x"})
        labels = {"__label__english": "eng", "not_german": "de", "__label__x": ""}
        config = LanguageConfig("fasttext", path, labels)
        assert known_languages(config) == {"en", "de"}
        assert detect_language(SENTENCES["en"], config).language == "en"
        unknown = detect_language(SENTENCES["ru"], config)
        # the probability of the likeliest known one, as with the shipped model
        assert unknown.language == "und"
        assert 0 < unknown.score < 0.5
        assert (
            detect_language(SENTENCES["ru"], LanguageConfig("fasttext", path, {**labels, "x": "ru"})).language == "ru"
        )
        assert pickle.loads(pickle.dumps(config)) == config

    def test_probabilities_of_labels_of_one_language_add_up(self, tmp_path):
        import fasttext

        path = train_languages(tmp_path / "two.bin", {"de": "deu_Latn", "fr": "gsw", "en": "eng"}, epoch=1)
        apart, together = LanguageConfig("fasttext", path), LanguageConfig("fasttext", path, {"gsw": "de"})
        found = {
            label: p for p, label in fasttext.load_model(path).f.predict(SENTENCES["en"] + "\n", -1, 0.0, "strict")
        }
        assert max(found.values()) < 0.5  # a model that knows little: the sum of two is not either of them
        expected = found["__label__deu_Latn"] + found["__label__gsw"]
        assert detect_language(SENTENCES["en"], together) == LanguageScore("de", pytest.approx(expected, abs=1e-5))
        assert detect_language(SENTENCES["en"], apart).score == pytest.approx(max(found.values()))
        assert (known_languages(apart), known_languages(together)) == ({"de", "gsw", "en"}, {"de", "en"})

    def test_labels_of_no_language_are_undetermined(self, tmp_path):
        path = train_languages(
            tmp_path / "none.bin", {"en": "eng_Latn", "ru": "zxx_Zzzz", "de": "und_Cyrl", "fr": "nah"}
        )
        config = LanguageConfig("fasttext", path)
        assert known_languages(config) == {"en"}
        assert detect_language(SENTENCES["ru"], config).language == "und"

    @pytest.mark.parametrize(
        ("labels", "said"),
        [
            ({}, r"own\.bin has labels that are not codes of languages: __label__hq, __label__nice; map each of them "
                 r"with labels, as in \{__label__hq: en\}, or to '' if"),
            ({"hq": ""}, r"not codes of languages: __label__nice; map"),
            ({"hq": "", "nice": "klingon"}, "labels maps __label__nice to an unknown language code 'klingon'"),
            ({"hq": "", "nice": "en", "nise": "fr"}, r"labels maps nise, but .*own\.bin has only the labels __l"),
        ],
    )  # fmt: skip
    def test_a_label_that_is_not_a_code(self, tmp_path, labels, said):
        path = train_languages(tmp_path / "own.bin", {"en": "hq", "fr": "nice"})
        for use in (known_languages, lambda config: detect_language("x", config)):
            with pytest.raises(ValueError, match=said):
                use(LanguageConfig("fasttext", path, labels))

    def test_many_labels_are_not_all_listed(self, tmp_path):
        path = train_languages(tmp_path / "own.bin", {code: f"topic {code}".replace(" ", "_") for code in SENTENCES})
        with pytest.raises(ValueError, match=r"(__label__topic_\w\w, ){4}__label__topic_\w\w and 28 more; map"):
            known_languages(LanguageConfig("fasttext", path))

    def test_labels_for_another_engine(self):
        with pytest.raises(
            ValueError, match="only the engine fasttext has labels: remove them with the engine 'curate'"
        ):
            detect_language("x", LanguageConfig(labels={"english": "en"}))

    def test_no_model(self, tmp_path):
        for path in (None, str(tmp_path / "lid.176.ftz")):
            with pytest.raises(FileNotFoundError, match=r"Get lid\.176\.ftz .* and give its path as `model`"):
                detect_language("x", LanguageConfig("fasttext", path))

    def test_not_a_model_or_of_another_version(self, tmp_path, model):
        (tmp_path / "text.bin").write_text("this is no model")
        with pytest.raises(ValueError, match="is not a fastText model"):
            detect_language("x", LanguageConfig("fasttext", str(tmp_path / "text.bin")))
        (tmp_path / "new.bin").write_bytes(model.read_bytes()[:4] + (99).to_bytes(4, "little") + b"0" * 100)
        with pytest.raises(ValueError, match="file version 99"):
            detect_language("x", LanguageConfig("fasttext", str(tmp_path / "new.bin")))

    def test_a_wrong_hash(self, tmp_path, model):
        copy = tmp_path / "copy.bin"
        copy.write_bytes(model.read_bytes())
        beside = tmp_path / "copy.bin.sha256"
        beside.write_text(hashlib.sha256(b"another").hexdigest() + "  copy.bin\n")
        with pytest.raises(ValueError, match=r"does not have the sha256 in copy\.bin\.sha256"):
            detect_language("x", LanguageConfig("fasttext", str(copy)))


class TestPrior:
    def test_it_is_that_of_the_script(self):
        from curate.language.prior import log_prior, web_shares
        from curate.text.characters import SCRIPT_NAMES

        labels = ("chr", "en", "ja", "ru", "zh", "und", "zxx", "code")
        prior = log_prior(labels)
        assert prior.shape == (len(SCRIPT_NAMES), len(labels))
        assert np.isfinite(prior).all()
        likeliest = dict(zip(SCRIPT_NAMES, (labels[i] for i in prior.argmax(axis=1)), strict=True))
        assert (likeliest["latin"], likeliest["cyrillic"], likeliest["hiragana"]) == ("en", "ru", "ja")
        cyrillic = prior[SCRIPT_NAMES.index("cyrillic")]
        assert cyrillic[labels.index("en")] == cyrillic[labels.index("chr")]
        assert not prior[SCRIPT_NAMES.index("tibetan")].any()  # no label is written in it: all are as likely
        shares = web_shares()
        assert all(canonical(code) == code for code in shares)
        assert 0.9 < sum(shares.values()) < 1

    def test_it_is_for_short_texts_only(self):
        from curate.language.model import load_model

        shipped = load_model(Path(__file__).parents[2] / "quality_models" / "models" / "language.npz.zst")
        without = replace(shipped)
        object.__setattr__(without, "prior", np.zeros_like(shipped.prior))
        for text in SENTENCES.values():
            long = " ".join([text] * 20)
            assert (shipped.probabilities(long)[0] == without.probabilities(long)[0]).all()
        assert (shipped.probabilities("Hello")[0] != without.probabilities("Hello")[0]).any()


class TestModelFile:
    def test_damage_is_told(self, tmp_path):
        from curate.language.model import load_model

        shipped = Path(__file__).parents[2] / "quality_models" / "models" / "language.npz.zst"
        copy = tmp_path / "language.npz.zst"
        data = bytearray(shipped.read_bytes())
        data[len(data) // 2] ^= 1
        copy.write_bytes(data)
        (tmp_path / "language.npz.zst.sha256").write_text(shipped.with_name(shipped.name + ".sha256").read_text())
        with pytest.raises(ValueError, match="does not have the sha256"):
            load_model(copy)
        (tmp_path / "language.npz.zst.sha256").unlink()
        copy.write_bytes(shipped.read_bytes()[:1000])
        with pytest.raises(ValueError, match="is not a language model that this version reads"):
            load_model(copy)
        with pytest.raises(FileNotFoundError, match="no language model"):
            load_model(tmp_path / "none")

    def test_a_model_without_the_labels_of_what_is_no_language_is_refused(self, tmp_path):
        from curate.language.model import load_model, save_model

        shipped = load_model(Path(__file__).parents[2] / "quality_models" / "models" / "language.npz.zst")
        assert shipped.labels[-3:] == ("und", "zxx", "code")
        path = tmp_path / "language.npz.zst"
        save_model(replace(shipped, labels=shipped.labels[:-1]), path)
        with pytest.raises(ValueError, match="its last labels are zu, und, zxx"):
            load_model(path)

    def test_it_is_small(self):
        assert (Path(__file__).parents[2] / "quality_models" / "models" / "language.npz.zst").stat().st_size < 5_000_000


def test_anyone_can_train_a_model(tmp_path):
    from click.testing import CliRunner

    from quality_models.train_language import main

    rng = np.random.default_rng(0)
    texts = tmp_path / "texts"
    texts.mkdir()
    for source in ("one", "two"):
        rows = []
        for language in ("en", "de", "fi", "ru"):
            words = SENTENCES[language].split()
            rows += [{"text": " ".join(rng.permutation(words)), "language": language} for _ in range(60)]
        (texts / f"{source}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outputs = [tmp_path / "a.npz.zst", tmp_path / "b.npz.zst"]
    for output in outputs:
        options = [str(texts), "--hold-out", "two", "--steps", "3000", "--output", str(output)]
        result = CliRunner().invoke(main, options, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    config = LanguageConfig(model=str(outputs[0]))
    assert known_languages(config) == {"en", "de", "fi", "ru"}
    for language in ("en", "de", "fi", "ru"):
        found = detect_language(SENTENCES[language], config)
        assert found.language == language
        assert found.score > 0.5


@pytest.mark.skipif(not (SHARED / "language").is_dir(), reason="the evaluation data is not here (CURATE_SHARED_DATA)")
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("short_lingua sentence", 0.92),
        ("paragraph_udhr", 0.65),
        ("paragraph_debian_docs", 0.98),
        ("document_masakhanews", 0.9),
    ],
)
def test_macro_f1_on_real_texts(name, least):
    from quality_models.evaluate_language import engines, measure, read_sets

    (data,) = [found for found in read_sets(SHARED / "language", every=4) if found.name == name]
    assert measure(engines(None)["curate"], data).macro_f1 >= least


def test_texts_are_cut_to_their_first_words():
    from quality_models.evaluate_language import Labelled, first_words

    texts, languages = ["one two  three", "昨日はパン", "이 것 은"], ["en", "ja", "ko"]
    cut = first_words(Labelled("texts", texts, languages, [True] * 3), 2)
    assert cut.texts == ["one two", "昨日はパ", "이 것"]
    assert (cut.name, cut.languages) == ("texts, 2 words", languages)
