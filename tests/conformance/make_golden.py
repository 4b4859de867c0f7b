"""Make `golden.jsonl` from the live originals: ``python make_golden.py ENVIRONMENTS`` (the folder of `build_peers.sh`).

Run it with ENVIRONMENTS/datatrove/bin/python. It looks for the numbers at which a rule begins to drop a text of
`golden_texts.py`, keeps the text on either side, adds the curiosities, and writes what the originals say of each.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from definitions import RULES, TOP_N_GRAM_LIMITS, nemo_top_shares, with_tokenizers
from golden_cases import GENERATED_ABOVE, GOLDEN, pack, text_of
from golden_texts import CURIOSITIES, FAMILIES
from live_tokenizers import live_tokenizers
from text_units import Tokenizers

HERE = Path(__file__).parent

# Which peer says what is expected, in which environment, and what the golden file calls it.
PEERS = {
    "datatrove": ("datatrove", "datatrove 0.10.1"),
    "tfds": ("datatrove", "tensorflow-datasets 4.9.10"),
    "nemo": ("datatrove", "nemo-curator 1.4.0"),
    "datatrove-2024": ("datatrove-2024", "datatrove 0.2.0"),
    "dolma": ("dolma", "dolma 1.2.1"),
}
Reasons = dict[str, str]


def transitions(reasons: Callable[[int], Reasons], numbers: range) -> dict[int, tuple[Reasons, Reasons]]:
    """Numbers at which some preset's reason differs from that of the number before, found by halving."""
    found: dict[int, tuple[Reasons, Reasons]] = {}

    def search(low: int, high: int) -> None:
        first, last = reasons(low), reasons(high)
        if first == last:
            return
        if high - low == 1:
            found[high] = (first, last)
            return
        middle = (low + high) // 2
        search(low, middle)
        search(middle, high)

    step = max(len(numbers) // 12, 1)
    stops = [*range(numbers[0], numbers[-1], step), numbers[-1]]
    for low, high in itertools.pairwise(stops):
        search(low, high)
    return found


def choose(tokenizers: Tokenizers) -> list[dict]:
    """The fewest neighbours, roughly, that carry every rule of every preset across its limit; then the curiosities."""
    definitions = with_tokenizers(tokenizers)
    covered: set[tuple[str, str]] = set()
    cases: dict[str, dict] = {}
    found: list[tuple[str, int, Reasons, Reasons]] = []
    for family, make, numbers in FAMILIES:
        known: dict[int, Reasons] = {}

        def reasons(k: int, make: Callable[[int], str] = make, known: dict[int, Reasons] = known) -> Reasons:
            if k not in known:
                known[k] = {preset: run(make(k))[1] for preset, run in definitions.items()}
            return known[k]

        for k, (below, above) in sorted(transitions(reasons, numbers).items()):
            found.append((family, k, below, above))
        print(f"{family}: {sum(name == family for name, *_ in found)}", file=sys.stderr)

    def gains(below: Reasons, above: Reasons) -> set[tuple[str, str]]:
        """Rules that begin to drop the text, or stop dropping it, here."""
        return {
            (preset, reason)
            for preset in above
            for reason in (below[preset], above[preset])
            if reason and below[preset] != above[preset]
        } - covered

    while found:
        family, k, below, above = max(found, key=lambda it: len(gains(it[2], it[3])))
        if not gains(below, above):
            break
        covered |= gains(below, above)
        for number in (k - 1, k):
            cases[f"{family}: {number}"] = {"family": family, "number": number}
    missing = [(p, name) for p, rules in RULES.items() for name, *_ in rules if (p, name) not in covered]
    print("not at a limit:", missing, file=sys.stderr)
    return [{"name": name, **case} for name, case in cases.items()] + [{"name": name} for name in CURIOSITIES]


def expected_of(environments: Path, cases: list[dict]) -> dict[str, dict[str, dict]]:
    """What the originals say, and `definitions.py` where there is none that runs."""
    expected: dict[str, dict[str, dict]] = {case["name"]: {} for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        texts, out = Path(folder) / "texts.jsonl", Path(folder) / "out.jsonl"
        texts.write_text("".join(json.dumps({"id": c["name"], "text": text_of(c)}) + "\n" for c in cases))
        for peer, (environment, title) in [*PEERS.items(), ("definitions", ("datatrove", "definitions.py"))]:
            python = environments / environment / "bin" / "python"
            data = environments / "nltk_data"
            command = [python, "-W", "ignore", HERE / "originals.py", peer, texts, out, "--nltk-data", data]
            subprocess.run(command, check=True)
            for line in out.read_text().splitlines():
                row = json.loads(line)
                if row["preset"] in RULES and row["preset"] not in expected[row["id"]]:
                    # Twelve digits; a quantity that is 0 is left out, one that has no value is null.
                    values = {
                        name: None if math.isnan(value) else float(f"{value:.12g}")
                        for name, value in row["quantities"].items()
                        if value != 0
                    }
                    verdict = {"by": title, "keep": row["keep"], "reason": row["reason"], "quantities": values}
                    expected[row["id"]][row["preset"]] = verdict
    for case in cases:
        leave_out_ties(text_of(case), expected[case["name"]]["nemo@english"])
    drop_what_stays(cases, expected)
    return expected


def leave_out_ties(text: str, verdict: dict) -> None:
    """NeMo takes any of the most frequent n-grams (the first in a set, as hashes fall): no value where they differ.

    Where the decision or its reason hangs on that, the verdict says "by_chance".
    """
    order = [name for name, *_ in RULES["nemo@english"]]
    decided = order.index(verdict["reason"]) if verdict["reason"] in order else len(order)
    for n, limit in TOP_N_GRAM_LIMITS.items():
        name = f"repeating_top_{n}grams"
        # A thousand are enough to see that they differ in a long text in which each stands once.
        shares = list(itertools.islice(nemo_top_shares(text, n), 1000)) or [1.0]
        if min(shares) != max(shares):
            verdict["quantities"].pop(name, None)
            if min(shares) <= limit < max(shares) and order.index(name) <= decided:
                verdict["by_chance"] = True


def drop_what_stays(cases: list[dict], expected: dict[str, dict[str, dict]]) -> None:
    """Of texts too long to be stored, keep the presets whose rule the two neighbours are there for."""
    long = [case for case in cases if len(text_of(case)) > GENERATED_ABOVE]
    for below, above in zip(long[::2], long[1::2], strict=True):
        first, second = expected[below["name"]], expected[above["name"]]
        for preset in list(first):
            if first[preset]["reason"] == second[preset]["reason"]:
                del first[preset], second[preset]


def main() -> None:
    environments = Path(sys.argv[1]).resolve()
    tokenizers = live_tokenizers(str(environments / "nltk_data"))
    cases = choose(tokenizers)
    expected = expected_of(environments, cases)
    with GOLDEN.open("w", encoding="utf-8") as out:
        for case in cases:
            text = text_of(case)
            row = dict(case)
            if len(text) <= GENERATED_ABOVE:
                row["text"] = text
            row |= {"tokens": pack(text, tokenizers), "expected": expected[case["name"]]}
            out.write(json.dumps(row, ensure_ascii=True) + "\n")
    print(f"{len(cases)} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
