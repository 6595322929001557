"""From messages to token ids, by the checkpoint's own template."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from galop.chat.tokenizer import Tokenizer
from galop.errors import TemplateError

Message = dict[str, Any]
SECONDS = 10.0
# Noncharacters, which no text may contain: they mark text in which control tokens are to be spelled out.
GUARDS = [chr(c) for c in range(0xFDD0, 0xFDF0)]


class Renderer:
    """A child process that renders one template at a time; started early, replaced when it had to be killed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "galop.chat.render"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,  # Ctrl-C at the terminal is the parent's to handle
            )
        return self.process

    def render(self, template: str, variables: dict[str, Any]) -> str:
        """Raises TemplateError if the template fails or takes more than SECONDS."""
        request = json.dumps({"template": template, "variables": variables}).encode() + b"\n"
        with self.lock:
            child = self.start()
            assert child.stdin and child.stdout
            timer = threading.Timer(SECONDS, child.kill)
            timer.start()
            try:
                child.stdin.write(request)
                child.stdin.flush()
                line = child.stdout.readline()
            except BrokenPipeError:
                line = b""
            finally:
                timer.cancel()
            if not line:
                self.close()
                raise TemplateError("the chat template was stopped: it ran too long or used too much memory")
        reply = json.loads(line)
        if "error" in reply:
            raise TemplateError(f"the chat template failed: {reply['error']}")
        return str(reply["text"])

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            self.process = None


class ChatTemplate:
    """The template of one checkpoint and the tokenizer its prompts are for."""

    def __init__(self, source: str | None, tokenizer: Tokenizer) -> None:
        self.source = source
        self.tokenizer = tokenizer
        self.renderer = Renderer()
        names = sorted(tokenizer.added, key=len, reverse=True)
        self.control = re.compile("|".join(map(re.escape, names))) if names else None

    def render(self, messages: Sequence[Message], **variables: Any) -> str:
        """The prompt as text. Raises TemplateError."""
        if self.source is None:
            raise TemplateError("this model has no chat template; use it with raw text (galop run --raw)")
        return self.renderer.render(
            self.source,
            {
                "messages": list(messages),
                "add_generation_prompt": True,
                "bos_token": self.tokenizer.bos_token,
                "eos_token": self.tokenizer.eos_token,
                **variables,
            },
        )

    def encode(self, messages: Sequence[Message], **variables: Any) -> list[int]:
        """The prompt as ids, with one BOS where the model wants one. Raises TemplateError."""
        text = json.dumps([messages, variables], ensure_ascii=False, default=str)
        opening, closing = [g for g in GUARDS if g not in text][:2]
        rendered = self.render(
            [self._guard(m, opening, closing) for m in messages],
            **{name: self._guard_value(value, opening, closing) for name, value in variables.items()},
        )
        ids: list[int] = []
        for i, part in enumerate(re.split(f"{opening}(.*?){closing}", rendered, flags=re.DOTALL)):
            if part:
                ids += self.tokenizer.encode(part) if i % 2 else self.tokenizer.encode_control(part)
        bos = self.tokenizer.id(self.tokenizer.bos_token) if self.tokenizer.add_bos else None
        return [bos, *ids] if bos is not None and ids[:1] != [bos] else ids

    def _guard(self, message: Message, opening: str, closing: str) -> Message:
        keep = ("role", "content") if message.get("role") == "assistant" else ("role",)
        return {k: v if k in keep else self._guard_value(v, opening, closing) for k, v in message.items()} | (
            {"content": self._guard_reply(message.get("content"), opening, closing)} if len(keep) == 2 else {}
        )

    def _guard_reply(self, content: Any, opening: str, closing: str) -> Any:
        """A reply in the history: its thinking tags are the template's to find."""
        if not isinstance(content, str):
            return self._guard_value(content, opening, closing)
        parts = re.split(r"(</?think>)", content)
        return "".join(p if i % 2 else self._guard_value(p, opening, closing) for i, p in enumerate(parts))

    def _guard_value(self, value: Any, opening: str, closing: str) -> Any:
        if isinstance(value, str) and self.control:
            return self.control.sub(lambda m: f"{opening}{m[0]}{closing}", value)
        if isinstance(value, list):
            return [self._guard_value(v, opening, closing) for v in value]
        if isinstance(value, dict):
            return {k: self._guard_value(v, opening, closing) for k, v in value.items()}
        return value
