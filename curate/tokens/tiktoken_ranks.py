"""Tokenizers of the tiktoken library: an encoding by name, or a file of ranks.

A rank file has a line per token: its bytes in base64, a space and its rank, which is its id (`dump_tiktoken_bpe`). It
has neither the pattern that splits a text into words nor special tokens. `PUBLISHED` has both for published files, by
their sha256. For any other file the pattern must be given, and the token that ends a document gets the id after the
largest rank.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.input.checked_file import open_regular, read_regular
from curate.models.panics import panics_as_errors
from curate.models.probe import probe
from curate.tokens.backend import END_OF_TEXT_NAMES, MAX_BYTES, find_eos

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tiktoken import Encoding

#: Patterns by the name of an encoding that uses them. Source: tiktoken 0.14, tiktoken_ext/openai_public.py; llama3:
#: github.com/meta-llama/llama-models, models/llama3/tokenizer.py.
PATTERNS = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s"
    ),
    "o200k_base": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "llama3": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+"
    ),
}

_OPENAI = "<|endoftext|>"
#: Pattern and special tokens of published rank files, by the file's sha256: r50k_base (GPT-2), p50k_base, cl100k_base,
#: o200k_base (tiktoken_ext/openai_public.py), and tokenizer.model of Llama 3 and of Llama 4 (llama-models; their other
#: special tokens are for chats).
PUBLISHED: dict[str, tuple[str, dict[str, int]]] = {
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": ("gpt2", {_OPENAI: 50_256}),
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": ("gpt2", {_OPENAI: 50_256}),
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": (
        "cl100k_base",
        {_OPENAI: 100_257, "<|fim_prefix|>": 100_258, "<|fim_middle|>": 100_259, "<|fim_suffix|>": 100_260}
        | {"<|endofprompt|>": 100_276},
    ),
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": (
        "o200k_base",
        {_OPENAI: 199_999, "<|endofprompt|>": 200_018},
    ),
    "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55": (
        "llama3",
        {"<|begin_of_text|>": 128_000, "<|end_of_text|>": 128_001, "<|eot_id|>": 128_009},
    ),
    "d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed": (
        "o200k_base",
        {"<|begin_of_text|>": 200_000, "<|end_of_text|>": 200_001, "<|eot|>": 200_008},
    ),
}

_LINE = re.compile(rb"([A-Za-z0-9+/]+={0,2}) ([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class TikToken:
    """A tokenizer of the tiktoken library; its ids are those of ``encoding.encode_ordinary(text)``."""

    name: str
    encoding: Encoding

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest id, special tokens included."""
        return self.encoding.n_vocab

    def encode(self, text: str) -> NDArray[Any]:
        """Return the ids of a text; see `curate.tokens.backend.Backend`."""
        return self.encoding.encode_to_numpy(text, disallowed_special=())

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, special tokens by their names."""
        return self.encoding.decode(ids)

    def id_of(self, token: str) -> int | None:
        """Return the id of a token, None if it does not exist."""
        try:
            return self.encoding.encode_single_token(token)
        except KeyError:
            return None

    def special_tokens(self) -> list[str]:
        """Return the names of the special tokens, by id."""
        return sorted(self.encoding.special_tokens_set, key=self.encoding.encode_single_token)

    def to_json(self) -> str:
        """Raise ValueError, because an encoding of tiktoken cannot be converted to a ``tokenizer.json``."""
        raise ValueError(
            f"{self.name} is a tokenizer of tiktoken, which cannot become a tokenizer.json: use its name or file"
        )


def encoding_names() -> list[str]:
    """Return the names of the encodings that tiktoken knows, including those of installed plugins.

    >>> {"gpt2", "cl100k_base"} <= set(encoding_names())
    True
    """
    import tiktoken

    return tiktoken.list_encoding_names()


def load_encoding(name: str, eos: str | None) -> tuple[TikToken, int]:
    """Load an encoding by name, from tiktoken's cache or else from the network.

    Returns:
        The tokenizer, and the id of the token that ends a document.

    Raises:
        FileNotFoundError: it is not in the cache and cannot be fetched; the message says which file to put where.
        ValueError: tiktoken refuses its file, or it has no such token.
    """
    import tiktoken

    try:
        encoding = tiktoken.get_encoding(name)
    except OSError as error:  # including the errors of requests
        raise FileNotFoundError(_offline(name, error)) from None
    except ValueError as error:
        raise ValueError(f"tiktoken cannot load its encoding {name}: {error}") from error
    tokenizer = TikToken(name, encoding)
    return tokenizer, find_eos(tokenizer, name, eos)


def _offline(name: str, error: OSError) -> str:
    """Say what to do if an encoding cannot be fetched; a file in the cache is named by the SHA-1 of its URL."""
    url = getattr(getattr(error, "request", None), "url", None)
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    folder = folder or os.path.join(tempfile.gettempdir(), "data-gym-cache")
    reason = f"the encoding {name} of tiktoken is not in its cache and cannot be fetched ({type(error).__name__})"
    if not url:
        return f"{reason}: {error}; give the path of its .tiktoken file"
    place = os.path.join(folder, hashlib.sha1(url.encode()).hexdigest())
    return f"{reason}: save {url} as {place}, or give the path of a .tiktoken file"


def is_rank_file(path: Path) -> bool:
    """Say whether a file has ranks, by its extension or its first line: Llama 3's is called ``tokenizer.model``."""
    if path.suffix == ".tiktoken":
        return True
    with open_regular(path) as file:
        return bool(_LINE.fullmatch(file.readline(4096).rstrip()))


