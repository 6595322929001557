"""Pictures and documents beside a question: named among its words, given by --image, or piped in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galop.cli.errors import UsageError
from galop.cli.screen import note
from galop.errors import BlindModelError

if TYPE_CHECKING:
    from galop.backends.protocol import TokenBackend
    from galop.chat.content import Content

LARGEST = 48 << 20  # bytes of a file
ENDINGS = frozenset(".avif .bmp .gif .heic .heif .jpeg .jpg .pdf .png .svg .tif .tiff .webp".split())
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
    """A file's name and content. Raises UsageError for one that cannot be read, or has no end."""
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise UsageError(f"{path} has more than {LARGEST >> 20} MiB, which is more than is read of a picture")
    return path.name, data


def is_attachment(data: bytes) -> bool:
    """Whether what was piped in is a picture or a document."""
    from galop.pictures.document import is_document
    from galop.pictures.picture import looks_like_picture

    return looks_like_picture(data) or is_document(data)


def compose(question: str, attachments: Sequence[Attachment], model: TokenBackend, name: str) -> Content:
    """A question after its pictures and the text of its documents; what was left out of these is said.

    Raises BlindModelError for a picture that the model does not see, PictureError for what cannot be read.
    """
    from galop.chat.content import make_content
    from galop.pictures.document import is_document, open_document
    from galop.pictures.picture import Picture, check_count, open_picture

    sees, parts = model.capabilities.sees, list[str | Picture]()
    for title, data in attachments:
        if is_document(data):
            document = open_document(data, title, sees)
            if document.note:
                note(document.note)
            parts.append(f"{title}:\n\n")
            for part in document.parts:
                parts += [part, "\n\n"]
        elif sees:
            parts.append(open_picture(data, title))
        else:
            raise BlindModelError(name, seeing_models())
    check_count([part for part in parts if isinstance(part, Picture)])
    return make_content([*parts, question])


def seeing_models() -> list[str]:
    """Names of the models on this machine that see pictures."""
    from galop import store
    from galop.store.model_info import find_info

    return [source.name for source in store.list_local() if source.path and find_info(source).sees]
