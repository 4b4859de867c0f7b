"""Classify a text by domain: what it holds, which the mixture balances, and what it is about.

>>> code = "def add(a, b):\\n    return a + b\\n\\nclass Stack:\\n    def push(self, x):\\n        self.x = x"
>>> classify_domain(code).label
'code'
>>> classify_domain("Der Hund schläft im Garten.", language="de").label
'multilingual'

What a text holds is measured in any language: lines of code, identifiers, formulas. What it is about is said by a
fastText classifier of 23 topics for English, with the notation and the site as further evidence. An essay on
programming is about code and holds none. quality_models/cards/domain.md describes how the weights were fitted, and the
accuracy.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from curate.language.codes import resolve
from curate.models.shipped import SHIPPED
from curate.models.text_classifier import HEAD, logit, prepare
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curate.models.text_classifier import TextClassifier

#: The labels of the Llama 3 mixture (arXiv 2407.21783, section 3.1.2).
LABELS = ("general", "maths", "code", "multilingual")

FORMAT = "curate domain model 1"
_MODEL = SHIPPED / "domain-en.zip"

# Topics of the classifier that are labels of the mixture; all others are general knowledge.
TOPIC_OF = {"code": "Code", "maths": "Mathematics & Reasoning"}

# A line of source code or of a shell session, in most line-based languages, without the white space around it. Prose
# that looks alike is what the details are for: "option(s)", "return to the top", "UPDATE 5:30 PM", "$ 5,000", a clause
# that ends in a semicolon, "\end{align}".
_CODE_LINE = re.compile(
    r"""(?:
      [\])};,]++$
    | [^\\]*+(?<=[{}])$
    | (?=.*+(?<=;)$).*(?:\w\(.*\)|[\])"'\w]\s*=\s*\S.*|[\]"']|\)\))\s*;$
    | (?:break|continue|pass|return|else|try|do|end|fi|done|esac|begin|endif|then)\b;?$
    | (?:int|long|short|char|bool|boolean|float|double|string|String|var|let|const|auto|unsigned|void|using|namespace
        |typedef|struct|enum|extern|static|final|public|private|protected|return|delete|throw|my|use|local)\s[^.]*;$
    | (?:public|private|protected|static|final|abstract|virtual|override|internal)\s
        (?:static|final|abstract|class|interface|enum|void|int|long|boolean|bool|double|synchronized|native|default
          |[\w.<>\[\],?]+\s\w+\().*
    | (?:def|class|if|for|while|else|elif|elsif|try|except|with|switch|case|fn|func|function|unless|foreach)\b.*[:{(]$
    | (?:def|fn|func|function|sub|proc)\s[\w.:]+\s?\(.*
    | (?:End\s(?:Sub|If|Function|With|Class)|Dim\s\w+.*|(?:Private\s|Public\s)?(?:Sub|Function)\s\w+\(.*|Loop)$
    | import\s[\w.{*"'][\w.,\ {}*"'/@-]*+;?$
    | (?:from\s\S+\simport|\#\s?(?:include|define|ifdef|ifndef|endif|pragma))\b.*
    | (?:package\s[\w.]++\s*;?|use\s[\w:\\]++\s*;)$
    | require(?:_once)?[\s(]["'].*
    | (?://|/\*|\*/|\#!|>>>\s|\.\.\.\s\s|<!--|-->|<\?|<%).*
    | (?:\*\s)?@(?:param|return|returns|throws|see|since)\b.*
    | @(?:[\w.]+\(.*\)|Override|Deprecated|Test|Nullable|Autowired|property|staticmethod|classmethod)$
    | (?:[$\#%]\s[a-z][\w./-]*(?:\s.*)?|[\w.-]+@[\w.-]+[:\s]\S*?[$\#]\s.*|[A-Z]:\\[^>]*>.*|PS\s[A-Z]:\\.*|\d:\d{3}>.*)$
    | (?:mysql|sqlite|irb.*|psql|postgres|In\ \[\d+\]|redis[\w.:]*)[>:=]\#?\s.*
    | (?:sudo\s)?(?:apt-get|apt|yum|dnf|pip3?|npm|npx|yarn|pnpm|git|docker|docker-compose|curl|wget|cd|mkdir|chmod|chown
        |systemctl|brew|cargo|conda|kubectl|gcc|g\+\+|python3?|node|ssh|scp|tar|unzip|rpm|nano|vi|vim|cp|mv|rm|ls|grep
        |sed|awk|rsync|mount|helm|terraform|ansible|gem|bundle|rails|composer|php|go|make|cmake|export|echo)
        \s(?:-|[\w-]*[./~:=$"'][\w./~-]|(?:update|upgrade|init|status)$
          |(?:install|clone|commit|push|pull|add|run|build|get|apply|start|restart|create|up)\b).*
    | ["']?[A-Za-z_$][\w.$\[\]>*&"'()-]*+\s*(?:=|\+=|-=|:=|=>|->|<-|==|\|\||&&)\s*[^\s=].*
    | ["'][\w.$\ -]+["']\s*:\s*\S.*
    | (?=[^(]*+\().*\w\((?!s\)|es\)|e?n\))[^()]*+(?:\([^()]*+\)[^()]*+)*+(?<![.!?])\)\s*+(?:[;{:,]|throws\s.*|const)?$
    | (?:</?[a-zA-Z][^<>]*>.*|(?=.*+(?<=>)$).*</[a-zA-Z]+>$)
    | (?:SELECT|INSERT\sINTO|UPDATE\s\w+\sSET|DELETE\sFROM|FROM|WHERE|JOIN|GROUP\sBY|ORDER\sBY)\s\w.*
    | (?:CREATE|ALTER|DROP)\s(?:TABLE|INDEX|VIEW|DATABASE|FUNCTION|USER|OR\sREPLACE|UNIQUE|PROCEDURE|TRIGGER)\b.*
    | return\s+(?:[\w.]*\s?[(\[{"'_=+*/<>!-].*|[\w.]+\s*;?$)
    | --[a-z][\w-]++(?:[\s=,<].*)?$
    )""",
    re.VERBOSE,
)
# "key:", "key: value" and "- value", indented, as in YAML.
_YAML_LINE = re.compile(r"\s{2,}(?:(?:- )?[a-z][\w.-]*+:(?:\s+\S+)?|- ['\"\w]\S*)$")
# curate's own values: a longer line is prose, or too long to look at as a whole. Minified code is known by its end.
_PROSE_LINE, _LONGEST_LINE = 200, 400
# Parts of identifiers and options in prose: snake_case, call(), a::b, camelCase, --option. Here and below a match
# begins with a rare character, for which the regex engine scans, and looks back from there.
_IDENTIFIER = re.compile(
    r"""[_(:A-Z-](?:
      (?<=[a-zA-Z]_)[a-zA-Z] | (?<=\w\()\) | (?<=\w:):(?=\w) | (?<=[a-z][a-z][A-Z])[a-z] | (?<=\s-)-[a-z]
    )""",
    re.VERBOSE,
)
# A formula, or a part of one: a LaTeX command that people use, and not a part of a Windows path or of a name with
# backslashes; a mathematical sign, but no sign that texts use for a minus, a bullet or a tick; something between dollar
# signs that are no prices or variables; a power, a subscript, f(x), an equation of a letter that is not part of a URL.
_FORMULA = re.compile(
    r"""[\\$^_(=<>≤≥∀-∑∓-∔∛-∵∷-∻∽-⋃⋆-⋮⋰-⋿∂ℝℂℕℤℚ](?:
      (?<=\\)(?:
        (?:[dt]?frac|sqrt|sum|prod|i?int|oint|lim|limsup|liminf|sup|inf|max|min|log|ln|exp|sin|cos|tan|det|dim|ker|deg|gcd
          |[bp]mod|alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma
          |tau|(?:var)?phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|math(?:bb|cal|rm|bf|frak|it|sf)
          |operatorname|cdots?|[lvd]?dots|times|o(?:times|plus)|pm|mp|leq?|geq?|neq?|equiv|approx|sim|simeq|cong|propto
          |su[bp]set(?:eq)?|(?:big)?c[ua]p|notin|in|to|forall|exists|infty|partial|nabla|(?:left|right|Right)arrow
          |Leftrightarrow|iff|implies|mapsto|[lr](?:angle|floor|ceil)|overline|underline|(?:wide)?hat|(?:wide)?tilde|vec
          |bar|binom|choose|q?quad|n?mid|ell|hbar|circ|emptyset|setminus|land|lor|neg|eqref|displaystyle|prime)
        (?![a-zA-Z\\:.])
      | (?:text|begin|end|left|right|[bB]ig|label|tag)[{(\[|]
      | [(\[](?=.{1,200}?\\[)\]])
      )
    | (?<=\$)[^$\n\ ](?:[^$\n]{0,80}[^$\n\ ])?\$(?!\w)
    | (?<=[a-zA-Z)]\^)[\d{(a-z]
    | (?<=[a-zA-Z]_)\{
    | (?<=\b[a-z]\()[a-z]\)
    | (?<=[=<>≤≥])(?:(?<=(?<![?&\w])[a-zA-Z].)|(?<=(?<![?&\w])[a-zA-Z]\s.))\s?[\d.a-z-]+\b
    | (?<![\\$^_(=<>≤≥])
    )""",
    re.VERBOSE,
)

#: Characters of a text in which code and formulas are counted. curate's own value.
NOTATION_HEAD = 20_000
# Weights of `Notation.evidence_of_code`, and of `Notation.evidence_of_maths`, in the log-odds that a text holds code,
# and maths: `quality_models.fit_notation` on 1,446 judged pages.
_HOLDS_CODE = (1.066, 1.365, 1.092, 0.478, -4.115, 0.468, 0.653)
_HOLDS_MATHS = (0.353, 1.785, -5.025)

#: Sites whose pages are nearly always about code, or about mathematics. curate's own list.
SITES = {
    "code": frozenset({
        "cppreference.com", "crates.io", "developer.mozilla.org", "doc.rust-lang.org", "docs.python.org", "docs.rs",
        "docs.oracle.com", "geeksforgeeks.org", "github.com", "gitlab.com", "npmjs.com", "pkg.go.dev", "pypi.org",
        "readthedocs.io", "readthedocs.org", "stackoverflow.com", "superuser.com", "w3schools.com",
    }),
    "maths": frozenset({
        "artofproblemsolving.com", "math.stackexchange.com", "mathoverflow.net", "mathworld.wolfram.com",
        "planetmath.org", "proofwiki.org",
    }),
}  # fmt: skip
# What such a site adds to the log-odds of its label. curate's own value: it makes an uncertain text likely (e^3 = 20
# to 1).
_SITE_EVIDENCE = 3.0
# What a text that is about maths adds to the log-odds that it holds some. curate's own value: three formulas are then
# enough, where a text about something else needs sixteen.
_ABOUT_EVIDENCE = 3.0


@dataclass(frozen=True, slots=True)
class DomainLabel(Result):
    """What a text holds, and what it is about.

    ``label`` is the mixture's: "code" or "maths" for a text that holds them, in any language ("code" if it holds both,
    as a page on an algorithm does), else "general" for English and "multilingual" for any other language; ``score`` is
    the probability (0 to 1) that it is right. ``topic`` is the likeliest of 23 topics, and ``about`` is "code", "maths"
    or "general": both are "" for a text that is not English.
    """

    label: str
    score: float
    topic: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Notation:
    """How much of a text is written as code or formulas.

    Attributes:
        code: share of characters in lines of source code.
        lines: number of these lines.
        run: the most of them in a row; empty lines between them do not count.
        identifiers: parts of identifiers in other lines, per word.
        formulas: parts of formulas in other lines, per word; words are chunks between white space, in all lines.
        formula_parts: number of these parts.
    """

    code: float = 0.0
    lines: int = 0
    run: int = 0
    identifiers: float = 0.0
    formulas: float = 0.0
    formula_parts: int = 0

    def evidence_of_code(self, topic: float | None) -> tuple[float, ...]:
        """Return the evidence that the text holds code; the last two say what the topic is worth.

        Args:
            topic: log-odds of the topic code, or None; it decides doubtful cases alone, and none of mostly code.
        """
        # Above these values, curate's own, a text holds code in any case, and more of it says nothing.
        share, lines, run = math.sqrt(min(self.code, 0.2)), min(self.lines, 10), min(self.run, 8)
        known = (0.0, 1.0) if topic is None or self.code > 0.5 else (topic, 0.0)
        return share, math.log1p(lines), math.log1p(run), math.sqrt(min(self.identifiers, 0.3)), 1.0, *known

    def evidence_of_maths(self) -> tuple[float, ...]:
        """Return the evidence that the text holds maths."""
        return math.sqrt(min(self.formulas, 0.5)), math.log1p(self.formula_parts), 1.0


def classify_domain(text: str | bytes, url: str | None = None, language: str = "en") -> DomainLabel:
    """Classify a text: whether it holds code or maths, and what it is about.

    Args:
        text: any string; the first ``NOTATION_HEAD`` characters count, for the topic the first
            ``curate.models.text_classifier.HEAD``.
        url: of the page, if known, because a few sites are evidence of what it is about.
        language: ISO 639-1 code of the text, else 639-3. Topics are known for English only.

    >>> found = classify_domain("How do I do this?", "https://stackoverflow.com/questions/1")
    >>> found.label, found.about
    ('general', 'code')
    """
    text, language = as_text(text), resolve(language)
    measured = measure_notation(text[:NOTATION_HEAD])
    topic = about = ""
    log_odds = None
    if language == "en":
        classifier, weights = topic_classifier()
        topics = classifier.probabilities(prepare(text))
        evidence = witnesses(topics, measured if len(text) <= HEAD else measure_notation(text[:HEAD]))
        topic = max(topics, key=lambda name: (topics[name], name)).replace("_", " ")
        odds = {"general": 1.0}
        for name, weight in sorted(weights.items()):
            odds[name] = math.exp(_dot(weight, evidence) + _site_evidence(url, name))
        about = max(odds, key=lambda name: (odds[name], name))
        log_odds = evidence[0]
    holds = {
        "code": _probability(_dot(_HOLDS_CODE, measured.evidence_of_code(log_odds))),
        "maths": _probability(
            _dot(_HOLDS_MATHS, measured.evidence_of_maths()) + (_ABOUT_EVIDENCE if about == "maths" else 0.0)
        ),
    }
    for label, probability in holds.items():
        if probability >= 0.5:
            return DomainLabel(label, probability, topic, about)
    label = "general" if language == "en" else "multilingual"
    return DomainLabel(label, 1 - max(holds.values()), topic, about)


def notation(text: str) -> tuple[float, float]:
    """Return the share of characters in lines of source code, and the parts of formulas in other lines per word.

    Words are chunks between white space, in all lines.

    >>> notation("We add them:\\nx = a + b;\\nLet y = 3.")
    (0.3125, 0.08333333333333333)
    """
    measured = measure_notation(text)
    return measured.code, measured.formulas


def measure_notation(text: str) -> Notation:
    """Measure how much of a text is written as code or formulas.

    >>> measure_notation("Set it up:\\nx = f(1);\\ny = g(x);").lines
    2
    >>> measure_notation("It is in C:\\\\Users\\\\in\\\\System32, for $5 or $10.").formula_parts
    0
    """
    characters = code = lines = run = longest = 0
    others: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip()
        if not line:
            continue
        characters += len(line)
        if _is_code(line, raw):
            code, lines, run = code + len(line), lines + 1, run + 1
            longest = max(longest, run)
            continue
        run = 0
        others.append(line)
    rest = "\n\0".join(others)  # so that nothing looks back over the end of a line
    identifiers, formulas = (sum(1 for _ in found.finditer(rest)) for found in (_IDENTIFIER, _FORMULA))
    words = max(len(text.split()), 1)
    return Notation(code / max(characters, 1), lines, longest, identifiers / words, formulas / words, formulas)


def _is_code(line: str, raw: str) -> bool:
    if len(line) > _LONGEST_LINE:
        return line[-1] in ";{}"
    if len(line) > _PROSE_LINE and line[-1] in '.!?:…。」)"':
        return False
    return bool(_CODE_LINE.match(line) or _YAML_LINE.match(raw.rstrip()))


def _dot(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(w * x for w, x in zip(weights, values, strict=True))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def witnesses(topics: Mapping[str, float], measured: Notation) -> tuple[float, ...]:
    """Return the evidence of what a text is about: log-odds of two topics, code lines, formulas, 1 for the offset.

    Args:
        topics: the classifier's probabilities.
        measured: the notation of the first `HEAD` characters.
    """
    odds = [logit(topics[TOPIC_OF[label].replace(" ", "_")]) for label in ("code", "maths")]
    # The first few per cent are the strongest evidence, and a share above a half adds none.
    code, formulas = (math.sqrt(min(share, 0.5)) for share in (measured.code, measured.formulas))
    return (*odds, code, formulas, 1.0)


def _site_evidence(url: str | None, label: str) -> float:
    host = _host(url) if url else ""
    return _SITE_EVIDENCE if any(host == site or host.endswith("." + site) for site in SITES[label]) else 0.0


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else "//" + url).hostname or ""
    except ValueError:  # "Invalid IPv6 URL"
        return ""


@functools.cache
def topic_classifier() -> tuple[TextClassifier, dict[str, list[float]]]:
    """Return the classifier of topics, and the weights of what a text is about."""
    from curate.models.model_file import read_model_file
    from curate.models.text_classifier import load_classifier

    manifest, parts = read_model_file(_MODEL, FORMAT, "python -m quality_models.train_domain")
    name = f"classifier.ftz in {_MODEL}"
    classifier = load_classifier(parts["classifier.ftz"], name, tuple(manifest["topics"]), trusted=True)
    return classifier, manifest["weights"]
