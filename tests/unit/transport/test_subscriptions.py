"""Destinations, their dot-prefix parents, and the table of subscriptions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vdsm.common.stomp import Parser
from vdsm.transport.subscriptions import Subscription, SubscriptionTable, and_parents, is_at_or_below

_destinations = st.lists(st.sampled_from(["a", "b", "jms"]), min_size=1, max_size=4).map(".".join)


def _quiet(_frame: bytes) -> None:
    pass


def test_parents() -> None:
    assert list(and_parents("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(and_parents(".a")) == [".a"]
    assert is_at_or_below("a.b", "a")
    assert not is_at_or_below("a.bc", "a.b")


@given(st.lists(_destinations, max_size=8), _destinations)
def test_find_gives_exactly_those_at_or_above(subscribed: list[str], destination: str) -> None:
    table = SubscriptionTable()
    subscriptions = [Subscription(str(number), name, _quiet) for number, name in enumerate(subscribed)]
    for subscription in subscriptions:
        table.add(subscription)
    expected = {s.id for s in subscriptions if is_at_or_below(destination, s.destination)}
    assert {s.id for s in table.find(destination)} == expected
    for subscription in subscriptions:
        table.remove(subscription)
        table.remove(subscription)
    assert len(table) == 0
    assert table.find(destination) == ()


def test_what_was_found_is_forgotten_when_a_subscription_comes_or_goes() -> None:
    table = SubscriptionTable()
    assert table.find("a.b") == ()
    first, second = Subscription("1", "a", _quiet), Subscription("2", "a.b", _quiet)
    table.add(first)
    assert table.find("a.b") == (first,)
    table.add(second)
    assert table.find("a.b") == (second, first)
    table.remove(first)
    assert table.find("a.b") == (second,)


def test_found_destinations_are_bounded() -> None:
    table = SubscriptionTable()
    table.add(Subscription("1", "a", _quiet))
    for number in range(10_000):
        assert len(table.find(f"a.{number}")) == 1
    assert len(table._found) <= 256


def test_a_delivery_is_one_message_with_content_length() -> None:
    frames: list[bytes] = []
    subscription = Subscription("i:d", "a", frames.append)
    for number in range(40):
        subscription.deliver(f"a.{number}", b"{}")
    parser = Parser()
    parser.feed(frames[-1])
    frame = parser.next_frame()
    assert frame is not None
    assert frame.command == "MESSAGE"
    assert frame.body == b"{}"
    assert frame.headers == {
        "destination": "a.39",
        "content-type": "application/json",
        "subscription": "i:d",
        "content-length": "2",
    }
