"""Which replica a prompt goes to."""

from __future__ import annotations

from galop.backends.cluster.prefixes import MOST_AHEAD, PrefixMap

HEAD, TAIL = list(range(64)), list(range(100, 164))


def test_a_prompt_goes_where_its_beginning_is_known() -> None:
    seen = PrefixMap()
    seen.note("", HEAD, "b")
    assert {seen.choose("", HEAD + TAIL, ("a", "b", "c")) for _ in range(50)} == {"b"}
    assert {seen.choose("", TAIL, ("a", "b", "c")) for _ in range(200)} == {"a", "b", "c"}
    assert {seen.choose("another", HEAD, ("a", "b", "c")) for _ in range(200)} == {"a", "b", "c"}
    assert seen.choose("", HEAD, ()) == ""


def test_what_a_replica_may_have_ahead_is_by_what_it_knows() -> None:
    seen = PrefixMap()
    for other in range(2):
        seen.note("", [*HEAD, *range(200 + other, 264 + other)], "b")  # so it is no conversation that goes on
    seen.under_way["b"] = MOST_AHEAD
    assert seen.choose("", HEAD, ("a", "b")) == "b"
    assert seen.choose("", HEAD + TAIL, ("a", "b")) == "a"
    seen.under_way["b"] = MOST_AHEAD // 2
    assert seen.choose("", HEAD + TAIL, ("a", "b")) == "b"
    seen.under_way["a"] = seen.under_way["b"] = 1000
    assert seen.choose("", HEAD, ("a", "b")) == "b"


def test_a_conversation_stays_where_it_began_and_what_many_begin_with_spreads() -> None:
    seen = PrefixMap()
    seen.note("", HEAD, "b")
    seen.note("", HEAD + TAIL[:40], "b")  # with an answer, of which the next turn may leave out the thinking
    seen.under_way["b"] = MOST_AHEAD
    for turn in (TAIL, TAIL * 9):
        assert seen.choose("", HEAD + turn, ("a", "b")) == "b"
    seen.under_way["b"] += 1
    assert seen.choose("", HEAD + TAIL, ("a", "b")) == "a"
    seen.under_way.clear()
    sent = []
    for number in range(60):
        prompt = [*HEAD, *range(1000 * number, 1000 * number + 256)]
        sent.append(seen.choose("", prompt, ("a", "b")))
        seen.under_way[sent[-1]] += 1
        seen.note("", prompt, sent[-1])
    assert abs(sent.count("a") - sent.count("b")) <= 5


def test_a_replica_that_failed_is_not_chosen_while_there_are_others() -> None:
    seen = PrefixMap()
    seen.note("", HEAD, "b")
    seen.under_way["a"] = 5
    seen.forget("b")
    assert {seen.choose("", HEAD, ("a", "b")) for _ in range(50)} == {"a"}
    assert seen.choose("", HEAD, ("b",)) == "b"
    seen.trust("b")
    assert seen.choose("", HEAD, ("a", "b")) == "b"  # which has nothing to do, and knows nothing
