"""What an op takes: of memory traffic and arithmetic in a step, and of room for a full chunk of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One step: its size, and the bytes of what it reads."""

    tokens: int
    rows: int  # tokens whose logits are wanted
    keys: float  # earlier tokens that each token attends to
    sequences: int
    matrix_bytes: Callable[[str], float]  # of a matrix by name, as its source file keeps it
    state_bytes: Callable[[int], float]  # of one token in a state, by number; of all of it where it does not grow

    def columns(self, dim: str) -> int:
        """How many rows a tensor of this dim has: one per token ("T") or per logit row ("R")."""
        return self.rows if dim == "R" else self.tokens


@dataclass(frozen=True)
class Cost:
    """What something needs at least: bytes read from memory, and multiply-adds."""

    bytes: float = 0.0
    products: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.bytes + other.bytes, self.products + other.products)


@dataclass(frozen=True)
class Scratch:
    """Room for each token that an op needs beside its operands, which the next op takes over; `activations` are
    quantised."""

    floats: int = 0
    activations: int = 0
