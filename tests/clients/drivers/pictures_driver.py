"""What number is on a picture, and on a page of a PDF that is one: asked by each library as it shows them.

The third argument names library and dialect; card.png and page.pdf lie in the current folder.
"""

import asyncio
import base64
from pathlib import Path
from typing import Any

from said import DIALECT, MODEL, URL, tell

QUESTION = "What number is this?"
PNG, PDF = Path("card.png"), Path("page.pdf")
LIBRARY, _, KIND = DIALECT.partition(" ")
OPENAI: Any = {"base_url": f"{URL}/v1", "api_key": "none"}


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def url_of(path: Path) -> str:
    return f"data:{'image/png' if path == PNG else 'application/pdf'};base64,{base64_of(path)}"


def langchain() -> dict[str, Any]:
    from langchain_core.messages import HumanMessage

    model: Any
    if KIND == "anthropic":
        from langchain_anthropic import ChatAnthropic

        model = ChatAnthropic(model=MODEL, base_url=URL, api_key="none", max_tokens=100, temperature=0, max_retries=0)
    elif KIND == "ollama":
        from langchain_ollama import ChatOllama

        model = ChatOllama(model=MODEL, base_url=URL, temperature=0)
    else:
        from langchain_openai import ChatOpenAI

        model = ChatOpenAI(
            model=MODEL, temperature=0, max_retries=0, use_responses_api=KIND == "responses", **OPENAI
        )  # fmt: skip

    def ask(part: dict[str, Any]) -> str:
        return model.invoke([HumanMessage([part, {"type": "text", "text": QUESTION}])]).text

    page = {"type": "file", "base64": base64_of(PDF), "mime_type": "application/pdf", "filename": PDF.name}
    told = {
        "png": ask({"type": "image", "base64": base64_of(PNG), "mime_type": "image/png"}),
        "url": ask({"type": "image_url", "image_url": {"url": url_of(PNG)}}),
    }
    return told if KIND == "ollama" else told | {"pdf": ask(page)}


def pydantic_ai() -> dict[str, Any]:
    from pydantic_ai import Agent, BinaryContent

    model: Any
    if KIND == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        model = AnthropicModel(MODEL, provider=AnthropicProvider(api_key="none", base_url=URL))
    elif KIND == "ollama":
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        model = OllamaModel(MODEL, provider=OllamaProvider(base_url=f"{URL}/v1"))
    else:
        from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider

        kind = OpenAIResponsesModel if KIND == "responses" else OpenAIChatModel
        model = kind(MODEL, provider=OpenAIProvider(**OPENAI))
    agent = Agent(model, model_settings={"temperature": 0.0, "max_tokens": 100})
    kinds = {"png": (PNG, "image/png"), "pdf": (PDF, "application/pdf")}
    return {
        name: agent.run_sync([BinaryContent(path.read_bytes(), media_type=media), QUESTION]).output
        for name, (path, media) in kinds.items()
    }


def agents() -> dict[str, Any]:
    from agents import (
        Agent,
        ModelSettings,
        OpenAIChatCompletionsModel,
        OpenAIResponsesModel,
        Runner,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    kind = OpenAIResponsesModel if KIND == "responses" else OpenAIChatCompletionsModel
    agent = Agent(name="seer", model=kind(MODEL, AsyncOpenAI(**OPENAI)), model_settings=ModelSettings(temperature=0.0))

    parts: dict[str, Any] = {
        "png": {"type": "input_image", "image_url": url_of(PNG), "detail": "auto"},
        "pdf": {"type": "input_file", "file_data": url_of(PDF), "filename": PDF.name},
    }

    async def ask() -> dict[str, Any]:
        contents = {name: [part, {"type": "input_text", "text": QUESTION}] for name, part in parts.items()}
        turns: Any = {name: [{"role": "user", "content": content}] for name, content in contents.items()}
        return {name: (await Runner.run(agent, turn)).final_output for name, turn in turns.items()}

    return asyncio.run(ask())


def haystack() -> dict[str, Any]:
    from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
    from haystack.dataclasses import ChatMessage, FileContent, ImageContent
    from haystack.utils import Secret

    kind: Any = OpenAIResponsesChatGenerator if KIND == "responses" else OpenAIChatGenerator
    key = Secret.from_token("none")
    model = kind(model=MODEL, api_base_url=f"{URL}/v1", api_key=key, generation_kwargs={"temperature": 0})
    parts = {"png": ImageContent.from_file_path(PNG), "pdf": FileContent.from_file_path(PDF)}
    return {
        name: model.run([ChatMessage.from_user(content_parts=[part, QUESTION])])["replies"][0].text
        for name, part in parts.items()
    }


def smolagents() -> dict[str, Any]:
    from PIL import Image
    from smolagents import OpenAIModel

    model = OpenAIModel(model_id=MODEL, api_base=f"{URL}/v1", api_key="none", temperature=0)
    content: Any = [{"type": "image", "image": Image.open(PNG)}, {"type": "text", "text": QUESTION}]
    return {"png": model.generate([{"role": "user", "content": content}]).content}


def ollama() -> dict[str, Any]:
    from ollama import Client

    client, how = Client(URL), {"temperature": 0}
    forms: dict[str, Any] = {"path": str(PNG), "png": PNG.read_bytes(), "base64": base64_of(PNG)}
    asked = {name: [{"role": "user", "content": QUESTION, "images": [image]}] for name, image in forms.items()}
    told = {name: client.chat(MODEL, messages, options=how).message.content for name, messages in asked.items()}
    return told | {"generated": client.generate(MODEL, QUESTION, images=[PNG], options=how).response}


def litellm() -> dict[str, Any]:
    from litellm import completion

    def ask(part: Any) -> Any:
        base = URL if KIND != "openai" else f"{URL}/v1"
        messages = [{"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}]
        model = f"{KIND}/{MODEL}"
        return completion(model, messages, api_base=base, api_key="none", temperature=0, max_tokens=100).choices[0]

    told = {"png": ask({"type": "image_url", "image_url": {"url": url_of(PNG)}}).message.content}
    if KIND in ("openai", "anthropic"):
        page = {"type": "file", "file": {"filename": PDF.name, "file_data": url_of(PDF)}}
        told["pdf"] = ask(page).message.content
    return told


def instructor() -> dict[str, Any]:
    from typing import Literal

    import instructor as library
    from instructor.processing.multimodal import PDF as Document
    from instructor.processing.multimodal import Image
    from openai import OpenAI
    from pydantic import BaseModel

    class Number(BaseModel):
        number: Literal["36", "58", "91"]

    client = library.from_openai(OpenAI(max_retries=0, **OPENAI), mode=library.Mode.TOOLS)

    def ask(part: Any) -> str:
        messages: Any = [{"role": "user", "content": [part, QUESTION]}]
        create = client.chat.completions.create
        return create(model=MODEL, response_model=Number, messages=messages, temperature=0, max_retries=1).number

    return {"png": ask(Image.from_path(PNG)), "pdf": ask(Document.from_path(PDF))}


tell(**globals()[LIBRARY]())
