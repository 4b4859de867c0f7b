import pytest
from hypothesis import given, strategies as st

from curate.filters.pii import PiiConfig
from curate.filters.pii_urls import scrub_url
from curate.filters.urls import normalize_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ann:pw@host.example/a", "http://host.example/a"),
        ("http://ann@mail.example:pw@host.example/?e=ann@mail.example", "http://host.example/?e=<EMAIL>"),
        ("http://ann%40mail.example@host.example", "http://host.example"),
        ("http://ann%40mail.example/", "http://mail.example/"),
        ("http:\\\\ann:pw@host.example\\x", "http:\\\\host.example\\x"),
        ("//ann:pw@host.example/a", "//host.example/a"),
        ("ftp://ann:pw@81.2.69.142:21/a", "ftp://81.2.69.142:21/a"),
        ("http://[2001:4860:4860::8888]:80/", "http://[2001:4860:4860::8888]:80/"),
        ("http://call +1 212-555-0142/", "http://call <PHONE>/"),
        ("http://h/?email=ann%40mail.example&page=2#ann@mail.example", "http://h/?email=<EMAIL>&page=2#<EMAIL>"),
        ("http://h/ann%2Elee%40mail.example/x", "http://h/<EMAIL>/x"),
        ("http://h/ann@mail.example.html?x", "http://h/<EMAIL>.html?x"),
        ("http://h/ann@mail.exa\nmple/", "http://h/<EMAIL>/"),
        ("http://h/?phone=+12125550142", "http://h/?phone=<PHONE>"),
        ("http://h/?n=%2B1+212-555-0142&m=1", "http://h/?n=<PHONE>&m=1"),
        ("http://h/?phone=2125550142", "http://h/?phone=<PHONE>"),
        ("http://h/?q=my+number+is+212-555-0142", "http://h/?q=my+number+is+<PHONE>"),
        ("http://h/?q=ann@mail.example+or+212-555-0142", "http://h/?q=<EMAIL>+or+<PHONE>"),
        ("http://h/?ip=7.7.7.7&v=1.2.3.4", "http://h/?ip=<IP>&v=1.2.3.4"),
        ("http://h/whois/81.2.69.142", "http://h/whois/<IP>"),
        ("http://h/?c=4111111111111111&i=DE89370400440532013000", "http://h/?c=<CREDIT_CARD>&i=<IBAN>"),
        ("http://h/?q=joe+at+mail+dot+com", "http://h/?q=<EMAIL>"),
        ("http://h/joe%28at%29mail.example", "http://h/<EMAIL>"),
        ("http://h/4111-1111-1111-1111", "http://h/<CREDIT_CARD>"),
        ("mailto:ann@mail.example?subject=x", "mailto:<EMAIL>?subject=x"),
        ("ann@mail.example wrote", "<EMAIL> wrote"),
        (
            "http://h/?u=http%3A%2F%2Fa%3Ab%40y.org%2F%3Fe%3Dann%2540mail.example",
            "http://h/?u=http:%2F%2Fy.org%2F%3Fe%3D<EMAIL>",
        ),
    ],
)
def test_what_is_scrubbed(url, expected):
    assert scrub_url(url) == expected
    assert scrub_url(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://news.example/2024/03/15/1234567-a-long-title/?p=987654321",
        "http://h/status/1834567890123456789",
        "http://h/4111111111111111",  # an id of an article has as many digits, one in ten with the right check digit
        "http://h/060-sbt.php#006.060.00495-497",  # as on a page of the crawl: begins with 0, and is no phone number
        "http://h/@ann/status/1",
        "http://h/logo@2x.png?v=1.2.3.4",
        "http://h/a%20b/%C3%A9%zz?q=c%2B%2B&t=12:30:00",
        "http://h/?date=2024-03-15&time=10:20:30&id=550e8400-e29b-41d4-a716-446655440000",
        "http://h/?text=2024-25+season",
        "http://h/?text=one+line%0A%0Ahttp%3A%2F%2Fhost%2F",
        "http://h/a@b\n",
    ],
)
def test_what_stays(url):
    assert scrub_url(url) == url


def test_settings_hold_in_urls_too():
    url = "http://ann:pw@h/?e=ann@mail.example&ip=81.2.69.142&s=078-05-1120"
    assert scrub_url(url, PiiConfig(email=False)) == "http://h/?e=ann@mail.example&ip=<IP>&s=078-05-1120"
    assert scrub_url(url, PiiConfig(ip=False, us_ssn=True)) == "http://h/?e=<EMAIL>&ip=81.2.69.142&s=<SSN>"


@pytest.mark.parametrize(
    "url",
    [
        "https://Www.Host.example:443/a/../b/?z=1&email=ann%40mail.example&utm_source=x#f",
        "http://ann:pw@host.example/%7Eann%40mail.example/",
        "http://host.example/?phone=%2B12125550142&b=%e9",
    ],
)
def test_any_spelling_of_a_url_is_scrubbed_to_the_same_page(url):
    assert normalize_url(scrub_url(normalize_url(url))) == normalize_url(scrub_url(url))


def test_codes_in_codes_end_somewhere():
    coded = "ann@mail.example"
    for _ in range(4):
        coded = coded.replace("%", "%25").replace("@", "%40")
    assert "ann" not in scrub_url(f"http://h/?u={coded}")
    scrub_url("http://h/?u=%" + "25" * 100_000 + "40")


@given(st.text(alphabet="ab@.%40+/?&=#: 12-\ud800é", max_size=60))
def test_any_string_is_scrubbed_once_and_for_all(url):
    once = scrub_url(url)
    assert scrub_url(once) == once
