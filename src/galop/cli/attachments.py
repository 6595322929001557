"""Pictures, documents and texts beside a question: named among its words, given by --image, or piped in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

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
LONGEST = 4096  # characters of a path, and of a question in which files are looked for
QUOTED = r"""'(?P<single>[^']+)'|"(?P<double>[^"]+)"|(?P<plain>(?:\\.|[^\s\\])+)"""
UNESCAPE = partial(re.compile(r"\\(.)").sub, r"\1")
FIRST, LAST = re.compile(rf"\s*(?:{QUOTED})(?:\s+|$)"), re.compile(rf"(?:^|(?<=\s))(?:{QUOTED})\s*$")

Attachment = tuple[str, bytes]
"""A name for people, and what is in the file."""


def split_words(words: Sequence[str]) -> tuple[list[Path], str]:
    """The files among the words of a command, and the question; "-" is what is piped in, which goes with it anyway.

    A word is a file by its ending or, beside a question, by being there; so may be what stands first or last in the
    question itself. Raises UsageError for a URL, a folder and two questions; a file may turn out not to be there.
    """
    files: list[Path] = []
    questions: list[str] = []
    given = [word for word in words if word and (word != "-" or len(words) == 1)]
    for word in given:
        alone = len(given) == 1
        refuse_folder_or_url(word, alone)
        if names_file(word) and not (alone and len(word.split()) > 1 and not local_path(word).is_file()):
            files += find_files(word)
        else:
            questions.append(word)
    if len(questions) > 1:
        files += [path for word in questions if (path := local_path(word)).is_file()]
        questions = [word for word in questions if not local_path(word).is_file()]
    if len(questions) > 1:
        raise UsageError(f"{questions[0][:60]!r} and {questions[1][:60]!r} are two questions; put one in quotes")
    named, question = take_files(questions[0] if questions else "")
    return [*files, *named], question


def refuse_folder_or_url(word: str, alone: bool = False) -> None:
    """Raises UsageError for a word that is a folder or a URL; where it is `alone` it is a question, unless it is the
    URL of a picture."""
    if re.fullmatch(r"https?://\S+", word, re.IGNORECASE) and (not alone or ends_as_file(urlsplit(word).path)):
        raise UsageError(f"{word[:100]} is a URL, and none is fetched; save what is there and name the file")
    if not alone and local_path(word).is_dir():
        raise UsageError(f"{word} is a folder; name the files in it, such as {Path(word) / '*.jpg'}")


def take_files(text: str) -> tuple[list[Path], str]:
    """The pictures and documents that a text begins with, or ends with where their folder is named too, as terminals
    write what is dropped on them, and the rest of it. What is not there is left in the text."""
    files: list[Path] = []
    if len(text) > LONGEST:
        return files, text
    while (found := FIRST.match(text)) and (path := _find_file(found)):
        files.append(path)
        text = text[found.end() :]
    behind: list[Path] = []
    while (found := LAST.search(text)) and (path := _find_file(found)) and path.name != found["plain"]:
        behind.insert(0, path)
        text = text[: found.start()].rstrip()
    return [*files, *behind], text


def take_path(line: str) -> tuple[list[Path], str]:
    """The file that a line begins with, in quotes or not, and the rest: the most words that are a file together, else
    the first. A pattern with * and ? is all the files that match it. Raises UsageError for a URL and a folder."""
    found = FIRST.match(line)
    quoted = found and (found["single"] or found["double"])
    if found and quoted:
        name, rest = quoted, line[found.end() :]
    else:
        words = line.split(" ")
        count = next((n for n in range(len(words), 1, -1) if local_path(" ".join(words[:n])).is_file()), 1)
        name, rest = " ".join(words[:count]), " ".join(words[count:]).strip()
        if count == 1 and found and local_path(plain := UNESCAPE(found["plain"])).exists():
            name, rest = plain, line[found.end() :]
    refuse_folder_or_url(name)
    return find_files(name), rest


def _find_file(found: re.Match[str]) -> Path | None:
    """The picture or document that is there by the name that was found."""
    word = found["single"] or found["double"] or UNESCAPE(found["plain"])
    return path if ends_as_file(word) and (path := local_path(word)).is_file() else None


def find_files(word: str) -> list[Path]:
    """The file of that name, there or not; of a pattern with * and ?, where a shell has not, all that match it."""
    path = local_path(word)
    return ([] if path.exists() or not path.name else sorted(path.parent.glob(path.name))) or [path]


def local_path(word: str) -> Path:
    """A path as it is typed, or as file managers drop it: file:///home/ann/my%20photo.jpg."""
    if word.lower().startswith("file://"):
        word = unquote(urlsplit(word).path)
    return Path(word[:LONGEST]).expanduser() if word.startswith("~") else Path(word[:LONGEST])


def ends_as_file(word: str) -> bool:
    """Whether a word ends as the name of a picture or document does."""
    return word.lower().endswith(ENDINGS)


def names_file(word: str) -> bool:
    """Whether a word names a picture or document, by its ending."""
    is_url = "://" in word and not word.lower().startswith("file://")
    return len(word) < LONGEST and "\n" not in word and not is_url and ends_as_file(word)


def mentions_file(text: str) -> bool:
    """Whether any word of a text ends as the name of a picture or document does."""
    return len(text) < LONGEST and any(ends_as_file(word.strip("'\"")) for word in text.split())


def read_file(path: Path) -> Attachment:
    """A file's name and content. Raises PictureError for one that cannot be read, or has no end."""
    return path.name, read_bytes(path, str(path))


def is_attachment(data: bytes) -> bool:
    """Whether what was piped in is a picture or a document."""
    return looks_like_picture(data) or is_document(data)


def shows_picture(attachments: Sequence[Attachment]) -> bool:
    """Whether one of them can only be seen: a document has text, as far as is known before it is read."""
    return not all(is_document(data) or is_text(title, data) for title, data in attachments)


def is_text(title: str, data: bytes) -> bool:
    """Whether a file is to be quoted: it is neither a picture nor a document, and is called none."""
    return not is_attachment(data) and not ends_as_file(title)


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
    """A picture, a text as it is quoted, or the texts and pictures of a document's pages; what was left out of that is
    said.

    Raises BlindModelError for a picture that the model `name` does not see, PictureError for what cannot be read.
    """
    from galop.chat.content import quote_file
    from galop.pictures.document import open_document
    from galop.pictures.picture import open_picture
    from galop.store.seeing import seeing_models

    title, data = attachment
    if is_document(data):
        document = open_document(data, title, model.capabilities.sees)
        if document.note:
            note(document.note)
        return list(document.parts)
    if is_text(title, data):
        return [quote_file(title, data) + "\n\n"]
    if not model.capabilities.sees:
        raise BlindModelError(name, seeing_models())
    return [open_picture(data, title)]
