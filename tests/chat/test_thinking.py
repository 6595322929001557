"""Thinking apart from the answer, wherever the stream is cut."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from galop import Sampling
from galop.backends.load import load
from galop.chat.harmony import HarmonySplitter
from galop.chat.renderer import capabilities_of
from galop.chat.thinking import (
    BUDGET_SPENT,
    Thinking,
    ThinkingBudget,
    ThinkingSplitter,
    starts_thinking,
    thinking_support,
)
from galop.chat.thinking_tags import TAGS, ThinkingTags
from galop.chat.tools import ToolCall
from galop.tokenizers.tokenizer import Tokenizer

GEMMA, MISTRAL, SEED, PLAIN = (TAGS[name] for name in ("gemma", "mistral", "seed", "think"))
CASES = [
    ("<think>\nHm.\n</think>\n\nYes.", False, "Hm.", "Yes."),
    ("Hm. So </thin is no tag\n</think>\nYes.", True, "Hm. So </thin is no tag", "Yes."),
    ("<think>\n\n</think>\n\nYes.", False, "", "Yes."),
    ("Yes, <think> is a tag.", False, "", "Yes, <think> is a tag."),
    ("  \nYes.", False, "", "  \nYes."),
    ("<thin", False, "", "<thin"),
    ("<think>\ncut off", False, "cut off", ""),
    ("<think>a</think>b</think>c", False, "a", "b</think>c"),
    ("", False, "", ""),
]


# Of families with tags of their own: what is thought, and what is said.
OTHERS = [
    (GEMMA, "<|channel>thought\nHm.\n<channel|>Yes.", False, "Hm.", "Yes."),
    (GEMMA, "<|channel>thought\n<channel|>Yes.", False, "", "Yes."),
    (GEMMA, "<|channel>thought\nA<channel|>Let me.<|channel>thought\nB<channel|>Yes.", False, "AB", "Let me.Yes."),
    (GEMMA, "Hm.<channel|>Yes. a <| b", True, "Hm.", "Yes. a <| b"), (GEMMA, "<|channel>thou", False, "thou", ""),
    (MISTRAL, "[THINK]Hm. [1]\n[/THINK]Yes [2].", False, "Hm. [1]", "Yes [2]."), (MISTRAL, "[1] Yes.", False, "", "[1] Yes."),
    (SEED, "<seed:think>Hm.</seed:think>\nYes. <think>", False, "Hm.", "Yes. <think>"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "text", "opened", "thought", "answer"), [*((PLAIN, *case) for case in CASES), *OTHERS]
)
def test_every_way_of_cutting_gives_the_same(
    tags: ThinkingTags, text: str, opened: bool, thought: str, answer: str
) -> None:
    for step in (1, 2, 3, 5, 7, 100):
        for offset in range(min(step, len(text) + 1)):
            splitter = ThinkingSplitter(opened, tags)
            pieces = [text[:offset], *(text[i : i + step] for i in range(offset, len(text), step))]
            found = [part for piece in pieces for part in splitter.push(piece)] + splitter.push("", final=True)
            assert "".join(t for thinking, t in found if thinking) == thought, (step, offset)
            assert "".join(t for thinking, t in found if not thinking) == answer, (step, offset)
            order = [thinking for thinking, _ in found]
            assert tags.again or order == sorted(order, reverse=True)  # never back to thinking


ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
CALL = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
MESSAGES = [
    (f"{ANALYSIS}Hm.<|end|><|start|>assistant{FINAL}Yes. a <| b<|return|>", False, "Hm.", "Yes. a <| b"),
    (f"Hm.<|end|><|start|>assistant{FINAL}Yes.", True, "Hm.", "Yes."), (f"{FINAL}Yes.", False, "", "Yes."),
    (f"{ANALYSIS}A<|end|><|start|>assistant{ANALYSIS}B<|end|><|start|>assistant{FINAL}C", False, "AB", "C"),
    (f"A<|end|><|start|>assistant<|channel|>commentary<|message|>Let me.<|end|>{CALL}{{}}<|call|>", True, "A", "Let me." + CALL + "{}"),
    (" to=functions.f<|channel|>commentary json<|message|>{}", False, "", " to=functions.f<|channel|>commentary json<|message|>{}"),
    (f"Hm.<|start|>assistant{FINAL}Yes.", True, "Hm.", "Yes."), ("Yes.", False, "", "Yes."), ("Hm.<|end|><|start|>assis", True, "Hm.", ""),
    (f"{FINAL[:-3]}", False, "", ""), ("assist him", False, "", "assist him"), ("", False, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "opened", "thought", "answer"), MESSAGES)
def test_messages_of_harmony_are_told_apart_wherever_they_are_cut(
    text: str, opened: bool, thought: str, answer: str
) -> None:
    for step in (1, 2, 3, 5, 7, 200):
        for offset in range(min(step, len(text) + 1)):
            splitter = HarmonySplitter(opened, calls=True)
            pieces = [text[:offset], *(text[i : i + step] for i in range(offset, len(text), step))]
            found = [part for piece in pieces for part in splitter.push(piece)] + splitter.push("", final=True)
            assert "".join(t for thinking, t in found if thinking) == thought, (step, offset)
            assert "".join(t for thinking, t in found if not thinking) == answer, (step, offset)
    plain = HarmonySplitter(False, calls=False)
    assert "to=functions" not in "".join(t for _, t in plain.push(text, final=True))


MINI = Tokenizer((files("galop.recipes.mini") / "tokenizer.json").read_text("utf-8"))
RAW = json.loads((files("galop.recipes.mini") / "tokenizer.json").read_text("utf-8"))
SENTENCE = {
    **RAW["added_tokens"][-1],
    "id": 512,
    "content": "Considering the limited time by the user",
    "special": False,
}
WORDY = Tokenizer(json.dumps({**RAW, "added_tokens": [*RAW["added_tokens"], SENTENCE]}))  # which knows some words
WORDS = MINI.encode("47 times 83 is 3901. ") * 40


def led(constraint: ThinkingBudget, words: list[int], limit: int) -> list[int]:
    """What a model says that goes on with `words` unless it is led otherwise."""
    said: list[int] = []
    for word in words:
        said += [word, *constraint.accept(word)]
        if len(said) >= limit:
            break
    return said[:limit]


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("budget", [0, 1, 16, 100])
def test_a_spent_budget_closes_the_thinking_once_and_the_answer_follows(budget: int, words: bool) -> None:
    """In the report's words, unless the vocabulary has none."""
    tokens = WORDY if words else MINI
    opened = tokens.encode_control("<think>\n")
    said = led(ThinkingBudget(tokens, False, budget, 2000), [*opened, *WORDS], 2000)
    text = "".join(tokens._tokenizer.decode(said, skip_special_tokens=False))
    assert text.count("</think>") == 1 and (BUDGET_SPENT.strip() in text) == words
    thought = said[len(opened) : len(said)]
    closing = tokens.encode_control(f"{BUDGET_SPENT if words else ''}\n</think>\n\n")
    at = next(i for i in range(len(said)) if said[i : i + len(closing)] == closing)
    drawn = at - len(opened) if budget else at - 1
    assert drawn == budget and thought and len(said) > at + len(closing)


