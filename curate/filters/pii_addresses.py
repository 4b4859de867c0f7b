"""Find e-mail and IP addresses in a text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from curate.filters.pii_digits import TOUCHING, begin_in

# An address as people write it (RFC 5322 dot-atom), with the lengths of RFC 5321, section 4.5.3.1. An address in Latin
# letters ends where other letters begin, because Chinese, for one, puts no space around it; otherwise any letters are
# allowed (RFC 6531). One in lower case also ends where a sentence begins without a space ("ann@example.org.We").
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_LOCAL_PARTS = [
    re.compile(rf"(?<![{letters}.%+\-&])[{letters}%+\-](?:[{letters}.%+'\-&]{{0,62}}[{letters}%+\-])?\Z")
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


# What makes an at sign one of a program: a call, or a sum ("obj@slot()", "x@name + y"); a path of scp and git after the
# host ("git@host:group/project", "root@host:/tmp"); user and password of a service's URL. Everything else stays an
# address, because to spoil a command costs less than to show a person's.
_CODE_AFTER = re.compile(r"\(\)|\([\"']|\s(?:[+*%]|[=!]=|<-|&&|\|\|)\s(?![^\s@]*@)")
_REMOTE_PATH = re.compile(r":(?:~?/(?!/)|[A-Za-z_.][\w./\-]*\.git(?![\w.]))")
_PROJECT_PATH = re.compile(r":[A-Za-z_.][\w.\-]*/[\w.]")
_SERVICE = re.compile(r"(?:git|hg|svn|gitea|gitlab|gerrit|forgejo|org-[0-9]+)@\Z", re.IGNORECASE)
_USER_OF_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#@]*:[^\s/?#@]*\Z|(?:ssh|git|svn\+ssh|git\+ssh|sftp)://\S*\Z"
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
            if local and not _is_code(text, first + local.start(), at, domain.end()):
                yield first + local.start(), domain.end(), "email"
        at = text.find("@", at + 1)


def _is_code(text: str, start: int, at: int, end: int) -> bool:
    """Say whether what looks like an address is part of a program or a command: nobody reads mail there."""
    if _CODE_AFTER.match(text, end) or _REMOTE_PATH.match(text, end):
        return True
    if _PROJECT_PATH.match(text, end) and _SERVICE.match(text, start, at + 1):
        return True
    return "://" in text[max(0, start - 100) : at] and _USER_OF_URL.search(text[max(0, start - 100) : at]) is not None


# An address written out, so that no machine finds it: "ann [at] example [dot] org", "ann(at)example.org". With "at" as
# a word ("ann at example dot org"; "ann.lee at example.org" of mailing lists), the top-level domain is one that many
# people use, and what stands before it is not a word of "look at example dot com". A person hid the address: that makes
# it no less personal.
_BRACKETED_AT = re.compile(r"[(\[{<][ ]?(?:at|ät|arroba|@)[ ]?[)\]}>][ ]?", re.IGNORECASE)
_WORD_AT = (" at ", " AT ")
_DOT = r"[ ]?[(\[{<][ ]?(?:dot|punkt|punto|ponto|point|\.)[ ]?[)\]}>][ ]?|[ ]dot[ ]"
_WRITTEN_DOMAIN = re.compile(
    rf"(?:[^\W_](?:[\w\-]{{0,61}}[^\W_])?(?:{_DOT}|\.)){{1,8}}[^\W\d_]{{2,24}}(?![\w@])", re.IGNORECASE
)
_COMMON_DOMAIN = re.compile(
    r"(?:[a-z0-9][a-z0-9\-]{0,62}(?:[ ]dot[ ]|(\.))){1,4}(?:com|org|net|edu|gov|info|io|ai|me|de|fr|es|it|nl|be|at|ch|"
    r"pl|ru|ua|cz|se|no|fi|dk|eu|uk|ca|au|in|jp|cn|br|us)(?![\w@\-/]|\.\w)",
    re.IGNORECASE,
)
_WRITTEN_LOCAL = re.compile(rf"(?<![\w.%+\-@])[\w%+\-](?:[\w.%+\-]|(?:{_DOT})(?=\w)){{0,62}}[ ]?\Z", re.IGNORECASE)
_WORDS_LOCAL = re.compile(r"(?<![\w.%+\-@])[a-z][\w.+\-]{1,40}(?:[ ]dot[ ][\w\-]{1,40}){0,2}\Z", re.IGNORECASE)
_NO_WORD = re.compile(r"[a-z]\w*[._+\d]\w", re.IGNORECASE)
_NO_NAMES = (
    "a about all and are available back be been book buy by check click come do done download email emailed find "
    "found free from get go good great guys have he her here him home i in interested is it its job just live look "
    "looked looking looks mail mailed me meet more new not now of off offer on one online only open order out over "
    "own page people published read reached register run sale sales see sell she shop shopping sign site sold stay "
    "store stuff that the their them there they things this time to today try up us visit was we website were what "
    "with work worked working works write you your"
)
_NOT_A_NAME = frozenset(_NO_NAMES.split())


def is_written_out(text: str) -> bool:
    """Return whether a text may hold an address that is written out: a quick check.

    >>> is_written_out("ann [at] example.org"), is_written_out("the date")
    (True, False)
    """
    return any(sign in text for sign in _WORD_AT) or next(_bracketed_at(text), None) is not None


def find_written_emails(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each e-mail address that is written out."""
    for sign in _WORD_AT:
        at = text.find(sign)
        while at >= 0:
            if domain := _COMMON_DOMAIN.match(text, at + 4):
                first = max(0, at - 64)
                local = _WORDS_LOCAL.search(text[first:at])
                # Before "at example.org" only what is not a word is a name; "dot" leaves less doubt.
                if local and (_NO_WORD.match(local.group()) if domain.group(1) else _is_name(local.group())):
                    yield first + local.start(), domain.end(), "email"
            at = text.find(sign, at + 1)
    for sign_start, sign_end in _bracketed_at(text):
        domain = _WRITTEN_DOMAIN.match(text, sign_end)
        first = max(0, sign_start - 64)
        local = _WRITTEN_LOCAL.search(text[first:sign_start])
        if domain and local:
            yield first + local.start(), domain.end(), "email"


