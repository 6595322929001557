"""A picture: RGB pixels, and the digest by which it is known wherever it comes from.

Decoders of pictures are large and old C libraries, so they run in a child process (`decode_child`) with limits of time
and memory; here only headers of a few bytes are looked at. What was decoded lately is remembered by the digest of its
bytes, since every turn of a conversation brings its pictures again.
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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galop.child import Child
from galop.errors import PictureError

Pixels = NDArray[np.uint8]
"""uint8 [height, width, 3], red, green and blue."""
MOST_BYTES = 48 << 20  # of a file
MOST_TOGETHER = 256  # pictures of a request
LARGEST = 16 << 20  # pixels that are kept; a larger one is scaled down while it is decoded
REMEMBERED = 1 << 24  # pixels of the latest, so that a picture is not decoded twice before it is looked at
SECONDS = 20.0
LONGEST_MESSAGE = 200  # characters of the child's
KNOWN = 4096  # files
HEADERS = (
    (b"%PDF-", "a PDF, which is no picture; give it as a document"),
    (b"<svg", "an SVG drawing, which is text; render it as PNG first"),
    (b"<?xml", "an XML text; render it as PNG first"),
    (b"<!doctype", "a page of HTML, no picture"),
    (b"<html", "a page of HTML, no picture"),
    (b"\x1aE\xdf\xa3", "a video; take a picture from it first"),
)
# Brands of files in boxes, as ISO 14496-12 has them.
BRANDS = (
    (("heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"), "HEIC, which is not decoded here; save it as JPEG first "
     "(iPhone: Settings, Camera, Formats, Most Compatible)"),
    (("avif", "avis"), "AVIF, which is not decoded here; save it as JPEG or PNG first"),
    (("isom", "mp41", "mp42", "qt  ", "M4V "), "a video; take a picture from it first"),
)  # fmt: skip
DATA_URL = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]{0,100})*;base64,", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was sent, and what it is known by: two files that show the same have the same digest."""

    data: bytes = field(repr=False)
    media_type: str  # as it is, whatever it was said to be
    width: int
    height: int
    digest: bytes  # SHA-256 of size and pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pixels."""
        return self.height, self.width

    def pixels(self) -> Pixels:
        """uint8 [height, width, 3], decoded again where that was long ago. Raises PictureError."""
        return _decode(self.data, "the picture")[1]

    def data_url(self) -> str:
        """As a page or an interface takes it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


_DECODER = Child("galop.pictures.decode_child", SECONDS)
_LOCK = threading.Lock()
_FACTS: OrderedDict[bytes, tuple[str, int, int, bytes]] = OrderedDict()  # by the digest of a file
_LATEST: OrderedDict[bytes, Pixels] = OrderedDict()


def open_picture(data: bytes, name: str = "the picture") -> Picture:
    """The picture in a file's bytes, which errors call `name`.

    PNG, JPEG, WebP, GIF (its first frame), BMP and TIFF are read, turned as their EXIF data say, on white where
    they are transparent. Raises PictureError for what is none of these, damaged, empty or too large.
    """
    key = hashlib.sha256(data).digest()
    with _LOCK:
        if known := _FACTS.get(key):
            _FACTS.move_to_end(key)
            return Picture(data, *known)
    media_type, pixels = _decode(data, name)
    height, width = pixels.shape[:2]
    of_pixels = hashlib.sha256(f"{height} {width} ".encode())
    of_pixels.update(pixels.data)
    with _LOCK:
        _FACTS[key] = (media_type, width, height, digest := of_pixels.digest())
        while len(_FACTS) > KNOWN:
            _FACTS.popitem(last=False)
    return Picture(data, media_type, width, height, digest)


def parse_data(text: str, name: str = "the picture") -> Picture:
    """The picture in a data: URL, or in base64 alone. Raises PictureError, also for any other URL: none is fetched."""
    if found := DATA_URL.match(text[:400]):
        text = text[found.end() :]
    elif re.match(r"[a-z][a-z0-9+.-]{1,20}:", text[:24], re.IGNORECASE):
        scheme = text.partition(":")[0].lower()
        if scheme == "data":
            raise PictureError(f"{name} is a data: URL without base64; send data:image/png;base64,...")
        raise PictureError(
            f"{name} is a URL ({scheme}:), and this server fetches none; send the picture as a data: URL"
        )
    try:
        data = base64.b64decode("".join(text.split()) if len(text.split(None, 1)) > 1 else text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise PictureError(f"{name} is not valid base64") from None
    return open_picture(data, name)


def thumbnail(picture: Picture) -> bytes:
    """A small JPEG of a picture, which nothing but its pixels has gone into. Raises PictureError."""
    return bytes(ask_decoder({"do": "thumbnail", "most": LARGEST}, picture.data, "the picture")["data"])


def check_count(pictures: Sequence[object]) -> None:
    """Raises PictureError for more pictures than a request may have."""
    if len(pictures) > MOST_TOGETHER:
        raise PictureError(f"{len(pictures)} pictures are too many for one request; send {MOST_TOGETHER} at most")


def looks_like_picture(data: bytes) -> bool:
    """Whether bytes begin as a file does that is decoded here, or that is refused as another kind of picture."""
    starts = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
    riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(starts) or riff or (data[4:8] == b"ftyp" and _brand(data) != "")


def refuse_other_kinds(data: bytes, name: str) -> None:
    """Raises PictureError for bytes that are plainly something else than a picture that can be read."""
    if not data:
        raise PictureError(f"{name} is empty: it has 0 bytes")
    if len(data) > MOST_BYTES:
        raise PictureError(f"{name} has {len(data) >> 20} MiB; a picture may have {MOST_BYTES >> 20}")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = next((what for sign, what in HEADERS if start.startswith(sign.lower())), "")
    if data[4:8] == b"ftyp":
        kind = kind or _brand(data)
    if kind:
        raise PictureError(f"{name} is {kind}")


def _brand(data: bytes) -> str:
    """What a file in boxes is, if that is known."""
    brands = {data[at : at + 4].decode("latin-1") for at in (8, *range(16, min(len(data), 64), 4))}
    return next((what for names, what in BRANDS if brands.intersection(names)), "")


def _decode(data: bytes, name: str) -> tuple[str, Pixels]:
    """The media type and the pixels. Raises PictureError."""
    refuse_other_kinds(data, name)
    key = hashlib.sha256(data).digest()
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
