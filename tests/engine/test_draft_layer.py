"""A model's own layer for the token after the next one: what it drafts is what its definition says, wherever a sequence
came from, and no draft changes an answer."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import finish
from golden.recipe import case_path, seeded_weight
from logits import relative
from safetensors.numpy import load_file, save_file
from tiny import write_gguf

from galop import Sampling
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.engine.scheduler import Scheduler
from galop.engine.sequence import TokenSequence
from galop.engine.speculation import DraftLength, DraftTokens, PromptLookup
from galop.models.from_file import open_checkpoint
from galop.ops.plan import Plan
from galop.ops.reference import Batch, Cache, Reference

LENGTH = 90
BESIDE = {"fc": (64, 128), "norm": (64,), "pre_fc_norm_embedding": (64,), "pre_fc_norm_hidden": (64,)}


def layer_of(case: str) -> dict[str, np.ndarray]:
    """The tensors of such a layer: those of the last layer, which attends, with other values."""
    kept = load_file(case_path(case) / "model.safetensors")
    shapes = {n.replace("model.layers.3.", "mtp.layers.0."): t.shape for n, t in kept.items() if ".layers.3." in n}
    shapes |= {f"mtp.{name}.weight": shape for name, shape in BESIDE.items()}
    return {name: seeded_weight(name, shape, ones=False) for name, shape in shapes.items()}


MTP = layer_of("qwen3_5_text")


def write(case: str, path: Path) -> Path:
    """A model with such a layer, as the hub keeps it."""
    shutil.copytree(case_path(case), path)
    save_file({**load_file(path / "model.safetensors"), **layer_of(case)}, path / "model.safetensors")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "mtp_num_hidden_layers": 1}))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("qwen3_5_text", tmp_path_factory.mktemp("mtp") / "model")


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[Model]:
    with load_path(folder, threads=2, memory=4 << 30, context=400) as model:
        yield model


@pytest.fixture(scope="module")
def tokens() -> list[int]:
    return [int(t) for t in np.random.default_rng(8).integers(0, 96, LENGTH)]


def engine_of(model: Model, disk: DiskCache | None = None) -> Engine:
    return Engine(model.plan, model.pack, 2, 400, pool=6400, disk=disk)


def drafted(engine: Engine, tokens: Sequence[int], size: int = 64, known: bool = False) -> tuple[list[int], int]:
    """Drafts after the last token, and how many of those before it were known."""
    kv = engine.cache_for("me", tokens if known else ())
    begun = len(kv.tokens)
    while len(kv.tokens) < len(tokens) - 1:
        engine.forward([(kv, tokens[len(kv.tokens) : min(len(kv.tokens) + size, len(tokens) - 1)])], [])
        kv.commit()
    assert engine.draft_layer
    found = engine.draft_layer.draft(kv, tokens[-1], 3)
    again = engine.draft_layer.draft(kv, tokens[-1], 2)
    assert again == found[:2] and len(kv.tokens) == len(tokens) - 1
    kv.publish(partial=True)
    kv.free()
    assert engine.blocks_in_use == 0
    return found, begun


def test_logits_are_those_without_the_layer(model: Model, tokens: list[int]) -> None:
    with load_path(case_path("qwen3_5_text"), threads=1, memory=4 << 30, context=400) as plain:
        assert not plain.plan.draft and model.plan.draft
        assert model.logits(tokens).tobytes() == plain.logits(tokens).tobytes()


def defined(plan: Plan, weight: Callable[[str], np.ndarray], tokens: Sequence[int]) -> np.ndarray:
    """Logits of the token after the next one after each token but the first, by both passes of the plan."""
    assert plan.draft
    reference, draft, first = Reference(plan, weight), Reference(plan.draft, weight), len(plan.states) - 2
    ids, at, rows = np.array(tokens), np.arange(len(tokens)), []
    cache = Cache()
    for t in at:
        one = slice(t, t + 1)
        if t:
            own = Cache({(1, 0): cache.entries[first + 1, 0]}, {(0, 0): dict(cache.states[first, 0])})
            rows.append(draft.forward(Batch(ids[one], at[one], at[:1], at[:1], own))[0])
        reference.forward(Batch(ids[one], at[one], at[:1], at[:1], cache))
    return np.array(rows)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_drafts_are_those_of_the_definition_however_a_prompt_came(
    model: Model, tokens: list[int], size: int, tmp_path: Path
) -> None:
    logits = defined(model.plan, model.reference().weight, tokens[:12])
    expected = [drafted(engine_of(model), tokens[: t + 1])[0][0] for t in range(1, 12)]
    for row, token in zip(logits, expected, strict=True):  # int8 activations may tip near ties
        assert row[token] > row.max() - 0.1 * np.abs(row).max()
    assert np.mean(logits.argmax(1) == expected) > 0.7
    whole, _ = drafted(engine_of(model), tokens)
    engine = engine_of(model)
    assert drafted(engine, tokens, size) == (whole, 0)
    found, begun = drafted(engine, tokens, size, known=True)
    assert found == whole and begun >= 64


class Always(DraftLength):
    def best(self, most: int, confidence: int = 0, seconds: float = 0.0) -> int:
        return most


def answer(engine: Engine, prompt: list[int], drafter: Any, always: bool = True, limit: int = 60) -> list[int]:
    scheduler = Scheduler(engine)
    if always:
        scheduler.decoder.draft_length = Always()
    sequence = TokenSequence(prompt, Sampling(temperature=0.7, seed=4), limit, drafter=drafter)
    scheduler.submit(sequence)
    finish(scheduler)
    return sequence.tokens


class Nothing:
    seconds = 0.0

    def draft(self, history: Sequence[int], most: int) -> DraftTokens:
        return DraftTokens([])


def test_answers_are_the_same_with_drafts(model: Model, tokens: list[int], tmp_path: Path) -> None:
    plain = answer(engine_of(model), tokens, None)
    for drafter in (Nothing(), PromptLookup()):
        for always in (True, False):
            engine = engine_of(model)
            layer = engine.draft_layer
            assert layer
            drafts, draft = [], layer.draft
            layer.draft = lambda *a, d=draft, kept=drafts: kept.append(d(*a)) or kept[-1]  # type: ignore[method-assign, misc, func-returns-value]
            assert answer(engine, tokens, drafter, always) == plain
            assert drafts and engine.blocks_in_use == 0
    engine = engine_of(model)
    layer, chance = engine.draft_layer, random.Random(5)
    assert layer
    draft = layer.draft

    def half_right(kv: KVCache, token: int, most: int) -> list[int]:
        """Drafts of which the first tokens hold, so that it goes on from everywhere in one."""
        made = draft(kv, token, most)
        return plain[len(kv.tokens) + 1 :][: chance.randint(0, most)] + made[: chance.randint(0, 1)]

    layer.draft = half_right  # type: ignore[method-assign]
    assert answer(engine, tokens, Nothing()) == plain and engine.blocks_in_use == 0
    long = [*tokens, *tokens, *tokens]
    first = answer(engine_of(model, DiskCache(tmp_path, 1 << 30)), long, Nothing())
    restarted = engine_of(model, DiskCache(tmp_path, 1 << 30))
    assert answer(restarted, long, Nothing()) == first and restarted.prefix_cache.hit_tokens >= 256
    tight = engine_of(model)
    for part in tight.parts:
        part.pool.capacity = 6 if part.state.by_token else 4
    assert answer(tight, tokens, Nothing()) == plain


@pytest.mark.parametrize("case", ["qwen3_5_moe_text", "qwen3_next"])
def test_mixtures_have_it_too(case: str, tokens: list[int], tmp_path: Path) -> None:
    with load_path(write(case, tmp_path / "m"), threads=2, memory=4 << 30, context=400) as model:
        logits = defined(model.plan, model.reference().weight, tokens[:6])
        found = [drafted(engine_of(model), tokens[: t + 1])[0][0] for t in range(1, 6)]
        assert all(row[token] > row.max() - 0.2 * np.abs(row).max() for row, token in zip(logits, found, strict=True))
        assert answer(engine_of(model), tokens, Nothing(), limit=12) == answer(engine_of(model), tokens, None, limit=12)


def as_gguf(metadata: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """With the layer as the last of its layers, and its norms whole."""
    layers = metadata["block_count"]
    metadata |= {"block_count": layers + 1, "nextn_predict_layers": 1}
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "post_attention_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "fc": "nextn.eh_proj", "norm": "nextn.shared_head_norm",
        "pre_fc_norm_embedding": "nextn.enorm", "pre_fc_norm_hidden": "nextn.hnorm",
    }  # fmt: skip
    for name, values in MTP.items():
        stem = name.removeprefix("mtp.").removeprefix("layers.0.").removesuffix(".weight")
        tensors[f"blk.{layers}.{names[stem]}.weight"] = values + np.float32(values.ndim == 1)


def test_a_gguf_has_the_same_layer(folder: Path, model: Model, tokens: list[int], tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "qwen3_5_text", change=as_gguf)
    ours, theirs = open_checkpoint(path), open_checkpoint(folder)
    mtp = {name for name in theirs.tensors if name.startswith("mtp.")}
    assert {name for name in ours.tensors if name.startswith("mtp.")} == mtp and len(mtp) == len(MTP) + 2
    assert all(relative(ours.tensors[n].array(), theirs.tensors[n].array()) < 1e-6 for n in mtp)


@pytest.mark.oracle
def test_the_definition_is_that_of_transformers_layers(model: Model, folder: Path, tokens: list[int]) -> None:
    """Which leaves such a layer out: here its parts are put together as Qwen's own code does."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.qwen3_5 import modeling_qwen3_5 as qwen

    whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    config = whole.config
    config.layer_types = ["full_attention"]
    layer = qwen.Qwen3_5DecoderLayer(config, 0).eval()
    inner = {name.removeprefix("mtp.layers.0."): torch.tensor(v) for name, v in MTP.items() if "layers.0" in name}
    layer.load_state_dict(inner)
    norms = {
        name: qwen.Qwen3_5RMSNorm(64, eps=config.rms_norm_eps)
        for name in MTP
        if name.count(".") == 2 and "norm" in name
    }
    for name, norm in norms.items():
        norm.load_state_dict({"weight": torch.tensor(MTP[name])})
    few = tokens[:12]
    with torch.no_grad():
        config.layer_types = json.loads((folder / "config.json").read_text())["layer_types"]
        ids = torch.tensor([few])
        hidden = whole.model(ids).last_hidden_state
        before = torch.cat([torch.zeros_like(hidden[:, :1]), hidden[:, :-1]], 1)
        embedded = norms["mtp.pre_fc_norm_embedding.weight"](whole.model.embed_tokens(ids))
        joined = torch.cat([embedded, norms["mtp.pre_fc_norm_hidden.weight"](before)], -1)
        x = joined @ torch.tensor(MTP["mtp.fc.weight"]).T
        places = torch.arange(len(few))[None]
        rotation = whole.model.rotary_emb(x, places)
        mask = torch.full((1, 1, len(few), len(few)), float("-inf")).triu(1)
        x = layer(x, position_embeddings=rotation, attention_mask=mask, position_ids=places)
        x = x[0] if isinstance(x, tuple) else x
        expected = whole.lm_head(norms["mtp.norm.weight"](x))[0].numpy()
    weights = open_checkpoint(folder).tensors
    assert relative(defined(model.plan, lambda name: weights[name].array(), few), expected[1:]) < 1e-4
