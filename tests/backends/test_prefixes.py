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
    seen.note("", HEAD, "b")
    seen.under_way["b"] = MOST_AHEAD
    assert seen.choose("", HEAD, ("a", "b")) == "b"
    assert seen.choose("", HEAD + TAIL, ("a", "b")) == "a"
    seen.under_way["b"] = MOST_AHEAD // 2
    assert seen.choose("", HEAD + TAIL, ("a", "b")) == "b"
    seen.under_way["a"] = seen.under_way["b"] = 1000
    assert seen.choose("", HEAD, ("a", "b")) == "b"


def test_a_replica_that_failed_is_not_chosen_while_there_are_others() -> None:
    seen = PrefixMap()
    seen.note("", HEAD, "b")
    seen.under_way["a"] = 5
    seen.forget("b")
    assert {seen.choose("", HEAD, ("a", "b")) for _ in range(50)} == {"a"}
    assert seen.choose("", HEAD, ("b",)) == "b"
    seen.trust("b")
    assert seen.choose("", HEAD, ("a", "b")) == "b"  # which has nothing to do, and knows nothing
