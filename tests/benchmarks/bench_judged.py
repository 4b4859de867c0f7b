"""What published filters, curate's rules and its judge decide of English pages that were judged by reading.

    python -m tests.benchmarks.bench_judged --judged judged.jsonl --pages pages.warc.gz [--pages ...]

The text of a page is that of the engine ``blocks``. Precision: of the pages kept, those judged worth keeping; recall:
of those, the pages kept; borderline pages count for neither. The judge's decisions are by cross-validation over sites.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from curate.filters.heuristics import decide_preset
from curate.language.detection import detect_language
from curate.quality.scoring import quality_score
from quality_models.train_judge import cross_validate, find_judged, read_judged, read_judgements

PRESETS = {
    "default": ("default",),
    "Gopher, C4 and FineWeb as datatrove has them": ("gopher@datatrove", "c4@datatrove", "fineweb@datatrove"),
    "Gopher, C4 and FineWeb as FineWeb ran them": ("gopher@fineweb-2024", "c4@fineweb-2024", "fineweb@2024"),
    "Gopher, the paper": ("gopher@paper",),
    "DCLM": ("dclm@baseline",),
    "dolma, Gopher": ("gopher@dolma",),
    "C4, TFDS": ("c4@tfds",),
    "NeMo": ("nemo@english",),
}


def passes(*presets: str) -> Callable[[str], bool]:
    """Return the decision by several presets."""
    return lambda text: all(decide_preset(text, preset).keep for preset in presets)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judged", action="append", required=True)
    parser.add_argument("--pages", action="append", required=True)
    given = parser.parse_args()
    judgements = [row for path in given.judged for row in read_judgements(path)]
    pages = list(find_judged(judgements, given.pages))
    english = np.array([detect_language(text).language == "en" for _, text, _, _ in pages])
    keep = np.array([float(row["keep"]) for row, _, _, _ in pages])
    sources = np.array([source for _, _, _, source in pages])
    texts = [text if here else "" for (_, text, _, _), here in zip(pages, english, strict=True)]
    decided = {"all text is kept": np.array([bool(text) for text in texts])}
    for name, presets in PRESETS.items():
        decided[name] = np.array([bool(text) and passes(*presets)(text) for text in texts])
    scores = np.array([quality_score(text) if text else 0.0 for text in texts])
    decided["`quality_score` of 0.4 and more"] = scores >= 0.4
    judged = cross_validate(list(read_judged(judgements, given.pages)))["worth"] >= 0.5
    decided["the judge, on sites that it never saw"] = judged & english
    decided["default, then the judge"] = decided["default"] & judged
    files = sorted(set(sources))
    print("English pages:", ", ".join(f"{(english & (sources == name)).sum()} of {name}" for name in files))
    for name, kept in decided.items():
        cells = []
        for source in files:
            here = english & (sources == source)
            right, wrong = (kept & here & (keep > 0.5)).sum(), (kept & here & (keep < 0.5)).sum()
            good = (here & (keep > 0.5)).sum()
            precision, recall = right / max(right + wrong, 1), right / max(good, 1)
            cells.append(f"{precision:.2f} / {recall:.2f} / {2 * right / max(right + wrong + good, 1):.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