def load_ranks(path: Path, eos: str | None, pattern: str | None) -> tuple[TikToken, int]:
    """Load a rank file.

    Args:
        path: of the file.
        eos: the token that ends a document; by default a usual one. For a file that is not in `PUBLISHED`, a token
            without a rank gets the id after the largest one.
        pattern: a name in `PATTERNS`, or the regular expression itself; not needed for a file in `PUBLISHED`.

    Returns:
        The tokenizer, and the id of the token that ends a document.

    Raises:
        ValueError: a line is not a token and a rank, two tokens have the same rank, or a byte has none; the pattern is
            missing, cannot be used or skips characters; or the token that ends a document does not exist.
    """
    import tiktoken

    data = read_regular(path, MAX_BYTES)
    ranks = parse_ranks(data, str(path))
    known, special = PUBLISHED.get(hashlib.sha256(data).hexdigest(), (None, {}))
    if not pattern and not known:
        raise ValueError(
            f"{path} is not a published rank file, so its pattern is unknown: set pattern to one of "
            f"{', '.join(PATTERNS)}, or to the regular expression that its model splits texts with"
        )
    if not known:
        eos = eos or END_OF_TEXT_NAMES[0]
        special = {} if eos.encode() in ranks else {eos: max(ranks.values()) + 1}
    expression = PATTERNS.get(pattern or known or "", pattern or "")
    probe("tiktoken", path, str(path), "", expression)
    with panics_as_errors(str(path)):
        encoding = tiktoken.Encoding("", pat_str=expression, mergeable_ranks=ranks, special_tokens=special)
    tokenizer = TikToken(str(path), encoding)
    return tokenizer, find_eos(tokenizer, str(path), eos)


def parse_ranks(data: bytes, name: str) -> dict[bytes, int]:
    """Return the rank of each token of a rank file.

    Args:
        data: bytes of the file.
        name: of the file, for errors.

    Raises:
        ValueError: a line is not a token and a rank, a token or rank occurs twice, or a byte has no rank.

    >>> lines = [base64.b64encode(bytes([byte])) + b" %d" % byte for byte in range(256)]
    >>> parse_ranks(b"\\n".join([*lines, b"YWI= 256"]), "my.tiktoken")[b"ab"]
    256
    >>> parse_ranks(b"YQ== 0\\nYg==", "my.tiktoken")
    Traceback (most recent call last):
    ValueError: my.tiktoken, line 2: 'Yg==' is not a token in base64, a space and a rank
    """
    ranks: dict[bytes, int] = {}
    taken: dict[int, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line:  # as tiktoken
            continue
        match = _LINE.fullmatch(line)
        if not match or len(match[1]) % 4:
            text = line.decode("utf-8", "replace")
            raise ValueError(f"{name}, line {number}: {text!r:.60} is not a token in base64, a space and a rank")
        token, rank = base64.b64decode(match[1]), int(match[2])
        if token in ranks or rank in taken or rank >= 2**31 - 1:
            wrong = f"its rank {rank} is that of line {taken[rank]}" if rank in taken else "its token occurs twice"
            wrong = wrong if rank < 2**31 - 1 else f"its rank {rank} is above {2**31 - 2:,}"
            raise ValueError(f"{name}, line {number}: {wrong}")
        ranks[token] = rank
        taken[rank] = number
    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise ValueError(
            f"{name} has no rank for {len(missing)} of the 256 single bytes, such as {missing[0]:#04x}: it may be cut "
            "off"
        )
    return ranks
