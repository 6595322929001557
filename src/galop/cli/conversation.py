"""A conversation at the terminal, with history, several lines and commands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from galop.chat.content import make_content
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.cli.attachments import Attachment, compose, read_file, take_files, take_path
from galop.cli.errors import UsageError
from galop.cli.interrupt import catch_interrupts
from galop.cli.reply import ChatSession, check_thinking, figures_line, print_reply
from galop.cli.screen import note
from galop.engine.sampling import Sampling
from galop.errors import GalopError, PictureError
from galop.machine import data_directory, private, private_folder
from galop.pictures.picture import parse_data

HELP = """\
/help                  this
/clear                 forget the conversation
/set NAME VALUE        temperature, top_p, top_k, min_p, seed, max_tokens, system, or think: on, off, or
                       the most tokens of thinking
/image FILE [QUESTION] show a picture, a PDF or a text with this question or the next; a picture that is named
                       or dropped before or after a question is shown too
/show                  the model and its settings
/save NAME, /load NAME keep a conversation, or go on with one
/bye                   leave (also Ctrl-D)
Begin and end with \"\"\" to write several lines, or press Alt-Enter for a new one. Ctrl-C stops an answer."""


COMMAND = re.compile(r"/[^/\s]*(\s|$)")  # a path that is dropped may begin with / too


class Conversation:
    """The messages so far, and the commands that change them and the session."""

    def __init__(self, session: ChatSession) -> None:
        self.session = session
        self.messages: list[Message] = []
        self.attachments: list[Attachment] = []  # of the next question

    def reply(self, text: str) -> None:
        """Asks, prints the answer and remembers both; a stopped answer is kept as far as it went."""
        try:
            content = compose(text, self.attachments, self.session.model, self.session.name)
        except GalopError as error:
            note(f"galop: {error}")
            return
        finally:
            self.attachments = []
        self.messages.append({"role": "user", "content": content})
        opening = self.session.opening()
        messages = [*opening, *self.messages]
        try:
            with catch_interrupts() as interrupted:  # between two tokens
                reply = print_reply(self.session.reply(messages, interrupted))
            print()
            note(figures_line(reply.done))
        except GalopError as error:
            self.messages.pop()
            note(f"galop: {error}")
            return
        if reply.results:
            self.messages = messages[len(opening) :]
            return
        thinking = {"reasoning_content": reply.thinking} if reply.thinking else {}
        self.messages.append({"role": "assistant", "content": reply.text, **thinking})

    def command(self, line: str) -> bool:
        """Carries out a /command; False to leave. Raises OSError where a file cannot be read or written."""
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        match word:
            case "/bye" | "/exit" | "/quit":
                return False
            case "/help" | "/?":
                note(HELP)
            case "/clear":
                self.messages.clear()
                note("the conversation is forgotten")
            case "/show":
                session = self.session
                settings = {**asdict(session.sampling), "max_tokens": session.max_tokens, "system": session.system}
                text = ", ".join(f"{k} {v}" for k, v in settings.items() if v not in (None, ""))
                note(f"{session.name}: context {session.model.context}, {len(self.messages)} messages; {text}")
            case "/set":
                self.set(*rest.partition(" ")[::2])
            case "/image":
                self.show(rest)
            case "/save":
                self.save(rest)
            case "/load":
                self.load(rest)
            case _:
                note(f"there is no command {word}; /help lists them")
        return True

    def show(self, line: str) -> None:
        """Attaches a file to the question that stands after it, or to the next one; or says why that cannot be."""
        if not line:
            note("name a file: /image photo.jpg What is this?")
            return
        try:
            files, question = take_path(line)
        except UsageError as error:
            note(f"galop: {error}")
            return
        self.ask(files, question)

    def ask(self, files: Sequence[Path], question: str) -> None:
        """Asks about files, or keeps them for the next question; or says why they cannot be read."""
        try:
            self.attachments += [read_file(path) for path in files]
        except PictureError as error:
            note(f"galop: {error}")
            return
        if question:
            self.reply(question)
        else:
            names = " and ".join(path.name for path in files)
            note(f"{names} {'goes' if len(files) == 1 else 'go'} with the next question")

    def set(self, name: str, value: str) -> None:
        """Changes a setting, or says why that cannot be."""
        try:
            if name == "system":
                self.session.system = value
            elif name == "think":
                self._think(value)
            elif name == "max_tokens":
                self.session.max_tokens = _natural(value) or None
            elif name in ("temperature", "top_p", "min_p", "presence_penalty", "repetition_penalty"):
                self._choose(name, float(value))
            elif name in ("top_k", "seed"):
                self._choose(name, int(value))
            else:
                note(f"there is no setting {name!r}; /help lists them")
                return
        except UsageError as error:
            note(str(error))
            return
        except ValueError as error:
            note(f"{name} cannot be {value!r}: {error}")
            return
        note(f"{name} is {value}")

    def _think(self, value: str) -> None:
        thinking = Thinking(on=value == "on") if value in ("on", "off") else Thinking(budget=_natural(value))
        check_thinking(self.session.model, thinking)
        self.session.thinking = thinking

    def _choose(self, name: str, value: Any) -> None:
        Sampling(**{name: value})  # raises ValueError for one out of range
        self.session.chosen[name] = value

    def save(self, name: str) -> None:
        """Keeps the conversation under a name. Raises OSError."""
        path = _path(name)
        if path is None:
            return
        private_folder(path.parent)
        temporary = path.with_suffix(".incomplete")
        messages = [write_pictures(message) for message in self.messages]
        content = {"model": self.session.name, "system": self.session.system, "messages": messages}
        with open(temporary, "w", encoding="utf-8", opener=private) as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
        temporary.replace(path)
        note(f"saved to {path}")

    def load(self, name: str) -> None:
        """Goes on with one that was kept, or says why it cannot. Raises OSError."""
        path = _path(name)
        if path is None:
            return
        try:
            saved = json.loads(path.read_text("utf-8"))
            messages = [read_pictures(message) for message in saved["messages"]]
            if not all(m["role"] in ("user", "assistant", "tool") for m in messages):
                raise ValueError
        except FileNotFoundError:
            note(f"there is no conversation {path}")
            return
        except (ValueError, KeyError, TypeError, AttributeError, PictureError):
            note(f"{path} is not a saved conversation")
            return
        self.messages, self.session.system = messages, str(saved.get("system", ""))
        note(f"{len(messages)} messages from {path}")


