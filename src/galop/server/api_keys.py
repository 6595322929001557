"""API keys: who may use which models, and how much. Kept hashed in one file that only its owner can read."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from filelock import FileLock

from galop.errors import GalopError

PREFIX = "galop-"


class KeyFileError(GalopError):
    """The file of API keys is none, or a key cannot be added to it or removed."""

    exit_code = 2


@dataclass(frozen=True)
class ApiKey:
    """What belongs to a key is found by its hash: another key may get its name when it is gone."""

    name: str
    hash: str = field(repr=False)  # SHA-256 of the key, which has 256 random bits of its own
    last4: str
    models: str = "*"  # patterns such as "qwen3:*", between commas
    tokens_per_minute: int = 0  # 0: as many as it likes
    tier: str = ""

    def may_use(self, model: str, preview: bool = False) -> bool:
        """Whether a model is this key's to see; early releases are for the tier `preview`."""
        patterns = self.models.split(",")
        return (not preview or self.tier == "preview") and any(fnmatchcase(model, p.strip()) for p in patterns)


ANYONE = ApiKey("", "", "", tier="preview")  # who asks a server that has no keys: its owner, at this machine


class KeyFile:
    """The keys of one file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: list[ApiKey] = []

    def keys(self) -> list[ApiKey]:
        """Raises KeyFileError if the file is not what `add` writes."""
        try:
            stat = self.path.stat()
            if self._stamp != (stat.st_mtime_ns, stat.st_size):
                self._keys = [ApiKey(**item) for item in json.loads(self.path.read_text("utf-8"))]
                self._stamp = (stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            self._keys, self._stamp = [], None
        except (ValueError, TypeError, OSError) as error:
            raise KeyFileError(f"{self.path} is not a file of keys ({error}); mend or remove it") from None
        return self._keys

    def find(self, presented: str) -> ApiKey | None:
        """The key that was presented; every one is compared, each in constant time."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for key in self.keys():
            if hmac.compare_digest(key.hash, digest):
                found = key
        return found

    def add(self, name: str, models: str = "*", tokens_per_minute: int = 0, tier: str = "") -> str:
        """Makes a key, which is shown once and not kept. Raises KeyFileError if the name is taken or odd."""
        if not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise KeyFileError(f"a key's name is made of letters, digits, '.', '-', '_' and '@', not {name!r}")
        if tokens_per_minute < 0:
            raise KeyFileError("--tokens-per-minute is 0 for no limit, or a positive number")
        secret = PREFIX + secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        with self._lock():
            if any(key.name == name for key in self.keys()):
                raise KeyFileError(f"there is a key called {name} already; remove it first: galop keys rm {name}")
            self._write([*self.keys(), ApiKey(name, digest, secret[-4:], models, tokens_per_minute, tier)])
        return secret

    def remove(self, name: str) -> None:
        """Raises KeyFileError if there is no such key."""
        with self._lock():
            left = [key for key in self.keys() if key.name != name]
            if len(left) == len(self.keys()):
                raise KeyFileError(f"no key is called {name}")
            self._write(left)

    def _lock(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(f"{self.path}.lock")

    def _write(self, keys: list[ApiKey]) -> None:
        """Whole or not at all, readable by its owner from the first byte on."""
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump([asdict(key) for key in keys], file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
