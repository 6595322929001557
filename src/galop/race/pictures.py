"""The pictures of a set of questions: found beside its file, decoded before any model is asked, kept in the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from galop.errors import PictureError
from galop.machine import private, private_folder
from galop.pictures.file_kinds import read_file
from galop.pictures.picture import Picture, open_file, open_picture, thumbnail
from galop.race.question import PICTURES, Question, QuestionPicture, QuestionSetError

COLUMNS = ("image", "images")
MOST_EACH = 16  # pictures of a question
MOST_KEPT = 2 << 30  # bytes of all pictures of a race, which its record has copies of
SIDE = 320  # pixels of what the report shows of a picture
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/bmp": "bmp",
           "image/tiff": "tiff"}  # fmt: skip


def find_pictures(row: dict[str, Any], folder: Path, where: str) -> tuple[QuestionPicture, ...]:
    """Those that a row names, beside the file that it stands in; in a CSV a semicolon parts several.

    Raises QuestionSetError for a URL, a file that is not there, and one that is not within `folder`: whoever wrote the
    set must not choose what else of this machine a model is shown.
    """
    cell = next((row[column] for column in COLUMNS if column in row), None)
    if cell is None:
        return ()
    names = cell if isinstance(cell, list) else [cell]
    if names == [cell] and isinstance(cell, str) and ";" in cell and not _is_file(folder / cell):
        names = [part.strip() for part in cell.split(";") if part.strip()]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise QuestionSetError(f"{where}: image has to be a path, or a list of paths")
    if len(names) > MOST_EACH:
        raise QuestionSetError(f"{where} shows {len(names)} pictures; {MOST_EACH} are the most of a question")
    return tuple(QuestionPicture(name, "", _locate(name, folder, where)) for name in names)


def _locate(name: str, folder: Path, where: str) -> Path:
    """The file of a picture. Raises QuestionSetError."""
    if "://" in name or name.lower().startswith("data:"):
        raise QuestionSetError(f"{where}: image has to be a path beside the set, not a URL ({name[:60]})")
    try:
        found = (folder / name).resolve()
        inside = found.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        raise QuestionSetError(f"{where}: {name[:200]!r} is no path") from None
    if not inside:
        raise QuestionSetError(f"{where}: {name[:200]} is not within the folder of the set; put the picture beside it")
    if not _is_file(found):
        raise QuestionSetError(f"{where}: there is no picture {name[:200]} beside the set")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def look_at_pictures(questions: Iterable[Question], name: str) -> list[Question]:
    """The questions of the set `name` with the files of their pictures named, each of which is decoded once.

    Raises PictureError for one that cannot be, QuestionSetError where they are too large together.
    """
    known: dict[Path, str] = {}
    total = 0

    def look(question: Question, image: QuestionPicture) -> QuestionPicture:
        nonlocal total
        if image.path not in known:
            where = f"{name}, question {question.id}: {image.name}"
            data = read_file(image.path, where)
            total += len(data)
            if total > MOST_KEPT:
                raise QuestionSetError(f"the pictures of {name} have more than {MOST_KEPT >> 30} GiB; take fewer")
            picture = open_picture(data, where)
            ending = ENDINGS.get(picture.media_type, "img")
            known[image.path] = f"{hashlib.sha256(data).hexdigest()[:32]}.{ending}"
        return replace(image, file=known[image.path])

    return [
        replace(question, images=tuple(look(question, image) for image in question.images)) if question.images
        else question for question in questions
    ]  # fmt: skip


def keep_pictures(questions: Sequence[Question], folder: Path) -> list[Question]:
    """The questions of a record in `folder`, which from then on has their pictures, large and small.

    Raises PictureError for one that has changed since it was looked at, OSError where it cannot be written.
    """
    if not any(question.images for question in questions):
        return list(questions)
    private_folder(folder / PICTURES)

    def keep(image: QuestionPicture) -> QuestionPicture:
        kept = replace(image, path=folder / PICTURES / image.file)
        if not kept.small.exists():
            data = read_file(image.path, image.name)
            if not image.file.startswith(hashlib.sha256(data).hexdigest()[:32]):
                raise PictureError(f"{image.name} has changed meanwhile; begin the race again")
            _write(kept.path, data)
            _write(kept.small, thumbnail(open_picture(data, image.name), SIDE))
        return kept

    return [replace(question, images=tuple(map(keep, question.images))) for question in questions]


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb", opener=private) as file:
        file.write(data)


def write_pictures(question: Question) -> list[list[str]]:
    """As a contender's process is told of them."""
    return [[image.name, str(image.path)] for image in question.images]


def read_pictures(listed: Iterable[Sequence[str]]) -> list[Picture]:
    """What `write_pictures` tells of. Raises PictureError."""
    return [open_file(Path(path), name) for name, path in listed]
