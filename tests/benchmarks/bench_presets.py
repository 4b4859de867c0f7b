"""Share of texts of known kinds that each preset keeps, for the table in docs/presets.md.

    python -m tests.benchmarks.bench_presets FOLDER

FOLDER has ``quality/`` and ``quality_train/`` of the evaluation data; the first 400 texts of each kind count, read as
English.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from curate.filters.heuristics import decide_preset
from quality_models.examples import read_rows

TEXTS = 400
PRESETS = (
    "default", "gopher@paper", "gopher@datatrove", "gopher@fineweb-2024", "gopher@dclm", "gopher@dolma", "c4@tfds",
    "c4@datatrove", "fineweb@datatrove", "fineweb@paper", "dclm@baseline", "nemo@english",
)  # fmt: skip
KINDS = {
    "main text of web pages": "quality/web_main_text_gold",
    "boilerplate of web pages": "quality/low_web_boilerplate",
    "judged good (DCLM)": "quality/human_labelled_dclm",
    "judged bad (DCLM)": "quality/human_labelled_dclm",
    "BBC news": "quality/high_bbc_news",
    "Python docs": "quality/high_python_docs",
    "code pages": "quality_train/topic_code_pages",
    "code files": "quality_train/topic_code_files",
    "LaTeX books": "quality_train/topic_maths_latex_books",
    "OpenStax": "quality_train/ref_openstax_textbooks",
    "Wikipedia": "quality_train/ref_wikipedia_articles",
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print("| | " + " | ".join(PRESETS) + " |")
    for kind, name in KINDS.items():
        rows = list(read_rows(folder / f"{name}.jsonl.zst"))
        if kind.startswith("judged"):
            rows = [row for row in rows if (row["label"] in (1, True)) == ("good" in kind)]
        texts = [str(row["text"]) for row in rows[:TEXTS]]
        shares = (sum(decide_preset(text, preset).keep for text in texts) / len(texts) for preset in PRESETS)
        print(f"| {kind} ({len(texts)}) | " + " | ".join(f"{100 * share:.0f}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
