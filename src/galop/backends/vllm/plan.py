"""Where a vLLM is, or how one is started."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galop.errors import VllmError


@dataclass(frozen=True)
class VllmPlan:
    """A server's address, or without one how many devices a server of our own splits its model over."""

    url: str = ""
    tensor_parallel: int = 1
    pipeline_parallel: int = 1


def check_address(url: str) -> str:
    """The address without a slash at its end or /v1. Raises VllmError for one that is none, or holds a password."""
    url = url.strip().rstrip("/").removesuffix("/v1")
    host = url.partition("://")[2].partition("/")[0]
    if not re.match(r"https?://", url) or not host or "?" in url or "#" in url or "@" in host:
        raise VllmError(f"{url[:200]!r} is no address of a vLLM server such as http://127.0.0.1:8000")
    return url
