"""Campaigns of inputs that are checked by a call rather than by a run: many in one process, which may die of one.

Such a campaign is a module with

- ``INPUTS``: how many make a round, and ``SECONDS``: of processor time that one of them may take;
- ``good(folder)``: whatever is needed to make inputs, made once for each process;
- ``mutate(rng, good, folder)``: writes one input into an empty folder and returns its format and mutation;
- ``check(folder)``: uses the input and returns what is wrong, "" for nothing. What it raises is a failure.
"""

from __future__ import annotations

import importlib
import json
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from tests.fuzz import guard
from tests.fuzz.checks import Problem
from tests.fuzz.runs import Result

#: Campaigns by name; a module that is not there is left out.
CAMPAIGNS = tuple(name for name in ("recipes", "models") if (Path(__file__).parent / f"{name}.py").exists())
START = 60.0  # seconds of processor time to import and to make what is good
GROWTH = 500_000_000  # bytes that one input may add to the largest size of the process


class TooLong(BaseException):
    """An input takes far more time than it may; not an `Exception`, which the code under test could catch."""


def run_round(campaign: str, seed: str, number: int, scratch: Path, keep: Path | None) -> Result:
    """Check a round of inputs in child processes; one that dies costs the input at which it was."""
    module = importlib.import_module(f"tests.fuzz.{campaign}")
    result = Result()
    first = 0
    while first < module.INPUTS:
        log = scratch / "log.jsonl"
        log.write_bytes(b"")
        command = [sys.executable, "-m", "tests.fuzz.isolated", campaign, seed, str(number), str(first), str(scratch)]
        ended = guard.run(command, START + module.INPUTS * module.SECONDS)
        result.memory, result.cpu = max(result.memory, ended.memory), result.cpu + ended.cpu
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            result.formats[line["format"]] += 1
            result.mutations[line["mutation"]] += 1
            if line["problem"]:
                _fail(result, campaign, line, seed, number, scratch, keep)
        first += len(lines)
        if first < module.INPUTS:
            problem = ["died", f"exit code {ended.code} after {ended.cpu:.0f} s: {ended.output[-2000:]}"]
            line = {"index": first, "format": campaign, "mutation": "unknown", "problem": problem}
            _fail(result, campaign, line, seed, number, scratch, keep)
            result.formats[campaign] += 1
            first += 1
    return result


def _fail(result: Result, campaign: str, line: dict, seed: str, number: int, scratch: Path, keep: Path | None) -> None:
    index = line["index"]
    result.failures.append((Problem(*line["problem"]), [f"{campaign} {index} ({line['mutation']})"]))
    if keep:
        folder = keep / f"{number:05d}-{campaign}-{index}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(scratch / str(index), folder / "in", symlinks=True)
        (folder / "failure.json").write_text(json.dumps(line | {"seed": seed, "round": number}, indent=1))


def main(campaign: str, seed: str, number: int, first: int, scratch: Path) -> None:
    """Check the inputs of a round from one on, and log each when it is done."""
    module = importlib.import_module(f"tests.fuzz.{campaign}")
    signal.signal(signal.SIGPROF, _too_long)
    (scratch / "good").mkdir(exist_ok=True)
    good = module.good(scratch / "good")
    with (scratch / "log.jsonl").open("a") as log:
        for index in range(first, module.INPUTS):
            folder = scratch / str(index)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            format_, mutation = module.mutate(Random(f"{seed}/{number}/{index}"), good, folder)
            problem = _checked(module, folder)
            line = {"index": index, "format": format_, "mutation": mutation, "problem": problem}
            log.write(json.dumps(line) + "\n")
            log.flush()
            if not problem:
                shutil.rmtree(folder)


def _checked(module: Any, folder: Path) -> list[str]:
    """Return the kind of the problem and its details; an empty list if there is none."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 3 * module.SECONDS)
    try:
        wrong = module.check(folder)
    except TooLong as e:
        return ["hang", "".join(traceback.format_exception(e)[-4:])]
    except BaseException as e:  # some libraries' panics are no exceptions
        signal.setitimer(signal.ITIMER_PROF, 0)
        return ["exception", f"{type(e).__name__}: {e!s:.300}\n{''.join(traceback.format_exception(e)[-4:])[-2000:]}"]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    took = time.process_time() - started
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if took > module.SECONDS:
        return ["slow", f"{took:.1f} s of processor time"]
    if grown > GROWTH:
        return ["memory", f"{grown / 1e9:.2f} GB"]
    return ["wrong", wrong] if wrong else []


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TooLong


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
