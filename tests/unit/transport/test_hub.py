"""What the sessions share."""

from __future__ import annotations

import pytest

from tests.unit.transport.harness import EVENTS, FakeRpc
from vdsm.transport import Addresses, StompHub, TransportCounters, TransportLimits
from vdsm.transport.subscriptions import Subscription


def _hub(addresses: Addresses | None = None) -> StompHub:
    return StompHub(FakeRpc(), TransportLimits(), TransportCounters(), addresses)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("jms.topic.vdsm_requests", True),
        ("jms.topic.vdsm_irs_requests", True),
        ("jms.topic.vdsm_requests.sub", True),
        ("jms.topic.vdsm_requestsX", False),
        ("jms.topic", False),
    ],
)
def test_request_queues(destination: str, expected: bool) -> None:
    assert _hub().is_request(destination) is expected


def test_addresses_are_configurable() -> None:
    hub = _hub(Addresses(request_queues=("q",), event_queue="e.v"))
    assert hub.is_request("q.1")
    assert not hub.is_request("jms.topic.vdsm_requests")


def test_events_go_to_the_queue_and_its_parents() -> None:
    hub = _hub()
    got: list[tuple[str, bytes]] = []

    def listen(name: str) -> None:
        hub.table.add(Subscription(name, name, lambda frame: got.append((name, frame))))

    for name in (EVENTS, "jms", "jms.queue.other"):
        listen(name)
    hub.publish(b"{}")
    assert [name for name, _frame in got] == [EVENTS, "jms"]
    assert all(b"destination:jms.queue.events\n" in frame for _name, frame in got)
