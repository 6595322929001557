"""Every op on the native executor against its NumPy meaning, so closely that a constant off by 1 % is seen."""

from __future__ import annotations

import ast
import inspect
import math
import pkgutil
import runpy
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from native_op import TOKENS, OneOp

import galop.ops
from galop import native
from galop.ops import (
    OPS,
    Matrix,
    Tensor,
    Vector,
    add,
    add_embedding,
    attention,
    causal_conv,
    clamp,
    concat,
    embed,
    embed_positions,
    exact_linear,
    experts,
    full_attention,
    gated_delta,
    geglu,
    gelu,
    gelu_tanh,
    head_linear,
    latent_attention,
    layer_norm,
    linears,
    mamba2_scan,
    merge,
    merge_mean,
    multiply,
    patches,
    pool,
    position_scale,
    relu_squared,
    resample_positions,
    rms_norm,
    rope,
    rope_table,
    route,
    rows,
    scale,
    shift,
    sigmoid_gate,
    softcap,
    split,
    swiglu,
    weigh,
)  # fmt: skip
from galop.ops.plan import Op
from galop.weights import quant_types
from galop.weights.quant_types import QUANT_TYPES

for module in pkgutil.iter_modules(galop.ops.__path__):
    import_module(f"galop.ops.{module.name}")

WIDTH, HEADS, KV_HEADS, DIM, EXPERTS, INNER = 64, 4, 2, 32, 5, 96
random = np.random.default_rng(3)


def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
    return random.normal(scale=scale, size=shape).astype(np.float32)


X, Y = normal(TOKENS, WIDTH), normal(TOKENS, WIDTH)
AXIS = random.integers(-50, 500, TOKENS)
UNTIL = np.arange(1, TOKENS + 1)
UNTIL[5:11], UNTIL[20:37] = 11, 37
FREQUENCIES = (0.5 ** np.arange(8)).astype(np.float32)
Q, K, V = normal(TOKENS, HEADS * DIM), normal(TOKENS, KV_HEADS * DIM), normal(TOKENS, KV_HEADS * DIM)
QKV = {"q": Q, "k": K, "v": V}
ALL_HEADS = {
    name: np.random.default_rng(i).normal(size=(TOKENS, HEADS * DIM)).astype(np.float32) for i, name in enumerate("qkv")
}
LATENT = {
    "queries": normal(TOKENS, HEADS * 48),
    "q_rotated": normal(TOKENS, HEADS * 16),
    "latent": normal(TOKENS, 48),
    "rotated": normal(TOKENS, 16),
}
SINKS = {"vectors": {"s": normal(HEADS)}}
EXPERT_WEIGHTS = {
    f"{part}{e}": normal(*shape, scale=0.1)
    for part, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER)))
    for e in range(EXPERTS)
}


GROUPS = {"groups": 4, "kept_groups": 2, "group_best": 2}


def mixture(biased: bool = False, gated: bool = True, floats: str = "router", **how: Any) -> OneOp:
    """Experts behind a router, whose weights are as its softmax gives them."""

    def build(inputs: Any, x: Any) -> Any:
        scores = exact_linear(x, Matrix("router", EXPERTS, WIDTH))
        chosen, weights = route(scores, None, None, 2, sigmoid=False, normalise=True)
        gates, ups = ([Matrix(f"{part}{e}", INNER, WIDTH) for e in range(EXPERTS)] for part in ("gate", "up"))
        downs = [Matrix(f"down{e}", WIDTH, INNER) for e in range(EXPERTS)]
        biases = [Vector(f"{part} bias", EXPERTS * rows) for part, rows in BIASED.items()] if biased else []
        return experts(x, chosen, weights, gates if gated else [], ups, downs, biases[0 if gated else 1 :], **how)

    vectors = {f"{part} bias": normal(EXPERTS * rows) for part, rows in BIASED.items()} if biased else {}
    kinds = {name: "F32" for name in ("router", *EXPERT_WEIGHTS) if name.startswith(("router", floats))}
    return OneOp(build, {"x": X}, {"router": ROUTER, **EXPERT_WEIGHTS}, vectors, kinds=kinds)


