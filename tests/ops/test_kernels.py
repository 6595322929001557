"""Native kernels against the NumPy meaning of their op, and every instruction set against the portable one."""

import itertools
from typing import Any

import numpy as np
import pytest
from native_op import quantised
from random_blocks import PACKED, random_blocks

from galop import native
from galop.weights.quant_types import dequantise

SETS = native.instruction_sets()
EMBED = {"scale": 1.0, "placeholder": -1}


class Product:
    """embed -> rows -> linear as a program of its own, with random weights of one kind, and what NumPy says it gives."""

    def __init__(self, kind: str, rows: int, cols: int, tokens: int) -> None:
        self.shape = rows, cols
        weights = random_blocks(kind, rows, cols, seed=rows * 7 + cols)
        table = np.random.default_rng(tokens).normal(size=(tokens, cols)).astype(np.float32)
        self.bias = np.random.default_rng(5).normal(size=rows).astype(np.float32)
        embedding = np.empty(native.packed_bytes("F32", tokens, cols), np.uint8)
        native.pack("F32", table.reshape(-1).view(np.uint8), tokens, cols, embedding, 1)
        packed = np.empty(native.packed_bytes(kind, rows, cols), np.uint8)
        native.pack(kind, weights, rows, cols, packed, 1)
        self.data = np.concatenate([embedding, packed])
        self.matrices = [("F32", tokens, cols, 0), (kind, rows, cols, len(embedding))]
        self.expected = quantised(table) @ dequantise(kind, weights, (rows, cols)).T + self.bias

    def program(self, isa: str, threads: int = 1) -> Any:
        rows, cols = self.shape
        steps: list[Any] = [
            ("embed", [], [0], [0], [], EMBED),
            ("rows", [0], [1], [], [], {}),
            ("linears", [1], [2], [1], [0], {}),
        ]
        widths = [(cols, False), (cols, True), (rows, True)]
        return native.Program(widths, steps, [], self.matrices, [self.bias], self.data, isa, threads)

    def run(self, program: Any, tokens: int) -> np.ndarray:
        """What a program makes of the first tokens: [tokens, rows]."""
        out = np.empty((tokens, self.shape[0]), np.float32)
        at = np.arange(tokens, dtype=np.int32)
        assert program.forward(at, at[None], np.zeros(tokens, np.int32), [], at, [], out)
        return out


@pytest.mark.parametrize("kind", PACKED)
def test_matrix_product(kind: str) -> None:
    for rows, tokens in ((1, 1), (16, 2), (33, 3), (40, 5), (16, 8), (50, 13), (64, 33)):
        product = Product(kind, rows, 512, tokens)
        for isa in SETS:
            apart = np.abs(product.run(product.program(isa), tokens) - product.expected).max()
            assert apart <= 2e-5 * np.abs(product.expected).max(), (isa, rows, tokens)


@pytest.mark.parametrize("kind", PACKED)
def test_instruction_sets_threads_and_batches_give_the_same_bytes(kind: str) -> None:
    product = Product(kind, 100, 768, 21)
    portable = product.program("portable")
    expected = {tokens: product.run(portable, tokens).tobytes() for tokens in (1, 2, 7, 8, 9, 21)}
    for isa, threads in itertools.product(SETS, (1, 2, 3)):
        program = product.program(isa, threads)
        assert {tokens: product.run(program, tokens).tobytes() for tokens in expected} == expected, (isa, threads)


