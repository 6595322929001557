"""`galop launch`: what a client needs to talk to the server, printed or set for a program that is started."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galop.cli.run import UsageError, note
from galop.machine import cache_directory


@dataclass(frozen=True)
class Client:
    """Environment variables, arguments, a file, and what else is to be done.

    URL, KEY, MODEL, CONTEXT and OUTPUT (tokens of the model, and of a reply) and FILE (where the file is) stand for
    what they say. `tokens` is what its first prompt and an answer take.
    """

    about: str
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()  # after the program's name
    file: str = ""
    steps: str = ""
    tokens: int = 0


OPENAI = {"OPENAI_BASE_URL": "URL/v1", "OPENAI_API_KEY": "KEY"}
OPENCODE = {
    "$schema": "https://opencode.ai/config.json", "autoupdate": False, "share": "disabled",
    "model": "galop/MODEL", "small_model": "galop/MODEL",
    "provider": {"galop": {
        "npm": "@ai-sdk/openai-compatible", "name": "Galop",
        "options": {"baseURL": "URL/v1", "apiKey": "KEY", "timeout": False},
        "models": {"MODEL": {"name": "MODEL", "limit": {"context": "CONTEXT", "output": "OUTPUT"}}},
    }},
}  # fmt: skip
CODEX = {
    "model": '"MODEL"', "model_provider": '"galop"', "model_context_window": "CONTEXT",
    "model_providers.galop.name": '"Galop"', "model_providers.galop.base_url": '"URL/v1"',
    "model_providers.galop.wire_api": '"responses"', "model_providers.galop.env_key": '"GALOP_KEY"',
    "model_providers.galop.stream_idle_timeout_ms": "3600000",
}  # fmt: skip
AIDER = {"openai/MODEL": {
    "max_input_tokens": "CONTEXT", "max_output_tokens": "OUTPUT", "litellm_provider": "openai", "mode": "chat",
    "input_cost_per_token": 0, "output_cost_per_token": 0,
}}  # fmt: skip
CONTINUE = """\
  - name: Galop
    provider: openai
    model: "MODEL"
    apiBase: "URL/v1"
    apiKey: "KEY"
    roles: [chat, edit, apply]
    capabilities: [tool_use]
    defaultCompletionOptions: {contextLength: CONTEXT, maxTokens: OUTPUT}
