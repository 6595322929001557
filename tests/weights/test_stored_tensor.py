"""Tensors taken apart, joined and computed without being read: what any rows of them are, and which keep their blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_blocks import PACKED, random_blocks

from galop.errors import ModelFileError
from galop.weights.stored_tensor import StoredTensor, TensorFile, concatenate, stack, stored_tensor, tensor_bytes

KINDS = [*PACKED, "F16", "BF16", "F32"]
E, ROWS, COLS = 3, 24, 512
FAR = np.array([70, 71, 0, 1, 2, 40, 71])


def store(folder: Path, kind: str, shape: tuple[int, ...] = (E, ROWS, COLS), seed: int = 1) -> StoredTensor:
    """A tensor of random values, which does not begin where its file does."""
    rng = np.random.default_rng(seed)
    if kind in PACKED:
        data = random_blocks(kind, int(np.prod(shape)) // shape[-1], shape[-1], seed)
    elif kind == "BF16":
        data = (rng.normal(size=shape).astype("f4").view("u4") >> 16).astype("u2").reshape(-1).view("u1")
    else:
        data = rng.normal(size=shape).astype("f4" if kind == "F32" else "f2").reshape(-1).view("u1")
    path = folder / f"{kind}{seed}"
    path.write_bytes(bytes(64) + data.tobytes())
    return stored_tensor("t", kind, shape, TensorFile(path), 64)


def check(tensor: StoredTensor, expected: np.ndarray) -> None:
    """Shape and values, of all rows and of any few of them."""
    assert tensor.shape == expected.shape
    assert tensor.array().tobytes() == np.ascontiguousarray(expected).tobytes()
    rows = expected.reshape(tensor.rows, tensor.width)
    for first, count in ((0, 1), (tensor.rows - 1, 1), (tensor.rows // 3, tensor.rows // 2 or 1)):
        assert tensor.values(first, count).tobytes() == rows[first : first + count].tobytes()
        assert tensor.read(first, count).shape == (count, tensor.row_bytes)
    assert len(tensor.data) == tensor_bytes(tensor.quant_type, tensor.shape, "")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_move_keep_their_blocks(kind: str, tmp_path: Path) -> None:
    tensor = store(tmp_path, kind)
    whole = tensor.array()
    check(tensor, whole)
    order = np.random.default_rng(2).permutation(ROWS)
    one, mine = tensor.entry(1), whole[1]
    moved = {
        "part": (tensor.part(1, 2), whole[1:]),
        "entry": (one, mine),
        "rows of an entry": (one.part(5, 7), mine[5:12]),
        "every other row": (one.reorder(np.arange(1, ROWS, 2)), mine[1::2]),
        "any order": (one.reorder(order), mine[order]),
        "rows far apart": (tensor.reshape(E * ROWS, COLS).reorder(FAR), whole.reshape(-1, COLS)[FAR]),
        "any order of entries": (tensor.reorder(np.array([2, 0])), whole[[2, 0]]),
        "part of an order": (one.reorder(order).part(3, 9), mine[order][3:12]),
        "split": (one.split(8, 6, 10)[1], mine[8:14]),
        "joined": (concatenate([one, tensor.entry(0).part(2, 3)]), np.concatenate([mine, whole[0, 2:5]])),
        "stacked": (stack([tensor.entry(2), one]), whole[[2, 1]]),
        "a middle axis cut": (
            tensor.reshape(E * ROWS, COLS).reorder(np.arange(E * ROWS).reshape(E, ROWS)[:, :5].reshape(-1)),
            whole[:, :5].reshape(-1, COLS),
        ),
        "wider rows": (one.reshape(ROWS // 2, COLS * 2), mine.reshape(-1, COLS * 2)),
        "narrower rows": (one.reshape(ROWS * 2, COLS // 2), mine.reshape(-1, COLS // 2)),
        "whole blocks of columns": (one.columns(np.arange(256, 512)), mine[:, 256:]),
        "blocks of columns in another order": (
            one.columns(np.r_[256:512, 0:256]), np.concatenate([mine[:, 256:], mine[:, :256]], axis=1)
        ),
    }  # fmt: skip
    for name, (result, expected) in moved.items():
        assert (result.quant_type, result.loss) == (kind, ""), name
        check(result, expected)
    assert tensor.part(1, 2).nbytes * 3 == tensor.nbytes * 2


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_computed_in_float32(kind: str, tmp_path: Path) -> None:
    tensor = store(tmp_path, kind).part(0, 2)
    whole = tensor.array()
    columns, entries = np.arange(COLS, dtype="f4"), np.array([2, 3], "f4").reshape(2, 1, 1)
    computed = {
        "one added": (tensor.map(lambda x: x + 1), whole + 1),
        "-exp": (tensor.map(lambda x: -np.exp(-abs(x))), -np.exp(-abs(whole))),
        "a number": (tensor.multiply(0.3), whole * np.float32(0.3)),
        "columns": (tensor.multiply(columns), whole * columns),
        "rows": (tensor.multiply(np.arange(ROWS)[:, None]), whole * np.arange(ROWS, dtype="f4")[:, None]),
        "entries": (tensor.multiply(entries), whole * entries),
        "dequantised": (tensor.dequantise(), whole),
    }
    for name, (result, expected) in computed.items():
        assert (result.quant_type, result.source, bool(result.loss)) == ("F32", kind, kind in PACKED), name
        check(result, expected)
    three = stack([tensor.entry(0), tensor.entry(1), tensor.multiply(2).entry(0)])
    check(three, np.stack([whole[0], whole[1], 2 * whole[0]]))
    check(tensor.transpose(), whole.swapaxes(1, 2))
    check(tensor.transpose().entry(1).part(3, 200), whole[1].T[3:203])
    check(tensor.columns(np.array([7, 3, 3])), whole[:, :, [7, 3, 3]])
    assert (
        tensor.transpose().quant_type == tensor.columns(np.array([1])).quant_type == ("F32" if kind in PACKED else kind)
    )


def test_heads_of_a_latent_projection_are_told_apart(tmp_path: Path) -> None:
    """kv_b [heads * (nope + v), rank] as keys [heads, rank, nope] and values [heads, v, rank]."""
    heads, nope, v = 3, 5, 3
    tensor = store(tmp_path, "Q8_0", (heads * (nope + v), 64))
    whole = tensor.array().reshape(heads, nope + v, 64)
    rows = np.arange(heads * (nope + v)).reshape(heads, nope + v)
    keys = tensor.reorder(rows[:, :nope].reshape(-1)).reshape(heads, nope, 64).transpose()
    values = tensor.reorder(rows[:, nope:].reshape(-1)).reshape(heads, v, 64)
    check(keys, whole[:, :nope].swapaxes(1, 2))
    check(keys.reshape(heads * 64, nope), whole[:, :nope].swapaxes(1, 2).reshape(-1, nope))
    check(values, whole[:, nope:])
    assert values.quant_type == "Q8_0" and keys.quant_type == "F32"


@pytest.mark.parametrize("kind", ["F32", "BF16", "Q8_0"])
def test_a_vector_is_a_value_a_row(kind: str, tmp_path: Path) -> None:
    tensor = store(tmp_path, kind, (64,))
    whole = tensor.array()
    assert tensor.quant_type == ("F32" if kind in PACKED else kind)
    check(tensor, whole)
    check(tensor.reorder(np.arange(63, 0, -2)), whole[63:0:-2])
    check(tensor.part(3, 5), whole[3:8])
    check(tensor.multiply(np.arange(64)), whole * np.arange(64, dtype="f4"))
    check(tensor.reshape(8, 8).transpose().reshape(64), whole.reshape(8, 8).T.reshape(64))
    check(stack([tensor, tensor]).entry(1), whole)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    tensor = store(tmp_path, "Q8_0", (24, 64))
    other = store(tmp_path, "Q8_0", (24, 32), seed=2)
    bad = (
        lambda: tensor.part(20, 5), lambda: tensor.part(0, 0), lambda: tensor.part(-1, 2), lambda: tensor.split(12, 13),
        lambda: tensor.entry(24), lambda: tensor.reorder(np.array([24])), lambda: tensor.reorder(np.array([-1])),
        lambda: tensor.reshape(25, 64), lambda: tensor.reshape(-24, -64), lambda: tensor.columns(np.array([64])),
        lambda: tensor.entry(0).transpose(), lambda: tensor.entry(0).columns(np.array([1])),
        lambda: concatenate([tensor, other]),
    )  # fmt: skip
    for number, wrong in enumerate(bad):
        with pytest.raises(ModelFileError, match="^t ") as caught:
            pytest.fail(f"{number}: {wrong()}")
        assert "\n" not in str(caught.value)


@given(st.data())
def test_steps_in_any_order_give_what_numpy_gives(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["Q8_0", "Q4_0", "BF16", "F32"]))
    tensor = store(tmp_path_factory.mktemp("steps"), kind, (4, 6, 64))
    whole = tensor.array()
    for _ in range(data.draw(st.integers(1, 5))):
        lead, last = whole.shape[0], whole.shape[-1]
        order = np.array(data.draw(st.lists(st.integers(0, lead - 1), min_size=1, max_size=5)))
        columns = np.array(data.draw(st.lists(st.integers(0, last - 1), min_size=1, max_size=5)))
        first = data.draw(st.integers(0, lead - 1))
        steps = {
            "reorder": lambda t=tensor, w=whole, o=order: (t.reorder(o), w[o]),
            "part": lambda t=tensor, w=whole, f=first: (t.part(f, len(w) - f), w[f:]),
            "map": lambda t=tensor, w=whole: (t.map(lambda x: x + 1), w + 1),
            "flat": lambda t=tensor, w=whole: (t.reshape(w.size), w.reshape(-1)),
            "matrix": lambda t=tensor, w=whole: (t.reshape(len(w), w.size // len(w)), w.reshape(len(w), -1)),
        }
        if whole.ndim > 1:
            steps |= {
                "transpose": lambda t=tensor, w=whole: (t.transpose(), w.swapaxes(-1, -2)),
                "columns": lambda t=tensor, w=whole, c=columns: (t.columns(c), w[..., c]),
                "entry": lambda t=tensor, w=whole, f=first: (t.entry(f), w[f]),
            }
        tensor, whole = steps[data.draw(st.sampled_from(sorted(steps)))]()
    check(tensor, whole)
