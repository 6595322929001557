"""One op by itself on both executors: the native one, and its NumPy meaning on inputs quantised as the native step does.

Every rounding that the native step makes on purpose is made here as well, so what is left between the two is the order
of float32 sums and the kernels' own exp: some 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from galop import native
from galop.backends.local import Model
from galop.engine.block_pool import BlockPool
from galop.engine.kv_cache import KVCache
from galop.engine.lower import program
from galop.engine.prefix_cache import Part, PrefixCache
from galop.engine.states import states_of
from galop.ops import Inputs, Matrix, Plan, Tensor, embed, rows
from galop.ops.reference import Batch, Cache, Reference
from galop.weights.pack import Pack, PackedMatrix
from galop.weights.quant_types import dequantise, quantise_q8_0

TOKENS = 37  # more than a KV block, a tile and a narrow product


def quantised(x: np.ndarray) -> np.ndarray:
    """Activations as the kernels see them: int8 in groups of 32."""
    groups = np.asarray(x).reshape(-1, 32)
    largest = np.abs(groups).max(axis=1, keepdims=True)
    inverse = np.float32(127) / np.where(largest > 0, largest, 1)
    return (np.rint(groups * inverse) * (largest / np.float32(127))).astype(np.float32).reshape(x.shape)


class Packed(np.ndarray):
    """A packed matrix: what it is multiplied with is quantised first."""

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.asarray(self)[index]

    def __rmatmul__(self, x: np.ndarray) -> np.ndarray:
        return quantised(x).astype(np.float64) @ np.asarray(self)


def rotated(x: np.ndarray) -> np.ndarray:
    """The Walsh-Hadamard transform of each 32 values, its own inverse."""
    h = np.ones((1, 1))
    while len(h) < 32:
        h = np.block([[h, h], [h, -h]])
    return (x.reshape(-1, 32) @ (h / np.sqrt(32))).reshape(x.shape).astype(np.float32)


def coded(x: np.ndarray, largest: int, each: int) -> np.ndarray:
    """x in codes up to `largest`, under a scale for each so many values of its last axis."""
    groups = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % each)]).reshape(*x.shape[:-1], -1, each)
    top = np.abs(groups).max(axis=-1, keepdims=True)
    codes = np.rint(groups * (np.float32(largest) / np.where(top > 0, top, 1)).astype(np.float32))
    values = (codes * (top / np.float32(largest))).astype(np.float32)
    return values.reshape(*x.shape[:-1], -1)[..., : x.shape[-1]]


def as_int16(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys or values [..., size] in codes of 14 bits, and the power of two of each."""
    top = np.abs(x).max(axis=-1, keepdims=True)
    power = np.exp2(np.ceil(np.log2(np.where(top > 0, top, 1) / np.float32(8191)))).astype(np.float32)
    return np.rint(x / power), power


def as_int8_values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values [..., size] in codes of 8 bits, and the scale of each in fp16."""
    scale = (np.abs(x).max(axis=-1, keepdims=True) / np.float32(127)).astype(np.float16).astype(np.float32)
    return np.clip(np.rint(x * (1 / np.where(scale > 0, scale, 1)).astype(np.float32)), -127, 127), scale


def as_int8(x: np.ndarray) -> np.ndarray:
    """Keys or values in 8 bits with an fp16 scale per 32."""
    groups = x.reshape(-1, 32)
    scale = (np.abs(groups).max(axis=1, keepdims=True) / np.float32(127)).astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint(groups * (1 / np.where(scale > 0, scale, 1))), -127, 127)
    return (codes * scale).astype(np.float32).reshape(x.shape)


def as_rows(x: np.ndarray, kv: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows [s, size] of latent attention in codes of 14 bits and the power of two of each; int8 rounds to 8 bits first."""
    if kv == "f16":
        return as_int16(x)
    padded = np.pad(x, [(0, 0), (0, -x.shape[1] % 32)])
    top = np.abs(padded.reshape(len(x), -1, 32)).max(axis=2)
    largest = (top / np.float32(127)).astype(np.float16).astype(np.float32).max(axis=1, keepdims=True) * np.float32(127)
    power = np.exp2(np.ceil(np.log2(largest / np.float32(8191)))).astype(np.float32)
    return np.rint(as_int8(padded)[:, : x.shape[1]] / power), power


class KeptKV(Cache):
    """Keys and values as the native blocks keep them, and products of integers, as the kernels compute them."""

    def __init__(self, kv: str) -> None:
        super().__init__()
        self.kv = kv

    def score(self, queries: Any, keys: Any) -> Any:
        if self.kv == "int8":
            return super().score(quantised(rotated(queries)), as_int8(rotated(keys)))
        codes, power = as_int16(keys)
        return super().score(coded(queries, 8191, 32), (codes * power).astype(np.float32))

    def score_rows(self, queries: Any, rows: Any) -> Any:
        codes, power = as_rows(rows, self.kv)
        return super().score_rows(coded(queries, 8191, 32), (codes * power).astype(np.float32))

    def mix_rows(self, weights: Any, rows: Any) -> Any:
        codes, power = as_rows(rows, self.kv)
        return super().mix_rows(coded(weights * power[:, 0], 8191, 32), codes)

    def score_heads(self, queries: Any, keys: Any) -> Any:
        return super().score_heads(*(coded(x, 127, x.shape[-1]) for x in (queries, keys)))

    def mix_heads(self, weights: Any, values: Any) -> Any:
        scale = np.abs(values).max(axis=-1) / np.float32(127)
        codes = np.rint(values * (np.float32(127) / np.abs(values).max(axis=-1, keepdims=True)))
        return super().mix_heads(coded(weights * scale.T, 127, 32), codes)

    def mix(self, weights: Any, values: Any) -> Any:
        codes, scale = as_int16(values) if self.kv == "f16" else as_int8_values(values)
        weighted = coded(weights * scale[..., 0].T[:, None], 8191 if self.kv == "f16" else 127, 32)
        return super().mix(weighted, codes)


