"""Alarms about the result: sites that lose nearly everything to one step, and languages that a step treats otherwise.

Counts come from the shards of the result, so they are the same however the input was split. A shard lists its most
frequent sites only, and so does their sum, so that memory does not grow with the corpus. What is not listed is bounded:
a site is reported only if it loses nearly everything even if it has all documents that it could have unlisted.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

# The limits are curate's own values.
LEAST = 100  # documents of a site or language, below which a share would be noise
LOST = 0.9  # share of a site's documents that one step must reject
LANGUAGE_LOST = 0.3  # share of a language's documents that a step must reject, and
TIMES_OTHERS = 3.0  # how many times the share that it rejects of the other languages
NAMED = 10  # sites in the warnings, those that lose most first; the rest are counted
LISTED = 1000  # sites that a shard lists
SUMMED = 50_000  # sites that the sum of all shards keeps

KEPT = ""  # stands for a step where documents that were kept are counted
#: The host of a URL, without user name, "www." and port.
SITE = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\\]*@)?(?:[Ww]{3}\.)?(?P<site>[^/?#\\@:]+)"


class Sites(TypedDict):
    """The most frequent sites of a shard.

    Attributes:
        rows: site, step (or `KEPT`), and number of documents.
        unlisted: most documents that a site has which is not in ``rows``.
    """

    rows: list[tuple[str, str, int]]
    unlisted: int


def count_sites(rows: pa.Table) -> Sites:
    """Count the documents of each site by the step that rejected them, or as kept if the table has no steps.

    >>> urls = ["https://www.a.org/1", "http://ann@A.org:80", "http://b.org?x", "no URL"]
    >>> sorted(count_sites(pa.table({"url": urls, "step": ["language", "language", "heuristics", "language"]}))["rows"])
    [('a.org', 'language', 2), ('b.org', 'heuristics', 1)]
    """
    hosts = pc.utf8_lower(pc.struct_field(pc.extract_regex(rows["url"], SITE), "site"))
    steps = (
        rows["step"] if "step" in rows.column_names else pa.chunked_array([pa.array([KEPT] * len(rows), pa.string())])
    )
    sites = pa.table({"site": hosts, "step": steps}).filter(pc.is_valid(hosts))
    totals = sites.group_by("site").aggregate([([], "count_all")])
    order = pc.sort_indices(totals, [("count_all", "descending"), ("site", "ascending")])
    listed = totals["site"].take(order[:LISTED])
    counts = sites.filter(pc.is_in(sites["site"], listed.combine_chunks())).group_by(["site", "step"])
    return {
        "rows": sorted(
            (r["site"], r["step"], r["count_all"]) for r in counts.aggregate([([], "count_all")]).to_pylist()
        ),
        "unlisted": totals["count_all"][order[LISTED].as_py()].as_py() if len(totals) > LISTED else 0,
    }


@dataclass(slots=True)
class SiteCounts:
    """The sum of the sites of many shards, in memory that is bounded.

    Attributes:
        counts: documents by site and step.
        unlisted: most documents that a site has which is not in ``counts``.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    unlisted: int = 0
    _covered: dict[str, int] = field(default_factory=dict)  # the part of `unlisted` that a site cannot have

    def add(self, sites: Sites) -> None:
        """Add the sites of a shard."""
        for site, step, count in sites["rows"]:
            self.counts.setdefault(site, Counter())[step] += count
        for site in {site for site, _, _ in sites["rows"]}:
            self._covered[site] = self._covered.get(site, 0) + sites["unlisted"]
        self.unlisted += sites["unlisted"]
        if len(self.counts) > 2 * SUMMED:
            self._shrink()

    def missing(self, site: str) -> int:
        """Return the most documents that a site of ``counts`` has and that are not counted."""
        return self.unlisted - self._covered[site]

    def _shrink(self) -> None:
        """Keep the `SUMMED` sites that may be the largest."""
        most = {site: counts.total() + self.missing(site) for site, counts in self.counts.items()}
        stay = set(heapq.nsmallest(SUMMED, most, key=lambda site: (-most[site], site)))
        more = max(0, max(n for site, n in most.items() if site not in stay) - self.unlisted)
        self.unlisted += more
        self.counts = {site: counts for site, counts in self.counts.items() if site in stay}
        self._covered = {site: self._covered[site] + more for site in self.counts}


def site_alarms(sites: SiteCounts, steps: Sequence[Mapping], planned: Collection[str]) -> list[str]:
    """Describe the sites that lose more than nine tenths of their documents to one step.

    Args:
        sites: documents by site and step.
        steps: the funnel; a step that rejects as much of everything says nothing about a site.
        planned: names of the steps that leave documents out on purpose, to meet a share.

    Returns:
        A sentence for each, the largest losses first.
    """
    order = [s["name"] for s in steps]
    telling = {s["name"] for s in steps if s["read"] - s["kept"] <= LOST * s["read"]}.difference(planned)
    found: list[tuple[int, str, str]] = []
    for site, counts in sites.counts.items():
        missing = sites.missing(site)
        read = counts[KEPT]
        for step in reversed(order):
            lost = counts[step]
            read += lost
            if step in telling and read >= LEAST and lost > LOST * (read + missing):
                about = "about " if missing else ""
                of = f"{lost:,} of {about}{read + missing:,} documents of {site} ({lost / (read + missing):.1%})"
                found.append((-lost, site, f"{step} rejected {of}; look at some of them in rejected/"))
    sentences = [sentence for *_, sentence in sorted(found)]
    more = len(sentences) - NAMED
    return sentences[:NAMED] + ([f"{more:,} more sites lose over {LOST:.0%} to one step"] if more > 0 else [])


def language_alarms(
    kept: Mapping[str, int], lost: Mapping[str, Mapping[str, int]], steps: Iterable[str], planned: Collection[str]
) -> Iterator[str]:
    """Describe the languages of which a step rejects much more than of the other languages.

    Args:
        kept: documents of the corpus, by language.
        lost: rejected documents, by language and step; those without a language do not count.
        steps: names of the steps, in order.
        planned: names of the steps that leave documents out on purpose, to meet a share.
    """
    languages = sorted({*kept, *lost}.difference({""}))
    read = Counter({language: kept.get(language, 0) for language in languages})
    sentences: list[str] = []
    for step in reversed(list(steps)):
        rejected = Counter({language: lost.get(language, {}).get(step, 0) for language in languages})
        read.update(rejected)
        for language in languages if step not in planned else ():
            others = read.total() - read[language]
            if read[language] < LEAST or others < LEAST:
                continue
            rate, usual = rejected[language] / read[language], (rejected.total() - rejected[language]) / others
            if rate > LANGUAGE_LOST and rate > TIMES_OTHERS * usual:
                of = f"{rejected[language]:,} of {read[language]:,} documents in language {language!r}"
                sentences.append(f"{step} rejected {of} ({rate:.0%}), but {usual:.1%} of those in other languages")
    yield from reversed(sentences)
