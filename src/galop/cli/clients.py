"""What each client needs to talk to the server: environment variables, arguments, files. Data for `galop launch`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Client:
    """Environment variables, arguments, a file, and what else is to be done.

    URL, KEY, MODEL, CONTEXT and OUTPUT (tokens of the model, and of a reply) and FILE (where the file is) stand for
    what they say; SEES, INPUTS and CAPABILITIES for whether the model sees pictures, what may be attached, and what
    Continue calls these: clients that do not know a model hold it for blind. `tokens` is what its first prompt and an
    answer take.
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
        "models": {"MODEL": {"name": "MODEL", "limit": {"context": "CONTEXT", "output": "OUTPUT"}, "attachment": True,
                             "modalities": {"input": "INPUTS", "output": ["text"]}}},
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
    "input_cost_per_token": 0, "output_cost_per_token": 0, "supports_vision": "SEES", "supports_pdf_input": True,
}}  # fmt: skip
QWEN = {"model": {"generationConfig": {"modalities": {"image": "SEES", "pdf": True}}}}
CONTINUE = """\
  - name: Galop
    provider: openai
    model: "MODEL"
    apiBase: "URL/v1"
    apiKey: "KEY"
    roles: [chat, edit, apply]
    capabilities: CAPABILITIES
    defaultCompletionOptions: {contextLength: CONTEXT, maxTokens: OUTPUT}
"""


def as_json(value: Any) -> str:
    """With numbers, lists and truths where a placeholder stands for one."""
    return re.sub(r'"(CONTEXT|OUTPUT|SEES|INPUTS)"', r"\1", json.dumps(value))


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
    "qwen": Client(
        "the coding agent Qwen Code",
        {**OPENAI, "OPENAI_MODEL": "MODEL", "QWEN_CODE_SYSTEM_DEFAULTS_PATH": "FILE"},
        ("--auth-type", "openai"),
        as_json(QWEN),
        tokens=32768,
    ),
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
        "- model_id: galop\n  model_name: MODEL\n  api_base: URL/v1\n  vision: true\n"
        "Then: llm keys set openai   (KEY)\n      llm -m galop 'a question'   (-a photo.jpg, where the model sees)",
    ),
    "continue": Client(
        "the editor extension Continue (VS Code, JetBrains)",
        steps=f"Put this under `models:` in ~/.continue/config.yaml:\n{CONTINUE}",
        tokens=8192,
    ),
    "zed": Client(
        "the editor Zed",
        steps='Put this into settings.json:\n"language_models": {"openai_compatible": {"Galop": {"api_url": "URL/v1",\n'
        '  "available_models": [{"name": "MODEL", "max_tokens": CONTEXT,\n'
        '    "capabilities": {"tools": true, "images": SEES, "parallel_tool_calls": true,\n'
        '                     "prompt_cache_key": false}}]}}}',
        tokens=8192,
    ),
}  # fmt: skip
