"""What Anthropic's lists and times look like, and which requests want them so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Request


def is_anthropic(request: Request) -> bool:
    """Whether it is of a client of Anthropic's, at a path that OpenAI's have too."""
    return "anthropic-version" in request.headers


def write_time(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def write_page(items: Sequence[dict[str, Any]], limit: int, after: str, before: str) -> dict[str, Any]:
    """A page of a list: the first items after one, or the last before one."""
    ids = [item["id"] for item in items]
    window = items[ids.index(after) + 1 if after in ids else 0 : ids.index(before) if before in ids else len(ids)]
    page = list(window[-limit:] if before else window[:limit])
    more = len(page) < len(window)
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return {"data": page, "has_more": more, "first_id": first, "last_id": last, "next_page": last if more else None}
