"""How many tokens of a prompt a step takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from galop import load
from galop.backends.local import Model
from galop.engine.engine import LEAST_CHUNK, Engine, least_chunk
from galop.ops import Inputs, embed, experts, linear, route
from galop.ops.plan import Matrix, Plan


def mixture(count: int, chosen: int) -> Plan:
    """A layer of so many experts, of which each token takes `chosen`."""
    plan = Plan()
    inputs = Inputs(plan)
    x = embed(inputs, Matrix("embed", 1000, 256))
    ids, shares = route(linear(x, Matrix("router", count, 256)), None, None, chosen, False, True)
    matrices = {
        kind: [Matrix(f"{kind}.{e}", *shape) for e in range(count)]
        for kind, shape in {"gate": (512, 256), "up": (512, 256), "down": (256, 512)}.items()
    }
    experts(x, ids, shares, matrices["gate"], matrices["up"], matrices["down"], [])
    return plan


@pytest.mark.parametrize(
    ("count", "chosen", "tokens"), [(1, 1, LEAST_CHUNK), (8, 2, 128), (64, 4, 512), (128, 8, 512), (512, 2, 512)]
)
def test_each_expert_of_a_mixture_has_several_tokens_of_a_chunk(count: int, chosen: int, tokens: int) -> None:
    plan = mixture(count, chosen)
    sizes = {m.name: 0.5625 * m.rows * m.cols for m in plan.matrices().values()}
    assert least_chunk(plan, sizes.__getitem__) == tokens


@pytest.fixture
def engine() -> Iterator[Engine]:
    with load("qwen3-mini:0.4m", threads=1, context=512) as model:
        assert isinstance(model, Model)
        yield model.engine


def test_a_chunk_takes_a_quarter_of_a_second_or_has_the_least_tokens(engine: Engine) -> None:
    assert engine.chunk == engine.least_chunk == LEAST_CHUNK
    assert engine.chunk_within(0.001) == engine.chunk  # nothing is known yet
    engine.adapt_chunk(LEAST_CHUNK, 0.1)
    assert engine.chunk == 160
    engine.adapt_chunk(LEAST_CHUNK, 3.0)  # no whole chunk says nothing
    assert engine.chunk == 160
    engine.least_chunk = 256
    engine.adapt_chunk(160, 3.2)
    assert engine.chunk == 256
    assert engine.chunk_within(6.0) == 256
    assert engine.chunk_within(2.0) == 96
    assert engine.chunk_within(0.1) == LEAST_CHUNK