"""


def as_json(value: Any) -> str:
    """With numbers where a placeholder stands for one."""
    return json.dumps(value).replace('"CONTEXT"', "CONTEXT").replace('"OUTPUT"', "OUTPUT")


CLIENTS = {
    "openai": Client("OpenAI's SDKs, and what is made with them", OPENAI),
    "anthropic": Client("Anthropic's SDKs", {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_API_KEY": "KEY"}),
    "claude": Client(
        "the coding agent Claude Code",
        {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_AUTH_TOKEN": "KEY", "ANTHROPIC_MODEL": "MODEL",
         "ANTHROPIC_SMALL_FAST_MODEL": "MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "MODEL",
         "ANTHROPIC_DEFAULT_SONNET_MODEL": "MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL": "MODEL",
         "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "OUTPUT", "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "CONTEXT",
         "CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
         "API_TIMEOUT_MS": "3600000"},
        tokens=24576,
    ),
    "codex": Client(
        "the coding agent Codex",
        {"GALOP_KEY": "KEY"},
        tuple(part for name, value in CODEX.items() for part in ("-c", f"{name}={value}")),
        tokens=16384,
    ),
    "opencode": Client("the coding agent opencode", {"OPENCODE_CONFIG_CONTENT": as_json(OPENCODE)}, tokens=16384),
    "qwen": Client("the coding agent Qwen Code", {**OPENAI, "OPENAI_MODEL": "MODEL"}, ("--auth-type", "openai"),
                   tokens=32768),
    "cn": Client(
        "Continue's command line",
        {"CONTINUE_TELEMETRY_ENABLED": "0"},
        ("--config", "FILE"),
        f"name: Galop\nversion: 1.0.0\nschema: v1\nmodels:\n{CONTINUE}",
        tokens=8192,
    ),
    "aider": Client(
        "the coding agent Aider",
        {"OPENAI_API_BASE": "URL/v1", "OPENAI_API_KEY": "KEY", "AIDER_MODEL": "openai/MODEL",
         "AIDER_MODEL_METADATA_FILE": "FILE", "AIDER_ANALYTICS": "false", "AIDER_CHECK_UPDATE": "false"},
        file=as_json(AIDER),
        tokens=8192,
    ),
    "ollama": Client("the command `ollama`, and its libraries", {"OLLAMA_HOST": "URL"}),
    "llm": Client(
        "the command `llm`",
        steps="Put this into extra-openai-models.yaml, in the folder that `llm logs path` names:\n"
        "- model_id: galop\n  model_name: MODEL\n  api_base: URL/v1\n"
        "Then: llm keys set openai   (KEY)\n      llm -m galop 'a question'",
    ),
    "continue": Client(
        "the editor extension Continue (VS Code, JetBrains)",
        steps=f"Put this under `models:` in ~/.continue/config.yaml:\n{CONTINUE}",
        tokens=8192,
    ),
    "zed": Client(
        "the editor Zed",
        steps='Put this into settings.json:\n"language_models": {"openai_compatible": {"Galop": {"api_url": "URL/v1",\n'
        '  "available_models": [{"name": "MODEL", "max_tokens": CONTEXT}]}}}',
        tokens=8192,
    ),
}  # fmt: skip


def launch_client(name: str, command: list[str], url: str, model: str, key: str) -> None:
    """Prints what to set for a client; with a command, sets it and starts that, with its exit code."""
    if not name:
        for known, client in CLIENTS.items():
            print(f"{known:10} {client.about}")
        return
    if name not in CLIENTS:
        raise UsageError(f"no client is called {name!r}; known are {', '.join(CLIENTS)}")
    client = CLIENTS[name]
    model = model or first_model(url, key)
    values = {"URL": url.rstrip("/"), "KEY": key or "none", "MODEL": model}
    if client.tokens:
        context = context_of(url, model, key, client.tokens)
        values |= {"CONTEXT": str(context), "OUTPUT": str(min(8192, context // 4))}
        if context < client.tokens:
            note(f"{model} holds {context} tokens here, and {client.about} begins with up to {client.tokens}: serve it "
                 "with a longer --context, or another model")  # fmt: skip
    file = cache_directory() / "launch" / name
    if client.file:
        values["FILE"] = str(file)
        write(file, _filled(client.file, values))
    environment = {variable: _filled(text, values) for variable, text in client.environment.items()}
    arguments = [_filled(text, values) for text in client.arguments]
    if command:
        if not environment:
            raise UsageError(f"{name} is set up in a file, not by variables; see: galop launch {name}")
        try:
            whole = [command[0], *arguments, *command[1:]]
            sys.exit(subprocess.run(whole, env={**os.environ, **environment}).returncode)
        except OSError as error:
            raise UsageError(f"{command[0]} cannot be started: {error.strerror}") from None
    note(f"for {client.about}:")
    for variable, value in environment.items():
        print(f"export {variable}={shlex.quote(value)}")
    if arguments:
        print(f"{name} {shlex.join(arguments)}")
    if client.steps:
        print(_filled(client.steps, values))


def write(path: Path, text: str) -> None:
    """For the owner alone, since a key stands in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _filled(text: str, values: dict[str, str]) -> str:
    """With what the placeholders stand for; between quotation marks as JSON, TOML and YAML write it."""

    def value(found: re.Match[str]) -> str:
        said = values[found[0]]
        return json.dumps(said)[1:-1] if text.count('"', 0, found.start()) % 2 else said

    return re.sub(rf"\b({'|'.join(values)})\b", value, text)


def first_model(url: str, key: str) -> str:
    """The model the server answers with when none is named. Raises UsageError if it does not answer."""
    models = asked(url, "/v1/models", key)["data"]
    if not models:
        raise UsageError(f"the server at {url} has no models; get one with: galop pull smollm2:135m")
    return str(models[0]["id"])


def context_of(url: str, model: str, key: str, wanted: int) -> int:
    """Tokens that a conversation may take, for which the model is loaded; what is wanted where no server says."""
    try:
        return int(asked(url, "/tokenize", key, {"model": model, "content": ""})["max_model_len"])
    except UsageError as error:
        note(f"{error}; so it is not known how much the model holds")
        return wanted


def asked(url: str, path: str, key: str, body: Any = None) -> Any:
    """What the server answers. Raises UsageError if it does not."""
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{url.rstrip('/')}{path}", data, headers), timeout=300 if body else 5) as reply:
            return json.load(reply)
    except HTTPError as error:
        try:
            reason = json.load(error)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            reason = f"{error.code} {error.reason}"
        raise UsageError(f"the server at {url}: {reason}") from None
    except (URLError, OSError, ValueError, KeyError) as error:
        reason = getattr(error, "reason", error)
        raise UsageError(f"no server answers at {url} ({reason}); start one with: galop serve, or name --url") from None
