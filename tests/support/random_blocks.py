"""Quantised blocks at random."""

from __future__ import annotations

import numpy as np

from galop.weights.quant_types import QUANT_TYPES

PACKED = [kind for kind, row in QUANT_TYPES.items() if row.block > 1]


def random_blocks(kind: str, rows: int, cols: int, seed: int) -> np.ndarray:
    """Every bit of the codes at random; scales drawn so that none is infinite or NaN."""
    rng = np.random.default_rng(seed)
    quant = QUANT_TYPES[kind]
    blocks = rng.integers(0, 256, (rows * cols // quant.block, quant.nbytes), dtype=np.uint8)
    for at in quant.scales:
        blocks[:, at : at + 2] = _halves(rng, len(blocks)).view(np.uint8)
    if kind == "MXFP4":
        blocks[:, 0] = rng.integers(112, 128, len(blocks))
    if kind == "NVFP4_SCALED":
        blocks[:, :4] = np.array([0.3], np.float32).view(np.uint8)
    if kind == "IQ1_M":  # the scale is in the upper nibbles of four words
        nibbles = _halves(rng, len(blocks)).view(np.uint16) >> np.arange(0, 16, 4, dtype=np.uint16) & 15
        blocks[:, 49::2] = blocks[:, 49::2] & 15 | (nibbles << 4).astype(np.uint8)
    return blocks.reshape(-1)


def _halves(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(0, 0.01, (count, 1)).astype(np.float16)
