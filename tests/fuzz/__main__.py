"""A campaign of mutated inputs: ``python -m tests.fuzz --seconds 60 --seed 1``, or ``make fuzz SECONDS=60 SEED=1``.

Every input follows from the seed and the number of its round, and so does every verdict; how many rounds a campaign has
depends on the time it is given, or on ``--inputs``. ``--first N`` starts at round N, to see a failure of it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import isolated, runs
from tests.fuzz.runs import Result

#: What the rounds do, in turn: the campaigns of `isolated`, which take less time, and runs over files.
TURNS = (*isolated.CAMPAIGNS, *("runs",) * 6)
SHOWN = 20  # of the counts of a kind at the end


def main() -> int:
    """Run the campaign, print what it did, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz", description="Read mutated inputs and check what comes out."
    )
    parser.add_argument("--seconds", type=float, default=60, help="start no round that may take longer (default: 60)")
    parser.add_argument("--seed", default="1", help="of all choices (default: 1)")
    parser.add_argument("--inputs", type=int, default=0, help="go on until so many inputs were read, whatever the time")
    parser.add_argument("--first", type=int, default=0, help="number of the first round (default: 0)")
    parser.add_argument("--keep", type=Path, help="folder for the smallest inputs that show each failure")
    given = parser.parse_args()

    started, number, total = time.monotonic(), given.first, Result()
    longest: dict[str, float] = {}  # seconds of a round
    while True:
        turn = TURNS[number % len(TURNS)]
        begun = time.monotonic()
        expected = longest.get(turn, max(longest.values(), default=0))
        if total.formats.total() >= given.inputs if given.inputs else begun - started + expected > given.seconds:
            break
        with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
            if turn == "runs":
                result = runs.run_round(given.seed, number, Path(scratch), given.keep)
            else:
                result = isolated.run_round(turn, given.seed, number, Path(scratch), given.keep)
        longest[turn] = max(longest.get(turn, 0), time.monotonic() - begun)
        print_round(number, turn, result)
        add(total, result)
        number += 1
    print_total(total, time.monotonic() - started)
    return 1 if total.failures else 0


def print_round(number: int, turn: str, result: Result) -> None:
    """Print a line for a round, and more for each failure."""
    inputs = result.formats.total()
    print(
        f"round {number} {turn}: {inputs} inputs, {result.cpu:.1f} s of processor time, {len(result.failures)} failures"
    )
    for problem, names in result.failures:
        print(f"  FAILED {problem.kind}: {problem.detail}\n    input: {', '.join(map(ascii, names))}")
    sys.stdout.flush()


def add(total: Result, result: Result) -> None:
    """Add what a round showed to the whole."""
    for name in ("formats", "mutations", "counts"):
        getattr(total, name).update(getattr(result, name))
    total.failures += result.failures
    total.memory, total.slowest = max(total.memory, result.memory), max(total.slowest, result.slowest)
    total.cpu += result.cpu


def print_total(total: Result, seconds: float) -> None:
    """Print what a campaign did: inputs by format and mutation, records, survivors, and its failures by kind."""
    formats, mutations = Counter[str](), Counter[str]()
    for name, n in total.formats.items():
        formats[name.partition(".")[0]] += n
    for name, n in total.mutations.items():
        mutations[name.partition(":")[0]] += n
    print()
    for title, counter in (("formats", formats), ("mutations", mutations), ("records", total.counts)):
        print_counts(title, counter)
    print(
        f"{total.formats.total():,} inputs in {seconds:.0f} s ({total.cpu:.0f} s of processor time); largest process "
        f"{total.memory / 1e9:.2f} GB; slowest batch {total.slowest:.1f} s a MB, start included"
    )
    kinds = Counter(problem.kind for problem, _ in total.failures)
    print(
        f"{len(total.failures)} failures{': ' if kinds else ''}{', '.join(f'{kind} {n}' for kind, n in kinds.items())}"
    )


def print_counts(title: str, counter: Counter[str]) -> None:
    """Print the largest counts in a few lines."""
    largest = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{ascii(name)[1:-1]} {n:,}" for name, n in largest[:SHOWN]]
    others = [f"{len(largest) - SHOWN} others {sum(n for _, n in largest[SHOWN:]):,}"] if largest[SHOWN:] else []
    print(textwrap.fill(f"{title}: {', '.join([*shown, *others])}", 100, subsequent_indent="  "))


if __name__ == "__main__":
    sys.exit(main())
