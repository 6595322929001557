"""The native core, typed: the one place that imports the extension."""

from typing import TYPE_CHECKING

try:
    from galop._native import (
        BlockStore,
        BytePairs,
        Program,
        grid,
        instruction_sets,
        int8_peak,
        ops,
        pack,
        packed_bytes,
        quant_types,
        read_bandwidth,
        sample,
        unpack,
    )
except ImportError as error:
    raise ImportError(
        f"galop's native core is missing or was built from other sources ({error}); "
        "build it again: pip install --editable ."
    ) from error

if TYPE_CHECKING:
    from galop._native import Step as Step

__all__ = [
    "BlockStore", "BytePairs", "Program", "grid", "instruction_sets", "int8_peak", "ops", "pack", "packed_bytes",
    "quant_types", "read_bandwidth", "sample", "unpack",
]  # fmt: skip
