import time

import pytest
from hypothesis import given, strategies as st

from curate.filters.urls import UrlFilterConfig, blocked_url, normalize_url

SAME = {
    "http://example.org/": [
        "http://example.org", "https://example.org/", "HTTP://EXAMPLE.ORG", "http://www.example.org", "example.org",
        "http://example.org:80/", "https://example.org:443", "http://example.org./", "http://user:pw@example.org/",
        "http://example.org/#top", "http://example.org/?", "http://example.org/?utm_source=a&utm_medium=b",
        "http://example.org/.", "http://example.org/a/..", " http://example.org/\n", "http:\\\\example.org\\",
        "http://www2.example.org/", "http://www.www.example.org", "//example.org".replace("//", "http:////"),
    ],
    "http://example.org/a%20b?q=1&r=2": [
        "http://example.org/a b?r=2&q=1", "http://example.org/a%20b/?q=1&r=2", "http://example.org/%61%20b?q=1&&r=2",
        "http://example.org/x/../a%20b?q=1&amp;r=2", "http://example.org/a%20b?q=1&r=2&fbclid=xyz&gclid=1#s",
        "http://example.org/a%20b;jsessionid=0A1B?q=1&r=2",
    ],
    "http://example.org/%C3%A9?n=%C3%BC%2F": ["http://example.org/é?n=ü%2f", "http://example.org/%c3%a9?n=%c3%bc%2F"],
    "http://xn--bcher-kva.example/": ["http://bücher.example", "http://BÜCHER.example/", "http://b%C3%BCcher.example"],
    "http://example.org/?a=1&a=2&b=": ["http://example.org/?b=&a=2&a=1"],
    "http://example.org/?q=a%20b": ["http://example.org?q=a+b", "http://example.org/?q=a%20b"],
    "http://example.org:8080/a": ["https://www.example.org:8080/a/"],
    "http://example.org/app": [
        "http://example.org/app#/", "http://example.org/app#!", "http://example.org/app/#!/", "http://example.org/app#note-1",
        "http://example.org/app#:~:text=a/b", "http://example.org/app#a=1/2", "http://example.org/app#",
    ],
    "http://example.org/#!/mail/%C3%A9?a=1&b=2": [
        "https://example.org#!/mail/é/?b=2&a=1&utm_source=x", "http://example.org/#!/mail/%c3%a9?a=1&b=2#top",
        "http://example.org/#!/mail/é?a=1&b=2:~:text=x",
    ],
}  # fmt: skip
OTHERS = [
    "http://example.org/A", "http://example.org/a", "http://example.org/?page=2", "http://example.org/?id=gclid",
    "http://www.com/", "http://example.org/a%2Fb", "http://example.org/a/b", "http://example.com/",
    "http://m.example.org/", "urn:isbn:1", "mailto:a@example.org", "ftp://example.org/a", "", "no url at all", "http://",
    "http://[::1]/", "/path", "http://example.org/#/a", "http://example.org/#/b", "http://example.org/#!/a",
    "http://example.org/#!a", "http://example.org/a#chapter/1", "http://example.org/a#chapter/2",
]  # fmt: skip


@pytest.mark.parametrize(("expected", "url"), [(e, u) for e, urls in SAME.items() for u in urls])
def test_forms_of_one_page(expected, url):
    assert normalize_url(url) == expected


def test_other_pages_stay_apart():
    assert len({normalize_url(url) for url in [*OTHERS, *SAME]}) == len(OTHERS) + len(SAME)


PIECES = st.sampled_from([
    "http://", "https:", "//", "/", "\\", ".", "..", "/./", "/../", "www.", "www1.", "example", ".org", "?", "&",
    "&amp;", "=", "#", "%", "%2", "%2e", "%2F", "%41", "%25", "%zz", "+", " ", "\t", ";", ";jsessionid=1", "@",
    "#!", "#/", ":~:",
    ":", ":80", ":443", "utm_source", "ü", "İ", "ß", "。", "ｗｗｗ", "\u200b", "\ud800", "\0", "[", "]", "xn--", "a",
    "B", "1", "\x7f", "😀",
])  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join)))
def test_the_form_is_a_fixed_point(url):
    once = normalize_url(url)
    assert normalize_url(once) == once
    once = normalize_url("http://example.org/" + url)
    assert normalize_url(once) == once
    assert once.isascii()


