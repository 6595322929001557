"""SentencePiece's precompiled character map, as a stranger's file may hold it.

It is a length, a trie of that many bytes (a double array, as darts-clone writes it) and strings that end in zero, to
which the trie's values point. The library that reads it checks no bound, so every place that any text could lead it to
is looked at here first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

MAX_BYTES = 1 << 21
BATCH = 4096  # nodes of the trie that are followed at a time
MAX_EXPANSION = 64  # bytes that one character may become; Arabic's U+FDFA takes 33


def check_charsmap(data: bytes) -> str:
    """What is wrong with a character map, as the end of a sentence; empty where nothing is."""
    size = int.from_bytes(data[:4], "little")
    if not 1024 <= size <= len(data) - 4 or size % 4 or len(data) > MAX_BYTES:
        return "does not begin with the length of its trie"
    units, strings = np.frombuffer(data, "<u4", size // 4, 4).astype(np.int64), data[4 + size :]
    try:
        text = strings.decode()
    except UnicodeDecodeError:
        return "holds strings that are not UTF-8"
    if max(len(part.encode()) for part in text.split("\0")) > MAX_EXPANSION:
        return f"makes more than {MAX_EXPANSION} bytes of a character"
    values = _reachable_values(units)
    if values is None:
        return "points outside of its trie"
    if not all(value < len(strings) and strings[value] & 0xC0 != 0x80 for value in values.tolist()):
        return "points outside of its strings"
    return ""


def _reachable_values(units: Array) -> Array | None:
    """The values of all keys of a trie; None where some text would lead out of it."""
    letters = np.arange(1, 256)
    offsets = (units >> 10) << ((units & 0x200) >> 6)
    waiting = [offsets[:1]]  # what the next byte of a text is added to, by exclusive or
    known = np.zeros(len(units), bool)
    values = [offsets[:0]]
    while waiting:
        nodes = waiting.pop()
        if len(nodes) > BATCH:
            waiting += [nodes[BATCH:], nodes[:BATCH]]
            continue
        places = nodes[:, None] ^ letters
        if places.max() >= len(units):
            return None
        children = places[(units[places] & 0x800000FF) == letters]
        nodes = children ^ offsets[children]
        if nodes.max(initial=0) >= len(units):
            return None
        values.append(units[nodes[(units[children] >> 8 & 1) == 1]] & 0x7FFFFFFF)
        nodes = np.unique(nodes[~known[nodes]])  # tails are shared by many keys
        known[nodes] = True
        if len(nodes):
            waiting.append(nodes)
    return np.concatenate(values)
