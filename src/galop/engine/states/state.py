"""What a kind of state says of itself, so that nobody who handles sequences has to know the kind."""

from __future__ import annotations

from typing import Literal, Protocol

BLOCK_TOKENS = 32  # the native core's: a block of int8 keys is a panel of Q8_0 with a key for a row, two panels high
KVType = Literal["f16", "int8"]


class State(Protocol):
    """What the layers of one kind keep of sequences between steps."""

    @property
    def block_bytes(self) -> int:
        """Bytes for every BLOCK_TOKENS tokens of a sequence."""