@pytest.mark.parametrize("piece", [":", ":80", ".:", ".", "a.", "@", "%", "é", "/..", "&", "\u0301\u0316"])
def test_no_url_is_slow(piece, tmp_path):
    domains = tmp_path / "domains.txt"
    domains.write_text("example.org\n")
    url, config = "http://a" + piece * 30_000, UrlFilterConfig(domains=(str(domains),))
    start = time.process_time()
    normalize_url(url)
    blocked_url(url, config)
    assert time.process_time() - start < 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "ü", "%20"])), max_size=5), st.randoms())
def test_the_order_of_parameters_does_not_matter(pairs, random):
    shuffled = pairs[:]
    random.shuffle(shuffled)
    first, second = ("&".join(f"{k}={v}" for k, v in p) for p in (pairs, shuffled))
    assert normalize_url(f"http://a.example/?{first}") == normalize_url(f"http://a.example/?{second}")


@pytest.mark.parametrize(
    ("url", "rule", "detail"),
    [
        ("http://example.org/PORN/", "blocked_word", "porn"),
        ("http://example.org/%50orn", "blocked_word", "porn"),
        ("http://www.PornHub.com/", "blocked_word", "pornhub"),
        ("http://my-xvideos-list.example/", "blocked_word", "xvideos"),
        ("http://something.xxx/", "blocked_domain", ".xxx"),
        ("http://example.org/sexy-nude-pictures", "blocked_soft_words", "nude sexy"),
        ("http://example.org/?q=ｐｏｒｎ", "blocked_word", "porn"),
        ("http://people-search.example.org/john", "blocked_word", "people-search"),
        ("http://example.org/порно", "blocked_word", "порно"),
    ],
)
def test_built_in_lists(url, rule, detail):
    found = blocked_url(url)
    assert (found.rule, found.detail) == (rule, detail)


@pytest.mark.parametrize(
    "url",
    [
        "", "https://en.wikipedia.org/wiki/Essex", "http://www.middlesex.gov/", "https://example.org/sex-education",
        "https://www.pornic.fr/", "http://scunthorpe.example/", "http://cocktails.example/analysis", "https://dickens.example",
        "http://example.org/naked-mole-rat", "https://therapist.example/", "http://hancock.example/assessment",
        "http://records.example/public", "http://example.org/titanic", "http://youtube.com/watch?v=dQw4w9WgXcQ",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_let_through(url):
    assert blocked_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://blue-xxx-moon.journal.example/2011/03/", "https://journal.example/users/xxx/", "http://xxx.physics.example/abs/1",
        "https://code.example/title-9/subchapter-xxx", "https://games.example/olympiad-xxx.html", "https://a.example/items/7xxx3f",
        "https://unmasked.example/", "https://history.example/unmasking-a-forger", "https://news.example/2019/milf-signs-peace-deal",
        "https://unicode.example/locale/jav/", "https://radio.example/a-fucking-good-record",
        "https://news.example/court-fines-bank-clerk-who-watched-porn-at-work", "https://wiki.example/wiki/Pornography",
        "https://school.example/sex-education-for-teens", "https://uni.example/graduates/summa-cum-laude-teens",
        "https://birds.example/great-tits-in-winter", "https://club.example/amateur-astronomy-webcam",
        "https://cars.example/escort-hardcore-racing", "https://www.wessexvideos.example/", "https://essexcams.example/",
        "https://town.example/public-records/", "https://hr.example/guide/background-check-by-employers",
        "https://news.example/mugshot-of-the-mayor-leaked", "https://tax.example/onlyfans-income-and-how-to-declare-it",
    ],
)  # fmt: skip
def test_words_of_other_topics_are_let_through(url):
    """Numerals, placeholders, names of users and parties, headlines, words within words."""
    assert blocked_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://xxx-tube.example/", "http://www.milf-club.example/", "http://a.example/xxx-videos/3", "http://best-xxx.co.uk/",
        "http://a.example/free-porn-clips/", "http://a.example/busty-wife-loves-porn-and-cock-all-day", "http://pornozeit.example/",
        "http://livesexcams.example/", "http://a.example/?q=hot+xxx", "http://a.example/amateur-anal-teens",
        "http://a.example/horny-babes", "http://a.example/cumshot/", "http://fuck.example/", "http://spokeo.example/jane-doe",
        "http://unmask.example/", "http://nude.a.example/sexy",
    ],
)  # fmt: skip
def test_sites_of_the_lists_are_refused_in_any_form(url):
    assert blocked_url(url) is not None


