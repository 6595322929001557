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
        scale = rng.normal(0, 0.01, len(blocks)).astype(np.float16)
        blocks[:, at : at + 2] = scale[:, None].view(np.uint8)
    return blocks.reshape(-1)
