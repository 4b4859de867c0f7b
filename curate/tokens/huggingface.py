"""Tokenizers of the Hugging Face `tokenizers` library: a ``tokenizer.json``, or a folder with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.input.checked_file import decompress_frame, parse_json, read_regular
from curate.models.panics import is_panic, panics_as_errors
from curate.models.probe import TEXTS, probe
from curate.tokens.backend import MAX_BYTES, find_eos

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tiktoken import Encoding
    from tokenizers import Tokenizer as HuggingFaceTokenizer

#: The file that a folder must have, and the files that may name the token that ends a document, by priority.
TOKENIZER_FILE, SETTINGS_FILES = "tokenizer.json", ("tokenizer_config.json", "special_tokens_map.json")

# Texts of this length or more are encoded in pieces: tiktoken 0.14 panics on a run of a million spaces, and the slower
# library takes 400 bytes per token. A word longer than a piece is split too.
FAST_LENGTH = 500_000
PIECE_LENGTH = 200_000


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """A tokenizer of the `tokenizers` library, and its equivalent for tiktoken if that gives the same ids."""

    tokenizer: HuggingFaceTokenizer
    vocabulary_size: int
    fast: Encoding | None = None

    def encode(self, text: str) -> list[int] | NDArray[Any]:
        """Return the ids of a text; see `curate.tokens.backend.Backend`."""
        if self.fast and len(text) >= FAST_LENGTH:
            import numpy as np

            return np.concatenate([self.encode(piece) for piece in self._pieces(text)])
        if self.fast:
            try:
                return self.fast.encode_to_numpy(text, disallowed_special=())
            except BaseException as error:
                if not is_panic(error):
                    raise
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _pieces(self, text: str) -> Iterator[str]:
        """Split a long text at ends of words, so that its tokens stay the same.

        Words are those of the tokenizer's pattern, from left to right. The pattern may look ahead, so the last word of
        a piece, with the spaces before it, goes to the next piece.
        """
        start = 0
        while len(text) - start > PIECE_LENGTH:
            piece = text[start : start + PIECE_LENGTH]
            words = self.tokenizer.pre_tokenizer.pre_tokenize_str(piece)
            stops = (stop for _, (_, stop) in reversed(words[:-1]) if not piece[stop - 1].isspace())
            stop = next(stops, PIECE_LENGTH)
            yield piece[:stop]
            start += stop
        yield text[start:]

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, special tokens by their names."""
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def id_of(self, token: str) -> int | None:
        """Return the id of a token, None if it does not exist."""
        return self.tokenizer.token_to_id(token)

    def special_tokens(self) -> list[str]:
        """Return the names of the special tokens, by id."""
        added = sorted(self.tokenizer.get_added_tokens_decoder().items())
        return [token.content for _, token in added if token.special]

    def to_json(self) -> str:
        """Return the text of a ``tokenizer.json``."""
        return str(self.tokenizer.to_str())


def load_huggingface(path: Path, name: str, eos: str | None, trusted: bool = False) -> tuple[HuggingFace, int]:
    """Load a ``tokenizer.json``, also compressed as ``.json.zst``.

    Args:
        path: of the file.
        name: for errors about the end-of-text token.
        eos: the token that ends a document, None for a usual one.
        trusted: skip the trial in another process and the comparison with tiktoken, because the file is shipped.

    Returns:
        The tokenizer, and the id of the token that ends a document.

    Raises:
        ValueError: as `curate.tokens.tokenizers.load_tokenizer`.
    """
    if not trusted:
        probe("tokenizers", path, str(path))
    data, tokenizer, vocabulary = read_tokenizer(path)
    slow = HuggingFace(tokenizer, max(vocabulary.values()) + 1)
    eos_id = find_eos(slow, name, eos)
    fast = replace(slow, fast=_tiktoken(json.loads(data)))
    return (fast if fast.fast and (trusted or _agree(name, slow, fast)) else slow), eos_id


def load_folder(folder: Path, eos: str | None) -> tuple[HuggingFace, int]:
    """Load the ``tokenizer.json`` of a published model's folder, whose settings name the token that ends a document.

    Raises:
        FileNotFoundError: the folder has none.
        ValueError: as `load_huggingface`; or its settings are not JSON, or name a token that does not exist.
    """
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        others = sorted(file.name for file in folder.iterdir() if file.suffix in (".model", ".tiktoken"))
        advice = f"give the path of its {others[0]}" if others else "save one there with `tokenizer.save_pretrained`"
        raise FileNotFoundError(f"the folder {folder} has no {TOKENIZER_FILE}: {advice}")
    return load_huggingface(path, str(folder), _configured_eos(folder) if eos is None else eos)


