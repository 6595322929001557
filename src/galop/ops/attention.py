"""Attention of each token to the tokens of its sequence: `attention`, and `latent_attention` to compressed ones."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from galop.ops.cost import Cost, Workload
from galop.ops.plan import Array, Inputs, Latent, LayerState, Paged, Shapes, Tensor, Vector, Whole, Window, op

Kept = Literal["what is seen", "all"]


def _shape(
    inputs: Inputs,
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    state: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    sinks: Vector | None,
    window: int,
    chunk: int,
    wanted: bool,
    **_: object,
) -> Shapes:
    if kv_heads <= 0 or heads % kv_heads:
        raise ValueError(f"{heads} query heads cannot share {kv_heads} key heads")
    if wanted != (q.dim == "R") or (wanted and k is not None):
        raise ValueError("queries of wanted tokens, and only they, read what earlier layers keep and are called so")
    if k is None or v is None:
        if not 0 <= state < len(q.plan.states):
            raise ValueError(f"no layer before this one has the state {state}")
        kept = q.plan.states[state]
        if not isinstance(kept, Paged | Window) or getattr(kept, "window", 0) != (window or chunk):
            raise ValueError(f"the state {state} is {kept}, which this layer cannot read")
        k_width, v_width = kept.k_width, kept.v_width
    else:
        k_width, v_width = k.width, v.width
    for name, width, count in (("queries", q.width, heads), ("keys", k_width, kv_heads)):
        if width != count * head_dim:
            raise ValueError(f"{count} heads of {head_dim} need {count * head_dim} {name}, the weights give {width}")
    if v_width % kv_heads:
        raise ValueError(f"{v_width} values are not those of {kv_heads} heads")
    if sinks and sinks.size != heads:
        raise ValueError(f"{sinks.name} has {sinks.size} values for {heads} heads")
    return [(v_width // kv_heads * heads, q.dim)]


def _cost(work: Workload, q: Tensor, state: int, window: int, chunk: int, **_: object) -> Cost:
    keys, columns = min(work.keys, window or chunk or work.keys), work.columns(q.dim)
    read = work.sequences * keys * work.state_bytes(state) if columns else 0
    return Cost(read, 2 * columns * keys * q.width)


def _state(
    k: Tensor | None, v: Tensor | None, window: int, chunk: int, causal: bool, kept: Kept, **_: object
) -> LayerState | None:
    if k is None or v is None:
        return None
    back = 0 if kept == "all" else window or chunk
    if not causal:
        return Whole(k.width, v.width)
    return Window(k.width, v.width, back) if back else Paged(k.width, v.width)


@op(_shape, cost=_cost, state=_state)
def attention(
    inputs: Any,
    q: Array,
    k: Array | None,
    v: Array | None,
    state: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    scale: float,
    sinks: Array | None = None,
    window: int = 0,
    chunk: int = 0,
    softcap: float = 0.0,
    causal: bool = True,
    wanted: bool = False,
    until: int = 0,
    kept: Kept = "what is seen",
) -> Array:
    """Attention of each token to its sequence: softmax(q k^T * scale) v (Vaswani et al., 2017).

    Adds this step's keys and values to state `state` first; without any it reads the state of an earlier layer. heads /
    kv_heads query heads share a key head (Ainslie et al., 2023).

    window   how far back a token sees, itself included (Beltagy et al., 2020); 0 for all of its sequence.
    chunk    tokens in each of the pieces of a sequence, of which a token sees its own (Llama 4); 0 for no such.
    sinks    a score for each head that takes weight and has no value (Xiao et al., 2023).
    softcap  c of c tanh(score / c), 0 for none.
    causal   whether no token sees later ones; otherwise a step has to bring all tokens of a sequence.
    wanted   whether queries are those of the tokens alone whose logits are wanted.
    until    the axis of positions that has the end of what a token sees, at least the place after its own, as those of
             a picture do that see each other, within a window too; where that is 0, or a step has no such axis, it sees
             none after it. A step brings all tokens that some of its own see.
    kept     "all" where another pass reads keys and values that no token here sees any more.
    """
    out = np.empty((len(q), 0), np.float32)
    tokens = inputs.rows if wanted else np.arange(len(q))
    places, sequences = inputs.positions[0][tokens], inputs.sequences[tokens]
    for sequence in np.unique(sequences):
        here = np.flatnonzero(sequences == sequence)
        if k is None or v is None:
            keys, values = inputs.cache.read(state, int(sequence))
        else:
            keys, values = inputs.cache.extend(state, int(sequence), places[here], k[here], v[here])
        keys = keys.reshape(-1, kv_heads, head_dim)
        values = values.reshape(len(keys), kv_heads, -1)
        queries = q[here].reshape(len(here), kv_heads, heads // kv_heads, head_dim)
        scores = inputs.cache.score(queries, keys) * np.float32(scale)
        if softcap:
            scores = np.float32(softcap) * np.tanh(scores / np.float32(softcap))
        here_at, there = places[here][:, None], np.arange(len(keys))
        ends = inputs.positions[until][tokens][here] if until < len(inputs.positions) and until else places[here] + 1
        visible = (there < ends[:, None]) | (not causal)
        if window:
            visible &= (np.abs(here_at - there) < window) | (there > here_at) & causal
        if chunk:
            visible &= here_at // chunk == there // chunk
        scores = np.where(visible[:, None, None, :], scores, -np.inf)
        if sinks is not None:
            sink = np.broadcast_to(sinks.reshape(kv_heads, -1, 1), (*scores.shape[:3], 1))
            scores = np.concatenate([scores, sink], axis=-1)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found = inputs.cache.mix(weights[..., : len(keys)], values) / weights.sum(axis=-1, keepdims=True)
        found = found.reshape(len(here), -1)
        if not out.size:
            out = np.empty((len(q), found.shape[1]), np.float32)
        out[here] = found
    return out


def _latent_shape(
    inputs: Inputs, q: Tensor, q_rotated: Tensor, latent: Tensor, rotated: Tensor, state: int, heads: int, scale: float
) -> Shapes:
    for name, x, size in (("queries", q, latent.width), ("rotated queries", q_rotated, rotated.width)):
        if x.width != heads * size:
            raise ValueError(f"{heads} heads of {size} need {heads * size} {name}, the weights give {x.width}")
    return [(q.width, q.dim)]


def _latent_cost(work: Workload, q: Tensor, q_rotated: Tensor, state: int, **_: object) -> Cost:
    bytes_read = work.sequences * work.keys * work.state_bytes(state)
    return Cost(bytes_read, work.tokens * work.keys * (2 * q.width + q_rotated.width))


@op(
    _latent_shape,
    cost=_latent_cost,
    state=lambda latent, rotated, **_: Latent(latent.width + rotated.width, latent.width),
)
def latent_attention(
    inputs: Any, q: Array, q_rotated: Array, latent: Array, rotated: Array, state: int, heads: int, scale: float
) -> Array:
    """Attention of all heads to one row for each token: multi-head latent attention with the matrices that would expand
    it absorbed into queries and values (DeepSeek-V2, 2024).

    A head's key is `latent` with `rotated` behind it, its value `latent`; its query is the head's of `q` with that of
    `q_rotated` behind it. Adds this step's rows to state `state` first.
    """
    out = np.empty_like(q)
    places = inputs.positions[0]
    for sequence in np.unique(inputs.sequences):
        here = np.flatnonzero(inputs.sequences == sequence)
        rows = inputs.cache.extend(state, int(sequence), places[here], latent[here], rotated[here])
        queries = [x[here].reshape(len(here), heads, -1) for x in (q, q_rotated)]
        scores = sum(map(inputs.cache.score_rows, queries, rows)) * np.float32(scale)
        visible = np.arange(len(rows[0])) <= places[here][:, None]
        scores = np.where(visible[:, None, :], scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found = inputs.cache.mix_rows(weights, rows[0]) / weights.sum(axis=-1, keepdims=True)
        out[here] = found.reshape(len(here), -1)
    return out
