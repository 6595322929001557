"""Galop's native core: packed weights, kernels, the plan executor, sampling (native/module.cpp)."""

from collections.abc import Sequence
from typing import Any

from numpy import ndarray

Array = ndarray[Any, Any]
# An op's name; the buffers it reads and writes, its matrices and vectors (-1 for none) by number; its attributes.
Step = tuple[str, list[int], list[int], list[int], list[int], dict[str, bool | int | float]]

def instruction_sets() -> list[str]:
    """Names of the kernel sets this machine runs, fastest first."""

def ops() -> dict[str, list[tuple[str, str]]]:
    """The ops that the executor runs: each one's attributes, by name and type ("bool", "int" or "float")."""

def quant_types() -> list[tuple[str, int, int]]:
    """The quant types that kernels read: name, values and bytes of a block."""

def packed_bytes(quant_type: str, rows: int, cols: int) -> int:
    """Bytes that a matrix takes in panels. Raises ValueError for an unknown type or columns of no whole blocks."""

def grid(quant_type: str) -> list[int]:
    """The grid that codes of a quant type are looked up in: 8 codes of 2 bits, or 4 of 4, an entry, the first lowest.
    Empty where there is none. Raises ValueError for an unknown type."""

def pack(quant_type: str, source: Array, rows: int, cols: int, out: Array, threads: int = 1) -> None:
    """Lays a matrix of GGUF blocks into 16-row panels, losslessly. Raises ValueError where sizes do not fit."""

def unpack(quant_type: str, packed: Array, rows: int, cols: int, out: Array) -> None:
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

class BlockStore:
    """Memory in blocks of equal size, by number: what the layers of one table keep of some tokens, or of a sequence."""

    def __init__(self, block_bytes: int) -> None: ...
    def allocate(self) -> int:
        """A block, zeroed when it is new. Raises MemoryError."""

    def release(self, block: int) -> None:
        """Lets a block be allocated again. Raises ValueError if it is not allocated."""

    def data(self, block: int) -> Array:
        """A block's bytes, to copy from or into."""
    @property
    def block_bytes(self) -> int: ...
    @property
    def in_use(self) -> int: ...

class BytePairs:
    """Byte-pair encoding by a tokenizer.json, read in some 20 ms. Raises ValueError for one that has no vocabulary with
    merges, or is not well formed."""

    def __init__(self, description: str) -> None: ...
    @property
    def rest(self) -> str:
        """The description with an empty vocabulary and no merges."""
    @property
    def largest_id(self) -> int: ...
    def __len__(self) -> int: ...
    def id(self, token: str) -> int | None: ...
    def token(self, id: int) -> str | None: ...
    def encode(self, pieces: Sequence[str]) -> list[int]:
        """Ids of pieces of text that are not merged with each other. Raises ValueError for a character that is no
        token."""

class Program:
    """A plan on a thread pool. Its matrices lie in `pack`, which it keeps alive.

    `buffers` are widths and whether there is a row per logit wanted; `states` are a table, an offset in its blocks and
    whether keys and values are int8; `matrices` are quant type, rows, columns and offset in the pack. Raises ValueError
    or IndexError for a plan that cannot be run safely.
    """

    def __init__(
        self,
        buffers: Sequence[tuple[int, bool]],
        steps: Sequence[Step],
        states: Sequence[tuple[int, int, bool]],
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
        block_tables: Sequence[Sequence[Sequence[int]]],
        rows: Array,
        blocks: Sequence[BlockStore],
        logits: Array,
        hidden: Array | None = None,
        embeddings: Array | None = None,
        saves: Sequence[Sequence[int]] = (),
    ) -> bool:
        """Fills logits[rows, vocabulary] and hidden[rows, width]; False when cancelled.

        `positions` are int32 [axes, tokens]; a token -1 - i stands for row i of `embeddings`, float32 [n, width].
        `block_tables[table][sequence]` are blocks in order, -1 for one that is not read again; of states that do not
        grow, the one to begin with, -1 for zeros, and one to write after each of the sequence's `saves`: token counts
        within the step, ascending, the last of them all. `blocks[table]` is their memory.
        Raises ValueError for a batch that does not fit.
        """

    def cancel(self) -> None:
        """Ends the forward pass under way before its next phase."""

    def start_profile(self) -> None:
        """Forgets what was measured and measures each phase from now on."""

    def profile(self) -> list[float]:
        """Seconds of the phase that begins with each step since start_profile; 0 for a step inside a phase."""

    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