def _configured_eos(folder: Path) -> str | None:
    """Return the ``eos_token``, a string or an object with one, of the settings beside a tokenizer; None for none."""
    for path in (folder / name for name in SETTINGS_FILES):
        if not path.is_file():
            continue
        try:
            settings = parse_json(read_regular(path, MAX_BYTES))
        except ValueError as error:
            raise ValueError(f"{path} cannot be read ({error}): get it again, or give eos") from None
        token = settings.get("eos_token") if isinstance(settings, dict) else None
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            return token
    return None


def read_tokenizer(path: Path) -> tuple[bytes, HuggingFaceTokenizer, dict[str, int]]:
    """Read an untrusted ``tokenizer.json``, which may crash the process: see `load_huggingface`.

    Returns:
        Its JSON, the tokenizer, and its vocabulary.

    Raises:
        ValueError: the file is not a tokenizer.json, or is too large.
    """
    import tokenizers

    try:
        data = read_regular(path, MAX_BYTES)
        if path.suffix == ".zst":
            data = decompress_frame(data, MAX_BYTES)
        with panics_as_errors("the library"):
            tokenizer = tokenizers.Tokenizer.from_str(data.decode())
            # The file may ask for truncation or padding, but a corpus needs every token of every text.
            tokenizer.no_truncation()
            tokenizer.no_padding()
            tokenizer.encode_special_tokens = True
            vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    except Exception as error:  # the library raises bare Exception
        raise ValueError(f"{path} is not a tokenizer.json of the Hugging Face tokenizers library: {error}") from error
    if not vocabulary or max(vocabulary.values()) >= 2**31:
        raise ValueError(f"{path} has no vocabulary, or ids above {2**31 - 1:,}, the largest that can be stored")
    return data, tokenizer, vocabulary


def _agree(name: str, one: HuggingFace, other: HuggingFace) -> bool:
    """Say whether two tokenizers give the same ids: tiktoken drops text that its pattern does not match."""
    with panics_as_errors(name):
        return all(list(one.encode(text)) == list(other.encode(text)) for text in TEXTS)


def _tiktoken(content: dict[str, Any]) -> Encoding | None:
    """Return an equivalent for tiktoken, which is over five times as fast, or None if there is none.

    There is one if a pattern splits the text and the merges of byte-level BPE are in the order of the ids.
    """
    import tiktoken

    try:
        settings = _byte_level(content)
        return tiktoken.Encoding("", **settings) if settings else None
    except BaseException as error:
        # A vocabulary with the same id twice or with a character that encodes no byte, a pattern in another dialect.
        if not is_panic(error) and not isinstance(error, (KeyError, ValueError, TypeError, AttributeError)):
            raise
        return None


def _byte_level(content: dict[str, Any]) -> dict[str, Any] | None:
    """Return pattern, ranks and special tokens of a tokenizer that is byte-level BPE over pieces of text, else None."""
    model, cut = content["model"], content.get("pre_tokenizer") or {}
    parts = cut.get("pretokenizers", [cut])
    split, level = (parts[0], parts[-1]) if len(parts) == 2 else ({}, {})
    plain = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    if (
        model.get("type") != "BPE"
        or content.get("normalizer")
        or model.get("dropout")
        or split.get("type") != "Split"
        or split.get("behavior") != "Isolated"
        or split.get("invert")
        or "Regex" not in split.get("pattern", {})
        or plain.items() - level.items()
    ):
        return None
    vocabulary: dict[str, int] = model["vocab"]
    special = {token["content"]: token["id"] for token in content["added_tokens"]}
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    made = [vocabulary["".join(pair)] for pair in pairs]
    if made != sorted(made):
        return None
    byte_of = {character: byte for byte, character in enumerate(_byte_characters())}
    ranks = {bytes(byte_of[c] for c in token): i for token, i in vocabulary.items() if token not in special}
    pattern = split["pattern"]["Regex"]
    return {"pat_str": pattern, "mergeable_ranks": ranks, "special_tokens": special}


def _byte_characters() -> list[str]:
    """Return the character for each byte in a byte-level vocabulary (GPT-2): itself if it is visible."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    character_of = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return [character_of[byte] for byte in range(256)]
