"""Runs llama.cpp's server tests, from a checkout of yours, against Galop, and records what came of each.

    pip install wget pytest openai aiohttp requests prometheus-client
    python bench/llama_server_tests.py PATH_TO_LLAMA_CPP          # writes results/llama_server_tests.json
    python bench/llama_server_tests.py PATH_TO_LLAMA_CPP -k infill

Their tests start `llama-server` themselves; here that is this file again (`launch`), which leads to a `galop serve` of
a small model, one for all tests that want the same context and keys. Three things are adapted, since they hang on the
weights they test with or on a server of one model: words that answers must contain are not compared, names of models in
requests are dropped, and the weights are others.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MODEL, CODER = "smollm2:135m", "qwen2.5-coder:0.5b"
HERE = Path(__file__).resolve()
RECORD = HERE.parent.parent / "results" / "llama_server_tests.json"

# Whole files that are about what Galop does not claim.
NOT_CLAIMED = {
    "test_lora": "LoRA adapters are not claimed", "test_slot_save": "slots are llama-server's own",
    "test_router": "its router starts servers; Galop holds several models itself", "test_proxy": "its page's proxy",
    "test_mcp_servers": "its page's MCP servers", "test_tools_builtin": "its page's built-in tools",
    "test_vision_api": "asks a hub's model about pictures", "test_sleep": "its sleeping; --keep-alive unloads here",
    "test_ctx_shift": "contexts are not shifted: a conversation that is too long is told so",
    "test_kv_keep_only_active": "slots are llama-server's own", "test_compat_gcp": "Vertex AI's shape is not claimed",
    "test_speculative": "its options and counts of drafting", "test_stream": "resuming of streams is its own",
    "test_template": "sets templates at the command line; tests/ compares templates with transformers instead",
    "test_metrics": "names of metrics, headers and slots of its own; /metrics has vLLM's names here",
}  # fmt: skip

# Of the rest, what cannot pass, and why: a pattern of the test's name, and of what it said.
REASONS: tuple[tuple[str, str, str], ...] = (
    ("props|slots", "", "/props and /slots tell of llama-server's own settings and slots"),
    ("server_models|aliases", "", "one model under an alias is expected; all models of the machine are listed"),
    ("multiple_addresses", "", "one address is listened on"),
    ("no_ui", "", "the page cannot be switched off"),
    ("", "__verbose", "looks into __verbose, which is llama-server's own, for another model's template"),
    ("apply_chat_template", "", "sets another template at the command line"),
    ("", "'' is None", "the first chunk's content is \"\", as OpenAI's is, and not null"),
    ("context_size_exceeded", "", "the error's type is OpenAI's; code, n_prompt_tokens and n_ctx are the same"),
    ("messages7", "", "two assistant turns at the end are taken: the last is continued"),
    ("token_count", "", "/chat/completions/input_tokens is llama-server's own; /tokenize counts here"),
    ("empty_messages", "", "an empty list of messages is refused, as by Anthropic"),
    ("anthropic_thinking$", "", "a budget below 1,024 is refused, as by Anthropic"),
    ("thinking_history_in", "", "needs a model whose template shows thinking"),
    ("vision|with_image", "", "the model in place of theirs has no eyes: images are refused by name (400, not 500)"),
    ("telemetry", "", "timings and progress are not told in Responses"),
    ("stream_vs_non_stream", "", "relies on a seed given at the command line"),
    ("pooling_none", "", "pooling cannot be chosen"),
    ("prompt_too_long", "", "the message has other words; the code is context_length_exceeded"),
    ("embedding_usage|rerank_usage|multiple", "", "counts tokens of its own model"),
    ("test_rerank$", "", "expects the ranking of its own model"),
    ("tei", "", "TEI's shape is not claimed"),
    ("logit_bias", "KeyError", "looks into settings that are llama-server's own"),
    ("static_assets", "", "the page asks for the key too"),
    ("cors", "", "other origins are refused with 403 unless --allow-origin names them; nothing is proxied"),
    ("media_file", "", "media are refused by name"),
    ("infill_with", "400", "needs a model that fills in the middle"),
    ("cancel_request", "", "/slots tells of llama-server's own slots"),
    ("prompt_cache|nocache_long", "", "counts tokens of its own model"),
    ("response_fields", "<s>", "the model in place of theirs has no BOS"),
    ("tokens_input|json_prompt|mixed_input|content_text_same", "400",
     "texts, token ids and objects mixed in one prompt are not taken"),
    ("logit_bias\\[", "400", "texts as keys of an object are not taken; as pairs in a list they are"),
    ("post_", "400", "post_sampling_probs is refused by name"),
    ("tool_call_fast", "non empty", "the first chunk's content is \"\", as OpenAI's is, and not null"),
    ("bos", "", "the model in place of theirs has no BOS"),
    ("chat_completion\\[|completion_stream\\[|completion\\[|cached_tokens|return_progress", r"assert \d+ == \d+",
     "counts tokens of its own model"),
    ("", "huggingface", "needs a model from Hugging Face"),
)  # fmt: skip


def launch(args: list[str]) -> None:
    """What the tests take for llama-server: a way to a server of ours, which stays for the next that wants the same."""
    parser = argparse.ArgumentParser()
    for name in ("--host", "--api-key", "--hf-repo", "--model"):
        parser.add_argument(name, default="")
    for name in ("--port", "--ctx-size", "--parallel"):
        parser.add_argument(name, type=int, default=0)
    parser.add_argument("--kv-unified", action="store_true")
    given, _ = parser.parse_known_args(args)
    context = given.ctx_size or 2048
    if given.parallel > 1 and not given.kv_unified:
        context //= given.parallel  # each slot has its share
    model = CODER if "infill" in given.hf_repo + given.model else MODEL
    port = serving(model, context, given.api_key)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(forward(given.host or "127.0.0.1", given.port, port))


def serving(model: str, context: int, api_key: str) -> int:
    """The port of a server, started if there is none like it yet."""
    pool = Path(os.environ["GALOP_POOL"])
    home = pool / hashlib.sha256(f"{model} {context} {api_key}".encode()).hexdigest()[:16]
    if not (home / "port").exists():
        (home / "data" / "galop").mkdir(parents=True, exist_ok=True)
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "galop" / "models"
        (home / "data/galop/models").symlink_to(data)
        (home / "config/galop").mkdir(parents=True)
        keys = [
            {"name": f"key{i}", "hash": hashlib.sha256(key.encode()).hexdigest(), "last4": key[-4:]}
            for i, key in enumerate(api_key.split(","))
        ]
        if api_key:
            (home / "config/galop/keys.json").write_text(json.dumps(keys))
        environment = {**os.environ, "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data")}
        command = [sys.executable, "-m", "galop", "serve", model, "--port", "0", "--context", str(context)]
        log = (home / "log").open("w")
        process = subprocess.Popen(
            [*command, "--no-keep-conversations"], stdout=log, stderr=log, env=environment, start_new_session=True
        )
        (home / "pid").write_text(str(process.pid))
        while not (found := re.search(r"serves at http://[^:]+:(\d+)", (home / "log").read_text())):
            if process.poll() is not None:
                sys.exit((home / "log").read_text())
            time.sleep(0.05)
        (home / "port").write_text(found[1])
    return int((home / "port").read_text())


async def forward(host: str, port: int, to: int) -> None:
    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    async with await asyncio.start_server(connected, host, port) as server:
        await server.serve_forever()


def pytest_configure() -> None:
    """As a plugin of their pytest: see above."""
    import requests
    import utils  # theirs
    from openai._base_client import BaseClient

    utils.match_regex = lambda *_: True
    post, build = requests.post, BaseClient._build_request

    def without(body: Any) -> Any:
        return {k: v for k, v in body.items() if k != "model"} if isinstance(body, dict) else body

    def built(self: Any, options: Any, **more: Any) -> Any:
        options.json_data = without(options.json_data)
        return build(self, options, **more)

    requests.post = lambda *args, **more: post(*args, **(more | {"json": without(more.get("json"))}))
    BaseClient._build_request = built


def run(checkout: Path, chosen: str) -> dict[str, dict[str, str]]:
    tests = checkout / "tools" / "server" / "tests"
    with tempfile.TemporaryDirectory() as folder:
        server = Path(folder) / "llama-server"
        server.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}" launch "$@"\n')
        server.chmod(0o755)
        report = Path(folder) / "report.xml"
        path = os.pathsep.join([str(HERE.parent), str(tests), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "LLAMA_SERVER_BIN_PATH": str(server), "PYTHONPATH": path, "GALOP_POOL": folder}
        files = [str(f) for f in sorted((tests / "unit").glob("test_*.py")) if f.stem not in NOT_CLAIMED]
        command = [sys.executable, "-m", "pytest", "-q", "-p", HERE.stem, f"--junit-xml={report}", "-m", "not slow"]
        try:
            subprocess.run([*command, *(["-k", chosen] if chosen else []), *files], cwd=tests, env=environment)
        finally:
            for pid in Path(folder).glob("*/pid"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid.read_text()), signal.SIGTERM)
        found: dict[str, dict[str, str]] = {}
        for case in ET.parse(report).getroot().iter("testcase"):
            if not case.get("classname"):  # the whole run, where it was cut short
                continue
            name = f"{case.get('classname', '').removeprefix('unit.')}::{case.get('name')}"
            bad = next((e for e in case if e.tag in ("failure", "error", "skipped")), None)
            if bad is None:
                found[name] = {"outcome": "passed"}
                continue
            text = f"{bad.get('message', '')}\n{bad.text or ''}"
            if bad.tag == "skipped":
                found[name] = {"outcome": "skipped", "reason": f"llama.cpp skips it: {bad.get('message', '')[:80]}"}
                continue
            why = next((r for test, said, r in REASONS if re.search(test, name) and re.search(said, text)), "")
            said = [line[2:].strip() for line in text.splitlines() if line.startswith("E ")]
            found[name] = {"outcome": "failed", "reason": why or "not looked into yet", "said": " ".join(said)[:300]}
    return found


def main() -> None:
    if sys.argv[1:2] == ["launch"]:
        launch(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("-k", default="", help="only tests whose names match, as for pytest")
    given = parser.parse_args()
    results = run(given.checkout.resolve(), given.k)
    known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() and given.k else {"tests": {}}
    record = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "model": MODEL, "not_claimed": NOT_CLAIMED,
        "tests": {n: r for n, r in sorted((known["tests"] | results).items()) if n.split("::")[0] not in NOT_CLAIMED},
    }  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    outcomes = [r["outcome"] for r in results.values()]
    print({outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))})


if __name__ == "__main__":
    main()
