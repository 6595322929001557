"""Conversations in SQLite: trees of messages, searched by their words, each its owner's alone."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from galop.machine import private, private_folder

EXCERPT = 80  # characters
MOST_WORDS = 20  # of a search
SEARCHED = 50_000  # characters of a message that are looked through for one
OWNED_BY_HASH = 1  # the version of files in which an owner is the hash of a key
SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL,
  lanes TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS by_owner ON conversation (owner, changed);
CREATE TABLE IF NOT EXISTS message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT NOT NULL REFERENCES conversation ON DELETE CASCADE,
  parent INTEGER REFERENCES message ON DELETE CASCADE, lane INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
  thinking TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '{}',
  finished INTEGER NOT NULL DEFAULT 1, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS by_conversation ON message (conversation);
CREATE INDEX IF NOT EXISTS by_parent ON message (parent);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (content, content='message', content_rowid='id');
CREATE TRIGGER IF NOT EXISTS said AFTER INSERT ON message BEGIN
  INSERT INTO words (rowid, content) VALUES (new.id, new.content);
END;
CREATE TRIGGER IF NOT EXISTS unsaid AFTER DELETE ON message BEGIN
  INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
END;
CREATE TRIGGER IF NOT EXISTS said_otherwise AFTER UPDATE OF content ON message BEGIN
  INSERT INTO words (words, rowid, content) VALUES ('delete', old.id, old.content);
  INSERT INTO words (rowid, content) VALUES (new.id, new.content);
END;
CREATE TABLE IF NOT EXISTS picture (
  conversation TEXT NOT NULL REFERENCES conversation ON DELETE CASCADE, digest TEXT NOT NULL, name TEXT NOT NULL,
  media_type TEXT NOT NULL, data BLOB NOT NULL, thumbnail BLOB NOT NULL, PRIMARY KEY (conversation, digest)
);
CREATE TABLE IF NOT EXISTS setting (owner TEXT, name TEXT, value TEXT, PRIMARY KEY (owner, name));
"""


@dataclass
class StoredMessage:
    """A message. `parent` is the one it follows in its lane; messages of one parent are branches."""

    id: int
    parent: int | None
    lane: int
    role: str
    content: str
    thinking: str = ""
    model: str = ""
    note: dict[str, Any] = field(default_factory=dict)
    finished: bool = True