def write_pictures(message: Message) -> Message:
    """A message as JSON can hold it, its pictures as data: URLs."""
    if isinstance(message["content"], str):
        return message
    parts = [{"type": "image_url", "image_url": {"url": p["picture"].data_url()}} if "picture" in p else p
             for p in message["content"]]  # fmt: skip
    return {**message, "content": parts}


def read_pictures(message: Message) -> Message:
    """The message that `write_pictures` wrote. Raises what comes of anything else: ValueError, KeyError, TypeError,
    AttributeError, PictureError."""
    content = message["content"]
    if isinstance(content, str):
        return message
    parts = [p["text"] if p["type"] == "text" else parse_data(p["image_url"]["url"]) for p in content]
    return {**message, "content": make_content(parts)}


def _natural(text: str) -> int:
    """Raises ValueError for what is not a number from 0 on."""
    number = int(text)
    if number < 0:
        raise ValueError("it is negative")
    return number


def _path(name: str) -> Path | None:
    if not re.fullmatch(r"[\w-][\w.-]{0,99}", name):
        note("give a name of letters, digits, dots and dashes")
        return None
    return data_directory() / "conversations" / f"{name}.json"


def converse(session: ChatSession, attachments: Sequence[Attachment] = ()) -> None:
    """Reads questions and commands until the person leaves; the first question is asked with the `attachments`."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.key_binding import KeyBindings

    history = data_directory() / "history"
    private_folder(history.parent)
    open(history, "ab", opener=private).close()
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    commands = ["/help", "/clear", "/image", "/set", "/show", "/save", "/load", "/bye"]
    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        auto_suggest=AutoSuggestFromHistory(),
        completer=WordCompleter(commands, sentence=True),
        complete_while_typing=False,
        key_bindings=keys,
    )
    conversation = Conversation(session)
    conversation.attachments += attachments
    note(f"{session.name}, context {session.model.context} tokens; /help for commands, Ctrl-D to leave")
    while True:
        try:
            text = prompt.prompt(">>> ")
            if text.lstrip().startswith('"""'):
                while text.count('"""') < 2:
                    text += "\n" + prompt.prompt("... ")
                text = text.strip().removeprefix('"""').removesuffix('"""').strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if not text.strip():
            continue
        if COMMAND.match(text):
            try:
                if not conversation.command(text.strip()):
                    return
            except OSError as error:
                note(f"galop: {error.filename}: {error.strerror}")
            continue
        files, question = take_files(text.strip())
        if files:
            conversation.ask(files, question)
        else:
            conversation.reply(text)
