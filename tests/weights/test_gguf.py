"""GGUF files: real ones load, damaged and hostile ones are refused in one sentence, before anything large happens."""

from __future__ import annotations

import re
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make import TOKENS
from hypothesis import given, settings
from hypothesis import strategies as st
from logits import N, batch, relative
from tiny import GOLDEN, write_gguf

from galop import native
from galop.backends.load import load_path
from galop.errors import GalopError, ModelFileError
from galop.models import FAMILIES, parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.models.rotary import inverse_frequencies
from galop.ops.reference import Cache, Reference
from galop.weights.gguf import parse

U32, F32, STRING, ARRAY = 4, 6, 8, 9


def s(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def kv(key: str, kind: int, value: bytes) -> bytes:
    return s(key) + struct.pack("<I", kind) + value


def tensor(name: str, dims: list[int], kind: int, offset: int) -> bytes:
    return s(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def file(keys: list[bytes] = [], tensors: list[bytes] = [], data: int = 0, **counts: int) -> bytes:  # noqa: B006
    head = b"GGUF" + struct.pack(
        "<IQQ", counts.get("version", 3), counts.get("tensor_count", len(tensors)), counts.get("key_count", len(keys))
    )
    body = head + b"".join(keys) + b"".join(tensors)
    return body + bytes(-len(body) % 32) + bytes(data)


ARCH = kv("general.architecture", STRING, s("llama"))
BAD_HEADERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "one byte": (b"G", "not a GGUF"),
    "magic": (b"GGML" + bytes(40), "not a GGUF file"),
    "version 1": (file(version=1), "version 1"),
    "version 4": (file(version=4), "version 4"),
    "big endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "tensor count 2^64-1": (file(tensor_count=2**64 - 1), "more than"),
    "key count 2^63": (file(key_count=2**63), "more than"),
    "keys promised, none there": (file(key_count=5)[:24], "truncated"),
    "key of 2^64-1 bytes": (file([struct.pack("<Q", 2**64 - 1)]), "longer than"),
    "empty key": (file([kv("", U32, bytes(4))]), "empty"),
    "repeated key": (file([ARCH, ARCH]), "repeated"),
    "key not UTF-8": (file([s(b"\xff\xfe") + struct.pack("<I", U32) + bytes(4)]), "not UTF-8"),
    "value type 13": (file([kv("k", 13, bytes(8))]), "does not exist"),
    "array of arrays": (file([kv("k", ARRAY, struct.pack("<IQ", ARRAY, 1) + bytes(60))]), "not supported"),
    "array count 2^61": (file([kv("k", ARRAY, struct.pack("<IQ", 10, 2**61))]), "longer than"),
    "array past the end": (file([kv("k", ARRAY, struct.pack("<IQ", 10, 1000))]), "truncated"),
    "string past the end": (file([kv("k", STRING, struct.pack("<Q", 10_000))]), "truncated"),
    "alignment 0": (file([kv("general.alignment", U32, struct.pack("<I", 0))]), "alignment"),
    "alignment 13": (file([kv("general.alignment", U32, struct.pack("<I", 13))]), "alignment"),
    "alignment a string": (file([kv("general.alignment", STRING, s("32"))]), "alignment"),
    "no dimensions": (file(tensors=[tensor("t", [], 0, 0)]), "dimensions"),
    "five dimensions": (file(tensors=[tensor("t", [1] * 5, 0, 0)]), "dimensions"),
    "2^32-1 dimensions": (file(tensors=[s("t") + struct.pack("<I", 2**32 - 1)]), "dimensions"),
    "dimension 0": (file(tensors=[tensor("t", [0, 4], 0, 0)]), "impossible shape"),
    "dimensions wrap": (file(tensors=[tensor("t", [2**33, 2**33], 0, 0)]), "impossible shape"),
    "dimension 2^63": (file(tensors=[tensor("t", [2**63], 0, 0)]), "impossible shape"),
    "unknown type": (file(tensors=[tensor("t", [32], 99, 0)]), "unknown type"),
    "type Q8_K": (file(tensors=[tensor("t", [256], 15, 0)], data=999), "Q8_K, which is not supported; take"),
    "row not whole blocks": (file(tensors=[tensor("t", [33], 2, 0)], data=999), "not a multiple"),
    "unaligned offset": (file(tensors=[tensor("t", [8], 0, 7)], data=99), "unaligned"),
    "offset past the end": (file(tensors=[tensor("t", [8], 0, 1 << 40)], data=99), "truncated"),
    "offset 2^64-32": (file(tensors=[tensor("t", [8], 0, 2**64 - 32)], data=99), "truncated"),
    "overlap": (file(tensors=[tensor("a", [16], 0, 0), tensor("b", [16], 0, 32)], data=999), "overlaps"),
    "one byte too few": (file(tensors=[tensor("t", [32], 0, 0)], data=127), "truncated"),
    "tensor named twice": (file(tensors=[tensor("t", [8], 0, 0), tensor("t", [8], 0, 32)], data=99), "repeated"),
    "sizes that wrap when added": (
        file(tensors=[tensor("a", [0x7FFFFFFFFFFFFFC0], 24, 0), tensor("b", [0x7FFFFFFFFFFFFFC0], 24, 32)]),
        "impossible shape",
    ),
    "no architecture": (file(), "architecture None"),
    "other architecture": (file([kv("general.architecture", STRING, s("gemma3n"))]), "gemma3n"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_bad_headers_are_refused(case: str, tmp_path: Path) -> None:
    data, message = BAD_HEADERS[case]
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message) as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_gguf(tmp_path_factory.mktemp("tiny") / "m.gguf", "llama", "Q8_0").read_bytes()


def test_65536_keys_are_read_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(file([kv(f"key.{i:06}", U32, bytes(4)) for i in range(65_536)]))
    with pytest.raises(ModelFileError, match="architecture"):
        open_checkpoint(path)


def test_long_arrays_are_not_made_into_lists(tmp_path: Path) -> None:
    """2^24 numbers and 65,536 strings that nothing reads take no memory that is worth a word."""
    path = tmp_path / "m.gguf"
    numbers = kv("k.numbers", ARRAY, struct.pack("<IQ", 0, 1 << 24) + bytes(1 << 24))
    strings = kv("k.strings", ARRAY, struct.pack("<IQ", STRING, 1 << 16) + bytes(8 << 16))
    path.write_bytes(file([numbers, strings, kv("general.architecture", STRING, s("other"))]))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="other"):
            open_checkpoint(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    path.write_bytes(file([kv("k", ARRAY, struct.pack("<IQ", STRING, 3 << 20) + bytes(24 << 20))]))
    with pytest.raises(ModelFileError, match="strings"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    "key",
    [
        "general.architecture", "general.alignment", "general.name", "split.count", "split.tensors.count",
        "llama.block_count", "llama.expert_count", "llama.rope.scaling.type", "llama.rope.scaling.factor",
        "llama.attention.scale", "llama.unheard.of", "llama.rope.freq_base", "tokenizer.ggml.model",
        "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type",
        "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.fim_pre_token_id",
        "tokenizer.chat_template",
    ],
)  # fmt: skip
def test_a_key_of_any_other_type_is_refused_or_harmless(key: str, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    whole = write_gguf(path, "llama").read_bytes()
    at = whole.find(s(key)) if s(key) in whole else None
    count = struct.unpack_from("<Q", whole, 16)[0]
    values = {
        "numbers": (ARRAY, struct.pack("<IQ3I", U32, 3, 1, 2, 3)), "nothing": (ARRAY, struct.pack("<IQ", U32, 0)),
        "strings": (ARRAY, struct.pack("<IQ", STRING, 2) + s("a") + s("b")), "flag": (7, b"\1"),
        "text": (STRING, s("gpt2")), "no number": (F32, struct.pack("<f", float("nan"))),
        "long": (ARRAY, struct.pack("<IQ", 0, 5000) + bytes(5000)),
    }  # fmt: skip
    for kind, value in values.values():
        # The key's own entry goes by another name, and this one comes first.
        rest = bytearray(whole[24:])
        if at is not None:
            rest[at - 24 + 8] ^= 1
        head = whole[:16] + struct.pack("<Q", count + 1) + kv(key, kind, value)
        body = head + bytes(rest)
        path.write_bytes(body + bytes(64))
        try:
            parse_config(open_checkpoint(path).config, "m")
        except ModelFileError as error:
            assert "\n" not in str(error)


def test_experts_that_hardly_exist_are_not_made_one_by_one(tmp_path: Path) -> None:
    import gguf

    path = write_gguf(tmp_path / "m.gguf", "qwen3_moe", "F32")
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(tmp_path / "many.gguf", "qwen3moe")
    for field in reader.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture")):
            sub = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
    writer.add_tensor("blk.0.ffn_gate_exps.weight", np.zeros((1_000_000, 1, 1), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelFileError, match="1000000 experts"):
        open_checkpoint(tmp_path / "many.gguf")


@settings(max_examples=150)
@given(length=st.integers(0, 400_000))
def test_every_truncation_is_refused(tiny: bytes, length: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "m.gguf"
    path.write_bytes(tiny[: min(length, len(tiny) - 1)])
    with pytest.raises(ModelFileError):
        load_path(path, memory=4 << 30)


@settings(max_examples=300)
@given(flips=st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_bytes_never_crash(
    tiny: bytes, flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file changed at will loads or is refused with one of our sentences; it runs or says its numbers are bad."""
    data = bytearray(tiny)
    for at, value in flips:
        data[at] = value
    path = tmp_path_factory.mktemp("flip") / "m.gguf"
    path.write_bytes(data)
    try:
        with load_path(path, memory=2 << 30, threads=1) as model:
            model.logits([1, 2, 3])
    except GalopError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"llama__block_count": 0}, "block_count = 0"),
        ({"llama__block_count": 2**31}, "block_count"),
        ({"llama__block_count": 3}, "missing"),
        ({"llama__attention__head_count": 0}, "head_count = 0"),
        ({"llama__attention__head_count_kv": 3}, "for 3 heads"),
        ({"llama__attention__head_count": "four"}, "of type int"),
        ({"llama__embedding_length": None}, "embedding_length is missing"),
        ({"llama__embedding_length": 128}, "hidden_size is 128"),
        ({"llama__rope__dimension_count": 8}, "rope.dimension_count"),
        ({"llama__logit_scale": 3.0}, "logit_scale"),
        ({"llama__block_count": 1}, "no place in this configuration"),
        ({"llama__attention__key_length": 24}, "value_length"),
        ({"llama__rope__freq_base": 0.0}, "rope_theta"),
        ({"llama__rope__freq_base": float("nan")}, "rope_theta"),
        ({"llama__rope__scaling__type": "longrope"}, "longrope"),
        ({"llama__expert_count": 8}, "Mixtral"),
        (
            {"llama__rope__scaling__type": "yarn", "llama__rope__scaling__yarn_log_multiplier": 0.1},
            "yarn_log_multiplier",
        ),
        ({"llama__rope__scaling__type": "yarn", "llama__rope__scaling__yarn_ext_factor": 0.5}, "yarn_ext_factor"),
        ({"llama__rope__scaling__type": "linear", "llama__rope__scaling__attn_factor": 0.5}, "attn_factor"),
        ({"llama__rope__scaling__alpha": 1000.0}, "alpha"),
        ({"llama__rope__scaling__factor": "two"}, "of type float"),
        ({"llama__attention__scale": 0.5}, "attention.scale"),
        ({"llama__attention__sliding_window": 64}, "sliding_window"),
        ({"llama__attn_logit_softcapping": 30.0}, "softcapping"),
        ({"llama__embedding_scale": 8.0}, "embedding_scale"),
        ({"llama__expert_group_count": 4}, "expert_group_count"),
        ({"llama__leading_dense_block_count": 2}, "leading_dense"),
        ({"pre": "kind-of-tomorrow"}, "kind-of-tomorrow"),
    ],
)
def test_wrong_metadata_is_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", "F32", **change)
    with pytest.raises(ModelFileError, match=message):
        load_path(path, memory=4 << 30)


@pytest.mark.parametrize("case", FAMILIES)
@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_logits_of_a_gguf_are_those_of_transformers(case: str, kind: str, tmp_path: Path) -> None:
    """Names, head sizes, rope pairing (Llama's permuted rows) and stacked experts all come out right."""
    checkpoint = open_checkpoint(write_gguf(tmp_path / "m.gguf", case, kind))
    config = parse_config(checkpoint.config, case)
    plan = trace(checkpoint.config["model_type"], config, checkpoint.shapes())
    ours = Reference(plan, lambda name: checkpoint.tensors[name].array()).forward(batch(Cache(), [(0, 0, N)]))
    expected = np.load(GOLDEN / f"{case}.npy")
    if kind == "F32":
        assert relative(ours, expected) < 1e-4
        return
    # Rounding float32 weights to 16 bits is the file's doing, not ours; where two experts are close it takes the other,
    # and attention without a scale turns on less.
    apart = np.abs(ours - expected).max(axis=1) / np.abs(expected).max()
    tokens = N / 2 if any(step.op.name == "route" for step in plan.steps) else 0.9 * N
    assert (apart < (1e-2 if kind == "F16" else 8e-2)).sum() >= tokens


@pytest.mark.parametrize(
    ("case", "extra"),
    [
        ("llama3", {}),  # its scaling is a tensor of divisors, not metadata
        (
            "qwen3_yarn",
            {
                "qwen3__rope__scaling__type": "yarn",
                "qwen3__rope__scaling__factor": 4.0,
                "qwen3__rope__scaling__original_context_length": 128,
            },
        ),
        ("llama_bias", {}),
    ],
)
def test_stretched_rotations_and_biases_of_a_gguf(case: str, extra: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_gguf(tmp_path / "m.gguf", case, "F32", **extra))
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, case), checkpoint.shapes())
    ours = Reference(plan, lambda name: checkpoint.tensors[name].array()).forward(batch(Cache(), [(0, 0, N)]))
    assert relative(ours, np.load(GOLDEN / f"{case}.npy")) < 1e-4


def test_rope_scaling_is_read_as_llama_cpp_does(tmp_path: Path) -> None:
    """A factor without a type is a linear one, under its first name too; type none is no factor at all."""

    def stretched(case: str = "llama", **keys: Any) -> np.ndarray:
        named = {f"llama__rope__{key}": value for key, value in keys.items()}
        checkpoint = open_checkpoint(write_gguf(tmp_path / "m.gguf", case, **named))
        return inverse_frequencies(parse_config(checkpoint.config, "m"))[0]

    plain = stretched()
    for keys in (
        {"scaling__type": "linear", "scaling__factor": 4.0},
        {"scaling__factor": 4.0},
        {"scale_linear": 4.0, "scaling__finetuned": True, "scaling__original_context_length": 128},
    ):
        assert np.allclose(stretched(**keys), plain / 4)
    for keys in ({"scaling__type": "none", "scaling__factor": 4.0}, {"scaling__factor": 0.0}, {"scale_linear": 1.0}):
        assert np.array_equal(stretched(**keys), plain)
    assert np.allclose(stretched("llama3", scaling__factor=2.0), stretched("llama3") / 2)


def test_keys_that_ask_for_nothing_are_harmless(tmp_path: Path) -> None:
    path = write_gguf(
        tmp_path / "m.gguf", "llama", llama__attention__scale=0.25, llama__logit_scale=0.0, llama__pooling_type=3,
        llama__attention__sliding_window=4096, llama__final_logit_softcapping=0.0, llama__tokens_seen="many",
        llama__leading_dense_block_count=0,
    )  # fmt: skip
    parse_config(open_checkpoint(path).config, "m")


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"])
def test_a_quantised_gguf_runs_as_the_reference_does(kind: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "qwen3", kind)
    with load_path(path, memory=4 << 30) as model:
        expected = model.reference().forward(batch(Cache(), [(0, 0, N)]))
        assert relative(model.logits(TOKENS), expected) < 0.08


def test_what_a_larger_pack_takes_is_told(tmp_path: Path) -> None:
    import gguf

    from galop.weights.checkpoint import Checkpoint
    from galop.weights.pack import PackedMatrix, describe_larger

    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "qwen3")
    for kind, nbytes in (("IQ2_XXS", 66), ("Q2_K", 84)):
        writer.add_tensor(kind, np.zeros((2048, nbytes), np.uint8), raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    checkpoint = Checkpoint(tmp_path / "m.gguf", {}, parse(tmp_path / "m.gguf").tensors, "")
    matrices = {
        kind: PackedMatrix(kind, 2048, 256, 0, native.packed_bytes(kind, 2048, 256), 0) for kind in ("IQ2_XXS", "Q2_K")
    }
    (note,) = describe_larger(checkpoint, matrices)
    assert re.fullmatch(r"m.gguf: its weights in IQ2_XXS take 0\.2 MB, in the file 0\.1 MB", note)


def test_a_tied_model_with_a_head_of_its_own_uses_it(tmp_path: Path) -> None:
    """Qwen3-0.6B's GGUF carries output.weight although the embeddings are tied; without one they are reused."""
    tied = open_checkpoint(write_gguf(tmp_path / "tied.gguf", "qwen3"))
    untied = open_checkpoint(write_gguf(tmp_path / "untied.gguf", "qwen3_yarn"))
    for checkpoint, head in ((tied, "model.embed_tokens.weight"), (untied, "lm_head.weight")):
        plan = trace("qwen3", parse_config(checkpoint.config, "x"), checkpoint.shapes())
        assert plan.steps[-1].arguments["weights"][0].name == head


def test_split_files_are_read_as_one_and_their_faults_named(tmp_path: Path) -> None:
    import gguf

    single = write_gguf(tmp_path / "m.gguf", "qwen3", "Q8_0")
    whole = open_checkpoint(single)
    reader = gguf.GGUFReader(single)
    for part in range(2):
        writer = gguf.GGUFWriter(tmp_path / f"s-{part + 1:05}-of-00002.gguf", "qwen3")
        if part == 0:
            for field in reader.fields.values():
                if not field.name.startswith(("GGUF.", "general.architecture")):
                    sub = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
                    writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
        writer.add_uint16("split.no", part)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for t in reader.tensors[part::2]:
            writer.add_tensor(t.name, t.data, raw_dtype=t.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    first, second = (tmp_path / f"s-0000{i}-of-00002.gguf" for i in (1, 2))
    joined = open_checkpoint(first)
    assert {n: t.data.tobytes() for n, t in joined.tensors.items()} == {
        n: t.data.tobytes() for n, t in whole.tensors.items()
    }
    kept = second.read_bytes()
    second.write_bytes(first.read_bytes())
    with pytest.raises(ModelFileError, match=r"split\.no"):
        open_checkpoint(first)
    second.unlink()
    with pytest.raises(ModelFileError, match="part of the model is missing"):
        open_checkpoint(first)
    second.write_bytes(kept)
    renamed = first.rename(tmp_path / "x.gguf")
    with pytest.raises(ModelFileError, match="name does not end"):
        open_checkpoint(renamed)


def test_weights_that_are_not_numbers_are_refused_or_told(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", "F32")
    checkpoint = open_checkpoint(path)
    data = bytearray(path.read_bytes())
    for name in ("model.norm.weight", "model.layers.0.mlp.up_proj.weight"):
        view = checkpoint.tensors[name].data
        at = bytes(data).find(view[:64].tobytes())
        broken = data.copy()
        broken[at : at + 64] = np.full(16, np.nan, np.float32).tobytes()
        (tmp_path / "nan.gguf").write_bytes(broken)
        with pytest.raises(ModelFileError, match=f"{name}.*not finite"):
            load_path(tmp_path / "nan.gguf", memory=4 << 30)


def test_a_block_scale_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", "Q8_0")
    view = open_checkpoint(path).tensors["model.layers.0.mlp.up_proj.weight"].data
    data = bytearray(path.read_bytes())
    at = bytes(data).find(view[:340].tobytes())
    for half in (0x7E00, 0xFC00):
        data[at + 34 : at + 36] = half.to_bytes(2, "little")
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match="up_proj.*not a finite"):
            load_path(path, memory=4 << 30)


def test_a_router_for_more_experts_than_there_are_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "qwen3_moe", "Q8_0", qwen3moe__expert_count=4)
    with pytest.raises(ModelFileError, match="router of 8"):
        load_path(path, memory=4 << 30)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ModelFileError, match="pickle"):
        load_path(path)
