"""`galop translate`: a file or a pipe, sentence by sentence, as it comes in."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.options import Json, Memory, Threads, Yes, parse_size
from galop.cli.screen import note
from galop.terminal import unescaped

if TYPE_CHECKING:
    from galop.backends.protocol import Backend

MAX_LINE = 4 << 20  # bytes
LANGUAGES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


app = command_app()


@app.command(
    epilog=examples("galop translate --to fr notes.md", "cat letter.txt | galop translate --to German --model qwen3:4b")
)
def translate(
    path: Annotated[str, typer.Argument(help="A text or Markdown file; left out, standard input.")] = "",
    to: Annotated[str, typer.Option("--to", help="A language, by name or code.", metavar="LANGUAGE")] = "en",
    model: Annotated[
        str, typer.Option(help="A model's name or path; left out, the best one that fits.", metavar="MODEL")
    ] = "",
    threads: Threads = 0,
    memory: Memory = "",
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Translate a text sentence by sentence, as it comes in; Markdown is kept."""
    from galop.cli.load import find_model, load_model

    size = parse_size(memory)
    language = LANGUAGES.get(to.lower(), to)
    if not language.replace(" ", "").isalpha() or len(language) > 40:
        raise UsageError(f"--to takes a language such as fr or Occitan, not {to!r}")
    if not path and sys.stdin.isatty():
        raise UsageError("there is nothing to translate: name a file, or pipe a text in")
    if path and not Path(path).is_file():
        raise UsageError(f"there is no file {path}")
    source, why = find_model(model, size)
    if why:
        note(f"{source.name}: {why}")
    with load_model(source, yes, threads=threads or None, memory=size) as loaded:
        start = time.monotonic()
        first = 0.0
        words: list[str] = []
        tokens = 0
        for piece, done, translated in pieces(loaded, lines(path), language):
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


def pieces(model: Backend, text: Iterator[str], language: str) -> Iterator[tuple[str, int, bool]]:
    """The translation as it streams: text, tokens of a sentence that has ended, and whether a model said it."""
    from galop.backends.events import Done, Text
    from galop.chat.thinking import Thinking
    from galop.chat.translate import segments, translation_prompt
    from galop.engine.sampling import Sampling

    for segment in segments(text):
        if not segment.sentence:
            yield segment.text, 0, False
            continue
        spoken = False
        prompt = translation_prompt(segment.text, language)
        for event in model.chat(prompt, sampling=Sampling(), thinking=Thinking(on=False)):
            if isinstance(event, Text) and not event.thinking:
                piece = event.text if spoken else event.text.lstrip()
                if piece:
                    spoken = True
                    yield piece.replace("\n", " "), 0, True
            if isinstance(event, Done):
                yield "", event.answer_tokens, False
