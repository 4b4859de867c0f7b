"""Agreement with the originals: ``python compare.py ORIGINALS ... (--against OUTCOMES | --presets TEXTS)``.

ORIGINALS are outputs of `originals.py`; they are compared with another such output (``--against``: of `definitions`),
or with `curate.filters.presets` run over the texts now (``--presets``). Prints, for each preset, on how many texts the
decision, the first rule and each quantity agree, then each kind of disagreement with examples.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

Outcome = tuple[bool, str, dict[str, float]]
Outcomes = dict[tuple[str, str], Outcome]  # by preset and id

EXAMPLES = 3


def read_outcomes(paths: Iterable[Path]) -> Iterator[tuple[tuple[str, str], Outcome]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                yield (row["preset"], row["id"]), (row["keep"], row["reason"], row["quantities"])


def differing_quantities(original: dict[str, float], other: dict[str, float]) -> list[str]:
    """Quantities that both have and that differ by more than rounding; where the original has none (NaN), none does."""
    return [
        name
        for name in original.keys() & other.keys()
        if not math.isnan(original[name])
        and not math.isclose(original[name], other[name], rel_tol=1e-12, abs_tol=1e-12)
    ]


class Tally:
    """What was found for one preset."""

    def __init__(self) -> None:
        self.texts = self.same_decision = self.same_reason = self.same_quantities = self.kept = 0
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.quantities: Counter[str] = Counter()
        self.quantity_examples: dict[str, str] = {}

    def add(self, key: str, original: Outcome, other: Outcome) -> None:
        self.texts += 1
        self.kept += original[0]
        self.same_decision += original[0] == other[0]
        self.same_reason += original[:2] == other[:2]
        different = differing_quantities(original[2], other[2])
        self.same_quantities += not different
        for name in different:
            self.quantities[name] += 1
            self.quantity_examples.setdefault(name, f"{key}: {original[2][name]:.12g} / {other[2][name]:.12g}")
        if original[:2] != other[:2]:
            kind = (original[1] or "kept", other[1] or "kept")
            self.kinds[kind] += 1
            if len(self.examples[kind]) < EXAMPLES:
                self.examples[kind].append(key)


def run_presets(texts: Path, wanted: set[str]) -> Iterator[tuple[tuple[str, str], Outcome]]:
    from preset_outcomes import preset_names, preset_outcome

    names = sorted(wanted & preset_names())
    with texts.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            for name in names:
                yield (name, row["id"]), preset_outcome(name, row["text"])


def percent(part: int, whole: int) -> str:
    """Rounded down, so that 100.000 means all."""
    return f"{math.floor(part * 1e5 / whole) / 1e3:.3f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("originals", type=Path, nargs="+")
    other = parser.add_mutually_exclusive_group(required=True)
    other.add_argument("--against", type=Path, help="an output of originals.py")
    other.add_argument("--presets", type=Path, metavar="TEXTS", help="run curate.filters.presets over these texts")
    options = parser.parse_args()

    originals: Outcomes = dict(read_outcomes(options.originals))
    wanted = {preset for preset, _ in originals}
    others = read_outcomes([options.against]) if options.against else run_presets(options.presets, wanted)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for (preset, key), outcome in others:
        if (preset, key) in originals:
            tallies[preset].add(key, originals[preset, key], outcome)

    print(f"{'preset':<20} {'texts':>6} {'kept':>6}  {'same decision':>13} {'same rule':>11} {'same values':>11}")
    for preset, tally in sorted(tallies.items()):
        shares = (tally.same_decision, tally.same_reason, tally.same_quantities)
        columns = [percent(share, tally.texts) for share in shares]
        print(f"{preset:<20} {tally.texts:>6} {tally.kept:>6}  {columns[0]:>13} {columns[1]:>11} {columns[2]:>11}")
    for preset in sorted(wanted - tallies.keys()):
        print(f"{preset:<20} nothing to compare with")
    for preset, tally in sorted(tallies.items()):
        for (first, second), count in tally.kinds.most_common():
            examples = ", ".join(tally.examples[first, second])
            print(f"{preset}: original {first}, here {second}: {count} ({examples})")
        for name, count in tally.quantities.most_common():
            print(f"{preset}: value {name} differs: {count} ({tally.quantity_examples[name]})")


if __name__ == "__main__":
    main()
