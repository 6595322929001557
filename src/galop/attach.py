"""`galop run` answered by a server of the same user that has the model in memory: the side of the command.

Nothing but a few modules of the standard library is imported here, so that the first token is there in a tenth of a
second. The server gets the command line as it was typed, and says whether it answers as the command would; if it does
not (another model, other settings), is of another version, is not there or does not speak, the command goes on by
itself. Neither side speaks to another user's process. `cli/attached.py` is the server's side.

In lines of JSON: the command says {"galop", "argv", "cwd", "terminals"}, the server {"accept"}; the command the length
of what was piped in, and that; then the server {"text", "thinking"}, {"read", "total"} and {"note"}, {"json"} or
{"error", "code"}, and {"end"}; or, as long as nothing has been said, {"decline"}.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # see __main__.py
import io
import json
import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from typing import IO, Any

from galop.terminal import ReplyPrinter, note, prepare_streams
from galop.version import __version__

PATIENCE = 1.0  # seconds in which a server says whether it answers
MAX_TEXT = 64 << 20  # bytes that are piped in
VARIABLE = "GALOP_SERVER"  # "0" keeps commands and servers apart
APART = "--no-server"


class _DeclinedError(Exception):
    """The server does not answer this command."""


def sockets_folder() -> str:
    """Where the sockets of a user's servers are, each named by its process."""
    root = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(root) and os.path.isdir(root):
        return os.path.join(root, "galop")
    cache = os.environ.get("XDG_CACHE_HOME", "")
    home = cache if os.path.isabs(cache) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "galop", "run")


def is_wanted() -> bool:
    """Whether commands and servers may find each other: there are such sockets, and nobody has said otherwise."""
    return hasattr(socket, "AF_UNIX") and os.environ.get(VARIABLE, "").lower() not in ("0", "no", "off", "false")


def is_same_user(connection: socket.socket) -> bool:
    """Whether the process at the other end is this user's, as far as the system says."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder is this user's alone
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", peer)[1] == os.geteuid())


def attach(argv: list[str]) -> int | None:
    """The exit code of a command that a server has answered; None where none does, and the command has to itself."""
    if not is_wanted() or not {APART, "-h", "--help"}.isdisjoint(argv):
        return None
    for path in _sockets():
        with suppress(OSError, ValueError, _DeclinedError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(path)
            if is_same_user(connection):
                try:
                    return _ask(connection, argv)
                except KeyboardInterrupt:
                    return 130
    return None


def _sockets() -> list[str]:
    """Sockets that are this user's alone, the newest first."""
    found = []
    folder = sockets_folder()
    with suppress(OSError):
        if not _is_private(os.stat(folder)):
            return []
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISSOCK(status.st_mode) and _is_private(status):
                found.append((-status.st_mtime, path))
    return [path for _, path in sorted(found)]


def _is_private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _ask(connection: socket.socket, argv: list[str]) -> int:
    """Raises _DeclinedError, OSError or ValueError as long as nothing has been said."""
    terminals = {name: bool(stream and stream.isatty()) for name, stream in
                 (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))}  # fmt: skip
    said = {"galop": __version__, "argv": argv, "cwd": os.getcwd(), "terminals": terminals}
    replies = connection.makefile("rb")
    connection.sendall(json.dumps(said).encode() + b"\n")
    if not _receive(replies).get("accept"):
        raise _DeclinedError
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    piped = b"" if terminals["stdin"] or sys.stdin is None else sys.stdin.buffer.read(MAX_TEXT + 1)
    try:
        connection.settimeout(None)
        connection.sendall(b"%d\n" % len(piped) + piped)
        first = _receive(replies)
    except BaseException:
        _give_back(piped)
        raise
    if "decline" in first:
        _give_back(piped)
        raise _DeclinedError
    prepare_streams()
    try:
        return _print(first, replies)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        with suppress(OSError):
            sys.stdout.close()
        return 141


def _give_back(piped: bytes) -> None:
    """What was read of standard input is there to be read again."""
    if piped:
        sys.stdin = io.TextIOWrapper(io.BytesIO(piped), "utf-8")


def _receive(replies: IO[bytes]) -> dict[str, Any]:
    """Raises ValueError for what is no object of JSON, and where nothing comes."""
    said = json.loads(replies.readline())
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _print(said: dict[str, Any], replies: IO[bytes]) -> int:
    printer = ReplyPrinter()
    while True:
        if "text" in said:
            printer.text(str(said["text"]), bool(said.get("thinking")))
        elif "read" in said:
            printer.read(int(said["read"]), int(said["total"]))
        elif "note" in said:
            if said.get("after"):
                print(flush=True)
            note(str(said["note"]))
        elif "json" in said:
            print(said["json"])
        elif "error" in said:
            print("galop: " + str(said["error"]).replace("\n", "\\n"), file=sys.stderr)
            return int(said.get("code", 1))
        elif "end" in said:
            return 0
        try:
            said = _receive(replies)
        except (OSError, ValueError):
            said = {"error": "the server that was answering has ended; ask again, or with --no-server"}