def test_two_vague_words_of_a_host_say_what_the_site_is():
    assert blocked_url("https://sex-webcam.example/room/4").rule == "blocked_soft_words"
    assert blocked_url("https://webcam.example/weather/naked-eye") is None


def test_a_third_vague_word_counts_as_a_plain_one_does():
    assert blocked_url("http://a.example/sex-webcam") is None
    found = blocked_url("http://a.example/sex-webcam-amateur")
    assert (found.rule, found.value, found.limit) == ("blocked_soft_words", 3, 3)
    assert blocked_url("http://a.example/sex-webcam", UrlFilterConfig(soft_words=("webcam",))).value == 2


def test_lists_of_the_user(tmp_path):
    listed = tmp_path / "domains.txt"
    listed.write_text("# mine\n0.0.0.0 bad.example\nWWW.Ugly.Example.\n\nhost.example/~spam\nbücher.example # why\n")
    config = UrlFilterConfig(domains=(str(listed),), lists=())
    for url in ("http://bad.example/", "https://a.b.BAD.example:8080/x", "http://ugly.example", "http://host.example/~spam/1",
                "http://www.host.example/~spam", "http://xn--bcher-kva.example/"):  # fmt: skip
        assert blocked_url(url, config).rule == "blocked_domain", url
    for url in ("http://notbad.example/", "http://bad.example.org/", "http://host.example/", "http://host.example/~spammer",
                "http://example/", "http://pornhub.com/"):  # fmt: skip
        assert blocked_url(url, config) is None, url
    assert blocked_url("http://a.b.bad.example/", config).detail == "bad.example"


def test_words_of_the_user():
    config = UrlFilterConfig(
        lists=(), words=("Casino",), parts=("lotto",), soft_words=("bet", "slots", "poker"), soft_limit=2
    )
    assert blocked_url("http://a.example/CASINO/", config).detail == "casino"
    assert blocked_url("http://a.example/casinos", config) is None
    assert blocked_url("http://megalotto.example/", config).detail == "lotto"
    assert blocked_url("http://a.example/bet?bet=bet", config) is None
    found = blocked_url("http://a.example/bet/poker", config)
    assert (found.rule, found.value, found.limit, found.detail) == ("blocked_soft_words", 2, 2, "bet poker")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"domains": ("/no/such/file",)}, "no file"),
        ({"lists": ("spam",)}, "adult, pii"),
        ({"soft_limit": 0}, "1 or more"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, problem):
    with pytest.raises(ValueError, match=problem):
        UrlFilterConfig(**settings)


@given(st.text(max_size=80))
def test_any_url_is_survived(url):
    blocked_url(url)
    blocked_url("http://example.org/" + url, UrlFilterConfig(parts=("x",)))


def test_a_list_of_domains_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text("a.example\n" + "b" * 100_000 + ".example\n")
    with pytest.raises(ValueError, match=r"x\.txt:2: a line of more than 65,536 characters"):
        blocked_url("http://c.example/", UrlFilterConfig(domains=(str(tmp_path / "x.txt"),)))
