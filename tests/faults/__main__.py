"""Disturb runs of the sample recipe at random moments: ``python -m tests.faults --faults 200 --seed 1``.

A fault strikes a run that starts empty or from what a run had done that was stopped before a certain piece of work. A
run must end with the bytes of an undisturbed one, or with an error of one sentence and, when the same command is given
again, with those bytes. Prints a line per fault and a table; the exit code is 1 if any run did anything else.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests.faults.disturbances import DISTURBANCES, Disturbed
from tests.faults.runs import Campaign

OUTCOMES = ("went on", "error, then resumed", "ended, then resumed", "FAILED")


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(DISTURBANCES), help="this kind of fault alone")
    options = parser.parse_args()
    kinds = [options.only] if options.only else list(DISTURBANCES)
    table: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(OUTCOMES, 0))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        campaign = Campaign(Path(folder))
        campaign.prepare()
        print(f"{time.monotonic() - started:.0f} s for the undisturbed run and the states that faults start from")
        for number in range(options.faults):
            # each fault has a seed of its own, and the kinds take turns: all occur in a short campaign, too
            rng = random.Random(f"{options.seed}/{number}")
            kind = kinds[(number + options.seed) % len(kinds)]
            began = time.monotonic()
            outcome, detail = one_fault(campaign, kind, rng)
            table[kind][outcome] += 1
            print(f"{number:4} {kind:24} {outcome:20} {time.monotonic() - began:5.1f} s  {detail}", flush=True)
    print(f"\n{'fault':24}" + "".join(f"{outcome:>22}" for outcome in OUTCOMES))
    for kind in kinds:
        print(f"{kind:24}" + "".join(f"{table[kind][outcome]:22}" for outcome in OUTCOMES))
    failed = sum(row["FAILED"] for row in table.values())
    print(f"{options.faults} faults, {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def one_fault(campaign: Campaign, kind: str, rng: random.Random) -> tuple[str, str]:
    """Disturb one run and resume it; returns the outcome and what happened."""
    work = campaign.folder / "run"
    try:
        disturbed: Disturbed = DISTURBANCES[kind](campaign, work, rng)
        detail, run = disturbed.detail, disturbed.run
        if problem := campaign.problem(run):
            return "FAILED", f"{detail}: {problem}"
        if run.code == 0:
            problem = campaign.difference(disturbed.output)
            return ("FAILED", f"{detail}: {problem}") if problem else ("went on", detail)
        if disturbed.must_go_on:
            return "FAILED", f"{detail}: the run ended: {run.words}"
        again = campaign.run(disturbed.output, disturbed.inputs)
        if problem := campaign.problem(again) or (again.words if again.code else campaign.difference(disturbed.output)):
            return "FAILED", f"{detail}: after a resume: {problem}"
        spoke = run.code > 0 and run.sentence
        return ("error, then resumed", f"{detail}: {run.sentence}") if spoke else ("ended, then resumed", detail)
    finally:
        campaign.unmount()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