@pytest.mark.parametrize("limit", [8, 20, 64, 300, 1500])
def test_a_limited_reply_keeps_room_for_its_answer(limit: int) -> None:
    """Thinking never takes all of max_tokens: an empty answer is what users complain of most."""
    said = led(ThinkingBudget(MINI, True, None, limit), WORDS * 4, limit)
    close = MINI.id("</think>")
    assert close in said
    assert len(said) - said.index(close) - 2 >= min(512, limit // 2) - 1


def test_thinking_that_ends_by_itself_is_left_alone() -> None:
    said = led(ThinkingBudget(MINI, True, 50, 400), [*MINI.encode_control("short\n</think>\n\n"), *WORDS], 400)
    assert said.count(MINI.id("</think>") or -1) == 1 and BUDGET_SPENT.strip() not in MINI.decode(said)
    plain = led(ThinkingBudget(MINI, False, 0, 400), WORDS, 400)
    assert plain == WORDS[:400]


QWEN3 = "{%- if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>{%- endif %}"
GEMMA4 = (
    "{% if enable_thinking is defined and enable_thinking %}<|turn>system\n<|think|>\n<turn|>\n{% endif %}<|turn>model\n"
    "{% if not enable_thinking | default(false) %}<|channel>thought\n<channel|>{% endif %}"
)
SEED_OSS = (
    "{% if thinking_budget is defined %}Think for {{ thinking_budget }} tokens.{% endif %}<seed:bos>assistant\n"
    "{% if thinking_budget is defined and thinking_budget == 0 %}<seed:think></seed:think>{% endif %}"
)
QWEN35 = "<|im_start|>assistant\n{% if enable_thinking | default(none) is false %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}"
STYLE_CASES = [
    (QWEN3, Thinking(), {}, True), (QWEN3, Thinking(on=False), {"enable_thinking": False}, False),
    (QWEN3, Thinking(budget=0), {"enable_thinking": False}, False),
    (QWEN3, Thinking(budget=64), {"enable_thinking": True}, True),
    ("{%- if thinking %}<think>{%- endif %}</think>", Thinking(), {}, False),
    ("{%- if thinking %}<think>{%- endif %}</think>", Thinking(on=True), {"thinking": True}, True),
    ("{{'<｜Assistant｜><think>\\n'}}", Thinking(on=False), {}, True),
    ("{{ content.split('</think>')[-1] }}", Thinking(), {}, True), ("{{ messages }}", Thinking(on=True), {}, False),
    # Words that only look like a switch, and one that is off unless it is asked for.
    ("{# enable_thinking #}{{ messages }}", Thinking(on=True), {}, False),
    ("{% if enable_thinking %}<think>{% else %}<think></think>{% endif %}", Thinking(), {}, False),
    ("{% if reason_aloud %}<think>{% endif %}", Thinking(on=True), {"reason_aloud": True}, True),
    (GEMMA4, Thinking(), {}, False), (GEMMA4, Thinking(on=True), {"enable_thinking": True}, True),
    (SEED_OSS, Thinking(), {}, True), (SEED_OSS, Thinking(on=False), {"thinking_budget": 0}, False),
    (SEED_OSS, Thinking(budget=512), {"thinking_budget": 512}, True), (SEED_OSS, Thinking(on=True), {}, True),
    (QWEN35, Thinking(), {}, True), (QWEN35, Thinking(on=False), {"enable_thinking": False}, False),
    (QWEN35.replace("is false", "is not true"), Thinking(), {}, False),
    (QWEN35.replace("is false", "is not true"), Thinking(on=True), {"enable_thinking": True}, True),
    ("[SYSTEM_PROMPT]Write [THINK]thoughts[/THINK]first.", Thinking(), {}, True),
]  # fmt: skip


@pytest.mark.parametrize(("template", "asked", "variables", "expected"), STYLE_CASES)
def test_every_family_is_switched_its_own_way(
    template: str, asked: Thinking, variables: dict[str, bool], expected: bool
) -> None:
    style = thinking_support(capabilities_of(template))
    assert asked.variables(style) == variables and asked.will_think(style) == expected


def test_what_requests_say_of_thinking() -> None:
    assert Thinking.from_request(None, "none", None) == Thinking(False, 0)
    assert Thinking.from_request(None, "low", None) == Thinking(True, 1024)
    assert Thinking.from_request(None, "max", None) == Thinking(True, None)
    assert Thinking.from_request(False, None, 500) == Thinking(False, 500)
    assert Thinking.from_request(None, "high", 64) == Thinking(True, 64)
    assert not Thinking(False, 500).will_think(thinking_support(capabilities_of(QWEN3)))


def test_an_end_token_closes_the_thinking_and_the_answer_follows() -> None:
    [end] = MINI.encode_control("<|im_end|>")
    close = MINI.id("</think>")
    for budget in (None, 100):
        constraint = ThinkingBudget(MINI, True, budget, 400, stop_ids=[end], rows=600)
        said = led(constraint, [constraint.interpret(word) for word in [*WORDS[:5], end]], 400)
        assert said == [*WORDS[:5], close, *MINI.encode("\n\n")]
        assert constraint.interpret(end) == end  # the answer may end
        mask = constraint.mask()
        assert mask is not None and close is not None
        assert not mask[close // 32] >> close % 32 & 1 and mask[0] == 0xFFFFFFFF  # once closed is closed


ADD = {"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}}}  # fmt: skip


def test_a_reply_that_owes_a_call_makes_one_however_its_thinking_ends() -> None:
    with load("qwen3-mini") as model:
        for seed in range(12):
            how = {"tool_choice": "required", "sampling": Sampling(1.0, seed=seed), "max_tokens": 400}
            events = list(model.chat([{"role": "user", "content": "What is 12 + 5?"}], tools=[ADD], **how))
            assert any(isinstance(e, ToolCall) for e in events), seed


def test_tags_of_a_family_open_and_close_its_thinking() -> None:
    """Control tokens of the vocabulary: a budget closes what the prompt or the model opens."""
    for tags in (GEMMA, MISTRAL, SEED):
        names = [
            {**RAW["added_tokens"][-1], "id": 512 + i, "content": name}
            for i, name in enumerate((tags.open, tags.close))
        ]
        tokens = Tokenizer(json.dumps({**RAW, "added_tokens": [*RAW["added_tokens"], *names]}))
        opened = tokens.encode_control(f"Hi{tags.opening}")
        closed = tokens.encode_control(f"Hi{tags.opening}{tags.close}{tags.before_answer}")
        assert starts_thinking(tokens, opened, (), tags) and not starts_thinking(tokens, closed, (), tags)
        for constraint in (
            ThinkingBudget(tokens, False, 9, 200, tags=tags),
            ThinkingBudget(tokens, True, 9, 200, tags=tags),
        ):
            said = led(constraint, [*tokens.encode_control(tags.opening), *WORDS], 200)
            assert said.count(tokens.id(tags.close) or -1) == 1


HARMONY = TAGS["harmony"]
GPT_OSS = (
    "<|start|>system<|message|>Reasoning: {{ reasoning_effort or 'medium' }}<|end|>{% for m in messages %}<|start|>{{ m.role }}"
    "<|message|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}{# <|channel|> #}"
)


def test_gpt_oss_thinks_as_much_as_it_is_asked_to() -> None:
    support = thinking_support(capabilities_of(GPT_OSS))
    assert support and support.tags == HARMONY and support.effort and not support.variable
    for asked, effort in (("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "high")):
        thinking = Thinking.from_request(None, asked, None)
        assert thinking.variables(support) == {"reasoning_effort": effort} and thinking.will_think(support)
    assert Thinking().variables(support) == {} and Thinking().opening(support) == ANALYSIS
    off = Thinking(on=False)
    assert off.variables(support) == {"reasoning_effort": "low"} and not off.will_think(support)
    assert off.opening(support) == f"{ANALYSIS}<|end|><|start|>assistant"


def test_a_budget_ends_the_analysis_of_harmony_and_begins_its_answer() -> None:
    names = [{**RAW["added_tokens"][-1], "id": 512 + i, "content": name} for i, name in enumerate(HARMONY.tokens)]
    tokens = Tokenizer(json.dumps({**RAW, "added_tokens": [*RAW["added_tokens"], *names]}))
    opened = tokens.encode_control(f"<|start|>assistant{ANALYSIS}")
    closed = tokens.encode_control(f"<|start|>assistant{ANALYSIS}<|end|><|start|>assistant")
    continued = tokens.encode_control(f"<|start|>assistant{FINAL}Yes")
    assert [starts_thinking(tokens, ids, (), HARMONY) for ids in (opened, closed, continued)] == [True, False, False]
    said = led(ThinkingBudget(tokens, True, 9, 200, tags=HARMONY), WORDS, 200)
    text = tokens._tokenizer.decode(said, skip_special_tokens=False)
    assert text.count(f"<|end|><|start|>assistant{FINAL}") == 1
