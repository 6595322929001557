"""Batches for the reference executor, and how far logits are apart."""

from __future__ import annotations

import numpy as np
from golden.make import TOKENS

from galop.ops.reference import Batch, Cache

N = len(TOKENS)


def batch(cache: Cache, parts: list[tuple[int, int, int]]) -> Batch:
    """Tokens [start, end) of TOKENS for each (sequence, start, end), all logits wanted."""
    ids = [t for _, start, end in parts for t in TOKENS[start:end]]
    positions = [p for _, start, end in parts for p in range(start, end)]
    sequences = [s for s, start, end in parts for _ in range(start, end)]
    return Batch(np.array(ids), np.array(positions), np.array(sequences), np.arange(len(ids)), cache)


def relative(ours: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a share of the largest expected value."""
    return float(np.abs(ours - expected).max() / np.abs(expected).max())
