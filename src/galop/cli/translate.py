"""`galop translate`: a file or a pipe, sentence by sentence, as it comes in."""

from __future__ import annotations

import json as jsonlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from galop import store
from galop.backends.local import Done, Model, Text
from galop.chat.thinking import Thinking
from galop.chat.translate import messages, segments
from galop.cli.run import MAX_FORM, Options, UsageError, load, note
from galop.engine.sampling import Sampling
from galop.terminal import as_it_is

LANGUAGES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def translate_text(path: str, to: str, model_name: str, options: Options) -> None:
    language = LANGUAGES.get(to.lower(), to)
    if not language.replace(" ", "").isalpha() or len(language) > 40:
        raise UsageError(f"--to takes a language such as fr or Occitan, not {to!r}")
    if not path and sys.stdin.isatty():
        raise UsageError("there is nothing to translate: name a file, or pipe a text in")
    if path and not Path(path).is_file():
        raise UsageError(f"there is no file {path}")
    source, why = (store.settle(store.locate(model_name)), "") if model_name else store.default(options.memory)
    if why:
        note(f"{source.name}: {why}")
    with load(source, options) as model:
        start = time.monotonic()
        first = 0.0
        words: list[str] = []
        tokens = 0
        for piece, done, translated in pieces(model, lines(path), language):
            if translated and not first:
                first = time.monotonic() - start
                if not options.json:
                    note(f"first word after {first:.2f} s")
            words.append(piece)
            tokens += done
            if not options.json:
                print(piece, end="", file=as_it_is(sys.stdout), flush=True)
        seconds = time.monotonic() - start
        if options.json:
            told = {"model": source.name, "to": language, "text": "".join(words), "answer_tokens": tokens,
                    "first_word_seconds": round(first, 3), "seconds": round(seconds, 3)}  # fmt: skip
            print(jsonlib.dumps(told, ensure_ascii=False))
        else:
            note(f"{tokens} tokens in {seconds:.1f} s")


def lines(path: str) -> Iterator[str]:
    """Lines as they come. Raises UsageError at one that is not UTF-8 or has no end."""
    with Path(path).open("rb") if path else sys.stdin.buffer as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_FORM), b""), 1):
            if len(line) == MAX_FORM:
                raise UsageError(f"line {number} has more than {MAX_FORM >> 20} MiB, which is no text to translate")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise UsageError(
                    f"line {number} is not UTF-8; convert the text first, for example with iconv"
                ) from None


def pieces(model: Model, text: Iterator[str], language: str) -> Iterator[tuple[str, int, bool]]:
    """The translation as it streams: text, tokens of a sentence that has ended, and whether a model said it."""
    for segment in segments(text):
        if not segment.sentence:
            yield segment.text, 0, False
            continue
        spoken = False
        asked = messages(segment.text, language)
        for event in model.chat(asked, sampling=Sampling(), thinking=Thinking(on=False)):
            if isinstance(event, Text) and not event.thinking:
                piece = event.text if spoken else event.text.lstrip()
                if piece:
                    spoken = True
                    yield piece.replace("\n", " "), 0, True
            if isinstance(event, Done):
                yield "", event.answer_tokens, False
