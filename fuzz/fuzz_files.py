"""Coverage-guided fuzzing of what reads a model's files (needs atheris: pip install atheris).

    python fuzz/fuzz_files.py gguf -max_total_time=1800
    python fuzz/fuzz_files.py safetensors -max_total_time=1800
    python fuzz/fuzz_files.py tokenizer -max_total_time=1800
    python fuzz/fuzz_files.py vocabulary -max_total_time=1800
    python fuzz/fuzz_files.py config -max_total_time=1800
    python fuzz/fuzz_files.py mmproj -max_total_time=1800

Starts from the tiny models of the tests, one whole vocabulary and the published configs. Lengths and counts are set to
their extremes in place, JSON is changed value by value. A finding is any exception but ModelFileError (for a tokenizer
that was let through: any failure of the library), a run of more than a few seconds, or memory out of proportion.
"""

from __future__ import annotations

import array
import contextlib
import json
import random
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris
import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests"), str(ROOT / "src")]

with atheris.instrument_imports(
    include=["galop.weights", "galop.tokenizers.gguf", "galop.tokenizers.charsmap", "galop.models"]
):
    from galop.errors import ModelFileError, PictureError
    from galop.models import parse_config, trace
    from galop.models.from_file import open_checkpoint, open_gguf
    from galop.models.rotary import inverse_frequencies
    from galop.models.vision import BY_NAME
    from galop.models.vision.from_file import open_tower
    from galop.tokenizers import dummy_space, probe, tokenizer_json
    from galop.tokenizers.gguf import tokenizer_from_gguf
    from galop.tokenizers.tokenizer import Tokenizer
    from galop.weights import json_files, safetensors

SCRATCH = Path(tempfile.mkdtemp(prefix="galop-fuzz-"))
MAX_LENGTH = 4_000_000
NUMBERS = [0, 1, -1, 2, 7, 63, 255, 256, 1 << 16, (1 << 24) - 1, 1 << 31, (1 << 32) - 1, 1 << 61, (1 << 64) - 1]
VALUES: list[Any] = [
    *NUMBERS, None, True, False, 0.5, -1e308, 1e308, "", "a", "\u0000", "\ud800", "é" * 300, "(a+)+b", "a*a*b",
    [], {}, [[]], "yarn",
    "BPE", "Unigram", "WordPiece", "WordLevel", "Precompiled", "Replace", "Split", "ByteLevel", "Metaspace", "Strip",
    "FixedLength", "Sequence", "NFKC", "Prepend", "ByteFallback", "Fuse", "CTC", {"String": "a"}, {"Regex": "a*"},
]  # fmt: skip


def one_gguf(data: bytes) -> None:
    path = SCRATCH / "m.gguf"
    path.write_bytes(data)
    try:
        checkpoint = open_gguf(path)
        config = parse_config(checkpoint.config, path.name)
        trace(checkpoint.config["model_type"], config, checkpoint.shapes())
    except ModelFileError:
        pass


TEXTS: dict[str, dict[str, Any]] = {}  # the config of a text model, by the projector its towers name


def one_mmproj(data: bytes) -> None:
    """A vision tower; one that is taken has to prepare pictures, or to say why not."""
    path = SCRATCH / "mmproj.gguf"
    path.write_bytes(data)
    text = next((config for name, config in TEXTS.items() if name.encode() in data), next(iter(TEXTS.values())))
    try:
        tower = open_tower(SCRATCH / "text.gguf", text, path)
    except ModelFileError:
        return
    assert tower
    kind = BY_NAME[tower.config["family"]]
    family = kind(kind.config_class.parse({k: v for k, v in tower.config.items() if k != "family"}, path.name))
    for height, width in ((30, 40), (2, 90)):
        with contextlib.suppress(PictureError):
            if family.lay_out(height, width).tokens <= 4096:
                family.prepare(np.zeros((height, width, 3), np.uint8))


def one_safetensors(data: bytes) -> None:
    path = SCRATCH / "model.safetensors"
    path.write_bytes(data)
    with contextlib.suppress(ModelFileError):
        safetensors.parse_file(path)