def _bracketed_at(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each "at" in brackets; to search for the bracket alone is fastest."""
    for bracket in "([{<":
        at = text.find(bracket)
        while at >= 0:
            if match := _BRACKETED_AT.match(text, at):
                yield match.span()
            at = text.find(bracket, at + 1)


def _is_name(local: str) -> bool:
    return local.lower() not in _NOT_A_NAME


_TWO_COLONS = re.compile(r":(?:[0-9A-Fa-f]{1,4})?:")
_IPV6 = re.compile(rf"(?<!{TOUCHING})(?<![:.])[0-9A-Fa-f:]{{2,39}}(?:(?<=:)[0-9.]{{7,15}})?(?!{TOUCHING}|:|\.[0-9])")
#: Resolvers that anybody may use, which texts on networks name: of Google, Cloudflare, Quad9, OpenDNS, Level 3,
#: Verisign, AdGuard, CleanBrowsing, Control D, Yandex, 114DNS, AliDNS, DNSPod, Baidu, Comodo, DNS.Watch, Neustar, KT,
#: Hurricane Electric (their own documentation).
_RESOLVERS = (
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 1.1.1.3 1.0.0.3 9.9.9.9 149.112.112.112 9.9.9.10 9.9.9.11 "
    "208.67.222.222 208.67.220.220 208.67.222.123 208.67.220.123 4.2.2.1 4.2.2.2 4.2.2.3 4.2.2.4 4.2.2.5 4.2.2.6 "
    "64.6.64.6 64.6.65.6 94.140.14.14 94.140.15.15 185.228.168.9 185.228.169.9 76.76.2.0 76.76.10.0 77.88.8.8 "
    "77.88.8.1 114.114.114.114 114.114.115.115 223.5.5.5 223.6.6.6 119.29.29.29 180.76.76.76 8.26.56.26 8.20.247.20 "
    "84.200.69.80 84.200.70.40 156.154.70.1 156.154.71.1 156.154.70.22 156.154.71.22 168.126.63.1 168.126.63.2 "
    "74.82.42.42 2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe "
    "2620:fe::9 2620:119:35::35 2620:119:53::53 2a10:50c0::ad1:ff 2a10:50c0::ad2:ff"
)
PUBLIC_RESOLVERS = frozenset(map(ipaddress.ip_address, _RESOLVERS.split()))


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
    if parsed in PUBLIC_RESOLVERS:
        return False
    if parsed.ipv4_mapped:
        return parsed.ipv4_mapped.is_global and parsed.ipv4_mapped not in PUBLIC_RESOLVERS
    known = int(parsed) >> 125 == 1 and not address.endswith("::")
    return parsed.is_global and (known or "::" not in address)


_NUMBERS = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
# An address touches neither a letter nor a hyphen ("1.2.3.4-beta"), but may begin or end a range of addresses.
_IPV4 = re.compile(rf"(?<!{TOUCHING})(?<!\.)(?<!(?<!/)/){_NUMBERS}(?!{TOUCHING}|\.[0-9]|-(?!{_NUMBERS}(?![\w.])))")
_RANGE_BEFORE = re.compile(rf"(?<![\w.\-]){_NUMBERS}-\Z")
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
        before = text[max(0, match.start() - 20) : match.start()]
        if before.endswith("-") and not _RANGE_BEFORE.search(before):
            continue
        if _is_public_ipv4(match.group(), before):
            yield *match.span(), "ip"


def _is_public_ipv4(address: str, before: str) -> bool:
    """Say whether this is a public address rather than a version or section number.

    A word before the number can mark it as a version or section. Four numbers of at most six digits together count only
    after a word that announces an address, except for four equal numbers such as 7.7.7.7, which no version has: one in
    800 addresses is that short, and on real pages nearly all numbers that short were versions and sections. So may
    four that are a date with an hour ("18.12.20.15"). The `PUBLIC_RESOLVERS` are addresses of services.
    """
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    if parsed in PUBLIC_RESOLVERS:
        return False
    numbers = address.split(".")
    first, second, third, last = map(int, numbers)
    is_date = max(first, second, third, last) < 60 and 1 <= second <= 12 and (first <= 31 or third <= 31)
    is_long = (len(address) >= 10 and not is_date) or (len(set(numbers)) == 1 and int(numbers[0]) > 4)
    if is_long:
        return parsed.is_global and not _VERSION_WORD.search(before)
    return parsed.is_global and _ADDRESS_WORD.search(before) is not None
