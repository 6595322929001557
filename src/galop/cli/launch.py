"""`galop launch`: what a client needs to talk to the server, printed or set for a program that is started."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

from galop.cli.run import UsageError, note


@dataclass(frozen=True)
class Client:
    """Environment variables, and what else is to be done; URL, KEY and MODEL stand for what they say."""

    about: str
    environment: dict[str, str] = field(default_factory=dict)
    steps: str = ""


OPENAI = {"OPENAI_BASE_URL": "URL/v1", "OPENAI_API_KEY": "KEY"}
CLIENTS = {
    "openai": Client("OpenAI's SDKs, and what is made with them", OPENAI),
    "anthropic": Client("Anthropic's SDKs", {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_API_KEY": "KEY"}),
    "claude": Client(
        "the coding agent Claude Code",
        {"ANTHROPIC_BASE_URL": "URL", "ANTHROPIC_AUTH_TOKEN": "KEY", "ANTHROPIC_MODEL": "MODEL",
         "ANTHROPIC_SMALL_FAST_MODEL": "MODEL"},
    ),
    "aider": Client("the coding agent Aider", {"OPENAI_API_BASE": "URL/v1", "OPENAI_API_KEY": "KEY",
                                                "AIDER_MODEL": "openai/MODEL"}),
    "ollama": Client("the command `ollama`, and its libraries", {"OLLAMA_HOST": "URL"}),
    "llm": Client(
        "the command `llm`",
        steps="Put this into extra-openai-models.yaml, in the folder that `llm logs path` names:\n"
        "- model_id: galop\n  model_name: MODEL\n  api_base: URL/v1\n"
        "Then: llm keys set openai   (KEY)\n      llm -m galop 'a question'",
    ),
    "continue": Client(
        "the editor extension Continue (VS Code, JetBrains)",
        steps="Put this under `models:` in ~/.continue/config.yaml:\n"
        "  - name: Galop\n    provider: openai\n    model: MODEL\n    apiBase: URL/v1\n    apiKey: KEY\n"
        "    roles: [chat, edit, apply]",
    ),
    "zed": Client(
        "the editor Zed",
        steps='Put this into settings.json:\n"language_models": {"openai_compatible": {"Galop": {"api_url": "URL/v1",\n'
        '  "available_models": [{"name": "MODEL", "max_tokens": 8192}]}}}',
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
    environment = {variable: _filled(text, values) for variable, text in client.environment.items()}
    if command:
        if not environment:
            raise UsageError(f"{name} is set up in a file, not by variables; see: galop launch {name}")
        try:
            sys.exit(subprocess.run(command, env={**os.environ, **environment}).returncode)
        except OSError as error:
            raise UsageError(f"{command[0]} cannot be started: {error.strerror}") from None
    note(f"for {client.about}:")
    for variable, value in environment.items():
        print(f"export {variable}={shlex.quote(value)}")
    if client.steps:
        print(_filled(client.steps, values))


def _filled(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def first_model(url: str, key: str) -> str:
    """The model the server answers with when none is named. Raises UsageError if it does not answer."""
    import json
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    request = Request(f"{url.rstrip('/')}/v1/models", headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urlopen(request, timeout=5) as reply:
            models = json.load(reply)["data"]
    except (URLError, OSError, ValueError, KeyError) as error:
        reason = getattr(error, "reason", error)
        raise UsageError(f"no server answers at {url} ({reason}); start one with: galop serve, or name --url") from None
    if not models:
        raise UsageError(f"the server at {url} has no models; get one with: galop pull smollm2:135m")
    return str(models[0]["id"])
