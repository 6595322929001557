"""Pictures and files of a request: decoded in their order, within the time that it may take."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from galop.chat.content import quote_file
from galop.errors import DocumentError, PictureError
from galop.pictures.document import open_document
from galop.pictures.file_kinds import is_document, looks_like_picture
from galop.pictures.picture import Picture, decode_url, open_picture, parse_data

DECODING_SECONDS = 30.0  # after which no more of a request is decoded
FindFile = Callable[[str], tuple[str, bytes]]
"""The name and content of what was sent to /v1/files before, by its id. Raises DocumentError where there is none."""


def find_nothing(file_id: str) -> tuple[str, bytes]:
    """For where no files are kept: raises DocumentError."""
    raise DocumentError(f"no files are kept here, so none has the file_id {file_id[:60]!r}; send it in base64")


class FileData(BaseModel):
    """A file as OpenAI's clients send it; where it is instead, if it is not here."""

    model_config = ConfigDict(strict=True, extra="ignore")
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None


class MediaReader:
    """Opens what a request of an owner shows, for a model that `sees` or does not."""

    def __init__(self, sees: bool, find: FindFile = find_nothing, owner: str = "") -> None:
        self.sees, self.owner = sees, owner
        self._find = find
        self._begun = time.monotonic()
        self._pictures = self._files = 0

    def open_picture(self, url: str) -> Picture:
        """The picture in a data: URL or in base64. Raises PictureError."""
        self._pictures += 1
        name = f"picture {self._pictures} of the request"
        self._check_time(name)
        return parse_data(url, name, self.owner)

    def open_file(self, file: FileData) -> list[str | Picture]:
        """A PDF's pages, a picture, or a text. Raises PictureError, DocumentError for what is none of these."""
        self._files += 1
        number = f"file {self._files} of the request"
        name = " ".join((file.filename or "").split())[:100] or number
        self._check_time(number)
        if file.file_data is not None:
            try:
                data = decode_url(file.file_data, number)
            except PictureError as error:
                raise DocumentError(str(error)) from None
        elif file.file_id:
            kept, data = self._find(file.file_id)
            name = name if file.filename else kept
        else:
            url = f"is a URL ({file.file_url[:60]}), and this server fetches none" if file.file_url else "has no data"
            raise DocumentError(f"{number} {url}; send it in base64 as file_data, or to /v1/files and its file_id")
        if not data:
            raise DocumentError(f"{name} is empty: it has 0 bytes")
        if is_document(data):
            document = open_document(data, name, self.sees, self.owner)
            found: list[str | Picture] = [f"{name}:\n\n"]
            for part in document.parts:
                found += [part, "\n\n"]
            return [*found, f"[{document.note}]\n\n"] if document.note else found
        if looks_like_picture(data):
            if not self.sees:
                return [f"[{name}, a picture: only text can be read]"]
            return [open_picture(data, name, self.owner)]
        return [f"{quote_file(name, data)}\n\n"]

    def _check_time(self, name: str) -> None:
        if time.monotonic() - self._begun > DECODING_SECONDS:
            raise PictureError(
                f"{name} would take too long to decode after those before it; send fewer or smaller ones"
            )
