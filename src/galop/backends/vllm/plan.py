"""Where a vLLM is, or how one is started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VllmPlan:
    """A server's address, or without one how many devices a server of our own splits its model over."""

    url: str = ""
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
