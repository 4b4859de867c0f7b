import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.pii import PiiConfig, scrub_pii


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann.lee+x@mail.example.co.uk.", "<EMAIL>."),
        ("<a@b.org>", "<<EMAIL>>"),
        ("+44 20 7946 0958!", "<PHONE>!"),
        ("(212) 555-0142", "<PHONE>"),
        ("212-555-0142 or 1-212-555-0142", "<PHONE> or <PHONE>"),
        ("Tel: 030 123456", "Tel: <PHONE>"),
        ("8.8.8.8, 2001:4860:4860::8888", "<IP>, <IP>"),
        ("DE89 3704 0044 0532 0130 00", "<IBAN>"),
        ("4111 1111 1111 1111", "<CREDIT_CARD>"),
    ],
)
def test_what_is_personal_is_replaced(text, expected):
    assert scrub_pii(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4.5",
        "v10.20.30.40-beta",
        "192.168.0.1 10.0.0.1 127.0.0.1 255.255.255.0",
        "2021-03-04 12:30:45",
        "04.03.2021",
        "ISBN 978-3-16-148410-0",
        "ISBN 0-306-40615-2",
        "$1,234,567.00",
        "1 234 567,00 EUR",
        "1990-1995, 2000-2010",
        "std::vector<int> a::b::c",
        "4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "@someone wrote to user@localhost",
        "+1 000 000",
        "3.14159265358979",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    edit = scrub_pii(text)
    assert (edit.text, edit.counts) == (text, {})


def test_counts_are_per_kind_and_order_free():
    edit = scrub_pii("a@b.org c@d.org 8.8.8.8")
    assert edit.counts == {"email": 2, "ip": 1}


def test_social_security_numbers_on_request():
    text = "SSN 536-90-4399"
    assert scrub_pii(text).text == text
    assert scrub_pii(text, PiiConfig(us_ssn=True)).text == "SSN <SSN>"


@given(st.text(st.sampled_from("0123456789 +-.()/@:aAzé \n\u0660"), max_size=120))
def test_scrubbing_twice_is_scrubbing_once(text):
    once = scrub_pii(text)
    assert scrub_pii(once.text).text == once.text or once.counts
    assert sum(once.counts.values()) <= len(text)
