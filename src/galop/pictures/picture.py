"""A picture: RGB pixels, and the digest by which it is known wherever it comes from.

Decoders of pictures are large and old C libraries, so they run in child processes (`decode_child`) with limits of time
and memory; here only headers of a few bytes are looked at. What was decoded lately is remembered by the digest of its
bytes, since every turn of a conversation brings its pictures again: for each owner apart, since what is known already
takes less time, and would tell that somebody else sent it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from galop.child import BUSY, Children
from galop.errors import PictureError
from galop.pictures.decode_child import SECONDS
from galop.pictures.file_kinds import read_file, refuse_other_kinds

Pixels = NDArray[np.uint8]
"""uint8 [height, width, 3], red, green and blue."""
MOST_TOGETHER = 256  # pictures of a request
LARGEST = 4 << 20  # pixels that are kept, more than any tower looks at; a larger one is scaled down while it is decoded
REMEMBERED = 2 * LARGEST  # pixels of the latest, so that a picture is not decoded twice before it is looked at
TOGETHER = 4  # files that are decoded at a time: one that takes as long as it may holds up no others
LONGEST_MESSAGE = 200  # characters of the child's
KNOWN = 4096  # files
STANDARD = str.maketrans("-_", "+/")  # of the alphabet that is safe in URLs
DATA_URL = re.compile(r"data:.{0,300}?;\s*base64\s*,", re.IGNORECASE)  # whatever it is said to be of


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was sent, and what it is known by: two files that show the same have the same digest."""

    data: bytes = field(repr=False)
    media_type: str  # as it is, whatever it was said to be
    width: int
    height: int
    digest: bytes  # SHA-256 of size and pixels
    owner: str = field(default="", repr=False)  # whose it is, where there are several

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pixels."""
        return self.height, self.width

    def pixels(self) -> Pixels:
        """uint8 [height, width, 3], decoded again where that was long ago. Raises PictureError."""
        return _decode(self.data, "the picture", self.owner)[1]

    def data_url(self) -> str:
        """As a page or an interface takes it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


_DECODER = Children("galop.pictures.decode_child", BUSY * SECONDS, TOGETHER)
_LOCK = threading.Lock()
_FACTS: OrderedDict[bytes, tuple[str, int, int, bytes]] = OrderedDict()  # by the digest of a file
_LATEST: OrderedDict[bytes, Pixels] = OrderedDict()


def digest_for(owner: str, data: bytes) -> bytes:
    """By which a file of an owner is known."""
    digest = hashlib.sha256(f"{owner}\0".encode())
    digest.update(data)
    return digest.digest()


def open_picture(data: bytes, name: str = "the picture", owner: str = "") -> Picture:
    """The picture in a file's bytes, which errors call `name`.

    PNG, JPEG, WebP, GIF (its first frame), BMP, TIFF and AVIF are read, turned as their EXIF data say, on white where
    they are transparent. Raises PictureError for what is none of these, damaged, empty or too large.
    """
    key = digest_for(owner, data)
    with _LOCK:
        if known := _FACTS.get(key):
            _FACTS.move_to_end(key)
            return Picture(data, *known, owner)
    media_type, pixels = _decode(data, name, owner)
    height, width = pixels.shape[:2]
    of_pixels = hashlib.sha256(f"{height} {width} ".encode())
    of_pixels.update(pixels.data)
    with _LOCK:
        _FACTS[key] = (media_type, width, height, digest := of_pixels.digest())
        while len(_FACTS) > KNOWN:
            _FACTS.popitem(last=False)
    return Picture(data, media_type, width, height, digest, owner)


def open_file(path: Path, name: str = "the picture") -> Picture:
    """The picture in a file. Raises PictureError, also for a file that cannot be read."""
    return open_picture(read_file(path, name), name)


def parse_data(text: str, name: str = "the picture", owner: str = "") -> Picture:
    """The picture in a data: URL, or in base64 alone. Raises PictureError as `decode_url` does."""
    return open_picture(decode_url(text, name), name, owner)


def decode_url(text: str, name: str) -> bytes:
    """What is in a data: URL, or in base64 alone: in lines, percent-encoded, of either alphabet (RFC 4648), padded or
    not. Raises PictureError, also for any other URL: none is fetched."""
    text = text.lstrip()
    if found := DATA_URL.match(text[:400]):
        text = text[found.end() :]
    elif re.match(r"[a-z][a-z0-9+.-]{1,20}:", text[:24], re.IGNORECASE):
        scheme = text.partition(":")[0].lower()
        if scheme == "data":
            raise PictureError(f"{name} is a data: URL without base64; send data:image/png;base64,...")
        raise PictureError(
            f"{name} is a URL ({scheme}:), and this server fetches none; send what is there as a data: URL"
        )
    if "%" in text[:200] or "%" in text[-12:]:
        text = unquote(text)
    text = ("".join(text.split()) if len(text.split(None, 1)) > 1 else text.strip()).rstrip("=")
    try:
        return base64.b64decode(text.translate(STANDARD) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise PictureError(f"{name} is not valid base64") from None


def portable_url(picture: Picture) -> str:
    """A data: URL of a PNG or JPEG that shows the same to whoever decodes it: as it was sent where that is one, else
    upright, of 8 bits, the first of its frames. Raises PictureError."""
    answer = ask_decoder({"do": "portable", "most": LARGEST}, picture.data, "the picture")
    data = bytes(answer.get("data") or picture.data)
    return f"data:{answer['media_type']};base64,{base64.b64encode(data).decode()}"


def thumbnail(picture: Picture, side: int = 512) -> bytes:
    """A JPEG of at most `side` pixels a side, which nothing but a picture's pixels has gone into.

    Raises PictureError.
    """
    asked = {"do": "thumbnail", "most": LARGEST, "side": side}
    return bytes(ask_decoder(asked, picture.data, "the picture")["data"])


def check_count(pictures: Sequence[object]) -> None:
    """Raises PictureError for more pictures than a request may have."""
    if len(pictures) > MOST_TOGETHER:
        raise PictureError(f"{len(pictures)} pictures are too many for one request; send {MOST_TOGETHER} at most")


def _decode(data: bytes, name: str, owner: str) -> tuple[str, Pixels]:
    """The media type and the pixels. Raises PictureError."""
    refuse_other_kinds(data, name)
    key = digest_for(owner, data)
    with _LOCK:
        latest, known = _LATEST.get(key), _FACTS.get(key)
        if latest is not None and known:
            return known[0], latest
    answer = ask_decoder({"do": "picture", "most": LARGEST}, data, name)
    height, width, found = answer["height"], answer["width"], answer.get("data", b"")
    if len(found) != height * width * 3 or not found:
        raise PictureError(f"{name} could not be decoded")
    pixels = np.frombuffer(found, np.uint8).reshape(height, width, 3)
    with _LOCK:
        _LATEST[key] = pixels
        while len(_LATEST) > 1 and sum(kept.size for kept in _LATEST.values()) > 3 * REMEMBERED:
            _LATEST.popitem(last=False)
    return answer["media_type"], pixels


def ask_decoder(request: dict[str, Any], data: bytes, name: str) -> dict[str, Any]:
    """What the child makes of bytes. Raises PictureError where it refuses them, dies of them or takes too long."""
    answer = _DECODER.ask(request, data)
    if answer is None:
        raise PictureError(f"{name} could not be decoded: it takes too long or too much memory; make it smaller first")
    if "error" in answer:
        raise PictureError(f"{name} {str(answer['error'])[:LONGEST_MESSAGE]}")
    return answer