@dataclass(frozen=True)
class StoredPicture:
    """A picture as it was sent, and a JPEG that shows it small."""

    name: str
    media_type: str
    data: bytes
    thumbnail: bytes

    @property
    def data_url(self) -> str:
        """As it goes to a model."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"

    @property
    def markdown(self) -> str:
        """Whole, within a text."""
        name = re.sub(r"([\\\[\]])", r"\\\1", " ".join(self.name.split()))
        return f"![{name}]({self.data_url})"


@dataclass(frozen=True)
class ConversationEntry:
    """A conversation in the list; the excerpt is where a search found its words."""

    id: str
    title: str
    changed: float
    excerpt: str = ""


class Conversations:
    """One file. Every question names its owner; what is another's is not there."""

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        if not path.exists():
            open(path, "ab", opener=private).close()
        for end in ("", "-wal", "-shm"):  # SQLite gives those it makes beside it the same mode
            with suppress(FileNotFoundError):
                path.with_name(path.name + end).chmod(0o600)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def migrate_owners(self, hashes: Mapping[str, str]) -> None:
        """Once in the life of a file: what earlier releases kept by the names of keys belongs to the keys that bear
        these names now. What no key owns any more stays where nobody finds it."""
        with self._change() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] < OWNED_BY_HASH:
                for name, hash in hashes.items():
                    db.execute("UPDATE conversation SET owner = ? WHERE owner = ?", (hash, name))
                    db.execute("UPDATE OR REPLACE setting SET owner = ? WHERE owner = ?", (hash, name))
                db.execute(f"PRAGMA user_version = {OWNED_BY_HASH}")

    def begin(self, owner: str, title: str) -> str:
        """A new conversation, named after its first words."""
        words = " ".join(title.split())
        title = words if len(words) <= 60 else words[:59].rsplit(" ", 1)[0] + "…"
        id = secrets.token_hex(12)
        now = time.time()
        with self._change() as db:
            db.execute("INSERT INTO conversation (id, owner, title, created, changed) VALUES (?, ?, ?, ?, ?)",
                       (id, owner, title, now, now))  # fmt: skip
        return id

    def search(self, owner: str, words: str = "", limit: int = 200) -> list[ConversationEntry]:
        """The latest first; with `words`, those in which all of them occur, with the place."""
        if not words.strip():
            rows = self._rows(
                "SELECT id, title, changed FROM conversation WHERE owner = ? ORDER BY changed DESC LIMIT ?",
                owner,
                limit,
            )
            return [ConversationEntry(*row) for row in rows]
        words = " ".join(words.split()[:MOST_WORDS])
        query = " ".join('"' + word.replace('"', '""') + '"*' for word in words.split())
        rows = self._rows(
            "SELECT c.id, c.title, c.changed, m.id FROM words "
            "JOIN message m ON m.id = words.rowid JOIN conversation c ON c.id = m.conversation "
            "WHERE words MATCH ? AND c.owner = ? ORDER BY rank LIMIT ?", query, owner, 5 * limit,
        )  # fmt: skip
        best = {row[0]: row for row in reversed(rows)}  # of each conversation, the first that was found
        shown = [row for row in rows if best[row[0]] is row][:limit]
        return [
            ConversationEntry(id, title, changed, self._excerpt(message, words))
            for id, title, changed, message in shown
        ]

    def _excerpt(self, message: int, words: str) -> str:
        """Where a message first says one of them. (SQLite's own takes time with the square of how often it does.)"""
        rows = self._rows("SELECT substr(content, 1, ?) FROM message WHERE id = ?", SEARCHED, message)
        content = str(rows[0][0]) if rows else ""
        match = re.search("|".join(map(re.escape, words.split())), content, re.IGNORECASE)
        start = max(match.start() - EXCERPT // 2, 0) if match else 0
        part = " ".join(content[start : start + EXCERPT].split())
        return f"{'…' if start else ''}{part}{'…' if start + EXCERPT < len(content) else ''}"

    def messages(self, owner: str, conversation: str) -> list[StoredMessage]:
        """All of a conversation, in the order they were said; none if it is not the owner's."""
        rows = self._rows(
            "SELECT m.id, parent, lane, role, content, thinking, model, note, finished FROM message m "
            "JOIN conversation c ON c.id = m.conversation WHERE c.id = ? AND c.owner = ? ORDER BY m.id",
            conversation, owner,
        )  # fmt: skip
        return [StoredMessage(*row[:7], json.loads(row[7]), bool(row[8])) for row in rows]  # type: ignore[call-arg]

    def add(self, owner: str, conversation: str, message: StoredMessage) -> StoredMessage:
        """Adds a message, which gets its id. Raises KeyError if the conversation is not the owner's."""
        now = time.time()
        with self._change() as db:
            owned = db.execute(
                "SELECT 1 FROM conversation WHERE id = ? AND owner = ?", (conversation, owner)
            ).fetchone()
            if not owned:
                raise KeyError(conversation)
            made = db.execute(
                "INSERT INTO message "
                "(conversation, parent, lane, role, content, thinking, model, note, finished, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation, message.parent, message.lane, message.role, message.content, message.thinking,
                 message.model, json.dumps(message.note), message.finished, now),
            )  # fmt: skip
            db.execute("UPDATE conversation SET changed = ? WHERE id = ?", (now, conversation))
            message.id = int(made.lastrowid or 0)
        return message

    def update(self, owner: str, conversation: str, message: StoredMessage) -> None:
        """Writes what a message has become, if it is still there."""
        with self._change() as db:
            db.execute(
                "UPDATE message SET content = ?, thinking = ?, note = ?, finished = ? "
                "WHERE id = ? AND conversation = ? AND EXISTS "
                "(SELECT 1 FROM conversation c WHERE c.id = message.conversation AND c.owner = ?)",
                (
                    message.content,
                    message.thinking,
                    json.dumps(message.note),
                    message.finished,
                    message.id,
                    conversation,
                    owner,
                ),
            )

    def keep_picture(self, owner: str, conversation: str, picture: StoredPicture) -> str:
        """Keeps a picture for as long as its conversation; its digest. Raises KeyError if that is not the owner's."""
        digest = sha256(picture.data).hexdigest()
        with self._change() as db:
            if not db.execute(
                "SELECT 1 FROM conversation WHERE id = ? AND owner = ?", (conversation, owner)
            ).fetchone():
                raise KeyError(conversation)
            db.execute(
                "INSERT OR IGNORE INTO picture VALUES (?, ?, ?, ?, ?, ?)",
                (conversation, digest, picture.name, picture.media_type, picture.data, picture.thumbnail),
            )
        return digest

    def picture(self, owner: str, conversation: str, digest: str) -> StoredPicture | None:
        """A picture of a conversation; None if there is none, or it is not the owner's."""
        rows = self._rows(
            "SELECT name, media_type, data, thumbnail FROM picture p JOIN conversation c ON c.id = p.conversation "
            "WHERE c.id = ? AND c.owner = ? AND p.digest = ?", conversation, owner, digest,
        )  # fmt: skip
        return StoredPicture(*rows[0]) if rows else None

    def delete(self, owner: str, conversation: str) -> None:
        """For good: also from the file's free pages, when it is next vacuumed."""
        with self._change() as db:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("DELETE FROM conversation WHERE id = ? AND owner = ?", (conversation, owner))

    def export(self, owner: str, conversation: str) -> str:
        """A conversation as Markdown with its pictures in it, its lanes one after the other, the latest branch of
        each."""
        messages = self.messages(owner, conversation)
        title = next((c.title for c in self.search(owner, limit=1 << 30) if c.id == conversation), "")
        parts = [f"# {title}"]
        lanes = sorted({m.lane for m in messages})
        for lane in lanes:
            if len(lanes) > 1:
                parts.append(f"# {lane + 1}")
            for message in path(messages, lane):
                parts.append(f"## {message.model or message.role}")
                if message.thinking:
                    quoted = "\n".join(f"> {line}" for line in message.thinking.splitlines())
                    parts.append(quoted)
                shown = [self.picture(owner, conversation, digest) for digest in message.note.get("pictures", [])]
                parts += [picture.markdown for picture in shown if picture]
                parts.append(message.content)
        return "\n\n".join(parts) + "\n"

    def setting(self, owner: str, name: str, default: str = "") -> str:
        """What an owner has chosen."""
        rows = self._rows("SELECT value FROM setting WHERE owner = ? AND name = ?", owner, name)
        return str(rows[0][0]) if rows else default

    def set(self, owner: str, name: str, value: str) -> None:
        """Keeps a choice of an owner's."""
        with self._change() as db:
            db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", (owner, name, value))

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def children(messages: list[StoredMessage], lane: int, parent: int | None) -> list[StoredMessage]:
    return [m for m in messages if m.lane == lane and m.parent == parent]


def path(messages: list[StoredMessage], lane: int, chosen: dict[int | None, int] | None = None) -> list[StoredMessage]:
    """One branch from the root on: where it parts, the one chosen (by parent), or else the latest."""
    following: dict[int | None, list[StoredMessage]] = {}
    for message in messages:
        if message.lane == lane:
            following.setdefault(message.parent, []).append(message)
    line: list[StoredMessage] = []
    parent: int | None = None
    while branches := following.get(parent):
        wanted = (chosen or {}).get(parent)
        message = next((m for m in branches if m.id == wanted), branches[-1])
        line.append(message)
        parent = message.id
    return line
