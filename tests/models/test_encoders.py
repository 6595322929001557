"""Encoders against transformers in float32, on both executors, from safetensors and GGUF; they write no texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from converters import convert
from encoders import GOLDEN, POOLING_KEYS, directory, embed, weights
from golden.make_encoders import CASES, DENSE, IDS, dense
from tiny import add_byte_tokenizer

from galop.backends.load import load_path
from galop.errors import EncoderError, ModelFileError
from galop.models import parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.models.sentence_files import read_modules
from galop.ops.plan import Array
from galop.ops.reference import Batch, Cache, Reference


def reference_of(path: Path) -> Reference:
    checkpoint = open_checkpoint(path)
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, path.name), checkpoint.shapes())
    assert not checkpoint.tensors.keys() - plan.matrices().keys() - plan.vectors().keys()
    return Reference(plan, lambda name: checkpoint.tensors[name].array())


def whole(*texts: list[int]) -> Batch:
    """A step over whole texts, whose vectors are wanted."""
    positions = np.concatenate([np.arange(len(text)) for text in texts])
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    ends = np.cumsum([len(text) for text in texts]) - 1
    return Batch(np.concatenate(texts), positions, owners, ends, Cache())


@pytest.mark.parametrize("pooling", POOLING_KEYS)
@pytest.mark.parametrize("case", CASES)
def test_vectors_are_those_of_transformers(case: str, pooling: str, tmp_path: Path) -> None:
    expected = np.array(GOLDEN[case]["vectors"][pooling])
    reference = reference_of(directory(tmp_path / "m", case, pooling, {"bert": "bert."}.get(case, "")))
    assert np.abs(reference.forward(whole(IDS)) - expected).max() < 1e-5
    assert np.abs(reference.forward(whole(IDS[:5], IDS))[1] - expected).max() < 1e-5


@pytest.mark.parametrize("case", CASES)
def test_native_vectors_are_near_and_the_same_alone_and_together(case: str, tmp_path: Path) -> None:
    with load_path(directory(tmp_path / "m", case), memory=4 << 30) as model:
        for n in range(1, len(IDS)):
            first, second = embed_all(model, [IDS[:n], IDS])
            assert np.array_equal(first, embed(model, IDS[:n])) and np.array_equal(second, embed(model, IDS))
            assert np.allclose(np.linalg.norm([first, second], axis=1), 1, atol=1e-5)
        expected = np.array(GOLDEN[case]["vectors"]["mean"])
        assert float(second @ expected) > 0.995  # what int8 costs an untrained model
        assert model.capabilities.embedding_size == 64 and model.vocabulary_size == 256


def embed_all(model: Any, texts: list[list[int]]) -> Array:
    """All in one step."""
    ends = np.cumsum([len(text) for text in texts]) - 1
    work = [(model.engine.new_cache(), text) for text in texts]
    vectors: Array = model.engine.forward(work, ends.tolist())
    for kv, _ in work:
        kv.free()
    return vectors


def test_a_full_context_is_read_and_no_more(tmp_path: Path) -> None:
    with load_path(directory(tmp_path / "m", "bert"), memory=4 << 30) as model:
        assert model.context == 64
        assert np.isfinite(embed(model, [7] * 64)).all()
        with pytest.raises(Exception, match="the context holds 64"):
            embed(model, [7] * 65)


def test_an_encoder_writes_no_texts(tmp_path: Path) -> None:
    with load_path(directory(tmp_path / "m", "bert"), memory=4 << 30) as model:
        assert not model.capabilities.generates
        for ask in (lambda: list(model.generate("Hi")), lambda: model.logits([1, 2])):
            with pytest.raises(EncoderError, match="is an encoder: it embeds texts"):
                ask()


def fused(case: str) -> dict[str, Array]:
    """The tensors of a case, Nomic's with its projections in one, under names that the gguf package knows."""
    names = {
        "o_proj": "attn.out_proj", "up_proj": "fc11", "gate_proj": "fc12", "down_proj": "fc2", "embeddings.L": "emb_l",
        "self_attn.": "", "post_attention_layernorm": "norm1", "post_mlp_layernorm": "norm2", "layers.": "encoder.layers.",
        "emb_layerNorm": "emb_ln",
    }  # fmt: skip
    tensors: dict[str, Array] = {}
    for name, values in weights(case).items():
        if case == "nomic_bert" and name.endswith(("k_proj.weight", "v_proj.weight")):
            continue
        if case == "nomic_bert" and name.endswith("q_proj.weight"):
            values = np.concatenate(
                [weights(case)[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            )
            name = name.replace("self_attn.q_proj", "attn.Wqkv")
        for ours, theirs in names.items() if case == "nomic_bert" else ():
            name = name.replace(ours, theirs)
        tensors[name] = values
    return tensors


def write_gguf(path: Path, pooling: int, case: str = "bert", **changes: Any) -> Path:
    """A case as llama.cpp's converter writes it."""
    config, architecture = GOLDEN[case]["config"], case.replace("_", "-")
    writer = gguf.GGUFWriter(path, architecture)
    if case == "nomic_bert":
        writer.add_rope_freq_base(1000.0)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(changes.get("causal", False))
    writer.add_pooling_type(gguf.PoolingType(pooling))
    add_byte_tokenizer(writer, "gpt-2")
    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    table = gguf.get_tensor_name_map(kind, config["num_hidden_layers"])
    for name, values in fused(case).items():
        if not name.startswith("pooler."):
            new = table.get_name(name, try_suffixes=(".weight", ".bias"))
            assert new, name
            writer.add_tensor(new, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(("number", "pooling"), [(1, "mean"), (2, "cls"), (3, "last")])
@pytest.mark.parametrize("case", ["bert", "nomic_bert"])
def test_a_gguf_file_pools_as_it_says(case: str, number: int, pooling: str, tmp_path: Path) -> None:
    reference = reference_of(write_gguf(tmp_path / "m.gguf", number, case))
    expected = np.array(GOLDEN[case]["vectors"][pooling])
    assert np.abs(reference.forward(whole(IDS)) - expected).max() < 1e-5


def test_a_gguf_of_embedding_gemma_has_its_dense_layers(tmp_path: Path) -> None:
    config = GOLDEN["gemma3_text"]["config"]
    window = config["sliding_window"]  # which transformers writes as it stood in the file
    metadata, tensors = convert("gemma3", {**config, "model_type": "gemma3_text"}, weights("gemma3_text"))
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "gemma-embedding")
    for key, value in metadata.items():
        name = f"gemma-embedding.{key}"
        if key == "attention.sliding_window":
            value = window
        writer.add_float32(name, value) if isinstance(value, float) else writer.add_uint32(name, value)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_causal_attention(False)
    writer.add_dense_features_dims("dense_2", 64, 96)
    writer.add_dense_features_dims("dense_3", 96, 64)
    add_byte_tokenizer(writer, "gpt-2")
    for folder, name in zip(DENSE, ("dense_2", "dense_3"), strict=True):
        tensors[f"{name}.weight"] = dense(folder)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    expected = np.array(GOLDEN["gemma3_text"]["vectors"]["mean"])
    assert np.abs(reference_of(tmp_path / "m.gguf").forward(whole(IDS)) - expected).max() < 1e-5


def test_what_encoders_files_may_not_say(tmp_path: Path) -> None:
    for number, message in ((4, "pooling"), (0, "pooling_type = 0")):
        with pytest.raises(ModelFileError, match=message):
            reference_of(write_gguf(tmp_path / "m.gguf", number))
    with pytest.raises(ModelFileError, match="attention.causal"):
        reference_of(write_gguf(tmp_path / "m.gguf", 1, causal=True))
    path = directory(tmp_path / "m", "bert")
    for name, text, message in (
        ("modules.json", "[5]", "of type ''"),
        ("modules.json", '[{"type": "x.Pooling", "path": "../../etc"}]', "not a folder"),
        ("modules.json", '[{"type": "x.LSTM", "path": "1_LSTM"}]', "'LSTM' is not supported"),
        ("modules.json", '[{"type": "x.Dense", "path": "2_Dense"}]', "cannot be read|not a file"),
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}', "pooling_mode_max_tokens"),
        ("1_Pooling/config.json", "{}", "is not supported"),
    ):
        before = (path / name).read_text()
        (path / name).write_text(text)
        with pytest.raises(ModelFileError, match=message):
            read_modules(path)
        (path / name).write_text(before)
    (path / "config.json").write_text(json.dumps({**GOLDEN["bert"]["config"], "hidden_act": "relu"}))
    with pytest.raises(ModelFileError, match="hidden_act"):
        reference_of(path)


BASE = {"attention_probs_dropout_prob": 0.1, "classifier_dropout": None, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0, "position_embedding_type": "absolute",
        "torch_dtype": "float32", "use_cache": True}  # fmt: skip
PUBLISHED: dict[str, dict[str, Any]] = {
    "bge-small-en-v1.5": {
        **BASE, "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 384, "intermediate_size": 1536,
        "num_attention_heads": 12, "num_hidden_layers": 12, "max_position_embeddings": 512, "type_vocab_size": 2,
        "vocab_size": 30522, "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0},
    },
    "bge-m3": {
        **BASE, "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta", "bos_token_id": 0, "eos_token_id": 2,
        "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24,
        "max_position_embeddings": 8194, "output_past": True, "type_vocab_size": 1, "vocab_size": 250002,
        "layer_norm_eps": 1e-05, "pad_token_id": 1,
    },
    "embeddinggemma-300m": {
        "_sliding_window_pattern": 6, "architectures": ["Gemma3TextModel"], "attention_bias": False,
        "attention_dropout": 0.0, "attn_logit_softcapping": None, "bos_token_id": 2, "dtype": "float32",
        "eos_token_id": 1, "final_logit_softcapping": None, "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 1152,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 4, "max_position_embeddings": 2048,
        "model_type": "gemma3_text", "num_attention_heads": 3, "num_hidden_layers": 24, "num_key_value_heads": 1,
        "pad_token_id": 0, "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000.0,
        "rope_scaling": None, "rope_theta": 1000000.0, "sliding_window": 512, "transformers_version": "4.57.0.dev0",
        "use_bidirectional_attention": True, "use_cache": True, "vocab_size": 262144,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_configs_are_understood(name: str) -> None:
    config = parse_config(PUBLISHED[name], name)
    assert config.hidden_size == PUBLISHED[name]["hidden_size"] and config.pooling == "mean"  # type: ignore[attr-defined]
    with pytest.raises(ModelFileError, match="rotary"):
        parse_config({**PUBLISHED[name], "position_embedding_type": "rotary"} | {"rotary_scale": 2}, name)
