"""Mutated sketches, models and tokenizers, digests that fit included: each is refused with a sentence, or works."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from curate.dedup.sketch import Sketch
from curate.models.fasttext_model import load_fasttext
from curate.models.model_file import read_members, write_model_file
from curate.models.probe import TEXTS
from curate.quality.model import FORMAT, LABELS, QualityModel, save_quality_model
from curate.quality.scoring import quality_score
from curate.tokens.tokenizers import load_tokenizer
from pipelines.result.sketch import import_sketches

INPUTS = 60
SECONDS = 5.0

#: A sketch, and files of models by name.
Good = tuple[Path, dict[str, bytes]]

WORDS = ["the", "old", "stone", "bridge", "over", "our", "river", "was", "built", "by", "people", "who", "stay", "here"]
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 1.5, 2**31, 2**63, -(2**63), 10**400, float("nan"), "", "x", "../x", "/etc/passwd",
    "/dev/zero", "a" * 5000, "\ud800", "a\0b\x1b[31m", [], {}, [[]], ["x"] * 300, [None], {"x": {"y": []}},
    "part-00000.parquet", "((", "(a+)+$", "//////////8=",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 255, 65536, 2**31 - 1, -(2**31), 10**6)


def good(folder: Path) -> Good:
    """Make a small sketch, classifiers of fastText, a quality model and a tokenizer."""
    import fasttext
    import tokenizers

    rng = Random(1)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(5, 60))) for _ in range(400)]
    sketch = folder / "sketch"
    Sketch.of(texts[:30], [f"{i:032x}" for i in range(30)], [*range(29), None]).save(sketch)
    (folder / "train.txt").write_text("".join(f"__label__{LABELS[i % 2]} {text}\n" for i, text in enumerate(texts)))
    files: dict[str, bytes] = {}
    for name, settings, packed in (
        ("plain.bin", {"loss": "hs", "minn": 2, "maxn": 3, "bucket": 400, "wordNgrams": 2}, False),
        ("packed.ftz", {"loss": "softmax", "minn": 2, "maxn": 4, "bucket": 900}, True),
    ):
        trained = fasttext.train_supervised(str(folder / "train.txt"), dim=6, epoch=1, thread=1, verbose=0, **settings)
        if packed:
            trained.quantize(cutoff=300, qnorm=True, verbose=0)
        trained.save_model(str(folder / name))
        files[name] = (folder / name).read_bytes()
    save_quality_model(folder / "model.zip", QualityModel("en", _forest(), None), files["packed.ftz"])
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    files["tokenizer.json"] = tokenizer.to_str().encode()
    files["model.zip"] = (folder / "model.zip").read_bytes()
    return sketch, files


def _forest() -> Any:
    from curate.models.forest import Forest

    feature = np.array([0, -1, -1, 1, -1, -1], "<i2")
    left = np.array([1, 0, 0, 4, 0, 0], "<i4")
    return Forest(("words", "mean_word_length"), np.array([0, 3], "<i4"), feature, np.linspace(0, 1, 6), left)


def mutate(rng: Random, good: Good, folder: Path) -> tuple[str, str]:
    """Write a mutated sketch or model into a folder; returns its format and mutation."""
    sketch, files = good
    name = rng.choice(("sketch", "sketch", *files))
    target = folder / name
    if name == "sketch":
        shutil.copytree(sketch, target)
        return name, mutate_sketch(target, rng)
    target.write_bytes(files[name])
    return name, mutate_model(target, rng)


def mutate_sketch(folder: Path, rng: Random) -> str:
    """Change a sketch in place; in most cases the digests fit the changed parts. Returns the mutation."""
    manifest, part = folder / "sketch.json", folder / "part-00000.parquet"
    kind = rng.choice(("manifest", "manifest", "json", "bytes", "column", "column", "written", "file"))
    described = json.loads(manifest.read_text())
    match kind:
        case "manifest":
            for _ in range(rng.choice((1, 1, 2))):
                _mutate_tree(rng, described)
        case "json":
            manifest.write_bytes(_mutate_bytes(rng, manifest.read_bytes()))
            return kind
        case "bytes":
            part.write_bytes(_mutate_bytes(rng, part.read_bytes()))
        case "column":
            pq.write_table(_mutate_column(rng, pq.read_table(part)), part, use_dictionary=False)
        case "written":
            page, packing = rng.choice(("1.0", "2.0")), rng.choice(("zstd", "none", "snappy"))
            table = pq.read_table(part)
            rows = pa.concat_tables([table] * rng.choice((1, 3)))
            pq.write_table(rows, part, use_dictionary=rng.random() < 0.5, data_page_version=page, compression=packing)
        case "file":
            part.unlink()
            if rng.random() < 0.3:
                os.mkfifo(part)
            elif rng.random() < 0.8:
                part.symlink_to(rng.choice(("/dev/zero", "/etc/passwd", "sketch.json", "..", "nothing")))
    if kind in ("bytes", "column", "written") and rng.random() < 0.9:
        described["parts"][0]["xxh3"] = xxhash.xxh3_64_hexdigest(part.read_bytes())
    manifest.write_text(json.dumps(described))
    return kind


def _mutate_column(rng: Random, table: pa.Table) -> pa.Table:
    """Replace a column by one of other values, another type or none, or change the number of rows."""
    name, n = rng.choice(table.schema.names), len(table)
    columns: tuple[Callable[[], pa.Array], ...] = (
        lambda: pa.nulls(n, table.schema.field(name).type),
        lambda: pa.array([rng.choice((0, 1, 2**62, 2**64 - 1)) for _ in range(n)], pa.uint64()),
        lambda: pa.array([rng.choice((0, -1, -(2**63), 2**63 - 1)) for _ in range(n)], pa.int64()),
        lambda: pa.array([rng.randbytes(rng.choice((0, 8, 111, 112, 113, 512, 513))) for _ in range(n)]),
        lambda: pa.array([rng.randbytes(16) for _ in range(n)], pa.binary(16)),
        lambda: pa.array([rng.choice((None, b"x" * 112, b"y" * 512)) for _ in range(n)], pa.binary()),
        lambda: pa.array(["x"] * n).dictionary_encode(),
        lambda: pa.array([[1]] * n),
    )
    if rng.random() < 0.2:
        return rng.choice(
            (table.slice(3), table.slice(0, 0), table.drop_columns([name]), table.take(list(range(n)) * 9))
        )
    return table.set_column(table.schema.get_field_index(name), name, rng.choice(columns)())


def mutate_model(path: Path, rng: Random) -> str:
    """Change the file of a model or tokenizer in place; digests within it fit. Returns the mutation."""
    data = path.read_bytes()
    if path.suffix == ".json":
        tree = json.loads(data)
        for _ in range(rng.choice((1, 1, 3))):
            _mutate_tree(rng, tree)
        path.write_bytes(json.dumps(tree).encode() if rng.random() < 0.8 else _mutate_bytes(rng, data))
        return "tree"
    if path.suffix != ".zip":
        kind, changed = _mutate_fasttext(rng, data)
        path.write_bytes(changed)
        return kind
    if rng.random() < 0.2:
        path.write_bytes(_mutate_bytes(rng, data))
        return "bytes"
    parts = read_members(BytesIO(data))
    manifest = json.loads(parts.pop("manifest.json"))
    del manifest["format"], manifest["sha256"]
    name = rng.choice(("manifest", *parts))
    if name == "manifest":
        _mutate_tree(rng, manifest)
        manifest = json.loads(json.dumps(manifest).replace("\\ud800", "?"))  # which is written as UTF-8
    elif name.endswith(".npy"):
        parts[name] = _mutate_array(rng, parts[name])
    else:
        parts[name] = _mutate_fasttext(rng, parts[name])[1]
    write_model_file(path, FORMAT, manifest, parts)
    return name


def _mutate_fasttext(rng: Random, data: bytes) -> tuple[str, bytes]:
    """Change numbers of the header, of the dictionary, of the matrices, or any bytes."""
    out = bytearray(data)
    kind = rng.choice(("header", "header", "dictionary", "counts", "rest", "bytes"))
    if kind == "bytes":
        return kind, _mutate_bytes(rng, data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if kind == "header":  # 12 numbers of 32 bits from byte 8 on, then one of 64, and those of the dictionary
            struct.pack_into("<i", out, 8 + 4 * rng.randrange(21), rng.choice(NUMBERS))
        elif kind == "dictionary":
            out[92 + rng.randrange(600)] = rng.choice((0, 1, 127, 255, rng.randrange(256)))
        elif kind == "counts":
            struct.pack_into("<q", out, 92 + rng.randrange(400), rng.choice((0, -1, 2**62, 10**15)))
        else:
            out[rng.randrange(len(out) // 2, len(out))] = rng.randrange(256)
    return kind, bytes(out)


def _mutate_array(rng: Random, data: bytes) -> bytes:
    if rng.random() < 0.3:
        return _mutate_bytes(rng, data)
    array = np.load(BytesIO(data))
    match rng.choice(("value", "value", "type", "shape", "claim")):
        case "value":
            array[rng.randrange(len(array))] = rng.choice((0, -1, 1, 5, 32767, len(array)))
        case "type":
            array = array.astype(rng.choice(("<i8", "<f4", ">i4", "<U3", "|u1")))
        case "shape":
            array = rng.choice((array[:0], array[:-1], array.reshape(1, -1), array.repeat(2)))
        case "claim":
            return data.replace(b"(%d,)" % len(array), rng.choice((b"(99999999999,)", b"(-1,)", b"(" * 50, b"(1e9,)")))
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _mutate_tree(rng: Random, tree: Any) -> None:
    """Change one value somewhere in a tree of JSON."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(tree[key], (dict, list)) and tree[key] and rng.random() < 0.8:
            tree = tree[key]
            continue
        match rng.choice(("replace", "replace", "delete", "add")):
            case "replace":
                tree[key] = rng.choice(VALUES)
            case "delete":
                del tree[key]
            case "add" if isinstance(tree, dict):
                tree[rng.choice(("x", "file", "type"))] = rng.choice(VALUES)
            case _:
                tree += [tree[key]] * rng.choice((1, 50))
        return


