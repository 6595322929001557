"""Galop's native core: packed weights, kernels, the plan executor, sampling (native/module.cpp)."""

from collections.abc import Sequence
from typing import Any

from numpy import ndarray

Array = ndarray[Any, Any]
Step = tuple[str, list[int], list[int], list[int], list[int], list[int], list[float]]

def instruction_sets() -> list[str]:
    """Names of the kernel sets this machine runs, fastest first."""

def packed_bytes(kind: str, rows: int, cols: int) -> int: ...
def pack(kind: str, source: Array, rows: int, cols: int, out: Array, threads: int = 1) -> None:
    """Lays a matrix of GGUF blocks into 16-row panels, losslessly. Raises ValueError where sizes do not fit."""

def unpack(kind: str, packed: Array, rows: int, cols: int, out: Array) -> None:
    """The float32 values of a packed matrix."""

def read_bandwidth(data: Array, threads: int) -> float:
    """Bytes per second at which threads read memory."""

def int8_peak(threads: int) -> float:
    """int8 multiply-adds per second of the fastest way to sum products; 0 where that is not known."""

def sample(
    logits: Array,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    repetition_penalty: float,
    presence_penalty: float,
    frequency_penalty: float,
    seed: int,
    position: int,
    history: Array,
    prompt_count: int,
    mask: Array | None,
    logprobs: int,
) -> tuple[int, list[tuple[int, float]]]:
    """The token drawn, and the log-probabilities asked for. Raises ValueError if logits are not finite."""

class PageStore:
    def __init__(self, page_bytes: int) -> None: ...
    def allocate(self) -> int: ...
    def release(self, page: int) -> None: ...
    def data(self, page: int) -> Array:
        """A page's bytes, to copy from or into."""
    @property
    def page_bytes(self) -> int: ...
    @property
    def in_use(self) -> int: ...

class Program:
    def __init__(
        self,
        buffers: Sequence[tuple[int, bool]],
        steps: Sequence[Step],
        matrices: Sequence[tuple[str, int, int, int]],
        vectors: Sequence[Array],
        pack: Array,
        isa: str,
        threads: int,
    ) -> None: ...
    def forward(
        self,
        ids: Array,
        positions: Array,
        sequences: Array,
        page_tables: Sequence[Sequence[int]],
        rows: Array,
        pages: PageStore,
        logits: Array,
        hidden: Array | None = None,
    ) -> bool:
        """Fills logits[rows, vocabulary] and hidden[rows, width]; False when cancelled."""
    def cancel(self) -> None: ...
    def start_profile(self) -> None: ...
    def profile(self) -> list[float]:
        """Seconds of the phase that begins with each step since start_profile; 0 for a step inside a phase."""

    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
