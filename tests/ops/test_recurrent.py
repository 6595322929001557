"""States that do not grow: whatever a sequence is cut into and wherever its state is saved, the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from native_op import TOKENS, OneOp
from test_ops import CASES

from galop import native
from galop.engine.lower import program

RECURRENT = ["causal_conv", "causal_conv, plain", "gated_delta", "gated_delta, tiled", "mamba2_scan"]


def walk(one: OneOp, steps: list[list[int]], isa: str = "", threads: int = 2) -> tuple[np.ndarray, dict[int, bytes]]:
    """All results of steps that end with, and save after, so many tokens in all: [TOKENS, width], and what was saved."""
    store = native.BlockStore(4 * one.plan.states[0].floats)
    run = program(one.plan, one.pack, threads, "f16", isa)
    at, parts, saved = np.arange(TOKENS, dtype=np.int32), [], {}
    begin, done = -1, 0
    for ends in steps:
        slots, rows = [store.allocate() for _ in ends], at[: ends[-1] - done]
        out = np.empty((len(rows), one.result.width), np.float32)
        saves = [end - done for end in ends]
        here = slice(done, ends[-1])
        assert run.forward(
            at[here], one.positions[:, here], rows * 0, [[[begin, *slots]]], rows, [store], out, saves=[saves]
        )
        parts.append(out)
        saved |= {end: store.data(slot).tobytes() for end, slot in zip(ends, slots, strict=True)}
        begin, done = slots[-1], ends[-1]
    return np.concatenate(parts), saved


@pytest.mark.parametrize("case", RECURRENT)
def test_any_chunks_and_any_saves_give_the_same_bytes(case: str) -> None:
    one, _ = CASES[case]
    whole, end = walk(one, [[TOKENS]])
    often = [1, 2, 3, 4, 5, 9, 20, 33, TOKENS]
    for isa in native.instruction_sets():
        pieces, some = walk(one, [[1], [2], [3], [4, 5, 9], [20, 33], [TOKENS]], isa, 3)
        at_once, all_of_them = walk(one, [often], isa)
        assert pieces.tobytes() == at_once.tobytes() == whole.tobytes()
        assert {length: all_of_them[length] for length in some} == some and some[TOKENS] == end[TOKENS]


def test_a_state_is_read_and_never_written() -> None:
    one, _ = CASES["gated_delta"]
    store = native.BlockStore(4 * one.plan.states[0].floats)
    first, *others = (store.allocate() for _ in range(4))
    run = program(one.plan, one.pack, 2, "f16")
    at = np.arange(TOKENS, dtype=np.int32)

    def step(begin: int, to: int, start: int, end: int) -> np.ndarray:
        rows = at[: end - start]
        out = np.empty((len(rows), one.result.width), np.float32)
        places = one.positions[:, start:end]
        assert run.forward(at[start:end], places, rows * 0, [[[begin, to]]], rows, [store], out, saves=[[len(rows)]])
        return out

    step(-1, first, 0, 8)
    before = store.data(first).tobytes()
    answers = {step(first, other, 8, 12).tobytes() for other in others}
    assert len(answers) == 1
    assert store.data(first).tobytes() == before


def test_saves_that_do_not_fit_are_refused() -> None:
    one, _ = CASES["gated_delta"]
    run = program(one.plan, one.pack, 1, "f16")
    at = np.arange(4, dtype=np.int32)
    out = np.empty((4, one.result.width), np.float32)
    large, small = native.BlockStore(4 * one.plan.states[0].floats), native.BlockStore(64)
    for store, row, saves in (
        (large, [-1, 0], [3]),
        (large, [-1, 0], [5]),
        (large, [-1, 0, 1], [2, 2, 4]),
        (large, [-1, 0], [2, 4]),
        (large, [-1, -1], [4]),
        (large, [0], [4]),
        (small, [-1, 0], [4]),
    ):
        while store.in_use < 2:
            store.allocate()
        with pytest.raises(ValueError, match=r".+"):
            run.forward(at, at[None], at * 0, [[row]], at, [store], out, saves=[saves])
