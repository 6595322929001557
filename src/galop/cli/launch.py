"""`galop launch`: what a client needs to talk to the server, printed or set for a program that is started."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from galop.cli.clients import CLIENTS
from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.screen import note
from galop.machine import cache_directory

app = command_app()


@app.command(
    epilog=examples(
        "galop launch", "galop launch openai", "galop launch claude -- claude", "eval $(galop launch ollama)"
    )
)
def launch(
    client: Annotated[str, typer.Argument(help="A client's name; left out, those that are known.")] = "",
    command: Annotated[list[str] | None, typer.Argument(help="What to start, with everything set.")] = None,
    url: Annotated[str, typer.Option(help="Where the server is.", metavar="URL")] = "http://127.0.0.1:8000",
    model: Annotated[str, typer.Option(help="The model to use; by default the server's first.", metavar="MODEL")] = "",
    key: Annotated[str, typer.Option(help="The server's key.", metavar="KEY", envvar="GALOP_KEY")] = "",
) -> None:
    """Print what a client needs to talk to the server, or start the client with it."""
    if not client:
        for name, known in CLIENTS.items():
            print(f"{name:10} {known.about}")
        return
    if client not in CLIENTS:
        raise UsageError(f"no client is called {client!r}; known are {', '.join(CLIENTS)}")
    needs = CLIENTS[client]
    model = model or first_model(url, key)
    values = {"URL": url.rstrip("/"), "KEY": key or "none", "MODEL": model}
    if needs.tokens:
        context = context_of(url, model, key, needs.tokens)
        values |= {"CONTEXT": str(context), "OUTPUT": str(min(8192, context // 4))}
        sees = sees_pictures(url, model, key)
        values |= {"SEES": str(sees).lower(), "INPUTS": json.dumps(["text", "pdf", *["image"] * sees]),
                   "CAPABILITIES": "[tool_use, image_input]" if sees else "[tool_use]"}  # fmt: skip
        if context < needs.tokens:
            note(f"{model} holds {context} tokens here, and {needs.about} begins with up to {needs.tokens}: serve it "
                 "with a longer --context, or another model")  # fmt: skip
    if needs.file:
        file = cache_directory() / "launch" / client
        values["FILE"] = str(file)
        write(file, fill(needs.file, values))
    environment = {variable: fill(text, values) for variable, text in needs.environment.items()}
    arguments = [fill(text, values) for text in needs.arguments]
    if command:
        if not environment:
            raise UsageError(f"{client} is set up in a file, not by variables; see: galop launch {client}")
        sys.exit(start([command[0], *arguments, *command[1:]], environment))
    note(f"for {needs.about}:")
    for variable, value in environment.items():
        print(f"export {variable}={shlex.quote(value)}")
    if arguments:
        print(f"{client} {shlex.join(arguments)}")
    if needs.steps:
        print(fill(needs.steps, values))


def start(command: list[str], environment: dict[str, str]) -> int:
    """Runs a program to its end and returns its exit code. Raises UsageError if it cannot be started."""
    try:
        return subprocess.run(command, env={**os.environ, **environment}).returncode
    except OSError as error:
        raise UsageError(f"{command[0]} cannot be started: {error.strerror}") from None


def write(path: Path, text: str) -> None:
    """For the owner alone, since a key stands in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def fill(text: str, values: dict[str, str]) -> str:
    """With what the placeholders stand for; between quotation marks as JSON, TOML and YAML write it."""

    def value(placeholder: re.Match[str]) -> str:
        plain = values[placeholder[0]]
        return json.dumps(plain)[1:-1] if text.count('"', 0, placeholder.start()) % 2 else plain

    return re.sub(rf"\b({'|'.join(values)})\b", value, text)


def first_model(url: str, key: str) -> str:
    """The model the server answers with when none is named. Raises UsageError if it does not answer."""
    models = ask(url, "/v1/models", key)["data"]
    if not models:
        raise UsageError(f"the server at {url} has no models; get one with: galop pull smollm2:135m")
    return str(models[0]["id"])


def context_of(url: str, model: str, key: str, wanted: int) -> int:
    """Tokens that a conversation may take, for which the model is loaded; what is wanted where no server says."""
    try:
        return int(ask(url, "/tokenize", key, {"model": model, "content": ""})["max_model_len"])
    except UsageError as error:
        note(f"{error}; so it is not known how much the model holds")
        return wanted


def sees_pictures(url: str, model: str, key: str) -> bool:
    """Whether a model does; not where no server says."""
    try:
        return "image" in ask(url, f"/v1/models/{quote(model, safe='')}", key)["architecture"]["input_modalities"]
    except (UsageError, KeyError):
        return False


def ask(url: str, path: str, key: str, body: Any = None) -> Any:
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
