"""What a step may bring beside token ids: embeddings in their place, and positions on several axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.make import TOKENS
from logits import N, relative
from native_op import KeptKV, with_native_roundings

from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.kv_cache import KVCache
from galop.ops import Plan, Vector
from galop.ops.reference import Batch, Cache, Reference

AT = np.arange(N, dtype=np.int32)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with load_path(Path(__file__).parent.parent / "golden" / "qwen3", memory=4 << 30) as model:
        yield model


def embedded(model: Model, tokens: list[int], at: range) -> tuple[list[int], np.ndarray]:
    """The tokens, those `at` some places replaced by rows; and the rows of the embedding matrix that they stand for."""
    rows = model.pack.array("model.embed_tokens.weight")[[tokens[t] for t in at]]
    return [-1 - at.index(t) if t in at else token for t, token in enumerate(tokens)], rows


def constant(axis: int, table: Any) -> Vector:
    size = table.arguments["inv_freq"].size
    return Vector("axes", size, np.full(size, axis, np.float32))


def reading_axis(plan: Plan, axis: int) -> Plan:
    """The plan, its rotations made of the positions on another axis."""
    steps = [
        replace(step, arguments={**step.arguments, "axes": constant(axis, step)})
        if step.op.name == "rope_table"
        else step
        for step in plan.steps
    ]
    return replace(plan, steps=steps)


@pytest.mark.parametrize("at", [range(N), range(1, N, 3), range(5, 12)])
def test_embeddings_are_as_good_as_the_ids_they_belong_to(model: Model, at: range) -> None:
    expected = model.logits(TOKENS)
    ids, rows = embedded(model, TOKENS, at)
    for size in (N, 7, 1):
        kv = model.engine.new_cache()
        parts = [
            model.engine.forward([(kv, ids[i : i + size])], range(len(ids[i : i + size])), embeddings=rows)
            for i in range(0, N, size)
        ]
        kv.free()
        assert np.concatenate(parts).tobytes() == expected.tobytes()
    reference = model.reference()
    with_ids = reference.forward(Batch(np.array(TOKENS), AT, AT * 0, AT, Cache()))
    assert reference.forward(Batch(np.array(ids), AT, AT * 0, AT, Cache(), rows)).tobytes() == with_ids.tobytes()


def test_other_embeddings_change_the_logits(model: Model) -> None:
    ids, rows = embedded(model, TOKENS, range(3, 5))
    kv = model.engine.new_cache()
    other = model.engine.forward([(kv, ids)], range(N), embeddings=2 * rows)
    kv.free()
    assert relative(other[3:], model.logits(TOKENS)[3:]) > 1e-3


def test_what_does_not_fit_is_one_sentence(model: Model) -> None:
    rows = np.zeros((2, model.engine.hidden_size), np.float32)
    kv = model.engine.new_cache()

    def refusal(ids: list[int], engine: Engine = model.engine, **given: Any) -> str:
        with pytest.raises(ValueError) as refused:
            engine.forward([(kv, ids)], [0], **given)
        assert not kv.tokens
        return str(refused.value)

    assert refusal([-1]) == refusal([256], embeddings=rows) == "a token id outside the vocabulary"
    assert refusal([-3], embeddings=rows) == "a token whose embedding the step does not bring"
    assert refusal([-1], embeddings=rows[:, 1:].copy()) == "embeddings of another width than the model's"
    kv.free()
    two = Engine(reading_axis(model.plan, 2), model.pack, 1, 512)
    kv = two.new_cache()
    lacking = "the model reads a position axis that the step does not bring"
    assert refusal([1], two, axes=np.zeros((1, 1), np.int32)) == lacking
    at = two.forward([(kv, [1])], [0], axes=np.zeros((2, 1), np.int32))
    kv.free()
    assert two.forward([(kv, [1])], [0]).tobytes() == at.tobytes()  # of text alone the places count


def test_a_second_axis_is_what_tokens_are_turned_by(model: Model) -> None:
    engine = Engine(reading_axis(model.plan, 1), model.pack, 2, 512)
    at, owners = AT % 4, AT // 4
    work = [TOKENS[i : i + 4] for i in range(0, N, 4)]

    def logits(axis: np.ndarray) -> np.ndarray:
        return engine.forward([(engine.new_cache(), part) for part in work], range(N), axes=axis[None])

    alone = model.engine.forward([(model.engine.new_cache(), part) for part in work], range(N))
    assert logits(at).tobytes() == alone.tobytes()

    stretched = 3 * at
    ours = logits(stretched)
    assert relative(ours, alone) > 1e-3
    weight = with_native_roundings(model).weight
    batch = Batch(np.array(TOKENS), np.array([at, stretched]), owners, AT, KeptKV("f16"))
    expected = Reference(reading_axis(model.plan, 1), weight).forward(batch)
    apart = np.abs(ours - expected).max(axis=1) / np.abs(expected).max()
    assert (apart < 1e-5).sum() >= N / 2  # see test_families.py


@pytest.mark.parametrize("by", ["embeddings", "axes"])
def test_nobody_finds_tokens_by_ids_that_do_not_tell_all_of_them(model: Model, by: str) -> None:
    engine = Engine(model.plan, model.pack, 2, 512)
    prompt = [(7 * i) % 256 for i in range(150)]
    ids, rows = embedded(model, prompt, range(70, 80)) if by == "embeddings" else (prompt, None)
    axis = np.minimum(np.arange(150, dtype=np.int32), 69)[None] if by == "axes" else None

    def read(client: str) -> KVCache:
        kv = engine.cache_for(client)
        for part in (slice(0, 100), slice(100, 150)):
            axes = None if axis is None else axis[:, part]
            engine.forward([(kv, ids[part])], [], embeddings=rows, axes=axes)
        kv.commit()
        return kv

    ended = read("another")
    ended.publish(partial=True)
    ended.free()
    kv = read("me")
    for client, known in (("another", 70), ("me", 64)):
        for tokens in (ids, prompt):
            found = engine.cache_for(client, tokens)
            assert found.tokens == prompt[:known]
            found.free()
    assert kv.rewind_to(ids) == 70

    engine.forward([(kv, prompt[70:])], [])  # as ids: now they tell all
    kv.commit()
    found = engine.cache_for("me", prompt)
    assert found.tokens == prompt[:128]
    rest = prompt[len(found.tokens) :]
    ours = engine.forward([(found, rest)], [len(rest) - 1])
    assert ours.tobytes() == model.logits(prompt)[-1:].tobytes()


def test_axes_that_say_what_places_say_hide_nothing(model: Model) -> None:
    engine = Engine(model.plan, model.pack, 2, 512)
    kv = engine.cache_for("me")
    engine.forward([(kv, list(range(70)))], [], axes=np.arange(70, dtype=np.int32)[None])
    kv.commit()
    assert len(engine.cache_for("me", range(80)).tokens) == 64
