"""A conversation at the terminal, with history, several lines and commands."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from galop.backends.local import Model
from galop.chat.thinking import Thinking
from galop.cli.run import Options, UsageError, check_thinking, note, replied, sampling_of, stream, summary
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.machine import data_directory, private, private_folder

HELP = """\
/help                  this
/clear                 forget the conversation
/set NAME VALUE        temperature, top_p, top_k, min_p, seed, max_tokens, system, or think: on, off, or
                       the most tokens of thinking
/show                  the model and its settings
/save NAME, /load NAME keep a conversation, or go on with one
/bye                   leave (also Ctrl-D)
Begin and end with \"\"\" to write several lines, or press Alt-Enter for a new one. Ctrl-C stops an answer."""


class Conversation:
    def __init__(self, model: Model, name: str, sampling: Sampling, options: Options) -> None:
        self.model = model
        self.name = name
        self.sampling = sampling
        self.chosen = dict(options.sampling)  # whatever the model's card says
        self.system = options.system
        self.max_tokens = options.max_tokens
        self.thinking = options.thinking
        self.options = options
        self.messages: list[dict[str, Any]] = []

    def reply(self, text: str) -> None:
        """Asks, prints the answer and remembers both; a stopped answer is kept as far as it went."""
        self.messages.append({"role": "user", "content": text})
        system = [{"role": "system", "content": self.system}] if self.system else []
        said = [*system, *self.messages]
        options = replace(self.options, thinking=self.thinking, max_tokens=self.max_tokens)
        stopped = _Interrupt()
        try:
            with stopped:
                events = replied(self.model, said, options, sampling=self.sampling, cancelled=lambda: stopped.hit)
                thought, answer, done, results = stream(events)
            print()
            note(summary(done))
        except GalopError as error:
            self.messages.pop()
            note(f"galop: {error}")
            return
        if results:
            self.messages = said[len(system) :]
            return
        thinking = {"reasoning_content": thought} if thought else {}
        self.messages.append({"role": "assistant", "content": answer, **thinking})

    def command(self, line: str) -> bool:
        """Carries out a /command; False to leave."""
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
                settings = {**asdict(self.sampling), "max_tokens": self.max_tokens, "system": self.system}
                shown = ", ".join(f"{k} {v}" for k, v in settings.items() if v not in (None, ""))
                note(f"{self.name}: context {self.model.context}, {len(self.messages)} messages; {shown}")
            case "/set":
                self.set(*rest.partition(" ")[::2])
            case "/save":
                self.save(rest)
            case "/load":
                self.load(rest)
            case _:
                note(f"there is no command {word}; /help lists them")
        return True

    def set(self, name: str, value: str) -> None:
        try:
            if name == "system":
                self.system = value
            elif name == "think":
                self._think(value)
            elif name == "max_tokens":
                if int(value) < 0:
                    raise ValueError("it is negative")
                self.max_tokens = int(value) or None
            elif name in ("temperature", "top_p", "min_p", "presence_penalty", "repetition_penalty"):
                self._change(name, float(value))
            elif name in ("top_k", "seed"):
                self._change(name, int(value))
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
        asked = Thinking(on=value == "on") if value in ("on", "off") else Thinking(budget=int(value))
        if asked.budget is not None and asked.budget < 0:
            raise ValueError("it is negative")
        check_thinking(self.model, asked)
        self.thinking = asked
        self.sampling = sampling_of(self.model, replace(self.options, sampling=self.chosen), asked)

    def _change(self, name: str, value: Any) -> None:
        self.chosen[name] = value
        self.sampling = replace(self.sampling, **{name: value})

    def save(self, name: str) -> None:
        path = _path(name)
        if path is None:
            return
        private_folder(path.parent)
        temporary = path.with_suffix(".incomplete")
        content = {"model": self.name, "system": self.system, "messages": self.messages}
        with open(temporary, "w", encoding="utf-8", opener=private) as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
        temporary.replace(path)
        note(f"saved to {path}")

    def load(self, name: str) -> None:
        path = _path(name)
        if path is None:
            return
        try:
            saved = json.loads(path.read_text("utf-8"))
            messages = saved["messages"]
            if not all(m["role"] in ("user", "assistant", "tool") and isinstance(m["content"], str) for m in messages):
                raise ValueError
        except FileNotFoundError:
            note(f"there is no conversation {path}")
            return
        except (ValueError, KeyError, TypeError):
            note(f"{path} is not a saved conversation")
            return
        self.messages, self.system = messages, str(saved.get("system", ""))
        note(f"{len(messages)} messages from {path}")


class _Interrupt:
    """While an answer streams, Ctrl-C stops it between two tokens instead of ending the program."""

    def __init__(self) -> None:
        self.hit = False

    def __enter__(self) -> _Interrupt:
        import signal

        self.before = signal.signal(signal.SIGINT, self._stop)
        return self

    def _stop(self, *_: object) -> None:
        self.hit = True

    def __exit__(self, *_: object) -> None:
        import signal

        signal.signal(signal.SIGINT, self.before)


def _path(name: str) -> Path | None:
    if not re.fullmatch(r"[\w-][\w.-]{0,99}", name):
        note("give a name of letters, digits, dots and dashes")
        return None
    return data_directory() / "conversations" / f"{name}.json"


def converse(model: Model, name: str, sampling: Sampling, options: Options) -> None:
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

    commands = ["/help", "/clear", "/set", "/show", "/save", "/load", "/bye"]
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        auto_suggest=AutoSuggestFromHistory(),
        completer=WordCompleter(commands, sentence=True),
        complete_while_typing=False,
        key_bindings=keys,
    )
    conversation = Conversation(model, name, sampling, options)
    note(f"{name}, context {model.context} tokens; /help for commands, Ctrl-D to leave")
    while True:
        try:
            text = session.prompt(">>> ")
            if text.lstrip().startswith('"""'):
                while text.count('"""') < 2:
                    text += "\n" + session.prompt("... ")
                text = text.strip().removeprefix('"""').removesuffix('"""').strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if not text.strip():
            continue
        if text.startswith("/"):
            try:
                if not conversation.command(text.strip()):
                    return
            except OSError as error:
                note(f"galop: {error.filename}: {error.strerror}")
            continue
        conversation.reply(text)