def one_config(data: bytes) -> None:
    with contextlib.suppress(ModelFileError):
        inverse_frequencies(parse_config(json_files.parse_json(data, "config.json"), "config.json"))


def one_tokenizer(data: bytes) -> None:
    """What is let through has to load, encode and decode. The child that tries out expressions is left aside."""
    tokenizer_json.try_out = lambda description, pattern="": None
    try:
        whole = json_files.parse_json(data, "tokenizer.json")
        space = dummy_space.take_dummy_space(whole)
        try_to_use(tokenizer_json.sanitize(whole, 1000), space)
    except ModelFileError:
        return


def one_vocabulary(data: bytes) -> None:
    """The vocabulary of a GGUF file, as its reader gives it; what is let through has to load, encode and decode."""
    forms = {"scores": "f", "token_type": "i", "precompiled_charsmap": "B"}
    with contextlib.suppress(ModelFileError):
        given = json_files.parse_json(data, "vocabulary.json")
        metadata = {}
        for key, value in given.items():
            try:
                metadata[f"tokenizer.ggml.{key}"] = array.array(forms[key], value) if key in forms else value
            except (TypeError, OverflowError, ValueError):
                metadata[f"tokenizer.ggml.{key}"] = value
        found = tokenizer_from_gguf(metadata, "m.gguf")
        try_to_use(found.json, found.dummy_space)


def try_to_use(sound: str, space: Any) -> None:
    try:
        tokenizer = Tokenizer(sound, dummy_space=space)
    except ModelFileError as error:
        if "panic" in str(error).lower():
            raise RuntimeError("the library panics") from error
        return  # the library's own, orderly refusal
    for text in ("It's 3.14, não? 漢字 <|x|>\n\t", "a" * 3000, " " * 3000, "\n.1é" * 500):
        with contextlib.suppress(ModelFileError):
            tokenizer.decode(tokenizer.encode(text)[:100])
            tokenizer.encode_text([(text, True), (text[:9], False)])


def seeds(kind: str) -> Path:
    from golden.make import CASES
    from golden.recipe import case_path
    from published import CONFIGS
    from tiny import GOLDEN, write_gguf

    corpus = SCRATCH / "corpus"
    corpus.mkdir()
    for case in CASES:
        if kind == "gguf":
            # Only the head: what follows is tensor data, which no parser looks at.
            whole = write_gguf(SCRATCH / f"{case}.gguf", case, "Q8_0")
            (corpus / case).write_bytes(whole.read_bytes())
        elif kind == "safetensors":
            (corpus / case).write_bytes((case_path(case) / "model.safetensors").read_bytes())
    if kind == "gguf":  # 1.3 MB, with a whole vocabulary and a chat template
        large = ROOT / "src/galop/recipes/mini/models/qwen3-mini-1.2m-q8_0.gguf"
        (corpus / "large").write_bytes(large.read_bytes())
    if kind == "mmproj":
        from golden.make_towers import TOWERS
        from mmproj import PROJECTORS, write_mmproj

        for case in TOWERS:
            (corpus / case).write_bytes(write_mmproj(SCRATCH / "seed.gguf", case).read_bytes())
            family = json.loads((case_path(case) / "config.json").read_text())["model_type"]
            TEXTS.setdefault(PROJECTORS[family], open_checkpoint(case_path(case)).config)
    if kind == "config":
        for name, config in CONFIGS.items():
            (corpus / name).write_text(json.dumps(config))
    if kind == "vocabulary":
        trained = json.loads((ROOT / "tests/golden/vocabularies.json").read_text("utf-8"))["cases"]
        for name, case in trained.items():
            small = {k: v[:320] if isinstance(v, list) else v for k, v in case["metadata"].items()}
            for model in ("llama", "t5", "gemma4", "bert"):
                merges = [
                    f"{a} {b}" for a in small["tokens"][260:] for b in small["tokens"][260:] if a + b in small["tokens"]
                ]
                (corpus / f"{name} {model}").write_text(json.dumps({**small, "model": model, "merges": merges}))
    if kind == "tokenizer":
        plain = json.loads((GOLDEN / "qwen3" / "tokenizer.json").read_text())
        part = {
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Prepend", "prepend": "_"}]}
        }
        split = {"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated", "invert": False}
        word = {"id": 255, "content": "<|x|>", "normalized": True, "special": True}
        unigram = {"type": "Unigram", "vocab": [["<unk>", 0.0], ["a", -1.0], ["ab", -2.0]], "unk_id": 0}
        words = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}, "unk_token": "[UNK]",
                 "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}  # fmt: skip
        bytes_back = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}
        for i, changes in enumerate(
            (
                {},
                {**part, "added_tokens": [word]},
                {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, plain["pre_tokenizer"]]}},
                {"model": unigram, "pre_tokenizer": {"type": "Metaspace", "replacement": "_", "split": True}},
                {"model": words, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}},
                {"decoder": bytes_back, "model": {**plain["model"], "merges": [["t", "h"]], "byte_fallback": True,
                                                  "vocab": {**plain["model"]["vocab"], "th": 256}}},
            )
        ):  # fmt: skip
            (corpus / f"{i}").write_text(json.dumps({**plain, **changes}))
    return corpus


