"""The command line. Only typer is imported here; each command loads what it needs when it runs."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import typer.core

from galop.errors import GalopError
from galop.terminal import guard

app = typer.Typer(
    name="galop",
    help="Find the open model that answers your questions on your CPU.",
    epilog="Examples: galop run 'Why is the sky blue?' · galop run qwen3:0.6b · cat error.log | galop run 'explain'",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Memory = Annotated[str, typer.Option(help="Memory the model may use in all, such as 6GiB.", metavar="SIZE")]
Threads = Annotated[int, typer.Option(help="Threads; by default the cores this process may use.", min=0, max=1024)]
Context = Annotated[int, typer.Option(help="Most tokens a conversation may take.", min=0)]
KV = Annotated[
    Literal["f16", "int8"], typer.Option(help="How keys and values are kept; int8 takes half the memory of f16.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading from a third party.")]


@app.command(
    epilog="Examples: galop run 'What is 2+2?' · galop run smollm2:135m 'Hi' · galop run ./model.gguf --json 'Hi'"
)
def run(
    model: Annotated[str, typer.Argument(help="A model's name or path; left out, the best one that fits.")] = "",
    prompt: Annotated[str, typer.Argument(help="The question; left out, a conversation begins.")] = "",
    system: Annotated[str, typer.Option(help="Instructions that come before the conversation.")] = "",
    temperature: Annotated[float | None, typer.Option(help="0 always takes the likeliest token.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Keep the likeliest tokens up to this probability.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Keep this many of the likeliest tokens; 0 keeps all.")] = None,
    min_p: Annotated[float | None, typer.Option(help="Keep tokens this likely relative to the likeliest.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same answer.")] = None,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of the answer.", min=0)] = 0,
    context: Context = 0,
    threads: Threads = 0,
    memory: Memory = "",
    kv: KV = "f16",
    draft: Annotated[str, typer.Option(help="A smaller model of the same tokens that guesses ahead.")] = "",
    think: Annotated[bool | None, typer.Option("--think/--no-think", help="Think before the answer, or not.")] = None,
    think_budget: Annotated[int | None, typer.Option(help="Most tokens of thinking.", min=0)] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option("--tools", help="science, or an MCP server's URL or command line; may be given again."),
    ] = None,
    schema: Annotated[str, typer.Option(help="Answer in JSON of this schema: a file, or itself.", metavar="JSON")] = "",
    regex: Annotated[str, typer.Option(help="Answer with a text that this pattern matches.")] = "",
    grammar: Annotated[
        Path | None, typer.Option(help="Answer by the Lark grammar in this file.", metavar="FILE")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue the text as it is, without a chat template.")] = False,
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Ask a model: one question, a pipe, or a conversation."""
    from galop.chat.thinking import Thinking
    from galop.cli.run import Options, ask, form_of

    given = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p, "seed": seed}
    ask(
        model,
        prompt,
        Options(
            system=system,
            sampling={name: value for name, value in given.items() if value is not None},
            max_tokens=max_tokens or None,
            context=context or None,
            threads=threads or None,
            memory=parse_size(memory),
            kv=kv,
            draft=draft,
            raw=raw,
            thinking=Thinking(think, think_budget),
            form=form_of(schema, regex, grammar),
            tools=tools or [],
            json=json,
            yes=yes,
        ),
    )


@app.command(epilog="Examples: galop pull qwen3:0.6b · galop pull hf:unsloth/Qwen3-0.6B-GGUF:Q4_K_M")
def pull(model: str, yes: Yes = False) -> None:
    """Download a model."""
    from galop.cli.store import pull_model

    pull_model(model, yes)


@app.command("list", epilog="Examples: galop list · galop list --all --json")
def list_(
    all: Annotated[bool, typer.Option("--all", help="Also what is not on this machine.")] = False, json: Json = False
) -> None:
    """List models on this machine, or all that are known."""
    from galop.cli.store import list_models

    list_models(all, json)


@app.command(epilog="Examples: galop show qwen3:0.6b · galop show smollm2:135m --plan")
def show(
    model: str,
    plan: Annotated[bool, typer.Option("--plan", help="Print the forward pass op by op.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check the packed weights against their checksums.")] = False,
    context: Context = 0,
    json: Json = False,
) -> None:
    """Describe a model: architecture, quantisation, memory, template, licence."""
    from galop.cli.store import show_model

    show_model(model, plan, verify, context or None, json)


