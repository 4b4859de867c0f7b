"""A failed Beam job in one sentence: the deepest cause, where it happened, what to do; the rest goes to a log file."""

from __future__ import annotations

import logging
import re
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pipelines.io import files
from pipelines.steps.base import RunError

FAILED_LOG = "failed.log"  # in _work: what Beam reported about the last job that failed
LOG_RECORDS = 5_000  # kept of a job; curate's own value
MAX_CAUSE = 400  # characters of a cause in the sentence

#: An error whose message is already a sentence, raised in a worker: it is somewhere in the text that Beam reports.
SENTENCE = re.compile(
    r"\bpipelines\.[\w.]+\.(?:ContractBroken|WorkerFailed|WorkerDied|RunError|RecipeError|InputChanged|DamagedError|DamagedFile)"
    r": (.+?)(?: \[while running '.*)?$",
    re.MULTILINE,
)
#: The last line of a traceback of Python, and the lines of one of Java that name a cause.
CAUSE = re.compile(
    r"^(?:Caused by: )?((?:\w+\.)+\w*(?:Error|Exception)|\w+(?:Error|Exception)): (.+?)(?: \[while running '.*)?$",
    re.MULTILINE,
)
#: What gRPC says, over several lines.
GRPC = re.compile(r"_?(?:Inactive|Multi)\w*: <_.*?StatusCode\.(\w+).*?details = \"(.*?)\"$", re.MULTILINE | re.DOTALL)
#: Errors that only wrap another one.
WRAPPERS = re.compile(
    r"Error received from SDK harness|Traceback \(most recent|^java\.lang\.|Job failed|^Pipeline .* failed"
)
#: What to do, by a pattern in the text of the error; the first one that matches.
FIXES = (
    (
        r"No module named '(?:curate|pipelines|quality_models)|module 'pipelines|on <module 'pipelines",
        "the workers lack curate or have another version of it: install the driver's version where they start",
    ),
    (
        r"StartWorker|startup of environment",
        "no worker pool answers at --environment_config: start `python -m apache_beam.runners.worker.worker_pool_main "
        "--service_port=50000 --container_executable=` on every worker's host",
    ),
    (
        r"Unable to fetch remote job server",
        "download this jar where there is a network and give it as --flink_job_server_jar=PATH (or "
        "--spark_job_server_jar), or start a job server yourself and give --job_endpoint=HOST:8099",
    ),
    (r"NoResourceAvailable|not have enough.*slots", "start more workers, or give a smaller --parallelism"),
    (
        r"ConnectException|Connection refused|job not found|JobNotFound|failed to connect|UNAVAILABLE|Socket closed",
        "its job manager or job server has ended or cannot be reached: start it again",
    ),
    (
        r"client cancelled|Worker.*disconnected|SDK harness.*(?:disconnected|unhealthy)|Multiplexer",
        "a worker process was killed: look at the log of its worker pool, and at the memory of its host",
    ),
)
AGAIN = "finished work is kept: run the same command again"


class WorkerFailed(RunError):
    """An error in a worker; the message names the host, the piece of work and the cause."""


def on_worker(function: Callable[[Any], Any], element: Any) -> Any:
    """Call a function in a worker, and say on which host and element it failed.

    Raises:
        WorkerFailed: it failed.
    """
    try:
        return function(element)
    except RunError:
        raise
    except Exception as e:
        why = files.reason(e) or "no message"
        named = "" if isinstance(e, OSError) else f"{type(e).__name__}: "
        raise WorkerFailed(f"{element} on worker {socket.gethostname()}: {named}{why}") from e


def is_final(error: BaseException) -> bool:
    """Return whether the text of a failed job has a sentence of a worker, so that trying again cannot help."""
    return SENTENCE.search(str(error)) is not None


def cause(text: str) -> str:
    """Return the deepest cause in the text of an error of a Beam job: lines of tracebacks of Python and Java.

    >>> cause("RuntimeError: x\\nTraceback ...\\nValueError: too short [while running 'read-3']\\n")
    'ValueError: too short'
    >>> cause("Pipeline p failed in state FAILED: java.net.ConnectException: refused")
    'Pipeline p failed in state FAILED: java.net.ConnectException: refused'
    """
    if sentences := SENTENCE.findall(text):
        return sentences[-1]
    text = GRPC.sub(r"RpcError: \2 (\1)", text)
    causes = [(name, why) for name, why in CAUSE.findall(text) if not WRAPPERS.search(why)]
    if causes:
        return ": ".join(causes[-1])[:MAX_CAUSE]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:MAX_CAUSE] if lines else ""


def sentence(text: str) -> str:
    """Return the cause and what to do.

    >>> sentence("grpc.RpcError: failed to connect to all addresses")
    'grpc.RpcError: failed to connect to all addresses; its job manager or job server has ended or cannot be reached: \
start it again; finished work is kept: run the same command again'
    """
    if SENTENCE.search(text):
        problem = cause(text)
        return problem if "again" in problem else f"{problem}; {AGAIN}"
    fix = next((fix for pattern, fix in FIXES if re.search(pattern, text)), "")
    return "; ".join(filter(None, (cause(text), fix, AGAIN)))


class _Records(logging.Handler):
    """Keeps the last records in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LOG_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            self.lines.append(self.format(record))


@contextmanager
def _recorded() -> Iterator[deque[str]]:
    """Keep what Beam logs during a job, and the tracebacks of its threads, instead of printing them."""
    records = _Records()
    records.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    beam_logger = logging.getLogger("apache_beam")
    propagate, hook, root = beam_logger.propagate, threading.excepthook, logging.getLogger()

    def keep(error: threading.ExceptHookArgs) -> None:
        records.lines.extend(traceback.format_exception(error.exc_type, error.exc_value, error.exc_traceback))

    beam_logger.addHandler(records)
    root.addHandler(records)  # Beam's job service logs there; as the only handler, it also keeps Python from adding one
    beam_logger.propagate, threading.excepthook = False, keep
    others = [handler for handler in root.handlers if handler is not records]
    for handler in others:
        root.removeHandler(handler)
    try:
        yield records.lines
    finally:
        beam_logger.propagate, threading.excepthook = propagate, hook
        beam_logger.removeHandler(records)
        root.removeHandler(records)
        for handler in others:
            root.addHandler(handler)


@contextmanager
def job_errors(what: str, work: str, direct: bool = False) -> Iterator[None]:
    """Reduce an error of a Beam job, a long text with the tracebacks of its workers, to one sentence with the cause.

    Args:
        what: what the job does.
        work: folder in which the whole text is kept.
        direct: whether the block calls functions in this process, whose errors are not changed.

    Raises:
        RunError: the job failed.
    """
    if direct:
        yield
        return
    with _recorded() as lines:
        try:
            yield
        except (RunError, OSError):
            raise
        except Exception as e:
            if isinstance(e.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            text = str(e) if str(e).strip() else type(e).__name__
            log = files.join(work, FAILED_LOG)
            with suppress(OSError), files.atomic_write(log) as f:
                whole = [f"curate run: {what} failed\n", *traceback.format_exception(*sys.exc_info()), *lines]
                f.write("\n".join(whole).encode("utf-8", "replace"))
            raise RunError(f"{what}: {sentence(text)} (details: {log})") from e
