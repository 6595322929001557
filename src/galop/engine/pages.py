"""The KV pages of one engine: those that sequences write, and those kept because a prompt may begin like that again.

A page is known by a SHA-256 chained over all tokens before it and its own, begun with a salt, so pages of one client
are never found by another. Kept pages go when memory is wanted, the least recently used first; with a folder they are
also written to disk and found again by a later process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galop import native
from galop.engine.lower import PAGE_TOKENS
from galop.machine import private_folder

MAGIC = b"galopkv1"
CHECKSUM_BYTES = 32


def chain(parent: bytes, tokens: Sequence[int]) -> bytes:
    """The key of the page that holds `tokens` after the page `parent`."""
    return hashlib.sha256(parent + np.asarray(tokens, "<i4").tobytes()).digest()


@dataclass
class Kept:
    page: int
    tokens: tuple[int, ...]
    parent: bytes


@dataclass(frozen=True)
class Match:
    """What is known already of a prompt: pages, now the caller's, and the keys of the full ones."""

    pages: list[int]
    keys: list[bytes]
    length: int


class Pages:
    """Not for several threads: an engine steps in one at a time."""

    def __init__(self, page_bytes: int, capacity: int, salt: bytes = b"", folder: KVFolder | None = None) -> None:
        self.store = native.PageStore(page_bytes)
        self.capacity = capacity
        self.salt = salt
        self.folder = folder
        self.queried = self.found = 0  # tokens of prompts asked for, and those that were there
        self._users: dict[int, int] = {}
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._key_of: dict[int, bytes] = {}
        self._children: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._unsaved: deque[bytes] = deque()

    @property
    def page_bytes(self) -> int:
        return self.store.page_bytes

    @property
    def in_use(self) -> int:
        """Pages that sequences hold; kept ones that nobody uses are as good as free."""
        return len(self._users)

    @property
    def available(self) -> int:
        return self.capacity - len(self._users)

    def root(self, client: str) -> bytes:
        return hashlib.sha256(self.salt + client.encode()).digest()

    def knows(self, key: bytes) -> bool:
        return key in self._kept or bool(self.folder and self.folder.has(key))

    def allocate(self) -> int:
        """A page for one sequence to write. Raises MemoryError when all are in use."""
        while self.store.in_use >= self.capacity:
            self._drop_oldest()
        page = self.store.allocate()
        self._users[page] = 1
        return page

    def release(self, page: int) -> None:
        self._users[page] -= 1
        if self._users[page] == 0:
            del self._users[page]
            if page not in self._key_of:
                self.store.release(page)

    def keep(self, parent: bytes, tokens: Sequence[int], page: int) -> bytes:
        """Makes a page known, which nobody may change from now on if it is full; its key."""
        key = chain(parent, tokens)
        if key in self._kept:
            self._kept.move_to_end(key)
        elif page not in self._key_of:
            self._kept[key] = Kept(page, tuple(tokens), parent)
            self._key_of[page] = key
            self._children[parent].append(key)
        return key

    def match(self, root: bytes, tokens: Sequence[int]) -> Match:
        """The longest known beginning of a prompt, its last token left out, which is always computed.

        The page in which the prompt parts from what is known is copied, if there is room.
        """
        limit = len(tokens) - 1
        pages: list[int] = []
        keys: list[bytes] = []
        parent, done = root, 0
        self.queried += len(tokens)
        while done + PAGE_TOKENS <= limit:
            part = tuple(tokens[done : done + PAGE_TOKENS])
            key = chain(parent, part)
            if key not in self._kept and not self._read(key, parent, part):
                break
            page = self._kept[key].page
            self._users[page] = self._users.get(page, 0) + 1
            pages.append(page)
            keys.append(key)
            parent, done = key, done + PAGE_TOKENS
        rest = tokens[done : min(done + PAGE_TOKENS, limit)]
        best, length = None, 0
        for key in self._children.get(parent, ()):
            common = _common(self._kept[key].tokens, rest)
            if common > length:
                best, length = key, common
        if best:
            source = self._kept[best].page
            self._users[source] = self._users.get(source, 0) + 1
            try:
                copy = self.allocate()
                self.store.data(copy)[:] = self.store.data(source)
                pages.append(copy)
                done += length
                self._kept.move_to_end(best)
            except MemoryError:
                pass  # what would be copied is computed
            finally:
                self.release(source)
        for key in reversed(keys):  # what comes first is used last to go
            self._kept.move_to_end(key)
        self.found += done
        return Match(pages, keys, done)

    def save(self, keys: Sequence[bytes]) -> None:
        """Asks that pages be written to the folder when there is time."""
        if self.folder:
            self._unsaved.extend(keys)

    def save_one(self) -> bool:
        """Writes a page that `save` asked for; False if there is none."""
        while self.folder and self._unsaved:
            key = self._unsaved.popleft()
            kept = self._kept.get(key)
            if kept and not self.folder.has(key):
                self.folder.write(key, self.store.data(kept.page))
                return True
        return False

    def forget(self) -> None:
        """Drops every kept page that nobody uses."""
        with contextlib.suppress(MemoryError):
            while True:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        key = next((key for key, kept in self._kept.items() if kept.page not in self._users), None)
        if key is None:
            raise MemoryError(f"all {self.capacity} pages of keys and values are in use")
        kept = self._kept.pop(key)
        del self._key_of[kept.page]
        siblings = self._children[kept.parent]
        siblings.remove(key)
        if not siblings:
            del self._children[kept.parent]
        self.store.release(kept.page)

    def _read(self, key: bytes, parent: bytes, tokens: tuple[int, ...]) -> bool:
        if not self.folder or not self.folder.has(key):
            return False
        try:
            page = self.allocate()
        except MemoryError:
            return False
        if self.folder.read(key, self.store.data(page)):
            self.keep(parent, tokens, page)
        self.release(page)
        return key in self._kept


