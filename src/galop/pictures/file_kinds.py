"""What a file of a picture or document is before it is decoded: by its ending, its size and its first bytes."""

from __future__ import annotations

from pathlib import Path

from galop.errors import PictureError

PICTURE_ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl",
)  # fmt: skip
"""Of what is decoded here or told how to be saved."""
MOST_BYTES = 48 << 20  # of a file
JPEG_XL = "JPEG XL, which is not decoded here; save it as JPEG or PNG first"
_HEADERS = (
    (b"%PDF-", "a PDF, which is no picture; give it as a document"),
    (b"<svg", "an SVG drawing, which is text; render it as PNG first"),
    (b"<?xml", "an XML text; render it as PNG first"),
    (b"<!doctype", "a page of HTML, no picture"),
    (b"<html", "a page of HTML, no picture"),
    (b"\xff\x0a", JPEG_XL),
    (b"\x00\x00\x00\x0cJXL ", JPEG_XL),
    (b"\x1aE\xdf\xa3", "a video; take a picture from it first"),
)
# Brands of files in boxes, as ISO 14496-12 has them.
_AVIF = ("avif", "avis")  # of HEIC's general brand, too
_BRANDS = (
    (("heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"), "HEIC, which is not decoded here; save it as JPEG first "
     "(iPhone: Settings, Camera, Formats, Most Compatible)"),
    (("isom", "mp41", "mp42", "qt  ", "M4V "), "a video; take a picture from it first"),
)  # fmt: skip


def read_file(path: Path, name: str) -> bytes:
    """What is in a file. Raises PictureError for one that cannot be read, is no file or has no end."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PictureError(f"{name} cannot be read: {error.strerror or error}") from None
    if len(data) > MOST_BYTES:
        raise PictureError(f"{name} has more than {MOST_BYTES >> 20} MiB, which is more than is read of a file")
    return data


def is_document(data: bytes) -> bool:
    """Whether bytes begin as a PDF does."""
    return data[:1024].lstrip().startswith(b"%PDF-")


def looks_like_picture(data: bytes) -> bool:
    """Whether bytes begin as a file does that is decoded here, or that is refused as another kind of picture."""
    starts = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
    riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(starts) or riff or is_avif(data) or _brand(data) != ""


def is_avif(data: bytes) -> bool:
    """Whether bytes begin as an AVIF file does."""
    return not _brands(data).isdisjoint(_AVIF)


def refuse_other_kinds(data: bytes, name: str) -> None:
    """Raises PictureError for bytes that are plainly something else than a picture that can be read."""
    if not data:
        raise PictureError(f"{name} is empty: it has 0 bytes")
    if len(data) > MOST_BYTES:
        raise PictureError(f"{name} has {len(data) >> 20} MiB; a picture may have {MOST_BYTES >> 20}")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = next((what for sign, what in _HEADERS if start.startswith(sign.lower())), "")
    if kind := kind or _brand(data):
        raise PictureError(f"{name} is {kind}")


def _brand(data: bytes) -> str:
    """What a file in boxes is that is not decoded here, if that is known."""
    if is_avif(data):
        return ""
    return next((what for names, what in _BRANDS if _brands(data).intersection(names)), "")


def _brands(data: bytes) -> set[str]:
    """By which a file in boxes says what it is."""
    if data[4:8] != b"ftyp":
        return set()
    return {data[at : at + 4].decode("latin-1") for at in (8, *range(16, min(len(data), 64), 4))}
