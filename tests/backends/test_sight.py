"""A model with eyes, of random weights, as a backend: what it makes of a picture is the same bytes however it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from drawn import encoded, gradient, noise
from tiny import write_gguf
from tiny_eyes import write_eyes

from galop.backends.events import Done, Failure, Text
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.backends.protocol import GenerationRequest
from galop.chat.content import make_content
from galop.chat.thinking import Thinking
from galop.engine.disk_cache import DiskCache
from galop.engine.sampling import Sampling
from galop.errors import BlindModelError, ModelFileError, PictureError
from galop.pictures import file_kinds, picture
from galop.pictures.picture import Picture, open_picture

GREEDY = Sampling(0.0)
CAT, DOG = open_picture(encoded(noise(100, 150))), open_picture(encoded(gradient(96, 128)))
LARGE = open_picture(encoded(noise(544, 544, 3)))  # 289 tokens


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_eyes(tmp_path_factory.mktemp("eyes") / "eyes")


@pytest.fixture
def model(files: Path) -> Iterator[Model]:
    with load_path(files, threads=1) as one:
        yield one


def said(*parts: str | Picture) -> list[dict[str, Any]]:
    return [{"role": "user", "content": make_content(parts)}]


def answer(model: Model, messages: Sequence[Any], tokens: int = 10, **options: Any) -> tuple[list[int], Done]:
    """The tokens of an answer, which its text need not tell."""
    prompt = model.prompt(messages, Thinking())
    request = GenerationRequest(prompt, GREEDY, tokens, logprobs=0, **options)
    events = list(model.stream(request))
    drawn = [token.token for event in events if isinstance(event, Text) for token in event.drawn]
    done = events[-1]
    assert isinstance(done, Done)
    return drawn, done


def test_what_is_answered_depends_on_what_is_seen(model: Model) -> None:
    assert model.capabilities.sees
    of_cat, of_dog, of_none = (answer(model, said(*parts))[0] for parts in ([CAT, "What?"], [DOG, "What?"], ["What?"]))
    assert of_cat != of_dog != of_none != of_cat


def test_a_second_question_runs_no_tower(model: Model) -> None:
    prompt = len(model.prompt(said(CAT, "What is this?"), Thinking()))
    first, done = answer(model, said(CAT, "What is this?"))
    assert done.cached_tokens == 0 and model.statistics().pictures_seen == 1
    again, done = answer(model, said(CAT, "What is this?"))
    assert again == first and done.cached_tokens == prompt - 1
    _, done = answer(model, said(CAT, "And what else?"))
    assert done.cached_tokens > 20 and model.statistics().pictures_seen == 1
    bmp = open_picture(encoded(noise(100, 150), "BMP"))  # of the same pixels
    assert answer(model, said(bmp, "What is this?"))[0] == first and model.statistics().pictures_seen == 1


def test_the_same_after_a_restart(files: Path, tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "kv", 64 << 20)
    with load_path(files, threads=1, disk_cache=cache) as model:
        first, _ = answer(model, said(LARGE, "What is this?"))
    with load_path(files, threads=1, disk_cache=DiskCache(tmp_path / "kv", 64 << 20)) as model:
        again, done = answer(model, said(LARGE, "What is this?"))
        assert again == first and model.statistics().pictures_seen == 0 and done.cached_tokens >= 288
    with load_path(files, threads=1, disk_cache=DiskCache(tmp_path / "kv", 64 << 20)) as model:
        other = open_picture(encoded(noise(544, 544, 4)))
        assert answer(model, said(other, "What is this?"))[1].cached_tokens < 32


def test_clients_share_nothing(model: Model) -> None:
    mine, _ = answer(model, said(CAT, "What?"), client="one")
    _, done = answer(model, said(CAT, "What?"), client="two")
    assert done.cached_tokens == 0 and model.statistics().pictures_seen == 2
    assert answer(model, said(CAT, "What?"), client="one")[0] == mine


def test_two_pictures_and_one_in_a_later_turn(files: Path) -> None:
    turns = [*said(CAT, "First"), {"role": "assistant", "content": "Yes."}, *said("And ", DOG, " this ", CAT, "?")]
    answers = []
    for warm in (False, True):
        with load_path(files, threads=1) as model:
            if warm:
                answer(model, turns[:1])
                answer(model, said(DOG, "Apart"))
            answers.append(answer(model, turns)[0])
    assert answers[0] == answers[1]


def test_chunks_and_speculation_change_nothing(files: Path) -> None:
    question = said("Read: ", LARGE, "What is this? What is this? What is this?")
    answers = []
    for chunk, speculate in ((512, False), (64, True), (96, False)):
        with load_path(files, threads=1) as model:
            model.engine.chunk = chunk
            model.engine.adapt_chunk = lambda *_: None  # type: ignore[method-assign]
            answers.append(answer(model, question, 24, speculate=speculate)[0])
    assert answers[0] == answers[1] == answers[2]


def gather(
    model: Model, prompts: Sequence[list[int]], tokens: int = 10, sampling: Sampling = GREEDY
) -> list[list[int]]:
    """What several ask at once."""
    queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in prompts]
    for prompt, queue in zip(prompts, queues, strict=True):
        model.submit(GenerationRequest(prompt, sampling, tokens, logprobs=0), queue.put)
    while model.scheduler.step():
        pass
    answers = []
    for queue in queues:
        drawn: list[int] = []
        while not isinstance(event := queue.get(), Done | Failure):
            drawn += [token.token for token in getattr(event, "drawn", ())]
        answers.append(drawn if isinstance(event, Done) else [-1])
    return answers


def test_sixteen_at_once_are_what_each_is_alone(files: Path) -> None:
    pictures = [open_picture(encoded(noise(64 + 8 * i, 96, i))) for i in range(8)]
    messages = [said(p, "What?") for p in pictures] + [said("Look: ", p, "Why?") for p in pictures]
    alone = []
    with load_path(files, threads=1) as model:
        alone = [answer(model, m)[0] for m in messages]
    with load_path(files, threads=1) as model:
        together = gather(model, [model.prompt(m, Thinking()) for m in messages])
        assert together == alone
        assert model.statistics().pictures_seen == 8


def test_preempted_sequences_see_again(files: Path) -> None:
    messages = [said(open_picture(encoded(noise(256, 256, i))), "What is this?") for i in range(4)]
    with load_path(files, threads=1) as model:
        alone = [answer(model, m, 60)[0] for m in messages]
    with load_path(files, threads=1, context=256) as model:  # room for two or three
        prompts = [model.prompt(m, Thinking()) for m in messages]
        assert gather(model, prompts, 60) == alone


def test_penalties_pass_a_picture_by(model: Model) -> None:
    [plain] = gather(model, [model.prompt(said(CAT, "abc"), Thinking())])
    how = replace(GREEDY, repetition_penalty=1.5, presence_penalty=1.0)
    [penalised] = gather(model, [model.prompt(said(CAT, "abc"), Thinking())], sampling=how)
    assert plain != penalised and -1 not in penalised


def test_a_picture_that_cannot_be_decoded_any_more_fails_alone(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    good = model.prompt(said(DOG, "What?"), Thinking())
    [expected] = gather(model, [good])
    broken = model.prompt(said(open_picture(encoded(noise(40, 40, 77))), "What?"), Thinking())
    picture._LATEST.clear()
    monkeypatch.setattr(file_kinds, "MOST_BYTES", 10)
    assert gather(model, [broken, good]) == [[-1], expected]


def test_a_large_picture_is_looked_at_in_fewer_tokens(files: Path) -> None:
    with load_path(files, threads=1, context=256) as model:
        huge = open_picture(encoded(gradient(2000, 3000)))
        prompt = model.prompt(said(huge, "What?"), Thinking())
        assert 100 < len([id for id in prompt if id < 0]) <= 128
        answer(model, said(huge, "What?"), 4)


def test_a_prompt_that_was_cut_within_a_picture(model: Model) -> None:
    prompt = model.prompt(said(CAT, "What?"), Thinking())
    inside = next(i for i, id in enumerate(prompt) if id < 0) + 2
    for cut in (prompt[inside:], prompt[:inside]):
        with pytest.raises(PictureError, match="cut within a picture"):
            model.submit(GenerationRequest(cut, GREEDY, 4), lambda _: None)
    with pytest.raises(PictureError, match="leave prompt_logprobs out"):
        model.submit(GenerationRequest(prompt, GREEDY, 4, prompt_logprobs=1), lambda _: None)


def test_nothing_is_kept_of_a_picture_but_what_was_seen(model: Model) -> None:
    answer(model, said(CAT, "What?"))
    kept = [token for entry in model.engine.prefix_cache._entries.values() for token in entry.tokens]
    assert any(token < 0 for token in kept) and {type(token) for token in kept} == {int}


def test_who_has_no_tower_says_so(tmp_path: Path) -> None:
    blind = write_gguf(tmp_path / "blind.gguf", template="{{ messages[0].content }}")
    with load_path(blind, threads=1) as model:
        assert not model.capabilities.sees
        with pytest.raises(BlindModelError, match="sees no pictures"):
            model.prompt(said(CAT, "What?"), Thinking())
    with pytest.raises(ModelFileError, match="blind.gguf holds no vision tower"):
        load_path(blind, threads=1, mmproj=blind)
