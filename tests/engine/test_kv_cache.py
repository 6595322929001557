"""Keys and values: f16 or int8, deeper than one chunk of attention, whole, in parts and in a batch, on any threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpus import CORPUS

from galop import native
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.states import KVType

DEPTH = 1100  # into the third chunk of 512 keys


def tokens_of(model: Model, count: int) -> list[int]:
    ids = model.tokenizer.encode("\n".join(CORPUS))
    return (ids * (count // len(ids) + 1))[:count]


@pytest.mark.parametrize("kv", ["f16", "int8"])
def test_logits_at_depth_are_the_same_bytes_for_any_threads_and_batch(smollm: Model, kv: KVType) -> None:
    ids = tokens_of(smollm, DEPTH)
    expected = None
    for threads, parts in [(1, [DEPTH]), (2, [700, 400]), (3, [32, 1068])]:
        engine = Engine(smollm.plan, smollm.pack, threads, 2048, kv)
        long, short = engine.new_cache(), engine.new_cache()
        for part in parts:
            done = len(long.tokens)
            engine.forward([(long, ids[done : done + part])], [])
        alone = engine.forward([(long, [ids[0]])], [0])
        long.truncate(DEPTH)
        engine.forward([(short, ids[:40])], [])
        batched = engine.forward([(short, [ids[7]]), (long, [ids[0]])], [0, 1])
        assert batched[1].tobytes() == alone[0].tobytes()
        expected = batched.tobytes() if expected is None else expected
        assert batched.tobytes() == expected, threads


def test_int8_keys_and_values_change_little(smollm: Model) -> None:
    ids = tokens_of(smollm, 600)

    def probabilities(kv: KVType) -> np.ndarray:
        engine = Engine(smollm.plan, smollm.pack, 2, 1024, kv)
        logits = engine.forward([(engine.new_cache(), ids)], range(100, 600)).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    half, byte = probabilities("f16"), probabilities("int8")
    divergence = (np.exp(half) * (half - byte)).sum(axis=1).mean()
    assert 0 < divergence < 1e-2  # int8 activations alone move the model by 3e-3


def test_int8_pages_take_half_the_memory(smollm: Model, smollm_path: Path) -> None:
    with load_path(smollm_path, kv="int8", context=512) as model:
        ratio = model.engine.parts[0].state.block_bytes / smollm.engine.parts[0].state.block_bytes
    assert ratio == 17 / 33


def test_a_head_size_that_int8_cannot_keep_is_refused(smollm: Model) -> None:
    sizes = {"state": 0, "heads": 2, "kv_heads": 2, "head_dim": 48, "scale": 1.0}
    plain = {"window": 0, "chunk": 0, "softcap": 0.0, "causal": True, "wanted": False, "until": 0}
    steps = [
        ("embed", [], [0], [0], [], {"scale": 1.0, "placeholder": -1}),
        ("attention", [0, 0, 0], [0], [], [-1], sizes | plain),
        ("rows", [0], [1], [], [], {}),
    ]
    data = np.zeros(native.packed_bytes("Q8_0", 16, 96), np.uint8)
    with pytest.raises(ValueError, match="multiple of 32"):
        native.Program([(96, False), (96, True)], steps, [(0, 0, True)], [("Q8_0", 16, 96, 0)], [], data, "", 1)


def test_an_unknown_kind_is_refused(smollm: Model) -> None:
    with pytest.raises(ValueError, match="f16 or int8, not 'q3'"):
        Engine(smollm.plan, smollm.pack, 1, 512, "q3")  # type: ignore[arg-type]