@app.command(epilog="Example: galop rm smollm2:135m")
def rm(model: str) -> None:
    """Delete a model's files and what was made from them."""
    from galop.cli.store import remove_model

    remove_model(model)


@app.command(
    epilog="Examples: galop science · galop science isp --help · "
    "galop science isp --fuel LH2 --oxidiser LOX --of 6 --pressure 70bar --area-ratio 40",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def science(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A formula; left out, they are listed.")] = "",
) -> None:
    """Compute with a formula: rockets, electrochemistry, fluids, units."""
    from galop.cli.science import answer

    if name == "--help" or (not name and "--help" in context.args):
        print(context.get_help())
    else:
        answer(name, context.args)


@app.command(epilog="Example, for a client such as Claude Desktop: the command galop with the argument mcp")
def mcp() -> None:
    """Offer the formulas of `galop science` to any MCP client, on standard input and output."""
    try:
        from galop.agent.mcp import serve_formulas
    except ImportError as error:
        raise GalopError(f"this needs {error.name}; install it with: pip install 'galop[science]'") from None
    serve_formulas()


@app.command(epilog="Examples: galop train mini --quick · galop train mini --size 1.2m --minutes 30")
def train(
    recipe: Annotated[str, typer.Argument(help="What to make: mini, a Qwen3 family in miniature.")],
    stage: Annotated[str, typer.Option(help="One stage of the recipe, or all of them.")] = "all",
    size: Annotated[str, typer.Option(help="0.4m, 1.2m, 3.5m, 11m or moe.")] = "0.4m",
    seed: Annotated[int, typer.Option(help="The same seed makes the same model.", min=0)] = 0,
    minutes: Annotated[float, typer.Option(help="Stop after so long; the same command goes on.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Where checkpoints are kept.", metavar="FOLDER")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Addition alone, all stages in a few minutes.")] = False,
    json: Json = False,
) -> None:
    """Make a small thinking model from nothing, on this CPU (needs galop[tune])."""
    from galop.cli.train import train_mini

    train_mini(recipe, stage, size, seed, minutes, out, quick, json)


@app.command(epilog="Examples: galop bench · galop bench qwen3:0.6b smollm2:135m · galop bench --profile --json")
def bench(
    models: Annotated[list[str] | None, typer.Argument(help="Names or paths; left out, what `run` would take.")] = None,
    threads: Threads = 0,
    context: Context = 0,
    kv: KV = "f16",
    repeats: Annotated[int, typer.Option(help="Times each work is done; the median is shown.", min=1)] = 5,
    profile: Annotated[bool, typer.Option("--profile", help="Also where the time of a token goes.")] = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    yes: Yes = False,
) -> None:
    """Measure how fast a model runs here, and how near that is to what this machine can do."""
    from galop.cli.bench import bench_models

    bench_models(models or [], threads, context, kv, repeats, profile, json, csv, yes)


@app.command(
    epilog="Examples: galop serve · galop serve qwen3:4b --memory 8GiB · galop serve --host 0.0.0.0 (needs keys)"
)
def serve(
    models: Annotated[list[str] | None, typer.Argument(help="Loaded at once; the first answers by default.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8000,
    memory: Annotated[str, typer.Option(help="For all models together, such as 8GiB.", metavar="SIZE")] = "",
    context: Context = 0,
    kv: KV = "f16",
    threads: Threads = 0,
    parallel: Annotated[int, typer.Option(help="Answers in the making at once.", min=1, max=1024)] = 64,
    queue: Annotated[int, typer.Option(help="Requests that may wait; more are told to come back.", min=1)] = 512,
    keep_alive: Annotated[float, typer.Option(help="Minutes an unused model stays in memory; 0 for ever.", min=0)] = 0,
    keep_conversations: Annotated[
        bool,
        typer.Option(help="Keep what was read of conversations on disk, so that a restart need not read it again."),
    ] = True,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name this server goes by.", metavar="NAME")] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Whose web pages may ask, such as https://example.org.", metavar="ORIGIN")
    ] = None,
    yes: Yes = False,
) -> None:
    """Serve models over HTTP: the OpenAI, Anthropic and Ollama interfaces, and a page to talk to."""
    from galop.cli.serve import serve_models
    from galop.server.loaded import Limits

    limits = Limits(parse_size(memory) or 0, context or None, kv, threads or None, parallel, queue, 60 * keep_alive,
                    keep_conversations)  # fmt: skip
    serve_models(models or [], host, port, limits, allow_host or [], allow_origin or [], yes)


@app.command(
    epilog="Examples: galop launch · galop launch openai · galop launch claude -- claude · eval $(galop launch ollama)"
)
def launch(
    client: Annotated[str, typer.Argument(help="A client's name; left out, those that are known.")] = "",
    command: Annotated[list[str] | None, typer.Argument(help="What to start, with everything set.")] = None,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8000",
    model: Annotated[str, typer.Option(help="The model to use; by default the server's first.")] = "",
    key: Annotated[str, typer.Option(help="The server's key.", envvar="GALOP_KEY")] = "",
) -> None:
    """Print what a client needs to talk to the server, or start it so."""
    from galop.cli.launch import launch_client

    launch_client(client, command or [], url, model, key)


@app.command(
    epilog="Examples: galop translate --to fr notes.md · cat letter.txt | galop translate --to German --model qwen3:4b"
)
def translate(
    path: Annotated[str, typer.Argument(help="A text or Markdown file; left out, standard input.")] = "",
    to: Annotated[str, typer.Option("--to", help="A language, by name or code.")] = "en",
    model: Annotated[str, typer.Option(help="A model's name or path; left out, the best one that fits.")] = "",
    threads: Threads = 0,
    memory: Memory = "",
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Translate a text sentence by sentence, as it comes in; Markdown is kept."""
    from galop.cli.run import Options
    from galop.cli.translate import translate_text

    options = Options(threads=threads or None, memory=parse_size(memory), json=json, yes=yes)
    translate_text(path, to, model, options)


@app.command(epilog="Examples: galop fit · galop fit --task reasoning --memory 4GiB · galop fit --json")
def fit(
    task: Annotated[str, typer.Option(help="Recommend by the recorded races on this set.")] = "science",
    context: Annotated[int, typer.Option(help="Tokens a conversation may take.", min=512)] = 8192,
    memory: Memory = "",
    json: Json = False,
) -> None:
    """Tell which models fit this machine, how fast they should be, and which to take for a task."""
    from galop.cli.fit import show_fit

    show_fit(task, context, parse_size(memory), json)


class RaceGroup(typer.core.TyperGroup):
    """`galop race A B` races; `galop race show` and its like are about what was recorded."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


race = typer.Typer(
    cls=RaceGroup,
    help="Race models on your questions: galop race LANE LANE... --on SET, or one of the commands below.",
    epilog="Examples: galop race smollm2:135m qwen2.5-coder:1.5b@tools --on science · galop race run --help",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(race, name="race")
RaceName = Annotated[str, typer.Argument(help="A race's name or folder; left out, the last one.", metavar="RACE")]
Open = Annotated[bool, typer.Option("--open", help="Open the report in a browser.")]


@race.command(
    "run",
    epilog="Examples: galop race qwen3:0.6b qwen3:1.7b@think:512 --on questions.jsonl · "
    "galop race qwen3:4b xai:grok-4.3@tools --on science --limit 60 --budget 2usd",
)
def race_run(
    lanes: Annotated[
        list[str],
        typer.Argument(
            help="MODEL or MODEL@WAY: plain, think:TOKENS, vote:ANSWERS, code, tools. A model is one of this machine, "
            "or xai:, openai:, google:, deepseek:, dashscope:, openrouter:, ollama: and its name, or url:ADDRESS#NAME.",
            metavar="LANE...",
        ),
    ],
    on: Annotated[
        str, typer.Option("--on", help="science, reasoning, a .jsonl or .csv file, or inspect:TASK.", metavar="SET")
    ] = "science",
    limit: Annotated[int, typer.Option(help="So many questions; 0 for the set's own number.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="The same seed asks the same questions.", min=0)] = 0,
    lang: Annotated[Literal["en", "fr", "both"], typer.Option(help="Language of the science questions.")] = "en",
    together: Annotated[
        int, typer.Option(help="Questions asked at once: faster, but then no times are shown.", min=1, max=256)
    ] = 1,
    budget: Annotated[str, typer.Option(help="Most that interfaces may cost, such as 2usd.")] = "",
    out: Annotated[Path | None, typer.Option(help="Where the race is recorded.", metavar="FOLDER")] = None,
    open: Open = False,
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Ask several models the same questions; interrupted, the same command goes on."""
    from galop.cli.race import race_models

    race_models(lanes, on, limit, seed, lang, together, budget, out, open, json, yes)


@race.command("show", epilog="Examples: galop race show · galop race show science-2026-11-25-1 --open")
def race_show(
    name: RaceName = "",
    meter: Annotated[
        Path | None, typer.Option(help="A wall meter's CSV with columns time and watts.", metavar="FILE")
    ] = None,
    open: Open = False,
    json: Json = False,
) -> None:
    """Draw a recorded race's report again; nobody is asked."""
    from galop.cli.race import show_race

    show_race(name, meter, open, json)


@race.command("list", epilog="Example: galop race list --json")
def race_list(json: Json = False) -> None:
    """List recorded races."""
    from galop.cli.race import list_races

    list_races(json)


@race.command("join", epilog="Example: galop race join monday tuesday --out both")
def race_join(
    names: Annotated[list[str], typer.Argument(metavar="RACE...")],
    out: Annotated[Path | None, typer.Option(help="Where the joined race is kept.", metavar="FOLDER")] = None,
) -> None:
    """Make one race of several that asked the same questions."""
    from galop.cli.race import join_races

    join_races(names, out)


@race.command("export", epilog="Examples: galop race export > lanes.csv · galop race export --answers > answers.csv")
def race_export(
    name: RaceName = "",
    answers: Annotated[bool, typer.Option("--answers", help="A line for each answer.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values; there is no other form.")] = True,
) -> None:
    """Print a recorded race as CSV."""
    from galop.cli.race import export_race

    export_race(name, answers)


@race.command("history", epilog="Example: galop race history")
def race_history(json: Json = False) -> None:
    """Best open against best closed model over all recorded races."""
    from galop.cli.race import history

    history(json)


keys = typer.Typer(help="Keys of the server's users.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")


@keys.command("add", epilog="Example: galop keys add ann --models 'qwen3:*' --tokens-per-minute 20000 --tier preview")
def keys_add(
    name: str,
    models: Annotated[str, typer.Option(help="Patterns of the models it may use, between commas.")] = "*",
    tokens_per_minute: Annotated[int, typer.Option(help="0 for no limit.", min=0)] = 0,
    tier: Annotated[str, typer.Option(help="`preview` also sees early releases.")] = "",
) -> None:
    """Make a key and print it, once."""
    from galop.cli.keys import add_key

    add_key(name, models, tokens_per_minute, tier)


@keys.command("list", epilog="Example: galop keys list --json")
def keys_list(json: Json = False) -> None:
    """List keys by name; what they are is not kept."""
    from galop.cli.keys import list_keys

    list_keys(json)


@keys.command("rm", epilog="Example: galop keys rm ann")
def keys_rm(name: str) -> None:
    """Remove a key; a running server refuses it from the next request on."""
    from galop.cli.keys import remove_key

    remove_key(name)


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from galop.version import __version__

        print(f"galop {__version__}")
        raise typer.Exit


def parse_size(text: str) -> int | None:
    """`6GiB`, `6G`, `512MB` in bytes; None for an empty text. Raises typer.BadParameter."""
    if not text:
        return None
    import re

    match = re.fullmatch(r"\s*([\d.]{1,15})\s*([kmgt]?)(i?b?)\s*", text.lower())
    with contextlib.suppress(ValueError):
        if match and (size := int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))) > 0:
            return size
    raise typer.BadParameter(f"{text!r} is not a size such as 6GiB or 512MB")


def main() -> None:
    """The `galop` command. Exit codes: 0 done, 1 failed, 2 wrong use or bad file, 130 interrupted."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by who started this, and whatever is said goes nowhere
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character gets a stand-in
    guard()
    try:
        app()
    except GalopError as error:
        print("galop: " + str(error).replace("\n", "\\n"), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        sys.exit(141)
    except MemoryError:
        print("galop: out of memory; take a smaller model or --context", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"galop: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
