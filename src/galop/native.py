"""The native core, typed: the one place that imports the extension."""

from galop._native import (
    PageStore,
    Program,
    instruction_sets,
    int8_peak,
    pack,
    packed_bytes,
    read_bandwidth,
    sample,
    unpack,
)

__all__ = [
    "PageStore", "Program", "instruction_sets", "int8_peak", "pack", "packed_bytes", "read_bandwidth", "sample",
    "unpack",
]  # fmt: skip