def _mutate_bytes(rng: Random, data: bytes) -> bytes:
    i, j = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    flipped = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return rng.choice((bytes(flipped), bytes(flipped), data[:i], data[:i] + data[j:], data[:j] + data[i:], b""))


def check(folder: Path) -> str:
    """Load and use what is in a folder: it works, or a ValueError says why not. Returns what is wrong, or ""."""
    path = next(path for path in folder.iterdir() if path.name != "imported")
    try:
        if path.name == "sketch":
            return _check_sketch(path)
        if path.suffix == ".zip":
            score = quality_score(TEXTS[1], str(path))
            return "" if 0 <= score <= 1 else f"the score {score}"
        if path.suffix == ".json":
            tokenizer = load_tokenizer(str(path))
            ids = tokenizer.encode(TEXTS[2])
            return "" if (ids < tokenizer.vocabulary_size).all() else "an id outside of the vocabulary"
        model = load_fasttext(path)
        found = [model.f.predict(text + "\n", -1, 0.0, "strict") for text in TEXTS]
        return "" if all(len(labels) <= len(model.labels) for labels in found) else "more labels than there are"
    except ValueError as error:
        return _of_error(str(error), path)


def _check_sketch(folder: Path) -> str:
    """Load and import a sketch: both refuse it, or both have the documents of its manifest, and they are found."""
    try:
        imported = import_sketches([str(folder)], str(folder.parent / "imported"))
    except ValueError as error:
        try:
            Sketch.load(folder)
        except ValueError:
            return _of_error(str(error), folder)
        return f"what import refuses is loaded: {error}"
    loaded = Sketch.load(folder)
    if len(loaded) != json.loads((folder / "sketch.json").read_text())["documents"]:
        return "not as many documents as it says"
    if imported != len(set(loaded.ids.tolist())):
        return f"of {len(loaded)} documents {imported} were imported"
    return "" if all(loaded.find(loaded)) else "a document does not find itself"


def _of_error(message: str, path: Path) -> str:
    if path.name not in message:
        return f"an error without the name of the file: {message:.300}"
    return "" if len(message) < 2000 else f"an error of {len(message):,} characters: {message:.300}"
