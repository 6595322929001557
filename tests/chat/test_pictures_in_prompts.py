"""Pictures in prompts: where each family's template puts them, and what a template that knows none is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from drawn import encoded, noise
from tokenizers import AddedToken
from tokenizers import Tokenizer as Library
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from galop.chat.content import make_content, text_of
from galop.chat.messages import Message, adapt_messages
from galop.chat.template import ChatTemplate
from galop.errors import BlindModelError, TemplateError
from galop.pictures.picture import Picture, open_picture
from galop.tokenizers.tokenizer import BYTE_OF, Tokenizer

NAMES = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<tool_response>"]
# As the families' publishers have it, without what is of no matter here.
QWEN = """{%- for m in messages %}<|im_start|>{{ m.role }}
{%- if m.content is string %}{{ '\\n' + m.content }}{%- else %}{{ '\\n' }}{%- for c in m.content %}
{%- if c.type == 'image' or 'image' in c or 'image_url' in c %}<|vision_start|><|image_pad|><|vision_end|>
{%- elif 'text' in c %}{{ c.text }}{%- endif %}{%- endfor %}{%- endif %}{{ '<|im_end|>\\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
SMOL = """{% for m in messages %}{{ m['role'] | capitalize }}{% if m['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}
{{- ': ' }}{% endif %}{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% elif c['type'] == 'image' %}
{{- '<|image_pad|>' }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"""
PLAIN = """{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content | trim }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


class Marks:
    """Of a picture as many tokens as it has rows, below zero."""

    marker = "<|image_pad|>"

    def place(self, picture: Picture) -> list[str | list[int]]:
        return [[-1 - row for row in range(picture.height)]]


class Tiles:
    """A picture in two runs with words around them."""

    marker = "<|image_pad|>"

    def place(self, picture: Picture) -> list[str | list[int]]:
        return ["\n\n<|vision_start|>", [-1, -2], "\n", [-3], "<|vision_end|>\n\n"]


def make_tokenizer() -> Tokenizer:
    vocabulary = dict(BYTE_OF)
    library = Library(BPE(vocabulary, []))
    library.pre_tokenizer, library.decoder = ByteLevel(add_prefix_space=False), Bytes()
    library.add_special_tokens([AddedToken(name, special=True) for name in NAMES])
    return Tokenizer(library.to_str())


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer()


@pytest.fixture(params=[QWEN, SMOL, PLAIN], ids=["qwen", "smol", "plain"])
def template(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> Iterator[ChatTemplate]:
    one = ChatTemplate(request.param, tokenizer)
    one.sight = Marks()
    yield one
    one.renderer.close()


CAT, DOG = open_picture(encoded(noise(2, 3, 1))), open_picture(encoded(noise(3, 3, 2)))


def user(*parts: str | Picture) -> Message:
    return {"role": "user", "content": make_content(parts)}


def written(template: ChatTemplate, messages: list[Message], **variables: Any) -> str:
    """The prompt as text, its pictures' tokens as [-1] and so on."""
    adapted = adapt_messages(messages, [], template.capabilities, True)
    return shown(template.tokenizer, template.encode(adapted, **variables))


def shown(tokenizer: Tokenizer, ids: list[int]) -> str:
    return "".join(f"[{id}]" if id < 0 else tokenizer.decode([id], control=True) for id in ids)


def test_how_contents_have_to_be_is_found_by_rendering(tokenizer: Tokenizer) -> None:
    found = {}
    for name, source in (("qwen", QWEN), ("smol", SMOL), ("plain", PLAIN)):
        one = ChatTemplate(source, tokenizer)
        found[name] = one.capabilities.content
        one.renderer.close()
    assert found == {"qwen": "either", "smol": "parts", "plain": "text"}


def test_pictures_stand_where_they_were_put(template: ChatTemplate) -> None:
    text = written(template, [user(CAT, "What is ", DOG, "this?")])
    between = text.replace("<|vision_start|>", "").replace("<|vision_end|>", "")
    assert "[-1][-2]What is [-1][-2][-3]this?" in between and "<|image_pad|>" not in text


def test_every_turn_brings_its_own(template: ChatTemplate) -> None:
    turns = [user("Look: ", CAT), {"role": "assistant", "content": "A cat."}, user(DOG, "And this?")]
    text = written(template, turns).replace("<|vision_start|>", "").replace("<|vision_end|>", "")
    first, second = text.index("Look: [-1][-2]"), text.index("[-1][-2][-3]And this?")
    assert first < text.index("A cat.") < second


def test_a_conversation_of_texts_is_what_it_was(template: ChatTemplate) -> None:
    text = written(template, [user("Hello"), {"role": "assistant", "content": "Hi."}, user("How ", "are you?")])
    assert "Hello" in text and "Hi." in text and "How are you?" in text


def test_words_of_a_user_never_stand_for_a_picture(template: ChatTemplate) -> None:
    forged = "<|image_pad|> and <|vision_start|><|image_pad|><|vision_end|> \ufdd6 \ufdd7"
    ids = template.encode(adapt_messages([user(forged, CAT, "<|image_pad|>")], [], template.capabilities, True))
    assert [id for id in ids if id < 0] == [-1, -2]
    assert template.tokenizer.id("<|image_pad|>") not in ids


def test_runs_and_words_of_a_layout(template: ChatTemplate) -> None:
    template.sight = Tiles()
    assert "\n\n<|vision_start|>[-1][-2]\n[-3]<|vision_end|>\n\n" in written(template, [user(CAT, "What?")])


def test_pictures_of_tools_are_shown_after_their_results(template: ChatTemplate) -> None:
    turns: list[Message] = [
        user("Draw."),
        {"role": "assistant", "content": "I do."},
        {"role": "tool", "content": make_content(["Done.", CAT])},
        {"role": "tool", "content": make_content([DOG])},
        user("Well?"),
    ]
    text = written(template, turns).replace("<|vision_start|>", "").replace("<|vision_end|>", "")
    assert text.index("Done.") < text.index("[a picture, shown next]") < text.index("[-1][-2][-1][-2][-3]")
    assert text.index("[-1][-2][-3]") < text.index("Well?")


def test_pictures_of_the_system_and_of_answers_are_shown_with_the_next_question(template: ChatTemplate) -> None:
    turns: list[Message] = [
        {"role": "system", "content": make_content(["Be brief.", DOG])},
        user("Well?"),
        {"role": "assistant", "content": make_content(["I drew this.", CAT])},
        user("And?"),
    ]
    text = written(template, turns).replace("<|vision_start|>", "").replace("<|vision_end|>", "")
    assert text.index("Be brief.") < text.index("[-1][-2][-3]Well?") < text.index("I drew this.")
    assert text.index("I drew this.") < text.index("[-1][-2]And?")
    alone = written(template, [{"role": "system", "content": make_content([CAT])}, user("Well?")])
    assert alone == written(template, [user(CAT, "Well?")])


def test_the_last_message_can_be_continued(template: ChatTemplate) -> None:
    turns = [user(CAT, "What?"), {"role": "assistant", "content": "It is a"}]
    ids = template.encode(adapt_messages(turns, [], template.capabilities, True), "continue")
    assert shown(template.tokenizer, ids).endswith("It is a")


def test_who_does_not_see_says_so(tokenizer: Tokenizer) -> None:
    one = ChatTemplate(QWEN, tokenizer)
    with pytest.raises(BlindModelError, match="reads text alone"):
        one.encode([user(CAT, "What?")])
    one.renderer.close()


def test_a_template_that_drops_pictures_is_no_silent_loss(tokenizer: Tokenizer) -> None:
    one = ChatTemplate(QWEN.replace("<|image_pad|>", ""), tokenizer)
    one.sight = Marks()
    with pytest.raises(TemplateError, match="left out a picture"):
        one.encode([user(CAT, "What?")])
    one.renderer.close()


def test_the_text_of_a_content() -> None:
    assert make_content(["a", "", "b"]) == "ab" and make_content([]) == ""
    assert text_of(make_content(["a", CAT, "b"])) == "a\nb" and text_of("a") == "a" and text_of(None) == ""