def change_json(data: bytes, limit: int, seed: int) -> bytes:
    """One to four values set, copied, doubled, wrapped or taken away, anywhere in it."""
    chance = random.Random(seed)
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return atheris.Mutate(data, limit)
    for _ in range(chance.randint(1, 4)):
        places: list[tuple[Any, Any]] = []
        stack = [whole]
        while stack and len(places) < 3000:
            at = stack.pop(chance.randrange(len(stack)))
            inner = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
            if len(inner) > 40:  # a vocabulary: some of it
                inner = chance.sample(inner, 8)
            places += [(at, key) for key in inner]
            stack += [at[key] for key in inner if isinstance(at[key], dict | list)]
        if not places:
            break
        at, key = chance.choice(places)
        how = chance.randrange(7)
        if how < 3:
            at[key] = json.loads(json.dumps(chance.choice(VALUES)))
        elif how == 3:
            source, other = chance.choice(places)
            at[key] = json.loads(json.dumps(source[other]))
        elif how == 4 and isinstance(at, dict):
            at[str(chance.choice(VALUES))] = json.loads(json.dumps(at[key]))
        elif how == 5:
            at[key] = [json.loads(json.dumps(at[key])) for _ in range(chance.choice([1, 2, 40]))]
        elif isinstance(at, dict):
            del at[key]
    return json.dumps(whole).encode()[:limit]


def change_binary(data: bytes, limit: int, seed: int) -> bytes:
    """Half of the time a number is set to an extreme in place or bytes are repeated, else libFuzzer's own changes."""
    chance = random.Random(seed)
    if len(data) < 64 or chance.random() < 0.5:
        return atheris.Mutate(data, limit)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(min(len(changed) - 8, 20_000))
        if chance.random() < 0.8:
            form = chance.choice(["<Q", "<I"])
            number = chance.choice(NUMBERS) & ((1 << 8 * struct.calcsize(form)) - 1)
            struct.pack_into(form, changed, at, number)
        else:
            changed[at:at] = bytes(changed[at : at + chance.choice([8, 64, 4096])]) * chance.choice([1, 1, 1, 500])
    return bytes(changed[:limit])


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[bytes, int, int], bytes]]] = {
    "gguf": (one_gguf, change_binary),
    "safetensors": (one_safetensors, change_binary),
    "tokenizer": (one_tokenizer, change_json),
    "vocabulary": (one_vocabulary, change_json),
    "config": (one_config, change_json),
    "mmproj": (one_mmproj, change_binary),
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    kind = sys.argv.pop(1)
    target, change = TARGETS[kind]
    probe.LENGTH = 2000
    atheris.Setup(
        [
            *sys.argv,
            str(seeds(kind)),
            f"-artifact_prefix={SCRATCH}/",
            f"-max_len={MAX_LENGTH}",
            "-timeout=10",
            "-rss_limit_mb=2048",
        ],
        target,
        custom_mutator=change,
    )
    atheris.Fuzz()
