"""Pictures and documents beside a question: named among its words, given by --image, or piped in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galop.cli.errors import UsageError
from galop.cli.screen import note
from galop.errors import BlindModelError
from galop.pictures.file_kinds import PICTURE_ENDINGS, is_document, looks_like_picture
from galop.pictures.file_kinds import read_file as read_bytes

if TYPE_CHECKING:
    from galop.backends.protocol import TokenBackend
    from galop.chat.content import Content
    from galop.pictures.picture import Picture

ENDINGS = (*PICTURE_ENDINGS, ".pdf", ".svg")  # the last to be told that it is text
PIPED = "standard input"

Attachment = tuple[str, bytes]
"""A name for people, and what is in the file."""


def split_words(words: Sequence[str]) -> tuple[list[Path], str]:
    """The files among the words of a command, and the question. Raises UsageError for a file that is not there, and for
    two questions."""
    files = [Path(word) for word in words if names_file(word)]
    questions = [word for word in words if word and not names_file(word)]
    if len(questions) > 1:
        raise UsageError(f"{questions[0][:60]!r} and {questions[1][:60]!r} are two questions; put one in quotes")
    return files, questions[0] if questions else ""


def names_file(word: str) -> bool:
    """Whether a word names a picture or document, by its ending."""
    return len(word) < 4096 and "\n" not in word and "://" not in word and Path(word).suffix.lower() in ENDINGS


def read_file(path: Path) -> Attachment:
    """A file's name and content. Raises PictureError for one that cannot be read, or has no end."""
    return path.name, read_bytes(path.expanduser(), str(path))


def is_attachment(data: bytes) -> bool:
    """Whether what was piped in is a picture or a document."""
    return looks_like_picture(data) or is_document(data)


def shows_picture(attachments: Sequence[Attachment]) -> bool:
    """Whether one of them can only be seen: a document has text, as far as is known before it is read."""
    return not all(is_document(data) for _, data in attachments)


def compose(question: str, attachments: Sequence[Attachment], model: TokenBackend, name: str) -> Content:
    """A question after its pictures and the text of its documents. Raises what `open_attachment` does."""
    from galop.chat.content import make_content
    from galop.pictures.picture import Picture, check_count

    parts: list[str | Picture] = []
    for title, data in attachments:
        opened = open_attachment((title, data), model, name)
        if is_document(data):
            parts.append(f"{title}:\n\n")
            for part in opened:
                parts += [part, "\n\n"]
        else:
            parts += opened
    check_count([part for part in parts if isinstance(part, Picture)])
    return make_content([*parts, question])


def open_attachment(attachment: Attachment, model: TokenBackend, name: str) -> list[str | Picture]:
    """A picture, or the texts and pictures of a document's pages; what was left out of that is said.

    Raises BlindModelError for a picture that the model `name` does not see, PictureError for what cannot be read.
    """
    from galop.pictures.document import open_document
    from galop.pictures.picture import open_picture
    from galop.store.seeing import seeing_models

    title, data = attachment
    if is_document(data):
        document = open_document(data, title, model.capabilities.sees)
        if document.note:
            note(document.note)
        return list(document.parts)
    if not model.capabilities.sees:
        raise BlindModelError(name, seeing_models())
    return [open_picture(data, title)]