def routed(part: int, correction: bool = False, factors: bool = False, **how: Any) -> OneOp:
    """The choice (0) or the weights (1) of 3 among 16 experts."""
    vectors = {"c": normal(16, scale=0.2)} if correction else {}
    vectors |= {"f": 1 + normal(16, scale=0.3)} if factors else {}
    c, f = (Vector(name, 16) if name in vectors else None for name in "cf")
    return OneOp(lambda inputs, x: route(x, c, f, 3, **how)[part], {"x": SCORES}, vectors=vectors)


def attend_fully(inputs: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return full_attention(inputs, q, k, v, HEADS, DIM, DIM**-0.5)


def attending(**more: Any) -> Callable[..., Any]:
    return lambda inputs, q, k, v: attention(inputs, q, k, v, 0, HEADS, KV_HEADS, DIM, DIM**-0.5, **more)


def attend_twice(inputs: Any, q: Any, k: Any, v: Any) -> Any:
    return attending()(inputs, q, k, v) + attending()(inputs, q, None, None)


def attend_again_where_wanted(inputs: Any, q: Any, k: Any, v: Any) -> Any:
    first, chosen = rows(attending()(inputs, q, k, v), inputs.rows), rows(q, inputs.rows)
    return first + attending(wanted=True)(inputs, chosen, None, None)


def attend_latently(inputs: Any, queries: Any, q_rotated: Any, latent: Any, rotated: Any) -> Any:
    return latent_attention(inputs, queries, q_rotated, latent, rotated, 0, HEADS, 0.2)


def sum_of_table(inputs: Any, axes: Any = None) -> Any:
    chosen = None if axes is None else Vector("axes", 8, np.array(axes, np.float32))
    cosine, sine = rope_table(inputs.positions, Vector("f", 8, FREQUENCIES), 1.25, chosen)
    return add(cosine, sine)


def convolve(silu: bool) -> OneOp:
    bias = Vector("b", WIDTH) if silu else None
    return OneOp(
        lambda inputs, x: causal_conv(inputs, x, Matrix("w", WIDTH, 4), bias, 0, silu),
        {"x": X},
        {"w": normal(WIDTH, 4)},
        {"b": normal(WIDTH)} if silu else {},
        kinds={"w": "F32"},
    )


def learn(value_dim: int, tiled: bool) -> OneOp:
    """Two key heads of 16, so short that the eps of their length counts, for four value heads."""
    keys = normal(TOKENS, 64, scale=3e-4)
    return OneOp(
        lambda inputs, qkv, a, b: gated_delta(
            inputs, qkv, a, b, Vector("decay", 4), Vector("bias", 4), 0, 2, 16, tiled
        ),
        {"qkv": np.hstack([keys, normal(TOKENS, 4 * value_dim)]), "a": normal(TOKENS, 4), "b": normal(TOKENS, 4)},
        vectors={"decay": -np.exp(normal(4, scale=0.5)), "bias": normal(4)},
    )


def scan(head_dim: int, groups: int) -> OneOp:
    constants = [Vector(name, 4) for name in ("decay", "bias", "skip")]
    return OneOp(
        lambda inputs, xbc, dt: mamba2_scan(inputs, xbc, dt, *constants, 0, groups, 24),
        {"xbc": normal(TOKENS, 4 * head_dim + 2 * groups * 24), "dt": normal(TOKENS, 4)},
        vectors={"decay": -np.exp(normal(4, scale=0.5)), "bias": normal(4), "skip": normal(4)},
    )


def turn(interleaved: bool) -> Callable[..., Any]:
    return lambda inputs, x, cosine, sine: rope(x, cosine, sine, 32, interleaved)


TURNED = {"x": X, "cosine": normal(TOKENS, 12), "sine": normal(TOKENS, 12)}
ROUTER = normal(EXPERTS, WIDTH, scale=0.2)
PER_HEAD = {"x": X, "y": normal(TOKENS, HEADS)}
A = normal(48, WIDTH)
SCORES = normal(TOKENS, 16, scale=2)
BIASED = {"gate": INNER, "up": INNER, "down": WIDTH}
WIDE = {"x": 4 * X, "y": 4 * Y}

# Each op in use, and the share of its largest value that the native result may be away from the meaning. What remains
# once both round the same things is float32's own: 6e-8 an operation, more where many terms are added, and 2e-7 of the
# kernels' exp. Ops that only choose or add are exact; a mixture of experts rounds its inner values to int8, where a last
# bit may tip one code over: one step of 1/127 in one of 96 terms. Attention rounds its weights to 14 bits, or to 7, where
# one of thousands may be tipped over likewise.
CASES: dict[str, tuple[OneOp, float]] = {
    "add": (OneOp(lambda inputs, x, y: add(x, y), {"x": X, "y": Y}), 0),
    "multiply": (OneOp(lambda inputs, x, y: multiply(x, y), {"x": X, "y": Y}), 0),
    "multiply, per head": (OneOp(lambda inputs, x, y: x * y, PER_HEAD), 0),
    "sigmoid_gate": (OneOp(lambda inputs, x, y: sigmoid_gate(x, y), {"x": X, "y": Y}), 1e-6),
    "sigmoid_gate, per head": (OneOp(lambda inputs, x, y: sigmoid_gate(x, y), PER_HEAD), 1e-6),
    "scale": (OneOp(lambda inputs, x: scale(x, 0.7), {"x": X}), 0),
    "weigh": (OneOp(lambda inputs, x: weigh(x, Vector("w", 32)), {"x": X}, vectors={"w": normal(32)}), 0),
    "weigh, all": (OneOp(lambda inputs, x: weigh(x, Vector("w", 1)), {"x": X}, vectors={"w": normal(1)}), 0),
    "shift": (OneOp(lambda inputs, x: shift(x, Vector("b", WIDTH)), {"x": X}, vectors={"b": normal(WIDTH)}), 0),
    "clamp": (
        OneOp(
            lambda inputs, x: clamp(x, Vector("low", 1), Vector("high", 1)),
            {"x": X},
            vectors={"low": np.float32([-0.7]), "high": np.float32([0.4])},
        ),
        0,
    ),
    "swiglu": (OneOp(lambda inputs, x, y: swiglu(x, y), {"x": X, "y": Y}), 1e-6),
    "swiglu, with limits": (OneOp(lambda inputs, x, y: swiglu(x, y, 1.702, 3.5, 1.0), WIDE), 1e-6),
    "geglu": (OneOp(lambda inputs, x, y: geglu(x, y), {"x": X, "y": Y}), 1e-6),
    "gelu": (OneOp(lambda inputs, x: gelu(x), {"x": X}), 1e-6),
    "gelu_tanh": (OneOp(lambda inputs, x: gelu_tanh(x), {"x": X}), 1e-6),
    "relu_squared": (OneOp(lambda inputs, x: relu_squared(x), {"x": X}), 0),
    "softcap": (OneOp(lambda inputs, x: softcap(x, 3.0), {"x": 4 * X}), 1e-6),
    "split": (OneOp(lambda inputs, x: split(x, [10, 6], 4)[1], {"x": X}), 0),
    "concat": (OneOp(lambda inputs, x, y: concat([x, y, x], 4), PER_HEAD), 0),
    "embed": (OneOp(lambda inputs: embed(inputs, Matrix("e", 40, 64)), matrices={"e": normal(40, 64)}), 0),
    "embed, scaled": (OneOp(lambda inputs: embed(inputs, Matrix("e", 40, 64), 8.5), matrices={"e": normal(40, 64)}), 0),
    "embed_positions": (
        OneOp(
            lambda inputs: embed_positions(inputs.positions, Matrix("p", 512, 64)),
            matrices={"p": normal(512, 64)},
            kinds={"p": "F32"},
        ),
        0,
    ),
    "embed_positions, axis 1": (
        OneOp(
            lambda inputs: embed_positions(inputs.positions, Matrix("p", 512, 64), axis=1),
            matrices={"p": normal(512, 64)},
            kinds={"p": "F32"},
            axes=[np.abs(AXIS)],
        ),
        0,
    ),
    "resample_positions": (
        OneOp(
            lambda inputs: resample_positions(inputs.positions, Matrix("p", 49, 64)),
            matrices={"p": normal(49, 64)},
            kinds={"p": "F32"},
            axes=[np.arange(TOKENS) // 6, np.arange(TOKENS) % 6, np.full(TOKENS, 7), np.full(TOKENS, 6)],
        ),
        1e-6,
    ),
    "patches": (OneOp(lambda inputs: patches(inputs, WIDTH), given=Y), 0),
    "add_embedding": (
        OneOp(lambda inputs, x: add_embedding(inputs, x, 1), {"x": X}, given=normal(TOKENS, 2 * WIDTH)),
        0,
    ),
    "merge": (OneOp(lambda inputs, x: merge(x, inputs.rows, 4), {"x": X}, last=TOKENS - 3), 0),
    "merge_mean": (OneOp(lambda inputs, x: merge_mean(x, inputs.rows, 4), {"x": X}, last=TOKENS - 3), 3e-7),
    "pool, the first": (OneOp(lambda inputs, x: pool(inputs, x, mean=False), {"x": X}), 0),
    "pool, the mean": (OneOp(lambda inputs, x: pool(inputs, x, mean=True), {"x": X}), 3e-7),
    "rows": (OneOp(lambda inputs, x: x, {"x": X}), 0),
    "rms_norm": (  # of values so small that eps counts
        OneOp(
            lambda inputs, x: rms_norm(x, Vector("w", 32), 1e-5),
            {"x": X * np.float32(3e-3)},
            vectors={"w": 1 + normal(32, scale=0.1)},
        ),
        1e-6,
    ),
    "layer_norm": (
        OneOp(
            lambda inputs, x: layer_norm(x, Vector("w", WIDTH), Vector("b", WIDTH), 1e-5),
            {"x": X * np.float32(3e-3) + np.float32(0.1)},
            vectors={"w": 1 + normal(WIDTH, scale=0.1), "b": normal(WIDTH)},
        ),
        2e-6,
    ),
    "linears": (
        OneOp(
            lambda inputs, x: linears(x, [Matrix("a", 48, WIDTH)], [Vector("b", 48)]),
            {"x": X},
            {"a": A},
            {"b": normal(48)},
        ),
        1e-6,
    ),
    "linears, float": (
        OneOp(lambda inputs, x: linears(x, [Matrix("a", 48, WIDTH)], [None]), {"x": X}, {"a": A}, kinds={"a": "F32"}),
        1e-6,
    ),
    "rope_table": (OneOp(sum_of_table), 1e-6),
    "rope_table, two axes": (OneOp(lambda inputs: sum_of_table(inputs, [2, 1] * 4), axes=[AXIS // 2, AXIS]), 1e-6),
    "rope": (OneOp(turn(False), TURNED), 1e-6),
    "rope, interleaved": (OneOp(turn(True), TURNED), 1e-6),
    "attention": (OneOp(attending(), QKV), 2e-4),
    "attention, int8": (OneOp(attending(), QKV, kv="int8"), 2e-6),
    "attention, window": (OneOp(attending(window=7), QKV), 2e-4),
    "attention, window int8": (OneOp(attending(window=7), QKV, kv="int8"), 2e-6),
    "attention, pieces": (OneOp(attending(chunk=5), QKV), 2e-4),
    "attention, sinks": (OneOp(attending(sinks=Vector("s", HEADS)), QKV, **SINKS), 2e-4),
    "attention, softcap": (OneOp(attending(softcap=0.8), QKV), 2e-4),
    "attention, all ways": (OneOp(attending(causal=False), QKV), 2e-4),
    "attention, all ways near by": (OneOp(attending(causal=False, window=4), QKV), 2e-4),
    "attention, until": (OneOp(attending(until=1), QKV, axes=[UNTIL]), 2e-4),
    "attention, until, near by": (OneOp(attending(until=1, window=4), QKV, axes=[UNTIL]), 2e-4),
    "attention, wide values": (OneOp(attending(), {**QKV, "v": normal(TOKENS, KV_HEADS * 48)}), 2e-4),
    "attention, of an earlier layer": (OneOp(attend_twice, QKV), 2e-4),
    "attention, of an earlier layer where wanted": (OneOp(attend_again_where_wanted, QKV), 2e-4),
    "full_attention": (OneOp(attend_fully, ALL_HEADS), 2e-5),
    "latent_attention": (OneOp(attend_latently, LATENT), 2e-6),
    "latent_attention, int8": (OneOp(attend_latently, LATENT, kv="int8"), 2e-6),
    "head_linear": (
        OneOp(
            lambda inputs, x: head_linear(x, Matrix("a", HEADS * 48, DIM), HEADS),
            {"x": Q},
            {"a": normal(HEADS * 48, DIM)},
        ),
        1e-6,
    ),
    "head_linear, float": (
        OneOp(
            lambda inputs, x: head_linear(x, Matrix("a", HEADS * 48, DIM), HEADS),
            {"x": Q},
            {"a": normal(HEADS * 48, DIM)},
            kinds={"a": "F32"},
        ),
        1e-6,
    ),
    "position_scale": (
        OneOp(
            lambda inputs, x: position_scale(x, inputs.positions, Vector("f", 4), 9, 2),
            {"x": X},
            vectors={"f": normal(4)},
        ),
        0,
    ),
    "exact_linear": (
        OneOp(
            lambda inputs, x: exact_linear(x, Matrix("a", 48, WIDTH), Vector("b", 48)),
            {"x": X},
            {"a": A},
            {"b": normal(48)},
            kinds={"a": "F32"},
        ),
        1e-6,
    ),
    "route": (routed(1, sigmoid=False, normalise=False), 2e-6),
    "route, choice": (routed(0, sigmoid=False, normalise=False), 0),
    "route, sigmoid": (routed(1, True, True, sigmoid=True, normalise=True, factor=2.5), 2e-6),
    "route, groups": (routed(0, True, sigmoid=True, normalise=True, **GROUPS), 0),
    "experts": (mixture(), 2e-6),
    "experts, gelu": (mixture(gelu=True), 2e-6),
    "experts, with limits": (mixture(biased=True, alpha=1.702, limit=0.5, offset=1.0), 2e-6),
    "experts, without gates": (mixture(biased=True, gated=False), 2e-6),
    "experts, down in floats": (mixture(floats="down"), 2e-6),
    "experts, weighed inputs": (mixture(weigh_inputs=True), 2e-6),
    "causal_conv": (convolve(True), 1e-6),
    "causal_conv, plain": (convolve(False), 1e-6),
    "gated_delta": (learn(32, False), 2e-6),
    "gated_delta, tiled": (learn(16, True), 2e-6),
    "mamba2_scan": (scan(32, 2), 1e-6),
    "mamba2_scan, narrow": (scan(48, 1), 1e-6),
}


def op_of(case: str) -> Op:
    return OPS[case.split(",")[0]]


@pytest.mark.parametrize("case", CASES)
def test_the_native_step_is_what_the_op_means(case: str) -> None:
    one, tolerance = CASES[case]
    assert one.distance() <= tolerance


def test_every_op_has_a_case_and_a_native_step_with_its_attributes() -> None:
    assert {op_of(case).name for case in CASES} == OPS.keys()
    ours = {op.name: {name: kind.__name__ for name, kind in op.attributes.items()} for op in OPS.values()}
    assert ours == {name: dict(attributes) for name, attributes in native.ops().items()}


def test_an_op_whose_attributes_differ_from_the_native_ones_cannot_be_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    def rms_norm(x: Any, weight: Any, epsilon: float) -> Any:
        """As elsewhere, but for a name."""

    monkeypatch.setattr("galop.ops.plan.OPS", {})
    with pytest.raises(ImportError, match="rms_norm takes .*'epsilon'.*'eps'"):
        Op(rms_norm, lambda x, weight, epsilon: [(x.width, x.dim)])


class OneNumber(ast.NodeTransformer):
    """Makes the number `at` of a function's arithmetic, or the value whose sign it changes, 1 % larger."""

    def __init__(self, at: int) -> None:
        self.at, self.seen, self.what = at, -1, ""

    def enlarged(self, node: ast.expr) -> ast.expr:
        self.seen += 1
        if self.seen != self.at:
            return node
        self.what = ast.unparse(node)
        return ast.BinOp(node, ast.Mult(), ast.Constant(1.01))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node  # what is in it counts places

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return node if ast.unparse(node.func) == "slice" else self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and node.left.value is not None:
            node.left = self.enlarged(node.left)
        if isinstance(node.right, ast.Constant) and node.right.value is not None:
            node.right = self.enlarged(node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant | ast.Attribute):  # -1, -np.inf
            node.operand = self.enlarged(node.operand)
        return node


def with_other_numbers(op: Op) -> Iterator[tuple[str, Callable[..., Any]]]:
    source = ast.parse(textwrap.dedent(inspect.getsource(op.meaning)))
    function = next(node for node in source.body if isinstance(node, ast.FunctionDef))
    function.decorator_list, function.args.defaults, function.returns = [], [], None
    for argument in function.args.args:
        argument.annotation = None
    for at in range(20):
        number = OneNumber(at)
        changed = ast.fix_missing_locations(number.visit(ast.parse(ast.unparse(function))))
        if not number.what:
            return
        names: dict[str, Any] = {}
        exec(compile(changed, op.name, "exec"), op.meaning.__globals__, names)
        yield f"{number.what} in the arithmetic", names[op.name]


def with_other_arguments(op: Op, given: dict[str, Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    meaning = op.meaning

    def enlarge(value: Any) -> Any:
        """A number, all values of a tensor or matrix, or the last of a vector or list, 1 % larger."""
        match value:
            case bool():
                return not value
            case float():
                return {0.0: 0.01, math.inf: 1.0}.get(value, value * 1.01)
            case list():
                return [*value[:-1], enlarge(value[-1])]
            case None:
                return None
        value = value.copy()
        value[-1 if value.ndim == 1 else slice(None)] *= np.float32(1.01)
        return value

    for name, value in given.items():
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, bool | float | Tensor | Matrix | Vector):
            yield name, lambda _name=name, **arguments: meaning(**arguments | {_name: enlarge(arguments[_name])})


def mutants(case: str) -> list[tuple[str, Callable[..., Any]]]:
    op, (one, _) = op_of(case), CASES[case]
    given = next(step.arguments for step in one.plan.steps if step.op is op)
    meaning = op.meaning

    def larger(**arguments: Any) -> Any:
        result = meaning(**arguments)
        return [r * np.float32(1.01) for r in result] if isinstance(result, list) else result * np.float32(1.01)

    return [("the result", larger), *with_other_arguments(op, given), *with_other_numbers(op)]


# A router's scores are sorted, whatever their size, and no two are so close that a correction of one counts.
NO_DIFFERENCE = {("route", what) for what in ("wanted in the arithmetic", "best in the arithmetic", "correction")}
NO_DIFFERENCE.add(("rope_table", "axes"))  # which are whole numbers
NO_DIFFERENCE.add(("attention", "wanted"))  # here the logits of all tokens are; of some in test_wanted_rows.py


@pytest.mark.parametrize("name", OPS)
def test_a_constant_off_by_one_per_cent_is_seen_in_one_of_its_cases(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, seen = set(), set()
    for case in CASES:
        if op_of(case).name != name:
            continue
        one, tolerance = CASES[case]
        for what, mutant in mutants(case):
            tried.add(what)
            monkeypatch.setattr(OPS[name], "meaning", mutant)
            if what not in seen and not one.distance() <= 10 * tolerance:
                seen.add(what)
            monkeypatch.undo()
    assert not {what for what in tried - seen if (name, what) not in NO_DIFFERENCE}


@pytest.mark.parametrize("isa", native.instruction_sets())
@pytest.mark.parametrize("case", CASES)
def test_instruction_sets_and_threads_give_the_same_bytes(case: str, isa: str) -> None:
    one, _ = CASES[case]
    assert one.native(isa, threads=1).tobytes() == one.native("portable", threads=3).tobytes()


def test_quant_types_are_those_of_the_kernels_in_their_order() -> None:
    ours = [(row.name, row.block, row.nbytes) for row in QUANT_TYPES.values()]
    assert ours[: len(native.quant_types())] == native.quant_types()


def test_quant_types_in_another_order_than_the_kernels_are_an_error_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *rest = native.quant_types()
    for other in ([second, first, *rest], [(first[0], first[1], first[2] + 1), second, *rest]):
        monkeypatch.setattr(native, "quant_types", lambda _other=other: _other)
        with pytest.raises(ImportError, match="in another order or of other sizes"):
            runpy.run_path(quant_types.__file__)