def test_a_malformed_program_is_refused() -> None:
    data = np.zeros(native.packed_bytes("Q8_0", 16, 32), np.uint8)
    good = [("embed", [], [0], [0], [], EMBED), ("rows", [0], [1], [], [], {})]
    cases: list[tuple[Any, Any, str]] = [
        ([("embed", [], [7], [0], [], EMBED)], [("Q8_0", 16, 32, 0)], ".+"),
        (good, [("Q8_0", 16, 32, 8)], "outside its pack"),
        (good, [("Q8_0", 16, 64, 0)], "outside its pack"),
        ([("nonsense", [], [0], [0], [], {})], [("Q8_0", 16, 32, 0)], "no op is called"),
        ([("add", [0, 0], [0], [], [], {"eps": 1e-5})], [("Q8_0", 16, 32, 0)], "an attribute that add does not have"),
        ([("rope", [0, 0, 0], [0], [], [], {"head_dim": 32})], [("Q8_0", 16, 32, 0)], "an attribute is missing"),
        ([("rope", [0, 0, 0], [0], [], [], {"head_dim": 32, "interleaved": 0})], [("Q8_0", 16, 32, 0)], "is missing"),
        ([("rms_norm", [0], [0], [], [0], {"eps": 1e-5})], [("Q8_0", 16, 32, 0)], ".+"),
    ]
    for steps, matrices, message in cases:
        with pytest.raises((ValueError, IndexError), match=message):
            native.Program([(32, False), (32, True)], steps, [], matrices, [], data, "", 1)


def test_a_malformed_batch_is_refused() -> None:
    data = np.zeros(native.packed_bytes("Q8_0", 16, 32), np.uint8)
    heads = {"state": 0, "heads": 2, "kv_heads": 2, "head_dim": 16, "scale": 1.0}
    plain = {"window": 0, "chunk": 0, "softcap": 0.0, "causal": True, "wanted": False, "until": 0}
    program = native.Program(
        [(32, False), (32, False), (32, True)],
        [
            ("embed", [], [0], [0], [], EMBED),
            ("attention", [0, 0, 0], [1], [], [-1], heads | plain),
            ("rows", [1], [2], [], [], {}),
        ],
        [(0, 0, False)], [("Q8_0", 16, 32, 0)], [], data, "", 1,
    )  # fmt: skip
    store, small, out = native.BlockStore(32 * 64 * 2 + 32 * 4), native.BlockStore(64), np.empty((1, 32), np.float32)
    for memory in (store, store, small):
        memory.allocate()

    def forward(
        ids: list[int],
        positions: list[int],
        tables: list[list[list[int]]],
        rows: list[int],
        memory: Any = (store,),
        saves: Any = (),
    ) -> None:
        i32 = lambda v: np.array(v, np.int32)  # noqa: E731
        program.forward(i32(ids), i32([positions]), i32([0] * len(ids)), tables, i32(rows), memory, out, saves=saves)

    forward([3], [0], [[[0]]], [0])
    forward([3, 4], [31, 32], [[[0, 1]]], [1], saves=[[1, 2]])
    for ids, positions, tables, rows, memory, saves in (
        ([16], [0], [[[0]]], [0], [store], []),
        ([-1], [0], [[[0]]], [0], [store], []),
        ([3], [32], [[[0]]], [0], [store], []),
        ([3], [-1], [[[0]]], [0], [store], []),
        ([3], [0], [[[9]]], [0], [store], []),
        ([3], [0], [[[-1]]], [0], [store], []),
        ([3], [32], [[[-1, 1]]], [0], [store], []),
        ([3], [0], [[]], [0], [store], []),
        ([3], [0], [], [0], [], []),
        ([3], [0], [[[0]]], [0], [], []),
        ([3], [0], [[[0]]], [0], [small], []),
        ([3], [0], [[[0]]], [1], [store], []),
        ([], [], [[[0]]], [], [store], []),
        ([3, 4], [0, 1], [[[0]]], [0], [store], [[1]]),
        ([3, 4], [0, 1], [[[0]]], [0], [store], [[2, 2]]),
        ([3, 4], [0, 2], [[[0]]], [0], [store], [[2]]),
        ([3], [0], [[[0]]], [0], [store], [[0, 1]]),
        ([3], [0], [[[0]]], [0], [store], [[1], [1]]),
    ):
        with pytest.raises((ValueError, IndexError)):
            forward(ids, positions, tables, rows, memory, saves)
