"""Replace personal data in a URL: user name and password, and personal data in path, query and fragment.

>>> scrub_url("http://ann:secret@host.example/reset?email=ann%40example.org&page=2")
'http://host.example/reset?email=<EMAIL>&page=2'
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, unquote

from curate.filters.pii import PiiConfig, scrub_part

#: Every URL with something to scrub has an at sign or percent code, the digits of a number, or colons of an address; an
#: address written out has a bracket or a space (as a plus).
_SUSPECT = re.compile(r"[@%(\[{<]|[ +][Aa][Tt][ +]|[0-9][0-9 .()\-/+]{5,}|:[0-9A-Fa-f]{0,4}:|[^\x00-\x7f]")
#: Scheme and authority as browsers find them, which accept http:/host and http:\\host.
_AUTHORITY = re.compile(r"(\s*(?:https?:[/\\]*|[a-z][a-z0-9+.\-]*://|//))([^/\\?#]*)", re.IGNORECASE)
_USER_END = re.compile("@|%40", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w.\-]*|\[[0-9A-Fa-f:.]*\])(?::[0-9]*)?")
#: Separators of pieces; extensions of pages too, because "ann@example.org.html" is not an address.
_BETWEEN = re.compile(r"([/\\?#&;=]|\.(?:html?|php|aspx?|jsp|json|xml|txt|pdf)(?![\w.]))", re.IGNORECASE)
_BREAK = re.compile(r"[\t\r\n]")  # which browsers ignore
_NUMBER = re.compile(r"[0-9 .()\-/+]+")
_ZERO_FIRST = re.compile(r"(?:\A|[ (])0")
_BARE_NUMBER = re.compile("[0-9]+")
EVERY_KIND = PiiConfig()
MAX_ROUNDS = 4  # per piece: a match can hide the one next to it ("81.2.69.142+12125550142")
MAX_DECODED = 8  # nested percent codes that are decoded; curate's own value: nested redirects have three


def scrub_url(url: str, config: PiiConfig = EVERY_KIND, decoded: int = 0) -> str:
    """Replace personal data in a URL with the placeholders of `scrub_pii`; ids and hosts stay.

    The host stays even if it is an IP address, because that is the address of a server. User name and password are
    removed. The pieces between ``/ ? & ; #`` are scrubbed one by one, also if they are percent-coded or URLs
    themselves; a number that is the whole value of a parameter is judged with the parameter's name. A number without a
    name is weaker evidence than one in a text: in a path, a number that begins with 0 is not a phone number, and digits
    alone are not a card number.

    Args:
        url: any string.
        config: the kinds to replace.
        decoded: how many times the URL has already been decoded.

    Returns:
        The URL, on one line if anything was replaced, with all other pieces unchanged. Scrubbing it again changes
        nothing.

    >>> scrub_url("http://81.2.69.142/lookup/81.2.69.142?tel=+49%2030%201234567&id=4111111111111112")
    'http://81.2.69.142/lookup/<IP>?tel=<PHONE>&id=4111111111111112'
    """
    line = _BREAK.sub("", url)
    if not _SUSPECT.search(line):
        return url
    start, rest = "", line
    if match := _AUTHORITY.match(line):
        scheme, authority = match.groups()
        host = _USER_END.split(authority)[-1]
        start = scheme + (host if _HOST.fullmatch(host) else _scrub_value(host, "", config, decoded))
        rest = line[match.end() :]
    pieces = _BETWEEN.split(rest)
    clean = pieces[:]
    for i in range(0, len(pieces), 2):
        name = pieces[i - 2] if i and pieces[i - 1] == "=" else ""
        clean[i] = _scrub_value(pieces[i], unquote(name), config, decoded)
    scrubbed = start + "".join(clean)
    return url if scrubbed == line else scrubbed


def _scrub_value(coded: str, name: str, config: PiiConfig, decoded: int) -> str:
    """Scrub a piece of a URL: decode it, scrub it, and encode it again if anything was replaced."""
    text = unquote(coded)
    clean = scrub_url(text, config, decoded + 1) if text != coded and decoded < MAX_DECODED else text
    clean = _scrub_words(clean, name, config)
    spaced = clean[:1] + clean[1:].replace("+", " ")  # a plus is a space, unless a number begins with it
    if spaced != clean and (words := _scrub_words(spaced, name, config)) != spaced:
        clean = words.replace(" ", "+")
    if clean == text:
        return coded
    return clean if text == coded else quote(clean, safe="<>@:!$'()*+,~", errors="replace")


def _scrub_words(text: str, name: str, config: PiiConfig) -> str:
    if not name:
        bare = config.credit_card and _BARE_NUMBER.fullmatch(text)
        zero = config.phone and _ZERO_FIRST.search(text)
        if bare or zero:
            config = replace(config, credit_card=config.credit_card and not bare, phone=config.phone and not zero)
    before = f"{name}: " if name and _NUMBER.fullmatch(text) else ""
    for _ in range(MAX_ROUNDS):
        edit, _ = scrub_part(before + text, len(before), len(before) + len(text), config)
        text = edit.text
        if not edit.counts:
            break
    return text
