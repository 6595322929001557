"""`galop translate`: a file or a pipe, sentence by sentence, as it comes in; what is written in pictures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.options import Json, Memory, Threads, Yes, parse_size
from galop.cli.screen import note
from galop.terminal import unescaped

if TYPE_CHECKING:
    from galop.backends.protocol import Backend
    from galop.chat.messages import Message
    from galop.cli.attachments import Attachment
    from galop.pictures.picture import Picture

    Part = str | Picture

MAX_LINE = 4 << 20  # bytes
PICTURE_TOKENS = 2048  # of the translation of a picture
LANGUAGES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


app = command_app()


@app.command(
    epilog=examples(
        "galop translate --to fr notes.md",
        "galop translate --to fr menu.jpg",
        "cat letter.txt | galop translate --to German --model qwen3:4b",
    )
)
def translate(
    path: Annotated[
        str, typer.Argument(help="A text or Markdown file, a picture or a PDF; left out, standard input.")
    ] = "",
    to: Annotated[str, typer.Option("--to", help="A language, by name or code.", metavar="LANGUAGE")] = "en",
    model: Annotated[
        str, typer.Option(help="A model's name or path; left out, the best one that fits.", metavar="MODEL")
    ] = "",
    mmproj: Annotated[
        Path | None, typer.Option(help="The file of the vision tower, if not beside the model's.", metavar="FILE")
    ] = None,
    threads: Threads = 0,
    memory: Memory = "",
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Translate a text sentence by sentence, as it comes in, or what is written in a picture; Markdown is kept."""
    from galop.cli.attachments import open_attachment, shows_picture
    from galop.cli.load import choose_model, load_model

    size = parse_size(memory)
    language = LANGUAGES.get(to.lower(), to)
    if not language.replace(" ", "").isalpha() or len(language) > 40:
        raise UsageError(f"--to takes a language such as fr or Occitan, not {to!r}")
    if not path and sys.stdin.isatty():
        raise UsageError("there is nothing to translate: name a file, or pipe a text in")
    if path and not Path(path).is_file():
        raise UsageError(f"there is no file {path}")
    attached = find_attachment(path)
    source, why, _ = choose_model(model, "", size, shows=shows_picture([attached] if attached else []))
    if why:
        note(f"{source.name}: {why}")
    with load_model(source, yes, threads=threads or None, memory=size, mmproj=mmproj) as loaded:
        text: Iterable[Part] = lines_of(open_attachment(attached, loaded, source.name)) if attached else lines(path)
        start = time.monotonic()
        first = 0.0
        words: list[str] = []
        tokens = 0
        for piece, done, translated in pieces(loaded, text, language):
            if translated and not first:
                first = time.monotonic() - start
                if not as_json:
                    note(f"first word after {first:.2f} s")
            words.append(piece)
            tokens += done
            if not as_json:
                print(piece, end="", file=unescaped(sys.stdout), flush=True)
        seconds = time.monotonic() - start
        if as_json:
            data = {"model": source.name, "to": language, "text": "".join(words), "answer_tokens": tokens,
                    "first_word_seconds": round(first, 3), "seconds": round(seconds, 3)}  # fmt: skip
            print(json.dumps(data, ensure_ascii=False))
        else:
            note(f"{tokens} tokens in {seconds:.1f} s")


def find_attachment(path: str) -> Attachment | None:
    """A picture or PDF, by its name or its beginning; None for a text. Raises PictureError, UsageError."""
    from galop.cli.attachments import PIPED, is_attachment, names_file, read_file
    from galop.pictures.file_kinds import MOST_BYTES

    if path:
        with Path(path).open("rb") as file:
            beginning = file.read(1024)
        return read_file(Path(path)) if names_file(path) or is_attachment(beginning) else None
    piped: Any = sys.stdin.buffer
    if not is_attachment(piped.peek(1024)[:1024]):
        return None
    data: bytes = piped.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UsageError(f"standard input has more than {MOST_BYTES >> 20} MiB, which is more than is read of a file")
    return PIPED, data


def lines(path: str) -> Iterator[str]:
    """Lines as they come. Raises UsageError at one that is not UTF-8 or has no end."""
    with Path(path).open("rb") if path else sys.stdin.buffer as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), 1):
            if len(line) == MAX_LINE:
                raise UsageError(f"line {number} has more than {MAX_LINE >> 20} MiB, which is no text to translate")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise UsageError(
                    f"line {number} is not UTF-8; convert the text first, for example with iconv"
                ) from None


def lines_of(opened: Iterable[Part]) -> Iterator[Part]:
    """The lines of a document's pages without their numbers, and its pictures."""
    for part in opened:
        if isinstance(part, str):
            yield from part.splitlines()[1:]
            yield ""
        else:
            yield part


def pieces(model: Backend, parts: Iterable[Part], language: str) -> Iterator[tuple[str, int, bool]]:
    """The translation of lines and pictures as it streams: text, tokens of a sentence or picture that has ended, and
    whether a model said it."""
    from galop.chat.translate import picture_prompt, segments, translation_prompt

    for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
        if is_text:
            for segment in segments(str(line) for line in run):
                if segment.sentence:
                    yield from say(model, translation_prompt(segment.text, language), " ")
                else:
                    yield segment.text, 0, False
        else:
            for picture in run:
                assert not isinstance(picture, str)
                yield from say(model, picture_prompt(picture, language), "\n", PICTURE_TOKENS)
                yield "\n", 0, False


def say(
    model: Backend, prompt: Sequence[Message], line_end: str, most: int | None = None
) -> Iterator[tuple[str, int, bool]]:
    """A reply as `pieces` has it, without blanks before it."""
    from galop.backends.events import Done, Text
    from galop.chat.thinking import Thinking
    from galop.engine.sampling import Sampling

    spoken = False
    for event in model.chat(prompt, sampling=Sampling(), thinking=Thinking(on=False), max_tokens=most):
        if isinstance(event, Text) and not event.thinking:
            piece = event.text if spoken else event.text.lstrip()
            if piece:
                spoken = True
                yield piece.replace("\n", line_end), 0, True
        if isinstance(event, Done):
            yield "", event.answer_tokens, False