class KVFolder:
    """Pages as files named by their key, each with its checksum; the least recently used go when there are too many.

    Only the owner may read them: they hold what was said, though not as text.
    """

    def __init__(self, folder: Path, cap: int) -> None:
        self.folder = folder
        self.cap = cap
        private_folder(folder)
        self._bytes = sum(f.stat().st_size for f in self._files())

    def path(self, key: bytes) -> Path:
        return self.folder / f"{key.hex()}.kv"

    def has(self, key: bytes) -> bool:
        with contextlib.suppress(OSError):
            return self.path(key).exists()
        return False

    def write(self, key: bytes, data: np.ndarray) -> None:
        """A full disk or one that cannot be written costs only what would have been kept."""
        content = data.tobytes()
        target = self.path(key)
        partial = target.with_suffix(f".{os.getpid()}.incomplete")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(MAGIC + hashlib.sha256(content).digest() + content)
            partial.replace(target)
            self._bytes += target.stat().st_size
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
        if self._bytes > self.cap:
            self._trim()

    def read(self, key: bytes, into: np.ndarray) -> bool:
        """Fills a page; False, and the file removed, if it is not what was written."""
        path = self.path(key)
        try:
            content = path.read_bytes()
            data = memoryview(content)[len(MAGIC) + CHECKSUM_BYTES :]
            good = content[: len(MAGIC)] == MAGIC and len(data) == len(into)
            if good and hashlib.sha256(data).digest() == content[len(MAGIC) : len(MAGIC) + CHECKSUM_BYTES]:
                into[:] = np.frombuffer(data, np.uint8)
                os.utime(path)
                return True
            path.unlink()
        except OSError:
            pass
        return False

    def _files(self) -> list[Path]:
        return [f for f in self.folder.iterdir() if f.suffix in (".kv", ".incomplete")]

    def _trim(self) -> None:
        """Down to nine tenths of the cap, so that not every page written has to look at all."""
        with contextlib.suppress(OSError):
            files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in self._files()), reverse=True)
            self._bytes = 0
            for _, size, file in files:
                if self._bytes + size > 0.9 * self.cap:
                    file.unlink()
                else:
                    self._bytes += size


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n
