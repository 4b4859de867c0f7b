"""Try an untrusted model in a separate process, so that a model that crashes its library does not crash the run.

A probe loads the model and scores a few texts, with limits on memory and processor time. It takes half a second for a
small model and runs once per model: an environment variable, which worker processes inherit, lists those that passed.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from curate.input.checked_file import open_regular

#: Memory in bytes and processor time in seconds that a library may take for a model. curate's own values: a model of n
#: bytes takes little more than n bytes, and a second per 500 MB.
MEMORY, MEMORY_PER_BYTE = 2 << 30, 3
SECONDS, SECONDS_PER_GB = 60, 60
#: Seconds that a probe may take in all, including waits for a slow disk. curate's own value.
PATIENCE = 900

_PASSED = "CURATE_PROBED_MODELS"
_REFUSED = 3  # exit status of a probe whose model raised an error

#: Texts for the trial: empty, prose, marks, many scripts, a very long word, many words, characters of 4 bytes.
TEXTS = (
    "",
    "The old bridge was built of grey stone, and it stands to this day. Home | About (0) <n> 12:30 https://a.example/",
    "Вчера мы ходили на рынок. 昨天我们去市场买面包。 เมื่อวานเราไปตลาด أمس إلى السوق ¡Qué día! e\u0301 \u0000 \ufffd",
    "a" * 2000,
    " ".join(f"word{i} {chr(97 + i % 26)}" for i in range(500)),
    "".join(map(chr, range(0x1F300, 0x1F600))),
)


def probe(library: str, path: str | Path, name: str, key: str = "", setting: str = "") -> None:
    """Load a model with a library and score texts with it, in another process.

    Args:
        library: a key of `LIBRARIES`.
        path: of the model's file.
        name: of the model, for errors.
        key: identifies the model, such as a digest; by default its path, inode, modification time and size.
        setting: what the library needs besides the file: the pattern of a tiktoken rank file.

    Raises:
        ValueError: the model crashes the library, needs too much memory or time, or the library refuses it.
    """
    with open_regular(path) as file:
        facts = os.fstat(file.fileno())
    size = facts.st_size
    key = key or f"{os.path.realpath(path)} {facts.st_ino} {facts.st_mtime_ns} {size}"
    about = f"{library} {key} {setting}"
    digest = hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    passed = os.environ.get(_PASSED, "").split()
    if digest in passed:
        return
    seconds = SECONDS + SECONDS_PER_GB * (size >> 30)
    limits = (str(MEMORY + MEMORY_PER_BYTE * size), str(seconds))
    command = [sys.executable, "-m", __name__, library, str(path), *limits, *((setting,) if setting else ())]
    # One OpenBLAS thread per processor would take more address space than the model may.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE)
        reason = "" if done.returncode == 0 else _reason(done.returncode, done.stdout, done.stderr, seconds)
    except subprocess.TimeoutExpired:
        reason = f"it did not finish within {PATIENCE} s"
    if reason:
        reason = reason.removeprefix(f"{path} ")
        remedy = "give another pattern" if setting else "make it again"
        raise ValueError(f"{name} cannot be used with {library}: {reason}; get the file again, or {remedy}")
    os.environ[_PASSED] = " ".join([*passed, digest])


def _reason(status: int, output: bytes, errors: bytes, seconds: int) -> str:
    if status == -signal.SIGXCPU:
        return f"it takes more than {seconds} s of processor time"
    if status < 0:
        return f"it kills the process that scores texts with it ({signal.Signals(-status).name})"
    said = (output if status == _REFUSED else errors).decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(said) if line.strip()), f"it ends the process with status {status}")[:300]


def _fasttext(path: str) -> None:
    import fasttext

    model = fasttext.load_model(path)
    model.get_labels()
    for text in TEXTS:
        model.f.predict(text + "\n", -1, 0.0, "strict")


def _kenlm(path: str) -> None:
    import kenlm

    model = kenlm.Model(path)
    for text in TEXTS:
        model.score(" ".join(text.split()), bos=True, eos=True)


def _sentencepiece(path: str) -> None:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    processor.id_to_piece(list(range(processor.vocab_size())))  # fails if a piece is not UTF-8
    for text in TEXTS:
        processor.encode(text, out_type=str)


def _tokenizers(path: str) -> None:
    from curate.models.panics import panics_as_errors
    from curate.tokens.huggingface import read_tokenizer

    _, tokenizer, _ = read_tokenizer(Path(path))
    ids = 0
    for text in TEXTS:
        with panics_as_errors("it has no ids for some texts"):
            ids += len(tokenizer.encode(text, add_special_tokens=False).ids)
    if not ids:  # a good tokenizer may have none for some texts: those outside of its alphabet, if it lacks <unk>
        raise ValueError("it has no ids for any text")


def _tiktoken(path: str, pattern: str) -> None:
    import tiktoken

    from curate.models.panics import panics_as_errors
    from curate.tokens.tiktoken_ranks import parse_ranks

    ranks = parse_ranks(Path(path).read_bytes(), path)
    try:
        with panics_as_errors("the library"):
            encoding = tiktoken.Encoding("", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
            whole = all(encoding.decode(encoding.encode_ordinary(text)) == text for text in TEXTS)
    except ValueError as error:
        raise ValueError(f"the pattern {pattern!r:.200} does not work: {error}") from None
    if not whole:  # tiktoken drops what a pattern does not match
        raise ValueError(f"the pattern {pattern!r:.200} leaves out characters of some texts")


#: How a model of each library is tried.
LIBRARIES: dict[str, Callable[..., None]] = {
    "fasttext": _fasttext,
    "kenlm": _kenlm,
    "sentencepiece": _sentencepiece,
    "tiktoken": _tiktoken,
    "tokenizers": _tokenizers,
}


def _limit(memory: int, seconds: int) -> None:
    """Limit the memory and processor time of this process from now on; memory only where its use is known (Linux)."""
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: seconds}
    pages = Path("/proc/self/statm")
    if pages.exists():
        limits[resource.RLIMIT_AS] = memory + int(pages.read_text().split()[0]) * resource.getpagesize()
    for name, limit in limits.items():
        _, most = resource.getrlimit(name)  # which only an administrator can raise
        resource.setrlimit(name, (limit if most < 0 else min(limit, most), most))


def main(library: str, path: str, memory: str, seconds: str, *settings: str) -> int:
    """Try a model in this process; return the exit status."""
    __import__(library)  # what it maps does not count as memory of the model
    _limit(int(memory), int(seconds))
    try:
        LIBRARIES[library](path, *settings)
    except MemoryError:
        print("it needs more memory than a model of its size may")
    except Exception as error:
        print(f"{type(error).__name__}: {error}".replace("\n", " ").removeprefix("ValueError: "))
    else:
        return 0
    return _REFUSED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