def with_native_roundings(model: Model) -> Reference:
    """A loaded model under its ops' meanings, which quantise what its native steps do."""

    def weight(name: str) -> np.ndarray:
        values = model.pack.array(name)
        packed = name in model.pack.matrices and model.pack.matrices[name].quant_type != "F32"
        return values.view(Packed) if packed else values

    return Reference(model.plan, weight)


class OneOp:
    """`build(inputs, **tensors)` applied to `tensors` ([TOKENS, width] each), with matrices as (kind, float values).

    `kinds` are the layouts of the matrices; those not named are Q8_0. `axes` are positions [TOKENS] on axis 1 and up,
    `given` the rows that the tokens stand for, as they do without `tensors`; of those wanted `last` is the last.
    """

    def __init__(
        self,
        build: Callable[..., Tensor],
        tensors: dict[str, np.ndarray] | None = None,
        matrices: dict[str, np.ndarray] | None = None,
        vectors: dict[str, np.ndarray] | None = None,
        kinds: dict[str, str] | None = None,
        kv: str = "f16",
        axes: Sequence[np.ndarray] = (),
        given: np.ndarray | None = None,
        last: int = TOKENS,
    ) -> None:
        self.tensors, self.kv = tensors or {}, kv
        self.positions = np.array([np.arange(TOKENS), *axes], np.int32)
        self.given, self.last = given, last
        self.weights: dict[str, np.ndarray] = {}
        stored = {f"input {name}": ("F32", x, x) for name, x in self.tensors.items()}
        for name, x in (matrices or {}).items():
            kind = (kinds or {}).get(name, "Q8_0")
            data = np.ascontiguousarray(x).view(np.uint8).reshape(-1) if kind == "F32" else quantise_q8_0(x)
            values = x if kind == "F32" else dequantise(kind, data, x.shape).view(Packed)
            stored[name] = (kind, data, values)
        packed, parts, offset = {}, [], 0
        for name, (kind, data, values) in stored.items():
            count, width = values.shape
            part = np.zeros(-(-native.packed_bytes(kind, count, width) // 64) * 64, np.uint8)
            nbytes = native.packed_bytes(kind, count, width)
            native.pack(kind, np.ascontiguousarray(data).view(np.uint8).reshape(-1), count, width, part[:nbytes], 1)
            packed[name] = PackedMatrix(kind, count, width, offset, nbytes, 0)
            parts.append(part)
            offset += len(part)
            self.weights[name] = values
        self.weights.update(vectors or {})
        self.pack = Pack(
            SimpleNamespace(name="one op"), "", packed, vectors or {}, np.concatenate([*parts, np.zeros(64, np.uint8)])
        )
        self.plan = Plan()
        inputs = Inputs(self.plan)
        symbols = {name: embed(inputs, Matrix(f"input {name}", *x.shape)) for name, x in self.tensors.items()}
        built = build(inputs, **symbols)
        self.result = built if built.dim == "R" else rows(built, inputs.rows)

    @property
    def ids(self) -> np.ndarray:
        """Those of the rows that are given; tensors are looked up by their own."""
        at = np.arange(TOKENS, dtype=np.int32)
        return at if self.given is None else np.where(at % 3 == 1, at, -1 - at) if self.tensors else -1 - at

    def native(self, isa: str = "", threads: int = 2) -> np.ndarray:
        """What the native executor makes of it: [TOKENS, width]."""
        parts = [Part(state, BlockPool(state.block_bytes, TOKENS)) for state in states_of(self.plan, self.kv)]
        cache = KVCache(PrefixCache(parts))
        cache.prepare(TOKENS)
        tables = [[cache.row(i)] for i in range(len(parts))]
        at = np.arange(TOKENS, dtype=np.int32)
        out = np.empty((self.last, self.result.width), np.float32)
        run = program(self.plan, self.pack, threads, self.kv, isa)
        memory = [part.pool.memory for part in parts]
        assert run.forward(
            self.ids, self.positions, at * 0, tables, at[: self.last], memory, out, None, self.given,
            [cache.save_counts],
        )  # fmt: skip
        return out

    def meaning(self) -> np.ndarray:
        """What the ops mean, with the roundings of the native steps."""
        at = np.arange(TOKENS)
        ids, wanted = self.ids, at[: self.last]
        reference = Reference(self.plan, self.weights.__getitem__)
        batch = Batch(ids, self.positions, np.zeros(TOKENS, int), wanted, KeptKV(self.kv), self.given)
        return np.asarray(reference.forward(batch))

    def distance(self) -> float:
        """How far the two are apart, as a share of the largest value."""
        expected = self.meaning()
        return float(np.abs(self.native() - expected).max() / np.abs(expected).max())
