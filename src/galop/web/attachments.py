"""Files that are attached to a question: texts, pictures, and PDFs, whose pages are either."""

from __future__ import annotations

from dataclasses import dataclass, field

from galop.chat.content import LARGEST_TEXT, quote_text
from galop.pictures.document import open_document
from galop.pictures.file_kinds import PICTURE_ENDINGS, is_document, looks_like_picture
from galop.pictures.picture import Picture, open_picture, thumbnail

LARGEST_FILE = 32 << 20  # bytes that a browser may send


@dataclass
class AttachedFile:
    """A file as it goes with a question."""

    name: str
    text: str = ""  # what it adds to the question
    pictures: list[AttachedPicture] = field(default_factory=list)
    note: str = ""  # what was left out of it


@dataclass
class AttachedPicture:
    """A picture with what the page shows of it."""

    name: str
    picture: Picture
    thumbnail: bytes  # a JPEG

    @classmethod
    def of(cls, name: str, picture: Picture) -> AttachedPicture:
        """With its thumbnail. Raises PictureError."""
        return cls(name, picture, thumbnail(picture))


def read_attachment(name: str, data: bytes, sees: bool, owner: str) -> AttachedFile | None:
    """A file that was attached; None for one that is neither text nor a picture nor a PDF, or a text that is too long.

    Takes as long as a picture takes to decode. Raises PictureError for a picture or PDF that cannot be read.
    """
    if is_document(data):
        document = open_document(data, name, sees, owner)
        texts = [part for part in document.parts if isinstance(part, str)]
        pictures = [AttachedPicture.of(f"{name} {i}", p) for i, p in enumerate(document.pictures, 1)]
        return AttachedFile(name, quote_text(name, "\n\n".join(texts)), pictures, document.note)
    if looks_like_picture(data) or name.lower().endswith(PICTURE_ENDINGS):
        return AttachedFile(name, "", [AttachedPicture.of(name, open_picture(data, name, owner))])
    content = data.decode(errors="replace")
    if content.encode() != data or "\x00" in content:
        return None
    return AttachedFile(name, quote_text(name, content)) if len(data) <= LARGEST_TEXT else None
