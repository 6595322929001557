"""Errors of a remote API: which are retried, after how long (Retry-After), and what they say."""

from __future__ import annotations

import json
import re
import time
from email.utils import parsedate_to_datetime

import httpx2

OF_THE_QUESTION = {400, 413, 422}  # it is refused, and others may not be
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


class RetryLater(Exception):
    """Something that may go better the next time, after so many seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


def read_beginning(reply: httpx2.Response) -> str:
    """The beginning of a body, as text."""
    found = b""
    for piece in reply.iter_bytes():
        found += piece
        if len(found) > 20_000:
            break
    return found.decode("utf-8", "replace")


def seconds_until(after: str) -> float | None:
    """What Retry-After asks for, as seconds or as a date (RFC 9110, 10.2.3); None for anything else."""
    if re.fullmatch(r"\d{1,6}(\.\d+)?", after):
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def error_message(text: str) -> str:
    """What an error says, in at most 200 characters."""
    try:
        data = json.loads(text)
        data = data[0] if isinstance(data, list) else data
        inner = data.get("error", data)
        said = inner.get("message") if isinstance(inner, dict) else inner
    except (ValueError, LookupError, AttributeError, RecursionError):
        said = None
    return re.sub(r"\s+", " ", str(said or text)).strip()[:200] or "nothing"
