"""A PDF from untrusted bytes: the text of its pages, and pictures of those that have none, for a model that sees."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from galop.errors import DocumentError, PictureError
from galop.pictures.file_kinds import MOST_BYTES
from galop.pictures.picture import Picture, ask_decoder, digest_for, open_picture

MOST_PAGES = 300
PAGE_PIXELS = 1 << 21  # of a page that is a picture
KEPT = 32 << 20  # bytes of the latest, since every turn of a conversation brings its documents again


@dataclass(frozen=True)
class ReadDocument:
    """What was read of a document: in the order of its pages, texts and pictures."""

    name: str
    pages: int  # it has, read or not
    parts: tuple[str | Picture, ...]
    note: str = ""  # what was left out, in a sentence; "" for nothing

    @property
    def pictures(self) -> list[Picture]:
        """Those of its pages that are pictures."""
        return [part for part in self.parts if isinstance(part, Picture)]


_LOCK = threading.Lock()
_LATEST: OrderedDict[tuple[bytes, str, bool], ReadDocument] = OrderedDict()  # by the digest of a file


def open_document(data: bytes, name: str, sees: bool, owner: str = "") -> ReadDocument:
    """A PDF's pages, as pictures where there is no text on them and the model `sees`.

    Raises DocumentError for what is damaged, protected or too large, and where nothing of it can be read.
    """
    if len(data) > MOST_BYTES:
        raise DocumentError(f"{name} has {len(data) >> 20} MiB; a document may have {MOST_BYTES >> 20}")
    key = (digest_for(owner, data), name, sees)
    with _LOCK:
        if known := _LATEST.get(key):
            _LATEST.move_to_end(key)
            return known
    try:
        found = _read(data, name, sees, owner)
    except PictureError as error:
        raise DocumentError(str(error)) from None
    with _LOCK:
        _LATEST[key] = found
        while sum(map(_bytes_of, _LATEST.values())) > KEPT:
            _LATEST.popitem(last=False)
    return found


def _bytes_of(document: ReadDocument) -> int:
    return sum(len(part) if isinstance(part, str) else len(part.data) for part in document.parts)


def _read(data: bytes, name: str, sees: bool, owner: str) -> ReadDocument:
    asked = {"do": "document", "most_pages": MOST_PAGES, "sees": sees, "most": PAGE_PIXELS}
    answer = ask_decoder(asked, data, name)
    drawn, start = {}, 0
    for at, size in answer["scans"]:
        drawn[at] = answer["data"][start : start + size]
        start += size
    parts: list[str | Picture] = []
    for at, text in enumerate(answer["texts"]):
        if at in drawn:
            parts += [f"[page {at + 1}]", open_picture(drawn[at], f"page {at + 1} of {name}", owner)]
        elif text:
            parts.append(f"[page {at + 1}]\n{text}")
    pages, left_out = int(answer["pages"]), int(answer["left_out"])
    notes = []
    if pages > MOST_PAGES:
        notes.append(f"of {pages} pages the first {MOST_PAGES} were read")
    if left_out:
        what = "1 page without text is" if left_out == 1 else f"{left_out} pages without text are"
        notes.append(f"{what} left out" + ("" if sees else ", since this model sees no pictures"))
    if answer["cut"]:
        notes.append("its text is longer than is read, and was cut off")
    note = f"{name}: {'; '.join(notes)}" if notes else ""
    if not parts:
        raise PictureError(f"{note}; take a model that sees" if left_out and not sees else f"{name} has no text on it")
    return ReadDocument(name, pages, tuple(parts), note)
