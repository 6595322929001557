"""Quantised blocks at random."""

from __future__ import annotations

import numpy as np

from galop.weights.blocks import BLOCKS

PACKED = [kind for kind in BLOCKS if kind not in ("F32", "F16", "BF16")]


def random_blocks(kind: str, rows: int, cols: int, seed: int) -> np.ndarray:
    """Every bit of the codes at random; scales drawn so that none is infinite or NaN."""
    rng = np.random.default_rng(seed)
    size, nbytes = BLOCKS[kind]
    blocks = rng.integers(0, 256, (rows * cols // size, nbytes), dtype=np.uint8)
    halves = {
        "Q4_0": [0],
        "Q4_1": [0, 2],
        "Q5_0": [0],
        "Q5_1": [0, 2],
        "Q8_0": [0],
        "Q4_K": [0, 2],
        "Q5_K": [0, 2],
        "Q6_K": [208],
    }
    for at in halves[kind]:
        scale = rng.normal(0, 0.01, len(blocks)).astype(np.float16)
        blocks[:, at : at + 2] = scale[:, None].view(np.uint8)
    return blocks.reshape(-1)
