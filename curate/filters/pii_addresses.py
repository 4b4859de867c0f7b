"""Find e-mail and IP addresses in a text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from curate.filters.pii_digits import begin_in

# An address as people write it (RFC 5322 dot-atom), with the lengths of RFC 5321, section 4.5.3.1. An address in Latin
# letters ends where other letters begin, because Chinese, for one, puts no space around it; otherwise any letters are
# allowed (RFC 6531). One in lower case also ends where a sentence begins without a space ("ann@example.org.We").
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_LOCAL_PARTS = [
    re.compile(rf"(?<![{letters}.%+\-])[{letters}%+\-](?:[{letters}.%+'\-]{{0,62}}[{letters}%+\-])?\Z")
    for letters in (_LATIN + "_", r"\w")
]
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?=\.[A-Z][a-z])|"
    rf"(?:[{_LATIN}](?:[{_LATIN}_\-]{{0,61}}[{_LATIN}])?\.){{1,8}}(?:xn--[a-z0-9\-]{{1,58}}[a-z0-9]|[A-Za-z]{{2,24}})"
    rf"(?![{_LATIN}_@])"
    r"|(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@])"
)
# Extensions of file names ("logo@2x.png", "vue@3.js"); none is a top-level domain.
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|bmp|ico|tiff?|avif|heic|psd|pdf|docx?|xlsx?|csv|txt|log|html?|php|css|m?js|jsx|tsx?"
    r"|json|xml|tgz|gz|tar|rar|jar|exe|dll|ttf|woff|wav|avi|mpe?g)\Z",
    re.IGNORECASE,
)


def find_emails(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each e-mail address."""
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        if domain and not _FILE.search(domain.group()):
            first = max(0, at - 65)
            latin, other = _LOCAL_PARTS
            local = latin.search(text[first:at]) or other.search(text[first:at])
            if local:
                yield first + local.start(), domain.end(), "email"
        at = text.find("@", at + 1)


_TWO_COLONS = re.compile(r":(?:[0-9A-Fa-f]{1,4})?:")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)[0-9.]{7,15})?(?![\w:]|\.[0-9])")


def find_ipv6(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each public IPv6 address."""
    done = 0
    for colons in _TWO_COLONS.finditer(text):
        if colons.start() < done:
            continue
        # An address starts at most 4 digits before its first colon.
        match = _IPV6.search(text, max(0, colons.start() - 4), colons.end() + 40)
        if match:
            done = match.end()
            if _is_public_ipv6(match.group()):
                yield match.start(), match.end(), "ip"


def _is_public_ipv6(address: str) -> bool:
    """Say whether this is a public address: global unicast, 2000::/3 (RFC 4291), or a mapped IPv4 address.

    An address that ends in two colons is a network, or the end of a sentence in reStructuredText ("so it will be::");
    eight written-out groups are always an address.
    """
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return False
    if parsed.ipv4_mapped:
        return parsed.ipv4_mapped.is_global
    known = int(parsed) >> 125 == 1 and not address.endswith("::")
    return parsed.is_global and (known or "::" not in address)


_IPV4 = re.compile(r"(?<![\w.\-])(?<!(?<!/)/)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w\-]|\.[0-9])")
_ADDRESS_WORD = re.compile(
    r"(?i:(?<![^\W_])(?:ip|ipv4|ip address|addr|host|server|dns|ping|gateway|proxy|client)\W{0,4}(?:is |at )?\Z|//\Z)"
)
_VERSION_WORD = re.compile(
    r"(?i:(?:(?<![^\W_])(?:versions?|ver|v|releases?|rel|builds?|revision|rev|firmware|patch|sections?|sect?|chapter|ch|"
    r"clause|article|paragraph|appendix|versi[oó]n|versão|версия|раздел|глава)|版本|バージョン|버전|§)"
    r"(?:[ ](?:no|number|is))?[\s.:#=(\"'：-]{0,4}\Z)"
)


def find_ipv4(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each public IPv4 address that begins in a run of digits."""
    if text.count(".", start, end) < 3:  # the usual case
        return
    for match in begin_in(_IPV4, text, start, end):
        if _is_public_ipv4(match.group(), text[max(0, match.start() - 20) : match.start()]):
            yield *match.span(), "ip"


def _is_public_ipv4(address: str, before: str) -> bool:
    """Say whether this is a public address rather than a version or section number.

    A word before the number can mark it as a version or section. Four numbers of at most six digits together count only
    after a word that announces an address, except for four equal numbers such as 8.8.8.8, which no version has: one in
    800 addresses is that short, and on real pages nearly all numbers that short were versions and sections.
    """
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    numbers = address.split(".")
    is_long = len(address) >= 10 or (len(set(numbers)) == 1 and int(numbers[0]) > 4)
    if is_long:
        return parsed.is_global and not _VERSION_WORD.search(before)
    return parsed.is_global and _ADDRESS_WORD.search(before) is not None
